// Models: how they are put together, looked at, nested and saved as configurations.

import * as tf from 'sinter';
import { beforeEach, describe, expect, test, vi } from 'vitest';

const T = tf.tensor;
// The same weights in each run.
beforeEach(() => tf.setRandomSeed(1));
type Tensors = tf.Tensor | tf.Tensor[];
const again = <M extends tf.LayersModel>(m: M): M => {
  const saved = { className: m.getClassName(), config: JSON.parse(JSON.stringify(m.getConfig())) };
  const copy = tf.layers.deserialize(saved) as M;
  copy.setWeights(m.getWeights());
  return copy;
};

describe('sequential', () => {
  test('layers are added and removed', () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 4, inputShape: [3] }));
    model.add(tf.layers.dense({ units: 2 }));
    expect(model.layers.length).toBe(2);
    expect(model.outputShape).toEqual([null, 2]);
    expect(model.countParams()).toBe(26);
    model.pop();
    expect(model.outputShape).toEqual([null, 4]);
    model.add(tf.layers.dense({ units: 1, name: 'end' }));
    expect(model.predict(tf.zeros([5, 3])).shape).toEqual([5, 1]);
    expect(model.getLayer('end')).toBe(model.layers[1]);
    expect(model.getLayer(0)).toBe(model.layers[0]);
    expect(model.getLayer(null, 1)).toBe(model.layers[1]);
    model.pop();
    model.pop();
    expect(model.layers).toEqual([]);
    expect(() => model.pop()).toThrow(/no layer to remove/);
  });
  test('built by a shape, or by its first data', () => {
    const make = () => tf.sequential({ layers: [tf.layers.dense({ units: 4 }), tf.layers.dense({ units: 2 })] });
    const model = make();
    expect(() => model.countParams()).toThrow(/when the shape of the input is known/);
    expect(() => model.inputs).toThrow(/no symbolic inputs/);
    model.build([null, 3]);
    expect(model.countParams()).toBe(26);
    const late = make();
    expect(late.predict(tf.zeros([5, 7])).shape).toEqual([5, 2]);
    expect(late.countParams()).toBe(42);
  });
  test('an input layer first, and a model inside', () => {
    const inner = tf.sequential({ layers: [tf.layers.dense({ units: 3, inputShape: [2] })] });
    const model = tf.sequential({
      layers: [tf.layers.inputLayer({ inputShape: [2] }), inner, tf.layers.dense({ units: 1 })],
    });
    expect(model.layers.map((l) => l.getClassName())).toEqual(['Sequential', 'Dense']);
    const x = T([[1, 2]]);
    const want = model.layers[1].apply(inner.predict(x)).dataSync();
    model
      .predict(x)
      .dataSync()
      .forEach((v, i) => void expect(v).toBeCloseTo(want[i], 6));
    expect(again(model).predict(x).arraySync()).toEqual(model.predict(x).arraySync());
    const direct = tf.sequential({ layers: [inner] });
    const inside = inner.predict(x).dataSync();
    direct
      .predict(x)
      .dataSync()
      .forEach((v, i) => void expect(v).toBeCloseTo(inside[i], 6));
  });
  test('mistakes', () => {
    const model = tf.sequential();
    expect(() => model.add({} as tf.Layer)).toThrow(/is no layer/);
    expect(() => model.predict(T([[1]]))).toThrow(/has no layers/);
    const layer = tf.layers.dense({ units: 1, inputShape: [2] });
    model.add(layer);
    expect(() => model.add(layer)).toThrow(/a layer '.*' already/);
    expect(() => model.add(tf.layers.conv2d({ filters: 1, kernelSize: 1 }))).toThrow(
      /Conv2D[\s\S]*expected 4 dimension\(s\), got 2; its shape is \[null, 1\]/,
    );
    // A layer that does not fit is not there afterwards.
    expect(model.layers.length).toBe(1);
    expect(() => tf.sequential({ layer: [] } as never)).toThrow(/no option 'layer'[\s\S]*did you mean 'layers'/);
    expect(() => model.getLayer('dense_x99')).toThrow(/has no layer 'dense_x99'/);
    expect(() => model.getLayer(7)).toThrow(/1 layers, there is no number 7/);
  });
});

