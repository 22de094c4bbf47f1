// The examples that are small anyway, and how all of them are started.

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as loop from '../../examples/custom-loop.ts';
import * as iris from '../../examples/iris.ts';
import { readSettings } from '../../examples/shared/command-line.ts';
import { repositoryFile } from '../../examples/shared/repository.ts';
import * as houses from '../../examples/two-inputs.ts';
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
