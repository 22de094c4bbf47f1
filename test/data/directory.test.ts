// tf.utils.imageDatasetFromDirectory.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let folder: string;
const grey = (level: number, h = 4, w = 6) => tf.fill([h, w, 3], level, 'int32');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sinter-images-'));
  // Ten images of two classes: the level says which.
  for (const [c, base] of [
    ['cats', 0],
    ['dogs', 100],
  ] as const) {
    mkdirSync(join(folder, 'all', c, 'more'), { recursive: true });
    for (let i = 0; i < 5; i++) {
      const t = grey(base + i);
      const [name, file] = i % 2 ? [`${i}.JPG`, tf.image.encodeJpeg(t)] : [`${i}.png`, tf.image.encodePng(t)];
      writeFileSync(join(folder, 'all', c, i === 4 ? 'more' : '', name), file);
    }
    writeFileSync(join(folder, 'all', c, 'notes.txt'), 'no image');
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

const load = (options: tf.utils.DirectoryOptions = {}) =>
  tf.utils.imageDatasetFromDirectory(join(folder, 'all'), { imageSize: [3, 5], ...options });
/** Levels and labels of all images. */
async function seen(d: tf.data.Dataset): Promise<{ levels: number[]; labels: unknown[] }> {
  const batches = await d.toArray();
  return {
    levels: batches.flatMap((b) =>
      (b.xs.slice([0, 0, 0, 0], [-1, 1, 1, 1]).reshape([-1]).arraySync() as number[]).map(Math.round),
    ),
    labels: batches.flatMap((b) => b.ys.arraySync()),
  };
}
const all = [0, 1, 2, 3, 4, 100, 101, 102, 103, 104];

describe('imageDatasetFromDirectory', () => {
  it('folders are classes', async () => {
    const d = await load({ shuffle: false, batchSize: 4 });
    expect([d.classNames, d.filePaths.length, d.size]).toEqual([['cats', 'dogs'], 10, 3]);
    const [first] = await d.take(1).toArray();
    expect([first.xs.shape, first.xs.dtype, first.ys.shape, first.ys.dtype]).toEqual([
      [4, 3, 5, 3],
      'float32',
      [4],
      'int32',
    ]);
    expect(await seen(d)).toEqual({ levels: all, labels: [0, 0, 0, 0, 0, 1, 1, 1, 1, 1] });
    const turned = await load({
      shuffle: false,
      classNames: ['dogs', 'cats'],
      labelMode: 'categorical',
      colorMode: 'grayscale',
      batchSize: 10,
    });
    const { labels } = await seen(turned);
    expect([labels[0], labels[9]]).toEqual([
      [1, 0],
      [0, 1],
    ]);
    expect((await turned.toArray())[0].xs.shape).toEqual([10, 3, 5, 1]);
    const binary = await load({ shuffle: false, labelMode: 'binary', colorMode: 'rgba' });
    expect((await seen(binary)).labels[9]).toEqual([1]);
    const [alone] = await (await load({ labelMode: null, batchSize: null })).take(1).toArray();
    expect(alone.shape).toEqual([3, 5, 3]);
    const given = await tf.utils.imageDatasetFromDirectory(join(folder, 'all', 'dogs'), {
      labels: [4, 3, 2, 1, 0],
      shuffle: false,
    });
    expect((await given.toArray())[0].ys.arraySync()).toEqual([4, 3, 2, 1, 0]);
  });
  it('shuffles by seed, anew in each pass, labels with their images', async () => {
    const [a, b] = [await load({ seed: 3 }), await load({ seed: 3 })];
    const first = await seen(a);
    expect(first.levels).not.toEqual(all);
    expect([...first.levels].sort((x, y) => x - y)).toEqual(all);
    expect(first.labels).toEqual(first.levels.map((l) => (l < 100 ? 0 : 1)));
    expect(await seen(b)).toEqual(first);
    expect((await seen(a)).levels).not.toEqual(first.levels);
  });
  it('divides into two parts', async () => {
    const part = (subset: 'training' | 'validation') => load({ seed: 1, validationSplit: 0.3, subset });
    const [train, validation] = [await part('training'), await part('validation')];
    expect([train.filePaths.length, validation.filePaths.length]).toEqual([7, 3]);
    expect([...(await seen(train)).levels, ...(await seen(validation)).levels].sort((x, y) => x - y)).toEqual(all);
  });
  it('resizes, or crops first', async () => {
    const wide = join(folder, 'wide', 'a');
    mkdirSync(wide, { recursive: true });
    // Two columns of 0 on either side of 200.
    const image = tf.concat([grey(0, 4, 2), grey(200, 4, 4), grey(0, 4, 2)], 1);
    writeFileSync(join(wide, 'x.png'), tf.image.encodePng(image));
    const levels = async (cropToAspectRatio: boolean) => {
      const d = await tf.utils.imageDatasetFromDirectory(join(folder, 'wide'), {
        imageSize: [2, 2],
        cropToAspectRatio,
        interpolation: 'area',
      });
      return (await d.toArray())[0].xs.slice([0, 0, 0, 0], [1, 1, 2, 1]).reshape([2]).arraySync();
    };
    expect(await levels(true)).toEqual([200, 200]);
    expect(await levels(false)).toEqual([100, 100]);
  });
  it('refuses what does not fit', async () => {
    const broken = join(folder, 'broken', 'a');
    mkdirSync(broken, { recursive: true });
    writeFileSync(join(broken, 'bad.png'), 'no image');
    mkdirSync(join(folder, 'empty', 'a'), { recursive: true });
    const at = (name: string, o: tf.utils.DirectoryOptions = {}) =>
      tf.utils.imageDatasetFromDirectory(join(folder, name), o);
    const cases: [() => Promise<unknown>, RegExp][] = [
      [() => at('none'), /cannot read the folder .*none': ENOENT/],
      [() => at('empty'), /must hold PNG or JPEG files/],
      [() => load({ classNames: ['cat'] }), /has no folder 'cat'[\s\S]*did you mean 'cats'/],
      [() => load({ labels: [1, 2] }), /2 labels for the 10 images/],
      [() => load({ validationSplit: 0.2 }), /subset must be 'training' or 'validation'/],
      [() => load({ validationSplit: 0.2, subset: 'training' }), /needs a seed/],
      [() => load({ labelMode: 'binary', classNames: ['cats'] }), /two for labelMode 'binary'/],
      [() => load({ color: 'rgb' } as never), /no option 'color'/],
      [async () => (await at('broken')).toArray(), /bad.png': .*neither PNG nor JPEG/],
    ];
    for (const [f, message] of cases) {
      await expect(f()).rejects.toThrow(message);
      await expect(f()).rejects.toBeInstanceOf(tf.ArgumentError);
    }
  });
});
