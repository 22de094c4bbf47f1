// docs/onnx.md says what the tables of operators say.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { gaps, onnxPage } from '../../tools/op-coverage/onnx.ts';

it('every operator of ONNX is read, or there is a reason; not both', () => {
  expect(gaps(process.cwd())).toEqual({ missing: [], stale: [] });
});
it('is up to date: `npm run op-coverage -- --write` writes it', () => {
  const page = readFileSync('docs/onnx.md', 'utf8');
  expect(onnxPage(process.cwd(), page)).toBe(page);
});
