// A loaded graph as a model: TensorFlow.js's GraphModel, for graphs of every format.

import { ArgumentError, DTypeError, ShapeError, valueText } from '../../ir/errors.ts';
import { context } from '../trace/context.ts';
import { type TensorLike, toTensor } from '../trace/convert.ts';
import { type DataType, irDType } from '../trace/dtypes.ts';
import { func } from '../trace/func.ts';
import { Tensor } from '../trace/tensor.ts';
import type { TensorMap } from '../trace/types.ts';
import { Variable } from '../trace/variable.ts';
import { NotStaticError } from './graph-function.ts';

/** An input or output of a model. */
export interface TensorInfo {
  readonly name: string;
  /** Undefined where the file does not say. */
  readonly dtype: DataType | undefined;
  /** Sizes of the axes, null for any; undefined where not even the rank is known. */
  readonly shape: readonly (number | null)[] | undefined;
}

/** What one run gives: tensors, or lists of them where the graph has such values. */
export type GraphResult = Tensor | readonly Tensor[];

/** A graph that a model runs. */
export interface RunnableGraph {
  /** Values by name from inputs by name. */
  run(inputs: ReadonlyMap<string, GraphResult>, outputs: readonly string[]): GraphResult[];
  /** Whether a name is a value of the graph. */
  has(name: string): boolean;
  /** Forgets what it has computed of constants. */
  forget(): void;
}

/** What a model is made of. */
export interface GraphModelParts {
  readonly name: string;
  readonly graph: RunnableGraph;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Constants of the file by name; Variables where they are trained. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Version of the model, as its file says. */
  readonly version: string;
  /** What else the file says of itself. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Whether shapes depend on elements, so that it runs node by node only. */
  readonly dynamic: boolean;
}

/** One tensor, a list in the order of `model.inputs`, or tensors by name. */
export type GraphInputs = TensorLike | readonly TensorLike[] | Readonly<Record<string, TensorLike>>;

/**
 * A model read from a file of another system: a function from its inputs to its outputs. It can be called in `tf.func`,
 * `tf.compile` and under a GradientTape; by itself (`predict`, `execute`) it is compiled once for each shape of its inputs.
 */
export class GraphModel {
  readonly name: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** As the file says. */
  readonly modelVersion: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly #parts: GraphModelParts;
  readonly #compiled;
  /** Whether it runs node by node. */
  #eager: boolean;
  #disposed = false;

  /** Made by the functions that read files. */
  constructor(parts: GraphModelParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.inputs = parts.inputs;
    this.outputs = parts.outputs;
    this.modelVersion = parts.version;
    this.metadata = parts.metadata;
    this.#eager = parts.dynamic;
    const compiled = (outputs: readonly string[], given: readonly Tensor[]) => this.#run(given, outputs);
    this.#compiled = func(compiled, { name: parts.name || 'model', warnOfRetracing: false });
  }

