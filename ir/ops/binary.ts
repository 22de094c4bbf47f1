// Binary element-wise primitives on operands of one dtype and shape, comparisons included.

import type { Val } from '../graph.ts';
import * as m from '../kernel/elementary.ts';
import { bin, call, type Expr, konst, rare, sel, sub, un } from '../kernel/expr.ts';
import { mapElements } from '../ndarray.ts';
import { defineOp, type GradRule, type OpDef, sample } from '../op.ts';
import { type DType, isFloat, isInt, shapeEq, tensorType, typeEq } from '../types.ts';

const floats: readonly DType[] = ['f32', 'f64'];
const numeric: readonly DType[] = ['f32', 'f64', 'i32', 'u32'];
const one = (x: Expr) => konst(x.ty, 1);
const zero = (x: Expr) => konst(x.ty, 0);

interface Binary {
  doc: string;
  types: readonly DType[];
  scalar: (x: Expr, y: Expr) => Expr;
  ref: (x: number, y: number, t: DType) => number;
  grad: GradRule | string;
  ranges?: [[number, number], [number, number]];
  result?: DType;
}

function binary(name: string, u: Binary): OpDef {
  const [r0, r1] = u.ranges ?? [
    [-2, 2],
    [-2, 2],
  ];
  const dt = u.types[0];
  const s = (shape: string, grad = true) =>
    sample(
      [
        [`${dt}${shape}`, ...r0],
        [`${dt}${shape}`, ...r1],
      ],
      {},
      grad && dt === 'f32' && typeof u.grad !== 'string',
    );
  const samples = [s('[3,5]'), s('[]'), s('[0,4]', false), s('[1030]', false)];
  if (u.types.includes('i32') && dt !== 'i32')
    samples.push(
      sample(
        [
          ['i32[9]', -20, 20],
          ['i32[9]', 1, 6],
        ],
        {},
        false,
      ),
    );
  if (u.types.includes('bool') && dt !== 'bool') samples.push(sample(['bool[9]', 'bool[9]'], {}, false));
  return defineOp({
    name,
    doc: u.doc,
    kind: 'elementwise',
    arity: 2,
    sameType: [0, 1],
    constraints: {
      [`${name}_c1`]: 'both operands must have one dtype',
      [`${name}_c2`]: 'both operands must have one shape',
      [`${name}_c3`]: `the operands' dtype must be one of ${u.types.join(', ')}`,
    },
    infer: (c) => {
      const [x, y] = c.inputs;
      c.check(x.dtype === y.dtype, `${name}_c1`, `${x.dtype} and ${y.dtype}`, 'convert one of them');
      c.check(
        shapeEq(x.shape, y.shape),
        `${name}_c2`,
        `${c.inputs.map((t) => `[${t.shape}]`).join(' and ')}`,
        'broadcast first',
      );
      c.check(u.types.includes(x.dtype) && typeEq(x, y), `${name}_c3`, x.dtype);
      return [u.result ? tensorType(u.result, x.shape) : x];
    },
    scalar: ([x, y]) => u.scalar(x, y),
    grad: typeof u.grad === 'string' ? { none: u.grad } : u.grad,
    reference: (xs, _, [t]) => [mapElements(t.dtype, xs, (x, y) => u.ref(x, y, xs[0].dtype))],
    samples,
  });
}

const e2 = (op: Parameters<typeof bin>[0]) => (x: Expr, y: Expr) => bin(op, x, y);

binary('add', {
  doc: 'x + y; integers wrap.',
  types: numeric,
  scalar: e2('add'),
  ref: (x, y) => x + y,
  grad: (_b, _n, [g]) => [g, g],
});
binary('sub', {
  doc: 'x - y; integers wrap.',
  types: numeric,
  scalar: e2('sub'),
  ref: (x, y) => x - y,
  grad: (b, n, [g]) => [g, n.needs[1] ? b.neg(g) : null],
});
binary('mul', {
  doc: 'x * y; integers wrap.',
  types: numeric,
  scalar: e2('mul'),
  ref: (x, y, t) => (isInt(t) ? Math.imul(x, y) : x * y),
  grad: (b, n, [g]) => [n.needs[0] ? b.mul(g, n.inputs[1]) : null, n.needs[1] ? b.mul(g, n.inputs[0]) : null],
});
binary('div', {
  doc: 'x / y; integers truncate, and division by zero gives 0.',
  types: numeric,
  scalar: (x, y) => (isFloat(x.ty) ? bin('div', x, y) : guarded('div', x, y)),
  ref: (x, y, t) => (isFloat(t) ? x / y : y === 0 ? 0 : Math.trunc(x / y)),
  grad: (b, n, [g]) => {
    const q = b.div(g, n.inputs[1]);
    return [q, n.needs[1] ? b.neg(b.mul(q, n.outputs[0])) : null];
  },
  ranges: [
    [-2, 2],
    [0.5, 2],
  ],
});
/**
 * What is smaller than the divisor is its own remainder, also of an infinite one. Where the quotient is large, its
 * whole part times y is rounded by more than y is worth (or overflows): there the function that subtracts exactly.
 */
