// What the tests share: seeded sample data, graphs around one op, and closeness of arrays.

import { expect } from 'vitest';
import { Builder } from '../ir/builder.ts';
import type { Graph, Value } from '../ir/graph.ts';
import { Literal, roundTo } from '../ir/literal.ts';
import { type NDArray, ndarray } from '../ir/ndarray.ts';
import { allOps, type OpDef, type Sample, type SampleInput } from '../ir/op.ts';
import { isFloat, sizeOf, staticShape, typeText } from '../ir/types.ts';
import { randomFrom } from '../tools/random.ts';
import '../ir/ops/index.ts';

export { randomFrom };

/** Data for one operand of a sample; floats are rounded to their dtype, so that every target gets the same. */
export function sampleData(input: SampleInput, seed: number): NDArray {
  const { dtype } = input.type;
  const shape = staticShape(input.type.shape);
  const [lo, hi] = input.range ?? [-2, 2];
  const random = randomFrom(seed);
  const draw = () => {
    if (dtype === 'bool') return random() < 0.5 ? 0 : 1;
    if (isFloat(dtype)) return roundTo(dtype, lo + (hi - lo) * random());
    const low = dtype === 'u32' ? Math.max(lo, 0) : lo;
    return low + Math.floor((hi - low + 1) * random());
  };
  const values = input.values ?? Array.from({ length: sizeOf(shape) }, draw);
  return ndarray(
    dtype,
    shape,
    values.map((v) => roundTo(dtype, v)),
  );
}

/** Data for every operand of a sample. */
export const sampleInputs = (s: Sample, seed = 1): NDArray[] =>
  s.inputs.map((input, i) => sampleData(input, seed * 7919 + i));

export interface OpCase {
  readonly name: string;
  readonly op: OpDef;
  readonly sample: Sample;
}
/** Every sample of every op, named by op, operand types and attributes. */
export const opCases = (): OpCase[] =>
  allOps().flatMap((op) =>
    op.samples.map((s, i) => ({
      name: `${op.name} #${i} (${s.inputs.map((x) => typeText(x.type)).join(', ')}) ${JSON.stringify(s.attrs ?? {})}`,
      op,
      sample: s,
    })),
  );

/** A graph of one op on parameters %a, %b, …; its results are the op's. */
export function opGraph(op: OpDef, s: Sample): Graph {
  const b = new Builder('sample');
  const params = s.inputs.map((x, i) => b.param(x.type, `p${i}`));
  return b.build(b.emit(op, params, s.attrs ?? {}));
}

/** The sum over float results `from` and later of result times fixed random weights: one scalar. */
export function weightedSum(g: Graph, seed: number, from = 0): Graph {
  const b = new Builder(g.name);
  const map = new Map<Value, Value>();
  for (const p of g.params) map.set(p, b.param(p.type, p.name));
  const get = (v: Value) => map.get(v) as Value;
  for (const n of g.nodes)
    b.copy(n, n.inputs.map(get)).forEach((o, i) => {
      map.set(n.outputs[i], o);
    });
  const terms = g.results.slice(from).flatMap((r, k) => {
    if (!isFloat(r.type.dtype)) return [];
    const w = sampleData({ type: { ...r.type, dtype: 'f64' }, range: [0.5, 1.5] }, seed + k);
    const literal = Literal.of(r.type.dtype === 'f32' ? Float32Array.from(w.data) : w.data);
    return [b.sum(b.mul(get(r), b.constant(literal, r.type)))];
  });
  return b.build([terms.reduce((x, y) => b.add(x, y))]);
}

/** The first place where two arrays differ beyond atol + rtol |expected|, as text, or ''; NaN equals NaN. */
export function closeness(actual: ArrayLike<number>, expected: ArrayLike<number>, rtol = 1e-5, atol = 1e-7): string {
  if (actual.length !== expected.length) return `${actual.length} elements instead of ${expected.length}`;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i], expected[i]];
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) continue;
    // An infinity or a NaN is equal to itself only; the comparison is written so that NaN fails it.
    if (Number.isFinite(e) && Math.abs(a - e) <= atol + rtol * Math.abs(e)) continue;
    return `element ${i} is ${a} instead of ${e}`;
  }
  return '';
}

/** Fails unless the arrays agree in dtype, shape and, within the tolerance, in their elements. */
export function expectClose(actual: NDArray, expected: NDArray, rtol?: number, atol?: number): void {
  expect(`${actual.dtype}[${actual.shape}]`).toBe(`${expected.dtype}[${expected.shape}]`);
  expect(closeness(actual.data, expected.data, rtol, atol)).toBe('');
}
