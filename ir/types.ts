// Element types, shapes and all shape arithmetic. A dimension is a number, or the one open batch
// size B with its bound: memory is planned at the bound, loops run to the actual size.

import { ShapeError } from './errors.ts';

/**
 * Element types of the IR. `u32` holds random bits; `bool` is 0 or 1. `i8`, `u8` and `f16` store: they can be
 * moved, selected and converted, and arithmetic on them is refused.
 */
export type DType = 'f32' | 'f64' | 'i32' | 'u32' | 'bool' | 'i8' | 'u8' | 'f16';

export const dtypes: readonly DType[] = ['f32', 'f64', 'i32', 'u32', 'bool', 'i8', 'u8', 'f16'];

/** The open batch size, times a constant: `scale * B` with `B <= bound`. Interned by `openDim`. */
export interface OpenDim {
  readonly scale: number;
  readonly bound: number;
}
export type Dim = number | OpenDim;
export type Shape = readonly Dim[];

/** Type of a value: a tensor, or (`state`) a version of a Variable that holds such a tensor. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly state?: boolean;
}

const openDims = new Map<string, OpenDim>();

/** The dimension `scale * B`, where B is at most `bound`. Equal arguments give the same object. */
export function openDim(bound: number, scale = 1): OpenDim {
  if (!Number.isInteger(bound) || bound < 1)
    throw new ShapeError(`the bound of an open batch size must be a positive integer, not ${bound}`);
  const key = `${scale}*${bound}`;
  let d = openDims.get(key);
  if (!d) {
    d = Object.freeze({ scale, bound });
    openDims.set(key, d);
  }
  return d;
}

export const isOpen = (d: Dim): d is OpenDim => typeof d !== 'number';
export const isStatic = (s: Shape): s is readonly number[] => s.every((d) => typeof d === 'number');

/** The largest value that a dimension takes. */
export const dimBound = (d: Dim): number => (typeof d === 'number' ? d : d.scale * d.bound);

export const dimEq = (a: Dim, b: Dim): boolean => a === b;

/** `a * b`; at most one of them open. */
export function dimMul(a: Dim, b: Dim): Dim {
  if (typeof a === 'number') {
    if (typeof b === 'number') return a * b;
    return a === 0 ? 0 : openDim(b.bound, b.scale * a);
  }
  if (typeof b === 'number') return dimMul(b, a);
  throw new ShapeError(`the open batch size can stand once in a shape, not as ${dimText(a)} x ${dimText(b)}`);
}

export function shapeEq(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

export function typeEq(a: TensorType, b: TensorType): boolean {
  return a.dtype === b.dtype && !!a.state === !!b.state && shapeEq(a.shape, b.shape);
}

/** Number of elements as a dimension (it may be open). */
export function shapeSize(s: Shape): Dim {
  // A loop: calls of programs come by here, and they allocate nothing.
  let n: Dim = 1;
  for (let i = 0; i < s.length; i++) n = dimMul(n, s[i]);
  return n;
}

/** Number of elements at the bound of the open dimension. */
export const sizeOf = (s: Shape): number => dimBound(shapeSize(s));

/** The shape as plain numbers; refuses an open one. */
export function staticShape(s: Shape, what = 'this'): readonly number[] {
  if (!isStatic(s))
    throw new ShapeError(`${what} needs a fixed shape, got ${shapeText(s)}`, {
      fix: 'give the batch size a number',
    });
  return s;
}

/** Shape of two NumPy-broadcast operands, or null where they do not fit. */
export function broadcastShapes(a: Shape, b: Shape): Shape | null {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = i < rank - a.length ? 1 : a[i - (rank - a.length)];
    const y = i < rank - b.length ? 1 : b[i - (rank - b.length)];
    if (dimEq(x, y) || y === 1) out.push(x);
    else if (x === 1) out.push(y);
    else return null;
  }
  return out;
}

export const isFloat = (t: DType): boolean => t === 'f32' || t === 'f64';
export const isInt = (t: DType): boolean => t === 'i32' || t === 'u32';

/** Dtypes without arithmetic. */
export const isStorage = (t: DType): boolean => t === 'i8' || t === 'u8' || t === 'f16';
/** The dtype that kernels hold an element in. */
export const valueType = (t: DType): DType => (t === 'f16' ? 'f32' : t === 'i8' || t === 'u8' ? 'i32' : t);

/** Bytes an element takes in device memory (bool is stored as 0 or 1 in 32 bits). */
export const byteSize = (t: DType): number => (t === 'f64' ? 8 : t === 'f16' ? 2 : t === 'i8' || t === 'u8' ? 1 : 4);
/** Bytes of a tensor in device memory. */
export const typeBytes = (t: TensorType): number => sizeOf(t.shape) * byteSize(t.dtype);

export const tensorType = (dtype: DType, shape: Shape): TensorType =>
  Object.freeze({ dtype, shape: Object.freeze(shape.slice()) });

export const stateType = (t: TensorType): TensorType => Object.freeze({ dtype: t.dtype, shape: t.shape, state: true });

export const dimText = (d: Dim): string =>
  typeof d === 'number' ? String(d) : `${d.scale === 1 ? '' : `${d.scale}*`}B:${d.bound}`;
export const shapeText = (s: Shape): string => `[${s.map(dimText).join(',')}]`;
export const typeText = (t: TensorType): string => {
  const s = t.dtype + shapeText(t.shape);
  return t.state ? `state<${s}>` : s;
};
