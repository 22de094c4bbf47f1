// What Node takes for 'sinter' (the conditions in package.json).
import * as tf from '../../../dist/bundle/index.js';
import { finish, readModel } from './model.mjs';

const { x, ...weights } = readModel();
const w = Object.fromEntries(Object.entries(weights).map(([k, v]) => [k, tf.tensor(v.data, v.shape)]));
const layer = (h, i) => tf.add(tf.matMul(h, w[`w${i}`]), w[`b${i}`]);
const exe = await tf.compile((h) => layer(tf.relu(layer(tf.relu(layer(h, 0)), 1)), 2), {
  inputs: [tf.spec(x.shape, 'float32')],
  target: 'wasm',
  threads: 1,
});
finish(exe.run(tf.tensor(x.data, x.shape)).dataSync());
