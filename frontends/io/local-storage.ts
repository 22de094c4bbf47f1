// Models in a page's local storage, under TensorFlow.js's keys, so that either library finds the other's.

import { ArgumentError, DeviceError, ExecutionError, valueText } from '../../ir/errors.ts';
import { modelJsonOf, saved, weightBytes } from './artifacts.ts';
import { bytesOfBase64, textOfBase64 } from './base64.ts';
import { bufferOf, damaged, parseJson, parseJsonObject } from './format.ts';
import { afterScheme, type IORouter } from './router.ts';
import type { ModelStore } from './stores.ts';
import type { IOHandler, ModelArtifacts, ModelArtifactsInfo, SaveResult, WeightsManifestEntry } from './types.ts';

const op = 'io.browserLocalStorage';
const scheme = 'localstorage://';
const root = 'tensorflowjs_models/';
const parts = ['info', 'model_topology', 'weight_specs', 'weight_data', 'model_metadata'] as const;
const key = (name: string, part: (typeof parts)[number]): string => `${root}${name}/${part}`;

const there = (): boolean => typeof localStorage !== 'undefined';
function storage(): Storage {
  if (there()) return localStorage;
  throw new DeviceError('there is no local storage here', { op, fix: "use 'file://…' in Node" });
}
const removeAll = (name: string): void => {
  for (const p of parts) storage().removeItem(key(name, p));
};

async function save(name: string, artifacts: ModelArtifacts): Promise<SaveResult> {
  const weights = await weightBytes(artifacts, op);
  const result = saved(artifacts);
  const { modelTopology, weightsManifest, ...metadata } = modelJsonOf(artifacts, [], op);
  const texts: Record<(typeof parts)[number], string> = {
    info: JSON.stringify(result.modelArtifactsInfo),
    model_topology: JSON.stringify(modelTopology),
    weight_specs: JSON.stringify(artifacts.weightSpecs ?? weightsManifest),
    weight_data: textOfBase64(weights),
    model_metadata: JSON.stringify(metadata),
  };
  const before = parts.map((p) => storage().getItem(key(name, p)));
  try {
    for (const p of parts) storage().setItem(key(name, p), texts[p]);
  } catch (e) {
    // The old model stays: removed first, since the new one has taken its room.
    removeAll(name);
    parts.forEach((p, i) => before[i] !== null && storage().setItem(key(name, p), before[i]));
    throw new ExecutionError(`local storage has no room for '${name}': ${(e as Error).message}`, {
      op,
      fix: 'a page has about 5 MB there: use indexeddb://',
    });
  }
  return result;
}

async function load(name: string): Promise<ModelArtifacts> {
  const get = (p: (typeof parts)[number]) => storage().getItem(key(name, p));
  const place = { op, file: scheme + name };
  const [topology, specs, data] = [get('model_topology'), get('weight_specs'), get('weight_data')];
  if (get('info') === null) throw missing(name);
  if (topology === null || specs === null || data === null) return damaged(place, 'a part of it is missing');
  const metadata = parseJsonObject(get('model_metadata') ?? '{}', place);
  const weightSpecs = parseJson(specs, place);
  if (!Array.isArray(weightSpecs)) return damaged(place, 'its weight_specs are no array');
  return {
    ...metadata,
    modelTopology: parseJsonObject(topology, place),
    weightSpecs: weightSpecs as WeightsManifestEntry[],
    weightData: bufferOf(bytesOfBase64(data, place)),
  };
}

const missing = (name: string) =>
  new ArgumentError(`there is no model '${name}' in local storage`, { op, fix: 'see tf.io.listModels()' });

/** What was written when a model was saved, with its date as one. */
function infoOf(text: string | null, name: string): ModelArtifactsInfo {
  const place = { op, file: scheme + name };
  const info = parseJsonObject(text ?? '{}', place);
  return { ...(info as unknown as ModelArtifactsInfo), dateSaved: new Date(String(info.dateSaved)) };
}

/** The models there, as a store. */
export const localStorageStore: ModelStore = {
  there,
  list: async () => {
    const names = Array.from({ length: storage().length }, (_, i) => storage().key(i) ?? '').flatMap((k) =>
      k.startsWith(root) && k.endsWith('/info') ? [k.slice(root.length, -'/info'.length)] : [],
    );
    return Object.fromEntries(names.map((n) => [n, infoOf(storage().getItem(key(n, 'info')), n)]));
  },
  remove: async (name) => {
    const text = storage().getItem(key(name, 'info'));
    if (text === null) throw missing(name);
    const info = infoOf(text, name);
    removeAll(name);
    return info;
  },
};

/** A handler of local storage. Throws ArgumentError without a name; its functions reject with DeviceError in Node. */
export function browserLocalStorage(name: string): IOHandler {
  if (typeof name !== 'string' || name === '')
    throw new ArgumentError(`takes a name, not ${valueText(name)}`, { op, fix: "such as 'localstorage://my-model'" });
  return { save: (a) => save(name, a), load: () => load(name) };
}

/** The handler of `localstorage://`. */
export const localStorageRouter: IORouter = (url) => {
  const name = afterScheme(url, scheme);
  return name === undefined ? null : browserLocalStorage(name);
};
