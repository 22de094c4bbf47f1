// Order: sorting, the largest elements, positions in sorted rows. One order serves all of them: numbers
// ascending, -0 before +0, NaN behind everything (whichever way the rest is sorted); equal elements
// keep their order.

import type { Val } from '../graph.ts';
import { type NDArray, ndarray } from '../ndarray.ts';
import { boolAttr, defineOp, type GradRule, type InferCtx, numAttr, sample } from '../op.ts';
import { type DType, isOpen, shapeEq, shapeText, tensorType } from '../types.ts';
import { scatterAlong } from './along.ts';

const numeric: readonly DType[] = ['f32', 'f64', 'i32', 'u32'];

/** Negative where a comes before b. */
export function compareElements(a: number, b: number, descending: boolean): number {
  const [p, q] = [Number.isNaN(a), Number.isNaN(b)];
  if (p || q) return Number(p) - Number(q);
  const order = a < b ? -1 : a > b ? 1 : Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  return descending ? -order : order;
}

/** Positions of each row's elements in sorted order. */
function sortedRows(x: NDArray, descending: boolean): number[][] {
  const n = x.shape[x.shape.length - 1];
  return Array.from({ length: n === 0 ? 0 : x.data.length / n }, (_, row) => {
    const value = (i: number) => x.data[row * n + i];
    return Array.from({ length: n }, (_, i) => i).sort(
      (i, j) => compareElements(value(i), value(j), descending) || i - j,
    );
  });
}

/** The values and positions of the first `k` of each sorted row. */
function firstOf(x: NDArray, k: number, descending: boolean): NDArray[] {
  const shape = x.shape.with(-1, k);
  const n = x.shape[x.shape.length - 1];
  const order = sortedRows(x, descending).map((row) => row.slice(0, k));
  const values = order.flatMap((row, r) => row.map((i) => x.data[r * n + i]));
  return [ndarray(x.dtype, shape, values), ndarray('i32', shape, order.flat())];
}

function checkRows(c: InferCtx): number {
  const [x] = c.inputs;
  const last = x.shape.at(-1);
  c.check(
    last !== undefined && !isOpen(last),
    `${c.op.name}_c1`,
    shapeText(x.shape),
    'sort along a fixed axis, which is the last one here',
  );
  c.check(numeric.includes(x.dtype), `${c.op.name}_c2`, x.dtype, 'convert it to i32');
  return last as number;
}
const rowRules = (name: string) => ({
  [`${name}_c1`]: 'the operand must have a last axis of fixed size',
  [`${name}_c2`]: `the operand's dtype must be one of ${numeric.join(', ')}`,
});

/** Each value's gradient goes where the value came from. */
const toSource: GradRule = (b, n, [g]) => {
  const [x] = n.inputs;
  return [scatterAlong(b, g as Val, n.outputs[1], x.type.shape.length - 1, x.type.shape)];
};

defineOp({
  name: 'sort',
  doc: 'The elements of each row of the last axis in order, and the positions (i32) that they came from. Stable; -0 stands before +0, NaN last, also where descending.',
  kind: 'algorithm',
  arity: 1,
  batching: 'leading',
  constraints: rowRules('sort'),
  infer: (c) => {
    checkRows(c);
    return [c.inputs[0], tensorType('i32', c.inputs[0].shape)];
  },
  grad: toSource,
  reference: ([x], attrs) => firstOf(x, x.shape[x.shape.length - 1], boolAttr(attrs, 'descending')),
  samples: [
    sample(['f32[5]'], { descending: false }),
    sample(['f32[3,7]'], { descending: true }),
    sample(['f32[2,3,1]'], { descending: false }),
    sample(['f32[3,0]'], { descending: false }, false),
    sample(['f32[0,3]'], { descending: false }, false),
    sample(
      [
        {
          ...sample(['f32[10]']).inputs[0],
          values: [0, Number.NaN, -0, Infinity, 1, -Infinity, 0, -0, Number.NaN, -1],
        },
      ],
      { descending: false },
      false,
    ),
    sample(
      [
        {
          ...sample(['f32[10]']).inputs[0],
          values: [0, Number.NaN, -0, Infinity, 1, -Infinity, 0, -0, Number.NaN, -1],
        },
      ],
      { descending: true },
      false,
    ),
    sample([['i32[4,33]', -9, 9]], { descending: true }, false),
    sample([['u32[4,33]', 0, 99]], { descending: false }, false),
    sample([['i32[2,300]', -2147483648, 2147483647]], { descending: false }, false),
    sample([['u32[2,300]', 0, 4294967295]], { descending: true }, false),
    sample([['f32[3,1000]', -1e3, 1e3]], { descending: false }, false),
    sample([['f32[40,130]', -2, 2]], { descending: true }, false),
    sample([['f32[5000]', 0, 1]], { descending: false }, false),
    sample([['f32[2,200]', 3, 3]], { descending: true }, false),
  ],
});

