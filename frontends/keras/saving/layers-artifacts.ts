// Layers models in TensorFlow.js's layout: topology in Keras's spelling, weights by name, how it was compiled, and
// the optimizer's state. What the layout has no place for stands in `userDefinedMetadata.sinter`.

import { ArgumentError } from '../../../ir/errors.ts';
import { concatBytes } from '../../bytes.ts';
import { weightBytes } from '../../io/artifacts.ts';
import { bufferOf, damaged, isObject, type Place } from '../../io/format.ts';
import type { ModelArtifacts, NamedTensor, TrainingConfig } from '../../io/types.ts';
import { decodeParts, encodeWeights, weightParts } from '../../io/weights.ts';
import type { LayersModel } from '../engine/model.ts';
import type { CustomObjects } from '../engine/serialize.ts';
import { type Assignment, assignAll } from './assign.ts';
import { buildModel, modelObject } from './building.ts';
import { compileState, nativeCompile, restoreCompile, type SavedCompile, tfjsTraining } from './training-config.ts';
import {
  byKind,
  checkedProgress,
  optimizerAssignments,
  optimizerVariables,
  progressOf,
  restoreProgress,
} from './training-state.ts';
import { checkComplete, matchWeights, type PlacedWeight, placedWeights, uniqueFullNames } from './weight-names.ts';

/** What is saved. */
export interface SaveOptions {
  /** Whether the optimizer's state and what `compile` was told are saved, so that training can go on. */
  readonly includeOptimizer?: boolean;
  /** Only the weights that training changes. */
  readonly trainableOnly?: boolean;
}

/** How a model is loaded. */
export interface LoadModelOptions {
  /** False: weights that are missing or left over are no error. */
  readonly strict?: boolean;
  /** Classes and functions of one's own by name, beside those of `tf.serialization.registerClass`. */
  readonly customObjects?: CustomObjects;
}

/** The version of what this library adds. */
const version = 1;
const generatedBy = 'sinter';

/** The weights that are saved. Throws ArgumentError where there are none yet. */
function weightsToSave(model: LayersModel, trainableOnly: boolean): PlacedWeight[] {
  if (!model.built && model.weights.length === 0 && model.layers.length > 0)
    throw new ArgumentError('the model has no weights yet', {
      op: `${model.name}.save`,
      fix: 'give the first layer an inputShape, or call build or predict before',
    });
  const trained = new Set(model.trainableWeights);
  return placedWeights(model).filter((w) => !trainableOnly || trained.has(w.variable));
}

/** The parts of a model, to be saved by a handler. Rejects with DTypeError for weights of a dtype that the layout has not. */
export async function artifactsOfModel(model: LayersModel, options: SaveOptions): Promise<ModelArtifacts> {
  const weights = weightsToSave(model, options.trainableOnly ?? false);
  const names = uniqueFullNames(weights);
  const encoded = await encodeWeights(weights.map((w, i) => ({ name: names[i], tensor: w.variable.read() })));
  const artifacts: ModelArtifacts = {
    modelTopology: { ...model.toJSON(null, false), keras_version: 'tfjs-layers 4.22.0', backend: 'tensor_flow.js' },
    format: 'layers-model',
    generatedBy,
    convertedBy: null,
    weightSpecs: encoded.specs,
    weightData: encoded.data,
  };
  if (!options.includeOptimizer || !model.isCompiled) return artifacts;
  const compile = compileState(model);
  const state = await encodeWeights(optimizerTensors(model), 'optimizer');
  artifacts.weightSpecs = [...encoded.specs, ...state.specs];
  artifacts.weightData = bufferOf(concatBytes([encoded.data, state.data].map((b) => new Uint8Array(b))));
  const training = tfjsTraining(compile);
  if (training) artifacts.trainingConfig = training as unknown as TrainingConfig;
  artifacts.userDefinedMetadata = { sinter: { version, compile, progress: await progressOf(model) } };
  return artifacts;
}

/** The optimizer's Variables in TensorFlow.js's order: the iterations, then one kind after the other. */
function optimizerTensors(model: LayersModel): NamedTensor[] {
  const variables = optimizerVariables(model);
  const order = byKind(variables.length, model.compiled('save').trainableWeights.length);
  return order.map((k, i) => ({ name: i === 0 ? 'iter' : variables[k].name, tensor: variables[k].read() }));
}

