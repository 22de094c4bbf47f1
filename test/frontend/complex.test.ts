// Complex tensors and Fourier transforms for users.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

const z = tf.complex([3, 0, -1], [4, 2, 0]);

describe('complex tensors', () => {
  it('have parts, a dtype and interleaved data', async () => {
    equalTo(tf.real(z), [3, 0, -1]);
    equalTo(z.imag(), [4, 2, 0]);
    expect([z.dtype, z.shape, z.rank, z.size]).toEqual(['complex64', [3], 1, 3]);
    expect(Array.from(await z.data())).toEqual([3, 4, 0, 2, -1, 0]);
    expect(tf.complex([[1, 2]], [[3, 4]]).arraySync()).toEqual([[1, 3, 2, 4]]);
    expect(tf.complex(1, 2).arraySync()).toEqual([1, 2]);
    expect(String(z)).toContain('imag');
    equalTo(tf.imag([1, 2]), [0, 0]);
  });
  it('compute', () => {
    const w = tf.complex([1, 2, 0], [-1, 0, 1]);
    // (3+4i)(1-i) = 7+i, 2i*2 = 4i, -1*i = -i
    expect(Array.from(tf.mul(z, w).dataSync())).toEqual([7, 1, 0, 4, -0, -1]);
    expect(Array.from(z.add(w).dataSync())).toEqual([4, 3, 2, 2, -1, 1]);
    expect(Array.from(tf.sub(z, [1, 1, 1]).dataSync())).toEqual([2, 4, -1, 2, -2, 0]);
    expect(Array.from(tf.div(tf.mul(z, w), w).dataSync())).toEqual([3, 4, 0, 2, -1, 0]);
    expect(Array.from(z.conj().dataSync())).toEqual([3, -4, 0, -2, -1, -0]);
    expect(Array.from(z.neg().dataSync())).toEqual([-3, -4, -0, -2, 1, -0]);
    expect(Array.from(z.square().dataSync())).toEqual([-7, 24, -4, 0, 1, -0]);
    close(z.abs(), [5, 2, 1]);
    close(z.angle(), [Math.atan2(4, 3), Math.PI / 2, Math.PI]);
    const e = tf.complex([0], [Math.PI]).exp();
    close(e.real(), [-1]);
    equalTo(tf.equal(z, z), [1, 1, 1]);
    equalTo(tf.notEqual(z, [3, 0, -1]), [1, 1, 0]);
  });
  it('keep their range where squares overflow', () => {
    const big = tf.complex([3e30, 0, Infinity], [4e30, 0, 1]);
    equalTo(tf.div(big.abs(), [5e30, 1, 1]), [1, 0, Infinity]);
    close(tf.div(big.slice(0, 1), big.slice(0, 1)).real(), [1]);
  });
  it('move as their parts', () => {
    const m = tf.complex([[1, 2], [3, 4]], [[5, 6], [7, 8]]); // biome-ignore format: short
    equalTo(m.transpose().real(), [
      [1, 3],
      [2, 4],
    ]);
    expect(tf.concat([m, m], 1).shape).toEqual([2, 4]);
    expect(
      tf.stack([
        m,
        [
          [0, 0],
          [0, 0],
        ],
      ]).shape,
    ).toEqual([2, 2, 2]);
    equalTo(m.sum(0).imag(), [12, 14]);
    // (A + iB)(A + iB) by the parts
    equalTo(tf.matMul(m, m).real(), [
      [7 - 67, 10 - 78],
      [15 - 91, 22 - 106],
    ]);
    expect(tf.reshape(m, [4]).shape).toEqual([4]);
  });
  it('are refused by name where they do not fit', () => {
    expect(errorOf(() => tf.complex([1, 2], [1]))).toBeInstanceOf(tf.ShapeError);
    expect(errorOf(() => tf.complex(tf.tensor([1], [1], 'int32'), [1]))).toBeInstanceOf(tf.DTypeError);
    expect(errorOf(() => tf.relu(z as never)).message).toMatch(/complex tensor, which relu does not take/);
  });
  it('are arguments and results of traced functions', () => {
    const f = tf.func((x: tf.ComplexTensor) => ({ y: tf.mul(x, x) }));
    expect(Array.from(f(z).y.dataSync())).toEqual([-7, 24, -4, 0, 1, -0]);
    expect(f(z).y).toBeInstanceOf(tf.ComplexTensor);
  });
  it('pass gradients on, to both parts', () => {
    const tape = new tf.GradientTape();
    const x = tf.complex([3, 0], [4, 0]);
    tape.watch(x);
    const y = tf.abs(x);
    const g = tape.gradient(y, x) as unknown as tf.ComplexTensor;
    close(g.real(), [0.6, 0]);
    close(g.imag(), [0.8, 0]);
  });
});

