// Exported graphs, read again: every operation's samples, control flow, models, Variables.

import * as tf from 'sinter';
import { beforeAll, describe, expect, test } from 'vitest';
import { modelBytes } from '../../frontends/onnx/export/index.ts';
import { load } from '../../frontends/onnx/load.ts';
import { publicDType } from '../../frontends/trace/dtypes.ts';
import { Builder } from '../../ir/builder.ts';
import { CompileError } from '../../ir/errors.ts';
import { allOps, type OpDef } from '../../ir/op.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { sampleInputs } from '../helpers.ts';

beforeAll(() => tf.ready());

/** Operations that ONNX has no equivalent of, and why. */
const without: Record<string, RegExp> = {
  bitcast: /operator set 26/,
  ...Object.fromEntries(
    'cholesky triangular_solve lu solve slogdet qr eigh svd'.split(' ').map((n) => [n, /factorizations/]),
  ),
  ...Object.fromEntries(
    'normal_of_bits truncated_normal_of_bits exponential_of_bits gumbel_of_bits int_below gamma_element rng_bits random_uniform random_normal random_truncated_normal random_exponential random_gumbel random_int random_gamma random_bernoulli dropout'
      .split(' ')
      .map((n) => [n, /random words/]),
  ),
  ...Object.fromEntries('lgamma digamma polygamma'.split(' ').map((n) => [n, /gamma functions/])),
  ...Object.fromEntries('window_max_grad window_max_pick'.split(' ').map((n) => [n, /gradient of a pool/])),
};

async function checkSamples(op: OpDef): Promise<void> {
  for (const [k, s] of op.samples.entries()) {
    const b = new Builder('g');
    const params = s.inputs.map((x, i) => b.param(x.type, `x${i}`));
    const outputs = b.emit(op, params, s.attrs ?? {}, []);
    const graph = b.build(outputs);
    const write = () =>
      modelBytes({ graph, inputNames: params.map((_, i) => `x${i}`), results: outputs.length, variables: [] });
    // Dropout at rate 0 draws nothing.
    if (without[op.name] && s.attrs?.rate !== 0) {
      expect(write, op.name).toThrow(CompileError);
      expect(write, op.name).toThrow(without[op.name]);
      continue;
    }
    // Windows of integers are refused with a reason.
    if (op.kind === 'window' && !s.inputs[0].type.dtype.startsWith('f')) {
      expect(write).toThrow(/pools floats only/);
      continue;
    }
    const data = sampleInputs(s);
    const want = interpret(graph, data);
    const model = await load(write());
    const got = model.call(
      ...data.map((x) => {
        const t = tf.tensor(Array.from(x.data), [...x.shape], x.dtype === 'f16' ? 'float32' : publicDType(x.dtype));
        return t;
      }),
    );
    (Array.isArray(got) ? got : [got]).forEach((t, r) => {
      expect(t.shape, `${op.name} #${k}`).toEqual(want[r].shape);
      const elements = t.dataSync();
      const largest = want[r].data.reduce((m, x) => (Number.isFinite(x) ? Math.max(m, Math.abs(x)) : m), 1);
      want[r].data.forEach((x, i) => {
        const a = elements[i];
        const near = a === x || (Number.isNaN(a) && Number.isNaN(x)) || Math.abs(a - x) <= 2e-5 * largest;
        if (!near) throw new Error(`${op.name} #${k}: result ${r}, element ${i} is ${a}, not ${x}`);
      });
    });
  }
}

describe('operations', () => {
  test.each(
    allOps()
      .filter((o) => o.samples.length > 0)
      .map((o) => [o.name, o] as const),
  )('%s', async (_, op) => {
    await checkSamples(op);
  });
});

/** A function, exported and read again, gives the same. */
async function roundTrip(
  f: (...x: tf.Tensor[]) => tf.Tensor | tf.Tensor[],
  inputs: tf.Tensor[],
  tolerance = 1e-5,
): Promise<void> {
  const list = (x: tf.Tensor | tf.Tensor[]) => (Array.isArray(x) ? x : [x]);
  const want = list(f(...inputs));
  const bytes = await tf.exportOnnx(f, { inputs: inputs.map((t) => tf.spec(t.shape, t.dtype)) });
  const model = await tf.loadOnnx(bytes);
  for (const got of [list(model.call(...inputs)), list(model.predict(inputs))])
    want.forEach((w, i) => {
      expect(got[i].shape).toEqual(w.shape);
      const elements = got[i].dataSync();
      w.dataSync().forEach((x, k) =>
        expect(Math.abs(elements[k] - x), `result ${i}, element ${k}: ${elements[k]}, not ${x}`).toBeLessThanOrEqual(
          tolerance * Math.max(1, Math.abs(x)),
        ),
      );
    });
}

