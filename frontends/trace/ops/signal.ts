// Signal processing.

import type { ComplexTensor } from '../complex-tensor.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { floatArg, need } from './common.ts';
import { rfft } from './fft.ts';
import { gather } from './indexing.ts';

/** 0.5 - 0.5 cos(2 pi i / n): periodic for even lengths, symmetric for odd ones, as in TensorFlow.js. */
function hann(length: number, like: Tensor): Tensor {
  const period = length % 2 === 0 ? length : Math.max(1, length - 1);
  const at = b.convert(b.iota([length], 0), like.type.dtype);
  return b.sub(0.5, b.mul(b.un('cos', b.mul(at, (2 * Math.PI) / period)), 0.5)) as Tensor;
}

/**
 * Short-time Fourier transform of the last axis: windowed frames, each transformed by `rfft`. The result
 * has shape [..., frames, fftLength / 2 + 1]; frames that do not lie within the signal are left out.
 * @param fftLength by default the least power of two that holds a frame
 * @param windowFn makes the window of that length; by default a Hann window
 * Throws ArgumentError for lengths and steps that are no positive integers.
 */
export function stft(
  signal: TensorLike,
  frameLength: number,
  frameStep: number,
  fftLength?: number,
  windowFn?: (length: number) => Tensor,
): ComplexTensor {
  const x = floatArg(signal, 'signal', 'stft');
  const whole = (n: number, name: string) =>
    need(Number.isInteger(n) && n >= 1, 'stft', `${name} must be a positive integer`, n);
  whole(frameLength, 'frameLength');
  whole(frameStep, 'frameStep');
  need(x.rank >= 1, 'stft', 'the signal must have rank 1 or more', x.rank);
  const size = x.shape[x.rank - 1];
  const frames = size < frameLength ? 0 : Math.floor((size - frameLength) / frameStep) + 1;
  const shape = [frames, frameLength];
  const index = b.add(b.mul(b.iota(shape, 0), frameStep), b.iota(shape, 1)) as Tensor;
  const framed = gather(x, index, -1);
  const window = windowFn ? windowFn(frameLength) : hann(frameLength, x);
  return rfft(b.mul(framed, window) as Tensor, fftLength ?? 2 ** Math.ceil(Math.log2(frameLength)));
}
