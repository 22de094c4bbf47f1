// Unary element-wise primitives: one scalar expression, its derivative, and its float64 definition, on
// adjacent lines.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import * as m from '../kernel/elementary.ts';
import { bin, type Expr, konst, sel, sub, un } from '../kernel/expr.ts';
import { mapElements } from '../ndarray.ts';
import { defineOp, type OpDef, type Sample, sample } from '../op.ts';
import { type DType, isFloat, tensorType } from '../types.ts';

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
      c.check(
        types.includes(c.inputs[0].dtype) && !c.inputs[0].state,
        `${name}_c1`,
        c.inputs[0].dtype,
        'convert the operand first',
      );
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

unary('neg', {
  doc: '-x.',
  types: signed,
  scalar: (x) => (x.ty === 'i32' ? sub(zero(x), x) : un('neg', x)),
  ref: (x) => -x,
  grad: (b, _x, _y, g) => b.neg(g),
});
unary('abs', {
  doc: 'Absolute value.',
  types: signed,
  scalar: f('abs'),
  ref: Math.abs,
  grad: (b, x, _y, g) => b.mul(g, b.un('sign', x)),
  range: [0.1, 2],
});
unary('sign', {
  doc: '-1, 0 or 1; NaN stays NaN, zeros keep their sign.',
  types: signed,
  scalar: (x) => sel(bin('gt', x, zero(x)), one(x), sel(bin('lt', x, zero(x)), konst(x.ty, -1), x)),
  ref: (x) => (x > 0 ? 1 : x < 0 ? -1 : x),
  grad: zeroGrad,
  range: [0.1, 2],
});
unary('floor', {
  doc: 'Largest integer not above x.',
  scalar: f('floor'),
  ref: Math.floor,
  grad: zeroGrad,
  range: [0.1, 0.9],
});
unary('ceil', {
  doc: 'Smallest integer not below x.',
  scalar: f('ceil'),
  ref: Math.ceil,
  grad: zeroGrad,
  range: [0.1, 0.9],
});
unary('trunc', {
  doc: 'x without its fraction.',
  scalar: f('trunc'),
  ref: Math.trunc,
  grad: zeroGrad,
  range: [0.1, 0.9],
});
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
unary('sqrt', {
  doc: 'Square root.',
  scalar: f('sqrt'),
  ref: Math.sqrt,
  grad: (b, _x, y, g) => b.div(b.mul(g, 0.5), y),
  range: [0.1, 4],
});
unary('rsqrt', {
  doc: '1 / sqrt(x).',
  scalar: (x) => bin('div', one(x), un('sqrt', x)),
  ref: (x) => 1 / Math.sqrt(x),
  grad: (b, x, y, g) => b.mul(b.mul(g, -0.5), b.div(y, x)),
  range: [0.1, 4],
});
unary('exp_falling', {
  doc: 'e^x for x up to 88; in float32 0 where that is below the smallest normal number.',
  scalar: m.expFalling,
  ref: Math.exp,
  grad: (b, _x, y, g) => b.mul(g, y),
  range: [-90, 0],
});
unary('exp', { doc: 'e^x.', scalar: m.exp, ref: Math.exp, grad: (b, _x, y, g) => b.mul(g, y) });
unary('expm1', {
  doc: 'e^x - 1, accurate near 0.',
  scalar: m.expm1,
  ref: Math.expm1,
  grad: (b, x, _y, g) => b.mul(g, b.un('exp', x)),
});
unary('log', {
  doc: 'Natural logarithm; -Inf at 0, NaN below.',
  scalar: m.log,
  ref: Math.log,
  grad: (b, x, _y, g) => b.div(g, x),
  range: [0.1, 4],
});
unary('log1p', {
  doc: 'log(1 + x), accurate near 0.',
  scalar: m.log1p,
  ref: Math.log1p,
  grad: (b, x, _y, g) => b.div(g, b.add(x, 1)),
  range: [-0.5, 3],
});
unary('sin', { doc: 'Sine, radians.', scalar: m.sin, ref: Math.sin, grad: (b, x, _y, g) => b.mul(g, b.un('cos', x)) });
unary('cos', {
  doc: 'Cosine, radians.',
  scalar: m.cos,
  ref: Math.cos,
  grad: (b, x, _y, g) => b.neg(b.mul(g, b.un('sin', x))),
});
unary('tan', {
  doc: 'Tangent, radians.',
  scalar: m.tan,
  ref: Math.tan,
  grad: (b, _x, y, g) => b.mul(g, b.add(b.square(y), 1)),
  range: [-1, 1],
});
unary('asin', {
  doc: 'Arc sine.',
  scalar: m.asin,
  ref: Math.asin,
  grad: (b, x, _y, g) => b.mul(g, b.un('rsqrt', b.sub(1, b.square(x)))),
  range: [-0.9, 0.9],
});
unary('acos', {
  doc: 'Arc cosine.',
  scalar: m.acos,
  ref: Math.acos,
  grad: (b, x, _y, g) => b.neg(b.mul(g, b.un('rsqrt', b.sub(1, b.square(x))))),
  range: [-0.9, 0.9],
});
unary('atan', {
  doc: 'Arc tangent.',
  scalar: m.atan,
  ref: Math.atan,
  grad: (b, x, _y, g) => b.div(g, b.add(b.square(x), 1)),
});
unary('sinh', {
  doc: 'Hyperbolic sine.',
  scalar: m.sinh,
  ref: Math.sinh,
  grad: (b, x, _y, g) => b.mul(g, b.un('cosh', x)),
});
unary('cosh', {
  doc: 'Hyperbolic cosine.',
  scalar: m.cosh,
  ref: Math.cosh,
  grad: (b, x, _y, g) => b.mul(g, b.un('sinh', x)),
});
unary('tanh', {
  doc: 'Hyperbolic tangent.',
  scalar: m.tanh,
  ref: Math.tanh,
  grad: (b, _x, y, g) => b.mul(g, b.sub(1, b.square(y))),
});
unary('asinh', {
  doc: 'Inverse hyperbolic sine.',
  scalar: m.asinh,
  ref: Math.asinh,
  grad: (b, x, _y, g) => b.mul(g, b.un('rsqrt', b.add(b.square(x), 1))),
});
unary('acosh', {
  doc: 'Inverse hyperbolic cosine; NaN below 1.',
  scalar: m.acosh,
  ref: Math.acosh,
  grad: (b, x, _y, g) => b.mul(g, b.un('rsqrt', b.sub(b.square(x), 1))),
  range: [1.2, 4],
});
unary('atanh', {
  doc: 'Inverse hyperbolic tangent.',
  scalar: m.atanh,
  ref: Math.atanh,
  grad: (b, x, _y, g) => b.div(g, b.sub(1, b.square(x))),
  range: [-0.9, 0.9],
});
unary('erf', {
  doc: 'Gauss error function.',
  scalar: m.erf,
  ref: erfReference,
  grad: (b, x, _y, g) => b.mul(b.mul(g, 2 / Math.sqrt(Math.PI)), b.un('exp_falling', b.neg(b.square(x)))),
});
unary('erfc', {
  doc: '1 - erf(x), accurate where that is small.',
  scalar: m.erfc,
  ref: erfcReference,
  grad: (b, x, _y, g) => b.mul(b.mul(g, -2 / Math.sqrt(Math.PI)), b.un('exp_falling', b.neg(b.square(x)))),
});
unary('lgamma', {
  doc: 'log |gamma(x)|; infinite at 0 and the negative integers.',
  scalar: m.lgamma,
  ref: lgammaReference,
  grad: (b, x, _y, g) => b.mul(g, b.un('digamma', x)),
  range: [0.2, 4],
});
unary('digamma', {
  doc: 'Logarithmic derivative of the gamma function; NaN at the negative integers, infinite at 0.',
  scalar: m.digamma,
  ref: digammaReference,
  grad: (b, x, _y, g) => b.mul(g, b.call('polygamma', [x], { order: 1 })),
  range: [0.2, 4],
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

/** 1 - erf, from 2.5 on the continued fraction. */
function erfcReference(x: number): number {
  if (x < 2.5) return 1 - erfReference(x);
  let c = 0;
  for (let k = 80; k > 0; k--) c = k / 2 / (x + c);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + c);
}

/** Lanczos's approximation with g = 7 and nine terms (coefficients after P. Godfrey), and the reflection. */
function lgammaReference(x: number): number {
  if (x <= 0 && Number.isInteger(x)) return Infinity;
  if (Math.abs(x) === Infinity) return Infinity;
  // Its zeros, where the sum below leaves its own rounding.
  if (x === 1 || x === 2) return 0;
  if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * (x % 2)))) - lgammaReference(1 - x);
  const c = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
    12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const sum = c.reduce((s, v, i) => (i === 0 ? v : s + v / (x - 1 + i)), 0);
  const t = x + 6.5;
  return Math.log(2 * Math.PI) / 2 + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The asymptotic series beyond 20, reached by the recurrence. */
function digammaReference(x: number): number {
  if (x === 0) return -1 / x;
  if (x < 0) return Number.isInteger(x) ? NaN : digammaReference(1 - x) - Math.PI / Math.tan(Math.PI * (x % 1));
  let y = x;
  let sum = 0;
  for (; y < 20; y++) sum -= 1 / y;
  const z = 1 / (y * y);
  return sum + Math.log(y) - 1 / (2 * y) - z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z / 240)));
}

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

// Predicates.
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
    samples: [
      sample([{ type: { dtype: 'f32', shape: [5] }, values: [1, NaN, Infinity, -Infinity, -0] }], {}, false),
      sample(['f32[3,9]'], {}, false),
    ],
  });
}
predicate('is_nan', 'True where x is NaN.', (x) => bin('ne', x, x), Number.isNaN);
predicate(
  'is_inf',
  'True where x is infinite.',
  (x) => bin('eq', un('abs', x), konst(x.ty, Infinity)),
  (x) => Math.abs(x) === Infinity,
);
predicate(
  'is_finite',
  'True where x is neither NaN nor infinite.',
  (x) => bin('lt', un('abs', x), konst(x.ty, Infinity)),
  Number.isFinite,
);
