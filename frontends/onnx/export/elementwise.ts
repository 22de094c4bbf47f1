// How element-wise operations of the IR are written in ONNX.

import { type DType, isFloat, isInt } from '../../../ir/types.ts';
import { type GraphWriter, type NodeWriter, noEquivalent, sizes } from './writer.ts';

/** The same under ONNX's name. */
const same =
  (op: string): NodeWriter =>
  (w, _, x) =>
    w.node(op, x);
const dtypeOf = (n: Parameters<NodeWriter>[1]): DType => n.inputs[0].type.dtype;
/** Booleans by one operator, integers by another one on their bits. */
const bits =
  (bool: string, whole: string): NodeWriter =>
  (w, n, x) =>
    w.node(dtypeOf(n) === 'bool' ? bool : whole, x);

/** A quotient or remainder of integers: 0 where the divisor is. */
const guarded =
  (op: string, attributes: Record<string, number>): NodeWriter =>
  (w, n, [x, y]) => {
    const dtype = dtypeOf(n);
    if (isFloat(dtype)) return w.node(op, [x, y], attributes);
    const zero = w.scalar(dtype, 0);
    const isZero = w.node('Equal', [y, zero]);
    const z = w.node(op, [x, w.node('Where', [isZero, w.scalar(dtype, 1), y])], attributes);
    return w.node('Where', [isZero, zero, z]);
  };

/** Bits moved by an amount modulo 32: to the right with the sign, for int32. */
const shift =
  (direction: 'LEFT' | 'RIGHT'): NodeWriter =>
  (w, n, [x, by]) => {
    const dtype = dtypeOf(n);
    const amount = w.node('BitwiseAnd', [w.cast(by, 'u32'), w.scalar('u32', 31)]);
    const moved = (v: string) => w.cast(w.node('BitShift', [w.cast(v, 'u32'), amount], { direction }), dtype);
    if (dtype === 'u32' || direction === 'LEFT') return moved(x);
    const negative = w.node('Less', [x, w.scalar(dtype, 0)]);
    return w.node('Where', [negative, w.node('BitwiseNot', [moved(w.node('BitwiseNot', [x]))]), moved(x)]);
  };

/** The angle of (x, y): given as y, x. */
const atan2: NodeWriter = (w, n, [y, x]) => {
  const t = dtypeOf(n);
  const num = (v: number) => w.scalar(t, v);
  const zero = num(0);
  const plain = w.node('Atan', [w.node('Div', [y, x])]);
  // Below the axis, -0 too.
  const below = w.node('Or', [
    w.node('Less', [y, zero]),
    w.node('And', [w.node('Equal', [y, zero]), w.node('Less', [w.node('Reciprocal', [y]), zero])]),
  ]);
  const turn = w.node('Where', [below, num(-Math.PI), num(Math.PI)]);
  const left = w.node('Add', [plain, turn]);
  const upright = w.node('Where', [
    w.node('Equal', [y, zero]),
    zero,
    w.node('Where', [below, num(-Math.PI / 2), num(Math.PI / 2)]),
  ]);
  return w.node('Where', [
    w.node('Equal', [x, zero]),
    upright,
    w.node('Where', [w.node('Less', [x, zero]), left, plain]),
  ]);
};

/** To another dtype: floats are cut off at what integers hold, NaN is 0. */
const convert: NodeWriter = (w, n, [x]) => {
  const [from, to] = [dtypeOf(n), n.outputs[0].type.dtype];
  const float = isFloat(from) || from === 'f16';
  const narrow = to === 'i8' || to === 'u8';
  if (!float || !(isInt(to) || narrow)) return w.cast(x, to);
  const real = from === 'f16' ? w.cast(x, 'f32') : x;
  const dtype = from === 'f16' ? 'f32' : from;
  const [low, high] = to === 'u32' ? [0, 2 ** 32] : [-(2 ** 31), 2 ** 31];
  const number = w.node('Where', [w.node('IsNaN', [real]), w.scalar(dtype, 0), real]);
  const risen = w.node('Max', [number, w.scalar(dtype, low)]);
  const over = w.node('GreaterOrEqual', [risen, w.scalar(dtype, high)]);
  const whole: DType = to === 'u32' ? 'u32' : 'i32';
  const cut = w.cast(w.node('Where', [over, w.scalar(dtype, 0), risen]), whole);
  const all = w.node('Where', [over, w.scalar(whole, high - 1), cut]);
  return narrow ? w.cast(all, to) : all;
};

/** One formula near 0, where the plain one loses digits, and that one elsewhere. */
const near =
  (
    small: (w: GraphWriter, x: string, num: (v: number) => string) => string,
    plain: (w: GraphWriter, x: string, num: (v: number) => string) => string,
  ): NodeWriter =>
  (w, n, [x]) => {
    const num = (v: number) => w.scalar(dtypeOf(n), v);
    const isNear = w.node('Less', [w.node('Abs', [x]), num(0.5)]);
    return w.node('Where', [isNear, small(w, x, num), plain(w, x, num)]);
  };

