// TensorFlow's SavedModels: saved_model.pb with graphs, functions and signatures, and the checkpoint of their Variables.

import { ArgumentError, DTypeError, FormatError, valueText } from '../../ir/errors.ts';
import { joinPath, readIfThere } from '../files.ts';
import type { Variable } from '../trace/variable.ts';
import { type CheckpointBytes, openCheckpoint, type TensorFlowCheckpoint } from './checkpoint.ts';
import { constantOf } from './constants.ts';
import { tfType } from './dtypes.ts';
import type { TfNode } from './graph.ts';
import { infoOf, type Port, portOf, shortName, TensorFlowGraphModel } from './graph-model.ts';
import { decode, type Message } from './messages.ts';
import { ModelGraph } from './model-graph.ts';
import { Strings, type Value } from './values.ts';

/** The files of a SavedModel in memory. */
export interface SavedModelBytes {
  /** saved_model.pb. */
  readonly savedModel: Uint8Array;
  /** variables/variables.index and .data-…; missing where the model has no Variables. */
  readonly variables?: CheckpointBytes;
}

/** An input or output of a signature, as tfjs-node shows it. */
export interface SignatureTensor {
  /** The value in the graph, 'node:0'. */
  readonly name: string;
  readonly dtype: string | undefined;
  readonly tfDtype: string;
  readonly shape: readonly (number | null)[] | undefined;
}
/** A signature, as tfjs-node shows it. */
export interface SignatureDef {
  readonly inputs: Record<string, SignatureTensor>;
  readonly outputs: Record<string, SignatureTensor>;
  /** What it is for: 'tensorflow/serving/predict', …/classify, …/regress. */
  readonly methodName: string;
}
/** A graph of a SavedModel, as tfjs-node shows it. */
export interface MetaGraph {
  readonly tags: string[];
  readonly signatureDefs: Record<string, SignatureDef>;
}

type Meta = Message<'MetaGraphDef'>;

const initializer = '__saved_model_init_op';

/** Reads saved_model.pb. Throws FormatError for anything else. */
async function read(
  source: string | SavedModelBytes,
  op: string,
): Promise<{ metas: readonly Meta[]; variables: string | CheckpointBytes | undefined }> {
  if (typeof source === 'string') {
    const file = await joinPath(op, source, 'saved_model.pb');
    const bytes = await readIfThere(file, op);
    if (!bytes)
      throw new ArgumentError(`there is no SavedModel in ${valueText(source)}: no file '${file}'`, {
        op,
        fix: "give the folder that holds saved_model.pb; text files ('saved_model.pbtxt') are not supported",
      });
    const variables = await joinPath(op, source, 'variables', 'variables');
    const there = await readIfThere(`${variables}.index`, op);
    return { metas: metasOf(bytes, op), variables: there && variables };
  }
  const given = source as Partial<SavedModelBytes> | null;
  if (!(given?.savedModel instanceof Uint8Array))
    throw new ArgumentError(`takes a path or the files' bytes, not ${valueText(source)}`, {
      op,
      fix: 'pass {savedModel, variables: {index, data}}',
    });
  return { metas: metasOf(given.savedModel, op), variables: given.variables };
}

function metasOf(bytes: Uint8Array, op: string): readonly Meta[] {
  const saved = decode('SavedModel', bytes, op);
  const version = Number(saved.saved_model_schema_version ?? 0);
  if (version > 1)
    throw new FormatError(`the SavedModel is of version ${version}`, { op, fix: 'version 1 is supported' });
  if (saved.meta_graphs.length === 0) throw new FormatError('the SavedModel has no graph', { op, fix: 'get it again' });
  return saved.meta_graphs;
}

const tagsOf = (m: Meta): string[] => m.meta_info_def?.tags ?? [];

function chosen(metas: readonly Meta[], tags: readonly string[], op: string): Meta {
  const want = [...tags].sort().join();
  const found = metas.find((m) => [...tagsOf(m)].sort().join() === want);
  if (found) return found;
  throw new ArgumentError(`there is no graph with the tags [${tags}]`, {
    op,
    fix: `there are ${metas.map((m) => `[${tagsOf(m)}]`).join(', ')}`,
  });
}

