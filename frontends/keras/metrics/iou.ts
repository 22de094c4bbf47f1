// Overlap of predicted and labelled regions, from a confusion matrix over all batches.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { Val } from '../../../ir/graph.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { tensor1d } from '../../trace/creation.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { arg, numberArg, to } from '../../trace/ops/common.ts';
import { argMax } from '../../trace/ops/reduce.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import type { Config } from '../engine/serialize.ts';
import { alignWeights, checkShapes, predictions } from '../losses/shapes.ts';
import { accumulate, divNoNan, Metric, type MetricOptions } from './metric.ts';

/** How labels and predictions say which class is meant. */
export interface ClassOptions {
  /** Labels of that class do not count. */
  ignoreClass?: number | null;
  /** Whether labels are class numbers (the default), not one-hot. */
  sparseYTrue?: boolean;
  /** Whether predictions are class numbers (the default), not scores of each class. */
  sparseYPred?: boolean;
  /** The axis of the classes where they are not numbers: the last one by default. */
  axis?: number;
}
export interface IoUOptions extends MetricOptions, ClassOptions {
  numClasses: number;
  /** The classes whose overlaps are averaged. */
  targetClassIds: readonly number[];
}

const own = ['numClasses', 'ignoreClass', 'sparseYTrue', 'sparseYPred', 'axis'];

/**
 * Mean overlap of some classes: right / (predicted + labelled - right), over the classes that came up.
 * Throws ArgumentError for classes that are not from 0 to numClasses - 1.
 */
export class IoU extends Metric {
  static readonly className: string = 'IoU';
  readonly numClasses: number;
  readonly targetClassIds: readonly number[];
  readonly #classes: Required<ClassOptions>;
  readonly #matrix: Variable;

