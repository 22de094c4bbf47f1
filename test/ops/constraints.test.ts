// Every labelled constraint of every op is broken once, and the error carries its label and text.

import { describe, expect, it } from 'vitest';
import { Builder } from '../../ir/builder.ts';
import { SinterError } from '../../ir/errors.ts';
import type { Attrs, Graph } from '../../ir/graph.ts';
import { Literal } from '../../ir/literal.ts';
import { allOps, inferTypes, type OpDef } from '../../ir/op.ts';
import { parseGraph } from '../../ir/parse.ts';
import { openDim, stateType, type TensorType } from '../../ir/types.ts';
import '../../ir/ops/index.ts';

/** A type as text: `f32[B,3]` has an open batch size, `state f32[3]` is a state. */
function type(text: string): TensorType {
  const m = /^(state )?(\w+)\[(.*)\]$/.exec(text)!;
  const shape = m[3] === '' ? [] : m[3].split(',').map((d) => (d === 'B' ? openDim(8) : Number(d)));
  const t = { dtype: m[2] as TensorType['dtype'], shape };
  return m[1] ? stateType(t) : t;
}

interface Case {
  readonly types: readonly string[];
  readonly attrs?: Attrs;
  readonly regions?: readonly Graph[];
}
const bad = (types: readonly string[], attrs: Attrs = {}, regions: readonly Graph[] = []): Case => ({
  types,
  attrs,
  regions,
});

const identity = parseGraph('func @id(%x: f32[2]) -> f32[2] {\n return %x\n}');
const two = parseGraph('func @two(%x: f32[2]) -> (f32[2], f32[2]) {\n return %x, %x\n}');
const stateful = parseGraph('func @s(%x: state<f32[2]>) -> (state<f32[2]>, state<f32[2]>) {\n return %x, %x\n}');

/** conv and its filter gradient: what breaks depends on attributes that both have. */
const conv = {
  strides: [1, 1],
  pad: [
    [0, 0],
    [0, 0],
  ],
  lhs_dilation: [1, 1],
  rhs_dilation: [1, 1],
  groups: 1,
};
const filter = { ...conv, kernel: [2, 2] };
const win = { window: [2], strides: [1], pad: [[0, 0]] };
const norm = { axis: 1, epsilon: 0.1 };
const resample = { axis: 0, from: 4, to: 7, method: 'bilinear', grid: 'half_pixel', antialias: false, adjoint: false };

/** The scatters share their rules; each has its own dtypes. */
const scatters = (['add', 'set', 'max', 'min'] as const).map((mode): Record<string, Case> => {
  const name = `scatter_${mode}`;
  return {
    [`${name}_c1`]: bad(['f32[4]', 'u32[3,1]', 'f32[3]']),
    [`${name}_c2`]: bad(['f32[4]', 'i32[]', 'f32[]']),
    [`${name}_c3`]: mode === 'set' ? bad(['f32[4]', 'i32[3,1]', 'f64[3]']) : bad(['bool[4]', 'i32[3,1]', 'bool[3]']),
    [`${name}_c4`]: bad(['f32[4]', 'i32[3,1]', 'f32[4]']),
  };
});

