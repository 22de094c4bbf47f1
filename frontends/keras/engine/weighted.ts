// What a layer owns: weights, layers inside, random numbers, losses of its own.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import { type TensorLike, toTensor } from '../../trace/convert.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { drawFrom, randomState } from '../../trace/generator.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { Variable } from '../../trace/variable.ts';
import type { Constraint } from '../constraints.ts';
import { getInitializer, type Initializer } from '../initializers.ts';
import type { Regularizer } from '../regularizers.ts';
import { callLosses } from './call-context.ts';
import type { Layer } from './layer.ts';
import { Serializable, type Serialized } from './serialize.ts';
import { type OneOrMany, type Shape, shapeText, toList } from './symbolic.ts';
import { firstValue, knownShape, LayerVariable, outside } from './weights.ts';

/** A loss that depends on weights alone. */
export type LossFunction = () => Tensor;

/** What a weight is made with, beside its name and shape. */
export interface WeightArgs {
  name: string;
  shape: Shape;
  dtype?: DataType;
  initializer?: Initializer | Serialized | string;
  regularizer?: Regularizer | null;
  trainable?: boolean;
  constraint?: Constraint | null;
}

/** Base of layers: an owner of weights, its own and those of the layers that it keeps in properties. */
export abstract class Weighted extends Serializable {
  name: string;
  built = false;
  readonly dtype: DataType;
  /** First values of the weights, until they are there. */
  initialWeights: readonly Tensor[] | null;
  #trainable: boolean;
  readonly #weights: LayerVariable[] = [];
  readonly #lossFunctions: LossFunction[] = [];
  #random: Variable | undefined;

  constructor(name: string, dtype: DataType, trainable: boolean, initialWeights: readonly Tensor[] | null) {
    super();
    this.name = name;
    this.dtype = dtype;
    this.#trainable = trainable;
    this.initialWeights = initialWeights;
  }

  /** Layers inside this one, in the order of its properties. */
  sublayers(): Layer[] {
    const found: Layer[] = [];
    const look = (x: unknown) => {
      if (x instanceof Weighted) found.push(x as Layer);
      else if (Array.isArray(x)) for (const y of x) if (y instanceof Weighted || Array.isArray(y)) look(y);
    };
    for (const [key, x] of Object.entries(this)) if (!key.endsWith('boundNodes')) look(x);
    return [...new Set(found)];
  }

