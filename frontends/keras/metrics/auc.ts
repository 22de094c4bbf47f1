// Area under the curve of two rates, as the threshold moves.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import type { Val } from '../../../ir/graph.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { tensor1d } from '../../trace/creation.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Config } from '../engine/serialize.ts';
import { epsilon, predictions } from '../losses/shapes.ts';
import { type Counts, checkIndex, checkThresholds, count } from './counts.ts';
import { divNoNan, Metric, type MetricOptions, oneOf } from './metric.ts';

const curves = ['ROC', 'PR'] as const;
const summations = ['interpolation', 'minoring', 'majoring'] as const;

export interface AUCOptions extends MetricOptions {
  /** 200 by default. */
  numThresholds?: number;
  /** 'ROC' (recall over false positive rate, the default) or 'PR' (precision over recall). */
  curve?: (typeof curves)[number];
  /** 'interpolation' by default: trapezoids, or for 'PR' Davis and Goadrich's; 'minoring' and 'majoring' bound it. */
  summationMethod?: (typeof summations)[number];
  /** Thresholds between 0 and 1, in place of equal steps. */
  thresholds?: readonly number[] | null;
  /** Whether the last axis holds labels of their own, whose areas are averaged. */
  multiLabel?: boolean;
  /** Length of that axis; without it the first batch says it. */
  numLabels?: number | null;
  /** Weights of the labels. */
  labelWeights?: readonly number[] | null;
  /** Whether predictions are logits of a sigmoid. */
  fromLogits?: boolean;
}

/** Areas under receiver operating and precision-recall curves. Throws ArgumentError for options that cannot be. */
export class AUC extends Metric {
  static readonly className = 'AUC';
  readonly #thresholds: readonly number[];
  readonly #given: readonly number[] | null;
  readonly #options: Required<Pick<AUCOptions, 'curve' | 'summationMethod' | 'multiLabel' | 'fromLogits'>>;
  readonly #numLabels: number | null;
  readonly #labelWeights: readonly number[] | null;
  #counts: Required<Counts> | undefined;

