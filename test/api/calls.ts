// One valid call or more of every public function that computes on tensors: generated tests vary them
// (garbage.test.ts) and run them eagerly and compiled (traced.test.ts).

import * as tf from 'sinter';
import { callbackCalls } from './calls-callbacks.ts';
import { dataCalls } from './calls-data.ts';
import { formatCalls } from './calls-formats.ts';
import { kerasPartsCalls } from './calls-keras-parts.ts';
import { mathCalls } from './calls-math.ts';
import { modelCalls } from './calls-models.ts';
import { nnCalls } from './calls-nn.ts';
import { shapeCalls } from './calls-shape.ts';
import { tensorflowCalls } from './calls-tensorflow.ts';
import { trainingCalls } from './calls-training.ts';

/** Names a public function, `image.resize` for one in a namespace. */
export interface Call {
  readonly name: string;
  readonly args: readonly unknown[];
}
export type Rows = Readonly<Record<string, readonly (readonly unknown[])[]>>;

const flat = (rows: Rows): Call[] =>
  Object.entries(rows).flatMap(([name, list]) => list.map((args) => ({ name, args })));

/** Every call of the tables. */
export const calls = (): Call[] =>
  [
    mathCalls(),
    shapeCalls(),
    nnCalls(),
    kerasPartsCalls(),
    callbackCalls(),
    trainingCalls(),
    dataCalls(),
    modelCalls(),
    tensorflowCalls(),
    formatCalls(),
  ].flatMap(flat);

const namespaces = [
  ...['fused', 'image', 'math', 'signal', 'random', 'losses', 'spectral', 'linalg', 'util', 'train', 'K'],
  ...['activations', 'initializers', 'regularizers', 'constraints', 'callbacks', 'metrics', 'optimizers'],
  ...['browser', 'data', 'node', 'utils', 'layers', 'serialization'],
];

/** All public functions by name. */
export function publicFunctions(): Map<string, (...args: unknown[]) => unknown> {
  const out = new Map<string, (...args: unknown[]) => unknown>();
  const put = (name: string, f: unknown) => {
    if (typeof f === 'function' && !/^class\b/.test(String(f))) out.set(name, f as () => unknown);
  };
  for (const [name, value] of Object.entries({ ...tf } as Record<string, unknown>)) {
    put(name, value);
    if (namespaces.includes(name))
      for (const [inner, g] of Object.entries(value as Record<string, unknown>)) put(`${name}.${inner}`, g);
  }
  return out;
}
