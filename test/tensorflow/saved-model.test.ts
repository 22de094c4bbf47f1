// SavedModels, written by proto.ts and bundle.ts.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, describe, expect, it } from 'vitest';
import { bundle, numbers, strings } from './bundle.ts';
import { bytes, constant, denseParts, float, variables, w } from './dense-model.ts';
import { attr, functionDef, graphDef, message, node, type SavedModelParts, savedModel, tensorProto } from './proto.ts';

const folder = mkdtempSync(join(tmpdir(), 'tf-saved-model-'));
afterAll(() => rmSync(folder, { recursive: true }));
const values = (t: unknown) => Array.from((t as tf.Tensor).dataSync());

describe('a SavedModel of TensorFlow 2', () => {
  it('predicts with its Variables', async () => {
    const model = await tf.loadSavedModel(bytes);
    expect(model.inputNodes).toEqual(['x']);
    expect(model.outputNodes).toEqual(['y', 'doubled']);
    expect(model.inputs[0]).toEqual({ name: 'serving_default_x', dtype: 'float32', shape: [null, 2] });
    expect(model.signature.method).toBe('tensorflow/serving/predict');
    const [y, doubled] = model.predict(
      tf.tensor2d([
        [1, 1],
        [0, 2],
      ]),
    ) as tf.Tensor[];
    expect(values(y)).toEqual([5.5, 7, 8.5, 8.5, 10, 11.5]);
    expect(values(doubled)).toEqual([11, 14, 17, 17, 20, 23]);
    const named = model.predict({ x: tf.tensor2d([[0, 0]]) }) as unknown as Record<string, tf.Tensor>;
    expect([values(named.y), values(named.doubled)]).toEqual([
      [0.5, 0, -0.5],
      [1, 0, -1],
    ]);
  });
  it('is read from its folder, other signatures too', async () => {
    mkdirSync(join(folder, 'dense', 'variables'), { recursive: true });
    writeFileSync(join(folder, 'dense', 'saved_model.pb'), bytes.savedModel);
    writeFileSync(join(folder, 'dense', 'variables', 'variables.index'), variables.index);
    writeFileSync(join(folder, 'dense', 'variables', 'variables.data-00000-of-00001'), variables.data[0]);
    const model = await tf.node.loadSavedModel(join(folder, 'dense'), ['serve'], 'score');
    expect(model.signature.method).toBe('tensorflow/serving/regress');
    expect(values(model.predict(tf.tensor2d([[1, 1]])))).toEqual([5.5, 7, 8.5]);
    const metas = await tf.node.getMetaGraphsFromSavedModel(join(folder, 'dense'));
    expect(metas.map((m) => m.tags)).toEqual([['serve']]);
    expect(metas[0].signatureDefs.score).toEqual({
      inputs: { inputs: { name: 'serving_default_x:0', dtype: 'float32', tfDtype: 'DT_FLOAT', shape: [null, 2] } },
      outputs: {
        outputs: { name: 'StatefulPartitionedCall:0', dtype: 'float32', tfDtype: 'DT_FLOAT', shape: [null, 3] },
      },
      methodName: 'tensorflow/serving/regress',
    });
    await expect(tf.loadSavedModel(join(folder, 'dense'), ['train'])).rejects.toThrow(tf.ArgumentError);
    await expect(tf.loadSavedModel(join(folder, 'dense'), ['serve'], 'other')).rejects.toThrow(
      /serving_default, score/,
    );
    await expect(tf.loadSavedModel(folder)).rejects.toThrow(/no SavedModel/);
  });
  it('trains what trained', async () => {
    const model = await tf.loadSavedModel(bytes, ['serve'], 'score');
    expect(model.trainableWeights.map((v) => v.name)).toEqual(['w']);
    const input = tf.tensor2d([[1, 2]]);
    const loss = () => tf.sum(tf.square(model.call(input) as tf.Tensor)) as tf.Tensor;
    const { grads } = tf.variableGrads(loss as () => tf.Tensor);
    // d/dw of |x w + b|² = 2 x' (x w + b)
    const y = [9.5, 12, 14.5];
    expect(values(grads.w)).toEqual([1, 2].flatMap((xi) => y.map((yi) => 2 * xi * yi)));
    const optimizer = tf.train.sgd(0.01);
    const before = loss().dataSync()[0];
    optimizer.minimize(loss as () => tf.Tensor);
    expect(loss().dataSync()[0]).toBeLessThan(before);
  });
  it('knows what trained by the objects of its checkpoint, whatever handles are called', async () => {
    const saved = (key: string) => message([2, message([1, 'VARIABLE_VALUE'], [3, key])]);
    const graph = message([1, saved('w/value')], [1, saved('b/value')]);
    const tensors = [numbers('w/value', 'float32', [2, 3], w), numbers('b/value', 'float32', [3], [0.5, 0, -0.5])];
    const model = await tf.loadSavedModel({
      savedModel: savedModel({ ...denseParts, variables: { 'layer/kernel': false, 'layer/bias': true } }),
      variables: bundle([...tensors, strings('_CHECKPOINTABLE_OBJECT_GRAPH', [], [graph])]),
    });
    expect(model.trainableWeights.map((v) => v.name)).toEqual(['b']);
  });
  it('is compiled', async () => {
    const model = await tf.loadSavedModel(bytes, ['serve'], 'score');
    const exe = await tf.compile(model, { inputs: [tf.spec([1, 2])] });
    expect(values(exe.run(tf.tensor2d([[1, 1]])))).toEqual([5.5, 7, 8.5]);
  });
});

