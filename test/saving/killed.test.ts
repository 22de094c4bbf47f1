// A process that is killed while it saves leaves the old model, or the new one, whole.

import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as tf from 'sinter';
import { afterAll, beforeAll, expect, it } from 'vitest';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sinter-killed-'));
const root = fileURLToPath(new URL('../..', import.meta.url));
/** The library as one file, inside the repository, so that its dependencies are found. */
const bundle = path.join(root, '.cache/killed/sinter.mjs');
beforeAll(async () => {
  const entryPoints = [path.join(root, 'frontends/index.ts')];
  await build({
    entryPoints,
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    // The package's list of files with side effects is of those that are built.
    ignoreAnnotations: true,
    logLevel: 'error',
  });
});
afterAll(() => {
  fs.rmSync(folder, { recursive: true });
  fs.rmSync(path.dirname(bundle), { recursive: true });
});

/** Saves models again and again, each with one number for all its weights, and says when it begins. */
const program = (target: string) => `
import * as tf from ${JSON.stringify(bundle)};
const model = tf.sequential({ layers: [tf.layers.dense({ units: 600, inputShape: [600], name: 'd' })], name: 'm' });
process.stdout.write('ready');
for (let n = 1; ; n++) {
  model.setWeights(model.getWeights().map((t) => tf.fill(t.shape, n)));
  await model.save(${JSON.stringify(target)});
}
`;

/** Runs the program and kills it some time after its first save has begun. */
async function killed(target: string, after: number): Promise<void> {
  const file = path.join(folder, 'save.mjs');
  fs.writeFileSync(file, program(target));
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, SINTER_CACHE: 'off' },
  });
  const exited = new Promise((r) => child.on('exit', r));
  await Promise.race([new Promise((r) => child.stdout.once('data', r)), exited]);
  expect(child.exitCode).toBe(null);
  await new Promise((r) => setTimeout(r, after));
  child.kill('SIGKILL');
  await exited;
}

it.each(['m.keras', 'm.h5', 'm.sinterck', 'file://m'])('%s', { timeout: 120_000 }, async (name) => {
  const isFolder = name.startsWith('file://');
  const target = isFolder ? `file://${folder}/m` : path.join(folder, name);
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 600, inputShape: [600], name: 'd' })], name: 'm' });
  model.setWeights(model.getWeights().map((t) => tf.zerosLike(t)));
  await model.save(target);
  const numbers = new Set<number>();
  for (let i = 0; i < 4; i++) {
    await killed(target, 150 + 500 * Math.random());
    const loaded = await tf.loadLayersModel(isFolder ? `${target}/model.json` : target);
    const weights = loaded.getWeights().map((t) => t.dataSync());
    // All weights are of one save.
    const [kernel] = weights;
    expect(new Set(kernel).size).toBe(1);
    expect(new Set(weights.flatMap((w) => [...w])).size).toBe(1);
    numbers.add(kernel[0]);
  }
  // Some of them were killed after they had saved.
  expect(numbers.size).toBeGreaterThan(1);
});