describe('functional', () => {
  test('shared layers, branches and a bypass', () => {
    const a = tf.input({ shape: [4] });
    const b = tf.input({ shape: [4] });
    const shared = tf.layers.dense({ units: 4, name: 'shared' });
    const [p, q] = [shared.apply(a), shared.apply(b)];
    const sum = tf.layers.add().apply([p, q, a]);
    const model = tf.model({ inputs: [a, b], outputs: [sum, tf.layers.dense({ units: 1 }).apply(q)] });
    expect(model.layers.filter((l) => l === shared).length).toBe(1);
    expect(model.weights.length).toBe(4);
    expect(shared.inboundNodes.length).toBe(2);
    expect(() => shared.output).toThrow(/used 2 times/);
    expect(shared.getOutputAt(1)).toBe(q);
    expect(shared.outputShape).toEqual([null, 4]);
    const [x, y] = [tf.randomNormal([3, 4]), tf.randomNormal([3, 4])];
    const [s] = model.predict([x, y]);
    const want = shared.apply(x).add(shared.apply(y)).add(x).dataSync();
    s.dataSync().forEach((v, i) => void expect(v).toBeCloseTo(want[i], 5));
    const copy = again(model);
    expect(copy.predict([x, y]).map((t) => t.arraySync())).toEqual(model.predict([x, y]).map((t) => t.arraySync()));
    expect(copy.getConfig()).toEqual(model.getConfig());
  });
  test('a model as a layer, twice, and a part of a model', () => {
    const x = tf.input({ shape: [2] });
    const inner = tf.model({
      inputs: x,
      outputs: tf.layers.dense({ units: 2, activation: 'tanh', name: 'h' }).apply(x),
      name: 'inner',
    });
    const z = tf.input({ shape: [2] });
    const outer = tf.model({ inputs: z, outputs: inner.apply(inner.apply(z)) });
    const data = T([[0.5, -1]]);
    const want = inner.predict(inner.predict(data)).dataSync();
    outer
      .predict(data)
      .dataSync()
      .forEach((v, i) => void expect(v).toBeCloseTo(want[i], 6));
    expect(outer.weights.length).toBe(2);
    expect(again(outer).predict(data).arraySync()).toEqual(outer.predict(data).arraySync());
    // From the middle of a model.
    const features = tf.model({ inputs: inner.inputs, outputs: inner.getLayer('h').output });
    expect(features.predict(data).arraySync()).toEqual(inner.predict(data).arraySync());
  });
  test('a very deep model', () => {
    const x = tf.input({ shape: [2] });
    let y = x;
    for (let i = 0; i < 3000; i++) y = tf.layers.activation({ activation: 'linear' }).apply(y);
    const model = tf.model({ inputs: x, outputs: y });
    expect(model.layers.length).toBe(3001);
    expect(model.layers[0].getClassName()).toBe('InputLayer');
  });
  test('inputs by name, and integers', () => {
    const ids = tf.input({ shape: [3], name: 'ids', dtype: 'int32' });
    const size = tf.input({ shape: [1], name: 'size' });
    const e = tf.layers.flatten().apply(tf.layers.embedding({ inputDim: 5, outputDim: 2 }).apply(ids));
    const model = tf.model({ inputs: [ids, size], outputs: tf.layers.concatenate().apply([e, size]) });
    expect(model.inputNames).toEqual(['ids', 'size']);
    expect(model.predict({ size: T([[7]]), ids: T([[1, 2, 3]]) }).shape).toEqual([1, 7]);
  });
  test('mistakes', () => {
    const a = tf.input({ shape: [2], name: 'a' });
    const b = tf.input({ shape: [2], name: 'b' });
    const sum = tf.layers.add().apply([a, b]);
    expect(() => tf.model({ inputs: a, outputs: sum })).toThrow(/depend on the input 'b', which is none of the inputs/);
    expect(() => tf.model({ inputs: [a, a, b], outputs: sum })).toThrow(/given twice/);
    expect(() => tf.model({ inputs: [a, b] } as never)).toThrow(/outputs are missing/);
    expect(() => tf.model({ inputs: T([1]) as never, outputs: sum })).toThrow(/inputs must be symbolic tensors/);
    expect(() => tf.model({ input: a, outputs: sum } as never)).toThrow(
      /no option 'input'[\s\S]*did you mean 'inputs'/,
    );
    const twice = [1, 2].map(() => tf.layers.dense({ units: 2, name: 'same' }));
    expect(() => tf.model({ inputs: a, outputs: twice[1].apply(twice[0].apply(a)) })).toThrow(
      /two layers have the name 'same'/,
    );
    const model = tf.model({ inputs: [a, b], outputs: sum });
    expect(() => model.predict(T([[1, 2]]))).toThrow(/takes 2 input\(s\) \(a, b\), got 1/);
    expect(() => model.predict({ a: T([[1, 2]]), c: T([[1, 2]]) })).toThrow(/there is no input 'c'/);
    expect(() => model.predict({ a: T([[1, 2]]) })).toThrow(/the input 'b' is missing/);
    expect(() => model.predict([T([[1, 2]]), T([[1, 2, 3]])])).toThrow(
      /the input 'b' must have the shape \[null, *2\], got \[1,3\]/,
    );
    expect(() => model.predict([T([1, 2]), T([1, 2])])).toThrow(/axis of the batch missing/);
    expect(() =>
      model.predict([
        T([[1, 2]]),
        T([
          [1, 2],
          [3, 4],
        ]),
      ]),
    ).toThrow(/a has 1 samples, b has 2/);
    expect(() => tf.add(a as never, 1)).toThrow(/SymbolicTensor|stands for a tensor of a model/);
    expect(() => tf.layers.add().apply([a, T([[1, 2]])] as never)).toThrow(/either to tensors or to symbolic tensors/);
  });
});