/** What this library has added to a file, if it has. Throws FormatError for that of a later version. */
function additionOf(artifacts: ModelArtifacts, place: Place): { compile: SavedCompile; progress: unknown } | undefined {
  const own = artifacts.userDefinedMetadata?.sinter;
  if (!isObject(own)) return undefined;
  if (own.version !== version)
    return damaged(place, `its version is ${String(own.version)}, not ${version}`, 'load it with a newer sinter');
  if (!isObject(own.compile)) return damaged(place, 'it does not say how the model was compiled');
  return own as unknown as { compile: SavedCompile; progress: unknown };
}

/** Tensors of a file by group, checked. */
async function tensorsOf(
  artifacts: ModelArtifacts,
  place: Place,
): Promise<{ model: NamedTensor[]; optimizer: NamedTensor[] }> {
  const specs = artifacts.weightSpecs ?? [];
  if (!Array.isArray(specs)) return damaged(place, 'its weightSpecs are no array');
  const bytes = await weightBytes(artifacts, place.op);
  const optimizer = specs.filter((s) => isObject(s) && s.group === 'optimizer');
  const parts = weightParts(bytes, specs, place);
  const group = (own: boolean) => {
    const mine = parts.filter((p) => (p.spec.group === 'optimizer') === own);
    return Object.entries(
      decodeParts(
        concatBytes(mine.map((p) => p.bytes)),
        mine.map((p) => p.spec),
        place,
      ),
    ).map(([name, tensor]) => ({ name, tensor }));
  };
  return { model: group(false), optimizer: optimizer.length ? group(true) : [] };
}

const shaped = (list: readonly NamedTensor[]) => list.map((t) => ({ ...t, shape: t.tensor.shape }));

/**
 * The model of parts: with its weights, and compiled and ready to go on with its training where they say so. Rejects
 * with FormatError for damaged parts, ArgumentError for unknown classes.
 */
export async function modelOfArtifacts(
  artifacts: ModelArtifacts,
  options: LoadModelOptions,
  place: Place,
): Promise<LayersModel> {
  const { strict = true, customObjects } = options;
  if (!artifacts.modelTopology) return damaged(place, 'it has no modelTopology: there are weights only');
  const serialized = modelObject(artifacts.modelTopology, place);
  const saved = await tensorsOf(artifacts, place);
  const elements = saved.model.reduce((n, t) => n + t.tensor.size, 0);
  const hasWeights = artifacts.weightSpecs !== undefined;
  const model = buildModel(serialized, place, { customObjects, ...(hasWeights && strict ? { elements } : {}) });
  if (hasWeights) {
    const match = matchWeights(placedWeights(model), shaped(saved.model));
    if (strict) checkComplete(match, place);
    const assignments = [...match.found].map(([w, s]): Assignment => ({ variable: w.variable, ...s }));
    assignAll(assignments, place);
  }
  restoreTraining(model, artifacts, saved.optimizer, options, place);
  return model;
}

function restoreTraining(
  model: LayersModel,
  artifacts: ModelArtifacts,
  state: readonly NamedTensor[],
  { customObjects }: LoadModelOptions,
  place: Place,
): void {
  const own = additionOf(artifacts, place);
  const config = artifacts.trainingConfig ?? (artifacts.modelTopology as { training_config?: unknown }).training_config;
  const compile =
    own?.compile ??
    (isObject(config) ? nativeCompile(config, place, /tfjs-layers/.test(artifacts.generatedBy ?? '')) : undefined);
  if (!compile) return;
  restoreCompile(model, compile, place, customObjects);
  if (state.length) {
    const variables = optimizerVariables(model);
    const order = byKind(variables.length, model.compiled(place.op).trainableWeights.length);
    // TensorFlow.js keeps the number of steps alone where none was taken.
    const only = state.length === 1 && variables.length > 1;
    const targets = (only ? [0] : order).map((k) => variables[k]);
    assignAll(optimizerAssignments(targets, state, place), place);
  }
  if (own) restoreProgress(model, checkedProgress(own.progress, place));
}
