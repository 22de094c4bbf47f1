// The public doors to TensorFlow's files. What reads them is loaded when it is used.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { weightBytes } from '../io/artifacts.ts';
import { handlerFor } from '../io/router.ts';
import type { IOHandler, IOHandlerSync, LoadOptions, ModelArtifacts } from '../io/types.ts';
import { inNode } from '../platform.ts';
import type { CheckpointBytes, TensorFlowCheckpoint } from './checkpoint.ts';
import type { TensorFlowGraphModel } from './graph-model.ts';
import type { Trainable } from './load-graph-model.ts';
import type { MetaGraph, SavedModelBytes } from './saved-model.ts';

/** How a graph model is loaded. */
export interface GraphModelOptions extends LoadOptions {
  /** Whether weights become Variables, for training: all floats that are no scalars, or those that a function chooses. */
  readonly trainable?: Trainable;
}

/** The address of a path: in Node a path of its own is one, too. */
function address(x: string, options: GraphModelOptions): string {
  if (options.fromTFHub) return `${x.replace(/\/?$/, '/')}model.json?tfjs-format=file`;
  return inNode() && !/^[a-z]+:\/\//i.test(x) ? `file://${x}` : x;
}

let reader: typeof import('./load-graph-model.ts') | undefined;
async function readerOf(): Promise<typeof import('./load-graph-model.ts')> {
  reader ??= await import('./load-graph-model.ts');
  return reader;
}

/**
 * Loads a graph model of TensorFlow.js: model.json and the files of its weights.
 * @param modelUrl an address ('https://…', 'file://…'), in Node a path as well, or a handler of `tf.io`
 * Rejects with FormatError for files that are damaged or hold operations that are not supported, ExecutionError where they
 * cannot be read, ArgumentError for other arguments.
 */
export async function loadGraphModel(
  modelUrl: string | IOHandler,
  options: GraphModelOptions = {},
): Promise<TensorFlowGraphModel> {
  const op = 'loadGraphModel';
  const given = options ?? {};
  const { load } = handlerFor(typeof modelUrl === 'string' ? address(modelUrl, given) : modelUrl, 'load', op, given);
  const { graphModelOf } = await readerOf();
  const artifacts = await (load as NonNullable<IOHandler['load']>).call(modelUrl);
  const weightData = (await weightBytes(artifacts, op)).slice().buffer as ArrayBuffer;
  const model = graphModelOf({ ...artifacts, weightData }, given.trainable ?? false, op);
  model.modelUrl = modelUrl;
  return model;
}

/** Loads what `loadGraphModelSync` needs. */
export async function prepareGraphModels(): Promise<void> {
  await readerOf();
}

/**
 * As `loadGraphModel`, at once: from a handler without promises, a model's parts, or its model.json and weights. `await
 * tf.prepareGraphModels()` must have been called before; ArgumentError otherwise.
 */
export function loadGraphModelSync(
  modelSource: IOHandlerSync | ModelArtifacts | readonly [modelJSON: object, weights: ArrayBuffer],
  options: Pick<GraphModelOptions, 'trainable'> = {},
): TensorFlowGraphModel {
  const op = 'loadGraphModelSync';
  if (!reader)
    throw new ArgumentError('the reader of graph models is not loaded yet', {
      op,
      fix: 'await tf.prepareGraphModels() first',
    });
  const model = reader.graphModelOf(partsOf(modelSource, op), options?.trainable ?? false, op);
  model.modelUrl = modelSource;
  return model;
}

function partsOf(x: unknown, op: string): ModelArtifacts {
  if (Array.isArray(x) && x.length === 2) {
    const [json, weightData] = x as [
      ModelArtifacts & { weightsManifest?: { weights: ModelArtifacts['weightSpecs'] }[] },
      ArrayBuffer,
    ];
    const groups = json?.weightsManifest;
    return { ...json, weightSpecs: Array.isArray(groups) ? groups.flatMap((g) => g.weights ?? []) : [], weightData };
  }
  if (typeof x === 'object' && x !== null && 'load' in x && typeof x.load === 'function')
    return x.load() as ModelArtifacts;
  if (typeof x === 'object' && x !== null && 'modelTopology' in x) return x as ModelArtifacts;
  throw new ArgumentError(`takes a handler, a model's parts, or [model.json, weights], not ${valueText(x)}`, {
    op,
    fix: 'give {modelTopology, weightSpecs, weightData}',
  });
}

/**
 * Opens a checkpoint of TensorFlow: the table of what there is is read and checked, tensors are read when they are asked
 * for. For checkpoints that sinter's own callbacks write, see `tf.callbacks.modelCheckpoint`.
 * @param source the path without '.index' or '.data-…' (in Node), or the files' bytes
 * Rejects with FormatError for damaged files, ExecutionError where they cannot be read, DeviceError for a path in a page.
 */
export async function loadTensorFlowCheckpoint(source: string | CheckpointBytes): Promise<TensorFlowCheckpoint> {
  return (await import('./checkpoint.ts')).openCheckpoint(source);
}

/**
 * Loads a SavedModel: the graph of one signature, its functions, and its Variables, which train as they did (`variableGrads`,
 * optimizers). Names as tfjs-node has them.
 * @param source the folder (in Node), or the files' bytes
 * @param tags of the graph, `['serve']` by default
 * @param signature 'serving_default' by default; 'classify' and 'regress' signatures are kept under their names
 * Rejects with FormatError for files that are damaged or hold operations that are not supported, ArgumentError where there
 * is no such graph or signature, ExecutionError where files cannot be read, DeviceError for a path in a page.
 */
export async function loadSavedModel(
  source: string | SavedModelBytes,
  tags: readonly string[] = ['serve'],
  signature = 'serving_default',
): Promise<TensorFlowGraphModel> {
  const op = 'loadSavedModel';
  if (!Array.isArray(tags))
    throw new ArgumentError(`tags must be a list of texts, not ${valueText(tags)}`, { op, fix: "such as ['serve']" });
  const { SavedModelReader } = await import('./saved-model.ts');
  const model = (await SavedModelReader.open(source, tags, op)).model(signature);
  model.modelUrl = source;
  return model;
}

/** The graphs of a SavedModel by their tags, with their signatures. Rejects as `loadSavedModel`. */
export async function getMetaGraphsFromSavedModel(source: string | SavedModelBytes): Promise<MetaGraph[]> {
  return (await import('./saved-model.ts')).metaGraphs(source, 'getMetaGraphsFromSavedModel');
}
