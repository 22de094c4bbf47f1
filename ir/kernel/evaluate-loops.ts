// What one node of a kernel expression does with many elements, with the rounding of every operation. Elements of
// every dtype are held in float64, so each loop sees one type of array, which engines compile best. Operations that
// random numbers need often are written out; a function called for each element costs several times as much.

import type { DType } from '../types.ts';
import type { BinOp, UnOp } from './expr.ts';

/** Elements of a node. */
export type Elements = Float64Array;
/** Computes the first `n` elements of `d` from those of the operands. */
export type Loop = (d: Elements, n: number, a: Elements, b: Elements, c: Elements) => void;
const { fround, imul } = Math;

const each =
  (f: (a: number, b: number) => number): Loop =>
  (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = f(a[i], b[i]);
  };
const eachOne =
  (f: (a: number) => number): Loop =>
  (d, n, a) => {
    for (let i = 0; i < n; i++) d[i] = f(a[i]);
  };

/** A number as the dtype holds it. */
const wrap = (ty: DType, x: number): number => {
  if (ty === 'f32') return fround(x);
  if (ty === 'i32') return x | 0;
  return ty === 'u32' ? x >>> 0 : x;
};
const isFloat = (ty: DType): boolean => ty === 'f32' || ty === 'f64';

const f32: Partial<Record<BinOp, Loop>> = {
  add: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = fround(a[i] + b[i]);
  },
  sub: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = fround(a[i] - b[i]);
  },
  mul: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = fround(a[i] * b[i]);
  },
  div: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = fround(a[i] / b[i]);
  },
};
const f64: Partial<Record<BinOp, Loop>> = {
  add: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] + b[i];
  },
  sub: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] - b[i];
  },
  mul: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] * b[i];
  },
  div: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] / b[i];
  },
};
const i32: Partial<Record<BinOp, Loop>> = {
  add: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = (a[i] + b[i]) | 0;
  },
  sub: each((a, b) => (a - b) | 0),
  mul: each(imul),
  div: each((a, b) => Math.trunc(a / b) | 0),
  rem: each((a, b) => (a % b) | 0),
  and: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] & b[i];
  },
  or: each((a, b) => a | b),
  xor: each((a, b) => a ^ b),
  shl: each((a, b) => a << b),
  shr: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] >> b[i];
  },
};
const u32: Partial<Record<BinOp, Loop>> = {
  add: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = (a[i] + b[i]) >>> 0;
  },
  sub: each((a, b) => (a - b) >>> 0),
  mul: each((a, b) => imul(a, b) >>> 0),
  div: each((a, b) => Math.trunc(a / b) >>> 0),
  rem: each((a, b) => (a % b) >>> 0),
  and: each((a, b) => (a & b) >>> 0),
  or: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = (a[i] | b[i]) >>> 0;
  },
  xor: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = (a[i] ^ b[i]) >>> 0;
  },
  shl: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = (a[i] << b[i]) >>> 0;
  },
  shr: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] >>> b[i];
  },
};
const bool: Partial<Record<BinOp, Loop>> = {
  and: each((a, b) => a & b),
  or: each((a, b) => a | b),
  xor: each((a, b) => a ^ b),
};

/** The remainder of a division whose parts are rounded one by one. */
const floatRem = (ty: DType): Loop => each((a, b) => wrap(ty, a - wrap(ty, wrap(ty, Math.trunc(wrap(ty, a / b))) * b)));
const typed: Partial<Record<DType, Partial<Record<BinOp, Loop>>>> = {
  f32: { ...f32, rem: floatRem('f32') },
  f64: { ...f64, rem: floatRem('f64') },
  i32,
  u32,
  bool,
};
/** What is the same for every dtype. */
const untyped: Partial<Record<BinOp, Loop>> = {
  min: each(Math.min),
  max: each(Math.max),
  // biome-ignore lint/complexity/useMathMinMax: a NaN that stands second is not taken
  pmin: each((a, b) => (b < a ? b : a)),
  // biome-ignore lint/complexity/useMathMinMax: a NaN that stands second is not taken
  pmax: each((a, b) => (a < b ? b : a)),
  eq: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] === b[i] ? 1 : 0;
  },
  ne: each((a, b) => +(a !== b)),
  lt: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] < b[i] ? 1 : 0;
  },
  le: each((a, b) => +(a <= b)),
  gt: each((a, b) => +(a > b)),
  ge: (d, n, a, b) => {
    for (let i = 0; i < n; i++) d[i] = a[i] >= b[i] ? 1 : 0;
  },
};

