// The interface through which gradient rules, composites and rewrites write operations. The graph
// builder implements it over graph values; the eager front end implements it over tensors, so one
// set of rules serves both.

import { ArgumentError, ShapeError, valueText } from './errors.ts';
import type { Attrs, Graph, Val } from './graph.ts';
import { Literal } from './literal.ts';
import { type OpDef, opByName } from './op.ts';
import {
  broadcastShapes,
  type DType,
  type Shape,
  shapeEq,
  shapeText,
  sizeOf,
  type TensorType,
  tensorType,
} from './types.ts';

/** An operand, or a number that takes the other operand's type. */
export type Arg = Val | number;

export abstract class Emitter {
  /** Appends an operation and returns its results. */
  abstract emit(op: OpDef, inputs: readonly Val[], attrs?: Attrs, regions?: readonly Graph[]): readonly Val[];

  /** Emits the op of that name and returns its first result. */
  call(name: string, inputs: readonly Val[], attrs: Attrs = {}): Val {
    return this.emit(opByName(name), inputs, attrs)[0];
  }

  constant(literal: Literal, type: TensorType): Val {
    return this.call('constant', [], { value: literal, dtype: type.dtype, shape: type.shape });
  }
  /** A tensor of one value everywhere. */
  splat(type: TensorType, x: number): Val {
    if (typeof x !== 'number')
      throw new ArgumentError(`${valueText(x)} stands where a number must`, { fix: 'pass a plain number' });
    return this.constant(Literal.splat(x), type);
  }
  zerosLike(v: Val): Val {
    return this.splat(v.type, 0);
  }
  onesLike(v: Val): Val {
    return this.splat(v.type, 1);
  }

  /** NumPy broadcasting: brings both operands to one shape. */
  align(a: Arg, b: Arg, op?: string): [Val, Val] {
    if (typeof a === 'number') {
      if (typeof b === 'number') throw new ShapeError('one operand must be a tensor', { op });
      return [this.splat(b.type, a), b];
    }
    if (typeof b === 'number') return [a, this.splat(a.type, b)];
    for (const v of [a, b])
      if (v?.type === undefined)
        throw new ArgumentError(`${valueText(v)} stands where a number or a tensor must`, {
          op,
          fix: 'pass a plain number',
        });
    const shape = broadcastShapes(a.type.shape, b.type.shape);
    if (!shape)
      throw new ShapeError(
        `shapes ${shapeText(a.type.shape)} and ${shapeText(b.type.shape)} do not broadcast together`,
        { op, fix: 'from the last axis on, dimensions must be equal or 1' },
      );
    return [this.broadcastTo(a, shape), this.broadcastTo(b, shape)];
  }

  /** NumPy broadcasting of one value to a shape of the same or a higher rank. */
  broadcastTo(v: Val, shape: Shape): Val {
    if (shapeEq(v.type.shape, shape)) return v;
    const off = shape.length - v.type.shape.length;
    return this.broadcast(
      v,
      shape,
      v.type.shape.map((_, i) => i + off),
    );
  }
  /** Places axis i of `v` at axis `dims[i]` of `shape`; size-1 axes stretch. */
  broadcast(v: Val, shape: Shape, dims: readonly number[]): Val {
    if (shapeEq(v.type.shape, shape) && dims.every((d, i) => d === i)) return v;
    return this.call('broadcast', [v], { dims, shape });
  }
  /** Puts axes that a reduction removed back by stretching. */
  unreduce(v: Val, axes: readonly number[], shape: Shape): Val {
    const dims = shape.map((_, i) => i).filter((i) => !axes.includes(i));
    return this.broadcast(v, shape, dims);
  }
  /** Sums `v` down to a shape that broadcasts (NumPy) to its own. */
  sumTo(v: Val, shape: Shape): Val {
    const from = v.type.shape;
    if (shapeEq(from, shape)) return v;
    const off = from.length - shape.length;
    const axes = from.map((_, i) => i).filter((i) => i < off || (shape[i - off] === 1 && from[i] !== 1));
    const s = axes.length ? this.sum(v, axes) : v;
    return this.reshape(s, shape);
  }

