// Random numbers. One primitive makes bits, a pure function of a key and the element's index: the
// same key gives the same numbers on every target, with any number of threads. The distributions are
// composites over it.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { build, type NDArray } from '../ndarray.ts';
import { defineComposite, defineOp, type InferCtx, numAttr, type Sample, shapeAttr } from '../op.ts';
import { isOpen, type Shape, shapeText, sizeOf, staticShape, tensorType } from '../types.ts';
import { erfReference } from './unary.ts';

const rules = (name: string) => ({
  [`${name}_c1`]: "the key's dtype must be u32, and it must have the shape [2]",
  [`${name}_c2`]: 'the shape attribute must list dimensions of at least 0, of at most 2^32 elements in all',
});

function checkKey(c: InferCtx): Shape {
  const [key] = c.inputs;
  const shape = shapeAttr(c.attrs, 'shape');
  const isKey = key.dtype === 'u32' && key.shape.length === 1 && key.shape[0] === 2 && !key.state;
  c.check(isKey, `${c.op.name}_c1`, `${key.dtype}${shapeText(key.shape)}`);
  const valid = shape.every((d) => isOpen(d) || (Number.isInteger(d) && d >= 0));
  c.check(valid && sizeOf(shape) <= 2 ** 32, `${c.op.name}_c2`, shapeText(shape));
  return shape;
}

/**
 * Both output words of Threefry-2x32 with 20 rounds, on plain numbers: the definition. The words of
 * key and counter stand in the order of the Random123 library, low word first.
 */
export function threefry2x32(key: readonly number[], counter: readonly number[]): [number, number] {
  const distance = [
    [13, 15, 26, 6],
    [17, 29, 16, 24],
  ];
  const schedule = [key[0], key[1], key[0] ^ key[1] ^ 0x1bd11bda];
  let [a, b] = counter.map((x, i) => (x + key[i]) | 0);
  for (let block = 1; block <= 5; block++) {
    for (const r of distance[(block - 1) % 2]) {
      a = (a + b) | 0;
      b = ((b << r) | (b >>> (32 - r))) ^ a;
    }
    a = (a + schedule[block % 3]) | 0;
    b = (b + schedule[(block + 1) % 3] + block) | 0;
  }
  return [a >>> 0, b >>> 0];
}

const bitsAt = (key: NDArray, i: number): number => threefry2x32(Array.from(key.data), [i, 0])[0];
/** The top 24 bits as a fraction: every such number is a float32. */
export const uniformAt = (key: NDArray, i: number): number => Math.floor(bitsAt(key, i) / 256) / 2 ** 24;

const keyInput = (a: number, b: number): Sample['inputs'][number] => ({ type: tensorType('u32', [2]), values: [a, b] });
const samples = (attrs: Sample['attrs'] = {}): Sample[] => [
  { inputs: [keyInput(0, 0)], attrs: { shape: [3, 5], ...attrs }, grad: false },
  { inputs: [keyInput(0xffffffff, 0xffffffff)], attrs: { shape: [], ...attrs }, grad: false },
  { inputs: [keyInput(0x13198a2e, 0x03707344)], attrs: { shape: [0, 4], ...attrs }, grad: false },
  { inputs: [keyInput(1, 2)], attrs: { shape: [1030], ...attrs }, grad: false },
];
const noGrad = { none: 'random numbers do not depend smoothly on their key' };

defineOp({
  name: 'rng_bits',
  doc: "Random 32-bit words: element i, in row-major order, is the first output word of Threefry-2x32 with 20 rounds (Salmon et al. 2011) for the counter i (low word i, which is the first, high word 0) under the operand's key.",
  kind: 'random',
  arity: 1,
  constraints: rules('rng_bits'),
  infer: (c) => [tensorType('u32', checkKey(c))],
  grad: noGrad,
  reference: ([key], _, [t]) => [build('u32', staticShape(t.shape), (_i, flat) => bitsAt(key, flat))],
  samples: samples(),
});

const uniform = (b: Emitter, key: Val, shape: Shape): Val => {
  const bits = b.call('rng_bits', [key], { shape });
  const top = b.call('shr', [bits, b.splat(bits.type, 8)]);
  return b.mul(b.convert(top, 'f32'), 2 ** -24);
};

