// Keras 3's `.keras`: a zip archive of config.json, metadata.json and model.weights.h5; and `.weights.h5` alone.

import type { AnyTensor } from '../../io/elements.ts';
import { damaged, decodeText, isObject, type Place, parseJsonObject } from '../../io/format.ts';
import { type H5Object, openHdf5 } from '../../io/hdf5/file.ts';
import { encodeHdf5, type H5Group } from '../../io/hdf5/write.ts';
import { readZip, writeZip } from '../../io/zip.ts';
import type { LayersModel } from '../engine/model.ts';
import { isRegistered } from '../engine/serialize.ts';
import { type Assignment, assignAll } from './assign.ts';
import { buildModel, modelObject } from './building.ts';
import { kerasState, matchState, type StateTensor, setRate, warnState } from './keras-optimizer.ts';
import { groupIn, variableGroups } from './keras-tree.ts';
import type { LoadModelOptions, SaveOptions } from './layers-artifacts.ts';
import { KerasWriter, pythonJson } from './to-keras.ts';
import { compileConfig, compileState, nativeCompile, restoreCompile } from './training-config.ts';

/** The version whose layout is written. */
const kerasVersion = '3.15.1';
const files = { config: 'config.json', metadata: 'metadata.json', weights: 'model.weights.h5' } as const;
const wanted: ReadonlySet<string> = new Set(Object.values(files));

type Mutable = {
  groups: Record<string, Mutable>;
  datasets: Record<string, AnyTensor>;
  attributes: Record<string, string>;
};
const empty = (): Mutable => ({ groups: {}, datasets: {}, attributes: {} });

/** Puts tensors by number into the group of a path. */
function put(root: Mutable, path: string, tensors: readonly AnyTensor[], name: string): void {
  let g = root;
  for (const part of path.split('/')) {
    g.groups[part] ??= empty();
    g = g.groups[part];
  }
  g.attributes.name = name;
  tensors.forEach((t, i) => {
    g.datasets[String(i)] = t;
  });
}

/** The bytes of `model.weights.h5`. */
export async function encodeKerasWeights(model: LayersModel, includeOptimizer: boolean): Promise<Uint8Array> {
  const root = empty();
  for (const g of variableGroups(model))
    put(
      root,
      g.path,
      g.variables.map((v) => v.read()),
      g.name,
    );
  if (includeOptimizer)
    put(
      root,
      'optimizer/vars',
      kerasState(model).map((s) => s.tensor),
      model.optimizer.name,
    );
  return encodeHdf5(root as H5Group);
}

/** The bytes of a `.keras` file. Rejects with ArgumentError for a subclass without a getConfig. */
export async function encodeKeras(model: LayersModel, options: SaveOptions): Promise<Uint8Array> {
  const writer = new KerasWriter(3, isRegistered);
  const training = (options.includeOptimizer ?? false) && model.isCompiled;
  const object = writer.object({ className: model.getClassName(), config: model.getConfig() }, 'layers');
  const inputs = model.topology ? model.inputs.map((s) => s.shape) : [];
  const config = {
    ...object,
    ...(inputs.length === 1 ? { build_config: { input_shape: inputs[0] } } : {}),
    ...(training ? { compile_config: compileConfig(compileState(model), writer) } : {}),
  };
  if (training) await model.optimizer.fetchRate();
  const text = (x: unknown) => new TextEncoder().encode(pythonJson(x));
  return writeZip({
    // Keras writes the local time; the same model gives the same file here.
    [files.metadata]: text({ keras_version: kerasVersion, date_saved: '1980-01-01@12:00:00' }),
    [files.config]: text(config),
    [files.weights]: await encodeKerasWeights(model, training),
  });
}

