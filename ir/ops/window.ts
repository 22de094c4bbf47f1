// Sums and maxima over sliding windows (pooling), and the two ops that carry gradients through the
// position of a window's maximum. Windows have one entry per operand axis; an axis that is not pooled
// has window 1 and stride 1.

import type { Attrs } from '../graph.ts';
import { build, flatIndex, forEachIndex, type NDArray, ndarray } from '../ndarray.ts';
import { defineOp, type InferCtx, intsAttr, pairsAttr, type Sample, sample } from '../op.ts';
import {
  type Dim,
  type DType,
  isFloat,
  isOpen,
  type Shape,
  shapeEq,
  shapeText,
  staticShape,
  tensorType,
  typeEq,
  typeText,
} from '../types.ts';
import { reduceInit } from './reduce.ts';

const numeric: readonly DType[] = ['f32', 'f64', 'i32', 'u32'];

interface Windows {
  readonly window: readonly number[];
  readonly strides: readonly number[];
  readonly pad: readonly (readonly number[])[];
}
const windows = (a: Attrs): Windows => ({
  window: intsAttr(a, 'window'),
  strides: intsAttr(a, 'strides'),
  pad: pairsAttr(a, 'pad'),
});

const rules = (name: string) => ({
  [`${name}_c1`]:
    'window and strides must have one entry of at least 1 per axis, pad one pair [low, high] of at least 0',
  [`${name}_c2`]: 'an open axis must have window 1, stride 1 and no padding',
});

/** Number of windows along each axis: 0 where the window does not fit. */
function windowShape(shape: Shape, { window, strides, pad }: Windows): Shape {
  return shape.map((d, i): Dim => {
    if (isOpen(d)) return d;
    const room = d + pad[i][0] + pad[i][1] - window[i];
    return room < 0 ? 0 : Math.floor(room / strides[i]) + 1;
  });
}

/** Checks the attributes against the first operand and returns the shape of the windows. */
function checkWindows(c: InferCtx): Shape {
  const [x] = c.inputs;
  const w = windows(c.attrs);
  const rank = x.shape.length;
  const each = (v: readonly number[]) => v.length === rank && v.every((s) => Number.isInteger(s) && s >= 1);
  const pairs = w.pad.every((p) => p.length === 2 && p.every((v) => Number.isInteger(v) && v >= 0));
  c.check(
    each(w.window) && each(w.strides) && w.pad.length === rank && pairs,
    `${c.op.name}_c1`,
    `window [${w.window}], strides [${w.strides}], pad ${JSON.stringify(w.pad)} for ${shapeText(x.shape)}`,
  );
  const whole = (i: number) => w.window[i] === 1 && w.strides[i] === 1 && w.pad[i].every((v) => v === 0);
  c.check(
    x.shape.every((d, i) => !isOpen(d) || whole(i)),
    `${c.op.name}_c2`,
    `window [${w.window}] on ${shapeText(x.shape)}`,
  );
  return windowShape(x.shape, w);
}

/** Calls `f` with the flat index of every operand element in the window at `o`, in row-major order. */
function forEachInWindow(shape: readonly number[], w: Windows, o: readonly number[], f: (flat: number) => void): void {
  const src = new Array<number>(shape.length);
  forEachIndex(w.window, (k) => {
    for (let d = 0; d < shape.length; d++) {
      src[d] = o[d] * w.strides[d] + k[d] - w.pad[d][0];
      if (src[d] < 0 || src[d] >= shape[d]) return;
    }
    f(flatIndex(shape, src));
  });
}

const attrs = (window: readonly number[], strides: readonly number[], pad: readonly (readonly number[])[]): Attrs => ({
  window,
  strides,
  pad,
});
const none = (n: number) => Array.from({ length: n }, () => [0, 0]);

