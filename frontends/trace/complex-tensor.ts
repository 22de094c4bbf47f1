// Tensors of complex numbers: a real and an imaginary tensor of one float type and shape. Operations
// work on the parts, so complex tensors are eager or traced as these are, and gradients flow through.

import { ShapeError } from '../../ir/errors.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { isFloat, sizeOf, typeEq, typeText } from '../../ir/types.ts';
import type { ComplexMethods } from './complex-methods.ts';
import { formatElements } from './format.ts';
import { type ArrayData, eagerTensor, fetched, Tensor } from './tensor.ts';

export interface ComplexTensor extends ComplexMethods {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: complex-methods.ts puts every method of ComplexMethods on the prototype
export class ComplexTensor {
  readonly re: Tensor;
  readonly im: Tensor;

  /** Made by `tf.complex`. Throws ShapeError unless both are float tensors of one type. */
  constructor(re: Tensor, im: Tensor) {
    if (!typeEq(re.type, im.type) || !isFloat(re.type.dtype))
      throw new ShapeError(
        `the parts must be float tensors of one dtype and shape, got ${typeText(re.type)} and ${typeText(im.type)}`,
        { op: 'complex' },
      );
    this.re = re;
    this.im = im;
  }

  /** 'complex64'; of float64 parts 'complex128'. */
  get dtype(): 'complex64' | 'complex128' {
    return this.re.type.dtype === 'f64' ? 'complex128' : 'complex64';
  }
  get shape(): number[] {
    return this.re.shape;
  }
  get rank(): number {
    return this.re.rank;
  }
  /** Number of elements. */
  get size(): number {
    return this.re.size;
  }
  /** Always false: tensors are garbage-collected. */
  get isDisposed(): boolean {
    return false;
  }
  /** Does nothing: tensors are garbage-collected. Accepted for TensorFlow.js code. */
  dispose(): void {}

  /** The elements in row-major order, real and imaginary part in turn. Throws TraceError on a traced tensor. */
  dataSync(): TypedArray {
    const [re, im] = [this.re.elements('dataSync()'), this.im.elements('dataSync()')];
    const out = arrayFor(this.re.type.dtype, 2 * re.length);
    for (let i = 0; i < re.length; i++) {
      out[2 * i] = re[i];
      out[2 * i + 1] = im[i];
    }
    return out;
  }
  /** The elements as by `dataSync`. Throws TraceError on a traced tensor, at once. */
  data(): Promise<TypedArray> {
    if (!this.re.remote && !this.im.remote) return Promise.resolve(this.dataSync());
    return Promise.all([this.re, this.im].map(fetched)).then(() => this.dataSync());
  }
  /** The elements as nested arrays whose innermost ones have real and imaginary part in turn, as in TensorFlow.js. */
  // biome-ignore lint/suspicious/noExplicitAny: the nesting depends on the rank, as in TensorFlow.js
  arraySync(): any {
    const pairs = eagerTensor(
      { dtype: this.re.type.dtype, shape: [...this.shape.slice(0, -1), 2 * (this.shape.at(-1) ?? 1)] },
      this.dataSync(),
    );
    return pairs.arraySync() as ArrayData;
  }
  /** The elements as by `arraySync`. Rejects with TraceError on a traced tensor. */
  // biome-ignore lint/suspicious/noExplicitAny: the nesting depends on the rank, as in TensorFlow.js
  async array(): Promise<any> {
    await Promise.all([this.re, this.im].map(fetched));
    return this.arraySync();
  }

  /** Both parts as text. A traced tensor is described instead, and one in GPU memory whose `data()` was not awaited. */
  toString(): string {
    if ([this.re, this.im].some((t) => t.symbol || t.remote)) return `ComplexTensor(${this.re}, ${this.im})`;
    const part = (t: Tensor) => formatElements(t.elements(), t.shape, t.type.dtype);
    return `ComplexTensor\n  real:\n${part(this.re)}\n  imag:\n${part(this.im)}`;
  }
  /** Writes `toString()` to the console. */
  print(): void {
    console.log(this.toString());
  }
  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/** Parts that may be missing (gradients of what nothing depends on) as one tensor; null where both are. */
export function joinParts(re: unknown, im: unknown): ComplexTensor | null {
  const known = [re, im].find((x) => x instanceof Tensor) as Tensor | undefined;
  if (!known) return null;
  const whole = (x: unknown) =>
    x instanceof Tensor ? x : eagerTensor(known.type, arrayFor(known.type.dtype, sizeOf(known.type.shape)));
  return new ComplexTensor(whole(re), whole(im));
}
