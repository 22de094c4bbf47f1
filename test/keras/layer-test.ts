// Everything that a layer must do, checked in one call.

import * as tf from 'sinter';
import { expect } from 'vitest';

type Arrays = tf.Tensor | tf.Tensor[];

export interface LayerTest {
  /** Makes the layer from its options; the test adds a dtype and a name. */
  // biome-ignore lint/suspicious/noExplicitAny: options of any layer
  make: (args: any) => tf.Layer;
  // biome-ignore lint/suspicious/noExplicitAny: options of any layer
  args?: any;
  /** Shape of the input with the batch, or of each input. */
  inputShape?: number[] | number[][];
  /** The input itself, where random numbers will not do, such as class numbers. */
  input?: Arrays;
  /** Shape of each output with the batch. */
  outputShape: number[] | number[][];
  /** float32 unless it is another one. */
  outputDType?: tf.DataType;
  /** Names and shapes of the weights in order, the trainable ones first. */
  weights?: [string, number[]][];
  /** How many of the weights are trainable: all by default. */
  trainable?: number;
  /** What becomes of a mask [batch, time] of the first input: the same one, none, or an error or warning (undefined: not tried). */
  mask?: 'kept' | 'ended';
  /** Expected outputs for these inputs (not training), computed by hand. */
  expected?: number[];
  /** Weights to compute `expected` with. */
  expectedWeights?: tf.Tensor[];
  /** Whether the layer draws random numbers while it trains. */
  random?: boolean;
  /** Whether gradients are compared with differences: yes unless the layer has none, or is random or has steps. */
  gradient?: boolean;
  /** Tolerance of the comparison of the compiled with the eager output. */
  tolerance?: number;
}

const list = <T>(x: T | T[]): T[] => (Array.isArray(x) ? x : [x]);
const shapes = (x: number[] | number[][]): number[][] => (Array.isArray(x[0]) ? (x as number[][]) : [x as number[]]);
const size = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);
const one = <T>(x: T[]): T | T[] => (x.length === 1 ? x[0] : x);

/** Numbers in (-1, 1) that are the same in each run, none of them near a kink at 0. */
function numbers(n: number, seed: number): number[] {
  let s = seed * 7919 + 12345;
  return Array.from({ length: n }, () => {
    s = (Math.imul(s, 1103515245) + 12345) >>> 0;
    const x = (s / 2 ** 32) * 2 - 1;
    return Math.abs(x) < 0.05 ? x + 0.1 : x;
  });
}

const floats = (shape: number[], seed: number, dtype: tf.DataType = 'float32') =>
  tf.tensor(numbers(size(shape), seed), shape, dtype);

const close = (a: tf.Tensor, b: tf.Tensor, tolerance: number) => {
  expect(a.shape).toEqual(b.shape);
  const [x, y] = [a.dataSync(), b.dataSync()];
  for (let i = 0; i < x.length; i++)
    if (!(Math.abs(x[i] - y[i]) <= tolerance * (1 + Math.abs(y[i]))))
      expect.fail(`element ${i}: ${x[i]} is not ${y[i]}`);
};

/** Runs all checks; throws what fails. */
export async function runLayerTest(t: LayerTest): Promise<void> {
  const inputs = t.input ? list(t.input) : shapes(t.inputShape as number[]).map((s, i) => floats(s, i + 1));
  const want = shapes(t.outputShape);
  const layer = t.make({ ...t.args });
  const outputs = list(layer.apply(one(inputs)) as Arrays);
  checkOutputs(t, layer, inputs, outputs, want);
  checkWeights(t, layer);
  checkExpected(t, layer, inputs);
  checkConfig(layer, inputs, outputs);
  checkZeroBatch(layer, inputs, want);
  checkMask(t, inputs);
  await checkTraining(t, inputs, want);
  if (t.gradient ?? true) checkGradient(t, inputs);
}

