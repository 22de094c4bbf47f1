// Every operator against values from elsewhere: TensorFlow.js's (golden.json), or found by hand.

import { readFileSync } from 'node:fs';
import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { families } from '../../frontends/tensorflow/operators.ts';
import { type Case, modelOf, nameOf } from './case.ts';
import { cases } from './cases.ts';
import { programs } from './programs.ts';

interface Golden {
  readonly shape?: readonly number[];
  readonly values: readonly number[];
}
const golden: Readonly<Record<string, readonly Golden[]>> = JSON.parse(
  readFileSync('test/tensorflow/golden.json', 'utf8'),
);

beforeAll(async () => {
  await tf.ready();
  await tf.prepareGraphModels();
});

function close(got: tf.Tensor, want: Golden, c: Case, how: string): void {
  if (want.shape) expect(got.shape, `${how}: the shape`).toEqual(want.shape);
  const values = Array.from(got.dataSync());
  expect(values.length, `${how}: the number of elements`).toBe(want.values.length);
  const largest = want.values.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
  const off = values.findIndex((v, i) => !(Math.abs(v - want.values[i]) <= (c.tolerance ?? 1e-5) * largest));
  if (off >= 0)
    expect.fail(`${how}: element ${off} is ${values[off]}, not ${want.values[off]} (${values} / ${want.values})`);
}

describe('operators', () => {
  it.each(cases.map((c) => [nameOf(c), c] as const))('%s', (name, c) => {
    const want: readonly Golden[] = c.want?.map((values) => ({ values })) ?? golden[name];
    expect(want, 'there is no golden value: run bench/src/tensorflow-golden.ts').toBeDefined();
    const model = tf.loadGraphModelSync(modelOf(c));
    const names = Array.from({ length: c.outputs ?? 1 }, (_, k) => `op:${k}`);
    const feeds = Object.fromEntries(
      c.inputs.flatMap((x, i) =>
        x.constant ? [] : [[`in${i}`, tf.tensor([...x.values], [...x.shape], x.dtype)] as const],
      ),
    );
    // Compiled, and node by node.
    const check = (out: tf.Tensor | tf.Tensor[], how: string) => {
      const list = out instanceof tf.Tensor ? [out] : out;
      want.forEach((w, k) => void close(list[k], w, c, how));
    };
    check(model.execute(feeds, names), 'compiled');
    if (names.length === 1) check(model.call(...Object.values(feeds)), 'eager');
  });

  it('are all tested', () => {
    const ofPrograms = programs.flatMap((p) =>
      [p, ...Object.values(p.functions ?? {})].flatMap((g) => Object.values(g.nodes).map(([op]) => op)),
    );
    // saved-model.test.ts restores; inputs are placeholders.
    const tested = new Set([...cases.map((c) => c.op), ...ofPrograms, 'RestoreV2', 'Placeholder', 'PlaceholderV2']);
    const all = Object.values(families).flatMap((family) => Object.keys(family));
    expect(all.filter((name) => !tested.has(name))).toEqual([]);
  });
});