const cases: Record<string, Case> = {
  ...Object.assign({}, ...scatters),
  not_c1: bad(['f32[2]']),
  random_int_c1: bad(['u32[3]', 'u32[2]']),
  random_int_c2: bad(['u32[2]', 'i32[2]']),
  random_gamma_c1: bad(['i32[2]', 'f32[2]']),
  random_gamma_c2: bad(['u32[2]', 'u32[2]']),
  normal_of_bits_c1: bad(['i32[2]']),
  truncated_normal_of_bits_c1: bad(['f32[2]']),
  exponential_of_bits_c1: bad(['i32[2]']),
  gumbel_of_bits_c1: bad(['i32[2]']),
  int_below_c1: bad(['i32[2]', 'u32[2]', 'u32[2]', 'u32[2]']),
  int_below_c2: bad(['u32[2]', 'u32[3]', 'u32[2]', 'u32[2]']),
  gamma_element_c1: bad(['u32[2]', 'u32[2]', 'u32[2]', 'u32[2]']),
  gamma_element_c2: bad(['f32[2]', 'u32[2]', 'u32[2]', 'u32[3]']),
  scale_shift_c1: bad(['i32[2]'], { scale: 1, shift: 0 }),
  scale_shift_c2: bad(['f32[2]'], { scale: true, shift: 0 }),
  polygamma_c1: bad(['i32[2]'], { order: 1 }),
  polygamma_c2: bad(['f32[2]'], { order: 0 }),
  select_c1: bad(['f32[2]', 'f32[2]', 'f32[2]']),
  select_c2: bad(['bool[2]', 'f32[2]', 'i32[2]']),
  select_c3: bad(['bool[2]', 'f32[3]', 'f32[3]']),
  convert_c1: bad(['f32[2]'], { dtype: 'c64' }),
  bitcast_c1: bad(['f64[2]'], { dtype: 'i32' }),
  constant_c1: bad([], { value: Literal.of(Float32Array.of(1, 2)), dtype: 'f32', shape: [3] }),
  constant_c2: bad([], { value: Literal.splat(1), dtype: 'c64', shape: [3] }),
  iota_c1: bad([], { shape: [3], axis: 1, dtype: 'i32' }),
  iota_c2: bad([], { shape: [3], axis: 0, dtype: 'bool' }),
  broadcast_c1: bad(['f32[2,3]'], { dims: [1, 0], shape: [3, 2] }),
  broadcast_c2: bad(['f32[2]'], { dims: [0], shape: [3] }),
  reshape_c1: bad(['f32[2,3]'], { shape: [7] }),
  transpose_c1: bad(['f32[2,3]'], { perm: [0, 0] }),
  slice_c1: bad(['f32[5]'], { begin: [0], size: [2], strides: [0] }),
  slice_c2: bad(['f32[5]'], { begin: [4], size: [2], strides: [1] }),
  pad_c1: bad(['f32[5]', 'f32[]'], { low: [0], high: [0], interior: [-1] }),
  pad_c2: bad(['f32[5]', 'f32[1]'], { low: [0], high: [0], interior: [0] }),
  pad_c3: bad(['f32[5]', 'f32[]'], { low: [-6], high: [0], interior: [0] }),
  concat_c1: bad(['f32[5]', 'f32[5]'], { axis: 1 }),
  concat_c2: bad(['f32[5]', 'i32[5]'], { axis: 0 }),
  concat_c3: bad(['f32[5,1]', 'f32[5,2]'], { axis: 0 }),
  reverse_c1: bad(['f32[B]'], { axes: [0] }),
  dot_general_c1: bad(['f32[2]', 'i32[2]'], { contract: [[0], [0]], batch: [[], []] }),
  dot_general_c2: bad(['f32[2]', 'f32[2]'], { contract: [[0], [1]], batch: [[], []] }),
  dot_general_c3: bad(['f32[2]', 'f32[3]'], { contract: [[0], [0]], batch: [[], []] }),
  conv_c1: bad(['f32[1,4,4,2]', 'f64[2,2,2,3]'], conv),
  conv_c2: bad(['f32[4,4]', 'f32[2,2]'], conv),
  conv_c3: bad(['f32[1,4,4,2]', 'f32[2,2,2,3]'], { ...conv, strides: [1, 0] }),
  conv_c4: bad(['f32[1,B,4,2]', 'f32[2,2,2,3]'], conv),
  conv_c5: bad(['f32[1,4,4,2]', 'f32[2,2,1,3]'], { ...conv, groups: 2 }),
  conv_c6: bad(['f32[1,4,4,2]', 'f32[2,2,3,3]'], conv),
  conv_filter_grad_c1: bad(['i32[1,4,4,2]', 'i32[1,3,3,3]'], filter),
  conv_filter_grad_c2: bad(['f32[1,4,4,2]', 'f32[1,3,3]'], filter),
  conv_filter_grad_c3: bad(['f32[1,4,4,2]', 'f32[1,3,3,3]'], { ...filter, pad: [[0, 0]] }),
  conv_filter_grad_c4: bad(['f32[1,4,4,2]', 'f32[1,3,3,3]'], { ...filter, kernel: [2, 0] }),
  conv_filter_grad_c5: bad(['f32[1,4,4,2]', 'f32[1,3,3,3]'], { ...filter, groups: 0 }),
  conv_filter_grad_c6: bad(['f32[1,4,4,2]', 'f32[1,3,4,3]'], filter),
  reduce_window_sum_c1: bad(['f32[4]'], { ...win, window: [0] }),
  reduce_window_sum_c2: bad(['f32[B]'], win),
  reduce_window_sum_c3: bad(['bool[4]'], win),
  reduce_window_max_c1: bad(['f32[4]'], { ...win, pad: [[-1, 0]] }),
  reduce_window_max_c2: bad(['f32[B]'], win),
  reduce_window_max_c3: bad(['bool[4]'], win),
  window_max_grad_c1: bad(['f32[4]', 'f32[3]'], { ...win, strides: [1, 1] }),
  window_max_grad_c2: bad(['f32[B]', 'f32[3]'], win),
  window_max_grad_c3: bad(['f32[4]', 'f64[3]'], win),
  window_max_grad_c4: bad(['f32[4]', 'f32[4]'], win),
  window_max_pick_c1: bad(['f32[4]', 'f32[4]'], { ...win, pad: [[0]] }),
  window_max_pick_c2: bad(['f32[B]', 'f32[B]'], win),
  window_max_pick_c3: bad(['f32[4]', 'f32[3]'], win),
  gather_c1: bad(['f32[4]', 'f32[3,1]']),
  gather_c2: bad(['f32[4]', 'i32[3,2]']),
  sort_c1: bad(['f32[]'], { descending: false }),
  sort_c2: bad(['bool[2]'], { descending: false }),
  top_k_c1: bad(['f32[]'], { k: 1 }),
  top_k_c2: bad(['bool[2]'], { k: 1 }),
  top_k_c3: bad(['f32[2]'], { k: 3 }),
  search_sorted_c1: bad(['f32[]', 'f32[]'], { side: 'left' }),
  search_sorted_c2: bad(['bool[2]', 'bool[2]'], { side: 'left' }),
  search_sorted_c3: bad(['f32[2]', 'i32[2]'], { side: 'left' }),
  search_sorted_c4: bad(['f32[2]', 'f32[1,2]'], { side: 'left' }),
  search_sorted_c5: bad(['f32[2]', 'f32[2]'], { side: 'middle' }),
  fft_c1: bad(['f32[0]', 'f32[0]'], { inverse: false }),
  fft_c2: bad(['f32[2]', 'f64[2]'], { inverse: false }),
  rfft_c1: bad(['f32[]']),
  rfft_c2: bad(['i32[2]']),
  irfft_c1: bad(['f32[0]', 'f32[0]'], { n: 1 }),
  irfft_c2: bad(['f32[2]', 'f32[3]'], { n: 2 }),
  irfft_c3: bad(['f32[2]', 'f32[2]'], { n: 4 }),
  ...Object.fromEntries(
    ['cholesky', 'lu', 'slogdet', 'det', 'eigh'].flatMap((name) =>
      [['f32[3]'], ['i32[3,3]'], ['f32[3,2]']].map((types, i) => [`${name}_c${i + 1}`, bad(types)]),
    ),
  ),
  ...Object.fromEntries(
    ['triangular_solve', 'solve'].flatMap((name) =>
      [['f32[3]'], ['i32[3,3]'], ['f32[3,2]'], ['f32[3,3]']].map((types, i) => [
        `${name}_c${i + 1}`,
        bad([...types, 'f32[2,2]'], { lower: true, adjoint: false, unit: false }),
      ]),
    ),
  ),
  qr_c1: bad(['f32[3]'], { full: false }),
  qr_c2: bad(['i32[3,3]'], { full: false }),
  svd_c1: bad(['f32[3]']),
  svd_c2: bad(['i32[3,3]']),
  linear_recurrence_c1: bad(['f32[2]', 'f32[2]'], { axis: 1, reverse: false }),
  linear_recurrence_c2: bad(['f32[2]', 'f32[3]'], { axis: 0, reverse: false }),
  resample_c1: bad(['f32[4]'], { ...resample, axis: 1 }),
  resample_c2: bad(['f32[5]'], resample),
  resample_c3: bad(['f32[4]'], { ...resample, method: 'lanczos' }),
  resample_c4: bad(['f32[4]'], { ...resample, grid: 'edges' }),
  resample_c5: bad(['i32[4]'], resample),
  random_bernoulli_c3: bad(['u32[2]'], { shape: [3], p: 1.5 }),
  read_c1: bad(['f32[2]']),
  assign_c1: bad(['f32[2]', 'f32[2]']),
  assign_c2: bad(['state f32[2]', 'f32[3]']),
  cond_c1: bad(['f32[]', 'f32[2]'], {}, [identity, identity]),
  cond_c2: bad(['bool[]', 'f32[2]'], {}, [identity]),
  cond_c3: bad(['bool[]', 'f32[3]'], {}, [identity, identity]),
  cond_c4: bad(['bool[]', 'f32[2]'], {}, [identity, two]),
  with_gradient_of_c1: bad(['f32[2]', 'f32[3]']),
  with_gradient_of_c2: bad(['i32[2]', 'i32[2]']),
  case_c1: bad(['f32[]', 'f32[2]'], {}, [identity]),
  case_c2: bad(['i32[]', 'f32[2]']),
  case_c3: bad(['i32[]', 'f32[3]'], {}, [identity]),
  case_c4: bad(['i32[]', 'f32[2]'], {}, [identity, two]),
  while_c5: bad(['f32[2]'], { consts: 2 }, [identity, identity]),
  while_c1: bad(['f32[2]'], {}, [identity]),
  while_c2: bad(['f32[3]'], {}, [identity, identity]),
  while_c3: bad(['f32[2]'], {}, [identity, identity]),
  while_c4: bad(['f32[2]'], {}, [
    parseGraph('func @c(%x: f32[2]) -> bool[] {\n %0 : bool[] = constant {value=1}\n return %0\n}'),
    two,
  ]),
  scan_c1: bad(['f32[2]'], { length: 2, carry: 1 }),
  scan_c2: bad(['f32[2]'], { length: -1, carry: 1 }, [identity]),
  scan_c3: bad(['f32[2]'], { length: 3, carry: 0 }, [identity]),
  scan_c4: bad(['f32[3]'], { length: 3, carry: 1 }, [identity]),
  scan_c5: bad(['f32[2]', 'f32[2]'], { length: 2, carry: 2 }, [
    parseGraph('func @d(%x: f32[2], %y: f32[2]) -> f32[2] {\n return %x\n}'),
  ]),
  scan_c6: bad(['state f32[2]'], { length: 3, carry: 1 }, [stateful]),
  scan_c7: bad(['f32[]', 'f32[2]'], { length: 3, carry: 1, trip: true }, [identity]),
  scan_c8: bad(['f32[2]'], { length: 3, carry: 1 }, [identity, identity]),
  scan_c9: bad(['f32[2]'], { length: 3, carry: 1, reverse: true }, [identity, identity]),
  optimization_barrier_c1: bad(['state f32[2]']),
  custom_gradient_c1: bad(['f32[2]'], { inputs: 1, values: 1 }, [identity]),
  custom_gradient_c2: bad(['f32[3]'], { inputs: 1, values: 1 }, [identity, identity]),
  custom_gradient_c3: bad(['f32[2]'], { inputs: 2, values: 1 }, [identity, identity]),
  custom_gradient_c4: bad(['f32[2]'], { inputs: 1, values: 1 }, [two, identity]),
  custom_gradient_c5: bad(['f32[2]'], { inputs: 1, values: 1 }, [identity, two]),
  call_c1: bad(['f32[2]']),
  call_c2: bad(['f32[3]'], {}, [identity]),
  leaky_relu_c2: bad(['f32[2]'], { alpha: Number.NaN }),
  elu_c2: bad(['f32[2]'], {}),
  squared_difference_c1: bad(['f32[2]', 'f32[3]']),
  squared_difference_c2: bad(['u32[2]', 'u32[2]']),
  dropout_c1: bad(['i32[2]', 'u32[2]'], { rate: 0.5 }),
  dropout_c2: bad(['f32[2]', 'u32[3]'], { rate: 0.5 }),
  dropout_c3: bad(['f32[2]', 'u32[2]'], { rate: 1 }),
  one_hot_c1: bad(['f32[2]'], { depth: 3, on: 1, off: 0, dtype: 'f32' }),
  one_hot_c2: bad(['i32[2]'], { depth: 1.5, on: 1, off: 0, dtype: 'f32' }),
  one_hot_c3: bad(['i32[2]'], { depth: 3, on: 1, off: 0, dtype: 'c64' }),
  softmax_c1: bad(['i32[2]'], { axis: 0 }),
  softmax_c2: bad(['f32[2]'], { axis: 1 }),
  log_softmax_c1: bad(['i32[2]'], { axis: 0 }),
  log_softmax_c2: bad(['f32[2]'], { axis: -1 }),
  softmax_cross_entropy_c1: bad(['f32[2,3]', 'i32[2]']),
  softmax_cross_entropy_c2: bad(['f32[]', 'f32[]']),
  sparse_softmax_cross_entropy_c1: bad(['f32[2,3]', 'f32[2]']),
  sparse_softmax_cross_entropy_c2: bad(['f32[2,3]', 'i32[3]']),
  moments_c1: bad(['f32[2,3]'], { axes: [1, 0], keepDims: false }),
  moments_c2: bad(['i32[2,3]'], { axes: [0], keepDims: false }),
  layer_norm_c1: bad(['f32[B,3]', 'f32[3]', 'f32[3]'], { axes: [0], epsilon: 0 }),
  layer_norm_c2: bad(['f32[2,3]', 'f64[3]', 'f32[3]'], { axes: [1], epsilon: 0 }),
  layer_norm_c3: bad(['f32[2,3]', 'f32[2]', 'f32[3]'], { axes: [1], epsilon: 0 }),
  layer_norm_c4: bad(['f32[2,3]', 'f32[3]', 'f32[3]'], { axes: [1], epsilon: -1 }),
  batch_norm_training_c1: bad(['f32[2,3]', 'f32[3]', 'f32[3]'], { ...norm, axis: 2 }),
  batch_norm_training_c2: bad(['f32[2,3]', 'i32[3]', 'f32[3]'], norm),
  batch_norm_training_c3: bad(['f32[2,3]', 'f32[3]', 'f32[2]'], norm),
  batch_norm_training_c4: bad(['f32[2,3]', 'f32[3]', 'f32[3]'], { axis: 1, epsilon: Number.NaN }),
  batch_norm_training_c5: bad(['f32[B,3]', 'f32[3]', 'f32[3]'], norm),
  batch_norm_inference_c1: bad(['f32[2,3]', 'f32[3]', 'f32[3]', 'f32[3]', 'f32[3]'], { ...norm, axis: -1 }),
  batch_norm_inference_c2: bad(['f32[2,3]', 'f32[3]', 'f32[3]', 'f32[3]', 'bool[3]'], norm),
  batch_norm_inference_c3: bad(['f32[2,3]', 'f32[3]', 'f32[3]', 'f32[4]', 'f32[3]'], norm),
  batch_norm_inference_c4: bad(['f32[2,3]', 'f32[3]', 'f32[3]', 'f32[3]', 'f32[3]'], { axis: 1, epsilon: -1 }),
};

