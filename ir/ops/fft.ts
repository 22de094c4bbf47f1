// Discrete Fourier transforms of the last axis. A complex tensor is a pair of float tensors, its real
// and its imaginary parts.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { Literal } from '../literal.ts';
import { type NDArray, ndarray } from '../ndarray.ts';
import { boolAttr, defineComposite, defineOp, type InferCtx, numAttr, sample } from '../op.ts';
import { isFloat, isOpen, shapeText, type TensorType, tensorType, typeEq } from '../types.ts';

/** The last dimension of float operands of one type. */
function checkRows(c: InferCtx): number {
  const [re, im = re] = c.inputs;
  const n = re.shape.at(-1);
  c.check(n !== undefined && !isOpen(n) && n >= 1, `${c.op.name}_c1`, shapeText(re.shape));
  c.check(
    isFloat(re.dtype) && typeEq(re, im),
    `${c.op.name}_c2`,
    c.inputs.map((t) => `${t.dtype}${shapeText(t.shape)}`).join(' and '),
  );
  return n as number;
}
const pairRules = (name: string) => ({
  [`${name}_c1`]: 'the operands must have a last axis of fixed size, at least 1',
  [`${name}_c2`]: 'both operands must have one shape and dtype, and that dtype must be a float',
});

const lastOf = (v: Val): number => v.type.shape.at(-1) as number;
const withLast = (t: TensorType, n: number): TensorType => tensorType(t.dtype, t.shape.with(-1, n));

/** A table along the last axis, spread over the others. */
function along(b: Emitter, like: Val, n: number, f: (k: number) => number): Val {
  const data = Float64Array.from({ length: n }, (_, k) => f(k));
  const row = tensorType(like.type.dtype, [n]);
  const table = b.constant(Literal.of(like.type.dtype === 'f32' ? Float32Array.from(data) : data), row);
  return b.broadcastTo(table, withLast(like.type, n).shape);
}

/** Part of the last axis. */
function part(b: Emitter, v: Val, begin: number, size: number, stride = 1): Val {
  const from = v.type.shape.map(() => 0).with(-1, begin);
  return b.slice(v, from, (v.type.shape as number[]).with(-1, size), v.type.shape.map(() => 1).with(-1, stride));
}
const reversed = (b: Emitter, v: Val): Val => b.reverse(v, [v.type.shape.length - 1]);

const fft = (b: Emitter, re: Val, im: Val, inverse: boolean): readonly [Val, Val] => {
  const out = b.emit(fftOp, [re, im], { inverse });
  return [out[0], out[1]];
};

/** Sums of x[j] * exp(sign * 2 pi i j k / n), by the definition; angles are reduced exactly. */
function dft(re: ArrayLike<number>, im: ArrayLike<number>, k: number, sign: number): [number, number] {
  const n = re.length;
  let [x, y] = [0, 0];
  for (let j = 0; j < n; j++) {
    const angle = (sign * 2 * Math.PI * ((j * k) % n)) / n;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    x += re[j] * c - im[j] * s;
    y += re[j] * s + im[j] * c;
  }
  return [x, y];
}

/** Row by row: `f` gives output element k of a row. */
function rowwise(
  [re, im]: readonly NDArray[],
  m: number,
  f: (re: Float64Array, im: Float64Array, k: number) => readonly number[],
): NDArray[] {
  const n = re.shape[re.shape.length - 1];
  const shape = re.shape.with(-1, m);
  const out = [ndarray(re.dtype, shape), ndarray(re.dtype, shape)];
  for (let row = 0; row < re.data.length / n; row++) {
    const cut = (a: NDArray) => a.data.subarray(row * n, row * n + n);
    for (let k = 0; k < m; k++)
      f(cut(re), cut(im), k).forEach((v, i) => {
        out[i].data[row * m + k] = v;
      });
  }
  return out;
}

