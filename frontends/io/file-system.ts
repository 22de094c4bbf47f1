// Models in files, as TensorFlow.js for Node lays them out: a folder with `model.json` and files of weights.
//
// A save never leaves a folder half new: the files of weights have names that follow from their contents, so that
// those of the model that is there stay; `model.json`, which names them, is replaced last, in one step.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { joinPath, listFiles, mustRead, pathOf, readIfThere, removeFile, writeWhole } from '../files.ts';
import { inNode, nodeModule } from '../platform.ts';
import { artifactsOf, modelJsonOf, parseModelJson, saved, weightBytes } from './artifacts.ts';
import { decodeText, type Place } from './format.ts';
import { progressOf } from './progress.ts';
import { afterScheme, type IORouter } from './router.ts';
import type { IOHandler, LoadOptions, ModelArtifacts, SaveResult, WeightsManifestConfig } from './types.ts';
import { checkedManifest } from './weights.ts';

const op = 'io.fileSystem';

/** Bytes of a file of weights: those of TensorFlow.js's converter. */
const shardBytes = 4 * 2 ** 20;
/** Names that `save` gives, and only it. */
const ownName = /^group1-shard\d+of\d+-[0-9a-f]{16}\.bin$/;
/** How old a file of weights must be that no `model.json` names until it is removed: a save under way has such files. */
const staleAfter = 3600_000;

interface Shard {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function shardsOf(bytes: Uint8Array): Promise<Shard[]> {
  const { createHash } = await nodeModule('crypto', op);
  const count = Math.ceil(bytes.length / shardBytes);
  return Array.from({ length: count }, (_, i) => {
    const part = bytes.subarray(i * shardBytes, (i + 1) * shardBytes);
    const hash = createHash('sha256').update(part).digest('hex').slice(0, 16);
    return { name: `group1-shard${i + 1}of${count}-${hash}.bin`, bytes: part };
  });
}

/** Saves into a folder. */
async function save(folder: string, artifacts: ModelArtifacts): Promise<SaveResult> {
  const weights = await weightBytes(artifacts, op);
  const shards = await shardsOf(weights);
  const manifest: WeightsManifestConfig = artifacts.weightSpecs
    ? [{ paths: shards.map((s) => s.name), weights: artifacts.weightSpecs }]
    : [];
  const text = JSON.stringify(modelJsonOf(artifacts, manifest, op));
  const file = await joinPath(op, folder, 'model.json');
  const before = await namedBy(file);
  for (const s of shards) await writeWhole(await joinPath(op, folder, s.name), s.bytes, op);
  await writeWhole(file, text, op);
  await removeStale(folder, before, new Set(shards.map((s) => s.name)));
  return saved(artifacts);
}

/** Files of weights that a `model.json` names and `save` has made; none where there is no such file. */
async function namedBy(file: string): Promise<string[]> {
  try {
    const bytes = await readIfThere(file, op);
    if (!bytes) return [];
    const place = { op, file };
    const json = JSON.parse(decodeText(bytes, place)) as { weightsManifest?: unknown };
    return checkedManifest(json.weightsManifest, place).flatMap((g) => g.paths.filter((p) => ownName.test(p)));
  } catch {
    // A damaged one is about to be replaced.
    return [];
  }
}

/** Removes what the old `model.json` named and the new one does not, and what saves left that were interrupted. */
async function removeStale(folder: string, before: readonly string[], now: ReadonlySet<string>): Promise<void> {
  const old = Date.now() - staleAfter;
  for (const { name, modified } of await listFiles(folder, op)) {
    const unused = ownName.test(name) && !now.has(name);
    if (unused && (before.includes(name) || modified < old)) await removeFile(await joinPath(op, folder, name), op);
  }
}

/** Loads from a `model.json`, or from one and files of weights. */
async function load(paths: readonly string[], options: LoadOptions): Promise<ModelArtifacts> {
  const [file, ...given] = paths;
  const place: Place = { op, file };
  for (let attempt = 0; ; attempt++) {
    const text = decodeText(await mustRead(file, op), place);
    try {
      return await artifactsOf(parseModelJson(text, place), (names) => readShards(file, names, given, options));
    } catch (e) {
      // Somebody may have saved in the meantime: then model.json names other files by now.
      const now = await readIfThere(file, op);
      if (attempt === 3 || !now || decodeText(now, place) === text) throw e;
    }
  }
}

async function readShards(
  file: string,
  names: readonly string[],
  given: readonly string[],
  options: LoadOptions,
): Promise<Uint8Array[]> {
  const { dirname } = await nodeModule('path', op);
  const folder = options.weightPathPrefix === undefined ? dirname(file) : await pathOf(options.weightPathPrefix, op);
  const files = given.length ? given : await Promise.all(names.map((n) => joinPath(op, folder, n)));
  const progress = progressOf(options.onProgress, files.length);
  const parts: Uint8Array[] = [];
  for (const f of files) {
    parts.push(await mustRead(f, op));
    progress();
  }
  return parts;
}

/**
 * A handler of files, in Node. To save, `path` is a folder; to load, a `model.json`, or an array of one and the files
 * of weights. Paths may begin with `file://`. Throws ArgumentError for what is no path; its functions reject with
 * DeviceError in a page, FormatError for damaged files and ExecutionError where the file system refuses.
 */
export function fileSystem(path: string | string[], options: LoadOptions = {}): IOHandler {
  const paths = Array.isArray(path) ? path : [path];
  if (paths.length === 0 || !paths.every((p) => typeof p === 'string' && p !== ''))
    throw new ArgumentError(`takes a path, not ${valueText(path)}`, { op, fix: "such as './models/mine'" });
  const all = () => Promise.all(paths.map((p) => pathOf(p, op)));
  return {
    save: async (artifacts) => {
      if (paths.length > 1) throw new ArgumentError('a model is saved into one folder', { op, fix: 'give one path' });
      return save((await all())[0], artifacts);
    },
    load: async () => load(await all(), options),
  };
}

/** The handler of `file://`. */
export const fileRouter: IORouter = (url, options) => {
  const first = Array.isArray(url) ? url[0] : url;
  return inNode() && typeof first === 'string' && afterScheme(first, 'file://') !== undefined
    ? fileSystem(url, options)
    : null;
};
