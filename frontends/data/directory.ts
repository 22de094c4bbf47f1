// `tf.utils.imageDatasetFromDirectory`: a folder of images, one folder a class, as a data set.

import { ArgumentError } from '../../ir/errors.ts';
import { decodeImage } from '../image/codec.ts';
import { checkOptions, didYouMean } from '../keras/engine/names.ts';
import { nodeModule } from '../platform.ts';
import { oneHot } from '../trace/creation.ts';
import { need } from '../trace/ops/common.ts';
import { type ResizeOptions, resize } from '../trace/ops/resize.ts';
import { cast } from '../trace/ops/shape.ts';
import type { Tensor } from '../trace/tensor.ts';
import { array } from './create.ts';
import { type Dataset, type Element, Pipeline } from './dataset.ts';
import { Random, seedOr } from './random.ts';

type LabelMode = 'int' | 'binary' | 'categorical' | null;

/** Which images are taken, and as what they come. */
export interface DirectoryOptions {
  /** 'inferred' (each folder is a class), one whole number for each file in the order of their names, or null. */
  readonly labels?: 'inferred' | readonly number[] | null;
  /** 'int' (int32 [batch]), 'binary' (float32 [batch, 1]), 'categorical' (rows of 0 and a 1), or null for none. */
  readonly labelMode?: LabelMode;
  /** The folders, in the order of their classes; by default all, by name. */
  readonly classNames?: readonly string[];
  /** 'rgb' by default. */
  readonly colorMode?: 'rgb' | 'rgba' | 'grayscale';
  /** Images of a batch, 32 by default; null gives single images. */
  readonly batchSize?: number | null;
  /** [height, width], [256, 256] by default. */
  readonly imageSize?: readonly [number, number];
  /** Whether images come in another order in each pass, true by default; else by name. */
  readonly shuffle?: boolean;
  readonly seed?: number | string;
  /** The share of images that the subset 'validation' has; the others are 'training'. */
  readonly validationSplit?: number;
  readonly subset?: 'training' | 'validation';
  /** 'bilinear' by default. */
  readonly interpolation?: NonNullable<ResizeOptions['method']>;
  /** Whether images are cropped to the ratio of `imageSize`, not distorted. */
  readonly cropToAspectRatio?: boolean;
}

const op = 'utils.imageDatasetFromDirectory';
const names = [
  ...['labels', 'labelMode', 'classNames', 'colorMode', 'batchSize', 'imageSize', 'shuffle', 'seed'],
  ...['validationSplit', 'subset', 'interpolation', 'cropToAspectRatio'],
];
const channelsOf = { rgb: 3, rgba: 4, grayscale: 1 } as const;

interface File {
  readonly path: string;
  readonly label: number;
}

/** The images below a folder, by name. */
async function imagesBelow(folder: string): Promise<string[]> {
  const [{ readdir }, { join }] = [await nodeModule('fs/promises', op), await nodeModule('path', op)];
  const entries = await readdir(folder, { withFileTypes: true }).catch((e: Error) => {
    throw new ArgumentError(`cannot read the folder '${folder}': ${e.message}`, { op, fix: 'check its path' });
  });
  const found: string[] = [];
  for (const e of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, e.name);
    if (e.isDirectory()) found.push(...(await imagesBelow(path)));
    else if (/\.(png|jpe?g)$/i.test(e.name)) found.push(path);
  }
  return found;
}

/** The files with their classes. */
async function labelled(folder: string, o: DirectoryOptions): Promise<{ files: File[]; classes: string[] }> {
  const { labels = 'inferred', classNames } = o;
  if (labels !== 'inferred') {
    const paths = await imagesBelow(folder);
    if (labels && labels.length !== paths.length)
      throw new ArgumentError(`there are ${labels.length} labels for the ${paths.length} images of '${folder}'`, {
        op,
        fix: 'give one label an image, in the order of their names',
      });
    const top = labels ? Math.max(0, ...labels) : 0;
    const classes = classNames?.slice() ?? Array.from({ length: top + 1 }, (_, i) => String(i));
    return { files: paths.map((path, i) => ({ path, label: labels?.[i] ?? 0 })), classes };
  }
  const [{ readdir }, { join }] = [await nodeModule('fs/promises', op), await nodeModule('path', op)];
  const inside = await readdir(folder, { withFileTypes: true }).catch((e: Error) => {
    throw new ArgumentError(`cannot read the folder '${folder}': ${e.message}`, { op, fix: 'check its path' });
  });
  const there = inside
    .filter((e) => e.isDirectory())
    .map((e) => e.name)
    .sort();
  const classes = classNames?.slice() ?? there;
  const missing = classes.find((c) => !there.includes(c));
  if (missing !== undefined)
    throw new ArgumentError(`'${folder}' has no folder '${missing}'`, { op, fix: didYouMean(missing, there) });
  const files: File[] = [];
  for (const [label, c] of classes.entries())
    for (const path of await imagesBelow(join(folder, c))) files.push({ path, label });
  return { files, classes };
}