function checkOutputs(
  t: LayerTest,
  layer: tf.Layer,
  inputs: tf.Tensor[],
  outputs: tf.Tensor[],
  want: number[][],
): void {
  const dtype = t.outputDType ?? 'float32';
  expect(outputs.map((o) => o.shape)).toEqual(want);
  for (const o of outputs) expect(o.dtype).toBe(dtype);
  const given = inputs.map((x) => x.shape);
  const computed = layer.computeOutputShape(one(given) as tf.Shape);
  expect(Array.isArray(computed[0]) ? computed : [computed]).toEqual(want);
  // Symbolically, with a batch of any size.
  const other = t.make({ ...t.args });
  const symbols = inputs.map((x) => tf.input({ shape: x.shape.slice(1), dtype: x.dtype }));
  const drawn = list(other.apply(one(symbols)) as tf.SymbolicTensor | tf.SymbolicTensor[]);
  expect(drawn.map((s) => s.shape)).toEqual(want.map((s) => [null, ...s.slice(1)]));
  for (const s of drawn) expect(s.dtype).toBe(dtype);
  // Compiled, it gives the same.
  other.setWeights(layer.getWeights());
  const model = tf.model({ inputs: symbols, outputs: drawn });
  const predicted = list(model.predict(one(inputs), { batchSize: 100 }) as Arrays);
  predicted.forEach((p, i) => void close(p, outputs[i], t.tolerance ?? 2e-5));
}

function checkWeights(t: LayerTest, layer: tf.Layer): void {
  if (!t.weights) return;
  const names = layer.weights.map((w) => [w.name.split('/').slice(1).join('/') || w.name, [...w.shape]]);
  expect(names).toEqual(t.weights);
  expect(layer.trainableWeights.length).toBe(t.trainable ?? t.weights.length);
  expect(layer.countParams()).toBe(t.weights.reduce((n, [, s]) => n + size(s), 0));
  layer.trainable = false;
  expect(layer.trainableWeights).toEqual([]);
  expect(layer.nonTrainableWeights.length).toBe(t.weights.length);
  layer.trainable = true;
}

function checkExpected(t: LayerTest, layer: tf.Layer, inputs: tf.Tensor[]): void {
  if (!t.expected) return;
  const kept = layer.getWeights();
  if (t.expectedWeights) layer.setWeights(t.expectedWeights);
  const [out] = list(layer.apply(one(inputs)) as Arrays);
  close(out.cast('float32'), tf.tensor(t.expected, out.shape), 1e-5);
  layer.setWeights(kept);
}

function checkConfig(layer: tf.Layer, inputs: tf.Tensor[], outputs: tf.Tensor[]): void {
  const text = JSON.stringify(layer.getConfig());
  const saved = { className: layer.getClassName(), config: JSON.parse(text) };
  const again = tf.layers.deserialize(saved);
  expect(again.constructor).toBe(layer.constructor);
  expect(JSON.parse(JSON.stringify(again.getConfig()))).toEqual(JSON.parse(text));
  again.apply(one(inputs));
  again.setWeights(layer.getWeights());
  again.resetStates();
  const values = list(again.apply(one(inputs)) as Arrays);
  layer.resetStates();
  values.forEach((v, i) => void close(v, layer.stateful ? v : outputs[i], 1e-6));
}

function checkZeroBatch(layer: tf.Layer, inputs: tf.Tensor[], want: number[][]): void {
  if (layer.stateful) return;
  const none = inputs.map((x) => tf.zeros([0, ...x.shape.slice(1)], x.dtype));
  const outputs = list(layer.apply(one(none)) as Arrays);
  expect(outputs.map((o) => o.shape)).toEqual(want.map((s) => [0, ...s.slice(1)]));
}

function checkMask(t: LayerTest, inputs: tf.Tensor[]): void {
  if (!t.mask) return;
  const layer = t.make({ ...t.args });
  const [batch, time] = inputs[0].shape;
  const mask = tf.tensor(
    Array.from({ length: batch * time }, (_, i) => i % time === 0),
    [batch, time],
    'bool',
  );
  expect(layer.supportsMasking).toBe(true);
  layer.apply(one(inputs));
  const masks = inputs.length > 1 ? inputs.map(() => mask) : mask;
  const [out] = list(layer.computeMask(one(inputs), masks) ?? null);
  if (t.mask === 'ended') expect(out).toBe(null);
  else expect(out?.arraySync()).toEqual(mask.arraySync());
}

