// The methods of complex tensors: the functions of ops/complex.ts that take a tensor first.

import { ComplexTensor } from './complex-tensor.ts';
import type { TensorLike } from './convert.ts';
import * as complex from './ops/complex.ts';
import { fft, ifft, irfft } from './ops/fft.ts';
import type { Axis } from './ops/reduce.ts';
import type { Tensor } from './tensor.ts';

/** What a complex operand may be given as. */
type Operand = ComplexTensor | TensorLike;

/** Methods of complex tensors: each is the function of its name on this tensor. */
export interface ComplexMethods {
  /** The real parts. */
  real(): Tensor;
  /** The imaginary parts. */
  imag(): Tensor;
  conj(): ComplexTensor;
  angle(): Tensor;
  abs(): Tensor;
  neg(): ComplexTensor;
  square(): ComplexTensor;
  reciprocal(): ComplexTensor;
  exp(): ComplexTensor;
  clone(): ComplexTensor;
  add(b: Operand): ComplexTensor;
  sub(b: Operand): ComplexTensor;
  mul(b: Operand): ComplexTensor;
  div(b: Operand): ComplexTensor;
  equal(b: Operand): Tensor;
  notEqual(b: Operand): Tensor;
  matMul(b: Operand, transposeA?: boolean, transposeB?: boolean): ComplexTensor;
  sum(axis?: Axis, keepDims?: boolean): ComplexTensor;
  mean(axis?: Axis, keepDims?: boolean): ComplexTensor;
  reshape(shape: readonly number[]): ComplexTensor;
  flatten(): ComplexTensor;
  squeeze(axis?: number | readonly number[]): ComplexTensor;
  expandDims(axis?: number): ComplexTensor;
  transpose(perm?: readonly number[]): ComplexTensor;
  broadcastTo(shape: readonly number[]): ComplexTensor;
  reverse(axis?: number | readonly number[]): ComplexTensor;
  tile(reps: readonly number[]): ComplexTensor;
  pad(paddings: readonly (readonly number[])[], constantValue?: number): ComplexTensor;
  slice(begin: number | readonly number[], size?: number | readonly number[]): ComplexTensor;
  gather(indices: TensorLike, axis?: number, batchDims?: number): ComplexTensor;
  fft(): ComplexTensor;
  ifft(): ComplexTensor;
  irfft(fftLength?: number): Tensor;
}

const { complex: _complex, concat: _concat, stack: _stack, asComplex: _asComplex, ...functions } = complex;
const table = { ...functions, fft, ifft, irfft };

for (const [name, f] of Object.entries({ ...table, fft, ifft, irfft }) as [string, (...args: unknown[]) => unknown][])
  Object.defineProperty(ComplexTensor.prototype, name, {
    value(this: ComplexTensor, ...args: unknown[]) {
      return f(this, ...args);
    },
    writable: true,
    configurable: true,
  });