const fftOp = defineOp({
  name: 'fft',
  doc: 'The discrete Fourier transform of each row of the last axis: sums of x[j] exp(-2 pi i j k / n); `inverse` has the other sign and divides by n. Operands and results are real and imaginary parts.',
  kind: 'algorithm',
  arity: 2,
  batching: 'leading',
  constraints: pairRules('fft'),
  infer: (c) => {
    checkRows(c);
    return [c.inputs[0], c.inputs[0]];
  },
  // The adjoint of the transform is the inverse transform, but for the factor.
  grad: (b, n, [g, h]) => {
    const inverse = boolAttr(n.attrs, 'inverse');
    const size = lastOf(n.inputs[0]);
    return fft(b, g, h, !inverse).map((v) => (inverse ? b.div(v, size) : b.mul(v, size)));
  },
  reference: (inputs, attrs) => {
    const inverse = boolAttr(attrs, 'inverse');
    const n = inputs[0].shape[inputs[0].shape.length - 1];
    return rowwise(inputs, n, (re, im, k) => dft(re, im, k, inverse ? 1 : -1).map((v) => (inverse ? v / n : v)));
  },
  samples: [
    sample(['f32[1]', 'f32[1]'], { inverse: false }),
    sample(['f32[8]', 'f32[8]'], { inverse: false }),
    sample(['f32[2,6]', 'f32[2,6]'], { inverse: true }),
    sample(['f32[2,3,5]', 'f32[2,3,5]'], { inverse: false }),
    sample(['f32[17]', 'f32[17]'], { inverse: true }),
    sample(['f32[0,4]', 'f32[0,4]'], { inverse: false }, false),
    ...[2, 3, 4, 7, 9, 11, 13, 16, 25, 30, 64, 105, 128, 143, 360, 512, 1024].map((n) =>
      sample([`f32[3,${n}]`, `f32[3,${n}]`], { inverse: n % 2 === 0 }, false),
    ),
    sample(['f32[3,38]', 'f32[3,38]'], { inverse: false }, false),
    sample(['f32[40,97]', 'f32[40,97]'], { inverse: true }, false),
    sample(['f32[70,256]', 'f32[70,256]'], { inverse: false }, false),
  ],
});

defineComposite({
  name: 'rfft',
  doc: 'The first n/2 + 1 elements of the discrete Fourier transform of real rows of length n (the rest are their conjugates), as real and imaginary parts.',
  arity: 1,
  batching: 'leading',
  constraints: {
    rfft_c1: 'the operand must have a last axis of fixed size, at least 1',
    rfft_c2: "the operand's dtype must be a float",
  },
  infer: (c) => {
    const n = checkRows(c);
    const t = withLast(c.inputs[0], Math.floor(n / 2) + 1);
    return [t, t];
  },
  // Of an even number of elements, those at even places are made the real parts and those at odd places
  // the imaginary parts of half as many; the transforms of both are the even and odd parts of theirs.
  expand: (b, [x]) => {
    const n = lastOf(x);
    const half = Math.floor(n / 2);
    if (n % 2 === 1) return fft(b, x, b.zerosLike(x), false).map((v) => part(b, v, 0, half + 1));
    const z = fft(b, part(b, x, 0, half, 2), part(b, x, 1, half, 2), false);
    // Z[0] … Z[half], the last of which is the first again, and the same backwards.
    const [p, q] = z.map((v) => b.concat([v, part(b, v, 0, 1)], v.type.shape.length - 1));
    const [u, v] = [reversed(b, p), reversed(b, q)];
    const cos = along(b, x, half + 1, (k) => Math.cos((2 * Math.PI * k) / n));
    const sin = along(b, x, half + 1, (k) => Math.sin((2 * Math.PI * k) / n));
    const [sumIm, difRe] = [b.add(q, v), b.sub(p, u)];
    const re = b.add(b.add(p, u), b.sub(b.mul(cos, sumIm), b.mul(sin, difRe)));
    const im = b.sub(b.sub(q, v), b.add(b.mul(sin, sumIm), b.mul(cos, difRe)));
    return [b.mul(re, 0.5), b.mul(im, 0.5)];
  },
  grad: 'expand',
  reference: ([x]) =>
    rowwise([x, ndarray(x.dtype, x.shape)], Math.floor(x.shape[x.shape.length - 1] / 2) + 1, (re, im, k) =>
      dft(re, im, k, -1),
    ),
  samples: [
    sample(['f32[1]']),
    sample(['f32[8]']),
    sample(['f32[2,3,5]']),
    sample(['f32[2,6]']),
    sample(['f32[0,4]'], {}, false),
    sample(['f32[3,2]'], {}, false),
    sample(['f32[3,128]'], {}, false),
    sample(['f32[3,77]'], {}, false),
  ],
});

