// Graph models of TensorFlow.js: how they are loaded and called.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundle, numbers } from './bundle.ts';
import { attr, floats, ints, known } from './case.ts';
import { constant, modelOfProgram, type Node, type Program } from './program.ts';
import { graphDef, node, attr as pb, savedModel, tensorProto, textProto } from './proto.ts';

const folder = mkdtempSync(join(tmpdir(), 'tf-graph-model-'));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await tf.ready();
  await tf.prepareGraphModels();
});
const values = (t: unknown) => Array.from((t as tf.Tensor).dataSync());
const dims = (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size: String(size) })) } });
const float = attr.type('float32');

/** (a + b) * w, with names of nodes that are not those of the signature; w in 8 bits. */
const topology = {
  node: [
    { name: 'in/a', op: 'Placeholder', attr: { dtype: float, ...{ shape: dims(-1, 2) } } },
    { name: 'in/b', op: 'Placeholder', attr: { dtype: float, ...{ shape: dims(2) } } },
    { name: 'w', op: 'Const', attr: { dtype: float } },
    { name: 'sum', op: 'AddV2', input: ['in/a', 'in/b'], attr: { T: float } },
    { name: 'product', op: 'Mul', input: ['sum', 'w'], attr: { T: float } },
    { name: 'split', op: 'Split', input: ['axis', 'product'], attr: { num_split: attr.int(2), T: float } },
    { name: 'axis', op: 'Const', attr: { dtype: attr.type('int32') } },
  ],
  versions: { producer: 1395, minConsumer: 12 },
};
const signature = {
  inputs: {
    b: { name: 'in/b:0', dtype: 'DT_FLOAT', tensorShape: dims(2).shape },
    a: { name: 'in/a:0', dtype: 'DT_FLOAT', tensorShape: dims(-1, 2).shape },
  },
  outputs: { left: { name: 'split:0', dtype: 'DT_FLOAT' }, right: { name: 'split:1', dtype: 'DT_FLOAT' } },
};
const specs = [
  { name: 'w', shape: [2], dtype: 'float32' as const, quantization: { dtype: 'uint8' as const, scale: 0.5, min: -1 } },
  { name: 'axis', shape: [], dtype: 'int32' as const },
];
const weightData = Uint8Array.of(4, 8, 1, 0, 0, 0).buffer;
const parts = { format: 'graph-model', modelTopology: topology, weightSpecs: specs, weightData, signature };
const [a, b] = [() => tf.tensor2d([[1, 2]]), () => tf.tensor1d([10, 20])];