describe('subclasses', () => {
  class Net extends tf.LayersModel {
    static override readonly className: string = 'Net';
    readonly hidden = [tf.layers.dense({ units: 8, activation: 'tanh' }), tf.layers.dense({ units: 4 })];
    readonly drop = tf.layers.dropout({ rate: 0.5 });
    readonly out: tf.Layer;
    readonly scale = tf.variable(2, true, 'scale');
    trained: boolean[] = [];
    readonly units: number;
    constructor(units: number) {
      super({});
      this.units = units;
      this.out = tf.layers.dense({ units });
    }
    override call(inputs: Tensors, { training }: tf.Kwargs): tf.Tensor {
      this.trained.push(training === true);
      let x = inputs as tf.Tensor;
      for (const l of this.hidden) x = l.apply(x) as tf.Tensor;
      return (this.out.apply(this.drop.apply(x)) as tf.Tensor).mul(this.scale);
    }
    override getConfig() {
      return { units: this.units };
    }
    static override fromConfig(_cls: never, config: { units: number }) {
      return new Net(config.units);
    }
  }
  test('weights of layers in properties, training by fit', async () => {
    const net = new Net(1);
    net.compile({ optimizer: tf.train.adam(0.05), loss: 'mse', metrics: ['mae'] });
    const x = tf.randomNormal([64, 3], 0, 1, 'float32', 1);
    const y = x.sum(1, true);
    const h = await net.fit(x, y, { epochs: 30, verbose: 0 });
    expect(h.history.loss[29]).toBeLessThan(h.history.loss[0] / 3);
    expect(net.weights.length).toBe(7);
    expect(net.trainableWeights).toContain(net.scale);
    expect(net.layers.map((l) => l.getClassName())).toEqual(['Dense', 'Dense', 'Dropout', 'Dense']);
    expect(net.trained.includes(true)).toBe(true);
    const y1 = net.predict(x);
    expect(net.trained.at(-1)).toBe(false);
    expect((net.apply(x) as tf.Tensor).shape).toEqual(y1.shape);
    net.summary(80, undefined, () => {});
    net.trainable = false;
    expect([net.trainableWeights.length, net.scale.trainable]).toEqual([0, false]);
    net.trainable = true;
    expect([net.trainableWeights.length, net.scale.trainable]).toEqual([7, true]);
  });
  test('as a layer of another model', () => {
    const x = tf.input({ shape: [3] });
    const model = tf.model({ inputs: x, outputs: new Net(2).apply(x) });
    expect(model.outputShape).toEqual([null, 2]);
    tf.serialization.registerClass(Net as never);
    const data = tf.ones([2, 3]);
    expect(again(model).predict(data).arraySync()).toEqual(model.predict(data).arraySync());
  });
  test('without a call', () => {
    class Empty extends tf.LayersModel {}
    expect(() => new Empty().predict(T([[1]]))).toThrow(/defines no call/);
  });
});

