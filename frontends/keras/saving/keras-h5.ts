// Keras's `.h5`: the configuration as attributes, weights by layer, the optimizer's state. Source of the layout:
// Keras 2's hdf5_format, which Keras 3 reads and writes too.

import type { AnyTensor } from '../../io/elements.ts';
import { damaged, type Place, parseJsonObject } from '../../io/format.ts';
import { type H5Object, openHdf5 } from '../../io/hdf5/file.ts';
import { encodeHdf5, type H5Group } from '../../io/hdf5/write.ts';
import type { NamedTensor } from '../../io/types.ts';
import type { Variable } from '../../trace/variable.ts';
import type { Layer } from '../engine/layer.ts';
import type { LayersModel } from '../engine/model.ts';
import { isRegistered } from '../engine/serialize.ts';
import { assignAll, fits } from './assign.ts';
import { buildModel, modelObject } from './building.ts';
import { kerasState, matchState, setRate, warnState } from './keras-optimizer.ts';
import type { LoadModelOptions, SaveOptions } from './layers-artifacts.ts';
import { KerasWriter, pythonJson } from './to-keras.ts';
import { compileState, nativeCompile, restoreCompile, trainingConfig } from './training-config.ts';
import type { WeightMatch } from './weight-files.ts';
import { checkComplete, matchWeights, type PlacedWeight, placedWeights } from './weight-names.ts';

/** The version whose layout is written. */
const about = { keras_version: '3.15.1', backend: 'tensorflow' };

type Mutable = {
  groups: Record<string, Mutable>;
  datasets: Record<string, AnyTensor>;
  attributes: Record<string, string | string[]>;
};
const empty = (): Mutable => ({ groups: {}, datasets: {}, attributes: {} });

/** Puts named tensors into a group: a name may have folders. */
function put(group: Mutable, tensors: readonly { name: string; tensor: AnyTensor }[]): void {
  group.attributes.weight_names = tensors.map((t) => t.name);
  for (const { name, tensor } of tensors) {
    const parts = name.split('/');
    const last = parts.pop() as string;
    let g = group;
    for (const p of parts) {
      g.groups[p] ??= empty();
      g = g.groups[p];
    }
    g.datasets[last] = tensor;
  }
}

/** The weights of a layer in Keras's order: trained ones of all layers inside, then the others. */
const kerasOrder = (layer: Layer): Variable[] => [...layer.trainableWeights, ...layer.nonTrainableWeights];

/** The groups of a model's layers. A layer that two of them hold stands in both. */
function weightGroup(model: LayersModel): Mutable {
  const root = empty();
  const { layers } = model;
  const all = model.topology ? [...model.topology.layers] : layers;
  root.attributes = { ...about, layer_names: all.map((l) => l.name) };
  const names = new Map(placedWeights(model).map((w) => [w.variable, [...w.path, w.name].join('/')]));
  for (const l of all) {
    root.groups[l.name] = empty();
    const taken = new Set<string>();
    const weights = kerasOrder(l).map((v) => {
      const own = names.get(v) ?? v.name;
      let name = own;
      for (let i = 1; taken.has(name); i++) name = `${own}_${i}`;
      taken.add(name);
      return { name, tensor: v.read() };
    });
    put(root.groups[l.name], weights);
  }
  root.groups.top_level_model_weights = empty();
  put(root.groups.top_level_model_weights, []);
  return root;
}

/** The bytes of a file of weights alone. */
export const encodeH5Weights = (model: LayersModel): Promise<Uint8Array> => encodeHdf5(weightGroup(model) as H5Group);

/** The bytes of a `.h5` file. Rejects with ArgumentError for a subclass without a getConfig. */
export async function encodeH5(model: LayersModel, options: SaveOptions): Promise<Uint8Array> {
  const writer = new KerasWriter(3, isRegistered);
  const object = writer.object({ className: model.getClassName(), config: model.getConfig() }, 'layers');
  const root = empty();
  root.groups.model_weights = weightGroup(model);
  root.attributes = { ...about, model_config: pythonJson(object) };
  if (options.includeOptimizer && model.isCompiled) {
    root.attributes.training_config = pythonJson(trainingConfig(compileState(model), writer));
    await model.optimizer.fetchRate();
    root.groups.optimizer_weights = empty();
    put(root.groups.optimizer_weights, kerasState(model));
  }
  return encodeHdf5(root as H5Group);
}

/** Texts of an attribute that may have been divided: `weight_names0`, `weight_names1`, … */
function textsAt(texts: ReadonlyMap<string, string[]>, name: string): string[] {
  const whole = texts.get(name);
  if (whole) return whole;
  const parts: string[] = [];
  for (let i = 0; texts.has(`${name}${i}`); i++) parts.push(...(texts.get(`${name}${i}`) as string[]));
  return parts;
}

/** A layer of the file with its weights. */
interface SavedLayer {
  readonly name: string;
  readonly weights: readonly NamedTensor[];
}

function tensorsOf(group: H5Object, what: string, place: Place): NamedTensor[] {
  return textsAt(group.texts(), 'weight_names').map((name) => {
    const dataset = group.get(name);
    if (!dataset?.isDataset) return damaged(place, `'${what}' has no dataset '${name}'`);
    return { name, tensor: dataset.tensor() };
  });
}

