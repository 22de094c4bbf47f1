// Models in a page's IndexedDB, in TensorFlow.js's database, so that either library finds the other's.

import { ArgumentError, DeviceError, ExecutionError, valueText } from '../../ir/errors.ts';
import { getModelArtifactsInfoForJSON, weightBytes } from './artifacts.ts';
import { bufferOf, damaged, isObject } from './format.ts';
import { afterScheme, type IORouter } from './router.ts';
import type { ModelStore } from './stores.ts';
import type { IOHandler, ModelArtifacts, ModelArtifactsInfo } from './types.ts';

const op = 'io.browserIndexedDB';
const scheme = 'indexeddb://';
const database = { name: 'tensorflowjs', version: 1 };
const stores = { model: 'models_store', info: 'model_info_store' } as const;

interface Entry {
  modelPath: string;
  modelArtifacts?: ModelArtifacts;
  modelArtifactsInfo: ModelArtifactsInfo;
}

const there = (): boolean => typeof indexedDB !== 'undefined';

/** What a request gives. */
const answer = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(database.name, database.version);
  request.onupgradeneeded = () => {
    for (const s of Object.values(stores)) request.result.createObjectStore(s, { keyPath: 'modelPath' });
  };
  return answer(request);
}

/** Runs `f` in one transaction of both stores: all of it happens, or nothing. */
async function transact<T>(mode: 'readonly' | 'readwrite', f: (t: IDBTransaction) => Promise<T>): Promise<T> {
  if (!there()) throw new DeviceError('there is no IndexedDB here', { op, fix: "use 'file://…' in Node" });
  try {
    const db = await open();
    try {
      const t = db.transaction(Object.values(stores), mode);
      const done = new Promise<void>((resolve, reject) => {
        t.oncomplete = () => resolve();
        t.onabort = () => reject(t.error ?? new Error('it was aborted'));
      });
      const [result] = await Promise.all([f(t), done]);
      return result;
    } finally {
      db.close();
    }
  } catch (e) {
    if (e instanceof ArgumentError) throw e;
    throw new ExecutionError(`IndexedDB failed: ${(e as Error).message}`, { op, fix: 'check the room that is left' });
  }
}

const missing = (name: string) =>
  new ArgumentError(`there is no model '${name}' in IndexedDB`, { op, fix: 'see tf.io.listModels()' });

/** The models there, as a store. */
export const indexedDBStore: ModelStore = {
  there,
  list: async () => {
    const all = await transact('readonly', (t) => answer<Entry[]>(t.objectStore(stores.info).getAll()));
    return Object.fromEntries(all.map((e) => [e.modelPath, e.modelArtifactsInfo]));
  },
  remove: (name) =>
    transact('readwrite', async (t) => {
      const found = await answer<Entry | undefined>(t.objectStore(stores.info).get(name));
      if (!found) throw missing(name);
      for (const s of Object.values(stores)) t.objectStore(s).delete(name);
      return found.modelArtifactsInfo;
    }),
};

/** A handler of IndexedDB. Throws ArgumentError without a name; its functions reject with DeviceError in Node. */
export function browserIndexedDB(name: string): IOHandler {
  if (typeof name !== 'string' || name === '')
    throw new ArgumentError(`takes a name, not ${valueText(name)}`, { op, fix: "such as 'indexeddb://my-model'" });
  return {
    save: async (artifacts) => {
      // Functions cannot be stored, and the weights are there as bytes then.
      const { getWeightStream, ...rest } = artifacts;
      const modelArtifacts: ModelArtifacts = { ...rest, weightData: bufferOf(await weightBytes(artifacts, op)) };
      const modelArtifactsInfo = getModelArtifactsInfoForJSON(modelArtifacts);
      await transact('readwrite', async (t) => {
        t.objectStore(stores.info).put({ modelPath: name, modelArtifactsInfo });
        t.objectStore(stores.model).put({ modelPath: name, modelArtifacts, modelArtifactsInfo });
      });
      return { modelArtifactsInfo };
    },
    load: async () => {
      const entry = await transact('readonly', (t) => answer<Entry | undefined>(t.objectStore(stores.model).get(name)));
      if (!entry) throw missing(name);
      if (!isObject(entry.modelArtifacts)) return damaged({ op, file: scheme + name }, 'it has no model');
      return entry.modelArtifacts as ModelArtifacts;
    },
  };
}

/** The handler of `indexeddb://`. */
export const indexedDBRouter: IORouter = (url) => {
  const name = afterScheme(url, scheme);
  return name === undefined ? null : browserIndexedDB(name);
};
