// Random numbers. One primitive makes bits, a pure function of a key and the element's index: the
// same key gives the same numbers on every target, with any number of threads. The distributions are
// composites over it.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { arrayFor } from '../literal.ts';
import { build, type NDArray, sizeOfShape } from '../ndarray.ts';
import { defineComposite, defineOp, type InferCtx, numAttr, type Sample, shapeAttr, t } from '../op.ts';
import {
  isFloat,
  isOpen,
  type Shape,
  shapeText,
  sizeOf,
  staticShape,
  type TensorType,
  tensorType,
  typeEq,
  typeText,
} from '../types.ts';
import { exponentialOf, gammaOf, gumbelOf, normalOf, truncatedNormalOf } from './random-elements.ts';

const keyType = tensorType('u32', [2]);
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

/** The second output word of the last call of `firstWord`. */
const secondWord = new Uint32Array(1);
/** The first output word of Threefry for the counter (lo, hi). */
function firstWord(key: ArrayLike<number>, lo: number, hi: number): number {
  let k0 = key[0] | 0;
  let k1 = key[1] | 0;
  let k2 = k0 ^ k1 ^ 0x1bd11bda;
  let a = (lo + k0) | 0;
  let b = (hi + k1) | 0;
  for (let block = 1; block <= 5; block++) {
    const odd = (block & 1) === 1;
    a = (a + b) | 0;
    b = turned(b, odd ? 13 : 17) ^ a;
    a = (a + b) | 0;
    b = turned(b, odd ? 15 : 29) ^ a;
    a = (a + b) | 0;
    b = turned(b, odd ? 26 : 16) ^ a;
    a = (a + b) | 0;
    b = turned(b, odd ? 6 : 24) ^ a;
    const first = k0;
    k0 = k1;
    k1 = k2;
    k2 = first;
    a = (a + k0) | 0;
    b = (b + k1 + block) | 0;
  }
  secondWord[0] = b;
  return a >>> 0;
}
const turned = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));

/**
 * Both output words of Threefry-2x32 with 20 rounds, on plain numbers: the definition. The words of
 * key and counter stand in the order of the Random123 library, low word first.
 */
export function threefry2x32(key: ArrayLike<number>, counter: readonly number[]): [number, number] {
  const first = firstWord(key, counter[0], counter[1]);
  return [first, secondWord[0]];
}

/** The words of the elements 0 to n - 1. */
function wordsOf(key: NDArray, n: number): Float64Array {
  const out = arrayFor('f64', n) as Float64Array;
  for (let i = 0; i < n; i++) out[i] = firstWord(key.data, i, 0);
  return out;
}
/** Uniform numbers of n elements: the top 24 bits as a fraction; every such number is a float32. */
export const uniformOf = (key: NDArray, n: number): Float64Array => wordsOf(key, n).map((w) => (w >>> 8) / 2 ** 24);

/** The array of a type, filled by a function of the key and the number of elements. */
const drawn = (key: NDArray, t: TensorType, f: (key: NDArray, n: number) => Float64Array): NDArray => {
  const shape = staticShape(t.shape);
  return { dtype: t.dtype, shape, data: f(key, sizeOfShape(shape)) };
};

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
  reference: ([key], _, [t]) => [drawn(key, t, wordsOf)],
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
  reference: ([key], _, [t]) => [drawn(key, t, uniformOf)],
  samples: samples(),
});

/** Elements of a distribution that are functions of one word each. */
function fromWords(name: string, element: string, doc: string, of: (words: Float64Array) => Float64Array): void {
  defineComposite({
    name,
    doc,
    arity: 1,
    constraints: rules(name),
    infer: (c) => [tensorType('f32', checkKey(c))],
    grad: noGrad,
    expand: (b, [key], attrs) => [b.call(element, [b.call('rng_bits', [key], { shape: shapeAttr(attrs, 'shape') })])],
    reference: ([key], _, [t]) => [drawn(key, t, (k, n) => of(wordsOf(k, n)))],
    samples: samples(),
  });
}

fromWords(
  'random_normal',
  'normal_of_bits',
  'Standard normal f32: the normal quantile of (k + 1/2) 2^-24, where k is the top 24 bits of each word. So no value is infinite, and none beyond 5.4 in magnitude.',
  normalOf,
);
fromWords(
  'random_truncated_normal',
  'truncated_normal_of_bits',
  'Standard normal f32 within two deviations: the quantile of a uniform number between those of -2 and 2, so that none is drawn again.',
  truncatedNormalOf,
);
fromWords(
  'random_exponential',
  'exponential_of_bits',
  'Exponential f32 of mean 1: -log(1 - (w + 1/2) 2^-32), w being each word; at most 16.6.',
  exponentialOf,
);
fromWords('random_gumbel', 'gumbel_of_bits', 'Gumbel f32: -log of the exponential number of each word.', gumbelOf);