defineComposite({
  name: 'irfft',
  doc: 'The real rows of length n whose discrete Fourier transforms begin with these n/2 + 1 elements. Imaginary parts of the first and, for even n, of the last element have no part in it.',
  arity: 2,
  batching: 'leading',
  constraints: {
    ...pairRules('irfft'),
    irfft_c3: 'n must be an integer of at least 1, and the last dimension floor(n / 2) + 1',
  },
  infer: (c) => {
    const last = checkRows(c);
    const n = numAttr(c.attrs, 'n');
    c.check(
      Number.isInteger(n) && n >= 1 && last === Math.floor(n / 2) + 1,
      'irfft_c3',
      `n = ${n} and a last dimension of ${last}`,
    );
    return [withLast(c.inputs[0], n)];
  },
  // The way back: the transforms of the even and of the odd places are taken apart and joined as real and
  // imaginary part of one transform of half the length.
  expand: (b, [re, given], attrs) => {
    const n = numAttr(attrs, 'n');
    const half = Math.floor(n / 2);
    const axis = re.type.shape.length - 1;
    const ends = along(b, re, half + 1, (k) => (k === 0 || 2 * k === n ? 0 : 1));
    const im = b.mul(given, ends);
    if (n % 2 === 1) {
      if (n === 1) return [re];
      const rest = (v: Val) => reversed(b, part(b, v, 1, half));
      return [fft(b, b.concat([re, rest(re)], axis), b.concat([im, b.neg(rest(im))], axis), true)[0]];
    }
    const [p, q] = [part(b, re, 0, half), part(b, im, 0, half)];
    const [u, v] = [re, im].map((x) => reversed(b, part(b, x, 1, half)));
    const cos = along(b, re, half, (k) => Math.cos((2 * Math.PI * k) / n));
    const sin = along(b, re, half, (k) => Math.sin((2 * Math.PI * k) / n));
    const [difRe, sumIm] = [b.sub(p, u), b.add(q, v)];
    const x = b.sub(b.add(p, u), b.add(b.mul(sin, difRe), b.mul(cos, sumIm)));
    const y = b.add(b.sub(q, v), b.sub(b.mul(cos, difRe), b.mul(sin, sumIm)));
    const parts = fft(b, b.mul(x, 0.5), b.mul(y, 0.5), true);
    const columns = parts.map((t) => b.reshape(t, [...t.type.shape, 1]));
    return [b.reshape(b.concat(columns, axis + 1), withLast(re.type, n).shape)];
  },
  grad: 'expand',
  reference: (inputs, attrs) => {
    const n = numAttr(attrs, 'n');
    const whole = rowwise(inputs, n, (re, im, j) => {
      const k = j <= n / 2 ? j : n - j;
      const own = k === 0 || 2 * k === n;
      return [re[k], own ? 0 : j === k ? im[k] : -im[k]];
    });
    return rowwise(whole, n, (re, im, k) => [dft(re, im, k, 1)[0] / n]).slice(0, 1);
  },
  samples: [
    sample(['f32[1]', 'f32[1]'], { n: 1 }),
    sample(['f32[2]', 'f32[2]'], { n: 2 }),
    sample(['f32[5]', 'f32[5]'], { n: 8 }),
    sample(['f32[2,3,3]', 'f32[2,3,3]'], { n: 5 }),
    sample(['f32[2,4]', 'f32[2,4]'], { n: 6 }),
    sample(['f32[0,3]', 'f32[0,3]'], { n: 4 }, false),
    sample(['f32[3,65]', 'f32[3,65]'], { n: 128 }, false),
    sample(['f32[3,39]', 'f32[3,39]'], { n: 77 }, false),
  ],
});
