// Reads TensorFlow.js's graph models: model.json with a graph, and its weights.

import { ArgumentError, FormatError, valueText } from '../../ir/errors.ts';
import { isFloat } from '../../ir/types.ts';
import type { TensorInfo } from '../formats/graph-model.ts';
import { isObject } from '../io/format.ts';
import type { ModelArtifacts } from '../io/types.ts';
import { joinedData, tensorOfPart, type WeightPart, weightParts } from '../io/weights.ts';
import { publicDType } from '../trace/dtypes.ts';
import { Tensor } from '../trace/tensor.ts';
import { variable } from '../trace/variable.ts';
import type { TfGraph, TfNode } from './graph.ts';
import { valueName } from './graph.ts';
import { infoOf, type Port, portOf, shortName, TensorFlowGraphModel } from './graph-model.ts';
import { fromJson } from './json.ts';
import { decode, type Message } from './messages.ts';
import { ModelGraph } from './model-graph.ts';
import { Strings, type Value } from './values.ts';

/** Which weights become Variables: all floats that are no scalars, or those that a function chooses. */
export type Trainable = boolean | ((name: string, weight: Tensor) => boolean);

/** The strings of a weight: of each its length (uint32), then its bytes. */
function stringsOf({ spec, size, bytes }: WeightPart): Strings {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const elements = Array.from({ length: size }, () => {
    const n = view.getUint32(at, true);
    at += 4 + n;
    return bytes.subarray(at - n, at);
  });
  return new Strings(spec.shape, elements);
}

/** The weights by name. Throws FormatError where they are not as they are described. */
function weightsOf(artifacts: ModelArtifacts, trainable: Trainable, op: string): Map<string, Value> {
  const place = { op, file: 'the weights' };
  const { weightSpecs = [], weightData } = artifacts;
  if (!Array.isArray(weightSpecs))
    throw new FormatError(`weightSpecs are ${valueText(weightSpecs)}`, { op, fix: 'get the model again' });
  const bytes = weightData ? joinedData(weightData, op) : new Uint8Array(0);
  const wanted = (name: string, t: Tensor): boolean =>
    typeof trainable === 'function' ? trainable(name, t) : trainable && t.rank > 0 && isFloat(t.type.dtype);
  return new Map(
    weightParts(bytes, Array.from(weightSpecs), place).map((part): [string, Value] => {
      const { name } = part.spec;
      if (part.spec.dtype === 'string') return [name, stringsOf(part)];
      const t = tensorOfPart(part, place);
      return [name, t instanceof Tensor && wanted(name, t) ? variable(t, true, name) : t];
    }),
  );
}

/** The graph of a topology. */
function graphDef(topology: unknown, what: string, op: string): Message<'GraphDef'> {
  if (topology instanceof ArrayBuffer) return decode('GraphDef', new Uint8Array(topology), op);
  if (!isObject(topology) || !Array.isArray(topology.node))
    throw new FormatError(`${what} has no nodes: ${valueText(topology)}`, {
      op,
      fix: "give a graph model of TensorFlow.js (format 'graph-model'); layers models are read by tf.loadLayersModel",
    });
  return fromJson('GraphDef', topology, op);
}

/**
 * Placeholders, and nodes that nobody reads: the inputs and outputs of a graph without signature. Placeholders with defaults
 * need not be given.
 */
function endsOf(graph: TfGraph): { inputs: TfNode[]; outputs: TfNode[] } {
  const read = new Set(graph.nodes.flatMap((n) => n.inputs.map((x) => x.slice(0, x.lastIndexOf(':')))));
  const asked = new Set(['Placeholder', 'PlaceholderV2']);
  const silent = new Set([...asked, 'NoOp', 'Assert', 'Const']);
  return {
    inputs: graph.nodes.filter((n) => asked.has(n.op)),
    outputs: graph.nodes.filter((n) => !read.has(n.name) && !silent.has(n.op)),
  };
}

/** What a node says of its result. */
function nodeInfo(n: TfNode): TensorInfo {
  const dtype = n.attrs.has('dtype') ? n.attrs.typeName('dtype') : undefined;
  const known = dtype && !/STRING|RESOURCE|VARIANT/.test(dtype) ? publicDType(n.attrs.dtype('dtype')) : undefined;
  return { name: n.name, dtype: known === 'float64' ? 'float32' : known, shape: n.attrs.shape('shape') ?? undefined };
}

/** Inputs and outputs of a signature in JSON. */
interface Signature {
  readonly inputs: Port[];
  readonly outputs: Port[];
  /** Tables by the key of the input that takes them. */
  readonly resources: ReadonlyMap<string, number>;
}

