// The main example in its short form: it reads the digits, learns them, and describes its programs.

import * as tf from 'sinter';
import { expect, it } from 'vitest';
import { batches, loadDigits, shuffled } from '../../examples/mnist/data.ts';
import { type ModelName, models } from '../../examples/mnist/models.ts';
import { parseOptions, swallowedByNpm } from '../../examples/mnist/options.ts';
import { report } from '../../examples/mnist/report.ts';
import { type Progress, trainModel } from '../../examples/mnist/train.ts';

/** Trains on the first digits for one epoch. */
function train(name: ModelName, samples: number, threads: number, onProgress?: (p: Progress) => void) {
  tf.setRandomSeed(1);
  const [digits, test] = [loadDigits('train', samples), loadDigits('t10k', 1000)];
  return trainModel(models[name](), digits, test, { epochs: 1, threads, onProgress });
}

it('reads all digits', () => {
  const [digits, test] = [loadDigits('train'), loadDigits('t10k')];
  expect([digits.count, test.count]).toEqual([60_000, 10_000]);
  expect(digits.images.length).toBe(60_000 * 784);
  // The data set's first labels, as its authors list them, and the mean brightness they state.
  expect([...digits.labels.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
  expect([...test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  let sum = 0;
  for (const x of digits.images) sum += x;
  expect(sum / digits.images.length).toBeCloseTo(0.1307, 4);
});

it('deals each digit once, and fills the last test batch with blanks', () => {
  const digits = loadDigits('train', 10);
  const order = shuffled(10, 3);
  expect([...order].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect([...order]).not.toEqual([...order].sort((a, b) => a - b));
  const labels = (rest: 'drop' | 'fill') => Array.from(batches(digits, order, 4, rest), (b) => [...b.labels]);
  const dealt = Array.from(order, (k) => digits.labels[k]);
  expect(labels('drop')).toEqual([dealt.slice(0, 4), dealt.slice(4, 8)]);
  expect(labels('fill')).toEqual([...labels('drop'), [...dealt.slice(8), -1, -1]]);
});

it('trains the perceptron far above chance, and shows its program', async () => {
  const seen: Progress[] = [];
  const o = await train('mlp', 2000, 1, (p) => seen.push(p));
  expect(o.testAccuracy).toBeGreaterThan(0.65);
  expect(seen.map((p) => p.step)).toEqual(Array.from({ length: 31 }, (_, i) => i + 1));
  expect(seen[30].loss).toBeLessThan(seen[0].loss * 0.6);
  expect(o.history[0]).toMatchObject({ loss: seen[30].loss, accuracy: seen[30].accuracy });
  const { plan } = o.step;
  expect(plan.arenaBytes).toBeGreaterThanOrEqual(plan.lowerBound);
  // Forward, backward and update: three layers take at least three products forward and five back.
  expect(plan.kernels.filter((k) => k.kind === 'contraction').length).toBeGreaterThanOrEqual(8);
  const text = report(o);
  for (const p of plan.passes) expect(text).toContain(p.name);
  expect(text).toContain(`arena ${plan.arenaBytes} bytes, lower bound ${plan.lowerBound}`);
  expect(text).toMatch(/dot_general.*contraction/);
});

it('trains the convolutional network far above chance, on two threads', async () => {
  const o = await train('cnn', 2000, 2);
  expect(o.testAccuracy).toBeGreaterThan(0.7);
  expect(report(o)).toMatch(/conv_filter_grad.*contraction/);
});

it('learns the same with one thread and with two', async () => {
  const [one, two] = [await train('mlp', 256, 1), await train('mlp', 256, 2)];
  const numbers = (o: typeof one) => [o.history[0].loss, o.history[0].accuracy, o.testAccuracy];
  expect(numbers(two)).toEqual(numbers(one));
});

it('explains its options', () => {
  expect(parseOptions([])).toMatchObject({ models: ['mlp', 'cnn'], epochs: 3, samples: 60_000 });
  expect(parseOptions(['--model', 'cnn', '--epochs', '1', '--samples', '2000', '--threads', '1'])).toEqual({
    models: ['cnn'],
    epochs: 1,
    samples: 2000,
    threads: 1,
  });
  expect(parseOptions(['--help'])).toBeNull();
  expect(() => parseOptions(['--model', 'rnn'])).toThrow("--model takes mlp or cnn, not 'rnn'");
  expect(() => parseOptions(['--epochs', '0'])).toThrow('--epochs takes a whole number');
  expect(() => parseOptions(['--epoch', '1'])).toThrow('--epoch');
  expect(swallowedByNpm({ npm_config_epochs: '1' })).toBe(
    'npm kept --epochs for itself: write npm start -- --epochs …',
  );
  expect(swallowedByNpm({ npm_config_loglevel: 'warn' })).toBeNull();
});
