// Scores that are computed from sums over all samples: root mean squared error, R2, F scores.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import type { Val } from '../../../ir/graph.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { apply, numberArg } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import type { Config } from '../engine/serialize.ts';
import { alignWeights, epsilon, matched } from '../losses/shapes.ts';
import { accumulate, divNoNan, Mean, Metric, type MetricOptions, oneOf } from './metric.ts';

type Weights = TensorLike | null;

/** Root of the mean of squared errors. */
export class RootMeanSquaredError extends Mean {
  static override readonly className = 'RootMeanSquaredError';
  constructor(options: MetricOptions = {}) {
    super(options);
  }
  override updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: Weights): void {
    this.addMean(apply('squared_difference', matched(yTrue, yPred, this.name)), sampleWeight);
  }
  override result(): Tensor {
    return b.un('sqrt', super.result()) as Tensor;
  }
}

/** Labels and predictions as rows: [samples, values]. */
function rows(yTrue: TensorLike, yPred: TensorLike, op: string): [Tensor, Tensor] {
  const [y, p] = matched(yTrue, yPred, op);
  if (p.rank === 2) return [y, p];
  if (p.rank === 1) return [y, p].map((x) => b.reshape(x, [x.size, 1]) as Tensor) as [Tensor, Tensor];
  throw new ShapeError(`takes one row of values a sample, got shape [${p.shape}]`, {
    op,
    fix: 'reshape labels and predictions to [samples, values]',
  });
}

type R2Sums = Record<'squares' | 'labels' | 'errors' | 'weights', Variable>;
type FSums = Record<'right' | 'wrong' | 'missed' | 'labels', Variable>;

const aggregations = ['none', 'uniformAverage', 'varianceWeightedAverage'] as const;

export interface R2Options extends MetricOptions {
  /** How the scores of several outputs become one: 'uniformAverage' by default. */
  classAggregation?: (typeof aggregations)[number] | string | null;
  /** For the adjusted score: how many independent regressors the model has. */
  numRegressors?: number;
}

/** 1 - (sum of squared errors) / (sum of squared distances from the mean label): 1 at best. */
export class R2Score extends Metric {
  static readonly className = 'R2Score';
  readonly classAggregation: (typeof aggregations)[number];
  readonly numRegressors: number;
  #sums: R2Sums | undefined;
  readonly #samples: Variable;

  constructor(options: R2Options = {}) {
    super(options, ['classAggregation', 'numRegressors']);
    this.classAggregation = oneOf(
      options.classAggregation === undefined ? 'uniformAverage' : (options.classAggregation ?? 'none'),
      aggregations,
      'classAggregation',
      this.name,
    );
    this.numRegressors = options.numRegressors ?? 0;
    if (!Number.isInteger(this.numRegressors) || this.numRegressors < 0)
      throw new ArgumentError(
        `numRegressors must be a whole number from 0 on, not ${valueText(options.numRegressors)}`,
        {
          op: this.name,
          fix: 'leave it out for the plain score',
        },
      );
    this.#samples = this.addVariable([], 'num_samples');
  }
  /** Makes the state for rows of that length; the first batch does it otherwise. */
  build(outputs: number): void {
    this.#sums ??= {
      squares: this.addVariable([outputs], 'squared_sum'),
      labels: this.addVariable([outputs], 'sum'),
      errors: this.addVariable([outputs], 'residual'),
      weights: this.addVariable([outputs], 'count'),
    };
  }
  updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: Weights): void {
    const [y, p] = rows(yTrue, yPred, this.name);
    this.build(y.shape[1]);
    const sums = this.#sums as R2Sums;
    const given = sampleWeight == null ? b.onesLike(y) : this.values(sampleWeight, 'sampleWeight');
    const w = b.broadcastTo(alignWeights(y, given as Tensor, this.name)[1], y.shape);
    const yw = b.mul(y, w);
    accumulate(sums.squares, b.sum(b.mul(yw, y), [0]));
    accumulate(sums.labels, b.sum(yw, [0]));
    accumulate(sums.errors, b.sum(b.mul(apply('squared_difference', [y, p]), w), [0]));
    accumulate(sums.weights, b.sum(w, [0]));
    this.#samples.assign(b.add(this.#samples, y.shape[0]) as Tensor);
  }
  result(): Tensor {
    if (!this.#sums) throw new ArgumentError('has seen no samples yet', { op: this.name, fix: 'update it first' });
    const { squares, labels, errors, weights } = this.#sums;
    const total = b.sub(squares, b.mul(labels, divNoNan(labels, weights)));
    const raw = b.sub(1, b.div(errors, total));
    const scores = b.select(b.un('is_inf', raw), 0, raw);
    let score: Val = scores;
    if (this.classAggregation === 'uniformAverage') score = b.mean(scores);
    if (this.classAggregation === 'varianceWeightedAverage') score = b.div(b.sum(b.mul(scores, total)), b.sum(total));
    if (this.numRegressors === 0) return score as Tensor;
    const n = this.#samples;
    const free = b.sub(n, this.numRegressors + 1);
    const adjusted = b.sub(1, b.div(b.mul(b.sub(1, score), b.sub(n, 1)), free));
    // With too few samples for that many regressors there is no adjusted score.
    return b.select(b.compare('gt', free, 0), adjusted, score) as Tensor;
  }
  override getConfig(): Config {
    const { classAggregation, numRegressors } = this;
    return { ...super.getConfig(), classAggregation, numRegressors };
  }
}

