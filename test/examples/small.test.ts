// The examples that are small anyway, and how all of them are started.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { expect, onTestFinished, test } from 'vitest';
import * as loop from '../../examples/custom-loop.ts';
import * as iris from '../../examples/iris.ts';
import { readSettings } from '../../examples/shared/command-line.ts';
import { repositoryFile } from '../../examples/shared/repository.ts';
import * as houses from '../../examples/two-inputs.ts';
import * as webgpu from '../../examples/webgpu-page.ts';
import { printed } from './quiet.ts';

test('the irises: kinds of flowers that were held out', async () => {
  const { accuracy, history } = await iris.run(iris.settings);
  expect(accuracy).toBeGreaterThanOrEqual(0.96);
  expect(history.loss.at(-1) as number).toBeLessThan(0.2);
  expect(printed.at(-1)).toMatch(/setosa 0\.0\d\d, versicolor 0\.[6-9]/);
  // Fisher's means of the four measures.
  const rows = readFileSync(repositoryFile('examples/data/iris.csv'), 'utf8').trim().split('\n').slice(1);
  expect(rows.length).toBe(150);
  const means = [0, 1, 2, 3].map((i) => rows.reduce((s, r) => s + Number(r.split(',')[i]), 0) / 150);
  [5.843, 3.057, 3.758, 1.199].forEach((m, i) => void expect(means[i]).toBeCloseTo(m, 3));
});

test('the houses: both inputs matter', async () => {
  const { r2, mae } = await houses.run({ ...houses.settings, epochs: 15, samples: 2000 });
  expect(r2).toBeGreaterThan(0.98);
  expect(mae).toBeLessThan(0.06);
});

test('the spiral, in a loop of one’s own', async () => {
  const { accuracy, losses } = await loop.run({ ...loop.settings, steps: 800 });
  expect(accuracy).toBeGreaterThan(0.97);
  expect(losses.length).toBe(4);
  expect(losses[3]).toBeLessThan(losses[0] / 10);
});

test('the page on WebGPU and its digits are served', async () => {
  const server = await webgpu.run({ port: 0, samples: 30, testSamples: 20 });
  try {
    const url = /http:\/\/localhost:\d+\//.exec(printed.at(-1) as string)?.[0];
    expect(await (await fetch(`${url}`)).text()).toContain('importmap');
    const [train, tested] = await tf.datasets.mnist.loadData({ path: await saved(`${url}mnist/`) });
    expect([train, tested].map(([x, y]) => [x.shape, y.shape])).toEqual([
      [[30, 28, 28], [30]],
      [[20, 28, 28], [20]],
    ]);
    expect([...tested[1].dataSync().slice(0, 5)]).toEqual([7, 2, 1, 0, 4]);
    for (const outside of ['packages/..%2fpackage.json', 'packages/%2e%2e/package.json', 'nothing', 'mnist/other'])
      expect((await fetch(`${url}${outside}`)).status).toBe(404);
  } finally {
    server.close();
  }
});

/** A folder with the four files that are served below an address. */
async function saved(url: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sinter-digits-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const part of ['train', 't10k'])
    for (const kind of ['images-idx3', 'labels-idx1']) {
      const name = `${part}-${kind}-ubyte.gz`;
      writeFileSync(join(folder, name), new Uint8Array(await (await fetch(url + name)).arrayBuffer()));
    }
  return folder;
}

test('settings come from the command line', () => {
  const defaults = { epochs: 5, rate: 0.1 };
  expect(readSettings(defaults, [])).toEqual(defaults);
  expect(readSettings(defaults, ['--epochs', '2', '--rate', '0.5'])).toEqual({ epochs: 2, rate: 0.5 });
  expect(() => readSettings(defaults, ['--epochs', 'many'])).toThrow("--epochs takes a positive number, not 'many'");
  expect(() => readSettings(defaults, ['--epoch', '2'])).toThrow('--epoch');
});

test('each example is listed with what it reaches', () => {
  const names = readdirSync(repositoryFile('examples')).flatMap((f) =>
    /^(?!run).*\.ts$/.test(f) ? [f.slice(0, -3)] : [],
  );
  expect(names.length).toBeGreaterThan(8);
  const page = readFileSync(repositoryFile('examples/README.md'), 'utf8');
  for (const name of names) expect(page).toContain(`\`${name}\``);
});