function savedLayers(root: H5Object, place: Place): SavedLayer[] {
  const texts = root.texts();
  if (!texts.has('layer_names') && !texts.has('layer_names0')) return damaged(place, 'it has no layer_names');
  const names = textsAt(texts, 'layer_names');
  if (new Set(names).size < names.length) return damaged(place, 'a layer stands in its layer_names twice');
  return [...names, 'top_level_model_weights'].flatMap((name) => {
    const group = root.get(name);
    if (group) return [{ name, weights: tensorsOf(group, name, place) }];
    return name === 'top_level_model_weights' ? [] : damaged(place, `there is no group of the layer '${name}'`);
  });
}

/** The weights of a layer with the file's: by name; where names differ, in order. */
function matchLayer(placed: readonly PlacedWeight[], layer: Layer, saved: SavedLayer, match: Mutation): void {
  const own = kerasOrder(layer).flatMap((v) => placed.filter((w) => w.variable === v));
  const byName = matchWeights(
    own,
    saved.weights.map((w) => ({ ...w, shape: w.tensor.shape })),
  );
  const inOrder =
    (byName.missing.length > 0 || [...byName.found].some(([w, s]) => !fits(s.tensor, w.variable))) &&
    own.length === saved.weights.length &&
    own.every((w, i) => fits(saved.weights[i].tensor, w.variable));
  const found = inOrder ? own.map((w, i) => [w, saved.weights[i]] as const) : [...byName.found];
  for (const [w, s] of found) match.found.set(w, s);
  const used = new Set(found.map(([, s]) => s.name));
  match.unused.push(
    ...saved.weights.filter((s) => !used.has(s.name)).map((s) => ({ name: s.name, shape: s.tensor.shape })),
  );
}

interface Mutation {
  readonly found: Map<PlacedWeight, NamedTensor>;
  readonly unused: { name: string; shape: readonly number[] }[];
}

/** Which of a file's weights each of a model's gets: by the names of layers; where they differ, in their order. */
function matchLayers(model: LayersModel, layers: readonly SavedLayer[]): WeightMatch {
  const placed = placedWeights(model);
  const match: Mutation = { found: new Map(), unused: [] };
  const mine = (model.topology ? [...model.topology.layers] : model.layers).filter((l) => l.weights.length > 0);
  const saved = layers.filter((l) => l.weights.length > 0);
  const names = new Map(saved.map((l) => [l.name, l]));
  const named = mine.every((l) => names.has(l.name));
  const inOrder = !named && mine.length === saved.length;
  mine.forEach((l, i) => {
    const s = inOrder ? saved[i] : names.get(l.name);
    if (s) matchLayer(placed, l, s, match);
  });
  const taken = new Set(inOrder ? saved.map((s) => s.name) : mine.map((l) => l.name));
  for (const s of saved)
    if (!taken.has(s.name)) match.unused.push(...s.weights.map((w) => ({ name: w.name, shape: w.tensor.shape })));
  return { ...match, missing: placed.filter((w) => !match.found.has(w)) };
}

/** Which of the weights of a file (whole model, or weights alone) each of a model's gets. */
export function matchH5(root: H5Object, model: LayersModel, place: Place): WeightMatch {
  return matchLayers(model, savedLayers(root.get('model_weights') ?? root, place));
}

/** The model of a `.h5` file. Throws FormatError for a damaged one, ArgumentError for unknown classes. */
export function decodeH5(bytes: Uint8Array, options: LoadModelOptions, given: Place): LayersModel {
  const root = openHdf5(bytes, given);
  const texts = root.texts();
  const place: Place = { ...given, keras: texts.get('keras_version')?.[0]?.startsWith('3.') ? 3 : 2 };
  const [config] = texts.get('model_config') ?? [];
  if (config === undefined)
    return damaged(place, 'it has no model_config: there are weights only', 'make the model, then call loadWeights');
  const layers = savedLayers(root.get('model_weights') ?? damaged(place, 'it has no model_weights'), place);
  const { strict = true, customObjects } = options;
  const elements = layers.reduce((n, l) => n + l.weights.reduce((k, w) => k + w.tensor.size, 0), 0);
  const serialized = modelObject(parseJsonObject(config, place), place);
  const model = buildModel(serialized, place, { customObjects, ...(strict ? { elements } : {}) });
  const match = matchLayers(model, layers);
  if (strict) checkComplete(match, place);
  assignAll(
    [...match.found].map(([w, s]) => ({ variable: w.variable, ...s })),
    place,
  );
  const [training] = texts.get('training_config') ?? [];
  const compile = training === undefined ? undefined : nativeCompile(parseJsonObject(training, place), place);
  if (!compile) return model;
  restoreCompile(model, compile, place, customObjects);
  const group = root.get('optimizer_weights');
  const state = group ? tensorsOf(group, 'optimizer_weights', place) : [];
  const found = state.length ? matchState(model, state) : undefined;
  if (found) {
    assignAll(found.assignments, place);
    setRate(model, found.learningRate);
  } else if (state.length) warnState(place.file, state.length);
  return model;
}

/** Whether a file of weights is of Keras 3's layout, with numbers for names. */
export const isNumbered = (root: H5Object): boolean => !root.texts().has('layer_names') && hasVars(root);
const hasVars = (root: H5Object): boolean =>
  ['layers', '_layer_checkpoint_dependencies', 'vars'].some((k) => root.get(k) !== undefined);
