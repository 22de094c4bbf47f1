// Weights of a model in files of their own: `model.saveWeights` and `model.loadWeights`.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { pathOf, writeWhole } from '../../files.ts';
import { damaged, isObject, type Place } from '../../io/format.ts';
import type { H5Object } from '../../io/hdf5/file.ts';
import { type FileLike, fileBytes } from '../../io/tensor-files.ts';
import type { NamedTensor, NamedTensorMap } from '../../io/types.ts';
import type { LayersModel } from '../engine/model.ts';
import { checkOptions } from '../engine/names.ts';
import { assignAll, fits } from './assign.ts';
import { checkComplete, matchWeights, type PlacedWeight, placedWeights, uniqueFullNames } from './weight-names.ts';

/** Which saved tensor each weight gets. */
export interface WeightMatch {
  readonly found: ReadonlyMap<PlacedWeight, NamedTensor>;
  readonly unused: readonly { name: string; shape: readonly number[] }[];
  readonly missing: readonly PlacedWeight[];
}

/** How weights are loaded. */
export interface LoadWeightsOptions {
  /** False: weights that are missing or left over are no error. */
  readonly strict?: boolean;
  /** As Keras's: layers that the file does not have keep their weights. */
  readonly byName?: boolean;
  /** Weights of another shape than the file's keep their values. */
  readonly skipMismatch?: boolean;
}

/** A format of files of weights. */
interface WeightsFormat {
  readonly extensions: readonly string[];
  readonly magic: (bytes: Uint8Array) => boolean;
  readonly encode: (model: LayersModel, op: string) => Promise<Uint8Array>;
  readonly match: (bytes: Uint8Array, model: LayersModel, place: Place) => Promise<WeightMatch>;
}

const begins = (text: string) => (bytes: Uint8Array) => Array.from(text).every((c, i) => bytes[i] === c.charCodeAt(0));

/** The weights of a model by TensorFlow.js's names. */
export function namedWeights(model: LayersModel): NamedTensorMap {
  const weights = placedWeights(model);
  const names = uniqueFullNames(weights);
  return Object.fromEntries(weights.map((w, i) => [names[i], w.variable.read()]));
}

/** Weights and tensors by name. */
export function matchNamed(model: LayersModel, tensors: Readonly<NamedTensorMap>): WeightMatch {
  const saved = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor, shape: tensor.shape }));
  return matchWeights(placedWeights(model), saved);
}

/** The weights that Keras 3's files have by number. */
async function matchNumbered(root: H5Object, model: LayersModel, place: Place): Promise<WeightMatch> {
  const { weightAssignments } = await import('./keras-zip.ts');
  const byVariable = new Map(weightAssignments(root, model, false, place).map((a) => [a.variable, a]));
  const placed = placedWeights(model);
  const found = placed.flatMap((w): [PlacedWeight, NamedTensor][] => {
    const a = byVariable.get(w.variable);
    return a ? [[w, { name: a.name, tensor: a.tensor as NamedTensor['tensor'] }]] : [];
  });
  const there = new Map(found);
  return { found: there, unused: [], missing: placed.filter((w) => !there.has(w)) };
}

async function matchHdf5(bytes: Uint8Array, model: LayersModel, place: Place): Promise<WeightMatch> {
  const { openHdf5 } = await import('../../io/hdf5/file.ts');
  const { isNumbered, matchH5 } = await import('./keras-h5.ts');
  const root = openHdf5(bytes, place);
  return isNumbered(root) ? matchNumbered(root, model, place) : matchH5(root, model, place);
}

async function matchZip(bytes: Uint8Array, model: LayersModel, place: Place): Promise<WeightMatch> {
  const { readZip } = await import('../../io/zip.ts');
  const weights = readZip(bytes, place, (name) => name === 'model.weights.h5').get('model.weights.h5');
  if (weights) return matchHdf5(weights, model, place);
  return matchNamed(model, (await import('../../io/npz.ts')).decodeNpz(bytes, place));
}

