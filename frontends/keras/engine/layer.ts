// The base of all layers: weights, the use on tensors and on symbolic tensors, masks, configuration.

import { ArgumentError, ShapeError, SinterError, valueText } from '../../../ir/errors.ts';
import { type TensorLike, toTensor } from '../../trace/convert.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { drawFrom, randomState } from '../../trace/generator.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { Variable } from '../../trace/variable.ts';
import type { Constraint } from '../constraints.ts';
import { getInitializer, type Initializer } from '../initializers.ts';
import { getRegularizer, type Regularizer } from '../regularizers.ts';
import { callLosses, callTraining, maskOf, setMask, withTraining } from './call-context.ts';
import { inferCall, type OutputSpec } from './infer-shape.ts';
import { assertCompatible, type InputSpec } from './input-spec.ts';
import { checkOptions, snakeCase, uniqueName } from './names.ts';
import {
  type Config,
  classNameOf,
  Serializable,
  type SerializableClass,
  type Serialized,
  serialize,
} from './serialize.ts';
import {
  fromList,
  Node,
  type OneOrMany,
  type Output,
  type Shape,
  SymbolicTensor,
  shapeList,
  shapeText,
  symbolicsIn,
  toList,
} from './symbolic.ts';
import { knownShape, LayerVariable, outside } from './weights.ts';

/** Named arguments of a call; `training` and `mask` are the ones all layers know. */
// biome-ignore lint/suspicious/noExplicitAny: each layer knows its own
export type Kwargs = { training?: boolean; mask?: any; [name: string]: any };

/** What all layers take. */
export interface LayerArgs {
  /** Shape of the input without the batch; makes a layer the first of a Sequential. */
  inputShape?: Shape;
  /** As `inputShape`, with the batch. */
  batchInputShape?: Shape;
  batchSize?: number;
  /** dtype of the weights and of what is computed; float32 by default. */
  dtype?: DataType;
  /** dtype of the input, where it is another one. */
  inputDType?: DataType;
  name?: string;
  trainable?: boolean;
  /** First values of the weights, in the order of `getWeights`. */
  weights?: Tensor[];
  /** A penalty on the output that is added to the loss, divided by the batch. */
  activityRegularizer?: Regularizer | Serialized | string | null;
}

/** Names of the options that all layers take. */
export const commonOptions: readonly string[] = [
  'inputShape',
  'batchInputShape',
  'batchSize',
  'dtype',
  'inputDType',
  'name',
  'trainable',
  'weights',
  'activityRegularizer',
];

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

/**
 * A function of tensors with weights. Subclasses override `build` (makes the weights), `call` (computes),
 * and where they can `computeOutputShape`, `computeMask`, `getConfig`. Layers and Variables that are kept
 * in properties belong to the layer, with their weights.
 */
export abstract class Layer extends Serializable {
  name: string;
  /** What the inputs must be like; null where anything goes. */
  inputSpec: (InputSpec | null)[] | null = null;
  /** Whether the layer takes masks and knows what becomes of them. */
  supportsMasking = false;
  built = false;
  readonly dtype: DataType;
  readonly inputDType: DataType | undefined;
  /** Shape of the input as it was given to the constructor, with the batch. */
  batchInputShape: Shape | undefined;
  /** Whether something is carried from one batch to the next. */
  stateful = false;
  activityRegularizer: Regularizer | null;
  /** First values of the weights, until they are there. */
  initialWeights: readonly Tensor[] | null;
  readonly inboundNodes: Node[] = [];
  readonly outboundNodes: Node[] = [];
  #trainable: boolean;
  readonly #weights: LayerVariable[] = [];
  readonly #lossFunctions: LossFunction[] = [];
  #random: Variable | undefined;
  #warnedMask = false;

  /**
   * @param known the options of the subclass: others are refused. Without it nothing is checked.
   */
  constructor(args: LayerArgs = {}, known?: readonly string[]) {
    super();
    const a = args ?? {};
    const op = snakeCase(this.getClassName());
    if (known) checkOptions(a, [...known, ...commonOptions], op);
    this.name = a.name ?? uniqueName(op);
    this.#trainable = a.trainable ?? true;
    this.dtype = a.dtype ?? 'float32';
    this.inputDType = a.inputDType;
    this.initialWeights = a.weights ?? null;
    this.activityRegularizer = getRegularizer(a.activityRegularizer ?? null);
    const shape = a.batchInputShape ?? (a.inputShape && [a.batchSize ?? null, ...checkInputShape(a.inputShape, op)]);
    if (shape) this.batchInputShape = [...checkInputShape(shape, op)];
  }