describe('functional control flow', () => {
  const branches = [
    functionDef('then', ['x'], ['y'], [node('Neg', 'Neg', ['x'], float)], { y: 'Neg:y:0' }),
    functionDef('else', ['x'], ['y'], [node('Add', 'AddV2', ['x', 'x'], float)], { y: 'Add:z:0' }),
  ];
  const loop = [
    functionDef('test', ['i', 'n', 'x', 'list'], ['go'], [node('Less', 'Less', ['i', 'n'], float)], { go: 'Less:z:0' }),
    functionDef(
      'body',
      ['i', 'n', 'x', 'list'],
      ['i2', 'n2', 'x2', 'list2'],
      [
        constant('one', tensorProto('int32', [], [1]), 'int32'),
        node('Next', 'AddV2', ['i', 'one:output:0'], float),
        constant('two', tensorProto('float32', [], [2])),
        node('Twice', 'Mul', ['x', 'two:output:0'], float),
        node('Set', 'TensorListSetItem', ['list', 'i', 'Twice:z:0'], { element_dtype: attr.type('float32') }),
        node('Same', 'Identity', ['n'], float),
      ],
      { i2: 'Next:z:0', n2: 'Same:output:0', x2: 'Twice:z:0', list2: 'Set:output_handle:0' },
    ),
  ];
  const nodes = [
    node('x', 'Placeholder', [], { dtype: attr.type('float32'), shape: attr.shape([2]) }),
    node('p', 'Placeholder', [], { dtype: attr.type('bool'), shape: attr.shape([]) }),
    node('k', 'Placeholder', [], { dtype: attr.type('int32'), shape: attr.shape([]) }),
    node('If', 'StatelessIf', ['p', 'x'], { then_branch: attr.func('then'), else_branch: attr.func('else') }),
    node('Case', 'StatelessCase', ['k', 'x'], { branches: attr.funcs(['then', 'else']) }),
    constant('zero', tensorProto('int32', [], [0]), 'int32'),
    constant('runs', tensorProto('int32', [], [20]), 'int32'),
    constant('shape', tensorProto('int32', [1], [2]), 'int32'),
    node('List', 'TensorListReserve', ['shape', 'runs'], { element_dtype: attr.type('float32') }),
    node('While', 'StatelessWhile', ['zero', 'runs', 'x', 'List'], {
      cond: attr.func('test'),
      body: attr.func('body'),
    }),
    node('Stack', 'TensorListStack', ['While:3', 'shape'], { element_dtype: attr.type('float32') }),
    node('WhileK', 'StatelessWhile', ['zero', 'k', 'x', 'List'], { cond: attr.func('test'), body: attr.func('body') }),
  ];
  const inputs = { x: ['x:0', 'float32', [2]], p: ['p:0', 'bool', []], k: ['k:0', 'int32', []] } as const;
  const signature = (outputs: Record<string, string>) => ({
    inputs,
    outputs: Object.fromEntries(Object.entries(outputs).map(([k, name]) => [k, [name, 'float32', null] as const])),
    method: '',
  });
  const model = tf.loadSavedModel({
    savedModel: savedModel({
      graph: graphDef(nodes, [...branches, ...loop]),
      signatures: {
        serving_default: signature({
          chosen: 'If:0',
          cased: 'Case:0',
          last: 'While:2',
          all: 'Stack:0',
          part: 'WhileK:2',
        }),
      },
    }),
  });
  const expected = (x: number[], p: number, k: number) => {
    const [neg, twice] = [x.map((v) => -v), x.map((v) => v + v)];
    const powers = Array.from({ length: 20 }, (_, i) => x.map((v) => v * 2 ** (i + 1)));
    return [p ? neg : twice, k === 0 ? neg : twice, powers[19], powers.flat(), x.map((v) => v * 2 ** k)];
  };
  it.each([
    [0, 0],
    [1, 1],
    [1, 5],
  ])('gives what TensorFlow says, predicate %d, index %d', async (p, k) => {
    const m = await model;
    const feeds = [tf.tensor1d([1.5, -3]), tf.scalar(p === 1), tf.scalar(k, 'int32')];
    const want = expected([1.5, -3], p, k);
    // Compiled by itself, node by node, and as a part of a function of one's own.
    expect((m.predict(feeds) as tf.Tensor[]).map(values)).toEqual(want);
    expect((m.call(...feeds) as tf.Tensor[]).map(values)).toEqual(want);
    const exe = await tf.compile(m, { inputs: [tf.spec([2]), tf.spec([], 'bool'), tf.spec([], 'int32')] });
    expect((exe.run(...feeds) as tf.Tensor[]).map(values)).toEqual(want);
  });
  it('has gradients where the number of runs is known', async () => {
    const m = await model;
    const f = tf.func((x: tf.Tensor) => {
      const [, , last] = m.call(x, tf.scalar(true), tf.scalar(1, 'int32')) as tf.Tensor[];
      return tf.sum(last);
    });
    expect(values(tf.grad((x) => f(x) as tf.Tensor)(tf.tensor1d([1, 2])))).toEqual([2 ** 20, 2 ** 20]);
  });
});

