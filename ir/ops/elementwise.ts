// Element-wise primitives: one scalar expression per element, its derivative, and its float64
// definition, on adjacent lines.

import type { Emitter } from '../emit.ts';
import type { Attrs, Val } from '../graph.ts';
import { add, bin, bits, cast, type Expr, konst, mul, sel, sub, un } from '../kernel/expr.ts';
import * as m from '../kernel/math.ts';
import { mapElements } from '../ndarray.ts';
import { defineOp, dtypeAttr, type GradRule, type OpDef, type Sample, sample } from '../op.ts';
import { type DType, dtypes, isFloat, isInt, shapeEq, tensorType, typeEq } from '../types.ts';

type Grad1 = (b: Emitter, x: Val, y: Val, g: Val) => Val | null;
interface Unary {
  doc: string;
  types?: readonly DType[];
  scalar: (x: Expr) => Expr;
  ref: (x: number) => number;
  grad: Grad1 | string;
  /** Range of the sampled inputs. */
  range?: [number, number];
  smooth?: boolean;
}

const floats: readonly DType[] = ['f32', 'f64'];
const numeric: readonly DType[] = ['f32', 'f64', 'i32', 'u32'];
const signed: readonly DType[] = ['f32', 'f64', 'i32'];

const rank3 = 'f32[3,5]';

function unary(name: string, u: Unary): OpDef {
  const types = u.types ?? floats;
  const range = u.range ?? [-2, 2];
  const samples: Sample[] = [
    sample([[rank3, ...range]], {}, u.smooth ?? true),
    sample([['f32[]', ...range]], {}, u.smooth ?? true),
    sample([['f32[0,3]', ...range]], {}, false),
    sample([['f32[1030]', ...range]], {}, false),
  ];
  if (types.includes('i32')) samples.push(sample([['i32[7]', -50, 50]], {}, false));
  return defineOp({
    name,
    doc: u.doc,
    kind: 'elementwise',
    arity: 1,
    constraints: { [`${name}_c1`]: `the operand's dtype must be one of ${types.join(', ')}` },
    infer: (c) => {
      c.check(types.includes(c.inputs[0].dtype) && !c.inputs[0].state, `${name}_c1`, c.inputs[0].dtype, 'convert the operand first');
      return [c.inputs[0]];
    },
    scalar: ([x]) => u.scalar(x),
    grad:
      typeof u.grad === 'string'
        ? { none: u.grad }
        : (b, n, [g]) => [(u.grad as Grad1)(b, n.inputs[0], n.outputs[0], g)],
    reference: ([x], _, [t]) => [mapElements(t.dtype, [x], u.ref)],
    samples,
  });
}

const zeroGrad: Grad1 = (b, x) => b.zerosLike(x);
const one = (x: Expr) => konst(x.ty, 1);
const zero = (x: Expr) => konst(x.ty, 0);
const f = (name: Parameters<typeof un>[0]) => (x: Expr) => un(name, x);

