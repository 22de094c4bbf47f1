// Graph models as TensorFlow.js has them.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import {
  type GraphInputs,
  GraphModel,
  type GraphModelParts,
  type GraphResult,
  type TensorInfo,
} from '../formats/graph-model.ts';
import { makeTensor, type TensorLike } from '../trace/convert.ts';
import { publicDType } from '../trace/dtypes.ts';
import { Tensor } from '../trace/tensor.ts';
import type { TensorMap } from '../trace/types.ts';
import { tfType } from './dtypes.ts';
import { valueName } from './graph.ts';
import type { Message } from './messages.ts';
import type { ModelGraph } from './model-graph.ts';
import { partialShape } from './shapes.ts';

/** An input or output of a signature: under which name it is known, and which value it is. */
export interface Port {
  readonly key: string;
  /** 'node:0'. */
  readonly value: string;
  readonly info: TensorInfo;
}

/** Inputs and outputs under names, and what they are for: 'tensorflow/serving/predict', …/classify or …/regress. */
export interface SignatureInfo {
  readonly method: string;
  readonly inputs: Record<string, TensorInfo>;
  readonly outputs: Record<string, TensorInfo>;
}

/** The name of a value as TensorFlow.js shows it: without ':0'. */
export const shortName = (value: string): string => value.replace(/:0$/, '');

/** What a file says of a value. */
export function infoOf(p: Message<'TensorInfo'>, name: string, op: string): TensorInfo {
  const dtype = p.dtype ? tfType(p.dtype, op).dtype : undefined;
  return {
    name,
    dtype: dtype && publicDType(dtype),
    shape: p.tensor_shape ? (partialShape(p.tensor_shape, op) ?? undefined) : undefined,
  };
}

/** What a graph model is made of beside its graph. */
export interface TensorFlowModelParts {
  readonly name: string;
  readonly graph: ModelGraph;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly version: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** When `predict` gives the outputs by name: never, always, or where the inputs are given so (SavedModels). */
  readonly structured: 'never' | 'always' | 'as inputs';
  readonly method: string;
  readonly op: string;
}

function partsOf(p: TensorFlowModelParts): GraphModelParts {
  const { graph } = p;
  for (const { key, value } of [...p.inputs, ...p.outputs]) graph.aliases.set(key, value);
  const fed = [...p.inputs.map((x) => x.value), ...graph.given.keys()];
  const nodes = graph.reachable(
    p.outputs.map((x) => x.value),
    fed,
  );
  graph.checkSupported(nodes);
  const dynamic = nodes.some((n) => !n.flow && !graph.runtime.isFunction(n.op) && graph.runtime.operator(n).dynamic);
  return {
    name: p.name,
    graph,
    inputs: p.inputs.map((x) => x.info),
    outputs: p.outputs.map((x) => x.info),
    weights: p.weights,
    version: p.version,
    metadata: p.metadata,
    dynamic,
  };
}

/**
 * A model that TensorFlow's graph describes: TensorFlow.js's `GraphModel`. Inputs and outputs are known by the names of
 * nodes ('input', 'input:0') and by those of the signature.
 */
export class TensorFlowGraphModel extends GraphModel {
  readonly #graph: ModelGraph;
  readonly #inputs: readonly Port[];
  readonly #outputs: readonly Port[];
  readonly #structured: TensorFlowModelParts['structured'];
  readonly #method: string;
  /** Where it was loaded from. */
  modelUrl: unknown;

  /** Made by `tf.loadGraphModel` and `tf.loadSavedModel`. */
  constructor(p: TensorFlowModelParts) {
    super(partsOf(p));
    this.#graph = p.graph;
    this.#inputs = p.inputs;
    this.#outputs = p.outputs;
    this.#structured = p.structured;
    this.#method = p.method;
  }