describe('a graph model', () => {
  it('is read from files, shards and all', async () => {
    const json = {
      format: 'graph-model',
      modelTopology: topology,
      signature,
      weightsManifest: [{ paths: ['group1-shard1of2.bin', 'group1-shard2of2.bin'], weights: specs }],
    };
    writeFileSync(join(folder, 'model.json'), JSON.stringify(json));
    writeFileSync(join(folder, 'group1-shard1of2.bin'), new Uint8Array(weightData, 0, 3));
    writeFileSync(join(folder, 'group1-shard2of2.bin'), new Uint8Array(weightData, 3));
    for (const path of [join(folder, 'model.json'), `file://${join(folder, 'model.json')}`]) {
      const model = await tf.loadGraphModel(path);
      expect(model.modelUrl).toBe(path);
      expect((model.predict({ a: a(), b: b() }) as tf.Tensor[]).map(values)).toEqual([[11], [66]]);
    }
    await expect(tf.loadGraphModel(join(folder, 'none.json'))).rejects.toThrow(tf.SinterError);
  });
  it('is known by the names of nodes and of the signature', () => {
    const model = tf.loadGraphModelSync(parts);
    expect(model).toBeInstanceOf(tf.GraphModel);
    expect([model.inputNodes, model.outputNodes]).toEqual([
      ['b', 'a'],
      ['left', 'right'],
    ]);
    expect(model.inputs).toEqual([
      { name: 'in/b', dtype: 'float32', shape: [2] },
      { name: 'in/a', dtype: 'float32', shape: [null, 2] },
    ]);
    expect(model.modelVersion).toBe('1395.12');
    expect(values(model.weights.w[0])).toEqual([1, 3]);
    const forms: (tf.Tensor[] | Record<string, tf.Tensor>)[] = [
      { a: a(), b: b() },
      { 'in/a': a(), b: b() },
      { 'in/a:0': a(), 'in/b:0': b() },
      [b(), a()],
    ];
    for (const inputs of forms) expect((model.execute(inputs) as tf.Tensor[]).map(values)).toEqual([[11], [66]]);
    const feeds = { a: a(), b: b() };
    expect(values(model.execute(feeds, 'right'))).toEqual([66]);
    expect(values(model.execute(feeds, 'split:1'))).toEqual([66]);
    expect(values(model.execute(feeds, ['sum']))).toEqual([11, 22]);
    expect((model.execute(feeds, ['product', 'split']) as tf.Tensor[]).map(values)).toEqual([[11, 66], [11]]);
  });
  it('takes values in the middle', () => {
    const model = tf.loadGraphModelSync(parts);
    expect(values(model.execute({ sum: tf.tensor2d([[2, 3]]) }, 'split:1'))).toEqual([9]);
    expect(values(model.execute({ product: tf.tensor2d([[2, 3]]) }, 'left'))).toEqual([2]);
    expect(() => model.execute({ sum: tf.zeros([1, 2]) }, 'nothing')).toThrow(/no value 'nothing'/);
    expect(() => model.execute({ nothing: tf.zeros([1, 2]) })).toThrow(/no value 'nothing'/);
  });
  it('runs as a promise, at once from model.json and weights, and from a handler', async () => {
    const json = { ...parts, weightsManifest: [{ paths: [], weights: specs }] };
    for (const source of [[json, weightData] as const, { load: () => parts }])
      expect(values(((await tf.loadGraphModelSync(source).executeAsync([b(), a()])) as tf.Tensor[])[0])).toEqual([11]);
  });
  it('refuses inputs that do not fit', () => {
    const model = tf.loadGraphModelSync(parts);
    expect(() => model.predict({ a: a() })).toThrow(/'b' is missing/);
    expect(() => model.predict([b()])).toThrow(tf.ArgumentError);
    expect(() => model.predict({ a: tf.zeros([1, 3]), b: b() })).toThrow(tf.ShapeError);
    expect(() => model.predict({ a: tf.zeros([1, 2], 'int32'), b: b() })).toThrow(tf.DTypeError);
    model.dispose();
    expect(() => model.predict([b(), a()])).toThrow(/disposed/);
  });
  it('gives outputs by name where it was saved so', () => {
    const model = tf.loadGraphModelSync({ ...parts, userDefinedMetadata: { structuredOutputKeys: ['left', 'right'] } });
    const out = model.predict([b(), a()]) as unknown as Record<string, tf.Tensor>;
    expect([Object.keys(out), values(out.right)]).toEqual([['left', 'right'], [66]]);
  });
  it('trains', () => {
    const model = tf.loadGraphModelSync(parts, { trainable: true });
    expect(model.trainableWeights.map((v) => v.name)).toEqual(['w']);
    const one = tf.loadGraphModelSync(parts, { trainable: (name) => name === 'none' });
    expect(one.trainableWeights).toEqual([]);
    const loss = () => tf.sum((model.call(b(), a()) as tf.Tensor[])[1]);
    expect(values(tf.variableGrads(loss).grads.w)).toEqual([0, 22]);
  });
  it('has defaults of placeholders', () => {
    const program: Program = {
      name: 'default',
      inputs: { x: floats([1]) },
      nodes: { ten: constant(floats([10])), d: ['PlaceholderWithDefault', ['ten']], y: ['AddV2', ['x', 'd']] },
      want: { y: [11] },
    };
    const model = tf.loadGraphModelSync(modelOfProgram(program));
    expect(values(model.predict(tf.tensor1d([1])))).toEqual([11]);
    expect(values(model.execute({ x: tf.tensor1d([1]), d: tf.tensor1d([5]) }, 'y'))).toEqual([6]);
  });
});