unary('neg', { doc: '-x.', types: signed, scalar: (x) => (x.ty === 'i32' ? sub(zero(x), x) : un('neg', x)), ref: (x) => -x, grad: (b, _x, _y, g) => b.neg(g) });
unary('abs', { doc: 'Absolute value.', types: signed, scalar: f('abs'), ref: Math.abs, grad: (b, x, _y, g) => b.mul(g, b.un('sign', x)), range: [0.1, 2] });
unary('sign', {
  doc: '-1, 0 or 1; NaN stays NaN, zeros keep their sign.',
  types: signed,
  scalar: (x) => sel(bin('gt', x, zero(x)), one(x), sel(bin('lt', x, zero(x)), konst(x.ty, -1), x)),
  ref: (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  grad: zeroGrad,
  range: [0.1, 2],
});
unary('floor', { doc: 'Largest integer not above x.', scalar: f('floor'), ref: Math.floor, grad: zeroGrad, range: [0.1, 0.9] });
unary('ceil', { doc: 'Smallest integer not below x.', scalar: f('ceil'), ref: Math.ceil, grad: zeroGrad, range: [0.1, 0.9] });
unary('trunc', { doc: 'x without its fraction.', scalar: f('trunc'), ref: Math.trunc, grad: zeroGrad, range: [0.1, 0.9] });
unary('round', {
  doc: 'Nearest integer, halves to even (as TensorFlow).',
  scalar: f('nearest'),
  ref: (x) => {
    const r = Math.round(x);
    return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
  },
  grad: zeroGrad,
  range: [0.6, 1.4],
});
unary('sqrt', { doc: 'Square root.', scalar: f('sqrt'), ref: Math.sqrt, grad: (b, _x, y, g) => b.div(b.mul(g, 0.5), y), range: [0.1, 4] });
unary('rsqrt', {
  doc: '1 / sqrt(x).',
  scalar: (x) => bin('div', one(x), un('sqrt', x)),
  ref: (x) => 1 / Math.sqrt(x),
  grad: (b, x, y, g) => b.mul(b.mul(g, -0.5), b.div(y, x)),
  range: [0.1, 4],
});
unary('exp', { doc: 'e^x.', scalar: m.exp, ref: Math.exp, grad: (b, _x, y, g) => b.mul(g, y) });
unary('expm1', { doc: 'e^x - 1, accurate near 0.', scalar: m.expm1, ref: Math.expm1, grad: (b, x, _y, g) => b.mul(g, b.un('exp', x)) });
unary('log', { doc: 'Natural logarithm; -Inf at 0, NaN below.', scalar: m.log, ref: Math.log, grad: (b, x, _y, g) => b.div(g, x), range: [0.1, 4] });
unary('log1p', { doc: 'log(1 + x), accurate near 0.', scalar: m.log1p, ref: Math.log1p, grad: (b, x, _y, g) => b.div(g, b.add(x, 1)), range: [-0.5, 3] });
unary('sin', { doc: 'Sine, radians.', scalar: m.sin, ref: Math.sin, grad: (b, x, _y, g) => b.mul(g, b.un('cos', x)) });
unary('cos', { doc: 'Cosine, radians.', scalar: m.cos, ref: Math.cos, grad: (b, x, _y, g) => b.neg(b.mul(g, b.un('sin', x))) });
unary('tan', { doc: 'Tangent, radians.', scalar: m.tan, ref: Math.tan, grad: (b, _x, y, g) => b.mul(g, b.add(b.square(y), 1)), range: [-1, 1] });
unary('asin', { doc: 'Arc sine.', scalar: m.asin, ref: Math.asin, grad: (b, x, _y, g) => b.mul(g, b.un('rsqrt', b.sub(1, b.square(x)))), range: [-0.9, 0.9] });
unary('acos', { doc: 'Arc cosine.', scalar: m.acos, ref: Math.acos, grad: (b, x, _y, g) => b.neg(b.mul(g, b.un('rsqrt', b.sub(1, b.square(x))))), range: [-0.9, 0.9] });
unary('atan', { doc: 'Arc tangent.', scalar: m.atan, ref: Math.atan, grad: (b, x, _y, g) => b.div(g, b.add(b.square(x), 1)) });
unary('sinh', { doc: 'Hyperbolic sine.', scalar: m.sinh, ref: Math.sinh, grad: (b, x, _y, g) => b.mul(g, b.un('cosh', x)) });
unary('cosh', { doc: 'Hyperbolic cosine.', scalar: m.cosh, ref: Math.cosh, grad: (b, x, _y, g) => b.mul(g, b.un('sinh', x)) });
unary('tanh', { doc: 'Hyperbolic tangent.', scalar: m.tanh, ref: Math.tanh, grad: (b, _x, y, g) => b.mul(g, b.sub(1, b.square(y))) });
unary('asinh', { doc: 'Inverse hyperbolic sine.', scalar: m.asinh, ref: Math.asinh, grad: (b, x, _y, g) => b.mul(g, b.un('rsqrt', b.add(b.square(x), 1))) });
unary('acosh', { doc: 'Inverse hyperbolic cosine; NaN below 1.', scalar: m.acosh, ref: Math.acosh, grad: (b, x, _y, g) => b.mul(g, b.un('rsqrt', b.sub(b.square(x), 1))), range: [1.2, 4] });
unary('atanh', { doc: 'Inverse hyperbolic tangent.', scalar: m.atanh, ref: Math.atanh, grad: (b, x, _y, g) => b.div(g, b.sub(1, b.square(x))), range: [-0.9, 0.9] });
unary('erf', {
  doc: 'Gauss error function.',
  scalar: m.erf,
  ref: erfReference,
  grad: (b, x, _y, g) => b.mul(b.mul(g, 2 / Math.sqrt(Math.PI)), b.un('exp', b.neg(b.square(x)))),
});
unary('logistic', {
  doc: 'Sigmoid, 1 / (1 + e^-x).',
  scalar: m.logistic,
  ref: (x) => 1 / (1 + Math.exp(-x)),
  grad: (b, _x, y, g) => b.mul(g, b.mul(y, b.sub(1, y))),
});
unary('softplus', {
  doc: 'log(1 + e^x).',
  scalar: m.softplus,
  ref: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  grad: (b, x, _y, g) => b.mul(g, b.un('logistic', x)),
});

/** erf by its Maclaurin series, or by the continued fraction of erfc (Abramowitz, Stegun 7.1.5, 7.1.14). */
export function erfReference(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return x;
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 200; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let c = 0;
  for (let k = 80; k > 0; k--) c = k / 2 / (a + c);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + c));
}