  constructor(options: AUCOptions = {}) {
    const own = ['numThresholds', 'curve', 'summationMethod', 'thresholds', 'multiLabel', 'numLabels'];
    super(options, [...own, 'labelWeights', 'fromLogits']);
    const op = this.name;
    this.#given = options.thresholds ? checkThresholds(options.thresholds, op).sort((x, y) => x - y) : null;
    this.#thresholds = this.#given ? [-epsilon, ...this.#given, 1 + epsilon] : even(options.numThresholds ?? 200, op);
    this.#options = {
      curve: oneOf(options.curve ?? 'ROC', curves, 'curve', op),
      summationMethod: oneOf(options.summationMethod ?? 'interpolation', summations, 'summationMethod', op),
      multiLabel: options.multiLabel ?? false,
      fromLogits: options.fromLogits ?? false,
    };
    this.#numLabels = checkIndex(options.numLabels, 'numLabels', 1, op);
    this.#labelWeights = options.labelWeights ?? null;
    if (!this.#options.multiLabel) this.build([]);
    else if (this.#numLabels !== null) this.build([this.#numLabels]);
  }

  /** Makes the state for so many labels; the first batch does it where `numLabels` is not given. */
  build(labels: readonly number[]): void {
    const v = (name: string) => this.addVariable([this.#thresholds.length, ...labels], name);
    this.#counts ??= {
      truePositives: v('true_positives'),
      trueNegatives: v('true_negatives'),
      falsePositives: v('false_positives'),
      falseNegatives: v('false_negatives'),
    } satisfies Required<Counts>;
  }

  updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null): void {
    const { multiLabel, fromLogits } = this.#options;
    let p = predictions(yPred, this.name);
    if (fromLogits) p = b.un('logistic', p) as Tensor;
    const labels = p.shape[p.rank - 1];
    if (multiLabel && !this.#counts) this.build([labels]);
    const counts = this.#counts as Required<Counts>;
    if (multiLabel && counts.truePositives.shape[1] !== labels)
      throw new ShapeError(`predictions have ${labels} labels, the metric ${counts.truePositives.shape[1]}`, {
        op: this.name,
        fix: 'set numLabels to the length of the last axis',
      });
    // The weights of labels count where areas are averaged, or at once where they are not told apart.
    const labelWeights = multiLabel ? null : this.#labelWeights;
    const options = { thresholds: this.#thresholds, multiLabel, labelWeights };
    count(counts, yTrue, p, sampleWeight, options, this.name);
  }

  result(): Tensor {
    if (!this.#counts)
      throw new ArgumentError('has seen no labels yet', { op: this.name, fix: 'update it first, or set numLabels' });
    const { truePositives: tp, falsePositives: fp, trueNegatives: tn, falseNegatives: fn } = this.#counts;
    const recall = divNoNan(tp, b.add(tp, fn) as Tensor);
    if (this.#options.curve === 'PR') {
      if (this.#options.summationMethod === 'interpolation') return this.#averaged(this.#interpolated());
      return this.#averaged(this.#area(recall, divNoNan(tp, b.add(tp, fp) as Tensor)));
    }
    return this.#averaged(this.#area(divNoNan(fp, b.add(fp, tn) as Tensor), recall));
  }

  /** Sum of steps in x times heights in y, over the thresholds. */
  #area(x: Tensor, y: Tensor): Val {
    const [[x0, x1], [y0, y1]] = [ends(x), ends(y)];
    const heights = {
      interpolation: () => b.mul(b.add(y0, y1), 0.5),
      minoring: () => b.min(y0, y1),
      majoring: () => b.max(y0, y1),
    }[this.#options.summationMethod]();
    return b.sum(b.mul(b.sub(x0, x1), heights), [0]);
  }

  /**
   * Area under precision over recall where true positives, not precision, are interpolated between thresholds
   * (Davis and Goadrich 2006): with slope s and intercept c of true positives over all positives p, a step
   * adds s * (step of tp + c * log(p0 / p1)) / labels.
   */
  #interpolated(): Val {
    const { truePositives: tp, falsePositives: fp, falseNegatives: fn } = this.#counts as Required<Counts>;
    const [[tp0, tp1], [p0, p1]] = [ends(tp), ends(b.add(tp, fp))];
    const dtp = b.sub(tp0, tp1);
    const slope = divNoNan(dtp as Tensor, b.max(b.sub(p0, p1), 0) as Tensor);
    const intercept = b.sub(tp1, b.mul(slope, p1));
    const both = b.and(b.compare('gt', p0, 0), b.compare('gt', p1, 0));
    const ratio = b.select(both, divNoNan(p0 as Tensor, b.max(p1, 0) as Tensor), 1);
    const gained = b.mul(slope, b.add(dtp, b.mul(intercept, b.un('log', ratio))));
    const labels = b.max(b.add(tp1, ends(fn)[1]), 0);
    return b.sum(divNoNan(gained as Tensor, labels as Tensor), [0]);
  }

  /** Mean over the labels, if they are told apart. */
  #averaged(area: Val): Tensor {
    if (!this.#options.multiLabel) return area as Tensor;
    if (!this.#labelWeights) return b.mean(area) as Tensor;
    const w = b.convert(tensor1d([...this.#labelWeights]), area.type.dtype) as Tensor;
    return divNoNan(b.sum(b.mul(area, w)) as Tensor, b.sum(w) as Tensor);
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      ...this.#options,
      numThresholds: this.#thresholds.length,
      thresholds: this.#given,
      numLabels: this.#numLabels,
      labelWeights: this.#labelWeights,
    };
  }
}

/** All but the last, and all but the first, along the thresholds. */
function ends(x: Val): [Val, Val] {
  const [n, ...rest] = x.type.shape as number[];
  const part = (from: number) => b.slice(x, [from, ...rest.map(() => 0)], [n - 1, ...rest]);
  return [part(0), part(1)];
}

/** Equal steps from a little below 0 to a little above 1, so that the first takes all and the last nothing. */
function even(n: number, op: string): number[] {
  if (!Number.isInteger(n) || n < 2)
    throw new ArgumentError(`numThresholds must be a whole number from 2 on, not ${valueText(n)}`, {
      op,
      fix: 'a usual value is 200',
    });
  return Array.from({ length: n }, (_, i) => (i === 0 ? -epsilon : i === n - 1 ? 1 + epsilon : i / (n - 1)));
}
