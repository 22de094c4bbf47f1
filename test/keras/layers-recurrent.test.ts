// Recurrent layers against their formulas, written out step by step in float64.

import * as tf from 'sinter';
import { describe, expect, test } from 'vitest';
import { runLayerTest } from './layer-test.ts';

const gru = (resetAfter: boolean): [string, number[]][] => [
  ['gru_cell/kernel', [3, 12]],
  ['gru_cell/recurrent_kernel', [4, 12]],
  ['gru_cell/bias', resetAfter ? [2, 12] : [12]],
];
const lstm: [string, number[]][] = [
  ['lstm_cell/kernel', [3, 16]],
  ['lstm_cell/recurrent_kernel', [4, 16]],
  ['lstm_cell/bias', [16]],
];
const simple: [string, number[]][] = [
  ['simple_rnn_cell/kernel', [3, 4]],
  ['simple_rnn_cell/recurrent_kernel', [4, 4]],
  ['simple_rnn_cell/bias', [4]],
];

const kinds = [
  ['simpleRNN', tf.layers.simpleRNN, simple, {}, 1],
  ['lstm', tf.layers.lstm, lstm, {}, 2],
  ['gru', tf.layers.gru, gru(true), {}, 1],
  ['gru, reset before', tf.layers.gru, gru(false), { resetAfter: false }, 1],
] as const;

for (const [name, make, weights, more, states] of kinds)
  describe(name, () => {
    const common = { make, inputShape: [2, 5, 3], weights: [...weights] };
    test('last output', () =>
      runLayerTest({ ...common, args: { units: 4, ...more }, outputShape: [2, 4], mask: 'ended' }));
    test('all outputs, backwards', () =>
      runLayerTest({
        ...common,
        args: { units: 4, returnSequences: true, goBackwards: true, ...more },
        outputShape: [2, 5, 4],
        mask: 'kept',
      }));
    test('states as outputs, unrolled', () =>
      runLayerTest({
        ...common,
        args: { units: 4, returnState: true, unroll: true, ...more },
        outputShape: [[2, 4], ...Array.from({ length: states }, () => [2, 4])],
      }));
    test('dropout', () =>
      runLayerTest({
        ...common,
        args: { units: 4, dropout: 0.3, recurrentDropout: 0.2, seed: 3, ...more },
        outputShape: [2, 4],
        random: true,
      }));
    test('stateful', () =>
      runLayerTest({
        ...common,
        args: { units: 4, stateful: true, batchInputShape: [2, 5, 3], ...more },
        outputShape: [2, 4],
      }));
  });

// ---- against formulas

type Matrix = number[][];
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const times = (v: number[], m: Matrix) => m[0].map((_, j) => v.reduce((s, x, i) => s + x * m[i][j], 0));
const plus = (...vs: number[][]) => vs[0].map((_, i) => vs.reduce((s, v) => s + v[i], 0));
const parts = (v: number[], n: number) => Array.from({ length: v.length / n }, (_, i) => v.slice(i * n, (i + 1) * n));

type Step = (x: number[], s: number[][]) => [number[], number[][]];
const cells: Record<string, (k: Matrix, r: Matrix, b: number[] | Matrix, n: number) => Step> = {
  simpleRNN:
    (k, r, b) =>
    (x, [h]) => {
      const out = plus(times(x, k), times(h, r), b as number[]).map(Math.tanh);
      return [out, [out]];
    },
  lstm:
    (k, r, b, n) =>
    (x, [h, c]) => {
      const [i, f, g, o] = parts(plus(times(x, k), times(h, r), b as number[]), n);
      const memory = c.map((cj, j) => sigmoid(f[j]) * cj + sigmoid(i[j]) * Math.tanh(g[j]));
      const out = memory.map((m, j) => sigmoid(o[j]) * Math.tanh(m));
      return [out, [out, memory]];
    },
  gru:
    (k, r, b, n) =>
    (x, [h]) => {
      const [bx, bh] = b as Matrix;
      const [xz, xr, xh] = parts(plus(times(x, k), bx), n);
      const [hz, hr, hh] = parts(plus(times(h, r), bh), n);
      const out = h.map((hj, j) => {
        const z = sigmoid(xz[j] + hz[j]);
        const candidate = Math.tanh(xh[j] + sigmoid(xr[j] + hr[j]) * hh[j]);
        return z * hj + (1 - z) * candidate;
      });
      return [out, [out]];
    },
};