describe('initializers', () => {
  const table = { key_dtype: attr.type('int32'), value_dtype: attr.type('float32'), shared_name: attr.text('t') };
  const nodes: Record<string, Node> = {
    t: ['HashTableV2', [], table],
    keys: constant(known(ints([3, 4]))),
    filled: constant(known(floats([30, 40]))),
    fill: ['LookupTableImportV2', ['t', 'keys', 'filled']],
  };
  it('of graph models fill tables', () => {
    const initializer = modelOfProgram({ name: 'init', nodes, want: {} }) as { modelTopology: object };
    const model = modelOfProgram({
      name: 'lookup',
      inputs: { x: ints([4, 5]) },
      nodes: {
        none: constant(known(floats([-1], []))),
        h: ['Placeholder', [], { dtype: { type: 'DT_RESOURCE' } }],
        y: ['LookupTableFindV2', ['h', 'x', 'none']],
      },
      want: { y: [] },
    }) as { signature: { inputs: Record<string, object> } };
    model.signature.inputs.h = { name: 'h:0', resourceId: 7, dtype: 'DT_RESOURCE' };
    const loaded = tf.loadGraphModelSync({
      ...model,
      modelInitializer: initializer.modelTopology,
      initializerSignature: { outputs: { t: { name: 't:0', resourceId: 7, dtype: 'DT_RESOURCE' } } },
    } as object);
    expect(loaded.inputNodes).toEqual(['x']);
    expect(values(loaded.predict(tf.tensor1d([4, 5], 'int32')))).toEqual([40, -1]);
  });

  /** TensorFlow 1: references, a saver of plain nodes, a table that the main operation fills. */
  it('of SavedModels of TensorFlow 1 do, and Variables are restored', async () => {
    const type = (x: string) => pb.type(x);
    const variable = (name: string, shape: readonly number[]) =>
      node(name, 'VariableV2', [], { dtype: type('float32'), shape: pb.shape(shape) });
    const int = (name: string, values: number[]) =>
      node(name, 'Const', [], {
        dtype: type('int64'),
        value: pb.tensor(tensorProto('int64', [values.length], values)),
      });
    const text = (name: string, ...x: string[]) =>
      node(name, 'Const', [], { dtype: type('string'), value: pb.tensor(textProto([x.length], x)) });
    const graph = graphDef([
      node('x', 'Placeholder', [], { dtype: type('int64'), shape: pb.shape([-1]) }),
      variable('scale', [2]),
      node('scale/read', 'Identity', ['scale']),
      node('save/Const', 'Placeholder', [], { dtype: type('string') }),
      text('save/names', 'scale'),
      text('save/slices', ''),
      node('save/RestoreV2', 'RestoreV2', ['save/Const', 'save/names', 'save/slices']),
      node('save/Assign', 'Assign', ['scale', 'save/RestoreV2']),
      node('save/restore_all', 'NoOp', ['^save/Assign']),
      node('table', 'HashTableV2', [], { key_dtype: type('int64'), value_dtype: type('int64') }),
      int('keys', [7, 8]),
      int('values', [1, 0]),
      node('fill', 'LookupTableImportV2', ['table', 'keys', 'values']),
      node('init_all', 'NoOp', ['^fill']),
      node('missing', 'Const', [], { dtype: type('int64'), value: pb.tensor(tensorProto('int64', [], [0])) }),
      node('index', 'LookupTableFindV2', ['table', 'x', 'missing']),
      node('axis', 'Const', [], { dtype: type('int32'), value: pb.tensor(tensorProto('int32', [], [0])) }),
      node('y', 'GatherV2', ['scale/read', 'index', 'axis']),
    ]);
    const saved = savedModel({
      graph,
      signatures: {
        serving_default: {
          inputs: { x: ['x:0', 'int64', [-1]] },
          outputs: { y: ['y:0', 'float32', [-1]] },
          method: 'tensorflow/serving/classify',
        },
        __saved_model_init_op: {
          inputs: {},
          outputs: { __saved_model_init_op: ['init_all', 'float32', null] },
          method: '',
        },
      },
      saver: { filename: 'save/Const:0', restore: 'save/restore_all' },
    });
    const model = await tf.loadSavedModel({
      savedModel: saved,
      variables: bundle([numbers('scale', 'float32', [2], [0.5, 2.5])]),
    });
    expect(values(model.predict(tf.tensor1d([8, 7, 9], 'int32')))).toEqual([0.5, 2.5, 0.5]);
    expect(model.metadata.signatures).toEqual(['serving_default']);
  });
});