  private bin(name: string, a: Arg, b: Arg): Val {
    return this.call(name, this.align(a, b, name));
  }
  add(a: Arg, b: Arg): Val {
    return this.bin('add', a, b);
  }
  sub(a: Arg, b: Arg): Val {
    return this.bin('sub', a, b);
  }
  mul(a: Arg, b: Arg): Val {
    return this.bin('mul', a, b);
  }
  div(a: Arg, b: Arg): Val {
    return this.bin('div', a, b);
  }
  pow(a: Arg, b: Arg): Val {
    return this.bin('pow', a, b);
  }
  max(a: Arg, b: Arg): Val {
    return this.bin('max', a, b);
  }
  min(a: Arg, b: Arg): Val {
    return this.bin('min', a, b);
  }
  compare(dir: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge', a: Arg, b: Arg): Val {
    return this.bin(dir, a, b);
  }
  and(a: Arg, b: Arg): Val {
    return this.bin('and', a, b);
  }
  neg(a: Val): Val {
    return this.call('neg', [a]);
  }
  /** Any unary element-wise op by name. */
  un(name: string, a: Val): Val {
    return this.call(name, [a]);
  }
  square(a: Val): Val {
    return this.mul(a, a);
  }
  /** Where `c`, `a`, else `b`; all broadcast together. */
  select(c: Val, a: Arg, b: Arg): Val {
    let [x, y] = this.align(a, b);
    const shape = broadcastShapes(c.type.shape, x.type.shape);
    if (!shape)
      throw new ShapeError(
        `select: shapes ${shapeText(c.type.shape)} and ${shapeText(x.type.shape)} do not broadcast together`,
        { fix: 'from the last axis on, dimensions must be equal or 1' },
      );
    x = this.broadcastTo(x, shape);
    y = this.broadcastTo(y, shape);
    return this.call('select', [this.broadcastTo(c, shape), x, y]);
  }
  convert(v: Val, dtype: DType): Val {
    return v.type.dtype === dtype ? v : this.call('convert', [v], { dtype });
  }

  reshape(v: Val, shape: Shape): Val {
    return shapeEq(v.type.shape, shape) ? v : this.call('reshape', [v], { shape });
  }
  transpose(v: Val, perm: readonly number[]): Val {
    return perm.every((p, i) => p === i) ? v : this.call('transpose', [v], { perm });
  }
  slice(v: Val, begin: readonly number[], size: readonly number[], strides?: readonly number[]): Val {
    return this.call('slice', [v], { begin, size, strides: strides ?? begin.map(() => 1) });
  }
  /** Pads with a number; negative amounts crop, `interior` puts gaps between elements. */
  pad(v: Val, low: readonly number[], high: readonly number[], interior?: readonly number[], value = 0): Val {
    const gaps = interior ?? low.map(() => 0);
    if (low.every((x) => x === 0) && high.every((x) => x === 0) && gaps.every((x) => x === 0)) return v;
    return this.call('pad', [v, this.splat(tensorType(v.type.dtype, []), value)], { low, high, interior: gaps });
  }
  reverse(v: Val, axes: readonly number[]): Val {
    return axes.length ? this.call('reverse', [v], { axes }) : v;
  }
  concat(vs: readonly Val[], axis: number): Val {
    return vs.length === 1 ? vs[0] : this.call('concat', vs, { axis });
  }
  iota(shape: Shape, axis: number, dtype: DType = 'i32'): Val {
    return this.call('iota', [], { shape, axis, dtype });
  }

  private reduce(name: string, v: Val, axes: readonly number[] | undefined, keep: boolean): Val {
    const ax = axes ?? v.type.shape.map((_, i) => i);
    const r = ax.length ? this.call(name, [v], { axes: ax.slice().sort((x, y) => x - y) }) : v;
    return keep
      ? this.reshape(
          r,
          v.type.shape.map((d, i) => (ax.includes(i) ? 1 : d)),
        )
      : r;
  }
  sum(v: Val, axes?: readonly number[], keep = false): Val {
    return this.reduce('reduce_sum', v, axes, keep);
  }
  reduceMax(v: Val, axes?: readonly number[], keep = false): Val {
    return this.reduce('reduce_max', v, axes, keep);
  }
  reduceMin(v: Val, axes?: readonly number[], keep = false): Val {
    return this.reduce('reduce_min', v, axes, keep);
  }
  mean(v: Val, axes?: readonly number[], keep = false): Val {
    const ax = axes ?? v.type.shape.map((_, i) => i);
    const n = sizeOf(ax.map((a) => v.type.shape[a]));
    // Dividing rounds once; a float32 1 / n would put its own error into every mean.
    return this.div(this.sum(v, ax, keep), n);
  }

  /** `contract`/`batch`: pairs of axis lists (of the left and of the right operand). */
  dot(a: Val, b: Val, contract: readonly (readonly number[])[], batch: readonly (readonly number[])[] = [[], []]): Val {
    return this.call('dot_general', [a, b], { batch, contract });
  }
  /** Product of two matrices, either of them transposed. */
  matMul(a: Val, b: Val, ta = false, tb = false): Val {
    return this.dot(a, b, [[ta ? 0 : 1], [tb ? 1 : 0]]);
  }
}
