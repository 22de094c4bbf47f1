// Every sample of every op, compiled, against its definition.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { DTypeError } from '../../ir/errors.ts';
import { isFloat } from '../../ir/types.ts';
import { type Run, sampleCases, sampleFailure } from '../conformance/check.ts';
import { closeness, opGraph, sampleInputs } from '../helpers.ts';
import { runReference, runWasm } from './run.ts';

const cases = sampleCases();

/** The same samples on float64 operands. */
const doubles = cases
  .filter((c) => c.sample.inputs.some((i) => i.type.dtype === 'f32'))
  .map(({ name, op, sample }) => ({
    name,
    op,
    sample: {
      ...sample,
      inputs: sample.inputs.map((i) =>
        i.type.dtype === 'f32' ? { ...i, type: { ...i.type, dtype: 'f64' as const } } : i,
      ),
      attrs: sample.attrs?.dtype === 'f32' ? { ...sample.attrs, dtype: 'f64' } : sample.attrs,
    },
  }));
/** Ops that have no float64 form. */
const float32Only = new Set(['bitcast']);

describe('conformance in float64', () => {
  it.each(doubles.filter((c) => !float32Only.has(c.op.name)))('$name', async ({ op, sample }) => {
    const g = opGraph(op, sample);
    const inputs = sampleInputs(sample).map((x) => x.data);
    const want = runReference(g, inputs);
    const { outputs } = await runWasm(g, inputs);
    const scale = Math.max(1, ...inputs.flatMap((x) => Array.from(x, (v) => (Number.isFinite(v) ? Math.abs(v) : 0))));
    want.forEach((w, i) => {
      const exact = !isFloat(g.results[i].type.dtype);
      expect(closeness(outputs[i], w, exact ? 0 : 1e-12, exact ? 0 : scale * 1e-12)).toBe('');
    });
  });
  it.each([...float32Only])('%s refuses float64', (name) => {
    for (const { op, sample } of doubles.filter((c) => c.op.name === name))
      expect(() => opGraph(op, sample)).toThrow(DTypeError);
  });
});

describe.each([
  { name: 'relaxed where there', relaxed: undefined, threads: 1 },
  { name: 'baseline', relaxed: false, threads: 1 },
  { name: 'two threads', relaxed: undefined, threads: 2 },
])('conformance, $name', ({ relaxed, threads }) => {
  const run: Run = async (g, inputs) => (await runWasm(g, inputs, { relaxed, threads })).outputs;
  it.each(cases)('$name', async (c) => {
    expect(await sampleFailure(c, run)).toBe('');
  });
});
