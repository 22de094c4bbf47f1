// Dtypes that only store (int8, uint8, float16): what moves elements takes them, in one or two bytes of
// device memory; everything else refuses them by a label. Sizes cover whole SIMD steps and remainders.

import { describe, expect, it } from 'vitest';
import { Builder } from '../../ir/builder.ts';
import { DTypeError, SinterError } from '../../ir/errors.ts';
import { fromHalfBits, halfBits, roundHalf } from '../../ir/half.ts';
import type { Sample } from '../../ir/op.ts';
import { parseGraph } from '../../ir/parse.ts';
import type { DType, TensorType } from '../../ir/types.ts';
import { closeness, opCases, opGraph, sampleInputs } from '../helpers.ts';
import { runReference, runWasm } from './run.ts';

const storage: readonly DType[] = ['i8', 'u8', 'f16'];
/** Ops that move, select or convert. */
const movers = new Set([
  'select',
  'convert',
  'stop_gradient',
  'broadcast',
  'reshape',
  'transpose',
  'slice',
  'reverse',
  'pad',
  'concat',
  'gather',
  'scatter_set',
]);

/** A sample with its float operands (integers where it has none) of another dtype. */
function retyped(s: Sample, to: DType): Sample | null {
  const from = (['f32', 'f64', 'i32', 'u32'] as const).find((d) => s.inputs.some((i) => i.type.dtype === d));
  if (!from) return null;
  const inputs = s.inputs.map((i) =>
    i.type.dtype === from
      ? { ...i, type: { ...i.type, dtype: to }, range: to === 'u8' ? ([0, 200] as const) : i.range }
      : i,
  );
  return { ...s, inputs };
}

const cases = storage.flatMap((dtype) =>
  opCases()
    .filter((c) => !['control', 'state'].includes(c.op.kind))
    .flatMap(({ name, op, sample }) => {
      const s = retyped(sample, dtype);
      // Integers of gathers and scatters are indices.
      const indices = (op.name === 'gather' || op.name === 'scatter_set') && sample.inputs[0].type.dtype !== 'f32';
      return s && !indices ? [{ name: `${name} on ${dtype}`, op, sample: s }] : [];
    }),
);
/** Nearest neighbours are moved too. */
const moves = (c: (typeof cases)[number]) =>
  movers.has(c.op.name) || (c.sample.attrs?.method === 'nearest' && !c.sample.attrs.adjoint);
const isMove = (c: (typeof cases)[number]) => moves(c) && !(c.op.name === 'convert' && c.sample.inputs[0].values);

describe('moving', () => {
  it.each(cases.filter(isMove))('$name', async ({ op, sample }) => {
    const g = opGraph(op, sample);
    const inputs = sampleInputs(sample).map((x) => x.data);
    const want = runReference(g, inputs);
    for (const threads of [1, 2]) {
      const { outputs } = await runWasm(g, inputs, { threads });
      want.forEach((w, i) => void expect(Array.from(outputs[i])).toEqual(Array.from(w)));
    }
  });
});

it.each(cases.filter((c) => !moves(c)))('refused: $name', ({ op, sample }) => {
  let error: unknown;
  try {
    opGraph(op, sample);
  } catch (e) {
    error = e;
  }
  expect(error).toBeInstanceOf(SinterError);
  expect((error as SinterError).label).toMatch(new RegExp(`^${op.name}_c\\d$`));
});

describe('computing on float16 operands, with float16 results', () => {
  const floats = opCases().filter(
    ({ op, sample }) =>
      !['control', 'state', 'random', 'algorithm'].includes(op.kind) &&
      sample.inputs.some((i) => i.type.dtype === 'f32'),
  );
  it.each(floats)('$name', async ({ op, sample }) => {
    const b = new Builder('sample');
    const stored = (t: TensorType) => (t.dtype === 'f32' ? { ...t, dtype: 'f16' as const } : t);
    const params = sample.inputs.map((x, i) => b.param(stored(x.type), `p${i}`));
    const results = b.emit(
      op,
      params.map((p, i) => b.convert(p, sample.inputs[i].type.dtype)),
      sample.attrs ?? {},
    );
    const g = b.build(results.map((r) => (r.type.dtype === 'f32' ? b.convert(r, 'f16') : r)));
    const inputs = sampleInputs(sample).map((x, i) =>
      sample.inputs[i].type.dtype === 'f32' ? x.data.map(roundHalf) : x.data,
    );
    const want = runReference(g, inputs);
    for (const threads of [1, 2]) {
      const { outputs } = await runWasm(g, inputs, { threads });
      // An ulp of float16 is 1/1024 of a number at most: rounding may go either way.
      want.forEach((w, i) => {
        const half = g.results[i].type.dtype === 'f16';
        expect(
          closeness(
            outputs[i],
            w,
            half ? 1.5e-3 : 0,
            half
              ? 2e-5 *
                  Math.max(1, ...inputs.flatMap((x) => Array.from(x, (v) => (Number.isFinite(v) ? Math.abs(v) : 0))))
              : 0,
          ),
        ).toBe('');
      });
    }
  });
});

