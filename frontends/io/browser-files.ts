// Models as downloads of a page, and out of files that its user has chosen.

import { ArgumentError, DeviceError, valueText } from '../../ir/errors.ts';
import { artifactsOf, modelJsonOf, parseModelJson, saved, weightBytes } from './artifacts.ts';
import { bufferOf, damaged, decodeText } from './format.ts';
import { afterScheme, type IORouter } from './router.ts';
import type { IOHandler } from './types.ts';

/** Has the browser keep a file. */
async function download(name: string, content: BlobPart, type: string): Promise<void> {
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.dispatchEvent(new MouseEvent('click'));
  // The browser has begun by the next turn of its loop.
  await new Promise((r) => setTimeout(r));
}

/**
 * A handler that downloads a model as `<prefix>.json` and `<prefix>.weights.bin`. Its save rejects with DeviceError
 * outside of a page.
 */
export function browserDownloads(fileNamePrefix = 'model'): IOHandler {
  const op = 'io.browserDownloads';
  const prefix = fileNamePrefix || 'model';
  if (typeof prefix !== 'string')
    throw new ArgumentError(`takes a name, not ${valueText(prefix)}`, { op, fix: "such as 'my-model'" });
  return {
    save: async (artifacts) => {
      if (typeof document === 'undefined')
        throw new DeviceError('there is no page to download from', { op, fix: "use 'file://…' in Node" });
      const weights = await weightBytes(artifacts, op);
      const file = `${prefix}.weights.bin`;
      const manifest = [{ paths: [`./${file}`], weights: artifacts.weightSpecs ?? [] }];
      const json = JSON.stringify(modelJsonOf(artifacts, manifest, op));
      await download(prefix === 'model' ? 'model.json' : `${prefix}.json`, json, 'application/json');
      if (weights.length) await download(file, bufferOf(weights), 'application/octet-stream');
      return saved(artifacts);
    },
  };
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * A handler that loads a model from a `model.json` and the files that it names, found by name. Throws ArgumentError
 * for what are no files; its load rejects with FormatError where one is missing.
 */
export function browserFiles(files: File[]): IOHandler {
  const op = 'io.browserFiles';
  const list = Array.from(files ?? []);
  if (list.length === 0 || !list.every((f) => f instanceof Blob))
    throw new ArgumentError(`takes files, not ${valueText(files)}`, {
      op,
      fix: 'give model.json and the files it names',
    });
  const [json, ...rest] = list;
  const read = async (f: File) => new Uint8Array(await f.arrayBuffer());
  return {
    load: async () => {
      const place = { op, file: json.name };
      const model = parseModelJson(decodeText(await read(json), place), place);
      return artifactsOf(model, (names) =>
        Promise.all(
          names.map((n) => {
            const file = rest.find((f) => f.name === lastPart(n));
            return file ? read(file) : damaged(place, `the file '${n}' that it names is missing`, 'choose it as well');
          }),
        ),
      );
    },
  };
}

/** The handler of `downloads://`. */
export const downloadsRouter: IORouter = (url) => {
  const name = afterScheme(url, 'downloads://');
  return name === undefined ? null : browserDownloads(name);
};
