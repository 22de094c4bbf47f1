// The core of all importers, with a small system of four operators.

import * as tf from 'sinter';
import { describe, expect, test } from 'vitest';
import {
  type Dialect,
  GraphFunction,
  type GraphNode,
  known,
  NotStaticError,
} from '../../frontends/formats/graph-function.ts';
import { GraphModel } from '../../frontends/formats/graph-model.ts';

const ran: string[] = [];
const dialect: Dialect<GraphNode, tf.Tensor> = {
  run(node, operands) {
    ran.push(node.name);
    const [a, b] = operands as tf.Tensor[];
    if (node.op === 'Shape') return [tf.tensor(a.shape, [a.rank], 'int32')];
    if (node.op === 'Reshape') return [tf.reshape(a, Array.from(known(b, node, 1, 'the new shape')))];
    return [node.op === 'Add' ? tf.add(a, b) : tf.mul(a, b)];
  },
  tensorsOf: (t) => [t],
  isImpure: () => false,
};
const node = (op: string, inputs: string[], output: string): GraphNode => ({
  name: `n_${output}`,
  op,
  inputs,
  outputs: [output],
});
const functionOf = (
  nodes: GraphNode[],
  inputs: string[],
  outputs: string[],
  constants: Record<string, tf.Tensor> = {},
) =>
  new GraphFunction(
    { name: 'g', nodes, inputs, outputs, constants: new Map(Object.entries(constants)) },
    dialect,
    'load',
  );
const modelOf = (graph: GraphFunction<GraphNode, tf.Tensor>, weights: Record<string, tf.Tensor> = {}) =>
  new GraphModel({
    name: 'g',
    graph: graph as never,
    inputs: graph.body.inputs.map((name) => ({ name, dtype: 'float32', shape: undefined })),
    outputs: graph.body.outputs.map((name) => ({ name, dtype: 'float32', shape: undefined })),
    weights: new Map(Object.entries(weights)),
    version: '1',
    metadata: {},
    dynamic: false,
  });

