// Optimizers whose steps are measured by the squares of past gradients, and Ftrl.

import { ArgumentError } from '../../ir/errors.ts';
import type { Config, SerializableClass } from '../keras/engine/serialize.ts';
import { emitter as b } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Variable } from '../trace/variable.ts';
import { construct, Optimizer, type Step } from './optimizer.ts';
import { checkDecay, checkNumber, checkPositive, type OptimizerOptions } from './options.ts';
import type { RateOption } from './rate.ts';

/** sqrt(x + epsilon). */
const root = (x: Tensor | Variable, epsilon: number): Tensor => b.un('sqrt', b.add(x, epsilon)) as Tensor;
/** keep * old + (1 - keep) * x. */
const mean = (old: Variable, x: Tensor, keep: number): Tensor => b.add(b.mul(old, keep), b.mul(x, 1 - keep)) as Tensor;

export interface RMSpropOptions extends OptimizerOptions {
  /** Share of its old value that the mean of squares keeps: 0.9 by default. */
  rho?: number;
  momentum?: number;
  /** Added under the root: 1e-7 by default. */
  epsilon?: number;
  /** Takes the square of the mean gradient away, so that the variance is left. */
  centered?: boolean;
}

/**
 * RMSprop (Hinton 2012): a = momentum * a + learningRate * g / sqrt(s + epsilon); v - a, where s is the
 * running mean of squares, or with `centered` the running variance.
 */
export class RMSprop extends Optimizer {
  static readonly className: string = 'RMSprop';
  readonly rho: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly centered: boolean;
  protected readonly slotNames: readonly string[];

  constructor(options: RMSpropOptions = {}) {
    super(options, ['rho', 'momentum', 'epsilon', 'centered']);
    this.rho = checkDecay(options.rho ?? 0.9, 'rho', this.name);
    this.momentum = checkPositive(options.momentum ?? 0, 'momentum', this.name);
    this.epsilon = checkPositive(options.epsilon ?? 1e-7, 'epsilon', this.name);
    this.centered = options.centered ?? false;
    this.slotNames = [
      'velocity',
      ...(this.momentum > 0 ? ['momentum'] : []),
      ...(this.centered ? ['average_gradient'] : []),
    ];
  }
  protected update(v: Variable, g: Tensor, slots: readonly Variable[], { rate }: Step): Tensor {
    const slot = (name: string) => slots[this.slotNames.indexOf(name)];
    let s = mean(slot('velocity'), b.square(g) as Tensor, this.rho);
    slot('velocity').assign(s);
    if (this.centered) {
      const average = mean(slot('average_gradient'), g, this.rho);
      slot('average_gradient').assign(average);
      s = b.sub(s, b.square(average)) as Tensor;
    }
    let step = b.div(b.mul(g, rate), root(s, this.epsilon));
    if (this.momentum > 0) {
      step = b.add(b.mul(slot('momentum'), this.momentum), step);
      slot('momentum').assign(step as Tensor);
    }
    return b.sub(v, step) as Tensor;
  }
  override getConfig(): Config {
    const { rho, momentum, epsilon, centered } = this;
    return { ...super.getConfig(), rho, momentum, epsilon, centered };
  }
  /** TensorFlow.js saves `rho` as `decay`. */
  static override fromConfig(cls: SerializableClass<unknown>, config: Config): Optimizer {
    const { decay, ...rest } = config;
    return construct(cls, 'rho' in config ? config : { ...rest, rho: decay });
  }
}

/** TensorFlow.js's RMSprop: the same formula; its `decay` is `rho`. */
export class RMSPropOptimizer extends RMSprop {
  static override readonly className: string = 'RMSPropOptimizer';
  /** Throws ArgumentError for what is no finite number, and for a decay that is not in [0, 1). */
  constructor(learningRate: RateOption, decay = 0.9, momentum = 0, epsilon: number | null = null, centered = false) {
    super({ learningRate: given(learningRate, 'rmsprop'), rho: decay, momentum, epsilon: epsilon ?? 1e-7, centered });
  }
  override getConfig(): Config {
    const { learningRate, rho, momentum, epsilon, centered } = super.getConfig();
    return { learningRate, decay: rho, momentum, epsilon, centered };
  }
  static override fromConfig(cls: SerializableClass<unknown>, c: Config): Optimizer {
    return construct(cls, c.learningRate, c.decay, c.momentum, c.epsilon, c.centered);
  }
}