// Predicates and logic.
function predicate(name: string, doc: string, scalar: (x: Expr) => Expr, ref: (x: number) => boolean) {
  defineOp({
    name,
    doc,
    kind: 'elementwise',
    arity: 1,
    constraints: { [`${name}_c1`]: "the operand's dtype must be a float" },
    infer: (c) => {
      c.check(isFloat(c.inputs[0].dtype), `${name}_c1`, c.inputs[0].dtype);
      return [tensorType('bool', c.inputs[0].shape)];
    },
    scalar: ([x]) => scalar(x),
    grad: { none: 'its result is boolean' },
    reference: ([x]) => [mapElements('bool', [x], (v) => +ref(v))],
    samples: [sample([{ type: { dtype: 'f32', shape: [5] }, values: [1, NaN, Infinity, -Infinity, -0] }], {}, false), sample(['f32[3,9]'], {}, false)],
  });
}
predicate('is_nan', 'True where x is NaN.', (x) => bin('ne', x, x), Number.isNaN);
predicate('is_inf', 'True where x is infinite.', (x) => bin('eq', un('abs', x), konst(x.ty, Infinity)), (x) => Math.abs(x) === Infinity);
predicate('is_finite', 'True where x is neither NaN nor infinite.', (x) => bin('lt', un('abs', x), konst(x.ty, Infinity)), Number.isFinite);

defineOp({
  name: 'not',
  doc: 'Logical negation of booleans; bitwise complement of integers.',
  kind: 'elementwise',
  arity: 1,
  constraints: { not_c1: "the operand's dtype must be bool or an integer" },
  infer: (c) => {
    c.check(!isFloat(c.inputs[0].dtype), 'not_c1', c.inputs[0].dtype);
    return [c.inputs[0]];
  },
  scalar: ([x]) => un('not', x),
  grad: { none: 'its operand is not a float' },
  reference: ([x], _, [t]) => [mapElements(t.dtype, [x], (v) => (t.dtype === 'bool' ? +!v : ~v))],
  samples: [sample(['bool[3,5]'], {}, false), sample([['i32[9]', -9, 9]], {}, false)],
});

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
  const [r0, r1] = u.ranges ?? [[-2, 2], [-2, 2]];
  const dt = u.types[0];
  const s = (shape: string, grad = true) => sample([[`${dt}${shape}`, ...r0], [`${dt}${shape}`, ...r1]], {}, grad && dt === 'f32' && typeof u.grad !== 'string');
  const samples = [s('[3,5]'), s('[]'), s('[0,4]', false), s('[1030]', false)];
  if (u.types.includes('i32') && dt !== 'i32') samples.push(sample([['i32[9]', -20, 20], ['i32[9]', 1, 6]], {}, false));
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
      c.check(shapeEq(x.shape, y.shape), `${name}_c2`, `${c.inputs.map((t) => `[${t.shape}]`).join(' and ')}`, 'broadcast first');
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