defineOp({
  name: 'top_k',
  doc: 'The k largest elements of each row of the last axis, the largest first, and their positions (i32). Of equal elements the first comes first; NaN is below everything.',
  kind: 'algorithm',
  arity: 1,
  batching: 'leading',
  constraints: {
    ...rowRules('top_k'),
    top_k_c3: 'k must be an integer from 0 to the size of the last axis',
  },
  infer: (c) => {
    const n = checkRows(c);
    const k = numAttr(c.attrs, 'k');
    c.check(Number.isInteger(k) && k >= 0 && k <= n, 'top_k_c3', `k = ${k} of ${n}`);
    const shape = c.inputs[0].shape.with(-1, k);
    return [tensorType(c.inputs[0].dtype, shape), tensorType('i32', shape)];
  },
  grad: toSource,
  reference: ([x], attrs) => firstOf(x, numAttr(attrs, 'k'), true),
  samples: [
    sample(['f32[5]'], { k: 1 }),
    sample(['f32[3,7]'], { k: 3 }),
    sample(['f32[2,3,4]'], { k: 4 }),
    sample(['f32[3,5]'], { k: 0 }, false),
    sample(['f32[0,3]'], { k: 2 }, false),
    sample(
      [{ ...sample(['f32[9]']).inputs[0], values: [0, Number.NaN, -0, Infinity, 1, -Infinity, 1, 0, Number.NaN] }],
      { k: 8 },
      false,
    ),
    sample([['i32[4,133]', -9, 9]], { k: 10 }, false),
    sample([['u32[4,133]', 0, 4294967295]], { k: 5 }, false),
    sample([['f32[3,1001]', -1, 1]], { k: 10 }, false),
    sample([['f32[3,1001]', -1, 1]], { k: 500 }, false),
    sample([['f32[40,257]', -1, 1]], { k: 31 }, false),
  ],
});

defineOp({
  name: 'search_sorted',
  doc: "Where each value would go in its sorted row: the number of the row's elements before it (side 'left'), or before and equal to it ('right'), as i32. Rows are along the last axis, ascending, NaN last.",
  kind: 'algorithm',
  arity: 2,
  batching: 'leading',
  constraints: {
    ...rowRules('search_sorted'),
    search_sorted_c3: 'both operands must have one dtype',
    search_sorted_c4: 'both operands must have the same axes but for the last, in shape',
    search_sorted_c5: "side must be 'left' or 'right'",
  },
  infer: (c) => {
    const [rows, values] = c.inputs;
    checkRows(c);
    c.check(
      rows.dtype === values.dtype,
      'search_sorted_c3',
      `${rows.dtype} and ${values.dtype}`,
      'convert one of them',
    );
    c.check(
      rows.shape.length === values.shape.length && shapeEq(rows.shape.slice(0, -1), values.shape.slice(0, -1)),
      'search_sorted_c4',
      `${shapeText(rows.shape)} and ${shapeText(values.shape)}`,
    );
    c.check(c.attrs.side === 'left' || c.attrs.side === 'right', 'search_sorted_c5', String(c.attrs.side));
    return [tensorType('i32', values.shape)];
  },
  grad: { none: 'its result is a position' },
  reference: ([rows, values], attrs, [t]) => {
    const n = rows.shape[rows.shape.length - 1];
    const m = values.shape[values.shape.length - 1];
    const out = ndarray('i32', t.shape as readonly number[]);
    values.data.forEach((v, i) => {
      const row = rows.data.subarray(Math.floor(i / m) * n, Math.floor(i / m) * n + n);
      // -0 and +0 are equal here, as numbers are.
      const order = (x: number) => compareElements(x + 0, v + 0, false);
      out.data[i] = row.filter((x) => (attrs.side === 'left' ? order(x) < 0 : order(x) <= 0)).length;
    });
    return [out];
  },
  samples: [
    sample([{ ...sample(['f32[5]']).inputs[0], values: [-1, 0, 0, 2, 3] }, 'f32[4]'], { side: 'left' }, false),
    sample(
      [
        { ...sample(['f32[2,3]']).inputs[0], values: [-1, 0, 2, 0, 0, Number.NaN] },
        { ...sample(['f32[2,5]']).inputs[0], values: [-2, -1, -0, 2, Number.NaN, -1, 0, 5, Number.NaN, Infinity] },
      ],
      { side: 'right' },
      false,
    ),
    sample(
      [
        { ...sample(['f32[2,3]']).inputs[0], values: [-1, 0, 2, 0, 0, Number.NaN] },
        { ...sample(['f32[2,5]']).inputs[0], values: [-2, -1, -0, 2, Number.NaN, -1, 0, 5, Number.NaN, Infinity] },
      ],
      { side: 'left' },
      false,
    ),
    sample(
      [{ ...sample(['i32[9]']).inputs[0], values: [-7, -7, -3, 0, 1, 4, 4, 4, 9] }, ['i32[70]', -9, 11]],
      { side: 'right' },
      false,
    ),
    sample(['f32[3,0]', 'f32[3,4]'], { side: 'left' }, false),
    sample(['f32[3,4]', 'f32[3,0]'], { side: 'left' }, false),
    sample(
      [{ ...sample(['u32[64]']).inputs[0], values: Array.from({ length: 64 }, (_, i) => 3 * i) }, ['u32[33]', 0, 200]],
      { side: 'left' },
      false,
    ),
  ],
});
