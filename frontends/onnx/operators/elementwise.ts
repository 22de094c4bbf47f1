// Element by element: arithmetic, comparison, logic, analysis, activations.

import { type DType, isFloat } from '../../../ir/types.ts';
import { b, fixed } from '../../formats/functions.ts';
import { isReadable } from '../../formats/graph-function.ts';
import { mod } from '../../trace/ops/binary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, narrow, type Operator, wide } from '../call.ts';

/** A function of one tensor. */
const unary = (op: string, f: (x: Tensor, c: Call) => Tensor, since = 1): Operator =>
  define(op, since, (c) => {
    const x = c.x(0);
    return narrow(f(wide(x), c), x.type.dtype);
  });
/** One that gives another dtype. */
const test = (op: string, f: (x: Tensor, c: Call) => Tensor): Operator => define(op, 1, (c) => f(wide(c.x(0)), c));
/** A function of floats that is one operation of the IR. */
const analytic = (op: string, name: string): Operator => unary(op, (x) => b.un(name, x));

const binary = (op: string, f: (x: Tensor, y: Tensor, c: Call) => Tensor): Operator =>
  define(op, 7, (c) => {
    const x = c.x(0);
    return narrow(f(wide(x), wide(c.x(1)), c), x.type.dtype);
  });
const compare = (op: string, name: 'eq' | 'lt' | 'le' | 'gt' | 'ge'): Operator =>
  define(op, 7, (c) => {
    // Booleans are compared as numbers.
    const number = (x: Tensor) => (x.type.dtype === 'bool' ? b.convert(x, 'i32') : wide(x));
    return b.compare(name, number(c.x(0)), number(c.x(1)));
  });
const logical = (op: string, name: string): Operator =>
  define(op, 7, (c) => {
    const x = c.x(0);
    return narrow(b.call(name, b.align(wide(x), wide(c.x(1)))), x.type.dtype);
  });
const many = (op: string, f: (x: Tensor, y: Tensor) => Tensor, last = (x: Tensor, _n: number) => x): Operator =>
  define(op, 6, (c) => {
    const xs = c.all();
    if (xs.length === 0) throw c.wrong('it has no operands');
    return narrow(last(xs.map(wide).reduce(f), xs.length), xs[0].type.dtype);
  });

/** The sign of the divisor for integers, or that of the dividend (`fmod`). */
function remainder(x: Tensor, y: Tensor, c: Call): Tensor {
  if (c.flag('fmod')) return b.call('rem', b.align(x, y));
  if (isFloat(x.type.dtype)) throw c.refuse('floats need fmod = 1');
  return mod(x, y);
}

/** x^y at the dtype of x. */
function power(c: Call): Tensor {
  const [x, y] = [c.x(0), c.x(1)];
  const [p, q] = [wide(x), wide(y)];
  const dtype: DType = isFloat(p.type.dtype) ? p.type.dtype : isFloat(q.type.dtype) ? q.type.dtype : p.type.dtype;
  return narrow(b.pow(b.convert(p, dtype), b.convert(q, dtype)), x.type.dtype);
}

/** Bits moved to the left or right; from the width of the type on nothing is left. */
function shift(c: Call): Tensor {
  const x = c.x(0);
  const left = c.text('direction', '', ['LEFT', 'RIGHT', '']) === 'LEFT';
  const [v, n] = b.align(wide(x), wide(c.x(1)));
  const moved = b.call(left ? 'shl' : 'shr', [v, n]);
  return narrow(b.select(b.compare('ge', n, 32), b.zerosLike(moved), moved), x.type.dtype);
}

/** Between operands 1 and 2, or attributes before version 11. */
function clip(c: Call): Tensor {
  const x = c.x(0);
  const bound = (i: number, name: string) => {
    const t = c.version >= 11 ? c.maybe(i) : c.has(name) ? fixed([c.number(name)], [], x.type.dtype) : undefined;
    return t && wide(t);
  };
  const [low, high] = [bound(1, 'min'), bound(2, 'max')];
  const risen = low ? b.max(wide(x), low) : wide(x);
  return narrow(high ? b.min(risen, high) : risen, x.type.dtype);
}

