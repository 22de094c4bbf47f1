// `tf.util`: small helpers on arrays and shapes that TensorFlow.js code uses.

import { ArgumentError, ShapeError } from '../../ir/errors.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { inferDType, type NestedData } from './convert.ts';
import { type DataType, irDType, publicDType } from './dtypes.ts';
import { axesOf } from './ops/common.ts';

type Shape = readonly number[];
type List<T> = { [i: number]: T; readonly length: number };

/** Throws ArgumentError with the message (or what the function returns) unless `ok`. */
export function assert(ok: boolean, message: string | (() => string)): asserts ok {
  if (!ok) throw new ArgumentError(typeof message === 'string' ? message : message());
}
/** Throws ShapeError unless the shapes are equal. */
export function assertShapesMatch(a: Shape, b: Shape, prefix = ''): void {
  if (!arraysEqual(a, b)) throw new ShapeError(`${prefix}${prefix && ' '}shapes [${a}] and [${b}] must match`);
}
/** Throws ArgumentError for null and undefined. */
export function assertNonNull(x: unknown): void {
  assert(x !== null && x !== undefined, 'the value must not be null or undefined');
}
/** Throws ShapeError unless all dimensions are whole numbers from 0 on. */
export function assertNonNegativeIntegerDimensions(shape: Shape): void {
  if (!shape.every((d) => Number.isInteger(d) && d >= 0))
    throw new ShapeError(`a shape is an array of whole numbers from 0 on, not [${shape}]`);
}

/** Swaps two elements. */
export function swap<T>(list: List<T>, left: number, right: number): void {
  [list[left], list[right]] = [list[right], list[left]];
}
/** Puts the elements in random order, in place (Fisher, Yates). */
export function shuffle(list: List<unknown>): void {
  for (let i = list.length - 1; i > 0; i--) swap(list, i, Math.floor(Math.random() * (i + 1)));
}
/** Puts two arrays of one length in the same random order, in place. Throws ArgumentError for two lengths. */
export function shuffleCombo(a: List<unknown>, b: List<unknown>): void {
  assert(a.length === b.length, () => `arrays of ${a.length} and ${b.length} elements cannot be shuffled together`);
  for (let i = a.length - 1; i > 0; i--) {
    const k = Math.floor(Math.random() * (i + 1));
    swap(a, i, k);
    swap(b, i, k);
  }
}
/** The numbers from 0 to n - 1 in random order. */
export function createShuffledIndices(n: number): Uint32Array {
  const out = Uint32Array.from({ length: n }, (_, i) => i);
  shuffle(out);
  return out;
}

/** Number of elements of a shape. */
export const sizeFromShape = (shape: Shape): number => shape.reduce((n, d) => n * d, 1);
/** Whether the shape is that of a scalar. */
export const isScalarShape = (shape: Shape): boolean => shape.length === 0;
/** Whether two arrays have the same elements; null and undefined equal themselves only. */
export function arraysEqual(
  a: ArrayLike<unknown> | null | undefined,
  b: ArrayLike<unknown> | null | undefined,
): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  return Array.from(a).every((x, i) => x === b[i]);
}
/** `arraysEqual`, where null stands for any element. */
export function arraysEqualWithNull(a: ArrayLike<unknown> | null, b: ArrayLike<unknown> | null): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  return Array.from(a).every((x, i) => x === null || b[i] === null || x === b[i]);
}

/** Whether the number has no fraction. */
export const isInt = (x: number): boolean => x % 1 === 0;
/** Whether it is a number. */
export const isNumber = (x: unknown): x is number => typeof x === 'number';
/** Whether it is a boolean. */
export const isBoolean = (x: unknown): x is boolean => typeof x === 'boolean';
/** Whether it is a string. */
export const isString = (x: unknown): x is string => typeof x === 'string' || x instanceof String;
/** Whether it is a function. */
export const isFunction = (x: unknown): boolean => typeof x === 'function';
/** Whether it has a method `then`. */
export const isPromise = (x: unknown): boolean => typeof (x as Promise<unknown> | null)?.then === 'function';
/** Whether it is an array that tensors keep their elements in. */
export const isTypedArray = (x: unknown): x is TypedArray | Uint8ClampedArray =>
  [Float32Array, Float64Array, Int32Array, Uint32Array, Int8Array, Uint8Array, Uint8ClampedArray].some(
    (T) => x instanceof T,
  );
/** Whether tensors have that dtype. */
export function isValidDtype(dtype: string): boolean {
  try {
    return irDType(dtype) !== undefined;
  } catch {
    return false;
  }
}

/** x limited to [min, max]. */
export const clamp = (min: number, x: number, max: number): number => Math.max(min, Math.min(x, max));
/** The number, or the next one where it is odd. */
export const nearestLargerEven = (x: number): number => (x % 2 === 0 ? x : x + 1);
/** The smallest divisor of `size` that is at least `start`. */
export function nearestDivisor(size: number, start: number): number {
  for (let i = start; i < size; i++) if (size % i === 0) return i;
  return size;
}
/** Sum of an array. */
export const sum = (xs: ArrayLike<number>): number => Array.from(xs).reduce((s, x) => s + x, 0);
/** Hyperbolic tangent. */
export const tanh = (x: number): number => Math.tanh(x);
/** A number between a and b, evenly distributed. */
export function randUniform(a: number, b: number): number {
  const r = Math.random();
  return b * r + (1 - r) * a;
}
/** Square of the distance of two points. */
export const distSquared = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((s, x, i) => s + (x - b[i]) ** 2, 0);
/** The text with spaces behind it, up to `size` characters. */
export const rightPad = (text: string, size: number): string => text.padEnd(size);
/** Milliseconds from some moment on, with fractions. */
export const now = (): number => performance.now();
/** The environment's `fetch`. */
export const fetch = (...args: Parameters<typeof globalThis.fetch>): Promise<Response> => globalThis.fetch(...args);

