// The operations that cases are written with. Images are batch x height x width x channels and
// filters height x width x in x out, whatever the engine keeps them in.

/** How a window moves over an image: its steps, and whether the image is padded. */
export interface Window {
  /** `same`: ceil(size / stride) results; where the zeros are odd in number, one more at the end. */
  readonly pad: 'same' | 'valid';
  /** 1 where it is not given. */
  readonly stride?: number;
}
export type Activation = 'relu' | 'relu6';

/** Operations on images. */
export interface ImageOps<T> {
  /** Then bias and activation if given. */
  conv2d(x: T, filter: T, window: Window, bias?: T, activation?: Activation): T;
  /** One filter a channel (height x width x channels x 1); then bias and activation if given. */
  depthwise(x: T, filter: T, window: Window, bias?: T, activation?: Activation): T;
  /** Windows of size x size, stride 2, padded as `same`. */
  maxPool(x: T, size: number): T;
  /** Mean over the pixels: batch x channels. */
  globalAveragePool(x: T): T;
  /** Over everything but the channels, by the mean and variance of this batch; epsilon 1e-5. */
  batchNorm(x: T, gamma: T, beta: T): T;
  /** To height x width; the first pixels of both lie on each other. */
  resizeBilinear(x: T, size: readonly [number, number]): T;
  resizeNearest(x: T, size: readonly [number, number]): T;
}

/** Loops, tables, and what works along an axis. */
export interface AlgorithmOps<T> {
  /** The rows of x that the indices (whole numbers, as floats) name. */
  gatherRows(x: T, indices: T): T;
  /** `rows` rows of zeros, each with the updates added whose index names it. */
  scatterAdd(indices: T, updates: T, rows: number): T;
  /**
   * Hidden states of a recurrent layer (LSTM) over the first axis of x (steps x batch x inputs), from zeros;
   * the gates stand in w (inputs x 4 units), u (units x 4 units) and b in the order input, output, forget, cell.
   */
  lstm(x: T, w: T, u: T, b: T): T;
  /** Running sums along an axis. */
  cumsum(x: T, axis: number): T;
  /** Rows of the last axis in ascending order; `n` is their length. */
  sort(x: T, n: number): T;
  /** The k largest of each row of the last axis, the largest first. */
  topk(x: T, k: number): T;
  /** Of the Fourier transform of the last axis, real and imaginary parts added up. */
  fft(re: T, im: T): T;
}

export interface Ops<T> extends ImageOps<T>, AlgorithmOps<T> {
  add(a: T, b: T): T;
  sub(a: T, b: T): T;
  mul(a: T, b: T): T;
  scale(a: T, factor: number): T;
  relu(x: T): T;
  /** The exact form, by the error function. */
  gelu(x: T): T;
  /** Over the last axis. */
  softmax(x: T): T;
  /** Over the last axis, epsilon 1e-5. */
  layerNorm(x: T, gamma: T, beta: T): T;
  sum(x: T, axis: number): T;
  matMul(a: T, b: T): T;
  /** Batched a times the transpose of b. */
  matMulTransposed(a: T, b: T): T;
  /** x w + b, then relu if asked. */
  dense(x: T, w: T, b: T, relu?: boolean): T;
  reshape(x: T, shape: readonly number[]): T;
  transpose(x: T, perm: readonly number[]): T;
  /** Everything but the batch into one axis. */
  flatten(x: T, shape: readonly [number, number]): T;
  /** Mean over the rows of the cross-entropy between one-hot labels and logits. */
  crossEntropy(labels: T, logits: T): T;
  meanSquare(a: T, b: T): T;
}

/** An operation that no case of this engine needs. */
export function unwritten(): never {
  throw new Error('not written for this engine');
}
