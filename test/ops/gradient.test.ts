// The backward rule of every op against central differences of its definition, in float64: for every
// sample that is differentiable, first and second order.

import { describe, expect, it } from 'vitest';
import { backprop, gradGraph } from '../../compiler/autodiff/backprop.ts';
import { Builder } from '../../ir/builder.ts';
import { GradientError } from '../../ir/errors.ts';
import type { Graph, Val } from '../../ir/graph.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { defineComposite, findOp, type InferCtx } from '../../ir/op.ts';
import { stateType, tensorType } from '../../ir/types.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { checkGrad } from '../gradcheck.ts';
import { closeness, opCases, opGraph, sampleInputs, weightedSum } from '../helpers.ts';

const cases = opCases().filter((c) => c.sample.grad !== false);

describe('gradient of', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', (_, { op, sample }) => {
    const g = weightedSum(opGraph(op, sample), 17);
    const inputs = sampleInputs(sample);
    const back = checkGrad(g, inputs);
    // Second order: the first gradients, weighted and summed, are a scalar to differentiate again.
    const twice = weightedSum(back, 23, 1);
    checkGrad(twice, inputs);
  });

  it('covers every op that has one', () => {
    const covered = new Set(cases.map((c) => c.op.name));
    for (const name of [
      'conv',
      'conv_filter_grad',
      'window_max_grad',
      'window_max_pick',
      'gather',
      'scatter_add',
      'gelu',
    ])
      expect(covered).toContain(name);
  });
});

const scalar = tensorType('f32', []);
const vector = tensorType('f32', [4]);
const run = (g: Graph, ...xs: number[][]) =>
  interpret(
    g,
    g.params.map((p, i) => ndarray(p.type.dtype, p.type.shape as number[], xs[i])),
  ).map((r) => Array.from(r.data));

