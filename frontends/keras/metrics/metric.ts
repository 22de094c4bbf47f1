// Base of the metrics. Their state is Variables, changed by operations: in a traced step it becomes part of
// the program, and nothing is read until somebody asks for the result.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { fill } from '../../trace/creation.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { type DataType, irDType } from '../../trace/dtypes.ts';
import { arg, to } from '../../trace/ops/common.ts';
import { Tensor } from '../../trace/tensor.ts';
import { type Variable, variable } from '../../trace/variable.ts';
import { canonical, checkOptions, didYouMean, snakeCase, uniqueName } from '../engine/names.ts';
import { type Config, Serializable } from '../engine/serialize.ts';
import { alignWeights, sameRank } from '../losses/shapes.ts';

export interface MetricOptions {
  name?: string;
  /** Of the state and the result: 'float32' by default. */
  dtype?: DataType;
}

type Weights = TensorLike | null;

/** Base of all metrics. */
export abstract class Metric extends Serializable {
  readonly name: string;
  readonly dtype: DataType;
  readonly #variables: { variable: Variable; initial: number }[] = [];

  /**
   * @param own names of the options that the subclass has beside `name` and `dtype`
   * Throws ArgumentError for an unknown option, DTypeError for an unknown dtype.
   */
  constructor(options: MetricOptions = {}, own: readonly string[] = []) {
    super();
    const op = this.getClassName();
    checkOptions(options, ['name', 'dtype', ...own], op);
    this.name = options?.name ?? snakeCase(op);
    this.dtype = options?.dtype ?? 'float32';
    irDType(this.dtype, op);
  }

  /** Makes a Variable of the state; `resetState` gives it its first value again. */
  protected addVariable(shape: readonly number[], name: string, initial = 0): Variable {
    const v = variable(fill(shape, initial, this.dtype), false, `${this.name}/${name}`);
    this.#variables.push({ variable: v, initial });
    return v;
  }

  /** The state. */
  get variables(): Variable[] {
    return this.#variables.map((v) => v.variable);
  }

  /** An argument in the dtype of the state. */
  protected values(x: TensorLike, name: string): Tensor {
    return to(arg(x, name, this.name), irDType(this.dtype));
  }