/** What must not be left out. */
function given(learningRate: RateOption, op: string): RateOption {
  if (learningRate !== undefined && learningRate !== null) return learningRate;
  throw new ArgumentError('learningRate is missing', { op, fix: 'a usual value is 0.001' });
}

export interface AdagradOptions extends OptimizerOptions {
  /** Where the sums of squares start: 0.1 by default. */
  initialAccumulatorValue?: number;
  /** Added under the root: 1e-7 by default. */
  epsilon?: number;
}

/** Adagrad (Duchi and others 2011): s = s + g^2; v - learningRate * g / sqrt(s + epsilon). */
export class Adagrad extends Optimizer {
  static readonly className: string = 'Adagrad';
  readonly initialAccumulatorValue: number;
  readonly epsilon: number;
  protected readonly slotNames = ['accumulator'];

  constructor(options: AdagradOptions = {}) {
    super(options, ['initialAccumulatorValue', 'epsilon']);
    this.initialAccumulatorValue = checkPositive(
      options.initialAccumulatorValue ?? 0.1,
      'initialAccumulatorValue',
      this.name,
    );
    this.epsilon = checkPositive(options.epsilon ?? 1e-7, 'epsilon', this.name);
  }
  protected override initialValue(): number {
    return this.initialAccumulatorValue;
  }
  protected update(v: Variable, g: Tensor, [sum]: readonly Variable[], { rate }: Step): Tensor {
    const s = b.add(sum, b.square(g)) as Tensor;
    sum.assign(s);
    return b.sub(v, b.div(b.mul(g, rate), root(s, this.epsilon))) as Tensor;
  }
  override getConfig(): Config {
    const { initialAccumulatorValue, epsilon } = this;
    return { ...super.getConfig(), initialAccumulatorValue, epsilon };
  }
}

/** TensorFlow.js's Adagrad: the same formula. */
export class AdagradOptimizer extends Adagrad {
  static override readonly className: string = 'AdagradOptimizer';
  /** Throws ArgumentError for what is no finite number, and for sums that start below 0. */
  constructor(learningRate: RateOption, initialAccumulatorValue = 0.1) {
    super({ learningRate: given(learningRate, 'adagrad'), initialAccumulatorValue });
  }
  override getConfig(): Config {
    const { learningRate, initialAccumulatorValue } = super.getConfig();
    return { learningRate, initialAccumulatorValue };
  }
  static override fromConfig(cls: SerializableClass<unknown>, c: Config): Optimizer {
    return construct(cls, c.learningRate, c.initialAccumulatorValue);
  }
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Share of their old values that the means of squares keep: 0.95 by default. */
  rho?: number;
  /** Added under the roots: 1e-7 by default. */
  epsilon?: number;
}

/**
 * Adadelta (Zeiler 2012): d = sqrt(u + epsilon) / sqrt(s + epsilon) * g; v - learningRate * d, where s and u
 * are the running means of the squares of g and of d.
 */
export class Adadelta extends Optimizer {
  static readonly className: string = 'Adadelta';
  readonly rho: number;
  readonly epsilon: number;
  protected readonly slotNames = ['accumulated_grad', 'accumulated_delta_var'];

  constructor(options: AdadeltaOptions = {}) {
    super(options, ['rho', 'epsilon']);
    this.rho = checkDecay(options.rho ?? 0.95, 'rho', this.name);
    this.epsilon = checkPositive(options.epsilon ?? 1e-7, 'epsilon', this.name);
  }
  protected update(v: Variable, g: Tensor, [squares, updates]: readonly Variable[], { rate }: Step): Tensor {
    const s = mean(squares, b.square(g) as Tensor, this.rho);
    const measure = this.measuresBefore ? squares.read() : s;
    const d = b.mul(b.div(root(updates, this.epsilon), root(measure, this.epsilon)), g) as Tensor;
    squares.assign(s);
    updates.assign(mean(updates, b.square(d) as Tensor, this.rho));
    return b.sub(v, b.mul(d, rate)) as Tensor;
  }
  /** Whether a gradient is measured by those before it only. */
  protected get measuresBefore(): boolean {
    return false;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), rho: this.rho, epsilon: this.epsilon };
  }
}