  /** Names of the inputs: of the signature, where there is one. */
  override get inputNodes(): string[] {
    return this.#inputs.map((x) => x.key);
  }
  override get outputNodes(): string[] {
    return this.#outputs.map((x) => x.key);
  }
  /** Inputs and outputs by the signature's names, and what it is for. */
  override get signature(): SignatureInfo {
    const byKey = (ports: readonly Port[]) => Object.fromEntries(ports.map((x) => [x.key, x.info]));
    return { method: this.#method, inputs: byKey(this.#inputs), outputs: byKey(this.#outputs) };
  }

  /**
   * As `GraphModel.predict`. By name (a map) where the model was saved with structured outputs, and where a SavedModel gets
   * its inputs by name, as in tfjs-node.
   */
  override predict(inputs: GraphInputs): Tensor | Tensor[] {
    const out = this.execute(inputs);
    const byName = this.#structured === 'as inputs' ? this.#named(inputs) !== undefined : this.#structured === 'always';
    if (!byName) return out;
    const list = out instanceof Tensor ? [out] : out;
    return Object.fromEntries(this.outputNodes.map((k, i) => [k, list[i]])) as TensorMap as unknown as Tensor;
  }

  /**
   * Values of the graph by name, from inputs by name, which may be any values of the graph: 'node', 'node:1', or a name of
   * the signature. One tensor for one name, else a list. Only what they need runs. Errors as `predict`.
   */
  override execute(inputs: GraphInputs, outputs?: string | readonly string[]): Tensor | Tensor[] {
    const feeds = this.#feeds(inputs);
    const out = feeds ? this.#fed(feeds, outputs ?? this.outputNodes) : super.execute(this.#renamed(inputs), outputs);
    return Array.isArray(out) && out.length === 1 ? out[0] : out;
  }
  override async executeAsync(inputs: GraphInputs, outputs?: string | readonly string[]): Promise<Tensor | Tensor[]> {
    return this.execute(inputs, outputs);
  }

  /** Whether inputs are given by name. */
  #named(inputs: GraphInputs): Record<string, TensorLike> | undefined {
    const plain =
      typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs) && !ArrayBuffer.isView(inputs);
    return plain && !(inputs instanceof Tensor) ? (inputs as Record<string, TensorLike>) : undefined;
  }
  #portOf(name: string): Port | undefined {
    const value = this.#graph.valueOf(name);
    return this.#inputs.find((x) => x.key === name || x.value === value);
  }

  /** Inputs under the names that the model has for them. */
  #renamed(inputs: GraphInputs): GraphInputs {
    const named = this.#named(inputs);
    if (!named) return inputs;
    return Object.fromEntries(Object.entries(named).map(([k, x]) => [this.#portOf(k)?.key ?? k, x]));
  }

  /** Values by name where some are not the model's inputs, or some of these have defaults. */
  #feeds(inputs: GraphInputs): Record<string, TensorLike> | undefined {
    const named = this.#named(inputs);
    if (!named) return undefined;
    const other = Object.keys(named).find((k) => !this.#portOf(k));
    const left = this.#inputs.filter((x) => !Object.keys(named).some((k) => this.#portOf(k) === x));
    const optional = left.length > 0 && left.every((x) => this.#graph.hasDefault(x.value));
    if (other === undefined) return optional ? named : undefined;
    if (!this.#graph.has(other))
      throw new ArgumentError(`there is no value ${valueText(other)} in the graph`, {
        op: 'execute',
        fix: `the inputs are ${this.inputNodes.join(', ') || 'none'}`,
      });
    return named;
  }
  #fed(feeds: Record<string, TensorLike>, outputs: string | readonly string[]): Tensor[] {
    const values = new Map<string, GraphResult>(
      Object.entries(feeds).map(([k, x]) => [
        k,
        x instanceof Tensor ? x : makeTensor(x, undefined, undefined, 'execute'),
      ]),
    );
    const names = typeof outputs === 'string' ? [outputs] : outputs;
    const bad = names.find((n) => !this.#graph.has(n));
    if (bad !== undefined)
      throw new ArgumentError(`there is no value ${valueText(bad)} in the graph`, {
        op: 'execute',
        fix: 'see model.outputNodes',
      });
    return this.#graph.run(values, names) as Tensor[];
  }
}

/** The port of a value of the graph. */
export const portOf = (key: string, info: TensorInfo, value: string): Port => ({ key, value: valueName(value), info });