/** Elements between neighbours along each axis but the last. */
export const computeStrides = (shape: Shape): number[] =>
  shape.length < 2 ? [] : shape.slice(0, -1).map((_, i) => sizeFromShape(shape.slice(i + 1)));
/** The place in row-major order of the element at these indices. */
export const locToIndex = (locs: readonly number[], rank: number, strides: readonly number[]): number =>
  locs.slice(0, rank).reduce((k, i, axis) => k + i * (strides[axis] ?? 1), 0);
/** The indices of the element at that place in row-major order. */
export function indexToLoc(index: number, rank: number, strides: readonly number[]): number[] {
  let rest = index;
  return Array.from({ length: rank }, (_, axis) => {
    const stride = strides[axis] ?? 1;
    const i = Math.floor(rest / stride);
    rest -= i * stride;
    return i;
  });
}
/** The shape with its one -1 replaced by what `size` elements leave. Throws ShapeError where nothing fits. */
export function inferFromImplicitShape(shape: Shape, size: number): number[] {
  const open = shape.filter((d) => d === -1).length;
  const known = sizeFromShape(shape.filter((d) => d !== -1));
  const bad =
    shape.some((d) => d < -1) ||
    open > 1 ||
    (open === 1 ? known === 0 || size % known !== 0 : size > 0 && known !== size);
  if (bad)
    throw new ShapeError(`${size} elements do not make the shape [${shape}]`, { fix: 'one dimension may be -1' });
  return shape.map((d) => (d === -1 ? size / known : d));
}
/** Axes from 0 on; none given means all. Throws ShapeError for one that does not exist. */
export const parseAxisParam = (axis: number | readonly number[] | null | undefined, shape: Shape): number[] =>
  axesOf(axis, shape.length, 'parseAxisParam');
/** The shape without its axes of size 1 (or without the given ones), and which axes are left. */
export function squeezeShape(shape: Shape, axis?: readonly number[]): { newShape: number[]; keptDims: number[] } {
  const all = shape.map((_, i) => i);
  const gone = axis?.length ? axesOf(axis, shape.length, 'squeezeShape') : all.filter((i) => shape[i] === 1);
  const bad = gone.find((i) => shape[i] !== 1);
  if (bad !== undefined) throw new ShapeError(`axis ${bad} of [${shape}] has ${shape[bad]} elements, not 1`);
  const keptDims = all.filter((i) => !gone.includes(i));
  return { newShape: keptDims.map((i) => shape[i]), keptDims };
}

/** All elements of nested arrays, one after another. */
export function flatten<T>(nested: unknown, result: T[] = []): T[] {
  if (Array.isArray(nested) || isTypedArray(nested)) for (const x of nested as T[]) flatten(x, result);
  else result.push(nested as T);
  return result;
}
/** The dtype that values get where none is asked for. */
export const inferDtype = (values: unknown): DataType => publicDType(inferDType(values));
/** Row-major elements as nested arrays; the element itself for a scalar's shape. */
export function toNestedArray(shape: Shape, values: ArrayLike<number>): unknown {
  assert(values.length === sizeFromShape(shape), () => `[${shape}] does not have ${values.length} elements`);
  let at = 0;
  const walk = (axis: number): unknown =>
    axis === shape.length ? values[at++] : Array.from({ length: shape[axis] }, () => walk(axis + 1));
  return walk(0);
}
/** Bytes an element takes in arrays. */
export const bytesPerElement = (dtype: DataType): number => arrayFor(irDType(dtype), 0).BYTES_PER_ELEMENT;
/** A zeroed array of the dtype's kind. */
export const getTypedArrayFromDType = (dtype: DataType, size: number): TypedArray => arrayFor(irDType(dtype), size);
/** As `getTypedArrayFromDType`. */
export const getArrayFromDType: typeof getTypedArrayFromDType = getTypedArrayFromDType;
/** `size` zeros in an array of the dtype's kind. */
export const makeZerosTypedArray = (size: number, dtype: DataType): TypedArray => arrayFor(irDType(dtype), size);
/** `size` ones in an array of the dtype's kind. */
export const makeOnesTypedArray = (size: number, dtype: DataType): TypedArray => arrayFor(irDType(dtype), size).fill(1);
/** Nested arrays of zeros. */
export const makeZerosNestedTypedArray = (shape: Shape, dtype: DataType): unknown =>
  toNestedArray(shape, makeZerosTypedArray(sizeFromShape(shape), dtype));
/** Values as an array of the dtype's kind; one that already is is given back itself. */
export function toTypedArray(values: NestedData, dtype: DataType): TypedArray {
  const out = arrayFor(irDType(dtype, 'toTypedArray'), 0);
  if (values instanceof (out.constructor as new () => TypedArray)) return values;
  const flat = flatten<number>(values);
  const all = arrayFor(irDType(dtype), flat.length);
  all.set(flat.map(Number));
  return all;
}