/** A binary operation; `ty` is the operands' type. */
export function binaryLoop(op: BinOp, ty: DType): Loop {
  const loop = untyped[op] ?? typed[ty]?.[op];
  if (!loop) throw new Error(`${op} of ${ty} stands in an expression that is evaluated`);
  return loop;
}

function nearestEven(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const down = Math.floor(x);
  const rest = x - down;
  const n = rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
  return n === 0 && (x < 0 || Object.is(x, -0)) ? -0 : n;
}

const negLoop: Loop = (d, n, a) => {
  for (let i = 0; i < n; i++) d[i] = -a[i];
};
/** In float32. */
const sqrtLoop: Loop = (d, n, a) => {
  for (let i = 0; i < n; i++) d[i] = fround(Math.sqrt(a[i]));
};

export function unaryLoop(op: UnOp, ty: DType): Loop {
  switch (op) {
    case 'neg':
      return isFloat(ty) ? negLoop : eachOne((x) => wrap(ty, -x));
    case 'abs':
      return eachOne((x) => wrap(ty, Math.abs(x)));
    case 'not':
      return eachOne(ty === 'bool' ? (x) => +!x : (x) => wrap(ty, ~x));
    case 'nearest':
      return eachOne(nearestEven);
    case 'sqrt':
      return ty === 'f32' ? sqrtLoop : eachOne(Math.sqrt);
    default:
      return eachOne(Math[op]);
  }
}

const roundLoop: Loop = (d, n, a) => {
  for (let i = 0; i < n; i++) d[i] = fround(a[i]);
};
/** Numbers in another dtype: rounded, or from a float to a whole number: towards 0, the nearest that there is, 0 of NaN. */
export function castLoop(from: DType, to: DType): Loop {
  if (to === 'f32') return roundLoop;
  if (!isFloat(from) || isFloat(to)) return eachOne((x) => wrap(to, x));
  const [lo, hi] = to === 'u32' ? [0, 4294967295] : [-2147483648, 2147483647];
  return eachOne((x) => (Number.isNaN(x) ? 0 : Math.min(Math.max(Math.trunc(x), lo), hi)));
}

const view = new DataView(new ArrayBuffer(8));
const floatToInt: Loop = (d, n, a) => {
  for (let i = 0; i < n; i++) {
    view.setFloat32(0, a[i]);
    d[i] = view.getInt32(0);
  }
};
const intToFloat: Loop = (d, n, a) => {
  for (let i = 0; i < n; i++) {
    view.setInt32(0, a[i] | 0);
    d[i] = view.getFloat32(0);
  }
};
/** The same 32 bits as another dtype. */
export function bitsLoop(from: DType, to: DType): Loop {
  if (to === 'f32') return from === 'f32' ? roundLoop : intToFloat;
  if (from !== 'f32') return eachOne((x) => wrap(to, x));
  return to === 'i32'
    ? floatToInt
    : (d, n, a, b, c) => {
        floatToInt(d, n, a, b, c);
        for (let i = 0; i < n; i++) d[i] = d[i] >>> 0;
      };
}

/** One half of a double's bits, as i32. */
export const wordLoop = (half: 'hi' | 'lo'): Loop =>
  eachOne((x) => {
    view.setFloat64(0, x);
    return view.getInt32(half === 'hi' ? 0 : 4);
  });
/** The double of two i32 halves. */
export const doubleLoop: Loop = each((hi, lo) => {
  view.setInt32(0, hi);
  view.setInt32(4, lo);
  return view.getFloat64(0);
});

/** The second operand where the first is true, else the third. */
export const selectLoop: Loop = (d, n, a, b, c) => {
  for (let i = 0; i < n; i++) d[i] = a[i] ? b[i] : c[i];
};
/** a * b + c in two roundings. */
export const fmaLoop = (ty: DType): Loop =>
  ty === 'f32'
    ? (d, n, a, b, c) => {
        for (let i = 0; i < n; i++) d[i] = fround(fround(a[i] * b[i]) + c[i]);
      }
    : (d, n, a, b, c) => {
        for (let i = 0; i < n; i++) d[i] = a[i] * b[i] + c[i];
      };
