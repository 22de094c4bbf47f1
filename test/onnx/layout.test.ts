// Chains of convolutions: values keep the order of axes that convolutions take, and the numbers are the same.

import * as tf from 'sinter';
import { beforeAll, expect, test } from 'vitest';
import { f, infoOf, modelOf, nodeOf, tensorOf } from './build.ts';

beforeAll(() => tf.ready());

const constants = {
  w0: f([4, 3, 3, 3]),
  b0: f([4]),
  w1: f([5, 4, 1, 1]),
  slope: f([5, 1, 1]),
  scale: f([5]),
  bias: f([5]),
  mean: f([5]),
  variance: f([5], undefined, [0.5, 2]),
  w2: f([4, 10, 3, 3]),
  shift: f([1, 4, 1, 1]),
  number: f([], [0.5]),
  w3: f([4, 2, 2, 2]),
};
const nodes = [
  nodeOf('Conv', ['x', 'w0', 'b0'], ['a'], { pads: [1, 1, 1, 1] }),
  nodeOf('Relu', ['a'], ['b']),
  nodeOf('Conv', ['b', 'w1'], ['c']),
  nodeOf('PRelu', ['c', 'slope'], ['d']),
  nodeOf('BatchNormalization', ['d', 'scale', 'bias', 'mean', 'variance'], ['e']),
  nodeOf('Mul', ['e', 'number'], ['e2']),
  nodeOf('Concat', ['e2', 'd'], ['g'], { axis: 1 }),
  nodeOf('MaxPool', ['g'], ['h'], { kernel_shape: [2, 2], strides: [2, 2] }),
  nodeOf('Conv', ['h', 'w2'], ['i'], { pads: [1, 1, 1, 1] }),
  nodeOf('Add', ['shift', 'i'], ['j']),
  nodeOf('AveragePool', ['j'], ['k'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  nodeOf('Greater', ['k', 'number'], ['p']),
  nodeOf('Where', ['p', 'k', 'j'], ['l']),
  nodeOf('ConvTranspose', ['l', 'w3'], ['m'], { strides: [2, 2] }),
  nodeOf('GlobalAveragePool', ['m'], ['n']),
  nodeOf('Sub', ['m', 'n'], ['o']),
  nodeOf('Add', ['o', 'other'], ['y']),
];
const bytes = modelOf(
  {
    node: nodes,
    initializer: Object.entries(constants).map(([name, d]) => tensorOf(name, d, name)),
    input: [infoOf('x', 'float', [2, 3, 8, 8]), infoOf('other', 'float', [2, 2, 8, 8])],
    output: ['y', 'l', 'p'].map((name) => ({ name })),
  },
  17,
);

test('compiled as node by node, and with few transpositions', async () => {
  const model = await tf.loadOnnx(bytes);
  const inputs = [tf.randomNormal([2, 3, 8, 8], 0, 1, 'float32', 5), tf.randomNormal([2, 2, 8, 8], 0, 1, 'float32', 6)];
  const want = model.call(...inputs) as tf.Tensor[];
  const got = model.predict(inputs) as tf.Tensor[];
  want.forEach((w, i) => {
    expect(got[i].shape).toEqual(w.shape);
    const elements = got[i].dataSync();
    const largest = Math.max(1, ...w.dataSync());
    w.dataSync().forEach((x, k) => expect(Math.abs(elements[k] - x)).toBeLessThan(1e-5 * largest));
  });
  const exe = await tf.compile((x: tf.Tensor) => model.execute([x, inputs[1]], 'l') as tf.Tensor, {
    inputs: [tf.spec([2, 3, 8, 8])],
  });
  // The image comes in and goes out; nothing is turned between.
  expect(exe.plan.kernels.filter((k) => k.name.includes('transpose')).length).toBeLessThanOrEqual(2);
});

test('gradients go through both orders', async () => {
  const model = await tf.loadOnnx(bytes);
  const other = tf.zeros([2, 2, 8, 8]);
  const loss = (x: tf.Tensor) => tf.sum(tf.square((model.call(x, other) as tf.Tensor[])[0]));
  const x = tf.randomNormal([2, 3, 8, 8], 0, 1, 'float32', 7);
  const eager = tf.grad(loss)(x).dataSync();
  const compiled = (tf.func((v: tf.Tensor) => tf.grad(loss)(v))(x) as tf.Tensor).dataSync();
  const largest = Math.max(...Array.from(eager, Math.abs));
  eager.forEach((v, i) => expect(Math.abs(compiled[i] - v)).toBeLessThan(1e-4 * largest));
});
