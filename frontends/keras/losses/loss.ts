// Base of the losses: what becomes of the losses of single samples.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { arg, to } from '../../trace/ops/common.ts';
import { Tensor } from '../../trace/tensor.ts';
import { checkOptions, didYouMean, snakeCase } from '../engine/names.ts';
import { type Config, Serializable } from '../engine/serialize.ts';
import { alignWeights, epsilon, predictions, sameRank } from './shapes.ts';

const reductions = ['sumOverBatchSize', 'sum', 'mean', 'meanWithSampleWeight', 'none'] as const;
/**
 * How losses become one number: their sum, their sum over how many there are ('sumOverBatchSize', which
 * 'mean' means too), over the sum of the weights, or not at all.
 */
export type LossReduction = (typeof reductions)[number];

export interface LossOptions {
  /** 'sumOverBatchSize' by default. */
  reduction?: LossReduction | string | null;
  name?: string;
}

/** The reduction of that name, in camel or snake case. Throws ArgumentError for an unknown one. */
function reductionOf(x: unknown, op: string): LossReduction {
  if (x === undefined) return 'sumOverBatchSize';
  if (x === null) return 'none';
  const plain = String(x).replace(/_/g, '').toLowerCase();
  const found = reductions.find((r) => r.toLowerCase() === plain);
  if (found) return found;
  throw new ArgumentError(`unknown reduction ${valueText(x)}`, { op, fix: didYouMean(String(x), reductions) });
}

/** The sum over the count; 0 where there is nothing. */
function shareOf(sum: Tensor, count: Tensor | number): Tensor {
  if (typeof count === 'number') return (count ? b.div(sum, count) : b.zerosLike(sum)) as Tensor;
  const none = b.compare('eq', count, 0);
  return b.select(none, 0, b.div(sum, b.select(none, 1, count))) as Tensor;
}

/**
 * Weighs and reduces losses, as Keras does.
 * @param mask 1 for what counts: the others are left out of the mean, too
 * Throws ShapeError for weights or a mask that do not fit the losses.
 */
export function reduceWeighted(
  losses: Tensor,
  sampleWeight: TensorLike | null | undefined,
  reduction: LossReduction,
  op: string,
  mask?: TensorLike | null,
): Tensor {
  let weights = weightOf(sampleWeight, 'sampleWeight', op);
  const counted = weightOf(mask, 'mask', op);
  if (counted) {
    let [, m] = alignWeights(losses, to(counted, losses.type.dtype), op);
    if (reduction === 'mean' || reduction === 'sumOverBatchSize')
      m = b.mul(m, b.div(m.size, b.add(b.sum(m), epsilon))) as Tensor;
    if (weights) {
      const [, w] = alignWeights(losses, weights, op);
      weights = b.mul(m, w) as Tensor;
    } else weights = m;
  }
  let values = losses;
  let total: Tensor | undefined;
  if (weights) {
    const [x, w] = alignWeights(losses, weights, op);
    values = b.mul(x, w) as Tensor;
    total = b.sum(b.broadcastTo(w, values.shape)) as Tensor;
  }
  if (reduction === 'none') return values;
  const sum = b.sum(values) as Tensor;
  if (reduction === 'sum') return sum;
  return shareOf(sum, reduction === 'meanWithSampleWeight' && total ? total : values.size);
}

const weightOf = (x: TensorLike | null | undefined, name: string, op: string): Tensor | undefined =>
  x === null || x === undefined ? undefined : arg(x, name, op);

/** Base of all losses. A subclass says what the loss of each sample is. */
export abstract class Loss extends Serializable {
  readonly name: string;
  readonly reduction: LossReduction;

  /**
   * @param own names of the options that the subclass has beside `reduction` and `name`
   * Throws ArgumentError for an unknown option or reduction.
   */
  constructor(options: LossOptions = {}, own: readonly string[] = []) {
    super();
    const op = this.getClassName();
    checkOptions(options, ['reduction', 'name', 'dtype', ...own], op);
    this.reduction = reductionOf(options?.reduction, op);
    this.name = options?.name ?? snakeCase(op);
  }

  /** The loss of each sample: labels and predictions reduced over their last axis. */
  abstract call(yTrue: Tensor, yPred: Tensor): Tensor;

  /** 1 for the labels that count, where some do not. */
  protected labelMask(_yTrue: Tensor, _losses: Tensor): Tensor | undefined {
    return undefined;
  }

  /**
   * The loss of a batch: a scalar unless the reduction is 'none'.
   * @param sampleWeight for each sample, or for each value that `call` gives
   * @param mask the same, 1 for what counts: the rest is left out of means
   * Throws ShapeError where shapes do not fit.
   */
  apply(yTrue: TensorLike, yPred: TensorLike, sampleWeight?: TensorLike | null, mask?: TensorLike | null): Tensor {
    const op = this.name;
    const y = arg(yTrue, 'yTrue', op);
    const losses = this.call(y, predictions(yPred, op));
    if (!(losses instanceof Tensor))
      throw new ArgumentError(`gives ${valueText(losses)}`, { op, fix: 'return a tensor: one loss for each sample' });
    const own = this.labelMask(y, losses);
    const given = weightOf(mask, 'mask', op);
    const both = own && given ? b.mul(own, alignWeights(losses, to(given, own.type.dtype), op)[1]) : (own ?? given);
    return reduceWeighted(losses, sampleWeight, this.reduction, op, both as Tensor | undefined);
  }

  getConfig(): Config {
    return { name: this.name, reduction: this.reduction };
  }
}

/** A function of the user's as a loss: it gives a loss for each sample, or one for the batch. */
export class FunctionLoss extends Loss {
  static readonly className = 'FunctionLoss';
  readonly fn: (yTrue: Tensor, yPred: Tensor) => Tensor;
  constructor(fn: (yTrue: Tensor, yPred: Tensor) => Tensor, options: LossOptions = {}) {
    super({ name: fn.name || 'loss', ...options });
    this.fn = fn;
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    // Labels [batch] and outputs [batch, 1] would be broadcast against each other.
    return this.fn(...sameRank(yTrue, yPred));
  }
}
