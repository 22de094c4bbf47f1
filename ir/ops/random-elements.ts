// Elements of random tensors as functions of random words. Their definition is the kernel expression itself,
// evaluated operation by operation (ir/kernel/evaluate.ts): that is what makes the bits the same everywhere.
// Functions take arrays of numbers, one for each operand.
// test/ops/random.test.ts holds them against the distributions.

import { valueText } from '../errors.ts';
import * as d from '../kernel/distributions.ts';
import { compileExpr, evaluator } from '../kernel/evaluate.ts';
import { add, type Expr, konst, mul, variable } from '../kernel/expr.ts';
import { defineOp, numAttr, type Sample, sample } from '../op.ts';
import { type DType, isFloat, shapeEq, tensorType, typeText } from '../types.ts';

const noGrad = { none: 'random words do not depend smoothly on anything' };
const u32 = (name: string): Expr => variable(name, 'u32');

/** An f32 that is a function of one word; returns that function of many words. */
function ofBits(name: string, doc: string, scalar: (w: Expr) => Expr): (words: Float64Array) => Float64Array {
  let f: ReturnType<typeof compileExpr> | undefined;
  const ofWords = (words: Float64Array): Float64Array => {
    f ??= compileExpr(scalar(u32('w')), ['w']);
    const out = new Float64Array(words.length);
    f([words], words.length, out);
    return out;
  };
  const words = { type: tensorType('u32', [6]), values: [0, 1, 2 ** 31, 2 ** 32 - 1, 255, 123456789] };
  defineOp({
    name,
    doc,
    kind: 'elementwise',
    arity: 1,
    constraints: { [`${name}_c1`]: "the operand's dtype must be u32" },
    infer: (c) => {
      c.check(c.inputs[0].dtype === 'u32' && !c.inputs[0].state, `${name}_c1`, typeText(c.inputs[0]));
      return [tensorType('f32', c.inputs[0].shape)];
    },
    exact: true,
    scalar: ([w]) => scalar(w),
    grad: noGrad,
    reference: ([w]) => [{ dtype: 'f32', shape: w.shape, data: ofWords(w.data) }],
    samples: [sample([words], {}, false), sample([['u32[1030]', 0, 2 ** 32 - 1]], {}, false)],
  });
  return ofWords;
}

export const normalOf = ofBits('normal_of_bits', 'The standard normal number of a random word.', d.normal);
export const truncatedNormalOf = ofBits(
  'truncated_normal_of_bits',
  'The normal number within two deviations of a random word.',
  d.truncatedNormal,
);
export const exponentialOf = ofBits('exponential_of_bits', 'The exponential number of a random word.', d.exponential);
export const gumbelOf = ofBits('gumbel_of_bits', 'The Gumbel number of a random word.', d.gumbel);

/** Ops on an operand, both words of a key and a counter. */
function counted(
  name: string,
  doc: string,
  types: readonly DType[],
  scalar: (x: Expr, k0: Expr, k1: Expr, counter: Expr) => Expr,
  reference: (dtype: DType, x: Float64Array, words: readonly Float64Array[]) => Float64Array,
  range: readonly [number, number],
): void {
  const words = ['u32[9]', 'u32[9]', 'u32[9]'].map((x) => [x, 0, 2 ** 32 - 1] as [string, number, number]);
  const on = (dtype: DType): Sample => sample([[`${dtype}[9]`, ...range], ...words], {}, false);
  defineOp({
    name,
    doc,
    kind: 'elementwise',
    arity: 4,
    constraints: {
      [`${name}_c1`]: `the first operand's dtype must be one of ${types.join(', ')}, that of the others u32`,
      [`${name}_c2`]: 'all operands must have one shape',
    },
    infer: (c) => {
      const [x, ...key] = c.inputs;
      const ok = types.includes(x.dtype) && key.every((k) => k.dtype === 'u32') && c.inputs.every((i) => !i.state);
      c.check(ok, `${name}_c1`, c.inputs.map((i) => i.dtype).join(', '));
      c.check(
        key.every((k) => shapeEq(k.shape, x.shape)),
        `${name}_c2`,
        c.inputs.map(typeText).join(', '),
      );
      return [x];
    },
    exact: true,
    scalar: ([x, k0, k1, counter]) => scalar(x, k0, k1, counter),
    grad: noGrad,
    reference: ([x, ...words]) => {
      const wordData = words.map((w) => w.data);
      return [{ ...x, data: reference(x.dtype, x.data, wordData) }];
    },
    samples: types.map(on),
  });
}

/** A kernel function of the operand, the words and the number of the attempt. */
function attempted(fn: string, x: Float64Array, words: readonly Float64Array[], attempt: number): Float64Array {
  const out = new Float64Array(x.length);
  evaluator(fn)([x, ...words, new Float64Array(x.length).fill(attempt)], x.length, out);
  return out;
}

counted(
  'int_below',
  'A whole number below the first operand, equally likely each, from words of the key and the counter; 0 where it is 0.',
  ['u32'],
  d.intBelow,
  (_, n, words) =>
    attempted(
      'int_below',
      n.map((x) => Math.max(x, 1)),
      words,
      0,
    ),
  [1, 4e9],
);
/** The gamma variates of shapes, both words of a key and counters. */
export const gammaOf = (dtype: DType, alpha: Float64Array, words: readonly Float64Array[]): Float64Array => {
  const x = attempted('gamma_sample', alpha, words, 1);
  return dtype === 'f32' ? x.map(Math.fround) : x;
};
counted(
  'gamma_element',
  'A gamma variate of the shape that the first operand gives, from words of the key and the counter.',
  ['f32', 'f64'],
  d.gamma,
  gammaOf,
  [0.05, 20],
);

defineOp({
  name: 'scale_shift',
  doc: 'x * scale + shift, the product rounded before the sum: two roundings on every target.',
  kind: 'elementwise',
  arity: 1,
  constraints: {
    scale_shift_c1: "the operand's dtype must be a float",
    scale_shift_c2: 'scale and shift must be numbers',
  },
  infer: (c) => {
    const [x] = c.inputs;
    c.check(isFloat(x.dtype) && !x.state, 'scale_shift_c1', typeText(x));
    const { scale, shift } = c.attrs;
    c.check(
      typeof scale === 'number' && typeof shift === 'number',
      'scale_shift_c2',
      `${valueText(scale)} and ${valueText(shift)}`,
    );
    return [x];
  },
  exact: true,
  scalar: ([x], attrs) => add(mul(x, rounded(x, attrs.scale)), rounded(x, attrs.shift)),
  grad: (b, n, [g]) => [b.mul(g, numAttr(n.attrs, 'scale'))],
  reference: ([x], attrs, [t]) => {
    const round = t.dtype === 'f32' ? Math.fround : (v: number) => v;
    const [scale, shift] = [round(numAttr(attrs, 'scale')), round(numAttr(attrs, 'shift'))];
    const out = new Float64Array(x.data.length);
    for (let i = 0; i < out.length; i++) out[i] = round(round(x.data[i] * scale) + shift);
    return [{ dtype: t.dtype, shape: x.shape, data: out }];
  },
  samples: [
    sample(['f32[3,5]'], { scale: 0.3, shift: 1.7 }, false),
    sample(['f64[]'], { scale: -2, shift: 0.1 }),
    sample(['f32[1030]'], { scale: 1e-3, shift: 5 }, false),
    sample(['f32[0,2]'], { scale: 2, shift: 1 }, false),
  ],
});
const rounded = (x: Expr, v: unknown): Expr => konst(x.ty, x.ty === 'f32' ? Math.fround(v as number) : (v as number));
