// Where models come from: paths, addresses, bytes; and the files beside them that hold their tensors.

import { ArgumentError, ExecutionError, FormatError, valueText } from '../../ir/errors.ts';
import { readIfThere } from '../files.ts';
import { nodeModule } from '../platform.ts';
import type { Message } from './schema.ts';
import { type ExternalFiles, placeOfTensor } from './tensors.ts';

const op = 'loadOnnx';

/** A path (in Node), an address, or the bytes of a model; with the bytes of the files beside it where there are such. */
export type OnnxSource =
  | string
  | URL
  | Uint8Array
  | ArrayBuffer
  | { readonly model: Uint8Array | ArrayBuffer; readonly externalData?: Readonly<Record<string, Uint8Array>> };

interface Source {
  readonly bytes: Uint8Array;
  /** The files that a model's tensors lie in. */
  readonly external: (model: Message<'Model'>) => Promise<ExternalFiles>;
}

const bytesOf = (x: unknown): Uint8Array | undefined =>
  x instanceof Uint8Array ? x : x instanceof ArrayBuffer ? new Uint8Array(x) : undefined;

/** The model's bytes, and how files beside it are had. */
export async function readSource(
  source: OnnxSource,
  given: Readonly<Record<string, Uint8Array>> = {},
): Promise<Source> {
  const own = bytesOf(source);
  if (own) return { bytes: own, external: (m) => collect(m, given, undefined) };
  if (typeof source === 'object' && source !== null && 'model' in source) {
    const bytes = bytesOf(source.model);
    if (bytes) return { bytes, external: (m) => collect(m, { ...given, ...source.externalData }, undefined) };
  }
  if (typeof source !== 'string' && !(source instanceof URL))
    throw new ArgumentError(`a model is a path, a URL or bytes, not ${valueText(source)}`, {
      op,
      fix: "await tf.loadOnnx('model.onnx'), or pass the file's bytes",
    });
  const address = String(source);
  const isRemote = /^(https?|data|blob):/.test(address);
  const fetchAt = isRemote ? (place: string) => fetched(new URL(place, address).href) : await reader(address);
  const bytes = isRemote ? await fetched(address) : await (await fileReader(address))();
  return { bytes, external: (m) => collect(m, given, fetchAt) };
}

async function fetched(address: string): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(address);
  } catch (e) {
    throw new ExecutionError(`fetching '${address}' failed: ${(e as Error).message}`, { op, fix: 'check the address' });
  }
  if (!response.ok)
    throw new ExecutionError(`fetching '${address}' failed: ${response.status} ${response.statusText}`, {
      op,
      fix: 'check the address',
    });
  return new Uint8Array(await response.arrayBuffer());
}

/** The path of a file: `file:` addresses are paths too. */
async function pathOf(address: string): Promise<string> {
  if (!address.startsWith('file:')) return address;
  return (await nodeModule('url', op)).fileURLToPath(address);
}
async function fileReader(address: string): Promise<() => Promise<Uint8Array>> {
  const path = await pathOf(address);
  return async () => {
    const bytes = await readIfThere(path, op);
    if (!bytes) throw new ExecutionError(`there is no file '${path}'`, { op, fix: 'check the path' });
    return bytes;
  };
}
/** Reads files beside a model. What a link leads to must lie beside it too. */
async function reader(address: string): Promise<(place: string) => Promise<Uint8Array>> {
  const [path, fs, model] = [await nodeModule('path', op), await nodeModule('fs/promises', op), await pathOf(address)];
  const folder = path.dirname(path.resolve(model));
  return async (place) => {
    const file = path.join(folder, place);
    const real = await fs.realpath(file).catch(() => undefined);
    const home = await fs.realpath(folder).catch(() => folder);
    if (real === undefined)
      throw new FormatError(`the file '${place}' with tensors is not beside the model`, {
        op,
        fix: `put it into ${folder}`,
      });
    if (!real.startsWith(home + path.sep))
      throw new FormatError(`the file '${place}' with tensors is outside of the model's folder`, { op });
    const bytes = await readIfThere(file, op);
    return bytes ?? new Uint8Array();
  };
}

/** Throws FormatError for a place that leads out of the model's folder. */
function checkPlace(place: string): void {
  const parts = place.split(/[\\/]/);
  const leaves =
    parts.includes('..') ||
    place.startsWith('/') ||
    place.startsWith('\\') ||
    /^[A-Za-z][\w+.-]*:/.test(place) ||
    place.includes('\0');
  if (leaves)
    throw new FormatError(`the model names the file ${valueText(place)}, which is not beside it`, {
      op,
      fix: 'a model may only use files of its own folder',
    });
}

/** All tensors of a model, those of subgraphs and functions too. */
function* tensorsOf(model: Message<'Model'>): Generator<Message<'Tensor'>> {
  const graphs: Message<'Graph'>[] = model.graph ? [model.graph] : [];
  const nodes = model.functions.flatMap((f) => f.node);
  for (const a of nodes.flatMap((n) => n.attribute)) yield* ofAttribute(a, graphs);
  for (const g of graphs) {
    yield* g.initializer;
    for (const s of g.sparseInitializer) yield* [s.values, s.indices].filter((t) => t !== undefined);
    for (const n of g.node) for (const a of n.attribute) yield* ofAttribute(a, graphs);
  }
}
function* ofAttribute(a: Message<'Attribute'>, graphs: Message<'Graph'>[]): Generator<Message<'Tensor'>> {
  if (a.t) yield a.t;
  yield* a.tensors;
  if (a.g) graphs.push(a.g);
  for (const g of a.graphs) graphs.push(g);
}

async function collect(
  model: Message<'Model'>,
  given: Readonly<Record<string, Uint8Array>>,
  read: ((place: string) => Promise<Uint8Array>) | undefined,
): Promise<ExternalFiles> {
  const files = new Map<string, Uint8Array>();
  for (const t of tensorsOf(model)) {
    const place = placeOfTensor(t, op)?.location;
    if (place === undefined || files.has(place)) continue;
    checkPlace(place);
    const bytes = Object.hasOwn(given, place) ? given[place] : await read?.(place);
    if (bytes) files.set(place, bytes);
  }
  return files;
}
