// The base of all layers: weights, the use on tensors and on symbolic tensors, masks, configuration.

import { ArgumentError, SinterError, valueText } from '../../../ir/errors.ts';
import { toTensor } from '../../trace/convert.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { apply } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { getRegularizer, type Regularizer } from '../regularizers.ts';
import { callLosses, callTraining, maskOf, setMask, withTraining } from './call-context.ts';
import { inferCall, type OutputSpec } from './infer-shape.ts';
import { assertCompatible, type InputSpec } from './input-spec.ts';
import { checkOptions, snakeCase, uniqueName } from './names.ts';
import { type Config, classNameOf, type SerializableClass, type Serialized, serialize } from './serialize.ts';
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
import { Used } from './used.ts';
import { outside } from './weights.ts';

/** Named arguments of a call; `training` and `mask` are the ones all layers know. */
// biome-ignore lint/suspicious/noExplicitAny: each layer knows its own
export type Kwargs = { training?: boolean; mask?: any; [name: string]: any };

/** Told what a layer is called with. */
export type CallHook = (inputs: OneOrMany<Tensor>, kwargs: Kwargs) => void;

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

/**
 * A function of tensors with weights. Subclasses override `build` (makes the weights), `call` (computes),
 * and where they can `computeOutputShape`, `computeMask`, `getConfig`. Layers and Variables that are kept
 * in properties belong to the layer, with their weights.
 */
export abstract class Layer extends Used {
  /** What the inputs must be like; null where anything goes. */
  inputSpec: (InputSpec | null)[] | null = null;
  /** Whether the layer takes masks and knows what becomes of them. */
  supportsMasking = false;
  readonly inputDType: DataType | undefined;
  /** Shape of the input as it was given to the constructor, with the batch. */
  batchInputShape: Shape | undefined;
  /** Whether something is carried from one batch to the next. */
  stateful = false;
  activityRegularizer: Regularizer | null;
  #warnedMask = false;
  #callHook: CallHook | undefined;

  /**
   * @param known the options of the subclass: others are refused. Without it nothing is checked.
   */
  constructor(args: LayerArgs = {}, known?: readonly string[]) {
    const a = args ?? {};
    const op = snakeCase(classNameOf(new.target as unknown as SerializableClass));
    if (known) checkOptions(a, [...known, ...commonOptions], op);
    if (typeof (a.name ?? '') !== 'string')
      throw new ArgumentError(`the name must be text, not ${valueText(a.name)}`, {
        op,
        fix: "such as {name: 'hidden'}",
      });
    super(a.name ?? uniqueName(op), a.dtype ?? 'float32', a.trainable ?? true, a.weights ?? null);
    this.inputDType = a.inputDType;
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
    const config: Config = { name: this.name, trainable: this.trainable, dtype: this.dtype };
    if (this.batchInputShape) config.batchInputShape = this.batchInputShape;
    if (this.inputDType) config.inputDType = this.inputDType;
    if (this.activityRegularizer) config.activityRegularizer = { ...serialize(this.activityRegularizer) };
    return config;
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
      // An input that is given on with another mask, or without one, is another tensor.
      const own = list.includes(t) && maskOf(t) !== m ? apply('reshape', [t], { shape: t.shape }) : t;
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

  /** A function that `invokeCallHook` calls: for tests and tools that watch a layer, as in TensorFlow.js. */
  setCallHook(hook: CallHook): void {
    this.#callHook = hook;
  }
  clearCallHook(): void {
    this.#callHook = undefined;
  }
  /** Calls the hook where there is one; layers that allow to be watched do so at the beginning of `call`. */
  protected invokeCallHook(inputs: OneOrMany<Tensor>, kwargs: Kwargs): void {
    this.#callHook?.(inputs, kwargs);
  }

  /** Does nothing: weights are garbage-collected. */
  dispose(): { refCountAfterDispose: number; numDisposedVariables: number } {
    return { refCountAfterDispose: 0, numDisposedVariables: 0 };
  }
}

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