  /**
   * Makes a weight; to be called in `build`. Takes its arguments one by one, as TensorFlow.js, or as one
   * object. Throws ShapeError where the shape is not known, ArgumentError for a name used before.
   */
  addWeight(
    name: string | WeightArgs,
    shape?: Shape,
    dtype?: DataType | null,
    initializer?: Initializer | Serialized | string,
    regularizer?: Regularizer | null,
    trainable?: boolean,
    constraint?: Constraint | null,
  ): LayerVariable {
    const w: WeightArgs =
      typeof name === 'object'
        ? name
        : { name, shape: shape as Shape, dtype: dtype ?? undefined, initializer, regularizer, trainable, constraint };
    const op = `${this.name}.addWeight`;
    if (this.#weights.some((v) => v.originalName === w.name))
      throw new ArgumentError(`there is a weight '${w.name}' already`, { op, fix: 'give each weight its own name' });
    const size = knownShape(w.shape, this.name, w.name);
    const init = getInitializer(w.initializer ?? 'zeros');
    const kind = w.dtype ?? this.dtype;
    const value = firstValue(size, kind, this.name) ?? outside(() => init.apply(size, kind));
    const v = new LayerVariable(
      value,
      `${this.name}/${w.name}`,
      w.name,
      w.trainable ?? true,
      w.regularizer,
      w.constraint,
    );
    v.trainable = v.declaredTrainable && this.#trainable;
    this.#weights.push(v);
    return v;
  }

  /** Gives the layer random numbers of its own, which follow from the seed; for constructors. */
  protected useSeed(seed: number | null | undefined): void {
    if (seed !== undefined && seed !== null) this.#random = randomState(seed, `${this.name}/seed_generator`);
  }
  /** Runs `f` on the layer's own random numbers where it has a seed, else on everybody's. */
  protected randomly<T>(f: () => T): T {
    return drawFrom(this.#random, f);
  }
  /** States of random numbers of this layer and those inside: no weights, but kept where training goes on later. */
  get randomVariables(): Variable[] {
    return unique([...(this.#random ? [this.#random] : []), ...this.sublayers().flatMap((l) => l.randomVariables)]);
  }

  /** The layer's own weights, without those of layers inside. */
  get ownWeights(): readonly Variable[] {
    const kept = Object.values(this).filter(
      (x) => x instanceof Variable && !this.#weights.includes(x as LayerVariable),
    );
    return [...this.#weights, ...(kept as Variable[])];
  }

  /** All weights: each layer's trained ones, then its others, as Keras orders them. */
  get weights(): Variable[] {
    const own = this.ownWeights;
    const all = [...own.filter(isDeclared), ...own.filter((w) => !isDeclared(w))];
    return unique([...all, ...this.sublayers().flatMap((l) => l.weights)]);
  }
  /** The weights that training changes; none while the layer is frozen. */
  get trainableWeights(): Variable[] {
    if (!this.#trainable) return [];
    return unique([...this.ownWeights.filter(isDeclared), ...this.sublayers().flatMap((l) => l.trainableWeights)]);
  }
  /** The weights that training leaves. */
  get nonTrainableWeights(): Variable[] {
    const trained = new Set(this.trainableWeights);
    return this.weights.filter((w) => !trained.has(w));
  }

  /** Whether training changes the weights; setting it sets it for all layers inside as well. */
  get trainable(): boolean {
    return this.#trainable;
  }
  set trainable(x: boolean) {
    this.#trainable = x;
    for (const w of this.ownWeights) w.trainable = isDeclared(w) && x;
    for (const l of this.sublayers()) l.trainable = x;
  }

  /** Values of the weights. */
  getWeights(trainableOnly = false): Tensor[] {
    return (trainableOnly ? this.trainableWeights : this.weights).map((w) => outside(() => w.read()));
  }

  /** Gives the weights values, in the order of `getWeights`. Throws ArgumentError or ShapeError, and changes nothing, where they do not fit. */
  setWeights(weights: readonly TensorLike[]): void {
    const mine = this.weights;
    const op = `${this.name}.setWeights`;
    const names = mine.map((w) => `${w.name} ${shapeText(w.shape)}`).join(', ');
    if (!Array.isArray(weights) || weights.length !== mine.length)
      throw new ArgumentError(
        `takes ${mine.length} tensor(s) (${names || 'there are no weights'}), got ${Array.isArray(weights) ? weights.length : valueText(weights)}`,
        {
          op,
          fix: this.built ? 'give them in the order of getWeights()' : 'build the model first: it has no weights yet',
        },
      );
    const values = weights.map((x, i) => outside(() => toTensor(x, `weights[${i}]`, op, mine[i].type.dtype)));
    values.forEach((t, i) => {
      if (t.rank !== mine[i].rank || t.shape.some((d, k) => d !== mine[i].shape[k]))
        throw new ShapeError(
          `'${mine[i].name}' has shape ${shapeText(mine[i].shape)}, weights[${i}] ${shapeText(t.shape)}`,
          {
            op,
            fix: 'the weights must come from a model of the same shapes',
          },
        );
    });
    outside(() => values.forEach((t, i) => void mine[i].assign(t.cast(mine[i].dtype))));
  }

  /** Number of single weights. Throws ArgumentError before there are any. */
  countParams(): number {
    if (!this.built)
      throw new ArgumentError('the weights are made when the shape of the input is known', {
        op: `${this.name}.countParams`,
        fix: 'give inputShape, call build(inputShape), or use the layer first',
      });
    return this.weights.reduce((n, w) => n + w.size, 0);
  }

  // ---- losses of the layer's own

  /**
   * Adds to the loss of what the layer is a part of: a tensor for this call (in `call`), or a function
   * of the weights for every step.
   */
  addLoss(losses: OneOrMany<Tensor | LossFunction>): void {
    for (const x of toList(losses)) {
      if (typeof x === 'function') this.#lossFunctions.push(x);
      else callLosses()?.push(x);
    }
  }

  /** Losses of weights: regularizers and functions given to `addLoss`, also of layers inside. */
  get lossFunctions(): LossFunction[] {
    const own = this.#weights.flatMap((w) => (w.penalty && w.trainable ? [w.penalty] : []));
    // A layer may be reached on several ways: in a nested model, and beside it.
    return unique([...own, ...this.#lossFunctions, ...this.sublayers().flatMap((l) => l.lossFunctions)]);
  }
  /** Present values of the losses of weights. */
  get losses(): Tensor[] {
    return this.lossFunctions.map((f) => f());
  }

  /** Forgets what is carried from batch to batch. */
  resetStates(): void {
    for (const l of this.sublayers()) l.resetStates();
  }
}

/** Whether Variables that layers keep in properties were trainable when they were first seen. */
const declared = new WeakMap<Variable, boolean>();

/** Whether a weight is trained while its layer is not frozen. */
function isDeclared(w: Variable): boolean {
  if (w instanceof LayerVariable) return w.declaredTrainable;
  const known = declared.get(w) ?? w.trainable;
  declared.set(w, known);
  return known;
}
const unique = <T>(list: T[]): T[] => [...new Set(list)];