/** Above `alpha` as it is, else 0. */
const thresholded = (x: Tensor, alpha: number) => b.select(b.compare('gt', x, alpha), x, b.zerosLike(x));
const hardSigmoid = (x: Tensor, alpha: number, beta: number) => b.max(b.min(b.add(b.mul(x, alpha), beta), 1), 0);
const softplus = (x: Tensor) => b.un('softplus', x);

/** Activations by name, as recurrent operators use them too; alpha and beta where they have such. */
export const activations: Readonly<
  Record<string, { readonly f: (x: Tensor, alpha: number, beta: number) => Tensor; alpha?: number; beta?: number }>
> = {
  Relu: { f: (x) => (isFloat(x.type.dtype) ? b.un('relu', x) : b.max(x, 0)) },
  Tanh: { f: (x) => b.un('tanh', x) },
  Sigmoid: { f: (x) => b.un('logistic', x) },
  Affine: { f: (x, alpha, beta) => b.add(b.mul(x, alpha), beta), alpha: 1, beta: 0 },
  LeakyRelu: { f: (x, alpha) => b.call('leaky_relu', [x], { alpha }), alpha: 0.01 },
  ThresholdedRelu: { f: thresholded, alpha: 1 },
  ScaledTanh: { f: (x, alpha, beta) => b.mul(b.un('tanh', b.mul(x, beta)), alpha), alpha: 1, beta: 1 },
  HardSigmoid: { f: hardSigmoid, alpha: 0.2, beta: 0.5 },
  Elu: { f: (x, alpha) => b.call('elu', [x], { alpha }), alpha: 1 },
  Softsign: { f: (x) => b.div(x, b.add(b.un('abs', x), 1)) },
  Softplus: { f: softplus },
};
/** Those that are operators of their own. */
const activation = (op: string): Operator => {
  const { f, alpha = 0, beta = 0 } = activations[op];
  return unary(op, (x, c) => f(x, c.number('alpha', alpha), c.number('beta', beta)));
};

/** alpha (e^x - 1) where x is negative. */
const falling = (x: Tensor, alpha: number) => b.mul(b.un('expm1', b.min(x, 0)), alpha);

function prelu(c: Call): Tensor {
  const [x, slope] = [c.x(0), c.x(1)];
  const [v, s] = [wide(x), wide(slope)];
  return narrow(b.select(b.compare('lt', v, b.zerosLike(v)), b.mul(v, s), v), x.type.dtype);
}

function shrink(x: Tensor, c: Call): Tensor {
  const [bias, lambda] = [c.number('bias', 0), c.number('lambd', 0.5)];
  const [up, down] = [b.sub(x, bias), b.add(x, bias)];
  return b.select(b.compare('lt', x, -lambda), down, b.select(b.compare('gt', x, lambda), up, b.zerosLike(x)));
}

/** Which infinities count. */
function isInf(x: Tensor, c: Call): Tensor {
  const sides = [c.flag('detect_negative', true) ? 'lt' : '', c.flag('detect_positive', true) ? 'gt' : ''];
  const found = b.un('is_inf', x);
  return sides.reduce(
    (t: Tensor, side, i) => (side ? t : b.and(t, b.compare(i ? 'le' : 'ge', x, b.zerosLike(x)))),
    found,
  );
}

/** One value where a condition holds, else another, at any dtype. */
function where(c: Call): Tensor {
  const [p, x, y] = [c.x(0), c.x(1), c.x(2)];
  // A choice between known shapes stays known.
  if (p.size === 1 && p.rank === 0 && isReadable(p) && x.rank === y.rank && `${x.shape}` === `${y.shape}`)
    return p.elements()[0] ? x : y;
  return narrow(b.select(p, wide(x), wide(y)), x.type.dtype);
}

