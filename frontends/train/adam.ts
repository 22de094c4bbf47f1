// Adam and its kin: steps along the running mean of gradients, measured by how large they have been.

import type { Config, SerializableClass } from '../keras/engine/serialize.ts';
import { emitter as b } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';
import { type Variable, variable } from '../trace/variable.ts';
import { construct, Optimizer, type Step } from './optimizer.ts';
import { checkDecay, checkPositive, type OptimizerOptions } from './options.ts';
import type { RateOption } from './rate.ts';

export interface MomentsOptions extends OptimizerOptions {
  /** Share of its old value that the mean of gradients keeps: 0.9 by default. */
  beta1?: number;
  /** The same for the mean of their squares: 0.999 by default. */
  beta2?: number;
  /** Added to the denominator: 1e-7 by default. */
  epsilon?: number;
}
export interface AdamOptions extends MomentsOptions {
  /** Divides by the largest mean of squares so far (Reddi and others 2018). */
  amsgrad?: boolean;
}

/** 1 - beta^t. Written with expm1, since for the first steps of a beta near 1 the difference would be mostly rounding. */
const correction = (beta: number, t: Tensor): Tensor =>
  (beta === 0 ? b.onesLike(t) : b.neg(b.un('expm1', b.mul(t, Math.log(beta))))) as Tensor;

/** keep * old + (1 - keep) * x. */
const mean = (old: Variable, x: Tensor, keep: number): Tensor => b.add(b.mul(old, keep), b.mul(x, 1 - keep)) as Tensor;

/** What Adam, Adamax and Nadam share: two running means. */
abstract class Moments extends Optimizer {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;

  constructor(options: MomentsOptions, own: readonly string[] = []) {
    super(options, ['beta1', 'beta2', 'epsilon', ...own]);
    this.beta1 = checkDecay(options.beta1 ?? 0.9, 'beta1', this.name);
    this.beta2 = checkDecay(options.beta2 ?? 0.999, 'beta2', this.name);
    this.epsilon = checkPositive(options.epsilon ?? 1e-7, 'epsilon', this.name);
  }
  protected get slotNames(): readonly string[] {
    return ['momentum', 'velocity'];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon };
  }
}

/**
 * Adam (Kingma and Ba 2015) as Keras computes it:
 * v - learningRate * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(s) + epsilon).
 * The default learning rate is 0.001. Throws ArgumentError for betas that are not in [0, 1).
 */
export class Adam extends Moments {
  static readonly className: string = 'Adam';
  readonly amsgrad: boolean;

  constructor(options: AdamOptions = {}) {
    super(options, ['amsgrad']);
    this.amsgrad = options.amsgrad ?? false;
  }
  protected override get slotNames(): readonly string[] {
    return this.amsgrad ? [...super.slotNames, 'velocity_hat'] : super.slotNames;
  }
  protected update(v: Variable, g: Tensor, slots: readonly Variable[], { rate, t }: Step): Tensor {
    const [momentum, velocity, largest] = slots;
    const m = mean(momentum, g, this.beta1);
    let s = mean(velocity, b.square(g) as Tensor, this.beta2);
    momentum.assign(m);
    velocity.assign(s);
    if (largest) {
      s = b.max(largest, s) as Tensor;
      largest.assign(s);
    }
    const alpha = b.div(b.mul(rate, b.un('sqrt', correction(this.beta2, t))), correction(this.beta1, t));
    return b.sub(v, b.div(b.mul(m, alpha), b.add(b.un('sqrt', s), this.epsilon))) as Tensor;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), amsgrad: this.amsgrad };
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019): `weightDecay` is 0.004 by default. */
export class AdamW extends Adam {
  static override readonly className: string = 'AdamW';
  constructor(options: AdamOptions = {}) {
    super({ weightDecay: 0.004, ...options });
  }
}

/** TensorFlow.js's Adam: v - learningRate * (m / (1 - beta1^t)) / (sqrt(s / (1 - beta2^t)) + epsilon). */
export class AdamOptimizer extends Moments {
  static readonly className: string = 'AdamOptimizer';
  /** Throws ArgumentError for what is no finite number, and for betas that are not in [0, 1). */
  constructor(learningRate: RateOption = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon: number | null = null) {
    super({ learningRate, beta1, beta2, epsilon: epsilon ?? 1e-7 });
  }
  protected update(v: Variable, g: Tensor, [momentum, velocity]: readonly Variable[], { rate, t }: Step): Tensor {
    const m = mean(momentum, g, this.beta1);
    const s = mean(velocity, b.square(g) as Tensor, this.beta2);
    momentum.assign(m);
    velocity.assign(s);
    const root = b.un('sqrt', b.div(s, correction(this.beta2, t)));
    const step = b.div(b.div(m, correction(this.beta1, t)), b.add(root, this.epsilon));
    return b.sub(v, b.mul(step, rate)) as Tensor;
  }
  override getConfig(): Config {
    const { learningRate, beta1, beta2, epsilon } = super.getConfig();
    return { learningRate, beta1, beta2, epsilon };
  }
  static override fromConfig(cls: SerializableClass<unknown>, c: Config): Optimizer {
    return construct(cls, c.learningRate, c.beta1, c.beta2, c.epsilon);
  }
}