/** Throws ArgumentError for settings that do not fit together. */
function check(o: DirectoryOptions): void {
  checkOptions(o, names, op);
  const { labels = 'inferred', labelMode = 'int', colorMode = 'rgb', batchSize = 32, validationSplit, subset } = o;
  const whole = Array.isArray(labels) && labels.every((l) => Number.isInteger(l) && l >= 0);
  need(
    labels === 'inferred' || labels === null || whole,
    op,
    "labels must be 'inferred', whole numbers or null",
    labels,
  );
  need(
    ['int', 'binary', 'categorical', null].includes(labelMode),
    op,
    "labelMode must be 'int', 'binary', 'categorical' or null",
    labelMode,
  );
  need(Object.hasOwn(channelsOf, colorMode), op, "colorMode must be 'rgb', 'rgba' or 'grayscale'", colorMode);
  need(
    batchSize === null || (Number.isInteger(batchSize) && batchSize >= 1),
    op,
    'batchSize must be a whole number from 1 on, or null',
    batchSize,
  );
  const share = validationSplit === undefined || (validationSplit > 0 && validationSplit < 1);
  need(share, op, 'validationSplit must be a number between 0 and 1', validationSplit);
  need(
    (validationSplit === undefined) === (subset === undefined) &&
      [undefined, 'training', 'validation'].includes(subset),
    op,
    "subset must be 'training' or 'validation' where there is a validationSplit",
    subset,
  );
  if (subset !== undefined && o.shuffle !== false && o.seed === undefined)
    throw new ArgumentError('a validationSplit of shuffled images needs a seed', {
      op,
      fix: 'give both subsets one seed, or shuffle: false: else they overlap',
    });
}

/** The part of an image that has the ratio of a size. */
function cropped(t: Tensor, [height, width]: readonly [number, number]): Tensor {
  const [h, w] = t.shape;
  const rows = Math.max(1, Math.min(h, Math.floor((w * height) / width)));
  const columns = Math.max(1, Math.min(w, Math.floor((h * width) / height)));
  return t.slice([(h - rows) >> 1, (w - columns) >> 1, 0], [rows, columns, t.shape[2]]);
}

/** Reads a file as float32 [height, width, channels]. */
async function load(path: string, o: DirectoryOptions): Promise<Tensor> {
  const { readFile } = await nodeModule('fs/promises', op);
  const { imageSize = [256, 256], colorMode = 'rgb', interpolation = 'bilinear', cropToAspectRatio = false } = o;
  const bytes = await readFile(path);
  let image: Tensor;
  try {
    image = decodeImage(bytes, { channels: channelsOf[colorMode] });
  } catch (e) {
    throw new ArgumentError(`'${path}': ${(e as Error).message}`, { op, fix: 'repair the file, or take it away' });
  }
  return cast(
    resize(cropToAspectRatio ? cropped(image, imageSize) : image, imageSize, { method: interpolation }),
    'float32',
  );
}

/** A data set that knows its classes. */
export interface ImageDataset extends Dataset<Element> {
  readonly classNames: readonly string[];
  readonly filePaths: readonly string[];
}

/**
 * The PNG and JPEG files below a folder as batches `{xs, ys}`: float32 images [batch, height, width, channels] from 0 to
 * 255, and their labels; without labels the images alone. Files are read when they are asked for. In Node only.
 * Rejects with ArgumentError for settings that do not fit, for a folder without images, and for files that are none.
 */
export async function imageDatasetFromDirectory(
  directory: string,
  options: DirectoryOptions = {},
): Promise<ImageDataset> {
  need(typeof directory === 'string', op, 'directory must be text', directory);
  const o = options ?? {};
  check(o);
  const { labelMode = 'int', batchSize = 32, shuffle = true, validationSplit, subset } = o;
  const { files: all, classes } = await labelled(directory, o);
  need(all.length > 0, op, `'${directory}' must hold PNG or JPEG files`, all.length);
  need(labelMode !== 'binary' || classes.length === 2, op, "classes must be two for labelMode 'binary'", classes);
  const seed = seedOr(o.seed);
  // One order for both subsets, so that they do not overlap.
  if (shuffle) new Random(seed).shuffle(all);
  const last = all.length - Math.floor((validationSplit ?? 0) * all.length);
  const files = subset === 'validation' ? all.slice(last) : all.slice(0, last);
  const labelOf = (k: number): unknown => {
    if (labelMode === 'categorical') return oneHot(k, classes.length, 1, 0, 'float32');
    return labelMode === 'binary' ? [k] : Int32Array.of(k);
  };
  const ordered = shuffle && files.length ? array(files).shuffle(files.length, seed) : array(files);
  const images = ordered.map(
    async ({ path, label }: File) => {
      const xs = await load(path, o);
      return labelMode === null || o.labels === null ? xs : { xs, ys: labelOf(label) };
    },
    { numParallelCalls: 4 },
  );
  const whole = (x: Element): Element => (labelMode === 'int' && x.ys ? { xs: x.xs, ys: x.ys.reshape([-1]) } : x);
  const out = batchSize === null ? images : images.batch(batchSize).map(whole).prefetch(1);
  const open = () => out[Symbol.asyncIterator]();
  return Object.assign(new Pipeline(open, out.size), { classNames: classes, filePaths: files.map((f) => f.path) });
}
