// `tf.io`: where models are saved to and loaded from, under TensorFlow.js's names.

import { browserDownloads, browserFiles, downloadsRouter } from './browser-files.ts';
import { fileRouter } from './file-system.ts';
import { httpRouter } from './http.ts';
import { indexedDBRouter, indexedDBStore } from './indexed-db.ts';
import { localStorageRouter, localStorageStore } from './local-storage.ts';
import { registerLoadRouter, registerSaveRouter } from './router.ts';
import { registerStore } from './stores.ts';

for (const router of [fileRouter, httpRouter, indexedDBRouter, localStorageRouter]) {
  registerSaveRouter(router);
  registerLoadRouter(router);
}
registerSaveRouter(downloadsRouter);
registerStore('localstorage://', localStorageStore);
registerStore('indexeddb://', indexedDBStore);

export { concatenateArrayBuffers, getModelArtifactsInfoForJSON } from './artifacts.ts';
export { fileSystem } from './file-system.ts';
export { browserHTTPRequest, http, isHTTPScheme } from './http.ts';
export { browserIndexedDB } from './indexed-db.ts';
export { loadWeights, weightsLoaderFactory } from './load-weights.ts';
export { browserLocalStorage } from './local-storage.ts';
export { fromMemory, fromMemorySync, withSaveHandler, withSaveHandlerSync } from './passthrough.ts';
export {
  getLoadHandlers,
  getSaveHandlers,
  type IORouter,
  registerLoadRouter,
  registerSaveRouter,
} from './router.ts';
export { copyModel, listModels, moveModel, removeModel } from './stores.ts';
export type * from './types.ts';
export { decodeWeights, encodeWeights, getWeightSpecs } from './weights.ts';
export { browserDownloads, browserFiles };
