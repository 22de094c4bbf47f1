// Base of all optimizers. They are operations on Variables: the same code runs eagerly and becomes part of
// a traced training step. Their own state is Variables too, made by `build` or where it is first needed.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import type { DType } from '../../ir/types.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { type Config, Serializable, type SerializableClass } from '../keras/engine/serialize.ts';
import { fill } from '../trace/creation.ts';
import { emitter as b } from '../trace/dispatch.ts';
import { variableGrads } from '../trace/gradients.ts';
import { Tensor } from '../trace/tensor.ts';
import type { TensorMap } from '../trace/types.ts';
import { Variable, variable } from '../trace/variable.ts';
import { Averages } from './averages.ts';
import {
  type Clipping,
  checkCount,
  checkPositive,
  clip,
  clippingOf,
  commonOptions,
  type OptimizerOptions,
} from './options.ts';
import { type LearningRate, Rate } from './rate.ts';
import { type GradientsToApply, type Pair, resolve } from './resolve.ts';

/** What the updates of one step share, as scalars of the Variable's dtype. */
export interface Step {
  /** The learning rate. */
  readonly rate: Tensor;
  /** Which step it is, from 1 on. */
  readonly t: Tensor;
}

/** What an optimizer keeps for one Variable. */
interface Kept {
  readonly slots: readonly Variable[];
  /** Sum of the gradients since the last step, with gradientAccumulationSteps. */
  readonly gradients: Variable | undefined;
}

/** The name of an optimizer of that class: `adam` for Adam and AdamOptimizer. */
const defaultName = (className: string): string => className.replace(/Optimizer$/, '').toLowerCase() || 'optimizer';

/** An optimizer of that class, made with these arguments. */
export const construct = (cls: SerializableClass<unknown>, ...args: unknown[]): Optimizer =>
  new (cls as unknown as new (...args: unknown[]) => Optimizer)(...args);

/**
 * What is nearer to 0 than `least` as 0, in float32: a mean that decays forever, and the square of a tiny
 * gradient, end as denormal numbers, with which processors compute a hundred times slower; WebAssembly cannot
 * switch that off.
 */
const calm = (x: Tensor, least: number): Tensor =>
  x.type.dtype === 'f32' ? (b.select(b.compare('lt', b.un('abs', x), least), 0, x) as Tensor) : x;

/** Base of all optimizers. A subclass says how one Variable is updated. */
export abstract class Optimizer extends Serializable {
  readonly name: string;
  /** Share of a Variable, times the learning rate, that a step takes away; null for none. */
  readonly weightDecay: number | null;
  readonly #rate: Rate;
  readonly #decay: number;
  readonly #clipping: Clipping | undefined;
  readonly #accumulate: number | null;
  readonly #averages: Averages | undefined;
  readonly #kept = new Map<Variable, Kept>();
  readonly #undecayed: { variables: Set<Variable>; names: string[] } = { variables: new Set(), names: [] };
  #iterations: Variable | undefined;
  /** How many gradients of the next step have come, with gradientAccumulationSteps. */
  #waiting: Variable | undefined;

  /**
   * @param own names of the options that the subclass has beside the common ones
   * Throws ArgumentError for an unknown option and for a value that an option cannot have.
   */
  constructor(options: OptimizerOptions = {}, own: readonly string[] = []) {
    super();
    const op = defaultName(this.getClassName());
    checkOptions(options, [...commonOptions, ...own], op);
    this.name = options.name ?? op;
    this.#rate = new Rate(options.learningRate ?? 0.001, op);
    this.#decay = checkPositive(options.decay ?? 0, 'decay', op);
    this.#clipping = clippingOf(options, op);
    this.weightDecay = options.weightDecay == null ? null : checkPositive(options.weightDecay, 'weightDecay', op);
    this.#accumulate = checkCount(options.gradientAccumulationSteps, 'gradientAccumulationSteps', op);
    this.#averages = options.useEma ? new Averages(options, op) : undefined;
  }

  /** Names of the Variables kept per updated Variable, as Keras names them. */
  protected abstract readonly slotNames: readonly string[];
  /** New value of `v` for the gradient `g`; may assign the slots. All have one shape and dtype. */
  protected abstract update(v: Variable, g: Tensor, slots: readonly Variable[], step: Step): Tensor;
  /** The value that a slot starts with. */
  protected initialValue(_slot: string): number {
    return 0;
  }
  /** Called once before the updates of a step. */
  protected beforeUpdates(_step: Step): void {}
  /** State that is not kept per Variable, beside the iterations. */
  protected get ownVariables(): readonly Variable[] {
    return [];
  }

