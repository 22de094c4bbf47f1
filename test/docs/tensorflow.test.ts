// docs/tensorflow.md lists the operations that are there, and gives a reason for each that TensorFlow.js has and we have not.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { tensorflowGaps, tensorflowPage } from '../../tools/op-coverage/tensorflow.ts';

it('is up to date: `npm run op-coverage -- --write` writes it', () => {
  const text = readFileSync('docs/tensorflow.md', 'utf8');
  expect(text).toBe(tensorflowPage(process.cwd(), text));
});
it('has a reason for each no, and none for what is there', () => {
  expect(tensorflowGaps(process.cwd())).toEqual({ missing: [], stale: [] });
});