const records: readonly Operator[] = [
  analytic('Abs', 'abs'),
  analytic('Acos', 'acos'),
  analytic('Acosh', 'acosh'),
  analytic('Asin', 'asin'),
  analytic('Asinh', 'asinh'),
  analytic('Atan', 'atan'),
  analytic('Atanh', 'atanh'),
  analytic('Ceil', 'ceil'),
  analytic('Cos', 'cos'),
  analytic('Cosh', 'cosh'),
  analytic('Erf', 'erf'),
  analytic('Exp', 'exp'),
  analytic('Floor', 'floor'),
  analytic('Log', 'log'),
  analytic('Neg', 'neg'),
  unary('Reciprocal', (x) => b.call('reciprocal', [x])),
  analytic('Round', 'round'),
  analytic('Sign', 'sign'),
  analytic('Sin', 'sin'),
  analytic('Sinh', 'sinh'),
  analytic('Sqrt', 'sqrt'),
  analytic('Tan', 'tan'),
  test('IsNaN', (x) => b.un('is_nan', x)),
  test('IsInf', isInf),
  unary('Not', (x) => b.un('not', x)),
  unary('BitwiseNot', (x) => b.un('not', x)),
  binary('Add', (x, y) => b.add(x, y)),
  binary('Sub', (x, y) => b.sub(x, y)),
  binary('Mul', (x, y) => b.mul(x, y)),
  binary('Div', (x, y) => b.div(x, y)),
  binary('Mod', remainder),
  define('Pow', 7, power),
  define('BitShift', 11, shift),
  logical('And', 'and'),
  logical('Or', 'or'),
  logical('Xor', 'xor'),
  logical('BitwiseAnd', 'and'),
  logical('BitwiseOr', 'or'),
  logical('BitwiseXor', 'xor'),
  compare('Equal', 'eq'),
  compare('Less', 'lt'),
  compare('LessOrEqual', 'le'),
  compare('Greater', 'gt'),
  compare('GreaterOrEqual', 'ge'),
  define('Where', 9, where),
  many('Max', (x, y) => b.max(x, y)),
  many('Min', (x, y) => b.min(x, y)),
  many('Sum', (x, y) => b.add(x, y)),
  many(
    'Mean',
    (x, y) => b.add(x, y),
    (x, n) => b.div(x, n),
  ),
  define('Clip', 6, clip, { fixed: [1, 2] }),
  ...['Relu', 'Tanh', 'Sigmoid', 'LeakyRelu', 'ThresholdedRelu', 'HardSigmoid', 'Elu', 'Softsign', 'Softplus'].map(
    activation,
  ),
  define('PRelu', 7, prelu),
  unary('Selu', (x, c) => {
    const gamma = c.number('gamma', 1.0507009873554805);
    return b.mul(b.add(b.max(x, 0), falling(x, c.number('alpha', 1.6732632423543772))), gamma);
  }),
  unary('Celu', (x, c) => {
    const alpha = c.number('alpha', 1);
    return b.add(b.max(x, 0), falling(b.div(x, alpha), alpha));
  }),
  unary('HardSwish', (x) => b.mul(x, hardSigmoid(x, 1 / 6, 0.5))),
  unary('Mish', (x) => b.mul(x, b.un('tanh', softplus(x)))),
  unary('Gelu', (x, c) =>
    b.call('gelu', [x], { approximate: c.text('approximate', 'none', ['none', 'tanh']) === 'tanh' }),
  ),
  unary('Swish', (x, c) => b.mul(x, b.un('logistic', b.mul(x, c.number('alpha', 1))))),
  unary('Shrink', shrink),
];
export const elementwise: readonly Operator[] = records.map((o) => ({ ...o, pointwise: true }));