  /** How many steps have been taken: an int32 scalar. */
  get iterations(): Variable {
    this.#iterations ??= variable(0, false, `${this.name}/iteration`, 'int32');
    return this.#iterations;
  }

  /** Brings what the learning rate follows from to JavaScript, where it is on a GPU: it can be read then. */
  fetchRate(): Promise<void> {
    return this.#rate.fetch(this.iterations);
  }
  /**
   * The present learning rate. In a traced function it cannot be read as a number, nor where it follows from the
   * steps (or from your Variable) and these are on a GPU: there await `fetchRate()` before.
   */
  get learningRate(): number {
    return this.#rate.get(this.iterations);
  }
  /**
   * A number changes it for eager steps and for traced ones, whenever they were traced; a Variable or a
   * schedule replaces it for steps that are traced later. Throws ArgumentError for a number where a
   * schedule decides.
   */
  set learningRate(x: LearningRate) {
    this.#rate.set(x);
  }
  /** As assigning `learningRate`. */
  setLearningRate(learningRate: number): void {
    this.#rate.set(learningRate);
  }

  /** Makes the state for these Variables: then the first step, and its trace, finds it there. */
  build(variables: readonly Variable[]): void {
    this.iterations;
    if (this.#accumulate) this.#waiting ??= variable(0, false, `${this.name}/accumulated`, 'int32');
    for (const v of variables) {
      if (!(v instanceof Variable))
        throw new ArgumentError(`takes Variables, not ${valueText(v)}`, {
          op: `${this.name}.build`,
          fix: 'pass the Variables to train: [w, b]',
        });
      if (this.#kept.has(v)) continue;
      this.#kept.set(v, {
        slots: this.slotNames.map((s) => this.#slot(v, s, this.initialValue(s))),
        gradients: this.#accumulate ? this.#slot(v, 'gradient_accumulator', 0) : undefined,
      });
      this.#averages?.add(v, this.#slot(v, 'average', 0));
    }
  }

  #slot(v: Variable, slot: string, value: number): Variable {
    return variable(fill(v.shape, value, v.dtype), false, `${this.name}/${v.name.replaceAll('/', '_')}_${slot}`);
  }