  // ---- what subclasses override

  /** Computes the outputs. In a model, `inputs` is an array, as in TensorFlow.js. */
  abstract call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor>;

  /** Makes the weights for inputs of these shapes. */
  build(_inputShape: Shape | Shape[]): void {
    this.built = true;
  }

  /** Shapes of the outputs for these inputs; found by tracing `call`, unless a layer knows better. */
  computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    const inputs = shapeList(inputShape).map((shape) => ({ shape, dtype: this.inputDType ?? this.dtype }));
    return fromList(this.#trace(inputs, {}).map((o) => o.shape));
  }

  /** dtype of the outputs for inputs of these dtypes. */
  outputDType(_inputs: readonly DataType[]): DataType {
    return this.dtype;
  }

  /** Mask of the outputs. Layers that do not support masks end them, with a warning. */
  computeMask(_inputs: OneOrMany<Tensor>, mask?: OneOrMany<Tensor | null> | null): OneOrMany<Tensor | null> {
    const given = toList(mask ?? null).some((m) => m !== null && m !== undefined);
    if (this.supportsMasking) return mask ?? null;
    if (given && !this.#warnedMask) {
      this.#warnedMask = true;
      console.warn(
        `sinter: the layer '${this.name}' (${this.getClassName()}) got an input with a mask and does not support masks: ` +
          'from there on all time steps count.',
      );
    }
    return null;
  }

