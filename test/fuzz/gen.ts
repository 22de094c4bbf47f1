// A graph under construction with the reference's value of everything in it: steps look at the values
// (is the logarithm defined? are these integers?) and keep what makes sense to compare.

import { Builder } from '../../ir/builder.ts';
import type { Graph, Val, Value } from '../../ir/graph.ts';
import { arrayFor, Literal, roundTo } from '../../ir/literal.ts';
import { type NDArray, ndarray } from '../../ir/ndarray.ts';
import { type DType, isFloat, type Shape, stateType, type TensorType, tensorType } from '../../ir/types.ts';
import { isRisky, type Known, know } from './numerics.ts';
import { Random } from './random.ts';

const SIZES = [1, 1, 2, 3, 3, 4, 5, 7, 8, 15, 16, 17, 33, 64, 65];
const LONG = [257, 300, 513, 700, 1000, 1024, 1030, 1500, 2047, 2500, 3001, 4096, 5000];
/** Larger values are not kept: what follows from them overflows. */
const LARGEST = 1e5;

export const sizeOf = (shape: Shape): number => (shape as readonly number[]).reduce((n, d) => n * d, 1);
export const dims = (v: Val): readonly number[] => v.type.shape as readonly number[];
export const rank = (v: Val): number => v.type.shape.length;

export class Gen {
  readonly b = new Builder('fuzz');
  random: Random;
  readonly known = new Map<Value, Known>();
  /** Values that steps may use and results are chosen from. */
  readonly pool: Value[] = [];
  readonly params: { readonly value: Value; readonly data: NDArray }[] = [];
  /** Latest version of each Variable, by its parameter. */
  readonly states = new Map<Value, Value>();
  /** Only differentiable operations are wanted. */
  readonly smooth: boolean;
  #seen = 0;

  /** How many regions are around this graph; a region has no Variables. */
  readonly depth: number;

  constructor(seed: number, smooth: boolean, depth = 0) {
    this.random = new Random(seed);
    this.smooth = smooth;
    this.depth = depth;
  }

  /** Goes on with other random numbers. */
  reseed(seed: number): void {
    this.random = new Random(seed);
  }

  // --- shapes ----------------------------------------------------------------------------------------
  size(): number {
    const r = this.random;
    return r.chance(0.012) ? 0 : r.pick(SIZES);
  }
  /** A shape of at most `limit` elements. */
  shape(rank = this.random.pick([0, 1, 1, 2, 2, 2, 3, 3, 4]), limit = 3000): number[] {
    const r = this.random;
    if (rank >= 1 && r.chance(0.12)) {
      const s = new Array<number>(rank).fill(1);
      s[r.int(0, rank - 1)] = r.pick(LONG);
      return s;
    }
    const s = Array.from({ length: rank }, () => this.size());
    while (sizeOf(s) > limit) s[s.indexOf(Math.max(...s))] = r.pick([1, 2, 3, 4, 5]);
    return s;
  }
  axes(rank: number, least = 1): number[] {
    return this.random.some(
      Array.from({ length: rank }, (_, i) => i),
      least,
    );
  }
  perm(rank: number): number[] {
    return this.random.shuffle(Array.from({ length: rank }, (_, i) => i));
  }

  // --- leaves ----------------------------------------------------------------------------------------
  data(dtype: DType, shape: readonly number[]): NDArray {
    const r = this.random;
    const whole = !this.smooth && r.chance(0.4);
    const [lo, hi] = whole
      ? [-4, 4]
      : r.pick([
          [-2, 2],
          [-2, 2],
          [0.1, 3],
          [-0.5, 0.5],
        ]);
    const special = !this.smooth && dtype === 'f32' && r.chance(0.04);
    const draw = (): number => {
      if (special && r.chance(0.1)) return r.pick([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]);
      if (dtype === 'bool') return r.int(0, 1);
      if (dtype === 'i32') return r.int(-20, 20);
      if (dtype === 'u32') return r.int(0, 40);
      return whole ? r.int(lo, hi) : r.real(lo, hi);
    };
    return ndarray(
      dtype,
      shape,
      Array.from({ length: sizeOf(shape) }, () => roundTo(dtype, draw())),
    );
  }