  /** Inputs and outputs by name. */
  get signature(): { inputs: Record<string, TensorInfo>; outputs: Record<string, TensorInfo> } {
    const byName = (list: readonly TensorInfo[]) => Object.fromEntries(list.map((t) => [t.name, t]));
    return { inputs: byName(this.inputs), outputs: byName(this.outputs) };
  }
  /** As `signature`: TensorFlow.js's name. */
  get modelSignature(): { inputs: Record<string, TensorInfo>; outputs: Record<string, TensorInfo> } {
    return this.signature;
  }
  get inputNodes(): string[] {
    return this.inputs.map((t) => t.name);
  }
  get outputNodes(): string[] {
    return this.outputs.map((t) => t.name);
  }
  /** The constants of the file by name, each as a list of one tensor, as TensorFlow.js has it. */
  get weights(): Record<string, Tensor[]> {
    return Object.fromEntries([...this.#parts.weights].map(([name, t]) => [name, [t]]));
  }
  /** The Variables that training changes: those of a model that was read with `trainable`. */
  get trainableWeights(): Variable[] {
    return [...this.#parts.weights.values()].filter((t): t is Variable => t instanceof Variable && t.trainable);
  }

  /**
   * The outputs: one tensor where there is one output, else a list in the order of `outputs`. Compiled once for each
   * shape of the inputs; a model whose shapes depend on elements runs node by node.
   * Throws ArgumentError, ShapeError and DTypeError for inputs that do not fit, ArgumentError after `dispose`.
   */
  predict(inputs: GraphInputs): Tensor | Tensor[] {
    return this.execute(inputs);
  }
  /** As `predict`. */
  async predictAsync(inputs: GraphInputs): Promise<Tensor | Tensor[]> {
    return this.execute(inputs);
  }
  /** As `execute`. */
  async executeAsync(inputs: GraphInputs, outputs?: string | readonly string[]): Promise<Tensor | Tensor[]> {
    return this.execute(inputs, outputs);
  }

  /**
   * Values of the graph by name: one tensor for a name, a list for a list. Only what they need runs.
   * @param outputs by default the model's outputs
   */
  execute(inputs: GraphInputs, outputs?: string | readonly string[]): Tensor | Tensor[] {
    const names = this.#names(outputs);
    const given = this.#bind(inputs, 'execute');
    const out = this.#tensors(given, names);
    const one = typeof outputs === 'string' || (outputs === undefined && names.length === 1);
    return (one ? out[0] : out) as Tensor | Tensor[];
  }

  #tensors(given: readonly Tensor[], names: readonly string[]): GraphResult[] {
    if (this.#eager || context.trace) return this.#run(given, names);
    try {
      return this.#compiled(names, given);
    } catch (e) {
      if (!(e instanceof NotStaticError)) throw e;
      this.#eager = true;
      return this.#run(given, names);
    }
  }

  /** The outputs by name, of inputs by name. Errors as `predict`. */
  predictNamed(inputs: Readonly<Record<string, TensorLike>>): TensorMap {
    const out = this.#tensors(this.#bind(inputs, 'predict'), this.outputNodes);
    return Object.fromEntries(this.outputNodes.map((n, i) => [n, out[i] as Tensor]));
  }

  /**
   * The model as a function of tensors in the order of `inputs`, for functions that are traced and for tapes. Never
   * compiled by itself. Errors as `predict`.
   */
  call(...inputs: TensorLike[]): Tensor | Tensor[] {
    const out = this.#run(this.#bind(inputs, 'call'), this.outputNodes);
    return (out.length === 1 ? out[0] : out) as Tensor | Tensor[];
  }
  /** What `tf.compile` compiles. */
  asFunction(): (...inputs: Tensor[]) => Tensor | Tensor[] {
    return (...inputs) => this.call(...inputs);
  }

  /** Gives the weights' memory on the device back. The model cannot be used afterwards. */
  dispose(): void {
    this.#disposed = true;
    for (const t of this.#parts.weights.values()) t.dispose();
    this.#parts.graph.forget();
  }

  #run(given: readonly Tensor[], outputs: readonly string[]): GraphResult[] {
    return this.#parts.graph.run(new Map(this.inputs.map((t, i) => [t.name, given[i]])), outputs);
  }

  #names(outputs: string | readonly string[] | undefined): readonly string[] {
    if (outputs === undefined) return this.outputNodes;
    const names = typeof outputs === 'string' ? [outputs] : outputs;
    if (!Array.isArray(names))
      throw new ArgumentError(`outputs must be a name or a list of names, not ${valueText(outputs)}`, {
        op: 'execute',
      });
    const bad = names.find((n) => typeof n !== 'string' || !this.#parts.graph.has(n));
    if (bad !== undefined)
      throw new ArgumentError(`there is no value ${valueText(bad)} in the graph`, {
        op: 'execute',
        fix: `the outputs are ${this.outputNodes.join(', ')}`,
      });
    return names;
  }

  /** Inputs as a list in the order of `inputs`, checked. */
  #bind(inputs: GraphInputs, op: string): Tensor[] {
    if (this.#disposed) throw new ArgumentError('the model was disposed of', { op, fix: 'load it again' });
    const list = this.#list(inputs, op);
    if (list.length !== this.inputs.length)
      throw new ArgumentError(
        `takes ${this.inputs.length} input(s) (${this.inputNodes.join(', ')}), got ${list.length}`,
        {
          op,
          fix: 'give one tensor for each entry of model.inputs',
        },
      );
    return list.map((x, i) => checked(x, this.inputs[i], op));
  }

  #list(inputs: GraphInputs, op: string): readonly TensorLike[] {
    if (inputs instanceof Tensor || typeof inputs === 'number' || ArrayBuffer.isView(inputs))
      return [inputs as TensorLike];
    if (Array.isArray(inputs)) {
      // Plain nested numbers are one input's data.
      const plain = this.inputs.length === 1 && !inputs.some((x) => x instanceof Tensor || ArrayBuffer.isView(x));
      return plain && inputs.length > 0 ? [inputs as TensorLike] : (inputs as readonly TensorLike[]);
    }
    if (typeof inputs !== 'object' || inputs === null)
      throw new ArgumentError(`inputs must be tensors, not ${valueText(inputs)}`, {
        op,
        fix: 'give a tensor, a list of tensors, or tensors by name',
      });
    const named = inputs as Readonly<Record<string, TensorLike>>;
    const extra = Object.keys(named).find((n) => !this.inputNodes.includes(n));
    const missing = this.inputNodes.find((n) => !Object.hasOwn(named, n));
    if (extra !== undefined || missing !== undefined)
      throw new ArgumentError(
        extra === undefined ? `the input '${missing}' is missing` : `there is no input '${extra}'`,
        { op, fix: `the inputs are ${this.inputNodes.join(', ') || 'none'}` },
      );
    return this.inputNodes.map((n) => named[n]);
  }
}

/** An input as a tensor of its dtype and shape. */
function checked(x: TensorLike, info: TensorInfo, op: string): Tensor {
  const { name, shape, dtype } = info;
  const t = toTensor(x, name, op, dtype && irDType(dtype, op));
  if (dtype && t.dtype !== dtype)
    throw new DTypeError(`the input '${name}' is ${dtype}, got ${t.dtype}`, { op, fix: `cast it: x.cast('${dtype}')` });
  const fits = !shape || (shape.length === t.rank && shape.every((d, i) => d === null || d === t.shape[i]));
  if (!fits)
    throw new ShapeError(`the input '${name}' has shape [${shape.map((d) => d ?? 'any')}], got [${t.shape}]`, {
      op,
      fix: 'reshape it, or give data of that shape',
    });
  return t;
}
