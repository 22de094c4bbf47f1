// Gradient descent, with and without momentum.

import type { Config, SerializableClass } from '../keras/engine/serialize.ts';
import { emitter as b } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Variable } from '../trace/variable.ts';
import { construct, Optimizer, type Step } from './optimizer.ts';
import { checkNumber, checkPositive, type OptimizerOptions } from './options.ts';
import type { RateOption } from './rate.ts';

export interface SGDOptions extends OptimizerOptions {
  /** 0 by default. */
  momentum?: number;
  /** Whether the step looks ahead along the momentum (Nesterov 1983). */
  nesterov?: boolean;
}

/**
 * Keras's stochastic gradient descent: velocity = momentum * velocity - learningRate * g; the step is the
 * velocity, or with Nesterov momentum * velocity - learningRate * g. The default learning rate is 0.01.
 * Throws ArgumentError for a momentum below 0.
 */
export class SGD extends Optimizer {
  static readonly className: string = 'SGD';
  readonly momentum: number;
  readonly nesterov: boolean;
  protected readonly slotNames: readonly string[];

  constructor(options: SGDOptions = {}) {
    super({ learningRate: 0.01, ...options }, ['momentum', 'nesterov']);
    const { momentum = 0, nesterov = false } = options ?? {};
    this.momentum = checkPositive(momentum, 'momentum', this.name);
    this.nesterov = nesterov;
    this.slotNames = this.momentum ? ['momentum'] : [];
  }
  protected update(v: Variable, g: Tensor, [velocity]: readonly Variable[], { rate }: Step): Tensor {
    const step = b.mul(g, rate);
    if (!velocity) return b.sub(v, step) as Tensor;
    const next = b.sub(b.mul(velocity, this.momentum), step);
    velocity.assign(next as Tensor);
    return b.add(v, this.nesterov ? b.sub(b.mul(next, this.momentum), step) : next) as Tensor;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), momentum: this.momentum, nesterov: this.nesterov };
  }
}

/** TensorFlow.js's gradient descent: v - learningRate * g. */
export class SGDOptimizer extends Optimizer {
  static readonly className: string = 'SGDOptimizer';
  protected readonly slotNames: readonly string[] = [];
  /** Throws ArgumentError for what can be no learning rate. */
  constructor(learningRate: RateOption) {
    super({ learningRate });
  }
  protected update(v: Variable, g: Tensor, _slots: readonly Variable[], { rate }: Step): Tensor {
    return b.sub(v, b.mul(g, rate)) as Tensor;
  }
  override getConfig(): Config {
    return { learningRate: super.getConfig().learningRate };
  }
  static override fromConfig(cls: SerializableClass<unknown>, config: Config): Optimizer {
    return construct(cls, config.learningRate);
  }
}

/**
 * TensorFlow.js's momentum: a = momentum * a + g; v - learningRate * a, or with Nesterov
 * v - learningRate * (g + momentum * a). A change of the learning rate acts on all of `a`, in `SGD` on the
 * new part only.
 */
export class MomentumOptimizer extends SGDOptimizer {
  static override readonly className: string = 'MomentumOptimizer';
  readonly momentum: number;
  readonly useNesterov: boolean;
  protected override readonly slotNames = ['momentum'];
  /** Throws ArgumentError for what is no finite number. */
  constructor(learningRate: RateOption, momentum: number, useNesterov = false) {
    super(learningRate);
    this.momentum = checkNumber(momentum, 'momentum', 'momentum');
    this.useNesterov = useNesterov;
  }
  protected override update(v: Variable, g: Tensor, [slot]: readonly Variable[], { rate }: Step): Tensor {
    const a = b.add(b.mul(slot, this.momentum), g);
    slot.assign(a as Tensor);
    const step = this.useNesterov ? b.add(g, b.mul(a, this.momentum)) : a;
    return b.sub(v, b.mul(step, rate)) as Tensor;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), momentum: this.momentum, useNesterov: this.useNesterov };
  }
  static override fromConfig(cls: SerializableClass<unknown>, config: Config): Optimizer {
    return construct(cls, config.learningRate, config.momentum, config.useNesterov);
  }
}
