// Reading ONNX models: files, addresses or bytes become a GraphModel.

import { ArgumentError, FormatError, valueText } from '../../ir/errors.ts';
import { GraphModel, type RunnableGraph, type TensorInfo } from '../formats/graph-model.ts';
import { decodeMessage } from '../formats/protobuf.ts';
import { ready } from '../trace/backend.ts';
import { publicDType } from '../trace/dtypes.ts';
import { Tensor } from '../trace/tensor.ts';
import { Variable } from '../trace/variable.ts';
import type { OnnxGraph, OnnxValue } from './call.ts';
import { elementTypes } from './dtypes.ts';
import { GraphReader, versionsOf } from './graph.ts';
import { type Message, schema } from './schema.ts';
import { type OnnxSource, readSource } from './source.ts';

const op = 'loadOnnx';

/** How a model is read. */
export interface LoadOnnxOptions {
  /**
   * Makes float weights Variables, which optimizers and `variableGrads` change: all, or those of these names. What shapes
   * are made of, and the statistics of BatchNormalization, are not trained.
   */
  readonly trainable?: boolean | ((name: string) => boolean);
  /** Bytes of files beside the model, by the names that the model uses; needed where it does not come from a path or URL. */
  readonly externalData?: Readonly<Record<string, Uint8Array>>;
}

/** Operator sets of ai.onnx that are known. */
const oldest = 7;
const newest = 26;

/** Reads a model. See `tf.loadOnnx`. */
export async function load(source: OnnxSource, options: LoadOnnxOptions = {}): Promise<GraphModel> {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`the options must be an object, not ${valueText(options)}`, {
      op,
      fix: 'such as {trainable: true}',
    });
  // The compiler is needed to use the model: it starts while the file is read.
  const started = ready();
  const { bytes, external } = await readSource(source, options.externalData);
  const model = decodeMessage(schema, 'Model', bytes, op);
  const { graph } = model;
  if (!graph)
    throw new FormatError('there is no graph in the file', {
      op,
      fix: 'give an ONNX model (ModelProto) as it was exported',
    });
  const versions = checkVersions(model);
  const files = await external(model);
  const reader = new GraphReader(model.functions, files, op);
  const initial = reader.constants(graph);
  const parsed = reader.graph(graph, versions, initial);
  refuseUnsupported(reader.unsupported);
  if (parsed.captures.length)
    throw new FormatError(`nothing gives the values ${parsed.captures.slice(0, 8).join(', ')}`, {
      op,
      fix: 'export the model anew',
    });
  const weights = trained(parsed, initial, options.trainable ?? false);
  // Only constants have changed their kind: the graph is read once more with them.
  const usable = options.trainable
    ? new GraphReader(model.functions, files, op).graph(graph, versions, weights)
    : parsed;
  await started;
  return new GraphModel({
    name: graph.name ?? 'model',
    graph: usable as unknown as RunnableGraph,
    inputs: usable.body.inputs.map((name) =>
      infoOf(
        graph.input.find((v) => v.name === name),
        name,
      ),
    ),
    outputs: graph.output.map((v) => infoOf(v, v.name ?? '')),
    weights: new Map([...weights].filter((e): e is [string, Tensor] => e[1] instanceof Tensor)),
    version: String(model.modelVersion ?? 0),
    metadata: metadataOf(model),
    dynamic: reader.dynamic,
  });
}

function checkVersions(model: Message<'Model'>): Map<string, number> {
  const versions = versionsOf(model.opsetImport);
  const own = versions.get('');
  // Models of IR version 1 and 2 do not say; they are older than what can be read.
  if (own !== undefined && (own < oldest || own > newest))
    throw new FormatError(`the model is of operator set ${own}; ${oldest} to ${newest} can be read`, {
      op,
      fix: 'convert it with onnx.version_converter',
    });
  if (own === undefined && versions.size === 0)
    throw new FormatError('the model names no operator set', { op, fix: 'give an ONNX model as it was exported' });
  return versions;
}

function refuseUnsupported(unsupported: ReadonlyMap<string, string>): void {
  if (unsupported.size === 0) return;
  const list = [...unsupported].map(([name, why]) => `${name}: ${why}`);
  throw new FormatError(`${list.length} operator(s) of the model cannot be read:\n  ${list.join('\n  ')}`, {
    op,
    fix: 'export the model without them, or compute these parts outside of it; docs/onnx.md lists what can be read',
  });
}

/** Float constants as Variables where they are to be trained. */
function trained(
  graph: OnnxGraph,
  constants: ReadonlyMap<string, OnnxValue>,
  which: boolean | ((name: string) => boolean),
): Map<string, OnnxValue> {
  const all = new Map(constants);
  if (!which) return all;
  const roles = rolesOf(graph, constants);
  for (const [name, t] of constants) {
    if (!(t instanceof Tensor) || !(t.dtype === 'float32' || t.dtype === 'float64') || roles.fixed.has(name)) continue;
    const wanted = typeof which === 'function' ? which(name) : true;
    if (wanted) all.set(name, new Variable(t, !roles.statistics.has(name), name));
  }
  return all;
}

/** Constants that decide about the program, and those that are statistics. */
function rolesOf(graph: OnnxGraph, constants: ReadonlyMap<string, unknown>) {
  const roles = { fixed: new Set<string>(), statistics: new Set<string>() };
  const graphs = [graph];
  for (const g of graphs)
    for (const n of g.body.nodes) {
      for (const kind of ['fixed', 'statistics'] as const)
        for (const i of n.operator[kind] ?? []) if (constants.has(n.inputs[i])) roles[kind].add(n.inputs[i]);
      for (const a of n.attributes.values()) if (typeof a === 'object' && 'body' in a) graphs.push(a);
    }
  return roles;
}

/** An input or output as the file describes it. */
function infoOf(v: Message<'ValueInfo'> | undefined, name: string): TensorInfo {
  const type = v?.type?.tensorType;
  const element = elementTypes.get(type?.elemType ?? 0);
  const shape = type?.shape?.dim.map((d) =>
    d.dimValue === undefined || Number(d.dimValue) < 0 ? null : Number(d.dimValue),
  );
  return { name, dtype: element && publicDType(element.dtype), shape };
}

const metadataOf = (model: Message<'Model'>): Record<string, unknown> => ({
  producerName: model.producerName ?? '',
  producerVersion: model.producerVersion ?? '',
  domain: model.domain ?? '',
  docString: model.docString ?? '',
  opsets: Object.fromEntries(model.opsetImport.map((s) => [s.domain || 'ai.onnx', Number(s.version ?? 0)])),
  properties: Object.fromEntries(model.metadataProps.map((e) => [e.key ?? '', e.value ?? ''])),
});