/** The tensors of a `vars` group, by number. Throws FormatError where these have gaps. */
function numbered(group: H5Object, what: string, place: Place): AnyTensor[] {
  const keys = new Set(group.keys());
  return Array.from({ length: keys.size }, (_, i) => {
    const dataset = keys.has(String(i)) ? group.get(String(i)) : undefined;
    return dataset?.tensor() ?? damaged(place, `'${what}' has no number ${i}`);
  });
}

/** Elements of all Variables below a group: what a model may have. */
function elementsIn(root: H5Object, place: Place): number {
  const pending = [root];
  const seen = new Set([root.address]);
  let total = 0;
  for (let g = pending.pop(); g; g = pending.pop()) {
    for (const key of g.keys()) {
      const child = g.get(key);
      // The optimizer's state is about as large as the weights are, and no part of them.
      if (!child || seen.has(child.address) || (g === root && key === 'optimizer')) continue;
      seen.add(child.address);
      if (child.isDataset) total += child.tensor().size;
      else pending.push(child);
    }
  }
  return Number.isSafeInteger(total) ? total : damaged(place, 'it has too many elements');
}

/** The model's Variables with what a weights file has for them. Throws FormatError where these are not as many. */
export function weightAssignments(root: H5Object, model: LayersModel, strict: boolean, place: Place): Assignment[] {
  return variableGroups(model).flatMap((g) => {
    const group = groupIn(root, g);
    const tensors = group ? numbered(group, g.path, place) : [];
    if (tensors.length === g.variables.length)
      return g.variables.map((variable, i) => ({ variable, tensor: tensors[i], name: `${g.path}/${i}` }));
    if (!strict) return [];
    return damaged(
      place,
      `'${g.path}' (${g.name}) has ${tensors.length} weights, the layer ${g.variables.length}`,
      'the file is of another model; strict: false takes the weights that fit',
    );
  });
}

/** The model of a `.keras` file. Throws FormatError for a damaged one, ArgumentError for unknown classes. */
export function decodeKeras(bytes: Uint8Array, options: LoadModelOptions, given: Place): LayersModel {
  const zip = readZip(bytes, given, (name) => wanted.has(name));
  const text = zip.get(files.config);
  const weights = zip.get(files.weights);
  if (!text || !weights) return damaged(given, `the archive has no ${text ? files.weights : files.config}`);
  const about = zip.get(files.metadata);
  const version = about ? parseJsonObject(decodeText(about, given), given).keras_version : undefined;
  // TensorFlow's Keras 2 writes such files too.
  const place: Place = { ...given, keras: String(version).startsWith('2.') ? 2 : 3 };
  const config = parseJsonObject(decodeText(text, place), place);
  const root = openHdf5(weights, place);
  const { strict = true, customObjects } = options;
  const elements = elementsIn(root, place);
  const model = buildModel(modelObject(config, place), place, { customObjects, ...(strict ? { elements } : {}) });
  buildLate(model, config);
  assignAll(weightAssignments(root, model, strict, place), place);
  const compile = isObject(config.compile_config) ? nativeCompile(config.compile_config, place) : undefined;
  if (!compile) return model;
  restoreCompile(model, compile, place, customObjects);
  const state = root.get('optimizer/vars');
  if (state) restoreState(model, numbered(state, 'optimizer/vars', place), place);
  return model;
}

/** A Sequential without an input has its shape beside its configuration. */
function buildLate(model: LayersModel, config: Record<string, unknown>): void {
  const shape = isObject(config.build_config) ? config.build_config.input_shape : undefined;
  const known = Array.isArray(shape) && shape.every((d) => d === null || (Number.isInteger(d) && d >= 0));
  if (!model.built && known) model.build(shape);
}

function restoreState(model: LayersModel, tensors: readonly AnyTensor[], place: Place): void {
  const saved = tensors.map((tensor, i): StateTensor => ({ name: String(i), tensor }));
  const found = matchState(model, saved);
  if (found) {
    assignAll(found.assignments, place);
    setRate(model, found.learningRate);
  } else warnState(place.file, saved.length);
}
