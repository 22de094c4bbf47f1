// What a benchmark case is. A case states its inputs, its computation over an abstract set of
// operations, and its cost; it knows no engine. Each engine implements `Ops` once.

import type { Ops } from './ops.ts';

/**
 * How the elements of an array are arranged, so that engines that want channels first can convert
 * once, before anything is timed. `rows` marks a matrix whose rows belong to a flattened
 * height x width x channels block.
 */
export type Layout = 'plain' | 'nhwc' | 'hwio' | { readonly rows: readonly [number, number, number] };

/**
 * One operand: `input` and `label` are handed to each call, `weight` and `constant` belong to the
 * program, and training changes only weights.
 */
export interface Operand {
  readonly role: 'input' | 'label' | 'weight' | 'constant';
  readonly shape: readonly number[];
  readonly layout: Layout;
  readonly data: Float32Array;
}
export type Operands = Readonly<Record<string, Operand>>;

export interface Case {
  readonly name: string;
  /** One line for the table's reader. */
  readonly about: string;
  /** `train` cases return a scalar loss, and every run takes one Adam step on the weights. */
  readonly kind: 'inference' | 'train';
  operands(): Operands;
  build<T>(ops: Ops<T>, x: Readonly<Record<string, T>>): T;
  /** Arrangement of the result. */
  readonly result: Layout;
  /** Arithmetic operations of one run; the multiply and the add of a product count as two. */
  readonly flops: number;
  /** Bytes that one run must at least read and write. */
  readonly bytes: number;
  /** Largest error allowed, relative to the largest element of the reference. */
  readonly tolerance: number;
  /** Set where the float64 result takes long and stands in golden.json, as the losses of training cases do. */
  readonly storedReference?: boolean;
  /** The error of a result too large to compute in float64: as `tolerance` is meant. */
  check?(operands: Operands, output: ArrayLike<number>): number;
  /** Set where what is handed to a call is float16; the products are of float32. */
  readonly half?: boolean;
}

/** Learning rate and constants of every training case's Adam. */
export const adam = { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 } as const;

/** Steps whose losses are compared before a training case is timed. */
export const checkedSteps = 3;

/** Deterministic uniform numbers between -1 and 1: the same seed, the same data in every process. */
export function uniform(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 31 - 1;
  };
}

/** Builds a case's operands; every one gets numbers of its own from the case's seed. */
export class OperandSet {
  private readonly all: Record<string, Operand> = {};
  private seed: number;

  constructor(seed: number) {
    this.seed = seed * 1000;
  }
  private put(name: string, role: Operand['role'], shape: readonly number[], layout: Layout, data: Float32Array): this {
    this.all[name] = { role, shape, layout, data };
    return this;
  }
  private numbers(shape: readonly number[], scale: number, offset: number): Float32Array {
    const next = uniform(++this.seed);
    return Float32Array.from({ length: size(shape) }, () => offset + scale * next());
  }
  input(name: string, shape: readonly number[], layout: Layout = 'plain'): this {
    return this.put(name, 'input', shape, layout, this.numbers(shape, 1, 0));
  }
  /**
   * Weights scaled so that activations keep their size: 1/sqrt(fan-in) of the leading axes. `gain`
   * makes up for what stands around the layer: sqrt(2) behind a relu.
   */
  weight(name: string, shape: readonly number[], layout: Layout = 'plain', gain = 1): this {
    const fanIn = size(shape.slice(0, -1));
    return this.put(name, 'weight', shape, layout, this.numbers(shape, gain * Math.sqrt(3 / fanIn), 0));
  }
  /** Rows to look up: numbers between -size and size, whatever their count. */
  table(name: string, shape: readonly number[], size: number): this {
    return this.put(name, 'weight', shape, 'plain', this.numbers(shape, size, 0));
  }
  /** What belongs to the program and is never trained. */
  constant(name: string, shape: readonly number[], data: Float32Array): this {
    return this.put(name, 'constant', shape, 'plain', data);
  }
  /** A vector around `center`: biases and the scales of normalisation. */
  vector(name: string, length: number, center = 0): this {
    return this.put(name, 'weight', [length], 'plain', this.numbers([length], 0.1, center));
  }
  label(name: string, shape: readonly number[]): this {
    return this.put(name, 'label', shape, 'plain', this.numbers(shape, 1, 0));
  }
  /** Whole numbers below `limit`, as floats. */
  indices(name: string, length: number, limit: number): this {
    const next = uniform(++this.seed);
    const data = Float32Array.from({ length }, () => Math.floor(((next() + 1) / 2) * limit));
    return this.put(name, 'input', [length], 'plain', data);
  }
  /** One-hot rows with a class of chance. */
  oneHot(name: string, rows: number, classes: number): this {
    const next = uniform(++this.seed);
    const data = new Float32Array(rows * classes);
    for (let r = 0; r < rows; r++) data[r * classes + Math.floor(((next() + 1) / 2) * classes)] = 1;
    return this.put(name, 'label', [rows, classes], 'plain', data);
  }
  /** Texts of chance: the numbers of their tokens as floats, and one-hot rows of the tokens that follow each. */
  tokens(name: string, next: string, [texts, length]: readonly [number, number], vocabulary: number): this {
    const chance = uniform(++this.seed);
    const token = () => Math.floor(((chance() + 1) / 2) * vocabulary);
    const inputs = new Float32Array(texts * length);
    const labels = new Float32Array(texts * length * vocabulary);
    for (let t = 0; t < texts; t++) {
      let here = token();
      for (let i = t * length; i < (t + 1) * length; i++) {
        inputs[i] = here;
        here = token();
        labels[i * vocabulary + here] = 1;
      }
    }
    this.put(name, 'input', [texts * length], 'plain', inputs);
    return this.put(next, 'label', [texts * length, vocabulary], 'plain', labels);
  }
  done(): Operands {
    return this.all;
  }
}

export const size = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
