// Discrete Fourier transforms. Those of complex tensors refuse real ones, as in TensorFlow.js.

import { ArgumentError, DTypeError, ShapeError, valueText } from '../../../ir/errors.ts';
import { opByName } from '../../../ir/op.ts';
import { ComplexTensor } from '../complex-tensor.ts';
import type { TensorLike } from '../convert.ts';
import { applyOp, emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { floatArg } from './common.ts';
import { complex, transpose } from './complex.ts';

function complexArg(x: unknown, op: string): ComplexTensor {
  if (!(x instanceof ComplexTensor))
    throw new DTypeError(`argument 'input' must be a complex tensor`, {
      op,
      fix: 'make it with tf.complex(x, tf.zerosLike(x)), or use tf.rfft for real signals',
    });
  return x;
}

function checkLast(shape: readonly number[], least: number, op: string): void {
  const n = shape.at(-1);
  if (n === undefined || n < least)
    throw new ShapeError(`the last axis must have at least ${least} element(s), got shape [${shape}]`, {
      op,
      fix: 'give it elements, or add an axis with tf.expandDims',
    });
}

function transformed(x: unknown, op: string, inverse: boolean): ComplexTensor {
  const { re, im } = complexArg(x, op);
  checkLast(re.shape, 1, op);
  const [p, q] = applyOp(opByName('fft'), [re, im], { inverse });
  return new ComplexTensor(p, q);
}

/** The transform of each row of the last axis. Throws DTypeError for a real tensor. */
export const fft = (input: ComplexTensor): ComplexTensor => transformed(input, 'fft', false);
/** The inverse of `fft`. */
export const ifft = (input: ComplexTensor): ComplexTensor => transformed(input, 'ifft', true);

/** Both of the last two axes. */
function plane(input: ComplexTensor, op: string, inverse: boolean): ComplexTensor {
  const x = complexArg(input, op);
  if (x.rank < 2)
    throw new ShapeError(`takes rank 2 or more, got shape [${x.shape}]`, { op, fix: 'add an axis with tf.expandDims' });
  const perm = x.shape.map((_, i) => i);
  [perm[x.rank - 2], perm[x.rank - 1]] = [x.rank - 1, x.rank - 2];
  return transpose(transformed(transpose(transformed(x, op, inverse), perm), op, inverse), perm);
}
/** The transform over the last two axes. */
export const fft2d = (input: ComplexTensor): ComplexTensor => plane(input, 'fft2d', false);
/** The inverse of `fft2d`. */
export const ifft2d = (input: ComplexTensor): ComplexTensor => plane(input, 'ifft2d', true);

/** Cut or padded with zeros to `n` elements along the last axis. */
function fitted(x: Tensor, n: number): Tensor {
  const zeros = x.shape.map(() => 0);
  return b.pad(x, zeros, zeros.with(-1, n - (x.shape.at(-1) as number))) as Tensor;
}

function checkLength(n: number, op: string): void {
  if (!Number.isInteger(n) || n < 1)
    throw new ArgumentError(`fftLength must be a positive integer, got ${valueText(n)}`, {
      op,
      fix: 'leave it out to transform the whole axis',
    });
}

/**
 * The first n/2 + 1 elements of the transform of each real row of the last axis (the rest mirror them).
 * @param fftLength n: rows are cut or padded with zeros to it; by default their length
 */
export function rfft(input: TensorLike, fftLength?: number): ComplexTensor {
  const x = floatArg(input, 'input', 'rfft');
  checkLast(x.shape, fftLength === undefined ? 1 : 0, 'rfft');
  const n = fftLength ?? (x.shape.at(-1) as number);
  checkLength(n, 'rfft');
  const [re, im] = applyOp(opByName('rfft'), [fitted(x, n)]);
  return complex(re, im);
}

/**
 * The real rows of which `rfft` gives these.
 * @param fftLength n, by default twice the last dimension less two (1 for one element): the input is cut
 *   or padded with zeros to n/2 + 1
 */
export function irfft(input: ComplexTensor, fftLength?: number): Tensor {
  const { re, im } = complexArg(input, 'irfft');
  checkLast(re.shape, 1, 'irfft');
  const n = fftLength ?? Math.max(1, 2 * ((re.shape.at(-1) as number) - 1));
  checkLength(n, 'irfft');
  const m = Math.floor(n / 2) + 1;
  return applyOp(opByName('irfft'), [fitted(re, m), fitted(im, m)], { n })[0];
}
