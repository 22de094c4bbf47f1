// Models at addresses: loaded by fetch, saved by POST, as TensorFlow.js does both.

import { ArgumentError, ExecutionError, valueText } from '../../ir/errors.ts';
import { concatBytes } from '../bytes.ts';
import { artifactsOf, modelJsonOf, parseModelJson, saved, weightBytes } from './artifacts.ts';
import { bufferOf, decodeText } from './format.ts';
import { progressOf } from './progress.ts';
import type { IORouter } from './router.ts';
import type { IOHandler, LoadOptions, ModelArtifacts, SaveResult } from './types.ts';

const op = 'io.http';
/** The most bytes of a `model.json`: no text can be longer in V8. */
const largestJson = 2 ** 29;
/** The most bytes of a file of weights. */
const largestShard = 2 ** 32;

/** Whether an address begins with http:// or https://. */
export const isHTTPScheme = (url: string): boolean => /^https?:\/\//i.test(url);

/** What an address answers, of at most `limit` bytes. */
export async function fetchBytes(url: string, options: LoadOptions, limit: number): Promise<Uint8Array> {
  const f = options.fetchFunc ?? fetch;
  const failed = (why: string) =>
    new ExecutionError(`cannot load '${url}': ${why}`, { op, fix: 'check the address and the network' });
  const response = await f(url, options.requestInit).catch((e: Error) => {
    throw failed((e.cause as Error | undefined)?.message ?? e.message);
  });
  if (!response.ok) throw failed(`it answered ${response.status} ${response.statusText}`);
  // What stands for fetch may give less than a whole Response.
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const parts: Uint8Array[] = [];
  const reader = response.body.getReader();
  let total = 0;
  try {
    for (let r = await reader.read(); !r.done; r = await reader.read()) {
      total += r.value.length;
      if (total > limit) throw failed(`it answered with more than ${limit} bytes`);
      parts.push(r.value);
    }
  } catch (e) {
    await reader.cancel().catch(() => undefined);
    throw e instanceof ExecutionError ? e : failed((e as Error).message);
  }
  return concatBytes(parts);
}

/** `https://a/b/model.json?x` as its folder and what follows a question mark. */
function split(url: string): { folder: string; suffix: string } {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  return { folder: path.slice(0, path.lastIndexOf('/') + 1), suffix: query < 0 ? '' : url.slice(query) };
}

async function load(given: string, options: LoadOptions): Promise<ModelArtifacts> {
  const hub = options.fromTFHub ? `${given.replace(/\/?$/, '/')}model.json?tfjs-format=file` : given;
  const place = { op, file: hub };
  const json = parseModelJson(decodeText(await fetchBytes(hub, options, largestJson), place), place);
  const { folder, suffix } = split(hub);
  const prefix = options.weightPathPrefix ?? folder;
  return artifactsOf(json, async (names) => {
    const progress = progressOf(options.onProgress, names.length);
    return Promise.all(
      names.map(async (n) => {
        const url = options.weightUrlConverter ? await options.weightUrlConverter(n) : prefix + n + suffix;
        const bytes = await fetchBytes(url, options, largestShard);
        progress();
        return bytes;
      }),
    );
  });
}

async function save(url: string, options: LoadOptions, artifacts: ModelArtifacts): Promise<SaveResult> {
  const weights = await weightBytes(artifacts, op);
  const manifest = [{ paths: ['./model.weights.bin'], weights: artifacts.weightSpecs ?? [] }];
  const body = new FormData();
  const json = JSON.stringify(modelJsonOf(artifacts, manifest, op));
  body.append('model.json', new Blob([json], { type: 'application/json' }), 'model.json');
  if (weights.length)
    body.append(
      'model.weights.bin',
      new Blob([bufferOf(weights)], { type: 'application/octet-stream' }),
      'model.weights.bin',
    );
  const response = await (options.fetchFunc ?? fetch)(url, { method: 'POST', ...options.requestInit, body });
  if (response.ok) return { ...saved(artifacts), responses: [response] };
  throw new ExecutionError(`'${url}' answered ${response.status} ${response.statusText}`, {
    op,
    fix: 'the server must take a POST of model.json and model.weights.bin',
  });
}

/**
 * A handler of an address: loads a `model.json` and the files that it names, saves with a POST. Throws ArgumentError
 * for what is no address or for `requestInit` with a body.
 */
export function http(path: string, loadOptions: LoadOptions = {}): IOHandler {
  if (typeof path !== 'string' || path === '')
    throw new ArgumentError(`takes an address, not ${valueText(path)}`, { op, fix: "such as 'https://…/model.json'" });
  if (loadOptions?.requestInit?.body != null)
    throw new ArgumentError('requestInit has a body', { op, fix: 'leave it out: the model is the body' });
  const options = loadOptions ?? {};
  return { load: () => load(path, options), save: (a) => save(path, options, a) };
}

/** TensorFlow.js's older name of `http`. */
export const browserHTTPRequest = http;

/** The handler of `http://` and `https://`; to load, also that of paths in a page. */
export const httpRouter: IORouter = (url, options) => {
  const all = Array.isArray(url) ? url : [url];
  return all.length > 0 && all.every((u) => typeof u === 'string' && isHTTPScheme(u)) ? http(all[0], options) : null;
};