/**
 * Adamax (section 7.1 of the Adam paper), Adam with the largest magnitude in place of the mean of squares:
 * u = max(beta2 * u, |g|); v - learningRate / (1 - beta1^t) * m / (u + epsilon).
 */
export class Adamax extends Moments {
  static readonly className: string = 'Adamax';
  constructor(options: MomentsOptions = {}) {
    super(options);
  }
  protected override get slotNames(): readonly string[] {
    return ['m', 'u'];
  }
  protected update(v: Variable, g: Tensor, [momentum, norm]: readonly Variable[], { rate, t }: Step): Tensor {
    const m = mean(momentum, g, this.beta1);
    const u = b.max(b.mul(norm, this.beta2), b.un('abs', g));
    momentum.assign(m);
    norm.assign(u as Tensor);
    const alpha = b.div(rate, correction(this.beta1, t));
    return b.sub(v, b.div(b.mul(m, alpha), b.add(u, this.epsilon))) as Tensor;
  }
}

/** TensorFlow.js's Adamax: the same formula. The learning rate is divided by 1 + decay * iterations. */
export class AdamaxOptimizer extends Adamax {
  static override readonly className: string = 'AdamaxOptimizer';
  /** Throws ArgumentError for what is no finite number, and for betas that are not in [0, 1). */
  constructor(learningRate: RateOption = 0.002, beta1 = 0.9, beta2 = 0.999, epsilon: number | null = null, decay = 0) {
    super({ learningRate, beta1, beta2, epsilon: epsilon ?? 1e-7, decay });
  }
  override getConfig(): Config {
    const { learningRate, beta1, beta2, epsilon, decay } = super.getConfig();
    return { learningRate, beta1, beta2, epsilon, decay };
  }
  static override fromConfig(cls: SerializableClass<unknown>, c: Config): Optimizer {
    return construct(cls, c.learningRate, c.beta1, c.beta2, c.epsilon, c.decay);
  }
}

/**
 * Adam with Nesterov momentum (Dozat 2016), with Keras's schedule of the momentum:
 * u[t] = beta1 * (1 - 0.96^t / 2).
 */
export class Nadam extends Moments {
  static readonly className: string = 'Nadam';
  /** u[1] * … * u[t]. */
  #product: Variable | undefined;

  constructor(options: MomentsOptions = {}) {
    super(options);
  }
  #productVariable(): Variable {
    this.#product ??= variable(1, false, `${this.name}/u_product`, 'float32');
    return this.#product;
  }
  protected override get ownVariables(): readonly Variable[] {
    return [this.#productVariable()];
  }
  /** u of a step. */
  #u(t: Tensor): Tensor {
    const power = b.un('exp', b.mul(t, Math.log(0.96)));
    return b.mul(b.sub(1, b.mul(power, 0.5)), this.beta1) as Tensor;
  }
  protected override beforeUpdates({ t }: Step): void {
    const product = this.#productVariable();
    product.assign(b.mul(product, this.#u(t)) as Tensor);
  }
  protected update(v: Variable, g: Tensor, [momentum, velocity]: readonly Variable[], { rate, t }: Step): Tensor {
    const m = mean(momentum, g, this.beta1);
    const s = mean(velocity, b.square(g) as Tensor, this.beta2);
    momentum.assign(m);
    velocity.assign(s);
    const u = this.#u(t);
    const ahead = this.#u(b.add(t, 1) as Tensor);
    const product = b.convert(this.#productVariable(), v.type.dtype);
    const ofMean = b.div(ahead, b.sub(1, b.mul(product, ahead)));
    const ofGradient = b.div(b.sub(1, u), b.sub(1, product));
    const direction = b.add(b.mul(m, ofMean), b.mul(g, ofGradient));
    const root = b.un('sqrt', b.div(s, correction(this.beta2, t)));
    return b.sub(v, b.div(b.mul(direction, rate), b.add(root, this.epsilon))) as Tensor;
  }
}