  constructor(options: IoUOptions, names: readonly string[] = []) {
    super(options, [...own, 'targetClassIds', ...names]);
    const op = this.name;
    this.numClasses = options?.numClasses;
    if (!Number.isInteger(this.numClasses) || this.numClasses < 1)
      throw new ArgumentError(`numClasses must be a whole number from 1 on, not ${valueText(this.numClasses)}`, {
        op,
        fix: 'pass the number of classes',
      });
    this.targetClassIds = options.targetClassIds;
    const known = (c: unknown) => Number.isInteger(c) && (c as number) >= 0 && (c as number) < this.numClasses;
    if (!Array.isArray(this.targetClassIds) || !this.targetClassIds.every(known))
      throw new ArgumentError(
        `targetClassIds must be from 0 to ${this.numClasses - 1}, got ${valueText(options.targetClassIds)}`,
        {
          op,
          fix: 'pass class numbers: [0, 1]',
        },
      );
    this.#classes = {
      ignoreClass: options.ignoreClass ?? null,
      sparseYTrue: options.sparseYTrue ?? true,
      sparseYPred: options.sparseYPred ?? true,
      axis: options.axis ?? -1,
    };
    this.#matrix = this.addVariable([this.numClasses, this.numClasses], 'total_confusion_matrix');
  }

  updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null): void {
    const { sparseYTrue, sparseYPred, axis } = this.#classes;
    const y = arg(yTrue, 'yTrue', this.name);
    const p = arg(yPred, 'yPred', this.name);
    this.addClasses(sparseYTrue ? y : argMax(y, axis), sparseYPred ? p : argMax(p, axis), sampleWeight);
  }

  /** Adds class numbers to the confusion matrix; what is no class counts nowhere. */
  protected addClasses(yTrue: Tensor, yPred: Tensor, sampleWeight: TensorLike | null | undefined): void {
    const [y, p] = [to(yTrue, 'i32'), to(yPred, 'i32')];
    const [flatY, flatP] = [y, p].map((x) => b.reshape(x, [x.size]) as Tensor);
    checkShapes(flatY, flatP, this.name);
    const { dtype } = this.#matrix.type;
    let w: Val = b.splat({ ...this.#matrix.type, shape: [y.size] }, 1);
    if (sampleWeight !== null && sampleWeight !== undefined) {
      const given = to(arg(sampleWeight, 'sampleWeight', this.name), dtype);
      const [, aligned] = alignWeights(to(y, dtype), given, this.name);
      w = b.reshape(b.broadcastTo(aligned, y.shape), [y.size]);
    }
    const { ignoreClass } = this.#classes;
    if (ignoreClass !== null) w = b.mul(w, b.convert(b.compare('ne', flatY, ignoreClass), dtype));
    const hot = (x: Tensor) => {
      const shape = [x.size, this.numClasses];
      return b.convert(b.compare('eq', b.broadcast(x, shape, [0]), b.iota(shape, 1)), dtype);
    };
    const weighed = b.mul(hot(flatY), b.broadcast(w, [y.size, this.numClasses], [0]));
    accumulate(this.#matrix, b.matMul(weighed, hot(flatP), true));
  }

  result(): Tensor {
    const n = this.numClasses;
    const m = this.#matrix.read();
    const same = b.compare('eq', b.iota([n, n], 0), b.iota([n, n], 1));
    const right = b.sum(b.select(same, m, 0), [1]);
    const either = b.sub(b.add(b.sum(m, [0]), b.sum(m, [1])), right);
    const wanted = tensor1d(Array.from({ length: n }, (_, i) => this.targetClassIds.filter((c) => c === i).length));
    const targets = b.convert(wanted, m.type.dtype);
    const seen = b.mul(targets, b.convert(b.compare('ne', either, 0), m.type.dtype));
    const overlaps = b.mul(divNoNan(right as Tensor, either as Tensor), targets);
    return divNoNan(b.sum(overlaps) as Tensor, b.sum(seen) as Tensor);
  }
  override getConfig(): Config {
    const { numClasses, targetClassIds } = this;
    return { ...super.getConfig(), numClasses, targetClassIds, ...this.#classes };
  }
}

export interface BinaryIoUOptions extends MetricOptions {
  /** [0, 1] by default. */
  targetClassIds?: readonly number[];
  /** Predictions from it on are class 1: 0.5 by default. */
  threshold?: number;
}

/** Mean overlap of two classes, from predictions between 0 and 1. */
export class BinaryIoU extends IoU {
  static override readonly className = 'BinaryIoU';
  readonly threshold: number;
  constructor(options: BinaryIoUOptions = {}) {
    super({ targetClassIds: [0, 1], ...options, numClasses: 2 }, ['threshold']);
    this.threshold = numberArg(options.threshold ?? 0.5, 'threshold', this.name);
  }
  override updateState(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null): void {
    const p = predictions(yPred, this.name);
    this.addClasses(arg(yTrue, 'yTrue', this.name), b.compare('ge', p, this.threshold) as Tensor, sampleWeight);
  }
  override getConfig(): Config {
    const { name, dtype, targetClassIds } = super.getConfig();
    return { name, dtype, targetClassIds, threshold: this.threshold };
  }
}

export type MeanIoUOptions = MetricOptions & ClassOptions & { numClasses: number };

/** Every class of `numClasses`. */
const every = (numClasses: number): number[] =>
  Number.isInteger(numClasses) && numClasses > 0 ? Array.from({ length: numClasses }, (_, i) => i) : [];

/** Mean overlap of all classes that came up. */
export class MeanIoU extends IoU {
  static override readonly className: string = 'MeanIoU';
  constructor(options: MeanIoUOptions) {
    super({ ...options, targetClassIds: every(options?.numClasses) });
  }
  override getConfig(): Config {
    const { targetClassIds: _all, ...config } = super.getConfig();
    return config;
  }
}

export type OneHotIoUOptions = Omit<IoUOptions, 'sparseYTrue'>;

/** Mean overlap of some classes, from one-hot labels and scores. */
export class OneHotIoU extends IoU {
  static override readonly className = 'OneHotIoU';
  constructor(options: OneHotIoUOptions) {
    super({ sparseYPred: false, ...options, sparseYTrue: false });
  }
  override getConfig(): Config {
    const { sparseYTrue: _dense, ...config } = super.getConfig();
    return config;
  }
}

/** Mean overlap of all classes, from one-hot labels and scores. */
export class OneHotMeanIoU extends MeanIoU {
  static override readonly className = 'OneHotMeanIoU';
  constructor(options: Omit<MeanIoUOptions, 'sparseYTrue'>) {
    super({ sparseYPred: false, ...options, sparseYTrue: false });
  }
  override getConfig(): Config {
    const { sparseYTrue: _dense, ...config } = super.getConfig();
    return config;
  }
}
