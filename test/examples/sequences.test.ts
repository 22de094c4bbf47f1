// The examples of sequences in their short forms.

import { expect, test } from 'vitest';
import * as addition from '../../examples/addition-rnn.ts';
import * as gpt from '../../examples/gpt.ts';
import * as sentiment from '../../examples/sentiment.ts';
import { printed } from './quiet.ts';

test('the reviews: the last opinion counts, and not turns it round', async () => {
  const { texts, labels } = await sentiment.reviews(500, 1);
  const praise = /^(good|great|fun|moving|clever|lovely)$/;
  const blame = /^(bad|boring|awful|weak|silly|dull)$/;
  texts.forEach((text, i) => {
    const last = text.findLastIndex((w) => praise.test(w) || blame.test(w));
    expect(labels[i]).toBe(Number(praise.test(text[last]) !== (text[last - 1] === 'not')));
    expect(text.length).toBeLessThanOrEqual(30);
  });
  const share = labels.reduce((a, b) => a + b) / 500;
  expect(Math.abs(share - 0.5)).toBeLessThan(0.1);
});

test('the LSTM reads reviews', async () => {
  const { accuracy, praise } = await sentiment.run({ ...sentiment.settings, epochs: 5, samples: 2500, batchSize: 50 });
  // Who counts words without their order is right in far fewer.
  expect(accuracy).toBeGreaterThan(0.95);
  expect(praise[0]).toBeGreaterThan(0.8);
  expect(praise[1]).toBeLessThan(0.2);
  expect(praise[2]).toBeGreaterThan(0.5);
});

test('the recurrent network adds numbers of two digits', async () => {
  const few = {
    ...addition.settings,
    digits: 2,
    samples: 5050,
    units: 64,
    batchSize: 90,
    epochs: 10,
    rate: 0.012,
    threads: 1,
  };
  const { right } = await addition.run(few);
  expect(right).toBeGreaterThan(0.9);
  expect(printed.at(-1)).toMatch(/^505 questions held out: 9\d\.\d\d % answered right$/);
});

test('pairs come once, in whichever order', async () => {
  const list = await addition.pairs(55, 1, 3);
  expect(new Set(list.map(([a, b]) => Math.min(a, b) * 10 + Math.max(a, b))).size).toBe(55);
});

test('the GPT learns what letters follow each other', async () => {
  const few = { ...gpt.settings, steps: 200, batchSize: 8, context: 32, width: 32, heads: 2, letters: 40, threads: 1 };
  const { loss, unigrams, sample, history } = await gpt.run(few);
  // Below what anybody gets who looks at single letters only.
  expect(loss).toBeLessThan(unigrams - 0.3);
  expect(sample).toMatch(/^The program /);
  expect(sample.length).toBe(12 + 40);
  expect(history.loss.length).toBe(2);
});