  /** The options that make an equal layer, without its weights. */
  getConfig(): Config {
    const config: Config = { name: this.name, trainable: this.#trainable, dtype: this.dtype };
    if (this.batchInputShape) config.batchInputShape = this.batchInputShape;
    if (this.inputDType) config.inputDType = this.inputDType;
    if (this.activityRegularizer) config.activityRegularizer = { ...serialize(this.activityRegularizer) };
    return config;
  }

  /** Layers inside this one, in the order of its properties. */
  sublayers(): Layer[] {
    const found: Layer[] = [];
    const look = (x: unknown) => {
      if (x instanceof Layer) found.push(x);
      else if (Array.isArray(x)) for (const y of x) if (y instanceof Layer || Array.isArray(y)) look(y);
    };
    for (const [key, x] of Object.entries(this)) if (!key.endsWith('boundNodes')) look(x);
    return [...new Set(found)];
  }

  // ---- weights

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
    const value = outside(() => init.apply(size, w.dtype ?? this.dtype));
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
    const own = this.#weights.flatMap((w) => {
      const { regularizer } = w;
      return regularizer && w.trainable ? [() => regularizer.apply(w.read())] : [];
    });
    return [...own, ...this.#lossFunctions, ...this.sublayers().flatMap((l) => l.lossFunctions)];
  }
  /** Present values of the losses of weights. */
  get losses(): Tensor[] {
    return this.lossFunctions.map((f) => f());
  }

  /** Forgets what is carried from batch to batch. */
  resetStates(): void {
    for (const l of this.sublayers()) l.resetStates();
  }

  // ---- use

  /**
   * Applies the layer: to tensors, which computes, or to symbolic tensors, which draws a model. Makes the
   * weights at the first use. Throws ShapeError, naming the layer, where the inputs do not fit.
   */
  apply(inputs: OneOrMany<SymbolicTensor>, kwargs?: Kwargs): Output<SymbolicTensor>;
  apply(inputs: OneOrMany<Tensor>, kwargs?: Kwargs): Output<Tensor>;
  apply(
    inputs: OneOrMany<SymbolicTensor> | OneOrMany<Tensor>,
    kwargs?: Kwargs,
  ): Output<SymbolicTensor> | Output<Tensor>;
  apply(inputs: OneOrMany<SymbolicTensor | Tensor>, kwargs: Kwargs = {}): unknown {
    const list = toList(inputs);
    const symbols = [...list, ...symbolicsIn(kwargs)].filter((x) => x instanceof SymbolicTensor);
    if (symbols.length === 0) return this.#compute(inputs as OneOrMany<Tensor>, kwargs);
    const other = list.findIndex((x) => !(x instanceof SymbolicTensor));
    if (other >= 0)
      throw new ArgumentError(`input ${other} is ${valueText(list[other])}, another one is symbolic`, {
        op: this.name,
        fix: 'apply a layer either to tensors or to symbolic tensors (from tf.input and other layers)',
      });
    return this.#draw(inputs as OneOrMany<SymbolicTensor>, kwargs);
  }

  #draw(inputs: OneOrMany<SymbolicTensor>, kwargs: Kwargs): Output<SymbolicTensor> {
    const list = toList(inputs);
    const shapes = list.map((t) => t.shape);
    assertCompatible(this.inputSpec, shapes, this.label);
    const outputs = this.#named(shapes, () => {
      this.#ensureBuilt(fromList(shapes));
      return this.outputSpecs(list, kwargs);
    });
    const node = new Node(this, inputs, kwargs);
    node.outputs = outputs.map(
      (o, i) => new SymbolicTensor(o.shape, o.dtype, node, i, outputs.length > 1 ? `${this.name}_${i}` : this.name),
    );
    node.many = outputs.length > 1;
    return fromList(node.outputs);
  }

  /** Shapes and dtypes of the outputs for these inputs. */
  outputSpecs(inputs: readonly OutputSpec[], kwargs: Kwargs): OutputSpec[] {
    if (this.computeOutputShape === Layer.prototype.computeOutputShape) return this.#trace(inputs, kwargs);
    const shapes = inputs.map((t) => t.shape);
    const dtype = this.outputDType(inputs.map((t) => t.dtype));
    return shapeList(this.computeOutputShape(fromList(shapes))).map((shape) => ({ shape, dtype }));
  }

  #trace(inputs: readonly OutputSpec[], kwargs: Kwargs): OutputSpec[] {
    const given = inputs.map((t) => ({ shape: t.shape, dtype: t.dtype }));
    return inferCall(given, kwargs, (ts, kw) => this.#call(ts, kw));
  }

  #ensureBuilt(shape: Shape | Shape[]): void {
    if (this.built) return;
    outside(() => this.build(shape));
    this.built = true;
    if (this.initialWeights) {
      const first = this.initialWeights;
      this.initialWeights = null;
      this.setWeights(first);
    }
  }

  #compute(inputs: OneOrMany<Tensor>, kwargs: Kwargs): Output<Tensor> {
    const list = toList(inputs).map((x, i) => toTensor(x, `inputs[${i}]`, this.label));
    const shapes = list.map((t) => t.shape as Shape);
    assertCompatible(this.inputSpec, shapes, this.label);
    return this.#named(shapes, () => {
      this.#ensureBuilt(fromList(shapes));
      return this.#call(Array.isArray(inputs) ? list : list[0], kwargs) as Output<Tensor>;
    });
  }

  /** `call` with the training flag and the masks of the inputs; gives the outputs theirs. */
  #call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor> {
    const training = kwargs.training ?? callTraining();
    const list = toList(inputs);
    const carried = list.map(maskOf);
    const mask =
      kwargs.mask !== undefined ? kwargs.mask : carried.some((m) => m) ? fromList<Tensor | null>(carried) : null;
    const outputs = withTraining(training, () => this.#callOn(inputs, { ...kwargs, training, mask }));
    this.#addActivityLoss(outputs);
    const made = this.computeMask(inputs, mask);
    const outMasks = toList(made ?? null);
    const marked = toList(outputs).map((t, i) => {
      const m = outMasks.length === 1 ? outMasks[0] : (outMasks[i] ?? null);
      // The same tensor without its mask is another one.
      const own = !m && maskOf(t) && list.includes(t) ? t.clone() : t;
      if (m) setMask(own, m);
      return own;
    });
    return Array.isArray(outputs) ? marked : marked[0];
  }

  #callOn(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor> {
    try {
      return this.call(inputs, kwargs);
    } catch (e) {
      if (!(e instanceof TypeError) || !Array.isArray(inputs) || inputs.length !== 1) throw e;
      const error = new ArgumentError(`call failed: ${e.message}`, {
        op: this.label,
        fix: 'in a model, call gets an array, as in TensorFlow.js: const x = Array.isArray(inputs) ? inputs[0] : inputs',
      });
      error.cause = e;
      throw error;
    }
  }

  #addActivityLoss(outputs: OneOrMany<Tensor>): void {
    const { activityRegularizer } = this;
    const losses = callLosses();
    if (!activityRegularizer || !losses) return;
    for (const t of toList(outputs)) losses.push(activityRegularizer.apply(t).div(Math.max(1, t.shape[0] ?? 1)));
  }

  /** The layer as errors name it. */
  get label(): string {
    return `layer '${this.name}' (${this.getClassName()})`;
  }

  /** Runs `f`; an error of an operation tells in which layer and for which inputs it happened. */
  #named<T>(shapes: readonly Shape[], f: () => T): T {
    try {
      return f();
    } catch (e) {
      if (e instanceof SinterError)
        addPlace(e, `${this.label}, inputs ${shapes.map(shapeText).join(', ')}`, this.label);
      throw e;
    }
  }

  // ---- the uses so far

  /** The input of the layer's only use. Throws ArgumentError where it was not used, or several times. */
  get input(): Output<SymbolicTensor> {
    return fromList([...toList(this.#onlyNode('input').given)]);
  }
  /** The output of the layer's only use. Errors as `input`. */
  get output(): Output<SymbolicTensor> {
    return fromList([...this.#onlyNode('output').outputs]);
  }
  /** Shapes of the output of the layer's uses, which must agree. Errors as `input`. */
  get outputShape(): Shape | Shape[] {
    const shapes = this.inboundNodes.map((n) => n.outputShapes);
    if (shapes.length === 0) this.#onlyNode('outputShape');
    const texts = new Set(shapes.map((s) => s.map(shapeText).join()));
    if (texts.size > 1)
      throw new ArgumentError(`is used ${shapes.length} times, with different output shapes`, {
        op: `${this.name}.outputShape`,
        fix: 'look at getOutputAt(i).shape',
      });
    return fromList(shapes[0]);
  }
  /** The input of the layer's use number `i`. */
  getInputAt(i: number): Output<SymbolicTensor> {
    return fromList([...toList(this.#nodeAt(i).given)]);
  }
  /** The output of the layer's use number `i`. */
  getOutputAt(i: number): Output<SymbolicTensor> {
    return fromList([...this.#nodeAt(i).outputs]);
  }
  #nodeAt(i: number): Node {
    const node = this.inboundNodes[i];
    if (!node)
      throw new ArgumentError(`has ${this.inboundNodes.length} use(s), there is no number ${i}`, {
        op: this.name,
        fix: 'the first use is number 0',
      });
    return node;
  }
  #onlyNode(what: string): Node {
    if (this.inboundNodes.length === 1) return this.inboundNodes[0];
    throw new ArgumentError(
      this.inboundNodes.length === 0
        ? 'has not been applied to a symbolic tensor so far'
        : `is used ${this.inboundNodes.length} times`,
      {
        op: `${this.name}.${what}`,
        fix:
          this.inboundNodes.length === 0
            ? 'apply it, or add it to a model with an inputShape'
            : 'use getInputAt(i) or getOutputAt(i)',
      },
    );
  }

  /** Does nothing: weights are garbage-collected. */
  dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    return { refCountAfterDispose: 0, numDisposedVariables: 0 };
  }
}

const isDeclared = (w: Variable): boolean => (w instanceof LayerVariable ? w.declaredTrainable : w.trainable);
const unique = <T>(list: T[]): T[] => [...new Set(list)];

function checkInputShape(shape: Shape, op: string): Shape {
  if (!Array.isArray(shape) || !shape.every((d) => d === null || (Number.isInteger(d) && (d as number) >= 0)))
    throw new ArgumentError(`inputShape must be an array of sizes, null where any will do, not ${valueText(shape)}`, {
      op,
      fix: 'such as inputShape: [28, 28, 1], without the batch',
    });
  return shape;
}

/** Says in an error in which layer it happened; the innermost layer counts. */
function addPlace(e: SinterError, place: string, label: string): void {
  const told = e as SinterError & { layer?: string };
  if (told.layer || e.message.includes(label)) return;
  told.layer = label;
  const old = e.message;
  e.message = `${old}\n  in: ${place}`;
  if (e.stack) e.stack = e.stack.replace(old, () => e.message);
}