/** Families whose ops share their rules. */
function familyCase(op: OpDef, n: number): Case | undefined {
  if (op.kind === 'random' || op.name.startsWith('random_'))
    return n === 1 ? bad(['u32[3]'], { shape: [2], p: 0.5 }) : bad(['u32[2]'], { shape: [-1], p: 0.5 });
  if (op.name.startsWith('cumulative_')) return n === 1 ? bad(['f32[2]'], { axis: 1 }) : bad(['bool[2]'], { axis: 0 });
  if (op.name.startsWith('arg_')) return n === 1 ? bad(['f32[0]'], { axis: 0 }) : bad(['bool[2]'], { axis: 0 });
  if (op.kind === 'reduce')
    return n === 1
      ? bad(['f32[2]'], { axes: [1] })
      : bad([/and|or$/.test(op.name) ? 'f32[2]' : 'bool[2]'], { axes: [0] });
  if (op.arity === 1) return bad([op.name.startsWith('is_') ? 'i32[2]' : 'bool[2]'], { alpha: 1 });
  if (n === 1) return bad(['f32[2]', 'i32[2]']);
  if (n === 2) return bad(['i32[2]', 'i32[3]']);
  const takesBool = /^(and|or|xor)$/.test(op.name);
  return bad(
    takesBool
      ? ['f32[2]', 'f32[2]']
      : op.name === 'eq' || op.name === 'ne'
        ? ['state f32[2]', 'f32[2]']
        : ['bool[2]', 'bool[2]'],
  );
}

const all = allOps().flatMap((op) => Object.keys(op.constraints).map((label, i) => [label, op, i + 1] as const));

describe('constraint', () => {
  it.each(all)('%s', (label, op, n) => {
    const c = cases[label] ?? familyCase(op, n)!;
    let error: unknown;
    try {
      inferTypes(op, c.types.map(type), c.attrs ?? {}, c.regions);
    } catch (e) {
      error = e;
    }
    expect(error, 'an error').toBeInstanceOf(SinterError);
    expect((error as SinterError).label).toBe(label);
    expect((error as SinterError).message).toContain(op.constraints[label]);
    expect((error as SinterError).op).toBe(op.name);
  });

  it('of every label here belongs to an op', () => {
    const labels = new Set(all.map(([label]) => label));
    expect(Object.keys(cases).filter((l) => !labels.has(l))).toEqual([]);
  });

  it('errors of the builder leave the graph as it was', () => {
    const b = new Builder('f');
    const x = b.param(type('f32[2]'), 'x');
    expect(() => b.call('reduce_sum', [x], { axes: [3] })).toThrow(/reduce_sum_c1/);
    expect(b.build([x]).nodes).toEqual([]);
  });
});
