// Reading and adding slices at positions given by an index tensor.

import { flatIndex, forEachIndex, type NDArray, ndarray } from '../ndarray.ts';
import { defineOp, type InferCtx, sample } from '../op.ts';
import { type DType, isOpen, shapeEq, shapeText, staticShape, type TensorType, tensorType } from '../types.ts';

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

defineOp({
  name: 'scatter_add',
  doc: "The first operand with the updates added to its slices: each row of the last axis of the indices (i32[..., k]) names an element of the first k axes, the updates have gather's result shape. Rows with any index out of range are ignored, and what falls on the same place adds up.",
  kind: 'scatter',
  arity: 3,
  constraints: {
    ...rules('scatter_add'),
    scatter_add_c3: `the first operand's dtype must be one of ${numeric.join(', ')}, and the updates' the same`,
    scatter_add_c4: 'the updates must have the shape of the gathered slices, indices.shape[:-1] + x.shape[k:]',
  },
  infer: (c) => {
    const [x, , updates] = c.inputs;
    const want = sliceType(c);
    c.check(
      numeric.includes(x.dtype) && updates.dtype === x.dtype,
      'scatter_add_c3',
      `${x.dtype} and ${updates.dtype}`,
    );
    c.check(
      shapeEq(updates.shape, want.shape),
      'scatter_add_c4',
      `${shapeText(updates.shape)} instead of ${shapeText(want.shape)}`,
    );
    return [tensorType(x.dtype, x.shape)];
  },
  grad: (b, n, [g]) => [g, null, n.needs[2] ? b.call('gather', [g, n.inputs[1]]) : null],
  reference: ([x, indices, updates], _, [t]) => {
    const out = ndarray(t.dtype, x.shape, x.data);
    const size = sliceSize(x, indices);
    forEachRow(x, indices, (from, row) => {
      if (from < 0) return;
      forEachIndex([size], ([i]) => {
        const sum = out.data[from + i] + updates.data[row * size + i];
        out.data[from + i] = t.dtype === 'i32' ? sum | 0 : t.dtype === 'u32' ? sum >>> 0 : sum;
      });
    });
    return [out];
  },
  samples: [
    sample(['f32[5,3]', ['i32[4,1]', 0, 4], 'f32[4,3]']),
    sample(['f32[5,3]', ['i32[2,3,2]', 0, 2], 'f32[2,3]']),
    sample(['f32[4,3,2]', ['i32[5,2]', -1, 4], 'f32[5,2]']),
    sample(['f32[3]', { type: tensorType('i32', [4, 1]), values: [1, 1, 1, 3] }, 'f32[4]']),
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
    sample(['f32[10,33]', ['i32[40,1]', 0, 9], 'f32[40,33]'], {}, false),
  ],
});
