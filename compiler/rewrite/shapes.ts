// Rules on shape operations: chains of views collapse, views that change nothing vanish.

import { intsAttr, numAttr, pairsAttr, shapeAttr } from '../../ir/op.ts';
import { reduceInit } from '../../ir/ops/reduce.ts';
import { type DType, dimEq, shapeEq, shapeSize } from '../../ir/types.ts';
import { from, type Rule } from './rules.ts';

/** Windows over nothing hold padding only. */
const emptyWindow = (op: string, fill: (ty: DType) => number): Rule => ({
  name: `${op} of an empty operand -> its padding`,
  op,
  apply: ({ node, inputs: [x], b }) => {
    const [{ type }] = node.outputs;
    return x.type.shape.includes(0) ? (b.splat(type, fill(type.dtype)) as typeof x) : undefined;
  },
});

export const shapes: readonly Rule[] = [
  emptyWindow('reduce_window_sum', () => 0),
  emptyWindow('reduce_window_max', reduceInit.reduce_max),
  emptyWindow('window_max_grad', () => 0),
  emptyWindow('window_max_pick', () => 0),
  {
    // What follows on the reshaped result then joins the product's epilogue.
    name: 'reshape of the rows of dot_general(x, w) -> dot_general(reshape x, w)',
    op: 'reshape',
    apply: ({ node, inputs: [y], b, onlyReader }) => {
      const dot = from(y, 'dot_general');
      if (!dot || !onlyReader(0)) return undefined;
      const [x, w] = dot.inputs;
      const [cx, cw] = pairsAttr(dot.attrs, 'contract');
      const k = x.type.shape.length - 1;
      if (pairsAttr(dot.attrs, 'batch')[0].length > 0 || cx.length !== 1 || cx[0] !== k) return undefined;
      const columns = w.type.shape.filter((_, i) => !cw.includes(i));
      const shape = node.outputs[0].type.shape;
      const rows = shape.slice(0, shape.length - columns.length);
      const sameColumns = columns.length <= shape.length && shapeEq(shape.slice(rows.length), columns);
      if (!sameColumns || !dimEq(shapeSize(rows), shapeSize(x.type.shape.slice(0, k)))) return undefined;
      return b.dot(b.reshape(x, [...rows, x.type.shape[k]]), w, [[rows.length], cw]) as typeof y;
    },
  },
  {
    name: 'reshape(reshape x) -> reshape x',
    op: 'reshape',
    apply: ({ node, inputs: [x], b }) => {
      const shape = node.outputs[0].type.shape;
      if (shapeEq(x.type.shape, shape)) return x;
      const inner = from(x, 'reshape');
      return inner ? (b.reshape(inner.inputs[0], shape) as typeof x) : undefined;
    },
  },
  {
    name: 'transpose(transpose x) -> transpose x; identity -> x',
    op: 'transpose',
    apply: ({ node, inputs: [x], b }) => {
      const perm = intsAttr(node.attrs, 'perm');
      if (perm.every((p, i) => p === i)) return x;
      const inner = from(x, 'transpose');
      if (!inner) return undefined;
      const first = intsAttr(inner.attrs, 'perm');
      return b.transpose(
        inner.inputs[0],
        perm.map((p) => first[p]),
      ) as typeof x;
    },
  },
  {
    name: 'broadcast(broadcast x) -> broadcast x; to its own shape -> x',
    op: 'broadcast',
    apply: ({ node, inputs: [x], b }) => {
      const shape = shapeAttr(node.attrs, 'shape');
      const dims = intsAttr(node.attrs, 'dims');
      if (shapeEq(x.type.shape, shape)) return x;
      const inner = from(x, 'broadcast');
      if (!inner) return undefined;
      const first = intsAttr(inner.attrs, 'dims');
      return b.broadcast(
        inner.inputs[0],
        shape,
        first.map((d) => dims[d]),
      ) as typeof x;
    },
  },
  {
    name: 'slice of everything -> x',
    op: 'slice',
    apply: ({ node, inputs: [x] }) => (shapeEq(node.outputs[0].type.shape, x.type.shape) ? x : undefined),
  },
  {
    name: 'slice(slice x) -> slice x',
    op: 'slice',
    apply: ({ node, inputs: [x], b }) => {
      const inner = from(x, 'slice');
      if (!inner) return undefined;
      const [b0, s0] = ['begin', 'strides'].map((k) => intsAttr(inner.attrs, k));
      const [b1, n1, s1] = ['begin', 'size', 'strides'].map((k) => intsAttr(node.attrs, k));
      if (n1.includes(0)) return undefined;
      return b.slice(
        inner.inputs[0],
        b1.map((v, d) => b0[d] + v * s0[d]),
        n1,
        s1.map((s, d) => s * s0[d]),
      ) as typeof x;
    },
  },
  {
    name: 'concat without its empty operands',
    op: 'concat',
    apply: ({ node, inputs, b }) => {
      const full = inputs.filter((v) => !v.type.shape.includes(0));
      if (full.length === inputs.length || full.length === 0) return undefined;
      return b.concat(full, numAttr(node.attrs, 'axis')) as (typeof inputs)[number];
    },
  },
  {
    name: 'concat of one -> x',
    op: 'concat',
    apply: ({ inputs }) => (inputs.length === 1 ? inputs[0] : undefined),
  },
  {
    name: 'pad by nothing -> x',
    op: 'pad',
    apply: ({ node, inputs: [x] }) =>
      ['low', 'high', 'interior'].every((k) => intsAttr(node.attrs, k).every((p) => p === 0)) ? x : undefined,
  },
  {
    name: 'reverse(reverse x) -> x',
    op: 'reverse',
    apply: ({ node, inputs: [x] }) => {
      const inner = from(x, 'reverse');
      const axes = (n: typeof node) => intsAttr(n.attrs, 'axes').slice().sort().join();
      return inner && axes(inner) === axes(node)
        ? inner.inputs[0]
        : intsAttr(node.attrs, 'axes').length === 0
          ? x
          : undefined;
    },
  },
];
