// Optimizers, written as operations on Variables: the same code runs eagerly and becomes part of a
// traced training step. Their own state is Variables too, created when a Variable is first updated.

import { ArgumentError, ShapeError, valueText } from '../../ir/errors.ts';
import { tensorType } from '../../ir/types.ts';
import { zeros } from '../trace/creation.ts';
import { emitter as b } from '../trace/dispatch.ts';
import { irDType } from '../trace/dtypes.ts';
import { variableGrads, variablesOfGradients } from '../trace/gradients.ts';
import { Tensor } from '../trace/tensor.ts';
import type { TensorMap } from '../trace/types.ts';
import { Variable, variable, variablesNamed } from '../trace/variable.ts';

/** Gradients to apply: by Variable name, as `{name, tensor}`, or as [gradient, Variable] pairs. */
export type GradientsToApply =
  | TensorMap
  | readonly { name: string; tensor: Tensor }[]
  | readonly (readonly [Tensor | null, Variable])[];

/** Base of all optimizers. */
export abstract class Optimizer {
  readonly #slots = new Map<Variable, Variable[]>();

  /** New value of `v` for the gradient `g`; may change `slots`. */
  protected abstract update(v: Variable, g: Tensor, slots: Variable[]): Tensor;
  /** Names of the Variables kept per updated Variable. */
  protected abstract readonly slotNames: readonly string[];
  /** Called once per application of gradients. */
  protected beforeUpdates(): void {}

  /**
   * Computes gradients of the scalar `f()` and applies them.
   * @param returnCost returns the value of f()
   * @param varList by default all trainable Variables that f reads
   * Throws GradientError as `tf.variableGrads`.
   */
  minimize(f: () => Tensor, returnCost = false, varList?: readonly Variable[]): Tensor | null {
    const { value, grads } = this.computeGradients(f, varList);
    this.applyGradients(grads);
    return returnCost ? value : null;
  }

  /** Value and gradients of the scalar `f()`, by Variable name. */
  computeGradients(f: () => Tensor, varList?: readonly Variable[]): { value: Tensor; grads: TensorMap } {
    return variableGrads(f, varList);
  }

  /**
   * Updates the Variables; in a traced function the updates become part of its program.
   * Throws ArgumentError for a name that means no Variable or several, ShapeError for a gradient that
   * has not its Variable's shape.
   */
  applyGradients(gradients: GradientsToApply): void {
    const pairs = resolve(gradients);
    for (const [g, v] of pairs)
      if (g.rank !== v.rank || g.shape.some((d, i) => d !== v.shape[i]))
        throw new ShapeError(`the gradient of '${v.name}' has shape [${g.shape}], the Variable [${v.shape}]`, {
          op: 'applyGradients',
          fix: "give a gradient of the Variable's shape",
        });
    this.beforeUpdates();
    for (const [g, v] of pairs) v.assign(this.update(v, g, this.#slotsOf(v)));
  }

  #slotsOf(v: Variable): Variable[] {
    let s = this.#slots.get(v);
    if (!s) {
      s = this.slotNames.map((name) => variable(zeros(v.shape, v.dtype), false, `${v.name}/${name}`));
      this.#slots.set(v, s);
    }
    return s;
  }

  /** Does nothing: Variables are garbage-collected. */
  dispose(): void {}
}

function resolve(gradients: GradientsToApply): [Tensor, Variable][] {
  if (Array.isArray(gradients)) {
    const list = gradients as readonly ({ name: string; tensor: Tensor } | readonly [Tensor | null, Variable])[];
    return list.flatMap((e): [Tensor, Variable][] => {
      if ('name' in e) return [[e.tensor, named(e.name)]];
      if (!(e[1] instanceof Variable))
        throw new ArgumentError('a pair must be [gradient, Variable]', {
          op: 'applyGradients',
          fix: 'give gradients by name, or in pairs',
        });
      return e[0] ? [[e[0], e[1]]] : [];
    });
  }
  const known = variablesOfGradients(gradients);
  return Object.entries(gradients as TensorMap).flatMap(([name, g]): [Tensor, Variable][] =>
    g instanceof Tensor ? [[g, known?.get(name) ?? named(name)]] : [],
  );
}

function named(name: string): Variable {
  const found = variablesNamed(name);
  if (found.length === 1) return found[0];
  throw new ArgumentError(`${found.length || 'no'} Variable(s) named '${name}'`, {
    op: 'applyGradients',
    fix: found.length ? 'give [gradient, Variable] pairs' : 'use the names of the Variables',
  });
}

function checkNumber(x: number, name: string, op: string): number {
  if (!Number.isFinite(x))
    throw new ArgumentError(`${name} must be a finite number, not ${valueText(x)}`, { op, fix: 'pass a plain number' });
  return x;
}

/** The share of its old value that a running mean keeps. */
function checkDecay(x: number, name: string, op: string): number {
  if (checkNumber(x, name, op) >= 0 && x < 1) return x;
  throw new ArgumentError(`${name} must be at least 0 and less than 1, not ${x}`, { op, fix: 'a usual value is 0.9' });
}

/**
 * A number is fixed in a traced step; a scalar Variable is read by each run, so that a schedule or the
 * user may assign it.
 */
export type LearningRate = number | Variable;

function checkRate(x: LearningRate, op: string): LearningRate {
  if (!(x instanceof Variable)) return checkNumber(x, 'learningRate', op);
  if (x.rank > 0 || !x.dtype.startsWith('float'))
    throw new ArgumentError(`learningRate must be a number or a scalar float Variable, not ${x.dtype}[${x.shape}]`, {
      op,
      fix: 'make it with tf.variable(0.1)',
    });
  return x;
}

/** `step` times the learning rate. */
function scaled(step: Tensor, rate: LearningRate): Tensor {
  return b.mul(step, rate instanceof Variable ? b.convert(rate.read(), step.type.dtype) : rate) as Tensor;
}

const plain = (rate: LearningRate): number => (rate instanceof Variable ? rate.dataSync()[0] : rate);

/** v - learningRate * g. */
export class SGDOptimizer extends Optimizer {
  learningRate: LearningRate;
  protected readonly slotNames: readonly string[] = [];
  constructor(learningRate: LearningRate) {
    super();
    this.learningRate = checkRate(learningRate, 'sgd');
  }
  protected update(v: Variable, g: Tensor): Tensor {
    return b.sub(v.read(), scaled(g, this.learningRate)) as Tensor;
  }
  /** Changes the learning rate of eager steps; a traced step has the one of its trace, unless that is a Variable. */
  setLearningRate(learningRate: number): void {
    if (this.learningRate instanceof Variable) this.learningRate.assign(learningRate);
    else this.learningRate = checkNumber(learningRate, 'learningRate', 'setLearningRate');
  }
  getConfig(): { learningRate: number } {
    return { learningRate: plain(this.learningRate) };
  }
}

/** a = momentum * a + g; v - learningRate * a, or with Nesterov v - learningRate * (g + momentum * a). */
export class MomentumOptimizer extends SGDOptimizer {
  readonly momentum: number;
  readonly useNesterov: boolean;
  protected override readonly slotNames = ['momentum'];
  constructor(learningRate: LearningRate, momentum: number, useNesterov = false) {
    super(learningRate);
    this.momentum = checkNumber(momentum, 'momentum', 'momentum');
    this.useNesterov = useNesterov;
  }
  protected override update(v: Variable, g: Tensor, [slot]: Variable[] = []): Tensor {
    const a = b.add(b.mul(slot.read(), this.momentum), g) as Tensor;
    slot.assign(a);
    const step = this.useNesterov ? b.add(g, b.mul(a, this.momentum)) : a;
    return b.sub(v.read(), scaled(step as Tensor, this.learningRate)) as Tensor;
  }
  override getConfig() {
    return { learningRate: plain(this.learningRate), momentum: this.momentum, useNesterov: this.useNesterov };
  }
}

/** Adam (Kingma and Ba 2015) with bias-corrected moments. */
export class AdamOptimizer extends Optimizer {
  readonly learningRate: LearningRate;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  protected readonly slotNames = ['m', 'v'];
  #iterations: Variable | undefined;
  /** 1 - beta^t for both betas, of the step being applied. */
  #corrections: [Tensor, Tensor] | undefined;