describe('custom layers', () => {
  // As TensorFlow.js code writes them.
  class Antirectifier extends tf.layers.Layer {
    static readonly className = 'Antirectifier';
    constructor() {
      super({});
      this.supportsMasking = true;
    }
    override computeOutputShape(inputShape: tf.Shape): tf.Shape {
      return [inputShape[0], inputShape[1], inputShape[2], 2 * (inputShape[3] as number)];
    }
    override call(inputs: Tensors): tf.Tensor {
      let input = inputs;
      if (Array.isArray(input)) input = input[0];
      const origOutput = input.sub(tf.mean(input, 1, true));
      return tf.concat([tf.relu(origOutput), tf.relu(tf.neg(origOutput))], 3);
    }
  }
  class Scale extends tf.layers.Layer {
    static readonly className = 'Scale';
    #w: tf.LayerVariable | undefined;
    override build(inputShape: tf.Shape): void {
      this.#w = this.addWeight('w', [inputShape[1] as number], 'float32', tf.initializers.ones());
      super.build(inputShape);
    }
    override call(inputs: Tensors): tf.Tensor {
      return (inputs as tf.Tensor[])[0].mul((this.#w as tf.LayerVariable).read());
    }
  }
  test('one with a shape of its own', () => {
    tf.serialization.registerClass(Antirectifier as never);
    const model = tf.sequential({
      layers: [
        tf.layers.conv2d({ filters: 2, kernelSize: 1, inputShape: [4, 4, 1] }),
        new Antirectifier(),
        tf.layers.flatten(),
      ],
    });
    expect(model.outputShape).toEqual([null, 64]);
    const x = tf.randomNormal([2, 4, 4, 1]);
    expect(again(model).predict(x).arraySync()).toEqual(model.predict(x).arraySync());
  });
  test('one with a weight, its shape found by tracing', async () => {
    const model = tf.sequential({ layers: [new Scale({ inputShape: [3], name: 'sc' })] });
    expect(model.outputShape).toEqual([null, 3]);
    expect(model.weights[0].name).toBe('sc/w');
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    await model.fit(tf.ones([4, 3]), tf.zeros([4, 3]), { verbose: 0 });
    expect(model.getWeights()[0].dataSync()[0]).toBeLessThan(1);
    expect(() => again(model)).toThrow(/unknown layer 'Scale'[\s\S]*registerClass/);
  });
  test('a call that takes the array for a tensor', () => {
    class Wrong extends tf.layers.Layer {
      override call(x: never): tf.Tensor {
        return (x as tf.Tensor).mul(2);
      }
    }
    expect(() => tf.sequential({ layers: [new Wrong({ inputShape: [2] })] })).toThrow(
      /call gets an array[\s\S]*inputs\[0\]/,
    );
  });
  test('the error of an operation names the layer', () => {
    class Bad extends tf.layers.Layer {
      override call(inputs: Tensors): tf.Tensor {
        return (inputs as tf.Tensor[])[0].matMul(tf.ones([7, 7]));
      }
    }
    expect(() => tf.sequential({ layers: [new Bad({ inputShape: [2], name: 'bad' })] })).toThrow(
      /in: layer 'bad' \(Bad\), inputs \[null, 2\]/,
    );
  });
  test('weights that cannot be', () => {
    const layer = new Scale({});
    layer.build([null, 2]);
    expect(() => layer.addWeight('w', [1])).toThrow(/a weight 'w' already/);
    expect(() => layer.addWeight('v', [null])).toThrow(/'v' would have the shape \[null\]/);
    expect(() => layer.setWeights([T([1])])).toThrow(/has shape \[2\], weights\[0\] \[1\]/);
    expect(() => layer.setWeights([])).toThrow(/takes 1 tensor\(s\).*got 0/);
    expect(() => tf.layers.dense({ units: 2 }).apply(tf.input({ shape: [null] }))).toThrow(
      /size of axis -1 of the input must be known/,
    );
  });
  test('masks that a layer does not know end with one warning', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    class Plain extends tf.layers.Layer {
      override call(inputs: Tensors): tf.Tensor {
        return (inputs as tf.Tensor[])[0].add(0);
      }
    }
    const model = tf.sequential({
      layers: [
        tf.layers.masking({ inputShape: [3, 1] }),
        new Plain({ name: 'plain' }),
        tf.layers.simpleRNN({ units: 1 }),
      ],
    });
    model.predict(tf.ones([1, 3, 1]));
    expect(warn.mock.calls.filter(([m]) => String(m).includes("'plain'")).length).toBe(1);
    warn.mockRestore();
  });
});

test('weights given as tensors are Variables to gradients, as in TensorFlow.js', () => {
  const model = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [2] })] });
  const f = () =>
    model
      .predict(tf.ones([3, 2]))
      .square()
      .mean() as tf.Tensor;
  const loss = () => (model.apply(tf.ones([3, 2])) as tf.Tensor).square().mean() as tf.Tensor;
  expect(f().shape).toEqual([]);
  const { grads } = tf.variableGrads(loss, model.getWeights(true));
  expect(Object.keys(grads)).toEqual(model.trainableWeights.map((w) => w.name));
  expect(() => tf.variableGrads(loss, [T([1])])).toThrow(/array of Variables/);
});