async function checkTraining(t: LayerTest, inputs: tf.Tensor[], want: number[][]): Promise<void> {
  const layer = t.make({ ...t.args });
  const symbols = inputs.map((x) => tf.input({ shape: x.shape.slice(1), dtype: x.dtype }));
  const drawn = list(layer.apply(one(symbols)) as tf.SymbolicTensor | tf.SymbolicTensor[]);
  const model = tf.model({ inputs: symbols, outputs: drawn });
  if (model.trainableWeights.length === 0 || (t.outputDType ?? 'float32') !== 'float32') return;
  const before = model.trainableWeights.map((w) => w.dataSync().slice());
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
  const labels = want.map((s, i) => floats(s, 50 + i));
  const loss = await model.trainOnBatch(inputs.length > 1 ? inputs : inputs[0], labels.length > 1 ? labels : labels[0]);
  for (const l of list(loss)) expect(Number.isFinite(l)).toBe(true);
  const changed = model.trainableWeights.filter((w, i) => w.dataSync().some((x, k) => x !== before[i][k]));
  expect(changed.length, 'weights that a step of training changes').toBeGreaterThan(0);
}

/** Gradients by tape against central differences in float64, with respect to weights and inputs. */
function checkGradient(t: LayerTest, given: tf.Tensor[]): void {
  if (t.random) return;
  const layer = t.make({ ...t.args, dtype: 'float64' });
  const inputs = given.map((x) => (x.dtype === 'float32' ? x.cast('float64') : x));
  const outputs = list(layer.apply(one(inputs), { training: true }) as Arrays);
  if (!outputs[0].dtype.startsWith('float')) return;
  const factors = outputs.map((o, i) => floats(o.shape, 90 + i, 'float64'));
  const value = (xs: tf.Tensor[]) =>
    list(layer.apply(one(xs), { training: true }) as Arrays)
      .map((o, i) => o.mul(factors[i]).sum())
      .reduce((a, b) => a.add(b));
  const tape = new tf.GradientTape();
  const watched = inputs.filter((x) => x.dtype === 'float64');
  tape.watch(watched);
  const weights = layer.trainableWeights;
  tape.watch(weights);
  layer.resetStates();
  const grads = tape.gradient(value(inputs), [...watched, ...weights]) as (tf.Tensor | null)[];
  const at = (change: () => void) => {
    layer.resetStates();
    change();
    return value(inputs).dataSync()[0];
  };
  watched.forEach((x, i) => {
    const k = inputs.indexOf(x);
    compare(x.dataSync(), grads[i], `input ${k}`, (data) =>
      at(() => {
        inputs[k] = tf.tensor(data, x.shape, 'float64');
      }),
    );
    inputs[k] = x;
  });
  weights.forEach((w, i) => {
    const old = w.read();
    compare(old.dataSync(), grads[watched.length + i], w.name, (data) =>
      at(() => void w.assign(tf.tensor(data, w.shape, 'float64'))),
    );
    w.assign(old);
  });
}

type Data = ReturnType<tf.Tensor['dataSync']>;

/** At most eight elements of a gradient, spread over all of them. */
function compare(data: Data, grad: tf.Tensor | null, name: string, value: (data: Float64Array) => number): void {
  const g = grad?.dataSync();
  const step = Math.max(1, Math.floor(data.length / 8));
  const h = 1e-6;
  for (let i = 0; i < data.length; i += step) {
    const moved = (d: number) => {
      const copy = Float64Array.from(data);
      copy[i] += d;
      return value(copy);
    };
    const numeric = (moved(h) - moved(-h)) / (2 * h);
    const exact = g ? g[i] : 0;
    if (Math.abs(exact - numeric) > 1e-4 * (1 + Math.abs(numeric)))
      expect.fail(`gradient of ${name}[${i}]: ${exact}, by differences ${numeric}`);
  }
}