function floatRem(x: Expr, y: Expr): Expr {
  const [a, b] = [un('abs', x), un('abs', y)];
  const wide = x.ty === 'f64';
  const large = bin('ge', a, bin('mul', b, konst(x.ty, wide ? 2 ** 32 : 2 ** 12)));
  const defined = bin('and', bin('ne', y, zero(y)), bin('lt', a, konst(x.ty, Number.POSITIVE_INFINITY)));
  const near = sel(bin('lt', a, b), x, bin('rem', x, y));
  return rare(bin('and', large, defined), call(wide ? 'rem' : 'rem_f32', x, y), near);
}
/** Integer division and remainder trap in WASM on a zero divisor and on minInt / -1. */
function guarded(op: 'div' | 'rem', x: Expr, y: Expr): Expr {
  const isZero = bin('eq', y, zero(y));
  if (x.ty === 'u32') return sel(isZero, zero(x), bin(op, x, sel(isZero, one(y), y)));
  const minusOne = bin('eq', y, konst('i32', -1));
  const safe = sel(bin('or', isZero, minusOne), one(y), y);
  const special = op === 'div' ? sub(zero(x), x) : zero(x);
  return sel(isZero, zero(x), sel(minusOne, special, bin(op, x, safe)));
}
binary('rem', {
  doc: 'Remainder of division towards zero (the sign of x); 0 where an integer divisor is 0.',
  types: numeric,
  scalar: (x, y) => (isFloat(x.ty) ? floatRem(x, y) : guarded('rem', x, y)),
  ref: (x, y, t) => (isInt(t) && y === 0 ? 0 : x % y),
  grad: (b, n, [g]) => [g, n.needs[1] ? b.neg(b.mul(g, b.un('trunc', b.div(n.inputs[0], n.inputs[1])))) : null],
  ranges: [
    [1.1, 1.9],
    [0.6, 0.9],
  ],
});
/** Gradient flows to the operand that was chosen; ties split evenly (as TensorFlow and JAX). */
const pick =
  (dir: 'gt' | 'lt'): GradRule =>
  (b, n, [g]) => {
    const [x, y] = n.inputs;
    const z = b.zerosLike(g);
    const tie = b.compare('eq', x, y);
    const half = b.mul(g, 0.5);
    const part = (u: Val, v: Val) => b.select(b.compare(dir, u, v), g, b.select(tie, half, z));
    return [n.needs[0] ? part(x, y) : null, n.needs[1] ? part(y, x) : null];
  };