describe.each(['simpleRNN', 'lstm', 'gru'] as const)('%s is its formula', (name) => {
  const [units, features, time] = [3, 2, 6];
  const states = name === 'lstm' ? 2 : 1;
  const make = (options: object) =>
    tf.layers[name]({
      units,
      returnSequences: true,
      returnState: true,
      biasInitializer: tf.initializers.randomNormal({ stddev: 0.5, seed: 4 }),
      ...options,
    });
  const x = tf.randomNormal([2, time, features], 0, 1, 'float32', 7);
  const xs = x.arraySync() as number[][][];

  /** Outputs and last states, step by step; a masked step leaves both as they were. */
  function byHand(layer: tf.Layer, row: number, mask?: boolean[], initial?: number[][], backwards = false) {
    const [k, r, b] = layer.getWeights().map((w) => w.arraySync());
    const step = cells[name](k as Matrix, r as Matrix, b as Matrix, units);
    let s = initial ?? Array.from({ length: states }, () => new Array<number>(units).fill(0));
    let held = new Array<number>(units).fill(0);
    const order = Array.from({ length: time }, (_, i) => (backwards ? time - 1 - i : i));
    const outputs = order.map((t) => {
      if (mask && !mask[t]) return held;
      [held, s] = step(xs[row][t], s);
      return held;
    });
    return { outputs, states: s };
  }
  const closeTo = (t: tf.Tensor, want: unknown) => {
    const flat = (want as number[][]).flat(3) as number[];
    const got = t.dataSync();
    expect(got.length).toBe(flat.length);
    flat.forEach((w, i) => void expect(got[i]).toBeCloseTo(w, 5));
  };
  const compiled = (layer: tf.Layer) =>
    tf.func(
      (...args: tf.Tensor[]) =>
        layer.apply(args[0], {
          mask: args[1] ?? null,
          ...(args[2] ? { initialState: args.slice(2) } : {}),
        }) as tf.Tensor[],
    );

  test.each([false, true])('unroll: %s', (unroll) => {
    const layer = make({ unroll });
    const [seq, ...last] = layer.apply(x);
    const want = [0, 1].map((row) => byHand(layer, row));
    closeTo(
      seq,
      want.map((w) => w.outputs),
    );
    last.forEach(
      (s, i) =>
        void closeTo(
          s,
          want.map((w) => w.states[i]),
        ),
    );
  });

  test.each([
    ['zeros', false],
    ['given', false],
    ['given', true],
  ])('mask, states begin with %s, backwards: %s, compiled and eager', (start, goBackwards) => {
    const layer = make({ goBackwards });
    const marks = [
      [false, true, true, false, true, false],
      [true, true, false, false, true, true],
    ];
    const mask = tf.tensor(marks, undefined, 'bool');
    const first =
      start === 'given'
        ? Array.from({ length: states }, (_, i) => tf.randomNormal([2, units], 0, 1, 'float32', 30 + i))
        : [];
    const initial = (row: number) => (first.length ? first.map((f) => (f.arraySync() as Matrix)[row]) : undefined);
    const kwargs = { mask, ...(first.length ? { initialState: first } : {}) };
    const eager = layer.apply(x, kwargs);
    const fast = compiled(layer)(x, mask, ...first);
    const want = [0, 1].map((row) => byHand(layer, row, marks[row], initial(row), goBackwards as boolean));
    for (const [seq, ...last] of [eager, fast]) {
      closeTo(
        seq,
        want.map((w) => w.outputs),
      );
      last.forEach(
        (s, i) =>
          void closeTo(
            s,
            want.map((w) => w.states[i]),
          ),
      );
    }
    // The last output alone is the last of all.
    const short = tf.layers[name]({ units, goBackwards: goBackwards as boolean });
    short.build([null, time, features]);
    short.setWeights(layer.getWeights());
    closeTo(
      short.apply(x, kwargs),
      want.map((w) => w.outputs[time - 1]),
    );
  });

  test('zeroOutputForMask', () => {
    const layer = make({ zeroOutputForMask: true });
    const marks = [true, false, true, false, false, true];
    const mask = tf.tensor([marks, marks], undefined, 'bool');
    const [seq] = layer.apply(x, { mask });
    const want = [0, 1].map((row) => byHand(layer, row, marks).outputs.map((o, t) => (marks[t] ? o : o.map(() => 0))));
    closeTo(seq, want);
  });

  test('stateful: two halves of a sequence are the whole', () => {
    const whole = make({});
    const [seq] = whole.apply(x);
    const layer = tf.layers[name]({ units, stateful: true, returnSequences: true, batchInputShape: [2, 3, features] });
    layer.build([2, 3, features]);
    layer.setWeights(whole.getWeights());
    const halves = [x.slice([0, 0, 0], [2, 3, features]), x.slice([0, 3, 0], [2, 3, features])];
    const model = tf.sequential({ layers: [layer] });
    const got = halves.map((h) => model.predict(h));
    closeTo(tf.concat(got, 1), seq.arraySync());
    model.resetStates();
    closeTo(model.predict(halves[0]), seq.slice([0, 0, 0], [2, 3, units]).arraySync());
  });
});

