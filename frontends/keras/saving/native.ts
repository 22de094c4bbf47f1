// Whole models in this library's own file (callbacks/checkpoint-file.ts): all dtypes, configurations as they are,
// and everything that training goes on with, to the bit.

import { damaged, isObject, type Place } from '../../io/format.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { decodeCheckpoint, encodeCheckpoint, groupOf, type NamedTensor } from '../callbacks/checkpoint-file.ts';
import type { LayersModel } from '../engine/model.ts';
import type { Serialized } from '../engine/serialize.ts';
import { assignAll } from './assign.ts';
import { buildModel } from './building.ts';
import type { LoadModelOptions, SaveOptions } from './layers-artifacts.ts';
import { compileState, restoreCompile, type SavedCompile } from './training-config.ts';
import {
  checkedProgress,
  optimizerAssignments,
  optimizerVariables,
  progressOf,
  restoreProgress,
} from './training-state.ts';
import { checkComplete, matchWeights, placedWeights, uniqueFullNames } from './weight-names.ts';

const version = 1;

/** The bytes of a model. Rejects with ArgumentError for a subclass without a getConfig. */
export async function encodeNative(model: LayersModel, options: SaveOptions): Promise<Uint8Array> {
  const trained = new Set(model.trainableWeights);
  const weights = placedWeights(model).filter((w) => !options.trainableOnly || trained.has(w.variable));
  const names = uniqueFullNames(weights);
  const tensors: NamedTensor[] = weights.map((w, i) => ({
    group: 'weights',
    name: names[i],
    tensor: w.variable.read(),
  }));
  const data: Record<string, unknown> = {
    format: 'layers-model',
    version,
    model: { className: model.getClassName(), config: model.getConfig() },
  };
  if (options.includeOptimizer && model.isCompiled) {
    data.compile = compileState(model);
    data.progress = await progressOf(model);
    tensors.push(
      ...optimizerVariables(model).map((v) => ({ group: 'optimizer', name: v.name, tensor: v.read() as Tensor })),
    );
  }
  return encodeCheckpoint({ data, tensors });
}

/** The model of bytes. Throws FormatError for damaged ones, ArgumentError for unknown classes. */
export function decodeNative(bytes: Uint8Array, options: LoadModelOptions, place: Place): LayersModel {
  const checkpoint = decodeCheckpoint(bytes, place.file);
  const { data } = checkpoint;
  if (data.format !== 'layers-model' || !isObject(data.model) || typeof data.model.className !== 'string')
    return damaged(place, 'it holds the state of a training, and no model', 'make the model, then call loadCheckpoint');
  if (data.version !== version)
    return damaged(place, `its version is ${String(data.version)}, not ${version}`, 'load it with a newer sinter');
  const { strict = true, customObjects } = options;
  const saved = groupOf(checkpoint, 'weights').map((t) => ({ ...t, shape: t.tensor.shape }));
  const elements = saved.reduce((n, t) => n + t.tensor.size, 0);
  const config = isObject(data.model.config) ? data.model.config : damaged(place, 'its model has no configuration');
  const serialized = { className: data.model.className, config } as unknown as Serialized;
  const model = buildModel(serialized, place, { customObjects, ...(strict ? { elements } : {}) });
  const match = matchWeights(placedWeights(model), saved);
  if (strict) checkComplete(match, place);
  assignAll(
    [...match.found].map(([w, s]) => ({ variable: w.variable, ...s })),
    place,
  );
  if (!isObject(data.compile)) return model;
  restoreCompile(model, data.compile as unknown as SavedCompile, place, customObjects);
  assignAll(optimizerAssignments(optimizerVariables(model), groupOf(checkpoint, 'optimizer'), place), place);
  restoreProgress(model, checkedProgress(data.progress, place));
  return model;
}
