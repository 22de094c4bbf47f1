// The losses as objects: a function, its options, a reduction.

import { to } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Config, MadeClass } from '../engine/serialize.ts';
import { Loss, type LossOptions } from './loss.ts';
import * as p from './probabilistic.ts';
import * as r from './regression.ts';
import { alignWeights, countedClasses } from './shapes.ts';

/** A loss without options of its own. */
const lossOf = (name: string, fn: (yTrue: Tensor, yPred: Tensor) => Tensor): MadeClass<LossOptions, Loss> =>
  class extends Loss {
    static readonly className = name;
    call(yTrue: Tensor, yPred: Tensor): Tensor {
      return fn(yTrue, yPred);
    }
  };

/** `tf.losses.mse` as a loss. */
export const MeanSquaredError = lossOf('MeanSquaredError', r.meanSquaredError);
/** See `meanAbsoluteError`. */
export const MeanAbsoluteError = lossOf('MeanAbsoluteError', r.meanAbsoluteError);
/** See `meanAbsolutePercentageError`. */
export const MeanAbsolutePercentageError = lossOf('MeanAbsolutePercentageError', r.meanAbsolutePercentageError);
/** See `meanSquaredLogarithmicError`. */
export const MeanSquaredLogarithmicError = lossOf('MeanSquaredLogarithmicError', r.meanSquaredLogarithmicError);
/** See `logcosh`. */
export const LogCosh = lossOf('LogCosh', r.logcosh);
/** See `poisson`. */
export const Poisson = lossOf('Poisson', r.poisson);
/** See `kullbackLeiblerDivergence`. */
export const KLDivergence = lossOf('KLDivergence', p.kullbackLeiblerDivergence);
/** See `hinge`. */
export const Hinge = lossOf('Hinge', p.hinge);
/** See `squaredHinge`. */
export const SquaredHinge = lossOf('SquaredHinge', p.squaredHinge);
/** See `categoricalHinge`. */
export const CategoricalHinge = lossOf('CategoricalHinge', p.categoricalHinge);

/** See `huber`. */
export class Huber extends Loss {
  static readonly className = 'Huber';
  readonly delta: number;
  constructor(options: LossOptions & { delta?: number } = {}) {
    super({ ...options, name: options.name ?? 'huber_loss' }, ['delta']);
    this.delta = options.delta ?? 1;
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    return r.huber(yTrue, yPred, this.delta);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), delta: this.delta };
  }
}

/** See `cosineSimilarity`: -1 where labels and predictions point the same way. */
export class CosineSimilarity extends Loss {
  static readonly className = 'CosineSimilarity';
  readonly axis: number;
  constructor(options: LossOptions & { axis?: number } = {}) {
    super(options, ['axis']);
    this.axis = options.axis ?? -1;
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    return r.cosineSimilarity(yTrue, yPred, this.axis);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.axis };
  }
}

export interface CrossentropyOptions extends LossOptions {
  /** Whether predictions are logits: what goes into the sigmoid or softmax. */
  fromLogits?: boolean;
  labelSmoothing?: number;
  /** The axis of the classes: the last one by default. */
  axis?: number;
}

/** A cross-entropy; a model may turn one of probabilities into one of logits, which computes the same. */
abstract class Crossentropy extends Loss {
  readonly fromLogits: boolean;
  readonly labelSmoothing: number;
  readonly axis: number;
  constructor(options: CrossentropyOptions = {}, own: readonly string[] = []) {
    super(options, ['fromLogits', 'labelSmoothing', 'axis', ...own]);
    this.fromLogits = options.fromLogits ?? false;
    this.labelSmoothing = options.labelSmoothing ?? 0;
    this.axis = options.axis ?? -1;
  }
  override getConfig(): Config {
    const { fromLogits, labelSmoothing, axis } = this;
    return { ...super.getConfig(), fromLogits, labelSmoothing, axis };
  }
}

/** See `binaryCrossentropy`. */
export class BinaryCrossentropy extends Crossentropy {
  static readonly className = 'BinaryCrossentropy';
  constructor(options: CrossentropyOptions = {}) {
    super(options);
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    return p.binaryCrossentropy(yTrue, yPred, this.fromLogits, this.labelSmoothing, this.axis);
  }
}
/** See `categoricalCrossentropy`. */
export class CategoricalCrossentropy extends Crossentropy {
  static readonly className = 'CategoricalCrossentropy';
  constructor(options: CrossentropyOptions = {}) {
    super(options);
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    return p.categoricalCrossentropy(yTrue, yPred, this.fromLogits, this.labelSmoothing, this.axis);
  }
}

export type FocalLossOptions = CrossentropyOptions & p.FocalOptions;

/** See `binaryFocalCrossentropy`. */
export class BinaryFocalCrossentropy extends Crossentropy {
  static readonly className = 'BinaryFocalCrossentropy';
  readonly focal: { readonly applyClassBalancing: boolean; readonly alpha: number; readonly gamma: number };
  constructor(options: FocalLossOptions = {}) {
    super(options, ['applyClassBalancing', 'alpha', 'gamma']);
    const { applyClassBalancing = false, alpha = 0.25, gamma = 2 } = options;
    this.focal = { applyClassBalancing, alpha, gamma };
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    const { fromLogits, labelSmoothing, axis } = this;
    return p.binaryFocalCrossentropy(yTrue, yPred, { ...this.focal, fromLogits, labelSmoothing, axis });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), ...this.focal };
  }
}
/** See `categoricalFocalCrossentropy`. */
export class CategoricalFocalCrossentropy extends Crossentropy {
  static readonly className = 'CategoricalFocalCrossentropy';
  readonly focal: { readonly alpha: number; readonly gamma: number };
  constructor(options: FocalLossOptions = {}) {
    super(options, ['alpha', 'gamma']);
    const { alpha = 0.25, gamma = 2 } = options;
    this.focal = { alpha, gamma };
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    const { fromLogits, labelSmoothing, axis } = this;
    return p.categoricalFocalCrossentropy(yTrue, yPred, { ...this.focal, fromLogits, labelSmoothing, axis });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), ...this.focal };
  }
}

export interface SparseCrossentropyOptions extends LossOptions {
  /** Whether predictions are logits. */
  fromLogits?: boolean;
  /** Labels of this number are left out, of the mean too. */
  ignoreClass?: number | null;
  /** The axis of the classes: the last one by default. */
  axis?: number;
}

/** See `sparseCategoricalCrossentropy`. */
export class SparseCategoricalCrossentropy extends Loss {
  static readonly className = 'SparseCategoricalCrossentropy';
  readonly fromLogits: boolean;
  readonly ignoreClass: number | null;
  readonly axis: number;
  constructor(options: SparseCrossentropyOptions = {}) {
    super(options, ['fromLogits', 'ignoreClass', 'axis']);
    this.fromLogits = options.fromLogits ?? false;
    this.ignoreClass = options.ignoreClass ?? null;
    this.axis = options.axis ?? -1;
  }
  call(yTrue: Tensor, yPred: Tensor): Tensor {
    return p.sparseCategoricalCrossentropy(yTrue, yPred, this.fromLogits, this.ignoreClass, this.axis);
  }
  protected override labelMask(yTrue: Tensor, losses: Tensor): Tensor | undefined {
    if (this.ignoreClass === null) return undefined;
    const counted = to(countedClasses(to(yTrue, 'i32'), this.ignoreClass), losses.type.dtype);
    return alignWeights(losses, counted, this.name)[1];
  }
  override getConfig(): Config {
    const { fromLogits, ignoreClass, axis } = this;
    return { ...super.getConfig(), fromLogits, ignoreClass, axis };
  }
}