describe('device memory', () => {
  it.each([
    ['i8', 1],
    ['u8', 1],
    ['f16', 2],
  ] as const)('%s takes %i byte(s) an element', async (dtype, bytes) => {
    const n = 4096;
    const g = parseGraph(`
func @f(%x: ${dtype}[${n}]) -> ${dtype}[${n}] {
  %0 : ${dtype}[${n}] = reverse %x {axes=[0]}
  return %0
}`);
    const data = Array.from({ length: n }, (_, i) => i % 100);
    const { outputs, program } = await runWasm(g, [data]);
    expect(program.plan.arenaBytes).toBe(2 * n * bytes);
    expect(Array.from(outputs[0])).toEqual(data.slice().reverse());
  });

  it('arithmetic between conversions fuses, at offsets and strides, with constants and Variables', async () => {
    const n = 1029;
    const g = parseGraph(`
func @f(%x: i8[${n}], %h: f16[${n}], %s: state<f16[3]>) -> (u8[${n}], f16[343], f32[${n - 1}], f16[3], state<f16[3]>) {
  %0 : f32[${n}] = convert %x {dtype="f32"}
  %1 : f32[${n}] = convert %h {dtype="f32"}
  %2 : f32[${n}] = mul %0, %1
  %3 : u8[${n}] = convert %2 {dtype="u8"}
  %4 : f16[343] = slice %h {begin=[1], size=[343], strides=[3]}
  %5 : f32[${n - 1}] = slice %1 {begin=[1], size=[${n - 1}], strides=[1]}
  %6 : f32[${n - 1}] = exp %5
  %7 : f16[3] = read %s
  %8 : f16[3] = constant {dtype="f16", shape=[3], value=[1.5, 0.0999755859375, -65504]}
  %9 : state<f16[3]> = assign %s, %8
  return %3, %4, %6, %7, %9
}`);
    const x = Array.from({ length: n }, (_, i) => (i % 256) - 128);
    const h = Array.from({ length: n }, (_, i) => roundHalf(Math.sin(i) * 3));
    const s = [1, 2, 3];
    const want = runReference(g, [x, h, s]);
    const { outputs } = await runWasm(g, [x, h, s]);
    for (const i of [0, 1, 3, 4]) expect(Array.from(outputs[i])).toEqual(Array.from(want[i]));
    outputs[2].forEach((v, i) => void expect(v).toBeCloseTo(want[2][i], 4));
  });
});

describe('float16', () => {
  it('every pattern is its number and back', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const x = fromHalfBits(bits);
      if (Number.isNaN(x)) expect(halfBits(x)).toBe(0x7e00);
      else expect(halfBits(x)).toBe(bits);
    }
  });
  it('has known values', () => {
    // IEEE 754: binary16.
    expect([0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x3555, 0x8000].map(fromHalfBits)).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      0.333251953125,
      -0,
    ]);
    expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 2 ** -25 * 1.001, -1e-9].map(roundHalf)).toEqual([
      1,
      1 + 2 ** -9,
      65504,
      Infinity,
      0,
      2 ** -24,
      -0,
    ]);
  });
  it('all patterns through kernels, and all numbers halfway between two', async () => {
    const n = 65536;
    const g = parseGraph(`
func @f(%x: f16[${n}], %y: f32[${n}]) -> (f32[${n}], f16[${n}], f16[${n}]) {
  %0 : f32[${n}] = convert %x {dtype="f32"}
  %1 : f16[${n}] = convert %0 {dtype="f16"}
  %2 : f16[${n}] = convert %y {dtype="f16"}
  return %0, %1, %2
}`);
    const x = Array.from({ length: n }, (_, i) => fromHalfBits(i));
    const y = x.map((v, i) => Math.fround((v + fromHalfBits((i + 1) & 65535)) / 2));
    const { outputs } = await runWasm(g, [x, y]);
    const show = (a: ArrayLike<number>) => Array.from(a, (v) => (Object.is(v, -0) ? '-0' : String(v)));
    expect(show(outputs[0])).toEqual(show(x));
    expect(show(outputs[1])).toEqual(show(x));
    expect(show(outputs[2])).toEqual(show(y.map(roundHalf)));
  });
  it('doubles round once', async () => {
    const g = parseGraph(`
func @f(%x: f64[4]) -> f16[4] {
  %0 : f16[4] = convert %x {dtype="f16"}
  return %0
}`);
    // Just above and below a tie: through float32 both would be the tie.
    const e = 2 ** -40;
    const { outputs } = await runWasm(g, [[1 + 2 ** -11 + e, 1 + 2 ** -11 - e, -1 - 3 * 2 ** -11 + e, 1 + 2 ** -11]]);
    expect(Array.from(outputs[0])).toEqual([1 + 2 ** -10, 1, -1 - 2 ** -10, 1]);
  });
});

it('errors are DTypeErrors that say to convert', () => {
  expect(() => parseGraph('func @f(%x: i8[2]) -> i8[2] {\n %0 : i8[2] = exp %x\n return %0\n}')).toThrow(/convert/);
  const { op, sample } = cases.find((c) => c.op.name === 'add') as (typeof cases)[number];
  expect(() => opGraph(op, sample)).toThrow(DTypeError);
});
