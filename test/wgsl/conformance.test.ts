// Every op on the software GPU, against its definition: its samples, and the types and values that follow from them.
// Random numbers have the bits that WASM gives them.
//
//   CONFORMANCE=full CONFORMANCE_SEED=1 npx vitest run test/wgsl/conformance.test.ts      all cases, not a sample

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { decompose } from '../../compiler/passes/decompose.ts';
import { CompileError } from '../../ir/errors.ts';
import { allOps } from '../../ir/op.ts';
import { matrixFailure, sampleCases, sampleFailure } from '../conformance/check.ts';
import { chosenCases, type MatrixCase } from '../conformance/matrix.ts';
import { opGraph, randomFrom, sampleInputs } from '../helpers.ts';
import { runWasm } from '../wasm/run.ts';
import { runGpu } from './run.ts';

const full = process.env.CONFORMANCE === 'full';
const seed = Number(process.env.CONFORMANCE_SEED ?? 1);
/** Samples, and further cases, of an op that an ordinary run takes: a new shader takes the driver 5 to 300 ms. */
const [SAMPLES, FURTHER] = full ? [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY] : [4, 3];
const which = full ? 'in full' : `a sample of seed ${seed}`;

const ops = allOps().filter((op) => op.kind !== 'control' && op.kind !== 'state');
const touches = (c: MatrixCase, dtype: string): boolean => {
  const g = opGraph(c.op, c.sample);
  return [...g.params, ...g.results].some((v) => v.type.dtype === dtype);
};
const graphOf = (c: { op: (typeof ops)[number]; sample: MatrixCase['sample'] }) => opGraph(c.op, c.sample);

const samples = sampleCases().filter((c) => !graphOf(c).results.some((r) => r.type.dtype === 'f64'));
const chosenSamples = ops.flatMap((op, i) => {
  const own = samples.filter((c) => c.op === op);
  const random = randomFrom(seed * 2003 + i);
  while (own.length > SAMPLES) own.splice(Math.floor(random() * own.length), 1);
  return own;
});

describe(`samples, ${which}`, () => {
  it.each(chosenSamples)('$name', async (c) => {
    expect(await sampleFailure(c, runGpu)).toBe('');
  });
});

describe(`the matrix of types and values, ${which}`, () => {
  it.each(ops.map((op, i) => [op.name, op, i] as const))('%s', { timeout: 600_000 }, async (_, op, i) => {
    const found: string[] = [];
    for (const c of chosenCases(op, FURTHER, seed * 1009 + i)) {
      if (touches(c, 'f64')) continue;
      // GPUs may take subnormal operands for zeros.
      const wrong = await matrixFailure(c, runGpu, { flushes: true });
      if (wrong) found.push(wrong);
    }
    expect(found).toEqual([]);
  });
});

describe('float64 is refused by the name of the operation', () => {
  const doubles = ops.flatMap((op) => {
    const c = chosenCases(op, Number.POSITIVE_INFINITY, seed).find((x) => touches(x, 'f64'));
    return c ? [{ name: op.name, c }] : [];
  });
  it.each(doubles)('$name', async ({ c }) => {
    const inputs = sampleInputs(c.sample).map((x) => x.data);
    const refused = runGpu(graphOf(c), inputs);
    await expect(refused).rejects.toThrow(CompileError);
    await expect(refused).rejects.toThrow(/^\w+: GPUs have no float64 in WGSL, and this is f64\[/);
  });
  it('and nothing else is', () => {
    expect(doubles.length).toBeGreaterThan(100);
  });
});

describe('random numbers have the bits of the WASM target', () => {
  const random = samples.filter((c) => {
    const { nodes } = decompose(graphOf(c));
    return nodes.length > 0 && nodes.some((n) => n.op.exact || n.op.name === 'rng_bits');
  });
  it.each(random)('$name', async (c) => {
    const g = graphOf(c);
    const inputs = sampleInputs(c.sample).map((x) => x.data);
    const wasm = (await runWasm(g, inputs)).outputs.map((x) => Array.from(x));
    expect((await runGpu(g, inputs)).map((x) => Array.from(x))).toEqual(wasm);
  });
});