describe('the walk', () => {
  it('gives x^2 at 3 the derivatives 6 and 2', () => {
    const b = new Builder('square');
    const x = b.param(scalar, 'x');
    const g1 = gradGraph(b.build([b.mul(x, x)]), 0, [0]);
    expect(run(g1, [3])).toEqual([[9], [6]]);
    expect(run(gradGraph(g1, 1, [0]), [3])).toEqual([[9], [6], [2]]);
  });

  it('gives x^2 y + x y at (3, 2) the gradient (14, 12)', () => {
    const b = new Builder('xy');
    const x = b.param(scalar, 'x');
    const y = b.param(scalar, 'y');
    const z = b.add(b.mul(b.mul(x, x), y), b.mul(x, y));
    expect(run(gradGraph(b.build([z]), 0, [0, 1]), [3], [2])).toEqual([[24], [14], [12]]);
  });

  it('gives null for what is not connected and builds nothing for it', () => {
    const b = new Builder('f');
    const x = b.param(vector, 'x');
    const y = b.param(vector, 'y');
    const z = b.mul(x, y);
    const { nodes } = b.snapshot([z]);
    const [dx, other] = backprop(b, nodes, new Map([[z, b.onesLike(z)]]), [x, b.param(vector, 'other')]);
    expect(dx).not.toBeNull();
    expect(other).toBeNull();
    // Only ones and one product: y needs no gradient.
    expect(b.snapshot([z]).nodes.map((n) => n.op.name)).toEqual(['mul', 'constant', 'mul']);
  });

  it('stops at stop_gradient, integers and booleans', () => {
    const b = new Builder('f');
    const x = b.param(vector, 'x');
    const mask = b.convert(b.compare('gt', x, 0), 'f32');
    const z = b.add(b.add(b.mul(x, 3), b.un('stop_gradient', b.mul(x, 5))), mask);
    expect(run(gradGraph(b.build([z]), 0, [0]), [1, -2, 3, -4])[1]).toEqual([3, 3, 3, 3]);
  });

  it('differentiates with respect to a state, and to a value in the middle', () => {
    const b = new Builder('f');
    const s = b.param(stateType(vector), 's');
    const w = b.call('read', [s]);
    const h = b.mul(w, w);
    const z = b.un('exp', h);
    const { nodes } = b.snapshot([z]);
    const [ds, dh] = backprop(b, nodes, new Map([[z, b.onesLike(z)]]), [s, h]);
    const x = [0.5, -1, 0, 0.25];
    const [gs, gh] = run(b.build([ds!, dh!]), x);
    expect(
      closeness(
        gh,
        x.map((v) => Math.exp(v * v)),
      ),
    ).toBe('');
    expect(
      closeness(
        gs,
        x.map((v) => 2 * v * Math.exp(v * v)),
      ),
    ).toBe('');
  });

  it('counts an operand that stands twice, and a composite whose parts exist already, once each', () => {
    const b = new Builder('f');
    const x = b.param(vector, 'x');
    const s = b.un('logistic', x); // part of silu's expansion, and used beside it
    const z = b.add(b.call('silu', [x]), b.mul(s, b.call('squared_difference', [x, s])));
    const g = weightedSum(b.build([z]), 5);
    checkGrad(weightedSum(checkGrad(g, [ndarray('f32', [4], [0.5, -1, 2, 0.1])]), 6, 1), [
      ndarray('f32', [4], [0.5, -1, 2, 0.1]),
    ]);
  });

  it('counts what an expansion computes twice, or computes again though it is its operand, once', () => {
    const float2 = { arity: 2, doc: 'Test.', constraints: {}, infer: (c: InferCtx) => [c.inputs[0]], samples: [] };
    const reference = () => [];
    // An interning builder gives the same value for equal operations: x * e^x * e^x, and y * e^x.
    const twice = defineComposite({
      ...float2,
      name: 'test_twice',
      grad: 'expand',
      reference,
      expand: (b, [x, y]) => [b.mul(y, b.mul(b.un('exp', x), b.un('exp', x)))],
    });
    const again = defineComposite({
      ...float2,
      name: 'test_again',
      grad: 'expand',
      reference,
      expand: (b, [x, y]) => [b.mul(y, b.un('exp', x))],
    });
    const b = new Builder('f');
    const x = b.param(scalar, 'x');
    const y = b.param(scalar, 'y');
    const gradsOf = (z: Val) => {
      const found = backprop(b, b.snapshot([z]).nodes, new Map([[z, b.onesLike(z)]]), [x, y]);
      // The gradients do not read the composites' results, which nothing here computes.
      return found.map((g) => g && run(b.snapshot([g]), [0.5], [3])[0][0]);
    };
    const e = Math.exp(0.5);
    expect(gradsOf(b.emit(twice, [x, y])[0])).toEqual([expect.closeTo(6 * e * e, 6), expect.closeTo(e * e, 6)]);
    expect(gradsOf(b.emit(again, [x, b.un('exp', x)])[0])).toEqual([expect.closeTo(2 * e * e, 6), null]);
  });

  it('passes through conversions between floats', () => {
    const b = new Builder('f');
    const x = b.param(vector, 'x');
    const g = gradGraph(b.build([b.convert(b.square(b.convert(x, 'f64')), 'f32')]), 0, [0]);
    expect(run(g, [1, 2, 3, 4])[1]).toEqual([2, 4, 6, 8]);
    expect(g.results[1].type.dtype).toBe('f32');
  });

  it('names the op where a needed gradient does not exist', () => {
    const b = new Builder('f');
    const x = b.param(scalar, 'x');
    const g = b.build([b.call('bitcast', [x], { dtype: 'f32' })]);
    expect(() => gradGraph(g, 0, [0])).toThrow(GradientError);
    expect(() => gradGraph(g, 0, [0])).toThrow(/bitcast: has no gradient: bits have no derivative/);
  });

  it('refuses results that are not floats, and results that do not exist', () => {
    const b = new Builder('f');
    const x = b.param(vector, 'x');
    const g = b.build([b.compare('gt', x, 0)]);
    expect(() => gradGraph(g, 0, [0])).toThrow(/only floats have gradients/);
    expect(() => gradGraph(g, 1, [0])).toThrow(/result 1/);
  });

  it('walks a chain of 50,000 operations without recursion', () => {
    const b = new Builder('chain');
    const x = b.param(scalar, 'x');
    let y = b.mul(x, x);
    for (let i = 0; i < 50_000; i++) y = b.emit(findOp('add')!, [y, x])[0] as typeof y;
    expect(run(gradGraph(b.build([y]), 0, [0]), [3])[1]).toEqual([50_006]);
  });
});
