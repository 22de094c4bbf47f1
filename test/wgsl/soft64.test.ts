// Emulated float64 on the GPU against JavaScript's own doubles, bit for bit.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { soft64Text } from '../../compiler/wgsl/soft64.ts';
import { ArgumentError } from '../../ir/errors.ts';
import { randomFrom } from '../../tools/random.ts';
import { closeGpu, openGpu, runOnGpu, type Words } from './gpu.ts';

const seed = Math.floor(Math.random() * 2 ** 32);
const pairsOfEach = 4000;

const bitsOf = (x: number): bigint => new BigUint64Array(new Float64Array([x]).buffer)[0];
const numberOf = (bits: bigint): number => new Float64Array(new BigUint64Array([bits]).buffer)[0];

/** The next double away from zero (by 1) or towards it (by -1). */
const next = (x: number, by = 1n): number => numberOf(bitsOf(x) + by);

const magnitudes = [
  0,
  2 ** -1074,
  2 ** -1073,
  3 * 2 ** -1074,
  numberOf(0x0008_0000_0000_0000n),
  numberOf(0x000f_ffff_ffff_ffffn),
  2 ** -1022,
  next(2 ** -1022),
  2 ** -1021,
  2 ** -537,
  2 ** -511,
  // Around float32: half of the least subnormal, subnormals and their ties, the least normal number, the largest.
  2 ** -150,
  next(2 ** -150),
  2 ** -149,
  3 * 2 ** -150,
  5 * 2 ** -150,
  2 ** -126 - 2 ** -150,
  2 ** -126,
  1 + 2 ** -24,
  next(1 + 2 ** -24),
  1 + 3 * 2 ** -24,
  2 ** 128 - 2 ** 104,
  next(2 ** 128 - 2 ** 103, -1n),
  2 ** 128 - 2 ** 103,
  2 ** 128,
  2 ** -54,
  2 ** -53,
  next(2 ** -53),
  2 ** -52,
  0.25,
  next(0.5, -1n),
  0.5,
  next(0.5),
  next(1, -1n),
  1,
  next(1),
  1.5,
  2,
  next(2.5, -1n),
  2.5,
  3,
  3.5,
  Math.PI,
  10,
  2 ** 31 - 1,
  2 ** 31 - 0.5,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32 - 0.5,
  2 ** 32,
  2 ** 51 + 0.5,
  2 ** 51 + 1.5,
  2 ** 52 - 0.5,
  2 ** 52 + 1,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 54,
  2 ** 511,
  next(2 ** 512, -1n),
  2 ** 512,
  2 ** 971,
  2 ** 1023,
  Number.MAX_VALUE,
  Infinity,
  NaN,
];
const specials = magnitudes.flatMap((x) => [x, -x]);

/** Pairs of doubles: all of the special values, then random ones of several distributions. */
function makePairs(): [Float64Array, Float64Array] {
  const random = randomFrom(seed);
  const word = () => Math.floor(random() * 2 ** 32);
  const a: number[] = [];
  const b: number[] = [];
  const take = (x: number, y: number) => {
    a.push(x);
    b.push(y);
  };
  /** A random double of one of `count` exponents from 2^low on. */
  const near = (low: number, count: number): number => {
    const high = ((word() & 0x800fffff) | ((1023 + low + (word() % count)) << 20)) >>> 0;
    return numberOf((BigInt(high) << 32n) | BigInt(word()));
  };
  const any = () => numberOf((BigInt(word()) << 32n) | BigInt(word()));
  for (const x of specials) for (const y of specials) take(x, y);
  for (let i = 0; i < pairsOfEach; i++) {
    take(any(), any());
    // Exponents near each other: cancellation, ties, shifts around 53 bits; numbers near and between integers.
    take(near(-3, 8), near(-3, 8));
    take(near(-60, 120), near(-60, 120));
    // Equal to the last bits.
    const x = near(-20, 60);
    take(x, (word() & 1 ? 1 : -1) * next(x, BigInt(word() % 7) - 3n));
    // Few bits: ties in products, exact quotients and roots.
    take(((word() >>> 4) | 0) * 2 ** ((word() % 60) - 40), (word() >>> (word() % 32)) * 2 ** ((word() % 60) - 40));
    // Products and quotients near overflow, near underflow and below it.
    const e = (word() % 2000) - 1000;
    const limit = word() & 1 ? 1020 : -1076;
    const other = Math.min(Math.max((word() & 1 ? limit - e : e - limit) - 4, -1022), 1014);
    take(near(Math.max(e, -1022), 9), near(other, 9));
    take(near(-1023, 8), near(-1023, 60));
    // Around the limits of float32.
    take(near(-155, 32), near(120, 12));
  }
  return [Float64Array.from(a), Float64Array.from(b)];
}

