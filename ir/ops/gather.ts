// Reading slices at positions given by an index tensor, and writing them there: added, put in place, or
// kept where they are the larger or the smaller ones.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { flatIndex, forEachIndex, type NDArray, ndarray } from '../ndarray.ts';
import { defineOp, type GradRule, type InferCtx, type OpDef, sample } from '../op.ts';
import {
  type DType,
  dtypes,
  isOpen,
  shapeEq,
  shapeText,
  sizeOf,
  staticShape,
  type TensorType,
  tensorType,
} from '../types.ts';

const rules = (name: string) => ({
  [`${name}_c1`]: "the indices' dtype must be i32",
  [`${name}_c2`]:
    'the last dimension of the indices must be the number k of leading axes that they name, from 1 to the rank of the first operand, and those axes fixed',
});

/** Checks the index operand and returns the type of the gathered (or added) slices. */
function sliceType(c: InferCtx): TensorType {
  const [x, indices] = c.inputs;
  c.check(indices.dtype === 'i32', `${c.op.name}_c1`, indices.dtype, 'convert them to i32');
  const k = indices.shape.at(-1);
  c.check(
    typeof k === 'number' && k >= 1 && k <= x.shape.length && !x.shape.slice(0, k).some(isOpen),
    `${c.op.name}_c2`,
    `indices ${shapeText(indices.shape)} into ${shapeText(x.shape)}`,
    'give the indices a last axis, of size 1 to index the first axis',
  );
  return tensorType(x.dtype, [...indices.shape.slice(0, -1), ...x.shape.slice(k as number)]);
}

/** Calls `f` with the first flat element of each row's slice, or -1 where an index is out of range. */
function forEachRow(x: NDArray, indices: NDArray, f: (from: number, row: number) => void): void {
  const k = indices.shape[indices.shape.length - 1];
  const rows = indices.data.length / k;
  for (let row = 0; row < rows; row++) {
    const idx = Array.from(indices.data.subarray(row * k, row * k + k));
    const inside = idx.every((v, d) => v >= 0 && v < x.shape[d]);
    f(inside ? flatIndex(x.shape, [...idx, ...x.shape.slice(k).map(() => 0)]) : -1, row);
  }
}
const sliceSize = (x: NDArray, indices: NDArray): number =>
  x.shape.slice(indices.shape[indices.shape.length - 1]).reduce((n, d) => n * d, 1);

defineOp({
  name: 'gather',
  doc: 'Slices of the first operand: each row of the last axis of the indices (i32[..., k]) names an element of its first k axes; the result is indices.shape[:-1] + x.shape[k:]. A row with any index out of range gives zeros.',
  kind: 'gather',
  arity: 2,
  constraints: rules('gather'),
  infer: (c) => [sliceType(c)],
  grad: (b, n, [g]) => [n.needs[0] ? b.call('scatter_add', [b.zerosLike(n.inputs[0]), n.inputs[1], g]) : null, null],
  reference: ([x, indices], _, [t]) => {
    const out = ndarray(t.dtype, staticShape(t.shape));
    const size = sliceSize(x, indices);
    forEachRow(x, indices, (from, row) => {
      if (from >= 0) out.data.set(x.data.subarray(from, from + size), row * size);
    });
    return [out];
  },
  samples: [
    sample(['f32[5,3]', ['i32[4,1]', 0, 4]]),
    sample(['f32[5,3]', ['i32[2,3,2]', 0, 2]]),
    sample(['f32[4,3,2]', ['i32[5,2]', -1, 4]]),
    sample(['f32[7]', ['i32[1]', 0, 6]]),
    sample(['f32[6,2]', { type: tensorType('i32', [4, 1]), values: [3, 3, -2147483648, 2147483647] }]),
    sample(['f32[5,3]', ['i32[0,1]', 0, 4]], {}, false),
    sample(
      [
        ['i32[9,5]', -9, 9],
        ['i32[3,7,1]', 0, 8],
      ],
      {},
      false,
    ),
    sample(['bool[9]', ['i32[30,1]', 0, 8]], {}, false),
    sample(['f32[50,33]', ['i32[21,1]', 0, 49]], {}, false),
  ],
});

const numeric: readonly DType[] = ['f32', 'f64', 'i32', 'u32'];

/** What a scatter does with an element and the update that falls on it. */
interface Mode {
  readonly what: string;
  readonly dtypes: readonly DType[];
  readonly combine: (old: number, update: number) => number;
  readonly grad: GradRule;
}

/** One word per row of the indices: which row it is. */
function rowNumbers(b: Emitter, indices: Val): Val {
  const rows = indices.type.shape.slice(0, -1);
  return b.reshape(b.iota([sizeOf(rows)], 0), rows);
}

/**
 * True at the updates that a scatter_set left in place: not overwritten by a later row, and inside.
 * Has the updates' rank, with size 1 in the axes of the slices.
 */
function surviving(b: Emitter, x: Val, indices: Val): Val {
  const shape = indices.type.shape;
  const k = shape[shape.length - 1] as number;
  const rows = rowNumbers(b, indices);
  const none = b.splat(tensorType('i32', x.type.shape.slice(0, k)), -1);
  const last = b.call('gather', [b.call('scatter_set', [none, indices, rows]), indices]);
  // A row out of range reads 0, which is the number of the first row.
  const inside = b.call('gather', [b.splat(tensorType('bool', x.type.shape.slice(0, k)), 1), indices]);
  const alive = b.and(inside, b.compare('eq', last, rows));
  return b.reshape(alive, [...shape.slice(0, -1), ...x.type.shape.slice(k).map(() => 1)]);
}

