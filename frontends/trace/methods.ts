// The methods of tensors: one table of the functions that take a tensor first, put on the prototype.

import { buffer, type TensorBuffer } from './buffer.ts';
import type { TensorLike } from './convert.ts';
import * as creation from './creation.ts';
import type { DataType } from './dtypes.ts';
import { at } from './ops/at.ts';
import * as binary from './ops/binary.ts';
import * as conv from './ops/conv.ts';
import { rfft } from './ops/fft.ts';
import * as filters from './ops/filters.ts';
import * as indexing from './ops/indexing.ts';
import * as linalg from './ops/linalg.ts';
import * as nn from './ops/nn.ts';
import * as pool from './ops/pool.ts';
import * as reduce from './ops/reduce.ts';
import { resizeBilinear, resizeNearestNeighbor } from './ops/resize.ts';
import * as running from './ops/running.ts';
import { unsortedSegmentSum } from './ops/segments.ts';
import { unique } from './ops/select.ts';
import * as shape from './ops/shape.ts';
import * as sorting from './ops/sorting.ts';
import { batchToSpaceND, depthToSpace, ensureShape, roll, spaceToBatchND } from './ops/space.ts';
import * as unary from './ops/unary.ts';
import { Tensor } from './tensor.ts';
import { type Variable, variable } from './variable.ts';

const { conv1d, conv2d, conv2dTranspose, depthwiseConv2d, separableConv2d } = conv;
const { maxPool, avgPool, pool: anyPool } = pool;
const { slice, stridedSlice, gather } = indexing;
const { matMul, dot } = linalg;
const { addN: _addN, where: _where, ...binaries } = binary;
const { concat: _concat, stack: _stack, pad1d: _1, pad2d: _2, pad3d: _3, pad4d: _4, diag: _diag, ...shapes } = shape;
const { topk, sort, argsort, searchSorted, lowerBound, upperBound } = sorting;
const { oneHot, zerosLike, onesLike } = creation;

const table = {
  ...unary,
  ...binaries,
  ...reduce,
  ...running,
  ...shapes,
  ...nn,
  ...{ conv1d, conv2d, conv2dTranspose, depthwiseConv2d, separableConv2d, maxPool, avgPool },
  ...filters,
  ...{ pool: anyPool, resizeBilinear, resizeNearestNeighbor, unsortedSegmentSum, unique, at, rfft },
  ...{ batchToSpaceND, depthToSpace, ensureShape, roll, spaceToBatchND },
  ...{ topk, sort, argsort, searchSorted, lowerBound, upperBound },
  ...{ slice, stridedSlice, gather, matMul, dot, oneHot, zerosLike, onesLike },
};

type Method<F> = F extends (x: never, ...rest: infer R) => infer T ? (...rest: R) => T : never;
type FromTable = { [K in keyof typeof table]: Method<(typeof table)[K]> };

/** Methods whose first argument is not simply the tensor. */
interface Others {
  /** This tensor and others, one after another along an axis. */
  concat(others: TensorLike | TensorLike[], axis?: number): Tensor;
  /** This tensor and others of its shape along a new axis. */
  stack(others: TensorLike | TensorLike[], axis?: number): Tensor;
  /** Where `condition` holds this tensor, else `y`. */
  where(condition: TensorLike, y: TensorLike): Tensor;
  /** With rank 0; the tensor must have one element. */
  asScalar(): Tensor;
  as1D(): Tensor;
  as2D(rows: number, columns: number): Tensor;
  as3D(a: number, b: number, c: number): Tensor;
  as4D(a: number, b: number, c: number, d: number): Tensor;
  as5D(a: number, b: number, c: number, d: number, e: number): Tensor;
  /** Cast to float32. */
  toFloat(): Tensor;
  /** Cast to int32. */
  toInt(): Tensor;
  /** Cast to bool. */
  toBool(): Tensor;
  /** The same values as another dtype; see `tf.cast`. */
  asType(dtype: DataType): Tensor;
  /** A Variable that starts with these elements; see `tf.variable`. */
  variable(trainable?: boolean, name?: string, dtype?: DataType): Variable;
  /** A buffer of the elements, which may be changed. Throws TraceError on a traced tensor. */
  bufferSync(): TensorBuffer;
  /** `bufferSync` as a promise. */
  buffer(): Promise<TensorBuffer>;
  /** The bytes of the elements, a copy. Throws TraceError on a traced tensor. */
  bytes(): Promise<Uint8Array>;
  /** Does nothing: tensors are never disposed of. */
  throwIfDisposed(): void;
}

/** All methods that tensors have beside those of the class. */
export interface TensorMethods extends FromTable, Others {}

const { reshape, cast } = shape;
const listed = (t: Tensor, others: TensorLike | TensorLike[]): TensorLike[] => {
  const many = Array.isArray(others) && others.some((x) => x instanceof Tensor);
  return [t, ...(many ? (others as TensorLike[]) : [others as TensorLike])];
};
const others: Others & ThisType<Tensor> = {
  concat(xs, axis) {
    return shape.concat(listed(this, xs), axis);
  },
  stack(xs, axis) {
    return shape.stack(listed(this, xs), axis);
  },
  where(condition, y) {
    return binary.where(condition, this, y);
  },
  asScalar() {
    return reshape(this, []);
  },
  as1D() {
    return reshape(this, [-1]);
  },
  as2D(...s) {
    return reshape(this, s);
  },
  as3D(...s) {
    return reshape(this, s);
  },
  as4D(...s) {
    return reshape(this, s);
  },
  as5D(...s) {
    return reshape(this, s);
  },
  toFloat() {
    return cast(this, 'float32');
  },
  toInt() {
    return cast(this, 'int32');
  },
  toBool() {
    return cast(this, 'bool');
  },
  asType(dtype) {
    return cast(this, dtype);
  },
  variable(trainable, name, dtype) {
    return variable(this, trainable, name, dtype);
  },
  bufferSync() {
    return buffer(this.shape, this.dtype, this.dataSync());
  },
  async buffer() {
    return this.bufferSync();
  },
  async bytes() {
    const data = this.dataSync();
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  },
  throwIfDisposed() {},
};

const methods: Record<string, unknown> = { ...others };
for (const [name, f] of Object.entries(table) as [string, (...args: unknown[]) => unknown][])
  methods[name] = function (this: Tensor, ...args: unknown[]) {
    return f(this, ...args);
  };
for (const [name, value] of Object.entries(methods))
  Object.defineProperty(Tensor.prototype, name, { value, writable: true, configurable: true });
