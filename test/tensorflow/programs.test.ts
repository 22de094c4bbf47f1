// Graphs of several nodes: loops, lists, Variables, tables. What they give is found by hand.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelOfProgram } from './program.ts';
import { programs } from './programs.ts';

beforeAll(async () => {
  await tf.ready();
  await tf.prepareGraphModels();
});

describe('programs', () => {
  it.each(programs.map((p) => [p.name, p] as const))('%s', (_, p) => {
    const load = () => tf.loadGraphModelSync(modelOfProgram(p));
    const feeds = Object.values(p.inputs ?? {}).map((x) => tf.tensor([...x.values], [...x.shape], x.dtype));
    const check = (out: tf.Tensor | tf.Tensor[], how: string) => {
      const list = out instanceof tf.Tensor ? [out] : out;
      Object.entries(p.want).forEach(([name, want], i) => {
        const got = Array.from(list[i].dataSync());
        if (typeof want === 'function') expect(want(got), `${how}: ${name} is ${got}`).toBe(true);
        else {
          expect(got.length, `${how}: ${name}`).toBe(want.length);
          got.forEach((x, k) => void expect(x, `${how}: ${name}[${k}] of ${got}`).toBeCloseTo(want[k], 4));
        }
      });
    };
    check(load().call(...feeds), 'eager');
    if (!p.once) check(load().execute(feeds), 'compiled');
  });
});