describe('foreign graphs', () => {
  test('run in any order of nodes, eagerly, compiled, in traces and under tapes', async () => {
    const g = functionOf([node('Mul', ['s', 'x'], 'y'), node('Add', ['x', 'x'], 's')], ['x'], ['y']);
    const model = modelOf(g);
    const x = tf.tensor([1, 2, 3]);
    const want = [2, 8, 18];
    expect(g.run(new Map([['x', x]]), ['y'])[0].arraySync()).toEqual(want);
    expect((model.predict(x) as tf.Tensor).arraySync()).toEqual(want);
    expect((model.execute({ x }, ['y', 's']) as tf.Tensor[]).map((t) => t.arraySync())).toEqual([want, [2, 4, 6]]);
    const exe = await tf.compile(model, { inputs: [tf.spec([3])] });
    expect((exe.run(x) as tf.Tensor).arraySync()).toEqual(want);
    const grad = tf.grad((v: tf.Tensor) => tf.sum(model.call(v) as tf.Tensor));
    expect(grad(x).arraySync()).toEqual([4, 8, 12]);
  });

  test('shapes stay known in traces, so what is made of them is static', () => {
    const g = functionOf(
      [node('Shape', ['x'], 'shape'), node('Mul', ['shape', 'two'], 'twice'), node('Reshape', ['y', 'twice'], 'z')],
      ['x', 'y'],
      ['z'],
      { two: tf.tensor([2, 1], [2], 'int32') },
    );
    const model = modelOf(g);
    expect((model.predict([tf.zeros([1, 2]), tf.tensor([1, 2, 3, 4])]) as tf.Tensor).shape).toEqual([2, 2]);
    const f = tf.func((x: tf.Tensor, y: tf.Tensor) => model.call(x, y) as tf.Tensor);
    expect(String(f.graphFor(tf.spec([1, 2]), tf.spec([4])))).not.toMatch(/mul/);
  });

  test('a shape that depends on elements: a typed error in traces, node by node otherwise', () => {
    const g = functionOf([node('Reshape', ['y', 's'], 'z')], ['y', 's'], ['z']);
    const model = modelOf(g);
    const given = [tf.tensor([1, 2, 3, 4]), tf.tensor([2, 2])];
    const f = tf.func((...x: tf.Tensor[]) => model.call(...x) as tf.Tensor);
    expect(() => f(...given)).toThrow(NotStaticError);
    expect(() => f(...given)).toThrow(/node 'n_z' \(Reshape of y, s\): operand 1 \('s'\) is the new shape/);
    expect((model.predict(given) as tf.Tensor).arraySync()).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('what depends on constants alone is computed once; only what is needed runs', () => {
    const g = functionOf(
      [node('Add', ['c', 'c'], 'd'), node('Mul', ['d', 'x'], 'y'), node('Mul', ['x', 'x'], 'unused')],
      ['x'],
      ['y'],
      { c: tf.scalar(3) },
    );
    ran.length = 0;
    for (const v of [1, 2]) expect(g.run(new Map([['x', tf.scalar(v)]]), ['y'])[0].arraySync()).toBe(6 * v);
    expect(ran).toEqual(['n_d', 'n_y', 'n_y']);
  });

  test('Variables among the constants are trained', () => {
    const w = tf.variable(tf.scalar(1));
    const model = modelOf(
      functionOf([node('Add', ['w', 'w'], 'v'), node('Mul', ['v', 'x'], 'y')], ['x'], ['y'], { w }),
      { w },
    );
    const optimizer = tf.train.sgd(0.1);
    const step = tf.func(
      (x: tf.Tensor) =>
        optimizer.minimize(() => tf.sum(model.call(x) as tf.Tensor), true, model.trainableWeights) as tf.Tensor,
    );
    expect(step(tf.tensor([1, 2])).arraySync()).toBeCloseTo(6);
    expect(w.arraySync()).toBeCloseTo(0.4);
    expect((model.predict(tf.tensor([1, 2])) as tf.Tensor).arraySync()[1]).toBeCloseTo(1.6);
  });

  test('long chains need no recursion', () => {
    const nodes = Array.from({ length: 20_000 }, (_, i) =>
      node('Add', [i ? `v${i - 1}` : 'x', 'one'], `v${i}`),
    ).reverse();
    const g = functionOf(nodes, ['x'], ['v19999'], { one: tf.scalar(1) });
    expect(g.run(new Map([['x', tf.scalar(1)]]), ['v19999'])[0].arraySync()).toBe(20_001);
  });

  test('damaged graphs are refused', () => {
    const loop = [node('Add', ['x', 'b'], 'a'), node('Add', ['x', 'a'], 'b')];
    expect(() => functionOf(loop, ['x'], ['a'])).toThrow(/depends on its own result/);
    expect(() => functionOf([node('Add', ['x', 'x'], 'x')], ['x'], ['x'])).toThrow(/made twice/);
    expect(functionOf([node('Add', ['x', 'z'], 'y')], ['x'], ['y', 'w']).captures).toEqual(['z', 'w']);
  });

  test('errors name the node; inputs are checked', () => {
    const model = modelOf(functionOf([node('Mul', ['x', 'y'], 'z')], ['x', 'y'], ['z']));
    expect(() => model.predict([tf.zeros([2]), tf.zeros([3])])).toThrow(/node 'n_z' \(Mul of x, y\): .*broadcast/);
    expect(() => model.predict([tf.zeros([2]), tf.zeros([3])])).toThrow(tf.ShapeError);
    expect(() => model.predict(tf.zeros([2]))).toThrow(/takes 2 input/);
    expect(() => model.predict({ x: tf.zeros([2]), q: tf.zeros([2]) })).toThrow(/no input 'q'/);
    expect(() => model.predict([tf.zeros([2]), tf.zeros([2], 'int32')])).toThrow(tf.DTypeError);
    expect(() => model.execute([tf.zeros([2]), tf.zeros([2])], 'nothing')).toThrow(/no value 'nothing'/);
    model.dispose();
    expect(() => model.predict([tf.zeros([2]), tf.zeros([2])])).toThrow(/disposed/);
  });
});