/** A function as an expression of WGSL over words `a` and `b`, and in JavaScript. */
interface Case {
  readonly wgsl: string;
  readonly f: (a: number, b: number) => number | boolean;
  /** How the first argument is made of `a[i]`, and the result of the function's; doubles are as they are. */
  readonly input?: 'f32' | 'i32' | 'u32';
  readonly result?: 'f32' | 'i32' | 'u32' | 'bool';
}

const nearest = (x: number): number => {
  if (Math.abs(x) >= 2 ** 52 || Number.isNaN(x)) return x;
  const whole = x < 0 ? x - 2 ** 52 + 2 ** 52 : x + 2 ** 52 - 2 ** 52;
  return whole === 0 ? x * 0 : whole;
};
const clamped = (low: number, high: number) => (x: number) => Math.min(Math.max(Math.trunc(x) || 0, low), high);

const cases: Record<string, Case> = {
  d_add: { wgsl: 'd_add(a, b)', f: (a, b) => a + b },
  d_sub: { wgsl: 'd_sub(a, b)', f: (a, b) => a - b },
  d_mul: { wgsl: 'd_mul(a, b)', f: (a, b) => a * b },
  d_div: { wgsl: 'd_div(a, b)', f: (a, b) => a / b },
  d_rem: { wgsl: 'd_rem(a, b)', f: (a, b) => a - Math.trunc(a / b) * b },
  d_fmod: { wgsl: 'd_fmod(a, b)', f: (a, b) => a % b },
  d_sqrt: { wgsl: 'd_sqrt(a)', f: Math.sqrt },
  d_neg: { wgsl: 'd_neg(a)', f: (a) => -a },
  d_abs: { wgsl: 'd_abs(a)', f: Math.abs },
  d_floor: { wgsl: 'd_floor(a)', f: Math.floor },
  d_ceil: { wgsl: 'd_ceil(a)', f: Math.ceil },
  d_trunc: { wgsl: 'd_trunc(a)', f: Math.trunc },
  d_nearest: { wgsl: 'd_nearest(a)', f: nearest },
  d_eq: { wgsl: 'd_eq(a, b)', f: (a, b) => a === b, result: 'bool' },
  d_ne: { wgsl: 'd_ne(a, b)', f: (a, b) => a !== b, result: 'bool' },
  d_lt: { wgsl: 'd_lt(a, b)', f: (a, b) => a < b, result: 'bool' },
  d_le: { wgsl: 'd_le(a, b)', f: (a, b) => a <= b, result: 'bool' },
  d_gt: { wgsl: 'd_gt(a, b)', f: (a, b) => a > b, result: 'bool' },
  d_ge: { wgsl: 'd_ge(a, b)', f: (a, b) => a >= b, result: 'bool' },
  d_min: { wgsl: 'd_min(a, b)', f: Math.min },
  d_max: { wgsl: 'd_max(a, b)', f: Math.max },
  // biome-ignore lint/complexity/useMathMinMax: a NaN that stands second is not taken
  d_pmin: { wgsl: 'd_pmin(a, b)', f: (a, b) => (b < a ? b : a) },
  // biome-ignore lint/complexity/useMathMinMax: a NaN that stands second is not taken
  d_pmax: { wgsl: 'd_pmax(a, b)', f: (a, b) => (a < b ? b : a) },
  d_from_f32: { wgsl: 'd_from_f32(bitcast<f32>(a.x))', f: (a) => a, input: 'f32' },
  d_from_i32: { wgsl: 'd_from_i32(bitcast<i32>(a.x))', f: (a) => a, input: 'i32' },
  d_from_u32: { wgsl: 'd_from_u32(a.x)', f: (a) => a, input: 'u32' },
  d_to_f32: { wgsl: 'vec2<u32>(bitcast<u32>(d_to_f32(a)), 0u)', f: (a) => a, result: 'f32' },
  d_to_i32: { wgsl: 'vec2<u32>(bitcast<u32>(d_to_i32(a)), 0u)', f: clamped(-(2 ** 31), 2 ** 31 - 1), result: 'i32' },
  d_to_u32: { wgsl: 'vec2<u32>(d_to_u32(a), 0u)', f: clamped(0, 2 ** 32 - 1), result: 'u32' },
};