/** Names of what `initialize` runs: it fills tables. */
function initOps(meta: Meta): string[] {
  const fromSignature = meta.signature_def.get(initializer)?.outputs.get(initializer)?.name;
  const fromCollection = ['saved_model_main_op', 'legacy_init_op'].flatMap(
    (k) => meta.collection_def.get(k)?.node_list?.value ?? [],
  );
  return [...(fromSignature ? [fromSignature] : []), ...fromCollection].map((n) => `^${n.replace(/:0$/, '')}`);
}

/** Which objects are Variables, and whether they train, by the tensors that checkpoints have for them. */
async function trainableKeys(meta: Meta, checkpoint: TensorFlowCheckpoint): Promise<Map<string, boolean>> {
  const nodes = meta.object_graph_def?.nodes ?? [];
  // Objects have the same numbers in the model and in its checkpoint.
  const objects = await checkpoint.objects();
  return new Map(
    objects.flatMap(({ tensors }, i) => {
      const variable = nodes[i]?.variable;
      return variable ? Object.values(tensors).map((key) => [key, variable.trainable ?? false] as const) : [];
    }),
  );
}

/** Which Variables train: as objects (by tensor, else by name) or collections say, all where neither does. */
function trainables(
  meta: Meta,
  keys: ReadonlyMap<string, boolean>,
  op: string,
): (name: string, key: string | undefined) => boolean {
  const saved = new Map(
    (meta.object_graph_def?.nodes ?? []).flatMap(({ variable: v }) =>
      v?.name ? [[v.name, v.trainable ?? false] as const] : [],
    ),
  );
  const names = (key: string) =>
    (meta.collection_def.get(key)?.bytes_list?.value ?? []).map((b) =>
      shortName(decode('VariableDef', b, op).variable_name ?? ''),
    );
  const listed = new Set(names('trainable_variables'));
  const any = names('variables').length > 0;
  return (name, key) => keys.get(key ?? '') ?? saved.get(name) ?? (any ? listed.has(name) : true);
}

/** Names of the tensors that the restoring nodes read: constants beside them. */
function restoredNames(graph: ModelGraph, nodes: readonly TfNode[]): Set<string> | undefined {
  const all = [graph.graph, ...nodes.flatMap((n) => graph.runtime.graphsOf(n))].flatMap((g) => g.nodes);
  const makers = new Map(all.filter((n) => n.op === 'Const').map((n) => [n.outputs[0], n]));
  const names = new Set<string>();
  for (const n of nodes) {
    if (n.op !== 'RestoreV2') continue;
    const from = makers.get(n.inputs[1]);
    if (!from) return undefined;
    const value = constantOf(from.attrs.tensor('value'), `the constant '${from.name}'`, n.op);
    if (value instanceof Strings) for (const e of value.elements) names.add(new TextDecoder().decode(e));
  }
  return names;
}

/** The tensors of a checkpoint that are asked for. */
async function tensorsOf(
  checkpoint: TensorFlowCheckpoint,
  names: ReadonlySet<string> | undefined,
): Promise<Map<string, Value>> {
  const found = new Map<string, Value>();
  for (const name of names ?? checkpoint.names) {
    if (!checkpoint.has(name)) continue;
    const { dtype, shape } = checkpoint.info(name);
    try {
      found.set(
        name,
        dtype === 'DT_STRING' ? new Strings(shape, await checkpoint.strings(name)) : await checkpoint.tensor(name),
      );
    } catch (e) {
      // Counters of 64 bits and the like: an error only where the model needs them.
      if (!(e instanceof DTypeError) || names) throw e;
    }
  }
  return found;
}

/** Gives Variables their values: the graph has operations that do it. */
async function restore(
  graph: ModelGraph,
  meta: Meta,
  source: string | CheckpointBytes | undefined,
  op: string,
): Promise<void> {
  const { restore_op_name: name, filename_tensor_name: file } = meta.saver_def ?? {};
  if (!name || !file || source === undefined) return;
  const checkpoint = await openCheckpoint(source);
  const wanted = `^${name.replace(/:0$/, '')}`;
  const nodes = graph.reachable([wanted], [file]);
  graph.checkSupported(nodes);
  graph.checkBounded(nodes);
  graph.runtime.isTrainable = trainables(meta, await trainableKeys(meta, checkpoint), op);
  graph.runtime.restored = await tensorsOf(checkpoint, restoredNames(graph, nodes));
  graph.values(new Map([[file, new Strings([], [new Uint8Array()])]]), [wanted]);
  graph.runtime.restored = new Map();
}

