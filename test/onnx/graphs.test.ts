// Whole ONNX graphs: control flow, sequences, functions, versions, random numbers, training, files beside the model.

import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ToWrite } from '../../frontends/onnx/schema.ts';
import { attributeOf, bool, f, i64, infoOf, int, ints, modelOf, nodeOf, type TypeName, tensorOf } from './build.ts';

type Node = ToWrite<'Node'>;
const graphOf = (
  node: Node[],
  input: (string | [string, TypeName, (readonly number[])?])[],
  output: string[],
  initializer: ToWrite<'Tensor'>[] = [],
): ToWrite<'Graph'> => ({
  name: 'g',
  node,
  initializer,
  input: input.map((x) => (typeof x === 'string' ? infoOf(x) : infoOf(...x))),
  output: output.map((name) => ({ name })),
});
const loadGraph = (g: ToWrite<'Graph'>, version = 17, extra: ToWrite<'Model'> = {}) =>
  tf.loadOnnx(modelOf(g, version, extra));
const list = (x: tf.Tensor | tf.Tensor[]) => (Array.isArray(x) ? x : [x]).map((t) => t.arraySync());
const constant = (name: string, d: Parameters<typeof tensorOf>[1]) => tensorOf(name, d, name);

/** The same eagerly and compiled. */
async function both(g: ToWrite<'Graph'>, inputs: tf.Tensor[], want: unknown[], version = 17): Promise<void> {
  const model = await loadGraph(g, version);
  expect(list(model.call(...inputs))).toEqual(want);
  expect(list(model.predict(inputs))).toEqual(want);
}

beforeAll(() => tf.ready());