/** A constant that is not NaN may stand second in pmin/pmax, which is one instruction. */
const minmax = (op: 'min' | 'max') => (x: Expr, y: Expr) => {
  if (isFloat(x.ty)) {
    if (y.k === 'const' && !Number.isNaN(y.value)) return bin(op === 'min' ? 'pmin' : 'pmax', x, y);
    if (x.k === 'const' && !Number.isNaN(x.value)) return bin(op === 'min' ? 'pmin' : 'pmax', y, x);
  }
  return bin(op, x, y);
};
binary('max', {
  doc: 'The larger; NaN if either is.',
  types: numeric,
  scalar: minmax('max'),
  ref: (x, y) => Math.max(x, y),
  grad: pick('gt'),
  ranges: [
    [-2, 2],
    [-2.3, 2.1],
  ],
});
binary('min', {
  doc: 'The smaller; NaN if either is.',
  types: numeric,
  scalar: minmax('min'),
  ref: (x, y) => Math.min(x, y),
  grad: pick('lt'),
  ranges: [
    [-2, 2],
    [-2.3, 2.1],
  ],
});
/** Integer powers by repeated squaring, wrapping; a negative exponent gives the truncated quotient. */
function intPow(x: Expr, y: Expr): Expr {
  let result: Expr = one(x);
  let base = x;
  for (let bit = 0; bit < 31; bit++) {
    const taken = bin('ne', bin('and', y, konst(x.ty, 2 ** bit)), zero(y));
    result = sel(taken, bin('mul', result, base), result);
    if (bit < 30) base = bin('mul', base, base);
  }
  // 1/x^n is 0 but for x = 1 and x = -1, whose powers repeat, and for x = 0, where it is taken as 0.
  const odd = bin('ne', bin('and', y, one(y)), zero(y));
  const ofMinusOne = sel(odd, konst(x.ty, -1), one(x));
  const negative = sel(bin('eq', x, one(x)), one(x), sel(bin('eq', x, konst(x.ty, -1)), ofMinusOne, zero(x)));
  return sel(bin('lt', y, zero(y)), negative, result);
}
function intPowReference(x: number, y: number): number {
  if (y < 0) return x === 1 ? 1 : x === -1 ? (y % 2 === 0 ? 1 : -1) : 0;
  let result = 1;
  let base = x;
  for (let e = y; e > 0; e = Math.floor(e / 2)) {
    if (e % 2 === 1) result = Math.imul(result, base);
    base = Math.imul(base, base);
  }
  return result;
}
binary('pow', {
  doc: 'x^y; NaN for a negative x and a fractional y. Integers wrap, and truncate for a negative y.',
  types: [...floats, 'i32'],
  scalar: (x, y) => (x.ty === 'i32' ? intPow(x, y) : m.pow(x, y)),
  // IEEE 754 has 1 where JavaScript has NaN: 1^NaN and (-1)^inf.
  ref: (x, y, t) =>
    t === 'i32' ? intPowReference(x, y) : x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y,
  grad: (b, n, [g]) => {
    const [x, y] = n.inputs;
    const dx = n.needs[0] ? b.mul(g, b.mul(y, b.pow(x, b.sub(y, 1)))) : null;
    if (!n.needs[1]) return [dx, null];
    const positive = b.compare('gt', x, 0);
    const lg = b.un('log', b.select(positive, x, 1));
    return [dx, b.mul(g, b.mul(n.outputs[0], b.select(positive, lg, 0)))];
  },
  ranges: [
    [0.3, 3],
    [-2, 2],
  ],
});
binary('atan2', {
  doc: 'Angle of the point (y, x) given as (first, second) operand, in (-pi, pi].',
  types: floats,
  scalar: m.atan2,
  ref: Math.atan2,
  grad: (b, n, [g]) => {
    const [y, x] = n.inputs;
    const q = b.div(g, b.add(b.square(x), b.square(y)));
    return [n.needs[0] ? b.mul(q, x) : null, n.needs[1] ? b.neg(b.mul(q, y)) : null];
  },
  ranges: [
    [0.3, 2],
    [-2, -0.3],
  ],
});

const logic: readonly DType[] = ['bool', 'i32', 'u32'];
const noGrad = 'its operands are not floats';
binary('and', { doc: 'Logical or bitwise and.', types: logic, scalar: e2('and'), ref: (x, y) => x & y, grad: noGrad });
binary('or', { doc: 'Logical or bitwise or.', types: logic, scalar: e2('or'), ref: (x, y) => x | y, grad: noGrad });
binary('xor', {
  doc: 'Logical or bitwise exclusive or.',
  types: logic,
  scalar: e2('xor'),
  ref: (x, y) => x ^ y,
  grad: noGrad,
});
const ints: readonly DType[] = ['i32', 'u32'];
binary('shl', {
  doc: 'Bits shifted left; the amount modulo 32.',
  types: ints,
  scalar: e2('shl'),
  ref: (x, y) => x << y,
  grad: noGrad,
  ranges: [
    [-99, 99],
    [0, 31],
  ],
});
binary('shr', {
  doc: 'Bits shifted right, arithmetically for i32, logically for u32; the amount modulo 32.',
  types: ints,
  scalar: e2('shr'),
  ref: (x, y, t) => (t === 'u32' ? x >>> y : x >> y),
  grad: noGrad,
  ranges: [
    [-99, 99],
    [0, 31],
  ],
});

const compares = {
  eq: ['x = y', (x: number, y: number) => x === y],
  ne: ['x != y', (x: number, y: number) => x !== y],
  lt: ['x < y', (x: number, y: number) => x < y],
  le: ['x <= y', (x: number, y: number) => x <= y],
  gt: ['x > y', (x: number, y: number) => x > y],
  ge: ['x >= y', (x: number, y: number) => x >= y],
} as const;
for (const [name, [doc, ref]] of Object.entries(compares))
  binary(name, {
    doc: `${doc}, element by element; false where either is NaN (ne: true).`,
    types: name === 'eq' || name === 'ne' ? [...numeric, 'bool'] : numeric,
    scalar: e2(name as 'eq'),
    ref: (x, y) => +ref(x, y),
    grad: 'its result is boolean',
    result: 'bool',
  });