describe('wrappers and cells', () => {
  test('the forget gate begins open', () => {
    const layer = tf.layers.lstm({ units: 2 });
    layer.build([null, null, 3]);
    expect(layer.getWeights()[2].arraySync()).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
  });

  for (const mergeMode of ['concat', 'sum', 'mul', 'ave', null] as const)
    test(`bidirectional, ${mergeMode}`, async () => {
      const shape = [2, 5, mergeMode === 'concat' ? 8 : 4];
      await runLayerTest({
        make: (args) =>
          tf.layers.bidirectional({
            layer: tf.layers.lstm({ units: 4, returnSequences: true, name: 'l', dtype: args.dtype }),
            mergeMode,
            ...args,
          }),
        inputShape: [2, 5, 3],
        outputShape: mergeMode === null ? [shape, shape] : shape,
        weights: [...lstm, ...lstm],
        mask: 'kept',
      });
    });

  test('bidirectional is a layer in each direction', () => {
    const x = tf.randomNormal([2, 4, 3], 0, 1, 'float32', 1);
    const layer = tf.layers.bidirectional({
      layer: tf.layers.gru({ units: 2, returnSequences: true }),
      mergeMode: 'concat',
    });
    const y = layer.apply(x);
    const forward = layer.forwardLayer.apply(x);
    const backward = tf.reverse(layer.forwardLayer.apply(tf.reverse(x, 1)), 1);
    expect(y.slice([0, 0, 0], [2, 4, 2]).arraySync()).toEqual(forward.arraySync());
    layer.backwardLayer.setWeights(layer.forwardLayer.getWeights());
    expect(layer.apply(x).slice([0, 0, 2], [2, 4, 2]).arraySync()).toEqual(backward.arraySync());
  });

  test('bidirectional with states', () =>
    runLayerTest({
      make: (args) =>
        tf.layers.bidirectional({ layer: tf.layers.gru({ units: 4, returnState: true, dtype: args.dtype }), ...args }),
      inputShape: [2, 5, 3],
      outputShape: [
        [2, 8],
        [2, 4],
        [2, 4],
      ],
    }));

  test('time distributed', () =>
    runLayerTest({
      make: (args) =>
        tf.layers.timeDistributed({ layer: tf.layers.dense({ units: 2, name: 'd', dtype: args.dtype }), ...args }),
      inputShape: [2, 5, 3],
      outputShape: [2, 5, 2],
      weights: [
        ['kernel', [3, 2]],
        ['bias', [2]],
      ],
      mask: 'kept',
    }));

  test('cells on top of each other are layers on top of each other', async () => {
    const cellsOf = (dtype?: tf.DataType) => [
      tf.layers.lstmCell({ units: 4, dtype }),
      tf.layers.gruCell({ units: 2, dtype }),
    ];
    await runLayerTest({
      make: (args) => tf.layers.rnn({ cell: cellsOf(args.dtype), ...args }),
      args: { returnSequences: true },
      inputShape: [2, 5, 3],
      outputShape: [2, 5, 2],
    });
    const layer = tf.layers.rnn({ cell: cellsOf(), returnSequences: true });
    const x = tf.randomNormal([2, 5, 3], 0, 1, 'float32', 2);
    const y = layer.apply(x);
    const [a, b] = [
      tf.layers.lstm({ units: 4, returnSequences: true }),
      tf.layers.gru({ units: 2, returnSequences: true }),
    ];
    a.build([null, null, 3]);
    b.build([null, null, 4]);
    a.setWeights(layer.getWeights().slice(0, 3));
    b.setWeights(layer.getWeights().slice(3));
    const want = b.apply(a.apply(x)).dataSync();
    y.dataSync().forEach((v, i) => void expect(v).toBeCloseTo(want[i], 5));
  });

  test("a cell of one's own", () => {
    class Decay extends tf.RNNCell {
      static readonly className = 'Decay';
      readonly stateSize = 2;
      override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
        const [x, h] = inputs as tf.Tensor[];
        const out = h.mul(0.5).add(x);
        return [out.mul(10), out];
      }
    }
    const layer = tf.layers.rnn({ cell: new Decay({}), returnState: true });
    const x = tf.tensor([
      [
        [1, 2],
        [1, 0],
        [2, 2],
      ],
    ]);
    for (const [y, h] of [layer.apply(x), tf.func((t: tf.Tensor) => layer.apply(t) as tf.Tensor[])(x)]) {
      expect(h.arraySync()).toEqual([[2.75, 2.5]]);
      expect(y.arraySync()).toEqual([[27.5, 25]]);
    }
  });

  for (const dataFormat of ['channelsLast', 'channelsFirst'] as const)
    test(`convLstm2d, ${dataFormat}`, () =>
      runLayerTest({
        make: tf.layers.convLstm2d,
        args: { filters: 2, kernelSize: 2, strides: 2, dataFormat, returnSequences: true },
        inputShape: dataFormat === 'channelsLast' ? [1, 3, 5, 4, 3] : [1, 3, 3, 5, 4],
        outputShape: dataFormat === 'channelsLast' ? [1, 3, 2, 2, 2] : [1, 3, 2, 2, 2],
        weights: [
          ['conv_lstm2d_cell/kernel', [2, 2, 3, 8]],
          ['conv_lstm2d_cell/recurrent_kernel', [2, 2, 2, 8]],
          ['conv_lstm2d_cell/bias', [8]],
        ],
      }));

  test('a convLstm2d of single pixels is an lstm', () => {
    const x = tf.randomNormal([2, 4, 1, 1, 3], 0, 1, 'float32', 5);
    const conv = tf.layers.convLstm2d({ filters: 2, kernelSize: 1 });
    const y = conv.apply(x);
    const plain = tf.layers.lstm({ units: 2 });
    plain.build([null, null, 3]);
    const [k, r, b] = conv.getWeights();
    plain.setWeights([k.reshape([3, 8]), r.reshape([2, 8]), b]);
    const want = plain.apply(x.reshape([2, 4, 3])).dataSync();
    y.dataSync().forEach((v, i) => void expect(v).toBeCloseTo(want[i], 5));
  });

  test('mistakes', () => {
    expect(() => tf.layers.lstm({ units: 0 })).toThrow(/units must be a whole number from 1 on, not 0/);
    expect(() => tf.layers.lstm({ unit: 3 } as never)).toThrow(/no option 'unit'[\s\S]*did you mean 'units'/);
    expect(() => tf.layers.rnn({ cell: 3 as never })).toThrow(/the cell is 3/);
    expect(() => tf.layers.bidirectional({ layer: tf.layers.dense({ units: 1 }) as never })).toThrow(/recurrent layer/);
    expect(() => tf.layers.lstm({ units: 2 }).apply(tf.zeros([2, 3]))).toThrow(/expected at least 3 dimension/);
    const stateful = tf.layers.lstm({ units: 2, stateful: true });
    expect(() => stateful.apply(tf.input({ shape: [3, 2] }))).toThrow(/size of the batch[\s\S]*batchInputShape/);
    const layer = tf.layers.lstm({ units: 2 });
    expect(() => layer.apply(tf.zeros([1, 3, 2]), { initialState: [tf.zeros([1, 2])] })).toThrow(
      /2 state\(s\), initialState 1/,
    );
  });
});