  /** Takes a batch into the state. Throws ShapeError where shapes do not fit. */
  abstract updateState(yTrue: TensorLike, yPred?: TensorLike | null, sampleWeight?: Weights): void;
  /** The metric of what has been seen since the last reset. */
  abstract result(): Tensor;
  /** Forgets what has been seen. */
  resetState(): void {
    for (const { variable: v, initial } of this.#variables) v.assign(fill(v.shape, initial, v.dtype));
  }
  getConfig(): Config {
    return { name: this.name, dtype: this.dtype };
  }
}

/** The name among the known ones, in any spelling. Throws ArgumentError for another. */
export function oneOf<T extends string>(x: unknown, known: readonly T[], what: string, op: string): T {
  const found = known.find((k) => canonical(k) === canonical(String(x)));
  if (found) return found;
  throw new ArgumentError(`unknown ${what} ${valueText(x)}`, { op, fix: didYouMean(String(x), known) });
}

/** x / y, and 0 where y is 0. */
export function divNoNan(x: Tensor | Variable, y: Tensor | Variable): Tensor {
  const none = b.compare('eq', y, 0);
  return b.select(none, 0, b.div(x, b.select(none, 1, y))) as Tensor;
}

/** variable += x. */
export const accumulate = (v: Variable, x: unknown): void =>
  void v.assign(b.add(v, b.convert(x as Tensor, v.type.dtype)) as Tensor);

/**
 * One value for each sample, weighed: what follows the axes of the weights is averaged (or summed).
 * @returns the values, and the weight of each sample if there are weights
 */
export function perSample(
  values: Tensor,
  sampleWeight: Tensor | undefined,
  kind: 'mean' | 'sum',
  op: string,
): { values: Tensor; weights: Tensor | undefined } {
  const reduce = (x: Tensor, from: number): Tensor => {
    const axes = x.shape.map((_, i) => i).filter((i) => i >= from);
    if (axes.length === 0) return x;
    return (kind === 'mean' ? b.mean(x, axes) : b.sum(x, axes)) as Tensor;
  };
  if (!sampleWeight) return { values: reduce(values, 1), weights: undefined };
  const [x, aligned] = alignWeights(values, sampleWeight, op);
  if (x.rank === 0) return { values: b.mul(x, aligned) as Tensor, weights: aligned };
  const weights = b.broadcastTo(aligned, x.shape) as Tensor;
  return { values: reduce(b.mul(x, weights) as Tensor, 1), weights: reduce(weights, 1) };
}

/** Weighted mean of all values seen. */
export class Mean extends Metric {
  static readonly className: string = 'Mean';
  protected readonly total: Variable;
  protected readonly count: Variable;
  constructor(options: MetricOptions = {}, own: readonly string[] = []) {
    super(options, own);
    this.total = this.addVariable([], 'total');
    this.count = this.addVariable([], 'count');
  }
  /** @param values one for each sample, or more: those of one sample are averaged */
  updateState(values: TensorLike, sampleWeight?: TensorLike | null, _unused?: Weights): void {
    this.addMean(values, sampleWeight);
  }
  protected addMean(given: TensorLike, sampleWeight: Weights | undefined): void {
    const w = sampleWeight == null ? undefined : this.values(sampleWeight, 'sampleWeight');
    const { values, weights } = perSample(this.values(given, 'values'), w, 'mean', this.name);
    accumulate(this.total, b.sum(values));
    this.count.assign(
      (weights ? b.add(this.count, b.sum(weights)) : b.add(this.count, values.shape[0] ?? 1)) as Tensor,
    );
  }
  result(): Tensor {
    return divNoNan(this.total, this.count);
  }
}

/** Weighted sum of all values seen. */
export class Sum extends Metric {
  static readonly className = 'Sum';
  readonly #total: Variable;
  constructor(options: MetricOptions = {}) {
    super(options);
    this.#total = this.addVariable([], 'total');
  }
  /** @param given one value for each sample, or more */
  updateState(given: TensorLike, sampleWeight?: TensorLike | null): void {
    const w = sampleWeight == null ? undefined : this.values(sampleWeight, 'sampleWeight');
    accumulate(this.#total, b.sum(perSample(this.values(given, 'values'), w, 'sum', this.name).values));
  }
  result(): Tensor {
    return this.#total.read();
  }
}

/** What a metric computes of each sample. */
export type MetricFunction = (yTrue: Tensor, yPred: Tensor) => Tensor;

/** Weighted mean of a function of labels and predictions. */
export class MeanMetricWrapper extends Mean {
  static override readonly className: string = 'MeanMetricWrapper';
  readonly fn: MetricFunction;
  constructor(fn: MetricFunction, options: MetricOptions = {}, own: readonly string[] = []) {
    if (typeof fn !== 'function')
      throw new ArgumentError(`takes a function, not ${valueText(fn)}`, {
        op: 'MeanMetricWrapper',
        fix: 'give a function of labels and predictions',
      });
    super({ name: fn.name || uniqueName('metric'), ...options }, own);
    this.fn = fn;
  }
  override updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: Weights): void {
    // Labels [batch] and outputs [batch, 1] would be broadcast against each other.
    const values = this.fn(...sameRank(arg(yTrue, 'yTrue', this.name), arg(yPred, 'yPred', this.name)));
    if (!(values instanceof Tensor))
      throw new ArgumentError(`gives ${valueText(values)}`, {
        op: this.name,
        fix: 'return a tensor: a value for each sample',
      });
    this.addMean(values, sampleWeight);
  }
}
