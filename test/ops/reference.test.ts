// The definitions themselves, against values worked out by hand: gradient and conformance tests
// compare everything else with them, so nothing else would notice a wrong one.

import { describe, expect, it } from 'vitest';
import type { Attrs } from '../../ir/graph.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { inferTypes, opByName, t } from '../../ir/op.ts';
import '../../ir/ops/index.ts';

/** Runs an op's reference on operands given as type and values. */
function compute(name: string, operands: [string, number[]][], attrs: Attrs = {}) {
  const op = opByName(name);
  const types = operands.map(([type]) => t(type));
  const arrays = operands.map(([, data], i) => ndarray(types[i].dtype, types[i].shape as number[], data));
  const [out] = op.reference(arrays, attrs, inferTypes(op, types, attrs));
  return { shape: out.shape, data: Array.from(out.data) };
}
const range = (n: number, from = 1) => Array.from({ length: n }, (_, i) => i + from);

describe('conv', () => {
  const base = { strides: [1], pad: [[0, 0]], lhs_dilation: [1], rhs_dilation: [1], groups: 1 };
  const line = (x: number[], k: number[], over: Attrs) =>
    compute(
      'conv',
      [
        [`f32[1,${x.length},1]`, x],
        [`f32[${k.length},1,1]`, k],
      ],
      { ...base, ...over },
    ).data;

  it('correlates, without reversing the kernel', () => {
    expect(line([1, 2, 3, 4], [1, 10], {})).toEqual([21, 32, 43]);
  });
  it('strides, pads and crops', () => {
    expect(line([1, 2, 3, 4, 5], [1, 10], { strides: [2] })).toEqual([21, 43]);
    expect(line([1, 2, 3], [1, 10], { pad: [[1, 2]] })).toEqual([10, 21, 32, 3, 0]);
    expect(line([1, 2, 3, 4], [1, 10], { pad: [[-1, -1]] })).toEqual([32]);
  });
  it('dilates the input and the kernel', () => {
    expect(line([1, 2, 3], [1, 10], { lhs_dilation: [2] })).toEqual([1, 20, 2, 30]);
    expect(line([1, 2, 3, 4], [1, 10], { rhs_dilation: [2] })).toEqual([31, 42]);
  });
  it('is empty where the kernel does not fit', () => {
    expect(line([1, 2], [1, 2, 3], {})).toEqual([]);
  });
  it('takes channels last, input before output channels in the kernel', () => {
    const x: [string, number[]] = ['f32[1,2,2]', [1, 2, 3, 4]];
    expect(compute('conv', [x, ['f32[1,2,3]', [1, 10, 100, 2, 20, 200]]], base)).toEqual({
      shape: [1, 2, 3],
      data: [5, 50, 500, 11, 110, 1100],
    });
    // Two groups: output channel 0 sees input channel 0, output channel 1 the other.
    expect(compute('conv', [x, ['f32[1,1,2]', [10, 100]]], { ...base, groups: 2 }).data).toEqual([10, 200, 30, 400]);
  });
  it('in two dimensions sums a box', () => {
    const box = {
      strides: [1, 1],
      pad: [
        [0, 0],
        [0, 0],
      ],
      lhs_dilation: [1, 1],
      rhs_dilation: [1, 1],
      groups: 1,
    };
    expect(
      compute(
        'conv',
        [
          ['f32[1,3,3,1]', range(9)],
          ['f32[2,2,1,1]', [1, 1, 1, 1]],
        ],
        box,
      ),
    ).toEqual({ shape: [1, 2, 2, 1], data: [12, 16, 24, 28] });
  });
  it('has a filter gradient that correlates input and cotangent', () => {
    const run = (over: Attrs, g: number[]) =>
      compute(
        'conv_filter_grad',
        [
          ['f32[1,4,1]', [1, 2, 3, 4]],
          [`f32[1,${g.length},1]`, g],
        ],
        { ...base, kernel: [2], ...over },
      ).data;
    expect(run({}, [1, 10, 100])).toEqual([321, 432]);
    expect(run({ strides: [2] }, [1, 10])).toEqual([31, 42]);
    expect(run({ pad: [[1, 0]] }, [1, 10, 100, 1000])).toEqual([3210, 4321]);
  });
});