function signatureOf(json: unknown, op: string): Signature | undefined {
  if (!isObject(json)) return undefined;
  const resources = new Map<string, number>();
  const ports = (side: unknown): Port[] => {
    if (side === undefined || side === null) return [];
    if (!isObject(side))
      throw new FormatError(`the signature has ${valueText(side)}`, { op, fix: 'get the model again' });
    return Object.entries(side).flatMap(([key, entry]) => {
      if (isObject(entry) && entry.resourceId !== undefined && entry.resourceId !== null) {
        resources.set(key, Number(entry.resourceId));
        if (entry.name === undefined) return [];
      }
      const info = fromJson('TensorInfo', entry, op);
      const value = valueName(info.name ?? key);
      const seen = infoOf(info, shortName(value), op);
      return [portOf(key, seen.dtype === 'float64' ? { ...seen, dtype: 'float32' } : seen, value)];
    });
  };
  return { inputs: ports(json.inputs), outputs: ports(json.outputs), resources };
}

/** Fills the tables of a model: its initializer is a graph of its own. */
function initialize(
  graph: ModelGraph,
  artifacts: ModelArtifacts,
  weights: ReadonlyMap<string, Value>,
  signature: Signature | undefined,
  op: string,
): void {
  if (!isObject(artifacts.modelInitializer)) return;
  const own = signatureOf(artifacts.initializerSignature, op);
  const wanted = own?.outputs.map((p) => p.value) ?? [];
  const init = new ModelGraph(graphDef(artifacts.modelInitializer, 'the initializer', op), {
    op,
    weights,
    float64: false,
    wanted,
  });
  const effects = init.graph.nodes.flatMap((n) => n.outputs.filter((x) => x.startsWith('^')));
  init.checkSupported(init.reachable(effects, []));
  init.checkBounded(init.graph.nodes);
  const made = init.values(new Map(), [...wanted, ...effects]);
  for (const [key, id] of signature?.resources ?? []) {
    const at = own?.outputs.findIndex((p) => own.resources.get(p.key) === id) ?? -1;
    const port = signature?.inputs.find((p) => p.key === key);
    if (at < 0 || !port)
      throw new FormatError(`the table of the input '${key}' is nowhere made`, { op, fix: 'get the model again' });
    graph.given.set(port.value, made[at]);
  }
}

/**
 * A model from its parts. Throws FormatError where they are damaged or of another format, and for operations that are
 * not supported.
 */
export function graphModelOf(artifacts: ModelArtifacts, trainable: Trainable, op: string): TensorFlowGraphModel {
  if (!isObject(artifacts))
    throw new ArgumentError(`takes the parts of a model, not ${valueText(artifacts)}`, {
      op,
      fix: 'give {modelTopology, weightSpecs, weightData}',
    });
  const user = isObject(artifacts.userDefinedMetadata) ? artifacts.userDefinedMetadata : {};
  const signature = signatureOf(user.signature ?? artifacts.signature, op);
  const weights = weightsOf(artifacts, trainable, op);
  const def = graphDef(artifacts.modelTopology, 'the model', op);
  const wanted = signature ? [...signature.inputs, ...signature.outputs].map((p) => p.value) : [];
  const graph = new ModelGraph(def, { op, weights, float64: false, wanted });
  initialize(graph, artifacts, weights, signature, op);
  const ends = endsOf(graph.graph);
  const ports = (nodes: readonly TfNode[]) => nodes.map((n) => portOf(n.name, nodeInfo(n), n.name));
  const inputs = signature?.inputs.length
    ? signature.inputs.filter((p) => !graph.given.has(p.value))
    : ports(ends.inputs);
  const outputs = signature?.outputs.length ? signature.outputs : ports(ends.outputs);
  for (const { key, value } of [...inputs, ...outputs])
    if (!graph.has(value))
      throw new FormatError(`the signature's '${key}' is '${value}', which the graph has not`, {
        op,
        fix: 'get the model again',
      });
  return new TensorFlowGraphModel({
    name: 'model',
    graph,
    inputs,
    outputs,
    weights: new Map([...weights].filter((e): e is [string, Tensor] => e[1] instanceof Tensor)),
    version: def.versions ? `${def.versions.producer ?? 0}.${def.versions.min_consumer ?? 0}` : '',
    metadata: user,
    structured: Array.isArray(user.structuredOutputKeys) ? 'always' : 'never',
    method: '',
    op,
  });
}
