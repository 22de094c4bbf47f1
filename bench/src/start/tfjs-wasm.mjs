import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { finish, readModel } from './model.mjs';

// The core and the WASM backend only: what a user who minds start-up would load.
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs-core');
const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');

setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'))}/dist/`);
await tf.setBackend('wasm');
const m = Object.fromEntries(Object.entries(readModel()).map(([k, v]) => [k, tf.tensor(v.data, v.shape)]));
const layer = (a, i, activation) => tf.fused.matMul({ a, b: m[`w${i}`], bias: m[`b${i}`], activation });
finish(layer(layer(layer(m.x, 0, 'relu'), 1, 'relu'), 2, 'linear').dataSync());