test('a clone outlives what it is a clone of', () => {
  const big = tf.func((x: tf.Tensor) => x.add(1))(tf.ones([200, 200]));
  const copy = big.clone();
  big.dispose();
  expect(copy.sum().dataSync()[0]).toBe(80_000);
});

describe('looks', () => {
  test('summary', () => {
    const lines: string[] = [];
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 1000, inputShape: [100], name: 'big' }),
        tf.layers.batchNormalization({ name: 'bn' }),
        tf.layers.activation({ activation: 'relu', name: 'act' }),
      ],
      name: 'net',
    });
    model.summary(60, undefined, (l) => void lines.push(l));
    expect(lines).toEqual([
      'Model: "net"',
      '┏━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━┓',
      '┃ Layer (type)             ┃ Output Shape       ┃ Param #   ┃',
      '┡━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━┩',
      '│ big (Dense)              │ (None, 1000)       │   101,000 │',
      '├──────────────────────────┼────────────────────┼───────────┤',
      '│ bn (BatchNormalization)  │ (None, 1000)       │     4,000 │',
      '├──────────────────────────┼────────────────────┼───────────┤',
      '│ act (Activation)         │ (None, 1000)       │         0 │',
      '└──────────────────────────┴────────────────────┴───────────┘',
      ' Total params: 105,000 (410.16 KB)',
      ' Trainable params: 103,000 (402.34 KB)',
      ' Non-trainable params: 2,000 (7.81 KB)',
    ]);
  });
});