/** Files of tensors by name, and Keras's. */
const formats: readonly WeightsFormat[] = [
  {
    // Keras 3's layout; before the one below, whose extension it has too.
    extensions: ['.weights.h5'],
    magic: begins('\u0089HDF'),
    encode: async (model) => (await import('./keras-zip.ts')).encodeKerasWeights(model, false),
    match: matchHdf5,
  },
  {
    extensions: ['.h5', '.hdf5'],
    magic: begins('\u0089HDF'),
    encode: async (model) => (await import('./keras-h5.ts')).encodeH5Weights(model),
    match: matchHdf5,
  },
  {
    extensions: ['.npz'],
    magic: begins('PK'),
    encode: async (model, op) => (await import('../../io/npz.ts')).encodeNpz(namedWeights(model), op),
    match: matchZip,
  },
  {
    extensions: ['.sinterck'],
    magic: begins('sinterck'),
    encode: async (model) => (await import('./native.ts')).encodeNative(model, {}),
    match: async (bytes, model, place) => {
      const { decodeCheckpoint, groupOf } = await import('../callbacks/checkpoint-file.ts');
      const tensors = groupOf(decodeCheckpoint(bytes, place.file), 'weights');
      return matchNamed(model, Object.fromEntries(tensors.map((t) => [t.name, t.tensor])));
    },
  },
  {
    extensions: ['.safetensors'],
    // It begins with the length of a header that is an object.
    magic: (bytes) => bytes[8] === 0x7b,
    encode: async (model, op) =>
      (await import('../../io/safetensors.ts')).encodeSafetensors(namedWeights(model), { format: 'sinter' }, op),
    match: async (bytes, model, place) =>
      matchNamed(model, (await import('../../io/safetensors.ts')).decodeSafetensors(bytes, place).tensors),
  },
];

const known = (): string => formats.flatMap((f) => f.extensions).join(', ');

/** See `LayersModel.saveWeights`. */
export async function saveWeights(model: LayersModel, path: string): Promise<void> {
  const op = `${model.name}.saveWeights`;
  const format =
    typeof path === 'string'
      ? formats.find((f) => f.extensions.some((e) => path.toLowerCase().endsWith(e)))
      : undefined;
  if (!format)
    throw new ArgumentError(`does not know the format of ${valueText(path)}`, {
      op,
      fix: `give a path that ends in ${known()}`,
    });
  await writeWhole(await pathOf(path, op), await format.encode(model, op), op);
}

async function matchOf(x: FileLike | NamedTensorMap, model: LayersModel, op: string): Promise<[WeightMatch, Place]> {
  const isFile = typeof x === 'string' || x instanceof ArrayBuffer || ArrayBuffer.isView(x);
  if (!isFile) {
    if (!isObject(x))
      throw new ArgumentError(`takes a file or tensors by name, not ${valueText(x)}`, { op, fix: 'give a path' });
    return [matchNamed(model, x as NamedTensorMap), { op, file: 'tensors' }];
  }
  const { bytes, file } = await fileBytes(x as FileLike, op);
  const place = { op, file };
  const format = formats.find((f) => f.magic(bytes));
  if (!format) return damaged(place, 'it does not begin as any known file of weights', `known are ${known()}`);
  return [await format.match(bytes, model, place), place];
}

/** See `LayersModel.loadWeights`. */
export async function loadWeights(
  model: LayersModel,
  x: FileLike | NamedTensorMap,
  options: LoadWeightsOptions | boolean = {},
): Promise<void> {
  const op = `${model.name}.loadWeights`;
  // TensorFlow.js has `strict` here.
  const given = typeof options === 'boolean' ? { strict: options } : options;
  checkOptions(given, ['strict', 'byName', 'skipMismatch'], op);
  const { byName = false, strict = !byName, skipMismatch = false } = given ?? {};
  if (!model.built)
    throw new ArgumentError('the model has no weights yet', {
      op,
      fix: 'give the first layer an inputShape, or call build or predict before',
    });
  const [match, place] = await matchOf(x, model, op);
  if (strict && !skipMismatch) checkComplete(match, place);
  const pairs = [...match.found].filter(([w, s]) => !skipMismatch || fits(s.tensor, w.variable));
  assignAll(
    pairs.map(([w, s]) => ({ variable: w.variable, ...s })),
    place,
  );
}