describe('control flow', () => {
  const branches = {
    then_branch: graphOf([nodeOf('Add', ['x', 'x'], ['t'])], [], ['t']),
    else_branch: graphOf([nodeOf('Neg', ['x'], ['e'])], [], ['e']),
  };
  test('If on an input, on a constant', async () => {
    const g = graphOf([nodeOf('If', ['p'], ['y'], branches)], [['p', 'bool', []], 'x'], ['y']);
    for (const [p, want] of [
      [true, 4],
      [false, -2],
    ] as const)
      await both(g, [tf.scalar(p), tf.scalar(2)], [want]);
    await both(
      graphOf([nodeOf('If', ['p'], ['y'], branches)], ['x'], ['y'], [constant('p', bool([], [1]))]),
      [tf.scalar(2)],
      [4],
    );
  });

  const counting = graphOf(
    [
      nodeOf('Add', ['v', 'i_f'], ['v2']),
      nodeOf('Cast', ['i'], ['i_f'], { to: 1 }),
      nodeOf('Identity', ['c'], ['c2']),
      nodeOf('Mul', ['v2', 'k'], ['row']),
    ],
    [['i', 'int64', []], ['c', 'bool', []], 'v'],
    ['c2', 'v2', 'row'],
  );
  test('Loop as often as a constant says: carried and stacked values, values from outside', async () => {
    const g = graphOf(
      [nodeOf('Loop', ['n', '', 'x'], ['y', 'rows'], { body: counting })],
      ['x', 'k'],
      ['y', 'rows'],
      [constant('n', int(4))],
    );
    // x + 0 + 1 + 2 + 3, each times k.
    await both(g, [tf.scalar(1), tf.scalar(2)], [7, [2, 4, 8, 14]]);
  });
  test('Loop as often as an input says: stacked values need it known', async () => {
    const g = graphOf(
      [nodeOf('Loop', ['n', '', 'x'], ['y', 'rows'], { body: counting })],
      [['n', 'int64', []], 'x', 'k'],
      ['y', 'rows'],
    );
    const model = await loadGraph(g);
    const inputs = [tf.scalar(3, 'int32'), tf.scalar(1), tf.scalar(2)];
    expect(list(model.call(...inputs))).toEqual([4, [2, 4, 8]]);
    await expect(tf.compile(model, { inputs: [tf.spec([], 'int32'), tf.spec([]), tf.spec([])] })).rejects.toThrow(
      /node '#0' \(Loop/,
    );
  });
  test('Loop until a condition fails', async () => {
    const body = graphOf(
      [nodeOf('Mul', ['v', 'two'], ['v2']), nodeOf('Less', ['v2', 'limit'], ['more'])],
      [['i', 'int64', []], ['c', 'bool', []], 'v'],
      ['more', 'v2'],
    );
    const fixed = [constant('two', f([], [2])), constant('limit', f([], [50])), constant('n', int(100))];
    await both(graphOf([nodeOf('Loop', ['n', '', 'x'], ['y'], { body })], ['x'], ['y'], fixed), [tf.scalar(3)], [96]);
    await both(
      graphOf([nodeOf('Loop', ['', 'go', 'x'], ['y'], { body })], ['x', ['go', 'bool', []]], ['y'], fixed),
      [tf.scalar(3), tf.scalar(true)],
      [96],
    );
    await both(
      graphOf([nodeOf('Loop', ['', 'go', 'x'], ['y'], { body })], ['x', ['go', 'bool', []]], ['y'], fixed),
      [tf.scalar(3), tf.scalar(false)],
      [3],
    );
  });
  test('Loop that carries a growing tensor, and a sequence', async () => {
    const body = graphOf(
      [
        nodeOf('Concat', ['v', 'v'], ['v2'], { axis: 0 }),
        nodeOf('Identity', ['c'], ['c2']),
        nodeOf('SequenceInsert', ['s', 'v'], ['s2']),
      ],
      [['i', 'int64', []], ['c', 'bool', []], 'v', 's'],
      ['c2', 'v2', 's2'],
    );
    const g = graphOf(
      [
        nodeOf('SequenceEmpty', [], ['s0']),
        nodeOf('Loop', ['n', '', 'x', 's0'], ['y', 's'], { body }),
        nodeOf('ConcatFromSequence', ['s'], ['all'], { axis: 0 }),
      ],
      [['x', 'float', [1]]],
      ['y', 'all'],
      [constant('n', int(2))],
    );
    await both(
      g,
      [tf.tensor([3])],
      [
        [3, 3, 3, 3],
        [3, 3, 3],
      ],
    );
  });
  test('Scan over two axes, backwards', async () => {
    const body = graphOf(
      [nodeOf('Add', ['s', 'x'], ['s2']), nodeOf('Identity', ['s2'], ['row'])],
      ['s', 'x'],
      ['s2', 'row'],
    );
    const g = (attributes: Record<string, number | number[]>) =>
      graphOf(
        [nodeOf('Scan', ['s', 'x'], ['last', 'rows'], { num_scan_inputs: 1, body, ...attributes })],
        ['s', 'x'],
        ['last', 'rows'],
      );
    const [s, x] = [
      tf.tensor([0, 0]),
      tf.tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    ];
    await both(
      g({}),
      [s, x],
      [
        [9, 12],
        [
          [1, 2],
          [4, 6],
          [9, 12],
        ],
      ],
    );
    await both(
      g({ scan_input_directions: [1], scan_output_directions: [1] }),
      [s, x],
      [
        [9, 12],
        [
          [9, 12],
          [8, 10],
          [5, 6],
        ],
      ],
    );
    await both(
      g({ scan_input_axes: [1], scan_output_axes: [1] }),
      [tf.tensor([0, 0, 0]), x],
      [
        [3, 7, 11],
        [
          [1, 3],
          [3, 7],
          [5, 11],
        ],
      ],
    );
  });
  test('gradients go through branches and loops', async () => {
    const g = graphOf(
      [nodeOf('Loop', ['n', '', 'x'], ['y', 'rows'], { body: counting })],
      ['x', 'k'],
      ['y', 'rows'],
      [constant('n', int(4))],
    );
    const model = await loadGraph(g);
    const grad = tf.grad((x: tf.Tensor) => tf.sum((model.call(x, tf.scalar(2)) as tf.Tensor[])[1]));
    expect(grad(tf.scalar(1)).arraySync()).toBe(8);
  });
});

describe('sequences and optional values', () => {
  test('made, asked, changed, mapped', async () => {
    const body = graphOf([nodeOf('Neg', ['e'], ['m'])], ['e'], ['m']);
    const g = graphOf(
      [
        nodeOf('SequenceConstruct', ['x', 'x2'], ['s']),
        nodeOf('Mul', ['x', 'x'], ['x2']),
        nodeOf('SequenceInsert', ['s', 'x', 'zero'], ['s3']),
        nodeOf('SequenceErase', ['s3', 'last'], ['s2']),
        nodeOf('SequenceLength', ['s3'], ['length']),
        nodeOf('SequenceMap', ['s2'], ['m'], { body }),
        nodeOf('SequenceAt', ['m', 'last'], ['y']),
        nodeOf('ConcatFromSequence', ['s3'], ['all'], { axis: 0, new_axis: 1 }),
      ],
      [['x', 'float', [2]]],
      ['length', 'y', 'all'],
      [constant('zero', int(0)), constant('last', int(-1))],
    );
    await both(
      g,
      [tf.tensor([2, 3])],
      [
        3,
        [-2, -3],
        [
          [2, 3],
          [2, 3],
          [4, 9],
        ],
      ],
    );
  });
  test('splitting', async () => {
    const g = (split: string, attributes: Record<string, number>, init: ToWrite<'Tensor'>[] = []) =>
      graphOf(
        [
          nodeOf('SplitToSequence', split ? ['x', split] : ['x'], ['s'], attributes),
          nodeOf('SequenceAt', ['s', 'one'], ['y']),
        ],
        [['x', 'float', [4]]],
        ['y'],
        [constant('one', int(1)), ...init],
      );
    const x = tf.tensor([1, 2, 3, 4]);
    await both(g('', { keepdims: 0 }), [x], [2]);
    await both(g('n', {}, [constant('n', int(3))]), [x], [[4]]);
    await both(g('n', {}, [constant('n', ints(1, 3))]), [x], [[2, 3, 4]]);
  });
  test('optional values', async () => {
    const g = graphOf(
      [
        nodeOf('Optional', ['x'], ['o']),
        nodeOf('Optional', [], ['none']),
        nodeOf('OptionalHasElement', ['o'], ['has']),
        nodeOf('OptionalHasElement', ['none'], ['has_none']),
        nodeOf('OptionalGetElement', ['o'], ['y']),
      ],
      ['x'],
      ['has', 'has_none', 'y'],
    );
    const model = await loadGraph(g);
    expect(list(model.call(tf.scalar(3)))).toEqual([1, 0, 3]);
  });
});

describe('random numbers', () => {
  const draws = async (
    op: string,
    attributes: Record<string, number | number[] | { float: number }>,
    inputs: string[] = [],
  ) => {
    const model = await loadGraph(graphOf([nodeOf(op, inputs, ['y'], attributes)], inputs, ['y']));
    const given = inputs.map(() => tf.fill([2000], 0.25));
    return [0, 1].map(() => (model.predict(given) as tf.Tensor).dataSync());
  };
  const mean = (x: ArrayLike<number>) => Array.from(x).reduce((s, v) => s + v, 0) / x.length;
  test.each([
    ['RandomUniform', { shape: [2000], low: { float: 2 }, high: { float: 4 } }, [], 3, 0.1],
    ['RandomUniformLike', {}, ['x'], 0.5, 0.05],
    ['RandomNormal', { shape: [2000], mean: { float: 5 }, scale: { float: 2 } }, [], 5, 0.2],
    ['RandomNormalLike', {}, ['x'], 0, 0.1],
    ['Bernoulli', {}, ['x'], 0.25, 0.05],
  ] as const)('%s', async (op, attributes, inputs, want, within) => {
    const [a, b] = await draws(op, attributes as never, [...inputs]);
    expect(Math.abs(mean(a) - want)).toBeLessThan(within);
    expect(Array.from(a)).not.toEqual(Array.from(b));
  });
  test('Multinomial', async () => {
    const model = await loadGraph(graphOf([nodeOf('Multinomial', ['x'], ['y'], { sample_size: 500 })], ['x'], ['y']));
    const y = model.predict(tf.tensor([[0, Math.log(3)]])) as tf.Tensor;
    expect(y.shape).toEqual([1, 500]);
    expect(Math.abs(mean(y.dataSync()) - 0.75)).toBeLessThan(0.08);
  });
  test('a seed repeats them; Dropout that trains', async () => {
    const [a, b] = await draws('RandomNormal', { shape: [5], seed: { float: 3 } });
    expect(Array.from(a)).toEqual(Array.from(b));
    const g = graphOf(
      [nodeOf('Dropout', ['x', 'ratio', 'train'], ['y', 'mask'])],
      ['x'],
      ['y', 'mask'],
      [constant('ratio', f([], [0.25])), constant('train', bool([], [1]))],
    );
    const [y, kept] = (await loadGraph(g)).call(tf.ones([2000])) as tf.Tensor[];
    expect(new Set(y.dataSync())).toEqual(new Set([0, Math.fround(4 / 3)]));
    expect(Math.abs(mean(kept.dataSync()) - 0.75)).toBeLessThan(0.05);
  });
});

describe('functions of a model', () => {
  const own = (
    nodes: Node[],
    name: string,
    input: string[],
    output: string[],
    attribute: string[] = [],
  ): ToWrite<'Function'> => ({
    name,
    domain: 'own',
    input,
    output,
    attribute,
    node: nodes,
    opsetImport: [
      { domain: '', version: 17 },
      { domain: 'own', version: 1 },
    ],
  });
  const extra = (...functions: ToWrite<'Function'>[]): ToWrite<'Model'> => ({
    functions,
    opsetImport: [{ domain: 'own', version: 1 }],
  });
  test('with attributes, and functions in functions', async () => {
    const leaky: Node = {
      ...nodeOf('LeakyRelu', ['x'], ['y']),
      attribute: [{ name: 'alpha', refAttrName: 'slope', type: 1 }],
    };
    const inner = own([leaky], 'Bend', ['x'], ['y'], ['slope']);
    const outer = own(
      [nodeOf('Bend', ['a'], ['t'], { slope: 0.5 }, 'own'), nodeOf('Add', ['t', 'a'], ['b'])],
      'Twice',
      ['a'],
      ['b'],
    );
    const model = await loadGraph(
      graphOf([nodeOf('Twice', ['x'], ['y'], {}, 'own')], ['x'], ['y']),
      17,
      extra(inner, outer),
    );
    expect(list(model.predict(tf.tensor([-2, 3])))).toEqual([[-3, 6]]);
  });
  test('that call themselves, or grow without bound, are refused', async () => {
    const selfish = own([nodeOf('Self', ['x'], ['y'], {}, 'own')], 'Self', ['x'], ['y']);
    await expect(
      loadGraph(graphOf([nodeOf('Self', ['x'], ['y'], {}, 'own')], ['x'], ['y']), 17, extra(selfish)),
    ).rejects.toThrow(/calls itself/);
    const many = Array.from({ length: 30 }, (_, i) =>
      own(
        i === 29
          ? [nodeOf('Neg', ['x'], ['y'])]
          : [nodeOf(`F${i + 1}`, ['x'], ['t'], {}, 'own'), nodeOf(`F${i + 1}`, ['t'], ['y'], {}, 'own')],
        `F${i}`,
        ['x'],
        ['y'],
      ),
    );
    await expect(
      loadGraph(graphOf([nodeOf('F0', ['x'], ['y'], {}, 'own')], ['x'], ['y']), 17, extra(...many)),
    ).rejects.toThrow(/more than 250000 nodes/);
  }, 120_000);
});

describe('what cannot be read', () => {
  test('all operators are named, with reasons', async () => {
    const g = graphOf(
      [
        nodeOf('StringConcat', ['x', 'x'], ['a']),
        nodeOf('Nonsense', ['x'], ['b']),
        nodeOf('Odd', ['x'], ['y'], {}, 'some.where'),
      ],
      ['x'],
      ['y'],
    );
    const error = await loadGraph(g).then(
      () => undefined,
      (e: Error) => e,
    );
    expect(error).toBeInstanceOf(tf.FormatError);
    expect(error?.message).toMatch(
      /3 operator\(s\)[\s\S]*StringConcat: it works on texts[\s\S]*Nonsense: there is no such operator[\s\S]*some\.where\.Odd: the model does not import/,
    );
  });
  test('versions, missing graphs, values that nothing gives', async () => {
    const g = graphOf([nodeOf('Neg', ['x'], ['y'])], ['x'], ['y']);
    await expect(loadGraph(g, 6)).rejects.toThrow(/operator set 6; 7 to 26/);
    await expect(loadGraph(g, 27)).rejects.toThrow(tf.FormatError);
    await expect(tf.loadOnnx(new Uint8Array())).rejects.toThrow(/no graph/);
    await expect(loadGraph(graphOf([nodeOf('Neg', ['z'], ['y'])], ['x'], ['y']))).rejects.toThrow(
      /nothing gives the values z/,
    );
    await expect(tf.loadOnnx(7 as never)).rejects.toThrow(tf.ArgumentError);
    await expect(tf.loadOnnx('/nowhere/at/all.onnx')).rejects.toThrow(tf.ExecutionError);
  });
  test('int64 beyond int32, tensors that do not fill their shape', async () => {
    const g = (t: ToWrite<'Tensor'>) => graphOf([nodeOf('Identity', ['c'], ['y'])], [], ['y'], [t]);
    await expect(loadGraph(g(constant('c', i64([1], [2 ** 40]))))).rejects.toThrow(/int32 cannot hold/);
    await expect(loadGraph(g({ name: 'c', dims: [3], dataType: 1, floatData: [1, 2] }))).rejects.toThrow(
      /2 numbers where its shape needs 3/,
    );
    await expect(loadGraph(g({ name: 'c', dims: [3], dataType: 1, rawData: new Uint8Array(8) }))).rejects.toThrow(
      /8 bytes/,
    );
    await expect(loadGraph(g({ name: 'c', dims: [2 ** 40], dataType: 1 }))).rejects.toThrow(tf.FormatError);
    await expect(loadGraph(g({ name: 'c', dims: [1], dataType: 8, stringData: [new Uint8Array()] }))).rejects.toThrow(
      /string/,
    );
  });
  test('errors of an operator name its node', async () => {
    const model = await loadGraph(
      graphOf([{ ...nodeOf('MatMul', ['x', 'w'], ['y']), name: 'dense_1' }], ['x'], ['y'], [constant('w', f([3, 2]))]),
    );
    expect(() => model.call(tf.zeros([2, 4]))).toThrow(/node 'dense_1' \(MatMul of x, w\)/);
  });
});

describe('element types', () => {
  const stored: [string, ToWrite<'Tensor'>, number[]][] = [
    ['float16', { dataType: 10, int32Data: [0x3c00, 0xc100] }, [1, -2.5]],
    ['bfloat16', { dataType: 16, rawData: Uint8Array.of(0x80, 0x3f, 0x20, 0xc0) }, [1, -2.5]],
    ['double', { dataType: 11, doubleData: [1.25, -7] }, [1.25, -7]],
    ['uint16', { dataType: 4, rawData: Uint8Array.of(1, 0, 255, 255) }, [1, 65535]],
    ['int4', { dataType: 22, rawData: Uint8Array.of(0x8f) }, [-1, -8]],
    ['uint64', { dataType: 13, uint64Data: [3, 4_000_000_000] }, [3, 4_000_000_000]],
    ['float8e4m3fn', { dataType: 17, rawData: Uint8Array.of(0x38, 0xc4) }, [1, -3]],
    ['float8e5m2', { dataType: 19, rawData: Uint8Array.of(0x3c, 0xfc) }, [1, Number.NEGATIVE_INFINITY]],
    ['bool', { dataType: 9, rawData: Uint8Array.of(1, 0) }, [1, 0]],
  ];
  test.each(stored)('%s', async (_, t, want) => {
    const model = await loadGraph(
      graphOf([nodeOf('Identity', ['c'], ['y'])], [], ['y'], [{ name: 'c', dims: [2], ...t }]),
    );
    expect(Array.from((model.call() as tf.Tensor).dataSync())).toEqual(want);
  });
  test('sparse initializers', async () => {
    const g: ToWrite<'Graph'> = {
      ...graphOf([nodeOf('Identity', ['c'], ['y'])], [], ['y']),
      sparseInitializer: [
        {
          dims: [2, 3],
          values: { name: 'c', dims: [2], dataType: 1, floatData: [5, 7] },
          indices: { dims: [2, 2], dataType: 7, int64Data: [0, 1, 1, 2] },
        },
      ],
    };
    expect(list((await loadGraph(g)).call())).toEqual([
      [
        [0, 5, 0],
        [0, 0, 7],
      ],
    ]);
  });
});

describe('training', () => {
  test('weights that are trained further: shapes and statistics stay', async () => {
    const g = graphOf(
      [
        nodeOf('BatchNormalization', ['x', 'scale', 'bias', 'mean', 'var'], ['n']),
        nodeOf('Gemm', ['n', 'w', 'b0'], ['z']),
        nodeOf('Clip', ['z', 'low'], ['r']),
        nodeOf('Reshape', ['r', 'shape'], ['y']),
      ],
      [['x', 'float', [4, 2]]],
      ['y'],
      [
        constant('scale', f([2], [1, 1])),
        constant('bias', f([2], [0, 0])),
        constant('mean', f([2], [0.5, -0.5])),
        constant('var', f([2], [1, 4])),
        constant('w', f([2, 1], [0.3, -0.2])),
        constant('b0', f([1], [0.1])),
        constant('low', f([], [-100])),
        constant('shape', ints(-1)),
      ],
    );
    const model = await tf.loadOnnx(modelOf(g, 17), { trainable: true });
    expect(model.trainableWeights.map((v) => v.name).sort()).toEqual(['b0', 'bias', 'scale', 'w']);
    const x = tf.tensor([
      [1, 2],
      [3, 4],
      [-1, 0],
      [2, -2],
    ]);
    const labels = tf.tensor([1, 2, 3, 4]);
    const optimizer = tf.train.adam(0.1);
    const step = tf.func(
      () =>
        optimizer.minimize(
          () => tf.mean(tf.square(tf.sub(model.call(x) as tf.Tensor, labels))),
          true,
          model.trainableWeights,
        ) as tf.Tensor,
    );
    const first = step().arraySync() as number;
    for (let i = 0; i < 60; i++) step();
    expect(step().arraySync()).toBeLessThan(first / 4);
    expect((model.weights.mean[0] as tf.Tensor).arraySync()).toEqual([0.5, -0.5]);
    // What was learned is what predicts and is exported.
    const again = await tf.loadOnnx(await tf.exportOnnx(model, { inputs: [tf.spec([4, 2])] }));
    const [a, b] = [model, again].map((m) => (m.predict(x) as tf.Tensor).dataSync());
    a.forEach((v, i) => expect(b[i]).toBeCloseTo(v, 5));
    const some = await tf.loadOnnx(modelOf(g, 17), { trainable: (name) => name === 'w' });
    expect(some.trainableWeights.map((v) => v.name)).toEqual(['w']);
    const { grads } = tf.variableGrads(() => tf.sum(some.call(x) as tf.Tensor), some.trainableWeights);
    expect(Object.keys(grads)).toEqual(['w']);
  });
});

describe('files beside the model', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'onnx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));
  const external = (entries: Record<string, string>) =>
    modelOf(
      graphOf(
        [nodeOf('Add', ['x', 'w'], ['y'])],
        [['x', 'float', [2]]],
        ['y'],
        [
          {
            name: 'w',
            dims: [2],
            dataType: 1,
            dataLocation: 1,
            externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
          },
        ],
      ),
      17,
    );
  const weights = new Uint8Array(Float32Array.of(9, 1, 2, 9).buffer);
  const place = { location: 'w.bin', offset: '4', length: '8' };

  test('from a path, a URL, and as bytes', async () => {
    const file = join(folder, 'model.onnx');
    await writeFile(file, external(place));
    await expect(tf.loadOnnx(file)).rejects.toThrow(/'w.bin' with tensors is not beside/);
    await writeFile(join(folder, 'w.bin'), weights);
    for (const source of [file, pathToFileURL(file), { model: external(place), externalData: { 'w.bin': weights } }]) {
      const model = await tf.loadOnnx(source);
      expect(list(model.call(tf.tensor([10, 20])))).toEqual([[11, 22]]);
    }
    const model = await tf.loadOnnx(external(place), { externalData: { 'w.bin': weights } });
    expect(list(model.call(tf.tensor([10, 20])))).toEqual([[11, 22]]);
    await expect(tf.loadOnnx(external(place))).rejects.toThrow(/which is not there/);
  });
  test('ranges are checked', async () => {
    for (const bad of [
      { offset: '12' },
      { length: '800' },
      { offset: '-4' },
      { offset: '1e3' },
      { length: '4' },
      { offset: '9007199254740993' },
    ])
      await expect(tf.loadOnnx(external({ ...place, ...bad }), { externalData: { 'w.bin': weights } })).rejects.toThrow(
        tf.FormatError,
      );
  });
  test('nothing outside of the folder is read', async () => {
    const file = join(folder, 'model.onnx');
    const outside = await mkdtemp(join(tmpdir(), 'onnx-outside-'));
    await writeFile(join(outside, 'w.bin'), weights);
    for (const location of [
      '../w.bin',
      `${outside}/w.bin`,
      'a/../../w.bin',
      '..\\w.bin',
      'file:///etc/passwd',
      'C:\\w.bin',
      'w\0.bin',
    ]) {
      await writeFile(file, external({ ...place, location }));
      await expect(tf.loadOnnx(file), location).rejects.toThrow(/not beside it/);
    }
    await symlink(join(outside, 'w.bin'), join(folder, 'link.bin'));
    await writeFile(file, external({ ...place, location: 'link.bin' }));
    await expect(tf.loadOnnx(file)).rejects.toThrow(/outside of the model's folder/);
    await rm(outside, { recursive: true });
  });
});

test('what a model says of itself', async () => {
  const g = graphOf([nodeOf('Neg', ['x'], ['y'])], [['x', 'float', [2, 3]]], ['y']);
  const model = await loadGraph(g, 17, {
    producerName: 'somebody',
    metadataProps: [{ key: 'a', value: 'b' }],
    modelVersion: 3,
  });
  expect(model.inputs).toEqual([{ name: 'x', dtype: 'float32', shape: [2, 3] }]);
  expect(model.outputNodes).toEqual(['y']);
  expect(model.modelVersion).toBe('3');
  expect(model.metadata).toMatchObject({ producerName: 'somebody', opsets: { 'ai.onnx': 17 }, properties: { a: 'b' } });
  expect(() => model.predict(tf.zeros([3, 2]))).toThrow(tf.ShapeError);
  expect(attributeOf('a', 1, '').i).toBe(1);
});