  /** All state in a fixed order: the iterations, then what is kept per Variable. */
  get variables(): Variable[] {
    const perVariable = [...this.#kept].flatMap(([v, k]) => [
      ...k.slots,
      ...(k.gradients ? [k.gradients] : []),
      ...(this.#averages ? [this.#averages.of(v)] : []),
    ]);
    return [this.iterations, ...(this.#waiting ? [this.#waiting] : []), ...this.ownVariables, ...perVariable];
  }

  /** Values of `variables`. */
  getWeights(): Tensor[] {
    return this.variables.map((v) => v.read());
  }
  /**
   * Sets `variables`; the order is that of `getWeights`. Takes tensors, or `{name, tensor}`.
   * Throws ArgumentError where their number is another (call `build` first), ShapeError and DTypeError as
   * `Variable.assign`.
   */
  setWeights(weights: readonly (Tensor | { name: string; tensor: Tensor })[]): void {
    const { variables } = this;
    if (!Array.isArray(weights) || weights.length !== variables.length)
      throw new ArgumentError(
        `there are ${variables.length} weights, got ${Array.isArray(weights) ? weights.length : valueText(weights)}`,
        {
          op: `${this.name}.setWeights`,
          fix: 'build the optimizer with the same Variables first: optimizer.build(variables)',
        },
      );
    weights.forEach((w, i) => variables[i].assign(w instanceof Tensor ? w : w.tensor));
  }

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
   * Takes one step; in a traced function it becomes part of the program. Gradients are clipped, weights
   * decayed, Variables updated, and what has a `constraint` is constrained.
   * Throws ArgumentError for a name that means no Variable or several, ShapeError for a gradient that
   * has not its Variable's shape.
   */
  applyGradients(gradients: GradientsToApply): void {
    const pairs = resolve(gradients);
    this.build(pairs.map(([, v]) => v));
    if (!this.#accumulate) {
      this.#takeStep(pairs);
      this.iterations.assign(b.add(this.iterations, 1) as Tensor);
    } else this.#accumulateOrStep(pairs, this.#accumulate, this.#waiting as Variable);
  }

  /** Adds the gradients up; every `count` times their mean makes a step. */
  #accumulateOrStep(pairs: readonly Pair[], count: number, waiting: Variable): void {
    const due = b.compare('ge', waiting, count - 1);
    const sums = pairs.map(([g, v]) => [b.add(this.#keptOf(v).gradients as Variable, g), v] as const);
    const touched = [...this.ownVariables, ...pairs.flatMap(([, v]) => [v, ...this.#stateOf(v)])];
    const before = touched.map((v) => v.read());
    this.#takeStep(sums.map(([g, v]) => [b.div(g, count) as Tensor, v]));
    touched.forEach((v, i) => void v.assign(b.select(due, v.read(), before[i]) as Tensor));
    for (const [g, v] of sums) this.#keptOf(v).gradients?.assign(b.select(due, b.zerosLike(g), g) as Tensor);
    this.iterations.assign(b.add(this.iterations, b.convert(due, 'i32')) as Tensor);
    waiting.assign(b.select(due, b.zerosLike(waiting), b.add(waiting, 1)) as Tensor);
  }

  #keptOf = (v: Variable): Kept => this.#kept.get(v) as Kept;
  /** What a step changes beside `v` itself. */
  #stateOf = (v: Variable): Variable[] => [...this.#keptOf(v).slots, ...(this.#averages ? [this.#averages.of(v)] : [])];

  #takeStep(pairs: readonly Pair[]): void {
    const steps = new Map<DType, Step>();
    const stepIn = (dtype: DType): Step => {
      let s = steps.get(dtype);
      if (!s) {
        s = { rate: this.#rateIn(dtype), t: b.add(b.convert(this.iterations, dtype), 1) as Tensor };
        steps.set(dtype, s);
      }
      return s;
    };
    this.beforeUpdates(stepIn('f32'));
    for (const [g, v] of clip(pairs, this.#clipping)) {
      const step = stepIn(v.type.dtype);
      if (this.weightDecay !== null && this.#decays(v))
        v.assign(b.sub(v, b.mul(v, b.mul(step.rate, this.weightDecay))) as Tensor);
      const { slots } = this.#keptOf(v);
      v.assign(this.update(v, calm(g, 1e-18), slots, step));
      for (const slot of slots) slot.assign(calm(slot.read(), 1e-30));
    }
    const variables = pairs.map(([, v]) => v);
    this.#averages?.update(variables, this.iterations);
    for (const v of variables) {
      const { constraint } = v as { constraint?: { apply(w: Tensor): Tensor } | null };
      if (constraint) v.assign(constraint.apply(v.read()));
    }
  }

  #rateIn(dtype: DType): Tensor {
    const rate = this.#rate.at(this.iterations, dtype);
    if (this.#decay === 0) return rate;
    return b.div(rate, b.add(b.mul(b.convert(this.iterations, dtype), this.#decay), 1)) as Tensor;
  }

  #decays(v: Variable): boolean {
    const { variables, names } = this.#undecayed;
    return !variables.has(v) && !names.some((n) => v.name.includes(n));
  }
  /**
   * Takes Variables out of weight decay.
   * @param varNames Variables whose names contain one of these
   */
  excludeFromWeightDecay(varList: readonly Variable[] = [], varNames: readonly string[] = []): void {
    for (const v of varList) this.#undecayed.variables.add(v);
    this.#undecayed.names.push(...varNames);
  }

  /** With `useEma`: gives the Variables (all by default) their running averages, as at the end of a training. */
  finalizeVariableValues(variables: readonly Variable[] = [...this.#kept.keys()]): void {
    this.#averages?.overwrite(variables);
  }

  /** Does nothing: Variables are garbage-collected. */
  dispose(): void {}

  /** The options that differ from none, with the present learning rate or its schedule. */
  getConfig(): Config {
    const c = this.#clipping;
    return {
      name: this.name,
      learningRate: this.#rate.config(this.iterations),
      weightDecay: this.weightDecay,
      decay: this.#decay,
      clipnorm: c?.kind === 'clipnorm' ? c.limit : null,
      globalClipnorm: c?.kind === 'globalClipnorm' ? c.limit : null,
      clipvalue: c?.kind === 'clipvalue' ? c.limit : null,
      ...Averages.config(this.#averages),
      gradientAccumulationSteps: this.#accumulate,
    };
  }
}
