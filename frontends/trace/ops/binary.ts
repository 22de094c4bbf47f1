// Element-wise functions of two tensors: operands broadcast as in NumPy and meet at the wider dtype
// (bool < int32 < float32 < float64; a plain number is float32), as in TensorFlow.js.
// Throw ShapeError where the shapes do not broadcast, DTypeError for a dtype that has no such operation.

import { ArgumentError, DTypeError, ShapeError, valueText } from '../../../ir/errors.ts';
import { isFloat, shapeEq } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { apply, arg, boolArg, broadcastPair, commonShape, pair, to } from './common.ts';

type Binary = (a: TensorLike, b: TensorLike) => Tensor;

const both = (x: TensorLike, y: TensorLike, op: string): [Tensor, Tensor] => broadcastPair(...pair(x, y, op), op);
const plain =
  (name: string, op = name): Binary =>
  (x, y) =>
    apply(op, both(x, y, name));

/** a + b. */
export const add: Binary = plain('add');
/** a - b. */
export const sub: Binary = plain('sub');
/** a * b. */
export const mul: Binary = plain('mul');

/** a / b; two int32 tensors give `floorDiv`, as in TensorFlow.js. */
export const div: Binary = (x, y) => {
  const [p, q] = both(x, y, 'div');
  return isFloat(p.type.dtype) ? apply('div', [p, q]) : floorDivide(p, q);
};

/** The largest whole number not above a / b; an integer divisor of 0 gives 0. */
export const floorDiv: Binary = (x, y) => {
  const [p, q] = both(x, y, 'floorDiv');
  return isFloat(p.type.dtype) ? apply('floor', [apply('div', [p, q])]) : floorDivide(p, q);
};

/** Whether the remainder of a truncating division has the other sign than the divisor. */
const wrongSide = (r: Tensor, q: Tensor) =>
  b.and(b.compare('ne', r, 0), b.call('xor', [b.compare('lt', r, 0), b.compare('lt', q, 0)]));

function floorDivide(p: Tensor, q: Tensor): Tensor {
  const r = apply('rem', [p, q]);
  return b.sub(b.div(p, q), b.convert(wrongSide(r, q), p.type.dtype)) as Tensor;
}

/** a - floor(a / b) * b: the sign of b. */
export const mod: Binary = (x, y) => {
  const [p, q] = both(x, y, 'mod');
  const r = apply('rem', [p, q]);
  return b.select(wrongSide(r, q), b.add(r, q), r) as Tensor;
};

/** a / b, and 0 where b is 0. */
export const divNoNan: Binary = (x, y) => {
  const [p, q] = both(x, y, 'divNoNan');
  const zero = b.compare('eq', q, 0);
  return b.select(zero, 0, div(p, b.select(zero, 1, q) as Tensor)) as Tensor;
};

/** a^b; int32 operands give int32. */
export const pow: Binary = (x, y) => {
  const [p, q] = both(x, y, 'pow');
  return p.type.dtype === 'bool' ? apply('pow', [to(p, 'i32'), to(q, 'i32')]) : apply('pow', [p, q]);
};

const ordered =
  (name: string, op: string): Binary =>
  (x, y) => {
    const [p, q] = both(x, y, name);
    return p.type.dtype === 'bool' ? apply(op, [to(p, 'i32'), to(q, 'i32')]) : apply(op, [p, q]);
  };
/** The larger of a and b; NaN if either is. */
export const maximum: Binary = ordered('maximum', 'max');
/** The smaller of a and b; NaN if either is. */
export const minimum: Binary = ordered('minimum', 'min');

/** (a - b)^2. */
export const squaredDifference: Binary = plain('squaredDifference', 'squared_difference');

/** The angle of the point (x = b, y = a), between -pi and pi. Floats. */
export const atan2: Binary = plain('atan2');