/** Fills tables, where the model has tables of numbers. */
function initialize(graph: ModelGraph, meta: Meta): void {
  const ops = initOps(meta).filter((x) => graph.has(x));
  const nodes = graph.reachable(ops, []);
  if (!nodes.some((n) => graph.runtime.fillsTable(n))) return;
  graph.checkSupported(nodes);
  graph.checkBounded(nodes);
  graph.values(new Map(), ops);
}

/** A SavedModel that was read: its signatures share one graph and its Variables. */
export class SavedModelReader {
  readonly #graph: ModelGraph;
  readonly #meta: Meta;
  readonly #op: string;

  private constructor(graph: ModelGraph, meta: Meta, op: string) {
    this.#graph = graph;
    this.#meta = meta;
    this.#op = op;
  }

  static async open(source: string | SavedModelBytes, tags: readonly string[], op: string): Promise<SavedModelReader> {
    const { metas, variables } = await read(source, op);
    const meta = chosen(metas, tags, op);
    const { graph_def: def } = meta;
    if (!def) throw new FormatError('the SavedModel has no graph', { op, fix: 'get it again' });
    const ports = [...meta.signature_def.values()].flatMap((s) => [...s.inputs.values(), ...s.outputs.values()]);
    const saver = meta.saver_def;
    const wanted = [...ports.map((p) => p.name), saver?.filename_tensor_name, saver?.restore_op_name];
    const graph = new ModelGraph(def, {
      op,
      weights: new Map(),
      float64: true,
      wanted: wanted.filter((x) => x !== undefined && x !== '') as string[],
    });
    await restore(graph, meta, variables, op);
    initialize(graph, meta);
    return new SavedModelReader(graph, meta, op);
  }

  /** Names of the signatures. */
  get signatures(): string[] {
    return [...this.#meta.signature_def.keys()].filter((k) => k !== initializer);
  }

  /** The model of one signature. Throws ArgumentError where there is none of that name. */
  model(signature: string): TensorFlowGraphModel {
    const s = this.#meta.signature_def.get(signature);
    if (!s || signature === initializer)
      throw new ArgumentError(`there is no signature ${valueText(signature)}`, {
        op: this.#op,
        fix: `there are ${this.signatures.join(', ') || 'none'}`,
      });
    const ports = (side: ReadonlyMap<string, Message<'TensorInfo'>>): Port[] =>
      [...side].map(([key, p]) => {
        const name = p.name ?? '';
        if (!this.#graph.has(name))
          throw new FormatError(`the signature's '${key}' is ${valueText(name)}, which the graph has not`, {
            op: this.#op,
            fix: 'get the model again',
          });
        return portOf(key, infoOf(p, shortName(name), this.#op), name);
      });
    const held = [...this.#graph.runtime.variables].flatMap(([name, h]): [string, Variable][] =>
      h.variable ? [[name, h.variable]] : [],
    );
    return new TensorFlowGraphModel({
      name: signature,
      graph: this.#graph,
      inputs: ports(s.inputs),
      outputs: ports(s.outputs),
      weights: new Map(held),
      version: this.#meta.meta_info_def?.tensorflow_version ?? '',
      metadata: { tags: tagsOf(this.#meta), signatures: this.signatures },
      structured: 'as inputs',
      method: s.method_name ?? '',
      op: this.#op,
    });
  }
}

/** What graphs and signatures a SavedModel has: see `tf.node.getMetaGraphsFromSavedModel`. */
export async function metaGraphs(source: string | SavedModelBytes, op: string): Promise<MetaGraph[]> {
  const { metas } = await read(source, op);
  const tensors = (side: ReadonlyMap<string, Message<'TensorInfo'>>) =>
    Object.fromEntries(
      [...side].map(([key, p]): [string, SignatureTensor] => {
        const { dtype, shape } = infoOf(p, key, op);
        return [key, { name: p.name ?? '', dtype, shape, tfDtype: p.dtype ? tfType(p.dtype, op).name : '' }];
      }),
    );
  return metas.map((m) => ({
    tags: tagsOf(m),
    signatureDefs: Object.fromEntries(
      [...m.signature_def]
        .filter(([name]) => name !== initializer)
        .map(([name, s]): [string, SignatureDef] => [
          name,
          { inputs: tensors(s.inputs), outputs: tensors(s.outputs), methodName: s.method_name ?? '' },
        ]),
    ),
  }));
}
