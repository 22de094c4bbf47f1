// A model: layers from inputs to outputs (functional), or a `call` of one's own (subclassed), with what
// trains and uses it.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { Dataset } from '../../data/dataset.ts';
import type { FileLike } from '../../io/tensor-files.ts';
import type { IOHandler, NamedTensorMap, SaveResult } from '../../io/types.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import type { Optimizer } from '../../train/optimizer.ts';
import type { History } from '../callbacks/history.ts';
import type { SaveOptions } from '../saving/layers-artifacts.ts';
import { KerasWriter } from '../saving/to-keras.ts';
import type { LoadWeightsOptions } from '../saving/weight-files.ts';
import { type CompileArgs, Compiled } from '../training/compile.ts';
import {
  type EvaluateArgs,
  type EvaluateDatasetArgs,
  evaluate,
  evaluateDataset,
  type PredictArgs,
  predict,
} from '../training/evaluate.ts';
import { type FitArgs, type FitDatasetArgs, fitDataset, fit as fitModel } from '../training/fit.ts';
import { type Executables, executablesOf } from '../training/step.ts';
import { functionalConfig, functionalFrom } from './functional-config.ts';
import type { OutputSpec } from './infer-shape.ts';
import type { InputLayer } from './input-layer.ts';
import { type Kwargs, Layer } from './layer.ts';
import { inputTensors, type ModelInputs } from './model-inputs.ts';
import { didYouMean } from './names.ts';
import { type Config, isRegistered, type SerializableClass } from './serialize.ts';
import { summary } from './summary.ts';
import {
  fromList,
  type OneOrMany,
  type Output,
  type Shape,
  type SymbolicTensor,
  shapeList,
  toList,
} from './symbolic.ts';
import { Topology } from './topology.ts';

export type { ModelInputs };

export interface ModelArgs {
  /** Symbolic tensors from `tf.input`. Without inputs and outputs, a subclass defines `call`. */
  inputs?: OneOrMany<SymbolicTensor>;
  outputs?: OneOrMany<SymbolicTensor>;
  name?: string;
  trainable?: boolean;
}

/**
 * A model. Made by `tf.model({inputs, outputs})`, `tf.sequential`, or as a subclass whose `call` uses the
 * layers that it keeps in properties. It is a layer itself.
 */
export class LayersModel extends Layer {
  static readonly className: string = 'Model';
  #topology: Topology | undefined;
  /** Set by a callback or by anybody: `fit` ends after the present batch. */
  stopTraining = false;
  /** What the last `fit` recorded. */
  history: History | undefined;
  #compiled: Compiled | undefined;
  readonly #executables: Executables;

  constructor(args: ModelArgs = {}) {
    const { inputs, outputs, ...rest } = args ?? {};
    super(rest, ['inputs', 'outputs']);
    this.#executables = executablesOf(this);
    if ((inputs === undefined) !== (outputs === undefined))
      throw new ArgumentError(`${inputs === undefined ? 'inputs' : 'outputs'} are missing`, {
        op: 'model',
        fix: 'give {inputs, outputs}; a subclass with a call of its own gives neither',
      });
    if (inputs !== undefined && outputs !== undefined) this.connect(toList(inputs), toList(outputs));
    this.supportsMasking = true;
  }