const averages = ['none', 'micro', 'macro', 'weighted'] as const;

export interface F1Options extends MetricOptions {
  /** How the scores of the classes become one: 'micro' counts all together, 'macro' takes their mean. */
  average?: (typeof averages)[number] | null;
  /** Predictions above it are positive; without it the largest of each sample is. */
  threshold?: number | null;
}
export interface FBetaOptions extends F1Options {
  /** How much more recall counts than precision: 1 by default. */
  beta?: number;
}

/** (1 + beta^2) * precision * recall / (beta^2 * precision + recall), of each class. */
export class FBetaScore extends Metric {
  static readonly className: string = 'FBetaScore';
  readonly average: (typeof averages)[number];
  readonly beta: number;
  readonly threshold: number | null;
  #sums: FSums | undefined;

  constructor(options: FBetaOptions = {}) {
    super({ name: 'fbeta_score', ...options }, ['average', 'beta', 'threshold']);
    this.average = oneOf(options.average ?? 'none', averages, 'average', this.name);
    this.beta = numberArg(options.beta ?? 1, 'beta', this.name);
    if (this.beta <= 0)
      throw new ArgumentError(`beta must be above 0, got ${this.beta}`, { op: this.name, fix: 'a usual value is 1' });
    this.threshold = options.threshold == null ? null : numberArg(options.threshold, 'threshold', this.name);
  }
  /** Makes the state for so many classes; the first batch does it otherwise. */
  build(classes: number): void {
    const shape = this.average === 'micro' ? [] : [classes];
    this.#sums ??= {
      right: this.addVariable(shape, 'true_positives'),
      wrong: this.addVariable(shape, 'false_positives'),
      missed: this.addVariable(shape, 'false_negatives'),
      labels: this.addVariable(shape, 'intermediate_weights'),
    };
  }
  updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: Weights): void {
    const [y, p] = rows(yTrue, yPred, this.name);
    this.build(y.shape[1]);
    const sums = this.#sums as FSums;
    const largest = () => b.and(b.compare('ge', p, b.reduceMax(p, [1], true)), b.compare('gt', b.un('abs', p), 1e-9));
    const on = b.convert(this.threshold === null ? largest() : b.compare('gt', p, this.threshold), y.type.dtype);
    const given = sampleWeight == null ? b.onesLike(y) : this.values(sampleWeight, 'sampleWeight');
    const w = b.broadcastTo(alignWeights(y, given as Tensor, this.name)[1], y.shape);
    const axes = this.average === 'micro' ? [0, 1] : [0];
    const add = (v: Variable, x: Val) => accumulate(v, b.sum(b.mul(x, w), axes));
    add(sums.right, b.mul(on, y));
    add(sums.wrong, b.mul(on, b.sub(1, y)));
    add(sums.missed, b.mul(b.sub(1, on), y));
    add(sums.labels, y);
  }
  result(): Tensor {
    if (!this.#sums) throw new ArgumentError('has seen no samples yet', { op: this.name, fix: 'update it first' });
    const { right, wrong, missed, labels } = this.#sums;
    const precision = divNoNan(right, b.add(right, wrong) as Tensor);
    const recall = divNoNan(right, b.add(right, missed) as Tensor);
    const square = this.beta ** 2;
    const both = b.mul(b.mul(precision, recall), 1 + square);
    const score = divNoNan(both as Tensor, b.add(b.mul(precision, square), recall) as Tensor);
    if (this.average === 'weighted') return b.sum(b.mul(score, b.div(labels, b.add(b.sum(labels), epsilon)))) as Tensor;
    return (this.average === 'macro' ? b.mean(score) : score) as Tensor;
  }
  override getConfig(): Config {
    const { average, beta, threshold } = this;
    return { ...super.getConfig(), average, beta, threshold };
  }
}

/** The harmonic mean of precision and recall. */
export class F1Score extends FBetaScore {
  static override readonly className = 'F1Score';
  constructor(options: F1Options = {}) {
    super({ name: 'f1_score', ...options });
  }
  override getConfig(): Config {
    const { beta: _beta, ...config } = super.getConfig();
    return config;
  }
}
