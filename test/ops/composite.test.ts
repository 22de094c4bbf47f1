// Every composite's expansion, interpreted, against its own definition.

import { describe, expect, it } from 'vitest';
import { gradGraph } from '../../compiler/autodiff/backprop.ts';
import { Builder } from '../../ir/builder.ts';
import { opByName, sample } from '../../ir/op.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { expectClose, opCases, opGraph, sampleInputs } from '../helpers.ts';

const composites = opCases().filter((c) => c.op.expand);

describe('expansion of', () => {
  it.each(composites.map((c) => [c.name, c] as const))('%s', (_, { op, sample: s }) => {
    const b = new Builder('expanded');
    const params = s.inputs.map((x, i) => b.param(x.type, `p${i}`));
    const expanded = b.build(op.expand!(b, params, s.attrs ?? {}));
    const inputs = sampleInputs(s);
    const want = interpret(opGraph(op, s), inputs);
    const got = interpret(expanded, inputs);
    expect(got.length).toBe(want.length);
    // float32 constants inside the expansion are what is left of differences.
    got.forEach((r, i) => {
      expectClose(r, want[i], 2e-6, 2e-6);
    });
  });
});

const compute = (name: string, s: ReturnType<typeof sample>) =>
  interpret(opGraph(opByName(name), s), sampleInputs(s)).map((r) => Array.from(r.data));
const values = (type: string, v: number[]) => ({ ...sample([type]).inputs[0], values: v });

describe('known values', () => {
  it('softmax and log_softmax', () => {
    const s = sample([values('f32[3]', [1, 2, 3])], { axis: 0 });
    const [p] = compute('softmax', s);
    expect(p[2]).toBeCloseTo(0.6652409557748219, 12);
    expect(compute('log_softmax', s)[0][0]).toBeCloseTo(-2.4076059644443806, 12);
  });
  it('gelu in both forms', () => {
    expect(compute('gelu', sample([values('f32[1]', [1])], { approximate: false }))[0][0]).toBeCloseTo(
      0.8413447460685429,
      12,
    );
    expect(compute('gelu', sample([values('f32[1]', [1])], { approximate: true }))[0][0]).toBeCloseTo(
      0.8411919906082768,
      12,
    );
  });
  it('the cross-entropies agree for one class, and a label out of range gives NaN', () => {
    const logits = values('f32[2,3]', [1, 2, 3, 0, 0, 5]);
    const [dense] = compute('softmax_cross_entropy', sample([logits, values('f32[2,3]', [0, 0, 1, 1, 0, 0])]));
    const [sparse] = compute('sparse_softmax_cross_entropy', sample([logits, values('i32[2]', [2, 0])]));
    expect(sparse[0]).toBeCloseTo(0.4076059644443804, 12);
    expect(sparse[1]).toBeCloseTo(dense[1], 12);
    expect(compute('sparse_softmax_cross_entropy', sample([logits, values('i32[2]', [3, -1])]))[0]).toEqual([NaN, NaN]);
  });
  it('moments of numbers far from 0', () => {
    const s = sample([values('f32[4]', [1e6 + 1, 1e6 + 2, 1e6 + 3, 1e6 + 4])], { axes: [0], keepDims: false });
    expect(compute('moments', s)).toEqual([[1e6 + 2.5], [1.25]]);
  });
  it('batch_norm_training normalizes each channel', () => {
    const s = sample([values('f32[4,1]', [1, 2, 3, 4]), values('f32[1]', [2]), values('f32[1]', [1])], {
      axis: 1,
      epsilon: 0,
    });
    const [y, mean, variance] = compute('batch_norm_training', s);
    expect([mean, variance]).toEqual([[2.5], [1.25]]);
    expect(y[0]).toBeCloseTo(1 - 3 / Math.sqrt(1.25), 12);
  });
  it('relu has gradient 0 at 0', () => {
    const b = new Builder('f');
    const x = b.param(sample(['f32[3]']).inputs[0].type, 'x');
    const g = gradGraph(b.build([b.call('relu', [x])]), 0, [0]);
    const s = sample([values('f32[3]', [-1, 0, 1])]);
    expect(Array.from(interpret(g, sampleInputs(s))[1].data)).toEqual([0, 0, 1]);
  });
});