describe('Fourier transforms', () => {
  it('of known signals', () => {
    expect(Array.from(tf.fft(tf.complex([1, 0, 0, 0], [0, 0, 0, 0])).dataSync())).toEqual([1, 0, 1, 0, 1, 0, 1, 0]);
    const wave = Array.from({ length: 8 }, (_, i) => Math.cos((2 * Math.PI * i) / 8));
    close(tf.rfft(wave).real(), [0, 4, 0, 0, 0]);
    close(tf.rfft(wave).imag(), [0, 0, 0, 0, 0]);
  });
  it('and back, of any length', () => {
    for (const n of [1, 2, 5, 12, 31, 64, 101]) {
      const x = tf.randomNormal([3, n]);
      const y = tf.randomNormal([3, n]);
      const back = tf.ifft(tf.fft(tf.complex(x, y)));
      close(back.real(), x.arraySync());
      close(back.imag(), y.arraySync());
      close(x.rfft().irfft(n), x.arraySync());
      close(tf.complex(x, y).fft().ifft().real(), x.arraySync());
    }
  });
  it('cut, pad and default lengths as TensorFlow does', () => {
    expect(tf.rfft(tf.zeros([2, 6]), 4).shape).toEqual([2, 3]);
    expect(tf.rfft(tf.zeros([2, 6]), 16).shape).toEqual([2, 9]);
    expect(tf.irfft(tf.complex(tf.zeros([5]), tf.zeros([5]))).shape).toEqual([8]);
    equalTo(tf.spectral.rfft([1, 2, 3], 2).real(), [3, -1]);
  });
  it('of planes', () => {
    const x = tf.randomNormal([4, 6]);
    const whole = tf.fft2d(tf.complex(x, tf.zeros([4, 6])));
    // The first element is the sum of all; the way back is exact.
    close(whole.real().slice([0, 0], [1, 1]), [[x.sum().arraySync()]], 4);
    close(tf.ifft2d(whole).real(), x.arraySync());
  });
  it('refuse real tensors and bad lengths', () => {
    expect(errorOf(() => tf.fft(tf.zeros([4]) as never)).message).toMatch(/complex tensor.*tf\.complex/s);
    expect(errorOf(() => tf.rfft([1, 2], 0))).toBeInstanceOf(tf.ArgumentError);
    expect(errorOf(() => tf.fft(tf.complex(1, 1)))).toBeInstanceOf(tf.ShapeError);
  });
  it('of short frames', () => {
    const signal = tf.range(0, 10, 1, 'float32');
    const s = tf.signal.stft(signal, 4, 2, undefined, (n) => tf.ones([n]));
    // Frames start at 0, 2, 4, 6: their sums are the first column.
    expect(s.shape).toEqual([4, 3]);
    equalTo(s.real().slice([0, 0], [4, 1]), [[6], [14], [22], [30]]);
    const windowed = tf.signal.stft(tf.ones([4]), 4, 4);
    // A periodic Hann window of 4: 0, 0.5, 1, 0.5.
    close(windowed.real(), [[2, -1, 0]]);
    expect(tf.signal.stft(tf.ones([3]), 4, 1).shape).toEqual([0, 3]);
  });
});
