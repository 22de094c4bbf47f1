// What all functions on tensors need: arguments brought to tensors, dtypes brought together, axes
// checked and made positive.

import { ArgumentError, DTypeError, ShapeError, valueText } from '../../../ir/errors.ts';
import type { Attrs } from '../../../ir/graph.ts';
import { opByName } from '../../../ir/op.ts';
import { broadcastShapes, type DType, isFloat, shapeText } from '../../../ir/types.ts';
import { type TensorLike, toTensor } from '../convert.ts';
import { applyOp, emitter, operandOf } from '../dispatch.ts';
import { publicDType, upcast } from '../dtypes.ts';
import { Tensor } from '../tensor.ts';

/** Applies the IR operation of that name and returns its first result. */
export const apply = (name: string, inputs: readonly Tensor[], attrs: Attrs = {}): Tensor =>
  applyOp(opByName(name), inputs, attrs)[0];

/** An argument as a tensor: a Variable gives its present value. */
export const arg = (x: TensorLike, name: string, op: string, dtype?: DType): Tensor =>
  operandOf(toTensor(x, name, op, dtype));

/** An argument as a float tensor; throws DTypeError for any other. */
export function floatArg(x: TensorLike, name: string, op: string): Tensor {
  const t = arg(x, name, op);
  if (isFloat(t.type.dtype)) return t;
  throw new DTypeError(`argument '${name}' must be a float tensor, got ${publicDType(t.type.dtype)}`, {
    op,
    fix: "cast it: x.cast('float32')",
  });
}

/** An argument as a bool tensor; throws DTypeError for any other. */
export function boolArg(x: TensorLike, name: string, op: string): Tensor {
  const t = arg(x, name, op, typeof x === 'number' ? 'f32' : undefined);
  if (t.type.dtype === 'bool') return t;
  throw new DTypeError(`argument '${name}' must be a bool tensor, got ${publicDType(t.type.dtype)}`, {
    op,
    fix: "compare, or cast it: x.cast('bool')",
  });
}

/** To another dtype, or itself. */
export const to = (x: Tensor, dtype: DType): Tensor => emitter.convert(x, dtype) as Tensor;

/** Two arguments at the dtype where both meet. A plain number beside a float64 tensor is float64. */
export function pair(
  a: TensorLike,
  b: TensorLike,
  op: string,
  names: readonly [string, string] = ['a', 'b'],
): [Tensor, Tensor] {
  const wide = (x: TensorLike, other: TensorLike) =>
    !(x instanceof Tensor) && other instanceof Tensor && other.type.dtype === 'f64' && typeof x !== 'boolean'
      ? 'f64'
      : undefined;
  const x = arg(a, names[0], op, wide(a, b));
  const y = arg(b, names[1], op, wide(b, a));
  const t = upcast(x.type.dtype, y.type.dtype, op);
  return [to(x, t), to(y, t)];
}

/** The shape that all shapes broadcast to; throws ShapeError where they do not. */
export function commonShape(op: string, ...shapes: readonly (readonly number[])[]): number[] {
  return shapes.reduce((a, b) => {
    const s = broadcastShapes(a, b);
    if (!s)
      throw new ShapeError(`shapes ${shapeText(a)} and ${shapeText(b)} do not broadcast together`, {
        op,
        fix: 'from the last axis on, dimensions must be equal or 1',
      });
    return s as number[];
  }) as number[];
}

/** Two tensors of one dtype, broadcast to one shape. */
export function broadcastPair(x: Tensor, y: Tensor, op: string): [Tensor, Tensor] {
  const shape = commonShape(op, x.shape, y.shape);
  return [emitter.broadcastTo(x, shape) as Tensor, emitter.broadcastTo(y, shape) as Tensor];
}

/** An axis from 0 on; negative ones count from the end. Throws ShapeError where there is no such axis. */
export function axisOf(axis: number, rank: number, op: string): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
    throw new ShapeError(`axis ${valueText(axis)} is out of range for rank ${rank}`, {
      op,
      fix: rank === 0 ? 'a scalar has no axes' : `use an axis from ${-rank} to ${rank - 1}`,
    });
  return axis < 0 ? axis + rank : axis;
}

/** Axes from 0 on, in ascending order; none given means all. Throws ShapeError for a bad or doubled one. */
export function axesOf(axis: number | readonly number[] | null | undefined, rank: number, op: string): number[] {
  if (axis === null || axis === undefined) return Array.from({ length: rank }, (_, i) => i);
  if (typeof axis !== 'number' && !Array.isArray(axis))
    throw new ArgumentError(`axis must be a number or an array of numbers, got ${valueText(axis)}`, {
      op,
      fix: 'name axes by number; leave it out for all axes',
    });
  const axes = (typeof axis === 'number' ? [axis] : (axis as readonly number[])).map((a) => axisOf(a, rank, op));
  if (new Set(axes).size !== axes.length)
    throw new ShapeError(`axes [${axis}] name one axis twice`, { op, fix: 'name each axis once' });
  return axes.sort((a, b) => a - b);
}

/** Throws ShapeError unless the rank is one of these. */
export function checkRank(x: Tensor, ranks: readonly number[], name: string, op: string): void {
  if (!ranks.includes(x.rank))
    throw new ShapeError(`argument '${name}' must have rank ${ranks.join(' or ')}, got ${x.rank}: shape [${x.shape}]`, {
      op,
      fix: 'reshape it, or add an axis with tf.expandDims',
    });
}

/** Throws ArgumentError with the actual value unless `ok`; a rule 'x must be y' says its fix itself. */
export function need(ok: boolean, op: string, rule: string, got: unknown, fix?: string): void {
  if (ok) return;
  const own = /^(.+?) (?:must|may) (?:be|have|hold) (.+)$/.exec(rule);
  throw new ArgumentError(`${rule}, got ${valueText(got)}`, {
    op,
    fix: fix ?? (own ? `pass ${own[2]} as ${own[1]}` : undefined),
  });
}

/** An argument that must be a number other than NaN; throws ArgumentError for anything else. */
export function numberArg(x: unknown, name: string, op: string): number {
  need(typeof x === 'number' && !Number.isNaN(x), op, `${name} must be a number`, x);
  return x as number;
}

/** A list of whole numbers, none below `least`; throws ArgumentError for anything else. */
export function wholesArg(x: unknown, name: string, op: string, least = Number.NEGATIVE_INFINITY): number[] {
  const ok = Array.isArray(x) && x.every((n) => Number.isInteger(n) && n >= least);
  need(
    ok,
    op,
    `${name} must be an array of whole numbers${least > Number.NEGATIVE_INFINITY ? ` from ${least} on` : ''}`,
    x,
  );
  return (x as number[]).slice();
}

/** Throws ArgumentError unless the argument is a function. */
export function functionArg(f: unknown, name: string, op: string): void {
  need(typeof f === 'function', op, `${name} must be a function`, f);
}

/** Throws ArgumentError unless the argument is a list, whatever is in it. */
export function listArg(x: unknown, name: string, op: string): void {
  need(Array.isArray(x), op, `${name} must be an array`, x);
}