const negated =
  (op: string): NodeWriter =>
  (w, _, x) =>
    w.node('Not', [w.node(op, x)]);

const expand: NodeWriter = (w, n, [x]) => {
  const to = n.outputs[0].type;
  const shape = sizes(to.shape, 'broadcast');
  const dims = n.attrs.dims as readonly number[];
  const from = n.inputs[0].type.shape as readonly number[];
  const placed = shape.map((_, i) => (dims.includes(i) ? from[dims.indexOf(i)] : 1));
  // Dimensions may be placed in another order than they stand in.
  const order = dims.map((_, i) => i).sort((p, q) => dims[p] - dims[q]);
  const lifted = w.reshape(w.transpose(x, order), placed);
  return placed.every((d, i) => d === shape[i]) ? lifted : w.node('Expand', [lifted, w.ints(shape)]);
};

export const elementwise: Readonly<Record<string, NodeWriter>> = {
  ...Object.fromEntries(
    Object.entries({
      add: 'Add',
      sub: 'Sub',
      mul: 'Mul',
      max: 'Max',
      min: 'Min',
      pow: 'Pow',
      eq: 'Equal',
      lt: 'Less',
      le: 'LessOrEqual',
      gt: 'Greater',
      ge: 'GreaterOrEqual',
      select: 'Where',
      neg: 'Neg',
      abs: 'Abs',
      sign: 'Sign',
      floor: 'Floor',
      ceil: 'Ceil',
      round: 'Round',
      sqrt: 'Sqrt',
      exp: 'Exp',
      exp_falling: 'Exp',
      log: 'Log',
      sin: 'Sin',
      cos: 'Cos',
      tan: 'Tan',
      asin: 'Asin',
      acos: 'Acos',
      atan: 'Atan',
      sinh: 'Sinh',
      cosh: 'Cosh',
      tanh: 'Tanh',
      asinh: 'Asinh',
      acosh: 'Acosh',
      atanh: 'Atanh',
      erf: 'Erf',
      logistic: 'Sigmoid',
      softplus: 'Softplus',
      is_nan: 'IsNaN',
      is_inf: 'IsInf',
      relu: 'Relu',
      reciprocal: 'Reciprocal',
      det: 'Det',
    }).map(([name, op]) => [name, same(op)]),
  ),
  div: guarded('Div', {}),
  rem: guarded('Mod', { fmod: 1 }),
  ne: negated('Equal'),
  and: bits('And', 'BitwiseAnd'),
  or: bits('Or', 'BitwiseOr'),
  xor: bits('Xor', 'BitwiseXor'),
  not: bits('Not', 'BitwiseNot'),
  shl: shift('LEFT'),
  shr: shift('RIGHT'),
  atan2,
  convert,
  bitcast: () => {
    throw noEquivalent('bitcast', 'it came with operator set 26');
  },
  stop_gradient: (_, __, [x]) => x,
  optimization_barrier: (_, __, x) => x,
  trunc: (w, n, [x]) => {
    const negative = w.node('Less', [x, w.scalar(dtypeOf(n), 0)]);
    return w.node('Where', [negative, w.node('Ceil', [x]), w.node('Floor', [x])]);
  },
  rsqrt: (w, _, [x]) => w.node('Reciprocal', [w.node('Sqrt', [x])]),
  erfc: (w, n, [x]) => w.node('Sub', [w.scalar(dtypeOf(n), 1), w.node('Erf', [x])]),
  is_finite: (w, _, [x]) => w.node('Not', [w.node('Or', [w.node('IsNaN', [x]), w.node('IsInf', [x])])]),
  scale_shift: (w, n, [x]) => {
    const num = (k: string) => w.scalar(dtypeOf(n), n.attrs[k] as number);
    return w.node('Add', [w.node('Mul', [x, num('scale')]), num('shift')]);
  },
  // 2 t / (1 - t) for t = tanh(x / 2); 2 atanh(x / (2 + x)).
  expm1: near(
    (w, x, num) => {
      const t = w.node('Tanh', [w.node('Mul', [x, num(0.5)])]);
      return w.node('Div', [w.node('Mul', [t, num(2)]), w.node('Sub', [num(1), t])]);
    },
    (w, x, num) => w.node('Sub', [w.node('Exp', [x]), num(1)]),
  ),
  log1p: near(
    (w, x, num) => w.node('Mul', [w.node('Atanh', [w.node('Div', [x, w.node('Add', [x, num(2)])])]), num(2)]),
    (w, x, num) => w.node('Log', [w.node('Add', [x, num(1)])]),
  ),
  leaky_relu: (w, n, x) => w.node('LeakyRelu', x, { alpha: { float: n.attrs.alpha as number } }),
  elu: (w, n, x) => w.node('Elu', x, { alpha: { float: n.attrs.alpha as number } }),
  softmax: (w, n, x) => w.node('Softmax', x, { axis: n.attrs.axis as number }),
  log_softmax: (w, n, x) => w.node('LogSoftmax', x, { axis: n.attrs.axis as number }),
  broadcast: expand,
};
