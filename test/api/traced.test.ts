// Every valid call of every public function that computes on tensors: compiled as it is eagerly. Small eager
// operations run the definition of each op, a compiled function runs generated code: they share nothing.

import * as tf from 'sinter';
import { beforeAll, describe, expect, it } from 'vitest';
import { closeness } from '../helpers.ts';
import { type Call, calls, publicFunctions } from './calls.ts';
import { tensorflowCalls } from './calls-tensorflow.ts';

/** Functions that do not compute on tensors, or need elements: they cannot be traced. */
const eagerOnly: Readonly<Record<string, string>> = {
  whereAsync: 'its shape depends on elements',
  booleanMask: 'its shape depends on elements',
  booleanMaskAsync: 'its shape depends on elements',
  unique: 'its shape depends on elements',
  setdiff1dAsync: 'its shape depends on elements',
  inTopKAsync: 'it returns a promise',
  ...Object.fromEntries(Object.keys(tensorflowCalls()).map((name) => [name, 'it reads files'])),
  setBackend: 'it returns a promise',
  time: 'it returns a promise',
  profile: 'it returns a promise',
  print: 'it writes to the console',
  verify: 'it returns a promise',
  compile: 'it makes a program',
  buildArtifact: 'it returns a promise',
  loadLayersModel: 'it returns a promise',
  loadOnnx: 'it returns a promise',
  exportOnnx: 'it returns a promise',
  func: 'it makes a function',
  placeholder: 'it belongs to a graph',
  setRandomSeed: 'it has no result',
  variable: 'it makes a Variable',
  buffer: 'a buffer is not a tensor',
  spec: 'a description is not a tensor',
  parseGraph: 'a graph is not a tensor',
  'K.eval': 'it reads',
  'K.variable': 'it makes a Variable',
  'image.nonMaxSuppression': 'its shape depends on elements',
  'image.nonMaxSuppressionWithScore': 'its shape depends on elements',
  'image.nonMaxSuppressionPadded': 'its shape depends on elements',
  'browser.fromPixelsAsync': 'it returns a promise',
  'image.nonMaxSuppressionAsync': 'it returns a promise',
  'image.nonMaxSuppressionWithScoreAsync': 'it returns a promise',
  'image.nonMaxSuppressionPaddedAsync': 'it returns a promise',
};

/** The tensors of a structure, complex ones as their parts. */
function tensorsOf(x: unknown): tf.Tensor[] {
  if (x instanceof tf.Tensor) return [x];
  if (x instanceof tf.ComplexTensor) return [x.re, x.im];
  if (Array.isArray(x)) return x.flatMap(tensorsOf);
  if (typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype)
    return Object.keys(x)
      .sort()
      .flatMap((k) => tensorsOf((x as Record<string, unknown>)[k]));
  return [];
}

/** The structure with its tensors replaced, in the order of `tensorsOf`. */
function withTensors(x: unknown, next: () => tf.Tensor): unknown {
  if (x instanceof tf.Tensor) return next();
  if (x instanceof tf.ComplexTensor) return tf.complex(next(), next());
  if (Array.isArray(x)) return x.map((y) => withTensors(y, next));
  if (typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype)
    return Object.fromEntries(
      Object.keys(x)
        .sort()
        .map((k) => [k, withTensors((x as Record<string, unknown>)[k], next)]),
    );
  return x;
}

/** What the traced call gives: the tensors of its result. */
function traced(f: (...args: unknown[]) => unknown, args: readonly unknown[]): tf.Tensor[] {
  const given = tensorsOf(args);
  const g = tf.func((...xs: tf.Tensor[]) => {
    const rest = xs.slice();
    return tensorsOf(f(...(withTensors(args, () => rest.shift() as tf.Tensor) as unknown[])));
  });
  return g(...given) as tf.Tensor[];
}

const functions = publicFunctions();
const some = calls().filter((c) => !(c.name in eagerOnly));
const named = new Map<string, Call[]>();
for (const c of some) named.set(c.name, [...(named.get(c.name) ?? []), c]);

beforeAll(() => tf.ready());

describe('compiled as eagerly', () => {
  it.each([...named.keys()])('%s', (name) => {
    const f = functions.get(name) as (...args: unknown[]) => unknown;
    for (const { args } of named.get(name) ?? []) {
      const want = tensorsOf(f(...args));
      if (want.length === 0) continue;
      const got = traced(f, args);
      expect(got.map((t) => `${t.dtype}[${t.shape}]`)).toEqual(want.map((t) => `${t.dtype}[${t.shape}]`));
      got.forEach((t, i) => {
        const exact = !t.dtype.startsWith('float');
        expect(closeness(t.dataSync(), want[i].dataSync(), exact ? 0 : 2e-5, exact ? 0 : 2e-5)).toBe('');
      });
    }
  });
});

describe('the tables', () => {
  /** Public functions that take no tensors and check nothing: tested by their own tests. */
  const others = new Set([
    'getBackend',
    'listDevices',
    'listDevicesAsync',
    'ready',
    'env',
    'enableProdMode',
    'enableDebugMode',
    'disableDeprecationWarnings',
    'deprecationWarn',
    'disposeVariables',
    'memory',
    'nextFrame',
    'constantsOf',
    'browser.draw',
    'utils.getFile',
    'utils.imageDatasetFromDirectory',
    'data.imageDatasetFromDirectory',
    'K.placeholder',
    'K.function',
    'K.gradients',
    'callbacks.loadCheckpoint',
    'registerCallbackConstructor',
    'loadLayersModel',
    'plotModel',
    'verify',
  ]);
  it('have every public function', () => {
    const known = new Set(calls().map((c) => c.name));
    // The backend module has many functions that are others' under another name.
    const tested = new Set([...known].map((n) => functions.get(n)));
    const missing = [...functions.entries()].flatMap(([n, f]) =>
      known.has(n) || others.has(n) || n.startsWith('util.') || tested.has(f) ? [] : [n],
    );
    expect(missing).toEqual([]);
    expect([...known].filter((n) => !functions.has(n))).toEqual([]);
    expect(Object.keys(eagerOnly).filter((n) => !known.has(n))).toEqual([]);
  });
});
