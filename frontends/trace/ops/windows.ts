// Windows and frames of signals: `tf.signal`, and the two helpers that TensorFlow.js exports beside it.

import { arrayFor } from '../../../ir/literal.ts';
import { tensorType } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { eagerTensor, type Tensor } from '../tensor.ts';
import { arg, checkRank, need, numberArg } from './common.ts';
import { gather } from './indexing.ts';

/** a - b cos(2 pi i / n) for i from 0 to windowLength - 1, periodic: n is windowLength (less 1 where odd). */
export function cosineWindow(windowLength: number, a: number, scale: number): Tensor {
  const op = 'cosineWindow';
  need(Number.isInteger(windowLength) && windowLength >= 0, op, 'windowLength must be a whole number', windowLength);
  numberArg(a, 'a', op);
  numberArg(scale, 'scale', op);
  const n = windowLength % 2 === 0 ? windowLength : windowLength - 1;
  const data = arrayFor('f32', windowLength, op);
  // A window of one element has no period; its only angle is 0.
  for (let i = 0; i < windowLength; i++) data[i] = a - scale * Math.cos((2 * Math.PI * i) / Math.max(1, n));
  return eagerTensor(tensorType('f32', [windowLength]), data);
}

/** The smallest power of two that is at least `value`. Throws ArgumentError for what is not positive. */
export function enclosingPowerOfTwo(value: number): number {
  need(Number.isFinite(value) && value > 0, 'enclosingPowerOfTwo', 'the value must be positive', value);
  let p = 1;
  while (p < value) p *= 2;
  while (p / 2 >= value) p /= 2;
  return p;
}

/** A Hann window: 0.5 - 0.5 cos, float32. */
export const hannWindow = (windowLength: number): Tensor => cosineWindow(windowLength, 0.5, 0.5);
/** A Hamming window: 0.54 - 0.46 cos, float32. */
export const hammingWindow = (windowLength: number): Tensor => cosineWindow(windowLength, 0.54, 0.46);

/**
 * The stretches of `frameLength` elements that begin every `frameStep` elements of a vector:
 * [frames, frameLength].
 * @param padEnd goes on until the signal ends, `padValue` standing for what is missing
 */
export function frame(
  signal: TensorLike,
  frameLength: number,
  frameStep: number,
  padEnd = false,
  padValue = 0,
): Tensor {
  const op = 'frame';
  let t = arg(signal, 'signal', op);
  numberArg(padValue, 'padValue', op);
  checkRank(t, [1], 'signal', op);
  const whole = (n: number) => Number.isInteger(n) && n >= 1;
  need(whole(frameLength) && whole(frameStep), op, 'frameLength and frameStep must be positive whole numbers', [
    frameLength,
    frameStep,
  ]);
  const n = t.size;
  const frames = padEnd ? Math.ceil(n / frameStep) : Math.max(0, Math.floor((n - frameLength) / frameStep) + 1);
  const missing = Math.max(0, (frames - 1) * frameStep + frameLength - n);
  if (padEnd && missing > 0) t = b.pad(t, [0], [missing], undefined, padValue) as Tensor;
  const index = Int32Array.from(
    { length: frames * frameLength },
    (_, i) => Math.floor(i / frameLength) * frameStep + (i % frameLength),
  );
  return gather(t, eagerTensor(tensorType('i32', [frames, frameLength]), index));
}