  /** Makes the model the one from these inputs to these outputs. */
  protected connect(inputs: SymbolicTensor[], outputs: SymbolicTensor[]): void {
    this.#topology = new Topology(inputs, outputs, this.name);
    this.built = true;
    this.#changed();
  }
  protected disconnect(): void {
    this.#topology = undefined;
    this.built = false;
    this.#changed();
  }
  #changed(): void {
    this.#executables.reset();
    this.#compiled?.forget();
  }

  /** The graph of layers; undefined for a subclassed model and for a Sequential without a shape so far. */
  get topology(): Topology | undefined {
    return this.#topology;
  }

  // ---- structure

  /** The layers: those farthest from the outputs first. */
  get layers(): Layer[] {
    return this.sublayers();
  }
  override sublayers(): Layer[] {
    return this.#topology ? [...this.#topology.layers] : super.sublayers();
  }
  get inputs(): SymbolicTensor[] {
    return [...this.#known().inputs];
  }
  get outputs(): SymbolicTensor[] {
    return [...this.#known().outputs];
  }
  get inputLayers(): InputLayer[] {
    return this.inputs.map((s) => s.sourceLayer as InputLayer);
  }
  get inputNames(): string[] {
    return this.#topology ? this.inputs.map((s) => s.sourceLayer.name) : [];
  }
  get outputNames(): string[] {
    return this.#topology ? uniqueNames(this.outputs.map((s) => s.sourceLayer.name)) : [];
  }
  override get input(): Output<SymbolicTensor> {
    return fromList(this.inputs);
  }
  override get output(): Output<SymbolicTensor> {
    return fromList(this.outputs);
  }
  get inputShape(): Shape | Shape[] {
    return fromList(this.inputs.map((s) => s.shape));
  }
  override get outputShape(): Shape | Shape[] {
    return fromList(this.outputs.map((s) => s.shape));
  }

  #known(): Topology {
    if (this.#topology) return this.#topology;
    throw new ArgumentError('the model has no symbolic inputs and outputs', {
      op: this.name,
      fix: 'a Sequential has them once its first layer has an inputShape or it was built; a subclassed model has none',
    });
  }

  /**
   * The layer of that name, or number `index`. Throws ArgumentError where there is none.
   */
  getLayer(name: string): Layer;
  getLayer(index: number): Layer;
  getLayer(name: string | null | undefined, index: number): Layer;
  getLayer(nameOrIndex: string | number | null | undefined, index?: number): Layer {
    const { layers } = this;
    const key = nameOrIndex ?? index;
    const found = typeof key === 'number' ? layers[key] : layers.find((l) => l.name === key);
    if (found) return found;
    throw new ArgumentError(
      typeof key === 'number'
        ? `has ${layers.length} layers, there is no number ${key}`
        : `has no layer ${valueText(key)}`,
      {
        op: `${this.name}.getLayer`,
        fix: didYouMean(
          String(key),
          layers.map((l) => l.name),
        ),
      },
    );
  }

  // ---- as a layer

  override build(inputShape: Shape | Shape[]): void {
    this.buildFor(shapeList(inputShape).map((shape) => ({ shape, dtype: this.inputDType ?? this.dtype })));
  }
  /** Makes the weights for inputs of these shapes and dtypes. */
  buildFor(inputs: readonly OutputSpec[]): void {
    if (this.built) return;
    // The layers of a subclass make their weights while its call is traced.
    this.built = true;
    try {
      this.outputSpecs(inputs, {});
    } catch (e) {
      this.built = false;
      throw e;
    }
  }

  /** Computes the outputs of tensors for the inputs; subclasses define their own. */
  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor> {
    if (!this.#topology)
      throw new ArgumentError(`the class ${this.getClassName()} defines no call`, {
        op: this.name,
        fix: 'override call(inputs, {training}), or give {inputs, outputs} to the constructor',
      });
    const t = this.#topology;
    const values = toList(inputs).map((x, i) => x.cast(t.inputs[i].dtype));
    return fromList(t.run(values, kwargs));
  }

  override computeMask(): OneOrMany<Tensor | null> {
    return null;
  }

  override outputSpecs(inputs: readonly OutputSpec[], kwargs: Kwargs): OutputSpec[] {
    return this.#topology ? this.#topology.outputSpecs(inputs) : super.outputSpecs(inputs, kwargs);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape | Shape[] {
    if (!this.#topology) return super.computeOutputShape(inputShape);
    const specs = shapeList(inputShape).map((shape, i) => ({ shape, dtype: this.inputs[i]?.dtype ?? this.dtype }));
    return fromList(this.#topology.outputSpecs(specs).map((o) => o.shape));
  }

  /**
   * The tensors for the inputs in order. Throws ArgumentError for a wrong number or unknown names, ShapeError
   * for shapes that do not fit.
   * @param whole whether these are many samples, from which batches are cut: then a fixed size of the batch
   * must divide their number
   */
  standardizeInputs(given: ModelInputs, op: string, whole = false): Tensor[] {
    return inputTensors(given, {
      names: this.inputNames,
      symbols: this.#topology?.inputs,
      model: this.name,
      op,
      whole,
    });
  }

  // ---- training

  /**
   * Says how the model is trained: optimizer, loss, metrics. Names or objects, per output where there
   * are several. Weights that are trainable now are what training changes.
   * Throws ArgumentError for unknown names, with the nearest one.
   */
  compile(args: CompileArgs): void {
    this.#compiled = new Compiled(this, args);
    this.#executables.reset();
  }

  /** What `compile` was told. Throws ArgumentError before. */
  compiled(op: string): Compiled {
    if (this.#compiled) return this.#compiled;
    throw new ArgumentError('the model is not compiled', {
      op: `${this.name}.${op}`,
      fix: "call model.compile({optimizer: 'adam', loss: 'meanSquaredError'}) before",
    });
  }
  get isCompiled(): boolean {
    return this.#compiled !== undefined;
  }
  get optimizer(): Optimizer {
    return this.compiled('optimizer').optimizer;
  }
  set optimizer(x: Optimizer) {
    this.compiled('optimizer').optimizer = x;
    this.#executables.reset();
  }
  get loss(): CompileArgs['loss'] {
    return this.#compiled?.args.loss;
  }
  /** Prediction as a function of one tensor an input: what `tf.compile(model, {inputs})` compiles. */
  asFunction(): (...inputs: Tensor[]) => Tensor | Tensor[] {
    const predict = (...inputs: Tensor[]) =>
      this.apply(this.#topology ? inputs : fromList(inputs), { training: false });
    return Object.defineProperty(predict, 'name', { value: this.name });
  }
  /** One step of training as a function `(x, y, sampleWeights)` of arrays of tensors, which gives loss and metrics: for `tf.compile`. */
  trainFunction(): (x: Tensor[], y: (Tensor | null)[], w: (Tensor | null)[]) => Tensor {
    return this.#executables.trainFunction();
  }
  /** 'loss', then the metrics, in the order of what `evaluate` gives. */
  get metricsNames(): string[] {
    return this.compiled('metricsNames').names();
  }
  /** State of the running loss and metrics. */
  get metricsVariables(): Variable[] {
    return this.#compiled?.metricsVariables ?? [];
  }
  /** The compiled steps of this model. @internal */
  get executables(): Executables {
    return this.#executables;
  }

  /** Trains on tensors, a Dataset or a generator; see `FitArgs`. Rejects with what is wrong with the data, before anything has changed. */
  fit(
    x: ModelInputs | Dataset<unknown> | AsyncIterable<unknown>,
    y?: ModelInputs | FitDatasetArgs,
    args?: FitArgs,
  ): Promise<History> {
    return fitModel(this, x, y, args);
  }
  /** Trains on batches `{xs, ys}` or `[xs, ys]` of a Dataset or of anything that can be iterated. */
  fitDataset(
    dataset: Dataset<unknown> | AsyncIterable<unknown> | Iterable<unknown>,
    args: FitDatasetArgs,
  ): Promise<History> {
    return fitDataset(this, dataset, args);
  }
  /** Loss and metrics on tensors, each a scalar. */
  evaluate(x: ModelInputs, y: ModelInputs, args?: EvaluateArgs): Output<Tensor> {
    return evaluate(this, x, y, args);
  }
  /** Loss and metrics on batches of a Dataset. */
  evaluateDataset(
    dataset: Dataset<unknown> | AsyncIterable<unknown> | Iterable<unknown>,
    args?: EvaluateDatasetArgs,
  ): Promise<Output<Tensor>> {
    return evaluateDataset(this, dataset, args);
  }
  /** The outputs for inputs, computed in batches. */
  predict(x: ModelInputs, args?: PredictArgs): Output<Tensor> {
    return predict(this, x, args);
  }
  /** The outputs for one batch. */
  predictOnBatch(x: ModelInputs): Output<Tensor> {
    return fromList(this.#executables.predict(this.standardizeInputs(x, 'predictOnBatch')));
  }
  /** One step of training on one batch: its loss, or [loss, …metrics]. */
  trainOnBatch(
    x: ModelInputs,
    y: ModelInputs,
    sampleWeight?: ModelInputs | null,
    classWeight?: unknown,
  ): Promise<number | number[]> {
    return this.#executables.onBatch('train', x, y, sampleWeight, classWeight);
  }
  /** Loss and metrics of one batch. */
  testOnBatch(x: ModelInputs, y: ModelInputs, sampleWeight?: ModelInputs | null): Promise<number | number[]> {
    return this.#executables.onBatch('test', x, y, sampleWeight);
  }

  // ---- looks

  /** Prints the layers, shapes and numbers of weights as Keras does; `printFn` gets the lines. */
  summary(lineLength?: number, positions?: number[], printFn: (line: string) => void = console.log): void {
    summary(this, lineLength, positions, printFn);
  }

  /** The layers and how they are connected; subclasses with a call of their own override it. */
  override getConfig(): Config {
    return functionalConfig(this);
  }

  // ---- saving

  /**
   * Saves the model: into a folder ('file://…', TensorFlow.js's model.json with files of weights), a file by its
   * extension (`.keras`, `.h5`, `.sinterck`), another address of `tf.io`, or by a handler. What was there stays whole
   * until the new one is complete. Rejects with ArgumentError for a subclass without a getConfig and for unknown
   * addresses, DTypeError for weights of a dtype that the format does not have.
   */
  async save(target: string | IOHandler, options?: SaveOptions): Promise<SaveResult> {
    return (await import('../saving/save.ts')).saveModel(this, target, options);
  }
  /** Saves the weights alone, in the format of the path's extension: `.safetensors`, `.npz`, `.h5`, `.sinterck`. */
  async saveWeights(path: string): Promise<void> {
    return (await import('../saving/weight-files.ts')).saveWeights(this, path);
  }
  /**
   * Gives the weights those of a file (its path, address or bytes), or of tensors by name. Rejects with FormatError,
   * and changes nothing, where the file is damaged or of another model; see `LoadWeightsOptions`.
   */
  async loadWeights(weights: FileLike | NamedTensorMap, options?: LoadWeightsOptions | boolean): Promise<void> {
    return (await import('../saving/weight-files.ts')).loadWeights(this, weights, options);
  }
  /**
   * The architecture as JSON in Keras's spelling, as text, or with `returnString` false as an object. Throws
   * ArgumentError for layers that have no configuration.
   */
  toJSON(unused?: unknown, returnString?: true): string;
  toJSON(unused: unknown, returnString: false): object;
  toJSON(_unused?: unknown, returnString = true): string | object {
    const writer = new KerasWriter(2, isRegistered);
    const object = writer.object({ className: this.getClassName(), config: this.getConfig() }, 'layers');
    return returnString ? JSON.stringify(object) : object;
  }
  /** The architecture as YAML, in Keras's spelling. Errors as `toJSON`. */
  async toYAML(): Promise<string> {
    return (await import('../saving/yaml.ts')).formatYaml(this.toJSON(null, false));
  }

  static override fromConfig(cls: SerializableClass, config: Config): LayersModel {
    const args = 'layers' in config ? functionalFrom(config) : config;
    return new (cls as unknown as new (args: ModelArgs) => LayersModel)(args as ModelArgs);
  }
}

/** Names with a number added where one comes twice: a layer may give several outputs. */
function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((n) => {
    const k = seen.get(n) ?? 0;
    seen.set(n, k + 1);
    return k === 0 ? n : `${n}_${k}`;
  });
}