describe('damaged SavedModels', () => {
  const open = (parts: Partial<SavedModelParts>, given: Partial<typeof bytes> = {}) =>
    tf.loadSavedModel({ ...bytes, savedModel: savedModel({ ...denseParts, ...parts }), ...given });
  it('are refused', async () => {
    await expect(tf.loadSavedModel({ savedModel: new Uint8Array(0) })).rejects.toThrow(tf.FormatError);
    await expect(tf.loadSavedModel({ savedModel: bytes.savedModel.subarray(0, 100) })).rejects.toThrow(tf.FormatError);
    await expect(tf.loadSavedModel({ savedModel: bytes.savedModel })).resolves.toBeDefined();
    await expect(open({}, { variables: bundle([numbers('w/value', 'float32', [2, 3], w)]) })).rejects.toThrow(
      /no tensor 'b\/value'/,
    );
    await expect(
      open(
        {},
        {
          variables: bundle([numbers('w/value', 'float32', [3, 2], w), numbers('b/value', 'float32', [3], [1, 2, 3])]),
        },
      ),
    ).rejects.toThrow(tf.ShapeError);
  });
  it('without values of Variables say so when they run', async () => {
    const model = await tf.loadSavedModel({ savedModel: bytes.savedModel });
    expect(() => model.predict(tf.tensor2d([[1, 1]]))).toThrow(/'w' has no value/);
  });
  it('with functions that call themselves are refused', async () => {
    const call = (name: string, f: string) => node(name, 'PartitionedCall', ['x'], { f: attr.func(f) });
    const chain = Array.from({ length: 60 }, (_, i) =>
      functionDef(`f${i}`, ['x'], ['y'], [call('a', `f${i + 1}`), call('b', `f${i + 1}`)], { y: 'b:output:0' }),
    );
    const last = functionDef('f60', ['x'], ['y'], [node('Neg', 'Neg', ['x'])], { y: 'Neg:y:0' });
    const self = functionDef('f60', ['x'], ['y'], [call('a', 'f0')], { y: 'a:output:0' });
    await expect(open({ graph: graphDef([], [...chain, last]) })).rejects.toThrow(/nodes with all that it calls/);
    await expect(open({ graph: graphDef([], [...chain, self]) })).rejects.toThrow(/calls itself/);
  });
  it('with unknown operations name them all', async () => {
    const nodes = [
      node('serving_default_x', 'Placeholder', [], { dtype: attr.type('float32') }),
      node('s', 'StringJoin', ['serving_default_x']),
      node('StatefulPartitionedCall', 'MadeUp', ['s']),
    ];
    await expect(open({ graph: graphDef(nodes), saver: undefined })).rejects.toThrow(
      /^(?=[\s\S]*MadeUp[^\n]*not known here)(?=[\s\S]*StringJoin[^\n]*strings)/,
    );
  });
});