/** TensorFlow.js's Adadelta: a gradient is measured by those before it, without itself. */
export class AdadeltaOptimizer extends Adadelta {
  static override readonly className: string = 'AdadeltaOptimizer';
  /** Throws ArgumentError for what is no finite number, and for a rho that is not in [0, 1). */
  constructor(learningRate: RateOption = 0.001, rho = 0.95, epsilon: number | null = null) {
    super({ learningRate, rho, epsilon: epsilon ?? 1e-7 });
  }
  protected override get measuresBefore(): boolean {
    return true;
  }
  override getConfig(): Config {
    const { learningRate, rho, epsilon } = super.getConfig();
    return { learningRate, rho, epsilon };
  }
  static override fromConfig(cls: SerializableClass<unknown>, c: Config): Optimizer {
    return construct(cls, c.learningRate, c.rho, c.epsilon);
  }
}

export interface FtrlOptions extends OptimizerOptions {
  /** How the learning rate falls with the sums of squares: -0.5 by default, 0 for not at all. */
  learningRatePower?: number;
  /** Where the sums of squares start: 0.1 by default. */
  initialAccumulatorValue?: number;
  l1RegularizationStrength?: number;
  l2RegularizationStrength?: number;
  /** A penalty on the magnitude that does not make Variables 0. */
  l2ShrinkageRegularizationStrength?: number;
  /** beta of the paper: 0 by default. */
  beta?: number;
}

const ftrlOptions = [
  'learningRatePower',
  'initialAccumulatorValue',
  'l1RegularizationStrength',
  'l2RegularizationStrength',
  'l2ShrinkageRegularizationStrength',
  'beta',
] as const;

/** Follow the regularized leader (McMahan and others 2013, algorithm 1), with Keras's l2 shrinkage. */
export class Ftrl extends Optimizer {
  static readonly className: string = 'Ftrl';
  readonly learningRatePower: number;
  readonly #strengths: { initial: number; l1: number; l2: number; shrinkage: number; beta: number };
  protected readonly slotNames = ['accumulator', 'linear'];

  /** Throws ArgumentError for a power above 0 and for negative strengths. */
  constructor(options: FtrlOptions = {}) {
    super(options, ftrlOptions);
    const positive = (key: (typeof ftrlOptions)[number], standard: number) =>
      checkPositive(options[key] ?? standard, key, this.name);
    this.learningRatePower = checkNumber(options.learningRatePower ?? -0.5, 'learningRatePower', this.name);
    if (this.learningRatePower > 0)
      throw new ArgumentError(`learningRatePower must not be above 0, got ${this.learningRatePower}`, {
        op: this.name,
        fix: 'a usual value is -0.5',
      });
    this.#strengths = {
      initial: positive('initialAccumulatorValue', 0.1),
      l1: positive('l1RegularizationStrength', 0),
      l2: positive('l2RegularizationStrength', 0),
      shrinkage: positive('l2ShrinkageRegularizationStrength', 0),
      beta: positive('beta', 0),
    };
  }
  protected override initialValue(slot: string): number {
    return slot === 'accumulator' ? this.#strengths.initial : 0;
  }
  /** s^-learningRatePower. */
  #power(s: Tensor | Variable): Tensor {
    if (this.learningRatePower === -0.5) return b.un('sqrt', s) as Tensor;
    return b.pow(s, -this.learningRatePower) as Tensor;
  }
  protected update(v: Variable, g: Tensor, [sum, linear]: readonly Variable[], { rate }: Step): Tensor {
    const { l1, l2, shrinkage, beta } = this.#strengths;
    const s = b.add(sum, b.square(g)) as Tensor;
    const power = this.#power(s);
    const towards = shrinkage ? b.add(g, b.mul(v, 2 * shrinkage)) : g;
    const sigma = b.div(b.sub(power, this.#power(sum)), rate);
    const z = b.add(linear, b.sub(towards, b.mul(sigma, v)));
    sum.assign(s);
    linear.assign(z as Tensor);
    const quadratic = b.add(b.div(b.add(power, beta), rate), 2 * l2);
    return b.div(b.sub(b.min(b.max(z, -l1), l1), z), quadratic) as Tensor;
  }
  override getConfig(): Config {
    const { initial, l1, l2, shrinkage, beta } = this.#strengths;
    return {
      ...super.getConfig(),
      learningRatePower: this.learningRatePower,
      initialAccumulatorValue: initial,
      l1RegularizationStrength: l1,
      l2RegularizationStrength: l2,
      l2ShrinkageRegularizationStrength: shrinkage,
      beta,
    };
  }
}
