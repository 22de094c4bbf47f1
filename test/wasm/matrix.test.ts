// Every op on the types and values that follow from its samples (matrix.ts), compiled, against its definition.
//
//   CONFORMANCE=full npx vitest run test/wasm/matrix.test.ts      all of them, not a sample

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../ir/errors.ts';
import { allOps, type OpDef } from '../../ir/op.ts';
import { isFloat, typeText } from '../../ir/types.ts';
import { closeness, opGraph, randomFrom, sampleInputs } from '../helpers.ts';
import { type MatrixCase, matrixOf } from './matrix.ts';
import { runReference, runWasm } from './run.ts';

const full = process.env.CONFORMANCE === 'full';
const seed = Number(process.env.CONFORMANCE_SEED ?? 1);
/** Cases of an op that an ordinary run takes. */
const SHARE = 5;

/** All cases, or a few that the seed chooses. */
function chosen(op: OpDef, at: number): MatrixCase[] {
  const all = matrixOf(op);
  if (full) return all;
  const random = randomFrom(seed * 1009 + at);
  const special = all.filter((c) => c.part === 'special');
  const others = all.filter((c) => c.part !== 'special');
  while (others.length > SHARE) others.splice(Math.floor(random() * others.length), 1);
  return [...special, ...others];
}

/** What float32 cannot hold: the reference works in float64. */
function comparable(want: number, dtype: string): number {
  if (dtype !== 'f32') return want;
  return Math.fround(want);
}

async function check({ op, sample, part }: MatrixCase): Promise<string> {
  const g = opGraph(op, sample);
  const inputs = sampleInputs(sample).map((x) => x.data);
  const want = runReference(g, inputs);
  const { outputs } = await runWasm(g, inputs);
  const largest = (m: number, v: number) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m);
  const scale = inputs.reduce((m, x) => x.reduce(largest, m), 1);
  for (const [i, w] of want.entries()) {
    const { dtype } = g.results[i].type;
    const exact = !isFloat(dtype);
    // The definitions of the gamma functions are good to about 1e-15 of their largest terms.
    const tiny = /gamma/.test(op.name) ? 1e-13 : 1e-37;
    const [rtol, atol] = dtype === 'f64' ? [1e-11, 1e-11] : [2e-5, part === 'special' ? tiny : 2e-6];
    const rounded = Float64Array.from(w, (v) => comparable(v, dtype));
    const wrong = closeness(
      outputs[i],
      rounded,
      exact ? 0 : rtol,
      exact
        ? 0
        : atol *
            (part === 'special'
              ? 1
              : scale * (op.kind === 'contraction' || op.kind === 'algorithm' || /fft/.test(op.name) ? 10 : 1)),
    );
    if (wrong) {
      const at = Number(/element (\d+)/.exec(wrong)?.[1] ?? 0);
      return `${part} ${sample.inputs.map((x) => typeText(x.type)).join(', ')} ${JSON.stringify(sample.attrs ?? {})}: result ${i}, ${wrong}, operands ${inputs.map((x) => x[at]).join(', ')}`;
    }
  }
  return '';
}

const ops = allOps().filter((op) => op.kind !== 'control' && op.kind !== 'state');

describe(`the matrix of types and values, ${full ? 'in full' : `a sample of seed ${seed}`}`, () => {
  it.each(ops.map((op, i) => [op.name, op, i] as const))('%s', { timeout: 600_000 }, async (_, op, i) => {
    const found: string[] = [];
    for (const c of chosen(op, i)) {
      try {
        const wrong = await check(c);
        if (wrong) found.push(wrong);
      } catch (e) {
        if (!(e instanceof CompileError)) throw e;
        found.push(`${c.sample.inputs.map((x) => typeText(x.type)).join(', ')}: ${e.message.split('\n')[0]}`);
      }
    }
    expect(found).toEqual([]);
  });
});