/** Operand shape and attributes; small enough for differences where the last entry says so. */
const cases: readonly (readonly [string, Attrs, boolean])[] = [
  ['f32[2,4,6,3]', attrs([1, 2, 2, 1], [1, 2, 2, 1], none(4)), true],
  [
    'f32[1,5,5,2]',
    attrs(
      [1, 3, 2, 1],
      [1, 2, 1, 1],
      [
        [0, 0],
        [1, 1],
        [0, 1],
        [0, 0],
      ],
    ),
    true,
  ],
  ['f32[9]', attrs([3], [1], [[2, 2]]), true],
  [
    'f32[7,5]',
    attrs(
      [2, 3],
      [3, 4],
      [
        [1, 0],
        [0, 2],
      ],
    ),
    true,
  ],
  [
    'f32[2,3,2,3]',
    attrs(
      [2, 2, 2, 2],
      [1, 1, 1, 2],
      [
        [0, 1],
        [1, 0],
        [0, 0],
        [1, 1],
      ],
    ),
    true,
  ],
  ['f32[4]', attrs([1], [1], [[0, 0]]), true],
  ['f32[2,3]', attrs([1, 5], [1, 1], none(2)), false],
  ['f32[0,4]', attrs([1, 2], [1, 1], none(2)), false],
  ['f32[2,12,12,20]', attrs([1, 2, 2, 1], [1, 2, 2, 1], none(4)), false],
  [
    'f32[1,13,11,5]',
    attrs(
      [1, 3, 3, 1],
      [1, 2, 2, 1],
      [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ],
    ),
    false,
  ],
];
const intCase = (name: string) =>
  sample(
    [['i32[5,6]', -9, 9]],
    attrs(
      [2, 2],
      [2, 1],
      name === 'sum'
        ? [
            [0, 0],
            [1, 1],
          ]
        : [
            [1, 0],
            [0, 1],
          ],
    ),
    false,
  );

defineOp({
  name: 'reduce_window_sum',
  doc: 'Sum of each window; padding counts as 0. Integers wrap.',
  kind: 'window',
  arity: 1,
  constraints: {
    ...rules('reduce_window_sum'),
    reduce_window_sum_c3: `the operand's dtype must be one of ${numeric.join(', ')}`,
  },
  infer: (c) => {
    c.check(numeric.includes(c.inputs[0].dtype), 'reduce_window_sum_c3', c.inputs[0].dtype);
    return [tensorType(c.inputs[0].dtype, checkWindows(c))];
  },
  // Operand element i lies in the windows o with o*stride <= i + low < o*stride + window: with the
  // strides' gaps put between the windows' gradients, that is again a sum over a window.
  grad: (b, n, [g]) => {
    const shape = n.inputs[0].type.shape;
    const { window, strides, pad } = windows(n.attrs);
    const low = window.map((w, i) => w - 1 - pad[i][0]);
    const high = shape.map((d, i) => {
      if (isOpen(d)) return 0;
      const o = g.type.shape[i] as number;
      return d + pad[i][0] - (o === 0 ? 0 : (o - 1) * strides[i] + 1);
    });
    const spread = b.pad(
      g,
      low,
      high,
      strides.map((s) => s - 1),
    );
    return [
      b.call(
        'reduce_window_sum',
        [spread],
        attrs(
          window,
          window.map(() => 1),
          none(window.length),
        ),
      ),
    ];
  },
  reference: ([x], a, [t]) => [
    build(t.dtype, staticShape(t.shape), (o) => {
      let s = 0;
      forEachInWindow(x.shape, windows(a), o, (k) => {
        s += x.data[k];
      });
      return s;
    }),
  ],
  samples: [...cases.map(([x, a, grad]) => sample([x], a, grad)), intCase('sum')],
});

defineOp({
  name: 'reduce_window_max',
  doc: 'Largest element of each window, NaN if any is; padding counts as -Inf (the least integer for integers).',
  kind: 'window',
  arity: 1,
  constraints: {
    ...rules('reduce_window_max'),
    reduce_window_max_c3: `the operand's dtype must be one of ${numeric.join(', ')}`,
  },
  infer: (c) => {
    c.check(numeric.includes(c.inputs[0].dtype), 'reduce_window_max_c3', c.inputs[0].dtype);
    return [tensorType(c.inputs[0].dtype, checkWindows(c))];
  },
  grad: (b, n, [g]) => [b.call('window_max_grad', [n.inputs[0], g], n.attrs)],
  reference: ([x], a, [t]) => [
    build(t.dtype, staticShape(t.shape), (o) => {
      let s = reduceInit.reduce_max(t.dtype);
      forEachInWindow(x.shape, windows(a), o, (k) => {
        s = Math.max(s, x.data[k]);
      });
      return s;
    }),
  ],
  samples: [...cases.map(([x, a, grad]) => sample([x], a, grad)), intCase('max')],
});