describe('windows', () => {
  const x: [string, number[]] = ['f32[2,4]', [1, 5, 5, 2, 5, 0, 5, Number.NaN]];
  const pairs = {
    window: [2, 2],
    strides: [1, 2],
    pad: [
      [0, 0],
      [0, 0],
    ],
  };
  const wide = {
    window: [1, 3],
    strides: [1, 2],
    pad: [
      [0, 0],
      [1, 1],
    ],
  };

  it('sum, with padding as 0', () => {
    expect(compute('reduce_window_sum', [['f32[1,4]', [1, 2, 3, 4]]], wide).data).toEqual([3, 9]);
    expect(
      compute('reduce_window_sum', [['i32[2]', [2147483647, 1]]], { window: [2], strides: [1], pad: [[0, 0]] }).data,
    ).toEqual([-2147483648]);
  });
  it('max, with padding as the least value', () => {
    expect(compute('reduce_window_max', [['f32[1,4]', [-1, -2, -3, -4]]], wide).data).toEqual([-1, -2]);
    expect(compute('reduce_window_max', [x], pairs).data).toEqual([5, Number.NaN]);
    const outside = { window: [1], strides: [1], pad: [[1, 0]] };
    expect(compute('reduce_window_max', [['f32[1]', [7]]], outside).data).toEqual([-Infinity, 7]);
    expect(compute('reduce_window_max', [['i32[1]', [7]]], outside).data).toEqual([-2147483648, 7]);
  });
  it('give the gradient to the first maximum in row-major order, and to NaN before all', () => {
    expect(compute('window_max_grad', [x, ['f32[1,2]', [10, 20]]], pairs).data).toEqual([0, 10, 0, 0, 0, 0, 0, 20]);
    expect(compute('window_max_pick', [x, ['f32[2,4]', range(8)]], pairs).data).toEqual([2, 8]);
  });
  it('add gradients where windows overlap, and pick 0 from padding', () => {
    const slide = { window: [2], strides: [1], pad: [[2, 0]] };
    expect(
      compute(
        'window_max_grad',
        [
          ['f32[3]', [1, 3, 2]],
          ['f32[4]', [1, 10, 100, 1000]],
        ],
        slide,
      ).data,
    ).toEqual([10, 1100, 0]);
    expect(
      compute(
        'window_max_pick',
        [
          ['f32[3]', [1, 3, 2]],
          ['f32[3]', [7, 8, 9]],
        ],
        slide,
      ).data,
    ).toEqual([0, 7, 8, 8]);
  });
});

describe('gather and scatter_add', () => {
  const x: [string, number[]] = ['f32[3,2]', range(6)];
  it('take rows, and zeros for rows out of range', () => {
    expect(compute('gather', [x, ['i32[4,1]', [2, 0, 3, -1]]])).toEqual({
      shape: [4, 2],
      data: [5, 6, 1, 2, 0, 0, 0, 0],
    });
  });
  it('take elements by full indices', () => {
    expect(compute('gather', [x, ['i32[2,2,2]', [0, 1, 2, 0, 1, 2, 1, -1]]])).toEqual({
      shape: [2, 2],
      data: [2, 5, 0, 0],
    });
  });
  it('add rows up, and ignore rows out of range', () => {
    const updates: [string, number[]] = ['f32[4,2]', [10, 20, 30, 40, 50, 60, 70, 80]];
    expect(compute('scatter_add', [x, ['i32[4,1]', [1, 1, 3, -1]], updates]).data).toEqual([1, 2, 43, 64, 5, 6]);
    expect(
      compute('scatter_add', [
        ['i32[1]', [2147483647]],
        ['i32[1,1]', [0]],
        ['i32[1]', [1]],
      ]).data,
    ).toEqual([-2147483648]);
  });
});

describe('other definitions', () => {
  it('one_hot leaves a row without a one for an index out of range', () => {
    const attrs = { depth: 2, on: 9, off: -1, dtype: 'f32' };
    expect(compute('one_hot', [['i32[3]', [1, 2, -1]]], attrs).data).toEqual([-1, 9, -1, -1, -1, -1]);
  });
  it('dropout keeps and scales, by the key', () => {
    const { data } = compute(
      'dropout',
      [
        ['f32[8]', range(8)],
        ['u32[2]', [1, 2]],
      ],
      { rate: 0.5 },
    );
    expect(data.every((v, i) => v === 0 || v === 2 * (i + 1))).toBe(true);
    expect(new Set(data.map((v) => v === 0)).size).toBe(2);
  });
  it('layer_norm and batch_norm agree where they mean the same', () => {
    const x: [string, number[]] = ['f32[4,1]', [1, 2, 4, 9]];
    const batch = compute('batch_norm_training', [x, ['f32[1]', [3]], ['f32[1]', [1]]], { axis: 1, epsilon: 0.5 }).data;
    const layer = compute('layer_norm', [x, ['f32[4]', [3, 3, 3, 3]], ['f32[4]', [1, 1, 1, 1]]], {
      axes: [0],
      epsilon: 0.5,
    }).data;
    const given = compute(
      'batch_norm_inference',
      [x, ['f32[1]', [4]], ['f32[1]', [9.5]], ['f32[1]', [3]], ['f32[1]', [1]]],
      { axis: 1, epsilon: 0.5 },
    ).data;
    expect(batch).toEqual(layer);
    expect(batch).toEqual(given);
    expect(batch[3]).toBeCloseTo(1 + (3 * 5) / Math.sqrt(10), 12);
  });
});