describe('control flow', () => {
  const x = tf.tensor([1, -2, 3, 0.5]);
  test('cond', async () => {
    const f = (p: tf.Tensor, v: tf.Tensor) =>
      tf.cond(
        tf.greater(tf.sum(v), p),
        () => tf.mul(v, 2),
        () => tf.sub(v, p),
      );
    await roundTrip(f, [tf.scalar(1), x]);
    await roundTrip(f, [tf.scalar(5), x]);
  });
  test('switchCase', async () => {
    for (const i of [0, 1, 2, 7])
      await roundTrip(
        (k, v) => tf.switchCase(k, [() => tf.mul(v, 2), () => tf.neg(v), () => tf.exp(v)]),
        [tf.scalar(i, 'int32'), x],
      );
  });
  test('whileLoop', async () => {
    await roundTrip(
      (v) =>
        tf.whileLoop(
          (y: tf.Tensor, _n: tf.Tensor) => tf.less(tf.sum(tf.abs(y)), 100),
          (y, n) => [tf.mul(y, 1.5), tf.add(n, 1)],
          [v, tf.scalar(0)],
        ),
      [x],
    );
    await roundTrip(
      (v) =>
        tf.whileLoop(
          (y: tf.Tensor) => tf.less(tf.sum(y), 1e9),
          (y) => [tf.mul(y, 2)],
          [v],
          { maximumIterations: 3 },
        ),
      [x],
    );
  });
  test('scan, both ways', async () => {
    await roundTrip((v) => tf.scan((a: tf.Tensor, e: tf.Tensor) => tf.add(tf.mul(a, 0.5), e), v, tf.scalar(1)), [x]);
    await roundTrip(
      (v) => tf.scan((a: tf.Tensor, e: tf.Tensor) => tf.add(tf.mul(a, 0.5), e), v, tf.scalar(1), { reverse: true }),
      [x],
    );
  });
  test('forRange with a tensor as bound, and a loop in a branch', async () => {
    await roundTrip(
      (n, v) => tf.forRange(0, n, (i, y) => [tf.add(y, tf.cast(i, 'float32'))], [v])[0],
      [tf.scalar(4, 'int32'), x],
    );
    await roundTrip(
      (p, v) =>
        tf.cond(
          tf.greater(p, 0),
          () => tf.forRange(0, 3, (_i, y) => [tf.mul(y, p)], [v])[0],
          () => v,
        ),
      [tf.scalar(2), x],
    );
  });
});

describe('models', () => {
  test('a convolutional model, a recurrent one, and their numbers', async () => {
    const cnn = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu', inputShape: [8, 8, 2] }),
        tf.layers.maxPooling2d({ poolSize: 2 }),
        tf.layers.batchNormalization(),
        tf.layers.flatten(),
        tf.layers.dense({ units: 3, activation: 'softmax' }),
      ],
    });
    const rnn = tf.sequential({
      layers: [tf.layers.lstm({ units: 4, inputShape: [5, 3] }), tf.layers.dense({ units: 2 })],
    });
    for (const [model, shape] of [
      [cnn, [2, 8, 8, 2]],
      [rnn, [2, 5, 3]],
    ] as const) {
      const data = tf.randomNormal([...shape], 0, 1, 'float32', 3);
      const want = (model.predict(data) as tf.Tensor).dataSync();
      const bytes = await tf.exportOnnx(model, { inputs: [tf.spec([...shape])], name: 'net' });
      const again = await tf.loadOnnx(bytes);
      expect(again.name).toBe('net');
      const got = (again.predict(data) as tf.Tensor).dataSync();
      want.forEach((v, i) => expect(got[i]).toBeCloseTo(v, 5));
    }
  });
  test('compiled functions; Variables are initializers, and results where they are assigned', async () => {
    const w = tf.variable(tf.tensor([1, 2]), true, 'weight');
    const optimizer = tf.train.sgd(0.5);
    const step = (x: tf.Tensor) => optimizer.minimize(() => tf.sum(tf.square(tf.mul(w, x))), true, [w]) as tf.Tensor;
    const exe = await tf.compile(step, { inputs: [tf.spec([2])] });
    const model = await tf.loadOnnx(await tf.exportOnnx(exe, { outputNames: ['loss'] }));
    expect(Object.keys(model.weights)).toContain('weight');
    const out = model.predictNamed({ [model.inputNodes[0]]: tf.tensor([1, 1]) });
    expect(out.loss.arraySync()).toBeCloseTo(5);
    // Less half of the gradient 2 w.
    expect(out.weight_next.arraySync()).toEqual([0, 0]);
  });
  test('what cannot be exported is refused', async () => {
    await expect(tf.exportOnnx(3 as never)).rejects.toThrow(tf.ArgumentError);
    await expect(tf.exportOnnx((x: tf.Tensor) => x)).rejects.toThrow(/inputs are not described/);
    await expect(tf.exportOnnx((x: tf.Tensor) => tf.lgamma(x), { inputs: [tf.spec([2])] })).rejects.toThrow(/'lgamma'/);
    await expect(
      tf.exportOnnx((x: tf.Tensor) => x, { inputs: [tf.spec([2])], outputNames: ['a', 'b'] }),
    ).rejects.toThrow(/outputNames/);
  });
});
