// Metrics of right and wrong predictions: counts, precision and recall, and one at a given other.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import { snakeCase } from '../engine/names.ts';
import type { Config, MadeClass } from '../engine/serialize.ts';
import { type CountName, type Counts, checkIndex, checkThresholds, count, never } from './counts.ts';
import { divNoNan, Metric, type MetricOptions } from './metric.ts';

/** The only element, where there is one threshold. */
const one = (x: Tensor): Tensor => (x.size === 1 ? (b.reshape(x, []) as Tensor) : x);

export interface CountMetricOptions extends MetricOptions {
  /** 0.5 by default; several give a value for each. */
  thresholds?: number | readonly number[] | null;
}

/** Counts one case. */
const countOf = (name: CountName, className: string): MadeClass<CountMetricOptions, Metric> =>
  class extends Metric {
    static readonly className = className;
    readonly thresholds: readonly number[];
    readonly #counts: Counts;
    constructor(options: CountMetricOptions = {}) {
      super(options, ['thresholds']);
      this.thresholds = checkThresholds(options.thresholds ?? 0.5, this.name);
      this.#counts = { [name]: this.addVariable([this.thresholds.length], 'accumulator') };
    }
    updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null): void {
      count(this.#counts, yTrue, yPred, sampleWeight, { thresholds: this.thresholds }, this.name);
    }
    result(): Tensor {
      return one((this.#counts[name] as Variable).read());
    }
    override getConfig(): Config {
      return { ...super.getConfig(), thresholds: this.thresholds };
    }
  };

/** Weight of the labels 1 that are predicted. */
export const TruePositives = countOf('truePositives', 'TruePositives');
/** Weight of the labels 0 that are predicted to be 1. */
export const FalsePositives = countOf('falsePositives', 'FalsePositives');
/** Weight of the labels 0 that are predicted. */
export const TrueNegatives = countOf('trueNegatives', 'TrueNegatives');
/** Weight of the labels 1 that are predicted to be 0. */
export const FalseNegatives = countOf('falseNegatives', 'FalseNegatives');

export interface PrecisionOptions extends CountMetricOptions {
  /** Only the k largest predictions of each sample can be positive. */
  topK?: number | null;
  /** Only that class counts. */
  classId?: number | null;
}

/** truePositives / (truePositives + missed); 0 where there are none. */
const shareOf = (missed: CountName, className: string): MadeClass<PrecisionOptions, Metric> =>
  class extends Metric {
    static readonly className = className;
    readonly thresholds: readonly number[] | null;
    readonly topK: number | null;
    readonly classId: number | null;
    readonly #right: Variable;
    readonly #missed: Variable;
    constructor(options: PrecisionOptions = {}) {
      super(options, ['thresholds', 'topK', 'classId']);
      this.thresholds = options.thresholds == null ? null : checkThresholds(options.thresholds, this.name);
      this.topK = checkIndex(options.topK, 'topK', 1, this.name);
      this.classId = checkIndex(options.classId, 'classId', 0, this.name);
      const size = this.thresholds?.length ?? 1;
      this.#right = this.addVariable([size], 'true_positives');
      this.#missed = this.addVariable([size], snakeCase(missed));
    }
    updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null): void {
      const { topK, classId } = this;
      // Without a threshold all of the k largest are positive.
      const thresholds = this.thresholds ?? [topK === null ? 0.5 : never];
      const counts = { truePositives: this.#right, [missed]: this.#missed };
      count(counts, yTrue, yPred, sampleWeight, { thresholds, topK, classId }, this.name);
    }
    result(): Tensor {
      return one(divNoNan(this.#right, b.add(this.#right, this.#missed) as Tensor));
    }
    override getConfig(): Config {
      const { thresholds, topK, classId } = this;
      return { ...super.getConfig(), thresholds, topK, classId };
    }
  };

/** Share of the positive predictions that are right. */
export const Precision = shareOf('falsePositives', 'Precision');
/** Share of the labels 1 that are predicted. */
export const Recall = shareOf('falseNegatives', 'Recall');

/** Thresholds from 0 to 1 in equal steps; a single one is 0.5. */
function evenThresholds(n: number, op: string): number[] {
  if (!Number.isInteger(n) || n < 1)
    throw new ArgumentError(`numThresholds must be a whole number from 1 on, not ${valueText(n)}`, {
      op,
      fix: 'a usual value is 200',
    });
  return n === 1 ? [0.5] : Array.from({ length: n }, (_, i) => i / (n - 1));
}

type Rates = Record<'sensitivity' | 'specificity' | 'precision' | 'recall', () => Tensor>;

/** The best `wanted` among the thresholds whose `given` is at least the value. */
function atLeast(
  className: string,
  given: keyof Rates,
  wanted: keyof Rates,
): MadeClass<MetricOptions & AtLeastOptions, Metric> {
  return class extends Metric {
    static readonly className = className;
    readonly value: number;
    readonly numThresholds: number;
    readonly classId: number | null;
    readonly #counts: Required<Counts>;
    constructor(options: MetricOptions & AtLeastOptions = {}) {
      super(options, [given, 'numThresholds', 'classId']);
      this.value = checkThresholds((options as Record<string, number>)?.[given], this.name, given)[0];
      this.numThresholds = options.numThresholds ?? 200;
      this.classId = checkIndex(options.classId, 'classId', 0, this.name);
      const shape = [evenThresholds(this.numThresholds, this.name).length];
      const v = (name: CountName) => this.addVariable(shape, snakeCase(name));
      this.#counts = {
        truePositives: v('truePositives'),
        falsePositives: v('falsePositives'),
        trueNegatives: v('trueNegatives'),
        falseNegatives: v('falseNegatives'),
      };
    }
    updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null): void {
      const thresholds = evenThresholds(this.numThresholds, this.name);
      count(this.#counts, yTrue, yPred, sampleWeight, { thresholds, classId: this.classId }, this.name);
    }
    result(): Tensor {
      const { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn } = this.#counts;
      const share = (x: Variable, y: Variable) => () => divNoNan(x, b.add(x, y) as Tensor);
      const rates: Rates = {
        sensitivity: share(tp, fn),
        recall: share(tp, fn),
        specificity: share(tn, fp),
        precision: share(tp, fp),
      };
      const fits = b.compare('ge', rates[given](), this.value);
      return b.reduceMax(b.select(fits, rates[wanted](), 0)) as Tensor;
    }
    override getConfig(): Config {
      const { numThresholds, classId } = this;
      return { ...super.getConfig(), [given]: this.value, numThresholds, classId };
    }
  };
}

export interface AtLeastOptions {
  /** What the other one must reach, from 0 to 1: the option that the metric is named after. */
  sensitivity?: number;
  specificity?: number;
  precision?: number;
  recall?: number;
  /** 200 by default. */
  numThresholds?: number;
  classId?: number | null;
}

/** Best share of labels 1 that are predicted, where at least that share of labels 0 is. */
export const SensitivityAtSpecificity = atLeast('SensitivityAtSpecificity', 'specificity', 'sensitivity');
/** Best share of labels 0 that are predicted, where at least that share of labels 1 is. */
export const SpecificityAtSensitivity = atLeast('SpecificityAtSensitivity', 'sensitivity', 'specificity');
/** Best precision, where the recall is at least that. */
export const PrecisionAtRecall = atLeast('PrecisionAtRecall', 'recall', 'precision');
/** Best recall, where the precision is at least that. */
export const RecallAtPrecision = atLeast('RecallAtPrecision', 'precision', 'recall');