  /** A new parameter, Variable or constant. */
  leaf(dtype: DType, shape: readonly number[], data = this.data(dtype, shape)): Value {
    const r = this.random;
    const kind = r.unit();
    if (kind < 0.15) {
      const array = arrayFor(dtype, data.data.length);
      array.set(data.data);
      const splat = array.length > 0 && r.chance(0.3) ? Literal.splat(array[0]) : Literal.of(array);
      return this.use(this.b.constant(splat, tensorType(dtype, shape)));
    }
    if (kind < 0.3 && dtype === 'f32') return this.variable(shape, data);
    return this.plain(tensorType(dtype, shape), data);
  }
  /** A new parameter for the pool. */
  plain(type: TensorType, data: NDArray): Value {
    const value = this.param(type, data, 'p');
    this.pool.push(value);
    return value;
  }
  param(type: TensorType, data: NDArray, prefix: string): Value {
    const value = this.b.param(type, `${prefix}${this.params.length}`);
    this.params.push({ value, data });
    this.known.set(value, { array: data, exact: true });
    return value;
  }
  /** A new Variable, read once. */
  variable(shape: readonly number[], data = this.data('f32', shape)): Value {
    if (this.depth > 0) return this.plain(tensorType('f32', shape), data);
    const s = this.param(stateType(tensorType('f32', shape)), data, 's');
    this.states.set(s, s);
    return this.use(this.b.call('read', [s]));
  }

  // --- choosing operands -------------------------------------------------------------------------------
  /** A value of that dtype, recent ones more often; a new leaf where none fits. */
  value(dtype: DType, fits: (v: Value) => boolean = () => true, shape?: readonly number[]): Value {
    const r = this.random;
    const list = this.pool.filter((v) => v.type.dtype === dtype && fits(v));
    if (list.length && !r.chance(0.15))
      return r.chance(0.6) ? list[list.length - 1 - r.int(0, Math.min(3, list.length - 1))] : r.pick(list);
    return this.leaf(dtype, shape ?? this.shape());
  }
  /** A float value of a rank in the given range. */
  float(least = 0, most = 5, limit = 5000): Value {
    return this.value(
      'f32',
      (v) => rank(v) >= least && rank(v) <= most && sizeOf(v.type.shape) <= limit,
      this.shape(this.random.int(least, Math.min(most, 4)), limit),
    );
  }
  /** A value of that dtype and shape: an existing one, one brought to the shape, or a new leaf. */
  like(dtype: DType, shape: readonly number[]): Value {
    const r = this.random;
    const same = this.pool.filter((v) => v.type.dtype === dtype && v.type.shape.join() === shape.join());
    if (same.length && r.chance(0.65)) return r.pick(same);
    const small = this.pool.filter((v) => v.type.dtype === dtype && rank(v) <= shape.length && rank(v) > 0);
    if (small.length && r.chance(0.5)) {
      const v = r.pick(small);
      const off = shape.length - rank(v);
      if (dims(v).every((d, i) => d === 1 || d === shape[i + off])) return this.use(this.b.broadcastTo(v, shape));
    }
    return this.leaf(dtype, shape);
  }
  isExact(v: Val): boolean {
    return this.known.get(v as Value)?.exact ?? false;
  }
  /** Least and largest element; a range around 0 where there is none. */
  range(v: Val): [number, number] {
    const { data } = (this.known.get(v as Value) as Known).array;
    return data.length ? [data.reduce((a, x) => Math.min(a, x)), data.reduce((a, x) => Math.max(a, x))] : [-1, 1];
  }

  // --- results of steps ----------------------------------------------------------------------------------
  /** Computes new nodes; the value joins the pool if it can be compared. Returned either way. */
  use(v: Val): Value {
    const value = v as Value;
    this.sync();
    if (!value.type.state && this.known.has(value) && !this.pool.includes(value)) this.pool.push(value);
    return value;
  }
  /** Was the value accepted? */
  has(v: Val): boolean {
    return this.known.has(v as Value);
  }

  /** The reference's value of every node added since; nodes that read a refused value are refused. */
  sync(): void {
    const { nodes } = this.b.snapshot([]);
    for (; this.#seen < nodes.length; this.#seen++) {
      const n = nodes[this.#seen];
      const inputs = n.inputs.map((v) => this.known.get(v));
      if (inputs.some((k) => k === undefined)) continue;
      const out = know(n, inputs as Known[]);
      const finite = n.op.name !== 'constant' && inputs.every((k) => (k as Known).array.data.every(Number.isFinite));
      // From finite numbers come finite ones. What composites make of infinities is nobody's promise, and
      // whether padding is multiplied with them is not one of convolution's, nor which sums a transform makes.
      const vague =
        n.op.expand !== undefined || n.regions.length > 0 || ['conv', 'conv_filter_grad', 'fft'].includes(n.op.name);
      const fits = (x: number) => Math.abs(x) <= LARGEST || (!finite && !Number.isFinite(x));
      const large = out.some((k) => isFloat(k.array.dtype) && !k.array.data.every(fits));
      if (large || (!finite && vague) || isRisky(n, inputs as Known[])) continue;
      n.outputs.forEach((o, i) => {
        this.known.set(o, out[i]);
      });
    }
  }

  /** The finished graph: chosen tensors, then the last version of every Variable. */
  finish(results: readonly Value[]): Graph {
    return this.b.build([...results, ...this.states.values()]);
  }
}
