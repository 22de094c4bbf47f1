// `tf.loadLayersModel`, and models out of JSON and YAML.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { mustRead, pathOf } from '../../files.ts';
import { fileSystem } from '../../io/file-system.ts';
import { bytesOf, isObject, type Place, parseJson } from '../../io/format.ts';
import { fetchBytes, http } from '../../io/http.ts';
import { getLoadHandlers, handlerFor } from '../../io/router.ts';
import type { IOHandler, LoadOptions } from '../../io/types.ts';
import { inNode } from '../../platform.ts';
import type { LayersModel } from '../engine/model.ts';
import { checkOptions } from '../engine/names.ts';
import type { CustomObjects } from '../engine/serialize.ts';
import { buildModel, modelObject } from './building.ts';
import { decodeModel, formatOfName } from './formats.ts';
import { modelOfArtifacts } from './layers-artifacts.ts';

const op = 'loadLayersModel';

/** How `loadLayersModel` loads. */
export interface LoadLayersModelOptions extends LoadOptions {
  /** Classes and functions of one's own by name, beside those of `tf.serialization.registerClass`. */
  readonly customObjects?: CustomObjects;
}

const known = [
  'requestInit',
  'onProgress',
  'fetchFunc',
  'strict',
  'weightPathPrefix',
  'fromTFHub',
  'weightUrlConverter',
  'streamWeights',
  'customObjects',
];
/** The most bytes of a file that is loaded from an address. */
const largest = 2 ** 32;

/** The bytes of a file of this machine or at an address; tells the progress, which is one step. */
async function bytesAt(path: string, options: LoadOptions): Promise<Uint8Array> {
  const bytes = /^https?:/i.test(path)
    ? await fetchBytes(path, options, largest)
    : await mustRead(await pathOf(path, op), op);
  options.onProgress?.(1);
  return bytes;
}

/** The handler of an address; what has no scheme is a file in Node and an address in a page. */
function handlerOf(x: string | IOHandler, options: LoadOptions): IOHandler {
  if (typeof x === 'string' && getLoadHandlers(x, options).length === 0 && !/^[a-z][a-z0-9+.-]+:\/\//i.test(x))
    return inNode() ? fileSystem(x, options) : http(x, options);
  return handlerFor(x, 'load', op, options);
}

/**
 * Loads a model: from TensorFlow.js's `model.json` (address, path or handler), or from a `.keras`, `.h5` or
 * `.sinterck` file (path, address, or its bytes). A model that was saved with its optimizer is compiled and goes on
 * with its training; one that this library has saved goes on with the same numbers, for which the state of the global
 * random numbers is taken up too. Rejects with FormatError for damaged files and what is not supported, ArgumentError
 * for classes that are not known, ExecutionError where a file cannot be read.
 */
export async function loadLayersModel(
  pathOrIOHandler: string | IOHandler | Uint8Array | ArrayBuffer,
  options: LoadLayersModelOptions = {},
): Promise<LayersModel> {
  checkOptions(options, known, op);
  if (pathOrIOHandler instanceof ArrayBuffer || ArrayBuffer.isView(pathOrIOHandler))
    return decodeModel(bytesOf(pathOrIOHandler, 'the file', op), options, { op, file: 'bytes' });
  if (typeof pathOrIOHandler === 'string') {
    const path = pathOrIOHandler.split('?')[0];
    if (formatOfName(path)) return decodeModel(await bytesAt(pathOrIOHandler, options), options, { op, file: path });
  }
  const handler = handlerOf(pathOrIOHandler, options);
  const artifacts = await handler.load?.();
  const file = typeof pathOrIOHandler === 'string' ? pathOrIOHandler : 'model';
  if (!isObject(artifacts))
    throw new ArgumentError(`the handler gave ${valueText(artifacts)}`, {
      op,
      fix: 'load() must give the parts of a model',
    });
  return modelOfArtifacts(artifacts, options, { op, file });
}

/** The model of plain data: what `toJSON` gives, or `{modelTopology}`. */
function fromPlain(x: unknown, customObjects: CustomObjects | undefined, place: Place): LayersModel {
  return buildModel(modelObject(x, place), place, { customObjects });
}

/**
 * A new model of an architecture, with new weights: of the text or the object that `model.toJSON` gives (or Keras's
 * `to_json`). Rejects with FormatError for what is none, ArgumentError for unknown classes.
 */
export async function modelFromJSON(json: string | object, customObjects?: CustomObjects): Promise<LayersModel> {
  const place = { op: 'models.modelFromJSON', file: 'JSON' };
  return fromPlain(typeof json === 'string' ? parseJson(json, place) : json, customObjects, place);
}

/** As `modelFromJSON`, of the text that `model.toYAML` gives. Aliases and tags are refused. */
export async function modelFromYAML(yaml: string, customObjects?: CustomObjects): Promise<LayersModel> {
  const place = { op: 'models.modelFromYAML', file: 'YAML' };
  if (typeof yaml !== 'string')
    throw new ArgumentError(`takes text, not ${valueText(yaml)}`, { op: place.op, fix: 'give what toYAML gives' });
  const { parseYaml } = await import('./yaml.ts');
  return fromPlain(parseYaml(yaml, place), customObjects, place);
}