const setGrad: GradRule = (b, n, [g]) => {
  const [x, indices, updates] = n.inputs;
  return [
    n.needs[0] ? b.call('scatter_set', [g, indices, b.zerosLike(updates)]) : null,
    null,
    n.needs[2] ? b.select(surviving(b, x, indices), b.call('gather', [g, indices]), 0) : null,
  ];
};

/** The gradient of an extreme goes in equal parts to all that reach it: the old element and the updates. */
const extremeGrad: GradRule = (b, n, [g]) => {
  const [x, indices, updates] = n.inputs;
  const [y] = n.outputs;
  const { dtype } = x.type;
  const kept = b.convert(b.compare('eq', x, y), dtype);
  const placed = b.convert(b.compare('eq', updates, b.call('gather', [y, indices])), dtype);
  const share = b.div(g, b.max(b.call('scatter_add', [kept, indices, placed]), 1));
  return [
    n.needs[0] ? b.mul(share, kept) : null,
    null,
    n.needs[2] ? b.mul(b.call('gather', [share, indices]), placed) : null,
  ];
};

const modes: Readonly<Record<string, Mode>> = {
  scatter_add: {
    what: 'the updates added to its slices; what falls on the same place adds up (integers wrap)',
    dtypes: numeric,
    combine: (old, update) => old + update,
    grad: (b, n, [g]) => [g, null, n.needs[2] ? b.call('gather', [g, n.inputs[1]]) : null],
  },
  scatter_set: {
    what: 'the updates in the place of its slices; of what falls on the same place the last row in row-major order stays',
    dtypes,
    combine: (_, update) => update,
    grad: setGrad,
  },
  scatter_max: {
    what: 'each slice the larger one of itself and the updates that fall on it, element by element; NaN if any is',
    dtypes: numeric,
    combine: Math.max,
    grad: extremeGrad,
  },
  scatter_min: {
    what: 'each slice the smaller one of itself and the updates that fall on it, element by element; NaN if any is',
    dtypes: numeric,
    combine: Math.min,
    grad: extremeGrad,
  },
};

const scatterReference =
  (combine: Mode['combine']): OpDef['reference'] =>
  ([x, indices, updates], _, [t]) => {
    const out = ndarray(t.dtype, x.shape, x.data);
    const size = sliceSize(x, indices);
    forEachRow(x, indices, (from, row) => {
      if (from < 0) return;
      forEachIndex([size], ([i]) => {
        const v = combine(out.data[from + i], updates.data[row * size + i]);
        out.data[from + i] = t.dtype === 'i32' ? v | 0 : t.dtype === 'u32' ? v >>> 0 : v;
      });
    });
    return [out];
  };

/** Three updates on one place, one outside, one alone. */
const crowded = { type: tensorType('i32', [5, 1]), values: [1, 1, 3, 0, 1] };

for (const [name, mode] of Object.entries(modes))
  defineOp({
    name,
    doc: `The first operand with ${mode.what}. Each row of the last axis of the indices (i32[..., k]) names an element of the first k axes, the updates have gather's result shape; rows with any index out of range are ignored.`,
    kind: 'scatter',
    arity: 3,
    constraints: {
      ...rules(name),
      [`${name}_c3`]: `the first operand's dtype must be one of ${mode.dtypes.join(', ')}, and the updates' the same`,
      [`${name}_c4`]: 'the updates must have the shape of the gathered slices, indices.shape[:-1] + x.shape[k:]',
    },
    infer: (c) => {
      const [x, , updates] = c.inputs;
      const want = sliceType(c);
      c.check(
        mode.dtypes.includes(x.dtype) && updates.dtype === x.dtype,
        `${name}_c3`,
        `${x.dtype} and ${updates.dtype}`,
      );
      c.check(
        shapeEq(updates.shape, want.shape),
        `${name}_c4`,
        `${shapeText(updates.shape)} instead of ${shapeText(want.shape)}`,
      );
      return [tensorType(x.dtype, x.shape)];
    },
    grad: mode.grad,
    reference: scatterReference(mode.combine),
    samples: [
      sample(['f32[5,3]', ['i32[4,1]', 0, 4], 'f32[4,3]']),
      sample(['f32[5,3]', ['i32[2,3,2]', 0, 2], 'f32[2,3]']),
      sample(['f32[4,3,2]', ['i32[5,2]', -1, 4], 'f32[5,2]']),
      sample(['f32[3]', crowded, 'f32[5]']),
      sample(['f32[5,3]', ['i32[0,1]', 0, 4], 'f32[0,3]'], {}, false),
      sample(
        [
          ['i32[4,5]', -9, 9],
          ['i32[9,1]', 0, 3],
          ['i32[9,5]', -9, 9],
        ],
        {},
        false,
      ),
      ...(mode.dtypes.includes('bool')
        ? ['bool', 'i8', 'f16'].map((d) => sample([`${d}[6]`, ['i32[4,1]', 0, 5], `${d}[4]`], {}, false))
        : []),
      sample(
        [
          { type: tensorType('f32', [4]), values: [NaN, 1, -Infinity, -0] },
          { type: tensorType('i32', [4, 1]), values: [0, 1, 2, 3] },
          { type: tensorType('f32', [4]), values: [1, NaN, Infinity, 0] },
        ],
        {},
        false,
      ),
      sample(['f32[10,33]', ['i32[40,1]', 0, 9], 'f32[40,33]'], {}, false),
    ],
  });
