// What the compiled elementary functions promise, in units in the last place: the one table that the
// test asserts and docs/accuracy.md is written from. Every bound is a little above what was measured.

import { exactBinary, exactUnary } from './ulp.ts';

export interface Range {
  readonly label: string;
  readonly has: (x: number) => boolean;
  readonly bound: number;
}
export interface UnaryBound {
  readonly name: string;
  readonly exact: (x: number) => number;
  readonly ranges: readonly Range[];
}
export interface BinaryBound {
  readonly name: string;
  readonly exact: (x: number, y: number) => number;
  readonly sets: readonly {
    readonly label: string;
    readonly pairs: (random: () => number) => readonly [number, number];
    readonly bound: number;
  }[];
}

const everywhere = (bound: number): Range[] => [{ label: 'all floats', has: () => true, bound }];
const bounds: Readonly<Record<string, Range[]>> = {
  exp: everywhere(1),
  expm1: everywhere(1.5),
  log: everywhere(0.9),
  log1p: everywhere(0.9),
  sin: everywhere(1.5),
  cos: everywhere(1.5),
  tan: everywhere(1.7),
  asin: everywhere(2),
  acos: everywhere(1.3),
  atan: everywhere(1.5),
  sinh: everywhere(1.7),
  cosh: everywhere(1.5),
  tanh: everywhere(1.4),
  asinh: everywhere(1.8),
  acosh: everywhere(1.8),
  atanh: everywhere(1.7),
  erf: everywhere(1.4),
  logistic: everywhere(2.3),
  softplus: everywhere(1.7),
  sqrt: everywhere(0.5),
  rsqrt: everywhere(1.5),
};

export const unaryBounds: readonly UnaryBound[] = Object.entries(bounds).map(([name, ranges]) => ({
  name,
  exact: exactUnary[name],
  ranges,
}));

/** Any two floats; their bits are uniform, so most magnitudes are extreme. */
const bitPairs = (random: () => number): readonly [number, number] => {
  const word = new Int32Array(2);
  for (let i = 0; i < 2; i++) word[i] = (random() * 2 ** 32) | 0;
  const [x, y] = new Float32Array(word.buffer);
  return [x, y];
};
const moderate = (random: () => number): readonly [number, number] => [
  Math.fround(Math.exp(20 * random() - 10)),
  Math.fround(20 * random() - 10),
];
/** Numbers near 1 to large powers: where the logarithm's relative error counts most. */
const nearOne = (random: () => number): readonly [number, number] => {
  const x = 1 + (random() - 0.5) * 2 ** -Math.floor(20 * random());
  return [Math.fround(x), Math.fround((random() - 0.5) * 2 ** (25 * random()))];
};
const signs = (random: () => number): readonly [number, number] => {
  const [x, y] = moderate(random);
  return [random() < 0.5 ? x : -x, Math.fround(y + (random() - 0.5))];
};

export const binaryBounds: readonly BinaryBound[] = [
  {
    name: 'pow',
    exact: exactBinary.pow,
    sets: [
      { label: 'x from e^-10 to e^10, abs(y) ≤ 10', pairs: moderate, bound: 1.6 },
      { label: 'all pairs', pairs: bitPairs, bound: 3 },
      { label: 'x near 1, abs(y) up to 2^24', pairs: nearOne, bound: 6 },
    ],
  },
  {
    name: 'atan2',
    exact: exactBinary.atan2,
    sets: [
      { label: 'all pairs', pairs: bitPairs, bound: 1.7 },
      { label: 'moderate, all quadrants', pairs: signs, bound: 1.7 },
    ],
  },
  {
    name: 'div',
    exact: exactBinary.div,
    sets: [
      { label: 'all pairs', pairs: bitPairs, bound: 0.5 },
      { label: 'moderate', pairs: signs, bound: 0.5 },
    ],
  },
];