/** Flat index of the first maximal element of the window at `o` (a NaN is larger than all), or -1. */
function argMaxInWindow(x: NDArray, w: Windows, o: readonly number[]): number {
  let best = -1;
  forEachInWindow(x.shape, w, o, (k) => {
    const isNew = best < 0 || x.data[k] > x.data[best] || (Number.isNaN(x.data[k]) && !Number.isNaN(x.data[best]));
    if (isNew) best = k;
  });
  return best;
}

/** A case with a second operand: the cotangent of the result, or a tensor like the operand. */
function pairSample([x, a, grad]: (typeof cases)[number], second: 'result' | 'operand'): Sample {
  const [{ type }] = sample([x]).inputs;
  const shape = second === 'operand' ? type.shape : windowShape(type.shape, windows(a));
  return { inputs: [{ type }, { type: tensorType('f32', shape) }], attrs: a, grad };
}
/** Equal elements: the first in row-major order gets everything. */
const ties: Sample['inputs'][number] = { type: tensorType('f32', [2, 4]), values: [1, 1, 0, 0, 1, 1, 0, 0] };
const tiesAttrs = attrs([2, 2], [1, 2], none(2));

defineOp({
  name: 'window_max_grad',
  doc: 'Gradient of reduce_window_max: from its operand x and the cotangent g of its result, a tensor like x in which each g is added at the first maximal element of its window, in row-major order (a NaN counts as the largest).',
  kind: 'window',
  arity: 2,
  constraints: {
    ...rules('window_max_grad'),
    window_max_grad_c3: 'both operands must have one dtype, which is a float',
    window_max_grad_c4: 'the second operand must have the shape of the windows',
  },
  infer: (c) => {
    const [x, g] = c.inputs;
    c.check(x.dtype === g.dtype && isFloat(x.dtype), 'window_max_grad_c3', `${x.dtype} and ${g.dtype}`);
    const want = checkWindows(c);
    c.check(shapeEq(g.shape, want), 'window_max_grad_c4', `${shapeText(g.shape)} instead of ${shapeText(want)}`);
    return [tensorType(x.dtype, x.shape)];
  },
  // The choice of the element is piecewise constant in x; along g the op is linear.
  grad: (b, n, [d]) => [
    n.needs[0] ? b.zerosLike(n.inputs[0]) : null,
    n.needs[1] ? b.call('window_max_pick', [n.inputs[0], d], n.attrs) : null,
  ],
  reference: ([x, g], a, [t]) => {
    const out = ndarray(t.dtype, x.shape);
    forEachIndex(g.shape, (o, flat) => {
      const k = argMaxInWindow(x, windows(a), o);
      if (k >= 0) out.data[k] += g.data[flat];
    });
    return [out];
  },
  samples: [
    ...cases.map((c) => pairSample(c, 'result')),
    { inputs: [ties, { type: tensorType('f32', [1, 2]) }], attrs: tiesAttrs, grad: false },
  ],
});

defineOp({
  name: 'window_max_pick',
  doc: "Of the second operand v, which has the first operand x's shape, the element at the place of each window's first maximal element of x, in row-major order (a NaN counts as the largest); 0 for a window of padding only.",
  kind: 'window',
  arity: 2,
  constraints: {
    ...rules('window_max_pick'),
    window_max_pick_c3: 'both operands must have one type, a float',
  },
  infer: (c) => {
    const [x, v] = c.inputs;
    c.check(typeEq(x, v) && isFloat(x.dtype), 'window_max_pick_c3', `${typeText(x)} and ${typeText(v)}`);
    return [tensorType(x.dtype, checkWindows(c))];
  },
  grad: (b, n, [d]) => [
    n.needs[0] ? b.zerosLike(n.inputs[0]) : null,
    n.needs[1] ? b.call('window_max_grad', [n.inputs[0], d], n.attrs) : null,
  ],
  reference: ([x, v], a, [t]) => [
    build(t.dtype, staticShape(t.shape), (o) => {
      const k = argMaxInWindow(x, windows(a), o);
      return k >= 0 ? v.data[k] : 0;
    }),
  ],
  samples: [
    ...cases.map((c) => pairSample(c, 'operand')),
    { inputs: [ties, { type: ties.type }], attrs: tiesAttrs, grad: false },
  ],
});