describe('compile and fit refuse', () => {
  const model = () => tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [3], name: 'd' })], name: 'm' });
  const [x, y] = [tf.zeros([4, 3]), tf.zeros([4, 2])];
  const ready = (args: object = {}) => {
    const m = model();
    m.compile({ optimizer: 'sgd', loss: 'mse', ...args });
    return m;
  };
  test('what is not compiled', async () => {
    await expect(model().fit(x, y)).rejects.toThrow(/m.fit: the model is not compiled[\s\S]*model.compile/);
    expect(() => model().evaluate(x, y)).toThrow(/not compiled/);
    await expect(model().trainOnBatch(x, y)).rejects.toThrow(/not compiled/);
  });
  test('unknown names', () => {
    expect(() => ready({ optimizer: 'adm' })).toThrow(/unknown optimizer 'adm'[\s\S]*did you mean 'adam'/);
    expect(() => ready({ loss: 'meanSquareError' })).toThrow(/did you mean 'meanSquaredError'/);
    expect(() => ready({ metrics: ['acuracy'] })).toThrow(/did you mean 'accuracy'/);
    expect(() => ready({ loss: { e: 'mse' } })).toThrow(/loss names the output 'e'[\s\S]*did you mean 'd'|known: d/);
    expect(() => ready({ optimiser: 'sgd' })).toThrow(/no option 'optimiser'[\s\S]*did you mean 'optimizer'/);
    expect(() => tf.layers.dense({ units: 2, activation: 'rleu' })).toThrow(/did you mean 'relu'/);
    expect(() => tf.layers.dense({ units: 2, kernelInitializer: 'glorotUnifrom' })).toThrow(
      /did you mean 'glorotUniform'/,
    );
  });
  test.each([
    [
      'inputs of another shape',
      tf.zeros([4, 5]),
      y,
      {},
      /the input 'd_input' must have the shape \[null, *3\], got \[4,5\]/,
    ],
    ['labels of another shape', x, tf.zeros([4, 3]), {}, /mean_?squared_?error[\s\S]*\[4,3\][\s\S]*\[4,2\]/i],
    ['other numbers of samples', x, tf.zeros([5, 2]), {}, /has 4 samples, y has 5/],
    ['no labels', x, undefined, {}, /no labels for the output d/],
    ['an unknown option', x, y, { epoch: 3 }, /no option 'epoch'[\s\S]*did you mean 'epochs'/],
    ['no batch size', x, y, { batchSize: 0 }, /batchSize must be a whole number from 1 on, not 0/],
    ['a share that leaves nothing', x, y, { validationSplit: 0.99 }, /leaves none for training/],
    ['a share that is none', x, y, { validationSplit: 2 }, /between 0 and 1, not 2/],
    ['validation data of another kind', x, y, { validationData: [x] }, /must be \[x, y\]/],
    ['no samples', tf.zeros([0, 3]), tf.zeros([0, 2]), {}, /no samples/],
    ['epochs that are none', x, y, { epochs: 1.5 }, /epochs must be a whole number/],
    ['weights that do not fit', x, y, { sampleWeight: tf.ones([3]) }, /sampleWeight has 3/],
    ['a callback that is none', x, y, { callbacks: [5] }, /callbacks\[0\] is 5/],
  ])('%s', async (_, a, b, args, message) => {
    const m = ready();
    const before = m.getWeights().map((w) => w.arraySync());
    await expect(m.fit(a, b as tf.Tensor, { verbose: 0, ...args } as tf.FitArgs)).rejects.toThrow(message);
    expect(m.getWeights().map((w) => w.arraySync())).toEqual(before);
    // And the model is still of use.
    await m.fit(x, y, { verbose: 0 });
  });
  test('class numbers that are none', async () => {
    const m = tf.sequential({
      layers: [tf.layers.dense({ units: 3, inputShape: [3], activation: 'softmax', name: 'out' })],
    });
    m.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    await expect(m.fit(x, T([0, 1, 3, 2]), { verbose: 0 })).rejects.toThrow(
      /label 2 is 3, the output 'out' has the classes 0 to 2[\s\S]*from 0/,
    );
    expect(() => m.evaluate(x, T([0, -1, 2, 2]))).toThrow(/label 1 is -1/);
    const ignoring = new tf.losses.SparseCategoricalCrossentropy({ ignoreClass: -1 });
    m.compile({ optimizer: 'sgd', loss: ignoring });
    expect(Number.isFinite(m.evaluate(x, T([0, -1, 2, 2])).dataSync()[0])).toBe(true);
  });
  test('a loss that depends on nothing', async () => {
    const m = ready({ loss: () => tf.scalar(1) });
    await expect(m.fit(x, y, { verbose: 0 })).rejects.toThrow(
      /depends on none of the trainable weights|does not depend/,
    );
  });
  test('NaN ends training with terminateOnNaN', async () => {
    const m = ready();
    const bad = tf.fill([4, 3], Number.NaN);
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const h = await m.fit(bad, y, { epochs: 5, verbose: 0, callbacks: tf.callbacks.terminateOnNaN() });
    expect(h.epoch.length).toBeLessThan(2);
    vi.restoreAllMocks();
  });
});

test('a model compiled for a batch size is one program', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ units: 4, inputShape: [3], activation: 'relu' }),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 2 }),
    ],
  });
  const exe = await tf.compile(model, { inputs: [tf.spec([5, 3])] });
  const x = tf.randomNormal([5, 3]);
  const want = model.predict(x).dataSync();
  exe
    .run(x)
    .dataSync()
    .forEach((v, i) => void expect(v).toBeCloseTo(want[i], 6));
  // New weights are seen: they are the program's state, not constants.
  model.setWeights(model.getWeights().map((w) => tf.zerosLike(w)));
  expect(exe.run(x).abs().max().dataSync()[0]).toBe(0);
});