const arrays = { f32: Float32Array, i32: Int32Array, u32: Uint32Array };

/** NaNs as pairs of words; JavaScript's engine keeps no payload, so they are put in as words. */
const nans = [
  [0, 0x7ff80000],
  [1, 0x7ff00000],
  [0x80000000, 0xfff00000],
  [0, 0xfff80000],
  [0xffffffff, 0x7fffffff],
];

/** Numbers as pairs of words: doubles, or one word of a narrower type. */
function toWords(xs: Float64Array, type?: keyof typeof arrays): Words {
  if (!type) {
    const doubles = new Uint32Array(xs.slice().buffer);
    for (let i = 0; i < xs.length; i++) if (Number.isNaN(xs[i])) doubles.set(nans[i % nans.length], 2 * i);
    return doubles;
  }
  const words = new Uint32Array(xs.length * 2);
  const view = new arrays[type](words.buffer);
  for (let i = 0; i < xs.length; i++) view[2 * i] = xs[i];
  return words;
}

/** The inverse of toWords. */
function fromWords(words: Words, type?: keyof typeof arrays): Float64Array {
  if (!type) return new Float64Array(words.buffer);
  return Float64Array.from(new arrays[type](words.buffer).filter((_, i) => i % 2 === 0));
}

/** Where the function's results are not those of JavaScript, as text. */
async function wrong(name: string, c: Case, pairs: [Float64Array, Float64Array]): Promise<string[]> {
  const type = c.result === 'bool' ? 'u32' : c.result;
  const expression = c.result === 'bool' ? `vec2<u32>(u32(${c.wgsl}), 0u)` : c.wgsl;
  const words = toWords(pairs[0], c.input);
  const a = fromWords(words, c.input);
  const b = pairs[1];
  const both = new Uint32Array(2 * words.length);
  both.set(words);
  both.set(toWords(b), words.length);
  const statements = `let a = xs[i]; let b = xs[${a.length}u + i]; out[i] = ${expression};`;
  const got = fromWords(await runOnGpu(soft64Text([name]), statements, both, a.length), type);
  const expected = fromWords(
    toWords(
      Float64Array.from(a, (x, i) => Number(c.f(x, b[i]))),
      type,
    ),
    type,
  );
  const bad: string[] = [];
  for (let i = 0; i < a.length; i++) {
    if (!Object.is(got[i], expected[i])) bad.push(`${name}(${a[i]}, ${b[i]}) = ${got[i]}, expected ${expected[i]}`);
  }
  return bad;
}

describe('emulated float64', () => {
  const pairs = makePairs();
  console.log(`seed ${seed}, ${pairs[0].length} pairs`);

  beforeAll(openGpu);
  afterAll(closeGpu);

  it.each(Object.entries(cases))('%s', async (name, c) => {
    const bad = await wrong(name, c, pairs);
    expect(bad.length, `seed ${seed}: ${bad.slice(0, 10).join('\n')}`).toBe(0);
  });

  it('gives each function once, after what it needs', () => {
    const text = soft64Text(['d_sub', 'd_add', 'd_sub']);
    const declared = [...text.matchAll(/^(?:fn|const|struct) (\w+)/gm)].map((m) => m[1]);
    expect(new Set(declared).size).toBe(declared.length);
    expect(declared).toContain('d_pack');
    expect(declared).not.toContain('d_mul');
    expect(soft64Text([])).toBe('');
  });

  it('refuses other names', () => {
    expect(() => soft64Text(['d_cbrt'])).toThrow(ArgumentError);
    expect(() => soft64Text(['d_cbrt'])).toThrow(/d_cbrt.*\n.*fix: use one of .*d_add/);
  });
});
