// Models of a few bytes that ask for more than fits into memory.

import * as tf from 'sinter';
import { expect, test } from 'vitest';
import { type Attributes, type Data, f, fix, int, ints, modelOfCase, one } from './build.ts';

const asked: readonly [name: string, version: number, inputs: readonly Data[], attributes: Attributes][] = [
  ['Split', 18, [f([2, 3])], { num_outputs: 1e9 }],
  ['Split', 18, [f([2, 3])], { num_outputs: 0 }],
  ['Pad', 18, [f([2, 3]), ints(0, 0, 2e9, 0)], { mode: 'edge' }],
  ['Pad', 18, [f([2, 3]), ints(0, 2e9, 0, 0)], { mode: 'wrap' }],
  ['HammingWindow', 17, [int(2e9)], {}],
  ['MelWeightMatrix', 17, [int(2e9), int(2e9), int(16000), fix(f([], [0])), fix(f([], [8000]))], {}],
];
test.each(asked)('%s, %i', async (name, version, inputs, attributes) => {
  const use = async () => {
    const model = await tf.loadOnnx(modelOfCase(one(name, version, inputs, attributes)));
    return model.predict(model.inputs.map((t) => tf.ones(t.shape as number[])));
  };
  await expect(use()).rejects.toBeInstanceOf(tf.ArgumentError);
});