  /** Throws ArgumentError for what is no finite number, and for betas that are not in [0, 1). */
  constructor(learningRate: LearningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon: number | null = 1e-7) {
    super();
    this.learningRate = checkRate(learningRate, 'adam');
    this.beta1 = checkDecay(beta1, 'beta1', 'adam');
    this.beta2 = checkDecay(beta2, 'beta2', 'adam');
    this.epsilon = checkNumber(epsilon ?? 1e-7, 'epsilon', 'adam');
  }

  /** How often gradients have been applied. */
  get iterations(): Variable {
    this.#iterations ??= variable(0, false, 'adam/iterations', 'int32');
    return this.#iterations;
  }

  protected override beforeUpdates(): void {
    const n = this.iterations;
    n.assign(b.add(n.read(), 1) as Tensor);
    const t = b.convert(n.read(), 'f32');
    const correction = (beta: number) => b.sub(1, b.pow(b.splat(tensorType('f32', []), beta), t)) as Tensor;
    this.#corrections = [correction(this.beta1), correction(this.beta2)];
  }

  protected update(v: Variable, g: Tensor, [mean, square]: Variable[]): Tensor {
    const [c1, c2] = (this.#corrections as [Tensor, Tensor]).map((c) => b.convert(c, irDType(v.dtype)));
    const m = b.add(b.mul(mean.read(), this.beta1), b.mul(g, 1 - this.beta1)) as Tensor;
    const s = b.add(b.mul(square.read(), this.beta2), b.mul(b.square(g), 1 - this.beta2)) as Tensor;
    mean.assign(m);
    square.assign(s);
    const step = b.div(b.div(m, c1), b.add(b.un('sqrt', b.div(s, c2)), this.epsilon));
    return b.sub(v.read(), scaled(step as Tensor, this.learningRate)) as Tensor;
  }
  getConfig() {
    return { learningRate: plain(this.learningRate), beta1: this.beta1, beta2: this.beta2, epsilon: this.epsilon };
  }
}

/** The optimizers by name, with TensorFlow.js's defaults. */
export const train = Object.freeze({
  /** Stochastic gradient descent. */
  sgd: (learningRate: LearningRate): SGDOptimizer => new SGDOptimizer(learningRate),
  /** Gradient descent with momentum. */
  momentum: (learningRate: LearningRate, momentum: number, useNesterov = false): MomentumOptimizer =>
    new MomentumOptimizer(learningRate, momentum, useNesterov),
  /** Adam. */
  adam: (learningRate?: LearningRate, beta1?: number, beta2?: number, epsilon?: number | null): AdamOptimizer =>
    new AdamOptimizer(learningRate, beta1, beta2, epsilon),
});
