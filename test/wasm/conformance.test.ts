// Every sample of every op, compiled, against its definition.

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { isFloat } from '../../ir/types.ts';
import { closeness, opCases, opGraph, sampleInputs } from '../helpers.ts';
import { runReference, runWasm } from './run.ts';

const cases = opCases().filter((c) => c.op.kind !== 'control' && !c.sample.inputs.some((i) => i.type.dtype === 'f64'));

describe.each([
  { name: 'relaxed where there', relaxed: undefined, threads: 1 },
  { name: 'baseline', relaxed: false, threads: 1 },
  { name: 'two threads', relaxed: undefined, threads: 2 },
])('conformance, $name', ({ relaxed, threads }) => {
  it.each(cases)('$name', async ({ op, sample }) => {
    const g = opGraph(op, sample);
    const inputs = sampleInputs(sample).map((x) => x.data);
    const want = runReference(g, inputs);
    // Rounding errors scale with the operands (a variance of values near 50), and with their number.
    const scale = Math.max(
      1,
      ...inputs.map((x) => x.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0)),
    );
    const atol = scale * (op.kind === 'contraction' ? 2e-5 : 2e-6);
    const { outputs } = await runWasm(g, inputs, { relaxed, threads });
    expect(outputs.length).toBe(want.length);
    want.forEach((w, i) => {
      const exact = !isFloat(g.results[i].type.dtype);
      expect(closeness(outputs[i], w, exact ? 0 : 2e-5, exact ? 0 : atol)).toBe('');
    });
  });
});
