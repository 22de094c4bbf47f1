// Files that run (format.ts): on the reference, on the software GPU, and on WASM with and without fused
// multiply-add, with one thread and with two. Graphs that once went wrong stay here.

import '../../tools/relaxed-simd.ts';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type NDArray, ndarray } from '../../ir/ndarray.ts';
import { isFloat, staticShape } from '../../ir/types.ts';
import { failure, onWasm } from '../fuzz/check.ts';
import { type Known, knowAll } from '../fuzz/numerics.ts';
import { closeness } from '../helpers.ts';
import { onGpu } from '../wgsl/run.ts';
import { parseRunFile } from './format.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(here).filter((f) => f.endsWith('.ir'));

describe.each([
  { target: 'wasm', configs: onWasm },
  { target: 'webgpu', configs: onGpu },
])('runs on $target', ({ configs }) => {
  it.each(files)('%s', async (file) => {
    const { graph, runs } = parseRunFile(readFileSync(`${here}${file}`, 'utf8'));
    for (const run of runs) {
      const inputs: NDArray[] = graph.params.map((p, i) =>
        ndarray(p.type.dtype, staticShape(p.type.shape), run.inputs[i]),
      );
      const all = knowAll(graph, inputs);
      const known = graph.results.map((r) => all[r.id]);
      if (run.gives) expectReference(known, run.gives);
      expect(await failure({ graph, inputs, known }, configs)).toBe('');
    }
  });
});

function expectReference(known: readonly Known[], gives: readonly (readonly number[])[]): void {
  expect(known.length).toBe(gives.length);
  gives.forEach((want, i) => {
    const exact = !isFloat(known[i].array.dtype);
    expect(
      closeness(known[i].array.data, want, exact ? 0 : 1e-5, exact ? 0 : 1e-6),
      `result ${i} of the reference`,
    ).toBe('');
  });
}