/** An operand's element, the key and the index, for elements that may draw more than one word. */
function withCounters(b: Emitter, key: Val, x: Val): readonly Val[] {
  const { shape } = x.type;
  const word = (k: number) => b.broadcastTo(b.reshape(b.slice(key, [k], [1]), []), shape);
  const counter = b.reshape(b.iota([sizeOf(shape)], 0, 'u32'), shape);
  return [x, word(0), word(1), counter];
}

defineComposite({
  name: 'random_int',
  doc: 'Whole numbers u32 below the second operand, element by element and equally likely: words of the incomplete last run of it are drawn again. 0 where it is 0.',
  arity: 2,
  constraints: {
    random_int_c1: "the key's dtype must be u32, and it must have the shape [2]",
    random_int_c2: "the second operand's dtype must be u32",
  },
  infer: (c) => {
    const [key, n] = c.inputs;
    c.check(typeEq(key, keyType), 'random_int_c1', typeText(key));
    c.check(n.dtype === 'u32' && !n.state, 'random_int_c2', typeText(n));
    return [n];
  },
  grad: noGrad,
  expand: (b, [key, n]) => [b.call('int_below', withCounters(b, key, n))],
  reference: ([key, n], _, [t]) => [
    build('u32', staticShape(t.shape), (_i, flat) => intBelowReference(n.data[flat], key.data, flat)),
  ],
  samples: [
    ...[[3, 5], [], [0, 4], [1030]].map((shape) => ({
      inputs: [keyInput(12, 34), { type: tensorType('u32', shape), range: [1, 100] as const }],
      grad: false,
    })),
    // A range that is drawn again for a quarter of the words.
    {
      inputs: [keyInput(5, 6), { type: tensorType('u32', [40]), values: new Array<number>(40).fill(3 * 2 ** 30) }],
      grad: false,
    },
  ],
});
function intBelowReference(n: number, key: Float64Array, i: number): number {
  if (n === 0) return 0;
  const runs = Math.floor(2 ** 32 / n) * n;
  for (let attempt = 0; ; attempt++) {
    const w = firstWord(key, i, attempt);
    if (w < runs) return w % n;
  }
}

defineComposite({
  name: 'random_gamma',
  doc: 'Gamma variates of scale 1 and of the shape that the second operand (f32 or f64) gives, element by element, by exact rejection (Marsaglia, Tsang 2000) in float64; normal numbers and uniform ones have 24 bits. NaN for a shape that is not positive and finite.',
  arity: 2,
  constraints: {
    random_gamma_c1: "the key's dtype must be u32, and it must have the shape [2]",
    random_gamma_c2: "the second operand's dtype must be a float",
  },
  infer: (c) => {
    const [key, alpha] = c.inputs;
    c.check(typeEq(key, keyType), 'random_gamma_c1', typeText(key));
    c.check(isFloat(alpha.dtype) && !alpha.state, 'random_gamma_c2', typeText(alpha));
    return [alpha];
  },
  grad: { none: 'the accepted attempt does not depend smoothly on the shape' },
  expand: (b, [key, alpha]) => [b.call('gamma_element', withCounters(b, key, alpha))],
  reference: ([key, alpha], _, [t]) => {
    const { data } = alpha;
    const words = [data.map(() => key.data[0]), data.map(() => key.data[1]), data.map((_x, i) => i)];
    return [{ dtype: t.dtype, shape: alpha.shape, data: gammaOf(t.dtype, data, words) }];
  },
  samples: ['[3,5]', '[]', '[0,4]', '[1030]'].map((shape) => ({
    inputs: [keyInput(7, 8), { type: t(`f32${shape}`), range: [0.05, 20] as const }],
    grad: false,
  })),
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
  reference: ([key], attrs, [t]) => {
    // Rounded as the float32 constant it is compared with.
    const p = Math.fround(numAttr(attrs, 'p'));
    return [drawn(key, t, (k, n) => uniformOf(k, n).map((u) => +(u < p)))];
  },
  samples: [...samples({ p: 0.3 }), ...samples({ p: 1 }).slice(0, 1)],
});
