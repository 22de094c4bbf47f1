import { defaultDevice, init, jit, nn, numpy as np } from '@jax-js/jax';
import { finish, readModel } from './model.mjs';

await init('wasm');
defaultDevice('wasm');
const model = Object.fromEntries(
  Object.entries(readModel()).map(([k, v]) => [k, np.array(v.data, { shape: v.shape })]),
);
const predict = jit((m) => {
  const layer = (h, i) => np.matmul(h, m[`w${i}`]).add(m[`b${i}`]);
  return layer(nn.relu(layer(nn.relu(layer(m.x, 0)), 1)), 2);
});
finish(await predict(model).data());