const compare =
  (name: string, dir: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge'): Binary =>
  (x, y) => {
    const [p, q] = both(x, y, name);
    // Booleans have no order of their own; as numbers they do.
    const asInt = p.type.dtype === 'bool' && dir !== 'eq' && dir !== 'ne';
    return apply(dir, asInt ? [to(p, 'i32'), to(q, 'i32')] : [p, q]);
  };
/** Bool: a = b. */
export const equal: Binary = compare('equal', 'eq');
/** Bool: a != b. */
export const notEqual: Binary = compare('notEqual', 'ne');
/** Bool: a < b. */
export const less: Binary = compare('less', 'lt');
/** Bool: a <= b. */
export const lessEqual: Binary = compare('lessEqual', 'le');
/** Bool: a > b. */
export const greater: Binary = compare('greater', 'gt');
/** Bool: a >= b. */
export const greaterEqual: Binary = compare('greaterEqual', 'ge');

const logical =
  (name: string, op: string): Binary =>
  (x, y) =>
    apply(op, broadcastPair(boolArg(x, 'a', name), boolArg(y, 'b', name), name));
/** Bool: a and b. Throws DTypeError unless both are bool. */
export const logicalAnd: Binary = logical('logicalAnd', 'and');
/** Bool: a or b. Throws DTypeError unless both are bool. */
export const logicalOr: Binary = logical('logicalOr', 'or');
/** Bool: exactly one of a and b. Throws DTypeError unless both are bool. */
export const logicalXor: Binary = logical('logicalXor', 'xor');
/** Bool: not x. Throws DTypeError unless x is bool. */
export const logicalNot = (x: TensorLike): Tensor => apply('not', [boolArg(x, 'x', 'logicalNot')]);

/** Bit by bit a and b, two int32 tensors. Throws DTypeError for any other dtype. */
export const bitwiseAnd: Binary = (x, y) => {
  const [p, q] = [arg(x, 'a', 'bitwiseAnd', 'i32'), arg(y, 'b', 'bitwiseAnd', 'i32')];
  for (const [t, name] of [
    [p, 'a'],
    [q, 'b'],
  ] as const)
    if (t.type.dtype !== 'i32')
      throw new DTypeError(`argument '${name}' must be an int32 tensor, got ${t.dtype}`, {
        op: 'bitwiseAnd',
        fix: "cast it: x.cast('int32')",
      });
  return apply('and', broadcastPair(p, q, 'bitwiseAnd'));
};

/** `x` where the condition (bool) holds, else `y`; all three broadcast together. */
export function where(condition: TensorLike, x: TensorLike, y: TensorLike): Tensor {
  const c = boolArg(condition, 'condition', 'where');
  const [p, q] = pair(x, y, 'where');
  const shape = commonShape('where', c.shape, p.shape, q.shape);
  return apply(
    'select',
    [c, p, q].map((t) => b.broadcastTo(t, shape) as Tensor),
  );
}

/** Sum of tensors of one shape and dtype; bool counts as int32. Throws ShapeError or DTypeError where they differ. */
export function addN(tensors: readonly TensorLike[]): Tensor {
  const op = 'addN';
  if (!Array.isArray(tensors) || tensors.length === 0)
    throw new ArgumentError(`takes an array of at least one tensor, got ${valueText(tensors)}`, {
      op,
      fix: 'pass the tensors as an array: [a, b]',
    });
  const ts = tensors.map((x, i) => arg(x, `tensors[${i}]`, op));
  const [first] = ts;
  for (const [i, t] of ts.entries()) {
    if (t.type.dtype !== first.type.dtype)
      throw new DTypeError(`tensors[0] is ${first.dtype}, tensors[${i}] is ${t.dtype}`, {
        op,
        fix: 'cast them to one',
      });
    if (!shapeEq(t.type.shape, first.type.shape))
      throw new ShapeError(`tensors[0] has shape [${first.shape}], tensors[${i}] [${t.shape}]`, {
        op,
        fix: 'tf.add broadcasts',
      });
  }
  return ts.map((t) => (t.type.dtype === 'bool' ? to(t, 'i32') : t)).reduce((p, q) => apply('add', [p, q]));
}