binary('add', { doc: 'x + y; integers wrap.', types: numeric, scalar: e2('add'), ref: (x, y) => x + y, grad: (_b, _n, [g]) => [g, g] });
binary('sub', { doc: 'x - y; integers wrap.', types: numeric, scalar: e2('sub'), ref: (x, y) => x - y, grad: (b, n, [g]) => [g, n.needs[1] ? b.neg(g) : null] });
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
  ranges: [[-2, 2], [0.5, 2]],
});
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
  scalar: (x, y) => (isFloat(x.ty) ? bin('rem', x, y) : guarded('rem', x, y)),
  ref: (x, y, t) => (isInt(t) && y === 0 ? 0 : x % y),
  grad: (b, n, [g]) => [g, n.needs[1] ? b.neg(b.mul(g, b.un('trunc', b.div(n.inputs[0], n.inputs[1])))) : null],
  ranges: [[1.1, 1.9], [0.6, 0.9]],
});
/** Gradient flows to the operand that was chosen; ties split evenly (as TensorFlow and JAX). */
const pick = (dir: 'gt' | 'lt'): GradRule => (b, n, [g]) => {
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
binary('max', { doc: 'The larger; NaN if either is.', types: numeric, scalar: minmax('max'), ref: (x, y) => Math.max(x, y), grad: pick('gt'), ranges: [[-2, 2], [-2.3, 2.1]] });
binary('min', { doc: 'The smaller; NaN if either is.', types: numeric, scalar: minmax('min'), ref: (x, y) => Math.min(x, y), grad: pick('lt'), ranges: [[-2, 2], [-2.3, 2.1]] });
binary('pow', {
  doc: 'x^y; NaN for a negative x and a fractional y.',
  types: floats,
  scalar: m.pow,
  ref: (x, y) => (x === 1 ? 1 : x ** y),
  grad: (b, n, [g]) => {
    const [x, y] = n.inputs;
    const dx = n.needs[0] ? b.mul(g, b.mul(y, b.pow(x, b.sub(y, 1)))) : null;
    if (!n.needs[1]) return [dx, null];
    const positive = b.compare('gt', x, 0);
    const lg = b.un('log', b.select(positive, x, 1));
    return [dx, b.mul(g, b.mul(n.outputs[0], b.select(positive, lg, 0)))];
  },
  ranges: [[0.3, 3], [-2, 2]],
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
  ranges: [[0.3, 2], [-2, -0.3]],
});

const logic: readonly DType[] = ['bool', 'i32', 'u32'];
const noGrad = 'its operands are not floats';
binary('and', { doc: 'Logical or bitwise and.', types: logic, scalar: e2('and'), ref: (x, y) => x & y, grad: noGrad });
binary('or', { doc: 'Logical or bitwise or.', types: logic, scalar: e2('or'), ref: (x, y) => x | y, grad: noGrad });
binary('xor', { doc: 'Logical or bitwise exclusive or.', types: logic, scalar: e2('xor'), ref: (x, y) => x ^ y, grad: noGrad });
const ints: readonly DType[] = ['i32', 'u32'];
binary('shl', { doc: 'Bits shifted left; the amount modulo 32.', types: ints, scalar: e2('shl'), ref: (x, y) => x << y, grad: noGrad, ranges: [[-99, 99], [0, 31]] });
binary('shr', {
  doc: 'Bits shifted right, arithmetically for i32, logically for u32; the amount modulo 32.',
  types: ints,
  scalar: e2('shr'),
  ref: (x, y, t) => (t === 'u32' ? x >>> y : x >> y),
  grad: noGrad,
  ranges: [[-99, 99], [0, 31]],
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

defineOp({
  name: 'select',
  doc: 'Where the first operand (bool) is true the second, else the third.',
  kind: 'elementwise',
  arity: 3,
  sameType: [1, 2],
  constraints: {
    select_c1: "the first operand's dtype must be bool",
    select_c2: 'the second and third operand must have one dtype',
    select_c3: 'all operands must have one shape',
  },
  infer: (c) => {
    const [p, x, y] = c.inputs;
    c.check(p.dtype === 'bool', 'select_c1', p.dtype);
    c.check(x.dtype === y.dtype, 'select_c2', `${x.dtype} and ${y.dtype}`, 'convert one of them');
    c.check(shapeEq(p.shape, x.shape) && shapeEq(x.shape, y.shape), 'select_c3', c.inputs.map((t) => `[${t.shape}]`).join(', '));
    return [x];
  },
  scalar: ([p, x, y]) => sel(p, x, y),
  grad: (b, n, [g]) => [
    null,
    n.needs[1] ? b.select(n.inputs[0], g, b.zerosLike(g)) : null,
    n.needs[2] ? b.select(n.inputs[0], b.zerosLike(g), g) : null,
  ],
  reference: (xs, _, [t]) => [mapElements(t.dtype, xs, (p, x, y) => (p ? x : y))],
  samples: [sample(['bool[3,5]', 'f32[3,5]', 'f32[3,5]']), sample(['bool[9]', 'i32[9]', 'i32[9]'], {}, false)],
});

defineOp({
  name: 'convert',
  doc: 'To another dtype. Float to integer truncates and saturates, NaN gives 0; to bool is x != 0.',
  kind: 'elementwise',
  arity: 1,
  constraints: { convert_c1: `the dtype attribute must be one of ${dtypes.join(', ')}` },
  infer: (c) => {
    const d = dtypeAttr(c.attrs, 'dtype');
    c.check(dtypes.includes(d) && !c.inputs[0].state, 'convert_c1', String(d));
    return [tensorType(d, c.inputs[0].shape)];
  },
  scalar: ([x], attrs: Attrs) => {
    const d = dtypeAttr(attrs, 'dtype');
    return d === 'bool' && x.ty !== 'bool' ? bin('ne', x, zero(x)) : cast(d, x);
  },
  grad: (b, n, [g]) => [isFloat(n.inputs[0].type.dtype) ? b.convert(g, n.inputs[0].type.dtype) : null],
  reference: ([x], _, [t]) => [
    mapElements(t.dtype, [x], (v) => {
      if (t.dtype === 'bool') return +(v !== 0);
      if (!isInt(t.dtype) || !isFloat(x.dtype)) return v;
      if (Number.isNaN(v)) return 0;
      const [lo, hi] = t.dtype === 'i32' ? [-2147483648, 2147483647] : [0, 4294967295];
      return Math.min(Math.max(Math.trunc(v), lo), hi);
    }),
  ],
  samples: [
    sample([['f32[3,5]', -9, 9]], { dtype: 'i32' }, false),
    sample([{ type: { dtype: 'f32', shape: [6] }, values: [NaN, Infinity, -Infinity, 3e9, -3e9, -0.5] }], { dtype: 'i32' }, false),
    sample([['i32[9]', -9, 9]], { dtype: 'f32' }, false),
    sample([['f32[9]', -1, 1]], { dtype: 'bool' }, false),
    sample(['bool[9]'], { dtype: 'f32' }, false),
  ],
});

defineOp({
  name: 'bitcast',
  doc: 'The same 32 bits read as another dtype (f32, i32, u32).',
  kind: 'elementwise',
  arity: 1,
  constraints: { bitcast_c1: 'both dtypes must be 32 bits wide: f32, i32 or u32' },
  infer: (c) => {
    const d = dtypeAttr(c.attrs, 'dtype');
    const ok = (x: DType) => x === 'f32' || isInt(x);
    c.check(ok(d) && ok(c.inputs[0].dtype), 'bitcast_c1', `${c.inputs[0].dtype} to ${d}`);
    return [tensorType(d, c.inputs[0].shape)];
  },
  scalar: ([x], attrs) => (x.ty === dtypeAttr(attrs, 'dtype') ? x : bits(dtypeAttr(attrs, 'dtype'), x)),
  grad: { none: 'bits have no derivative' },
  reference: ([x], _, [t]) => {
    const view = new DataView(new ArrayBuffer(4));
    return [
      mapElements(t.dtype, [x], (v) => {
        if (x.dtype === 'f32') view.setFloat32(0, v);
        else view.setInt32(0, v | 0);
        return t.dtype === 'f32' ? view.getFloat32(0) : t.dtype === 'i32' ? view.getInt32(0) : view.getUint32(0);
      }),
    ];
  },
  samples: [sample(['f32[9]'], { dtype: 'i32' }, false), sample([['i32[9]', 0, 9]], { dtype: 'u32' }, false)],
});

defineOp({
  name: 'stop_gradient',
  doc: 'The operand itself, through which no gradient flows.',
  kind: 'elementwise',
  arity: 1,
  constraints: {},
  infer: (c) => [c.inputs[0]],
  scalar: ([x]) => x,
  grad: { none: 'it stops gradients' },
  reference: ([x]) => [x],
  samples: [sample(['f32[3,5]'], {}, false)],
});