defineComposite({
  name: 'random_uniform',
  doc: 'Uniform f32 in [0, 1): the top 24 bits of each word times 2^-24.',
  arity: 1,
  constraints: rules('random_uniform'),
  infer: (c) => [tensorType('f32', checkKey(c))],
  grad: noGrad,
  expand: (b, [key], attrs) => [uniform(b, key, shapeAttr(attrs, 'shape'))],
  reference: ([key], _, [t]) => [build('f32', staticShape(t.shape), (_i, flat) => uniformAt(key, flat))],
  samples: samples(),
});

// Single-precision approximation of the inverse error function by M. Giles, "Approximating the erfinv
// function" (2010): polynomials in w = -log(1 - x^2), central and tail, highest power first.
const central = [
  2.81022636e-8, 3.43273939e-7, -3.5233877e-6, -4.39150654e-6, 2.1858087e-4, -1.25372503e-3, -4.17768164e-3,
  2.46640727e-1, 1.50140941,
];
const tail = [
  -2.00214257e-4, 1.00950558e-4, 1.34934322e-3, -3.67342844e-3, 5.73950773e-3, -7.6224613e-3, 9.43887047e-3, 1.00167406,
  2.83297682,
];

function erfInv(b: Emitter, x: Val): Val {
  // (1 - x)(1 + x) keeps the digits that 1 - x^2 would lose near the ends.
  const w = b.neg(b.un('log', b.mul(b.sub(1, x), b.add(x, 1))));
  const isTail = b.compare('ge', w, 5);
  const v = b.select(isTail, b.sub(b.un('sqrt', w), 3), b.sub(w, 2.5));
  const coefficient = (i: number) => b.select(isTail, b.splat(x.type, tail[i]), b.splat(x.type, central[i]));
  let p = coefficient(0);
  for (let i = 1; i < central.length; i++) p = b.add(b.mul(p, v), coefficient(i));
  return b.mul(p, x);
}

/** Newton's method on erf; quadratic from a start that is good to three digits (Winitzki). */
function erfInvReference(x: number): number {
  const l = Math.log1p(-x * x);
  const k = 2 / (Math.PI * 0.147) + l / 2;
  let y = Math.sign(x) * Math.sqrt(Math.sqrt(k * k - l / 0.147) - k);
  for (let i = 0; i < 6; i++) y -= ((erfReference(y) - x) * Math.sqrt(Math.PI) * Math.exp(y * y)) / 2;
  return y;
}

defineComposite({
  name: 'random_normal',
  doc: 'Standard normal f32: the normal quantile of (k + 1/2) 2^-24, where k is the top 24 bits of each word. So no value is infinite, and none beyond 5.4 in magnitude.',
  arity: 1,
  constraints: rules('random_normal'),
  infer: (c) => [tensorType('f32', checkKey(c))],
  grad: noGrad,
  expand: (b, [key], attrs) => {
    // Symmetric in (-1, 1), and exact in float32: an odd multiple of 2^-24.
    const u = uniform(b, key, shapeAttr(attrs, 'shape'));
    const x = b.add(b.sub(b.mul(u, 2), 1), 2 ** -24);
    return [b.mul(erfInv(b, x), Math.SQRT2)];
  },
  reference: ([key], _, [t]) => [
    build(
      'f32',
      staticShape(t.shape),
      (_i, flat) => Math.SQRT2 * erfInvReference(2 * uniformAt(key, flat) - 1 + 2 ** -24),
    ),
  ],
  samples: samples(),
});

defineComposite({
  name: 'random_bernoulli',
  doc: 'True with probability p (rounded up to a multiple of 2^-24), element by element.',
  arity: 1,
  constraints: { ...rules('random_bernoulli'), random_bernoulli_c3: 'p must be a probability, from 0 to 1' },
  infer: (c) => {
    const shape = checkKey(c);
    const p = numAttr(c.attrs, 'p');
    c.check(p >= 0 && p <= 1, 'random_bernoulli_c3', String(p));
    return [tensorType('bool', shape)];
  },
  grad: noGrad,
  expand: (b, [key], attrs) => [b.compare('lt', uniform(b, key, shapeAttr(attrs, 'shape')), numAttr(attrs, 'p'))],
  reference: ([key], attrs, [t]) => [
    // Rounded as the float32 constant it is compared with.
    build('bool', staticShape(t.shape), (_i, flat) => +(uniformAt(key, flat) < Math.fround(numAttr(attrs, 'p')))),
  ],
  samples: [...samples({ p: 0.3 }), ...samples({ p: 1 }).slice(0, 1)],
});
