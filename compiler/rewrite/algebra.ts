// Algebraic rules that hold for every value, NaN, infinities and signed zeros included (x - x is not
// 0 where x is NaN; x + 0 is not x where x is -0, but differs only in the sign of a zero). One drops digits:
// exponentials less their maximum become 0 below the smallest normal number, as in softmax.

import type { Node, Value } from '../../ir/graph.ts';
import { dtypeAttr, intsAttr } from '../../ir/op.ts';
import { isFloat, shapeEq } from '../../ir/types.ts';
import { from, type Rule, splatOf } from './rules.ts';

const as = <T>(v: T) => v;

/** Is `top` the maximum of `x` along some axes, stretched along them again? */
function isMaximumOf(top: Value, x: Value): boolean {
  let v = top;
  while (v.node && ['broadcast', 'reshape', 'stop_gradient'].includes(v.node.op.name)) v = v.node.inputs[0];
  const max = from(v, 'reduce_max');
  if (max?.inputs[0] !== x) return false;
  const [shape, axes] = [x.type.shape, intsAttr(max.attrs, 'axes')];
  // Stretched along the reduced axes alone: anything else would be another row's maximum.
  const kept = shape.map((d, i) => (axes.includes(i) ? 1 : d));
  for (let w = top; w !== v; w = (w.node as Node).inputs[0]) {
    const n = w.node as Node;
    if (n.op.name !== 'broadcast') continue;
    const dims = intsAttr(n.attrs, 'dims');
    const source = n.inputs[0].type.shape;
    const inOrder = dims.every((d, i) => source[i] === kept[d] && (i === 0 || d > dims[i - 1]));
    if (!shapeEq(w.type.shape, shape) || !inOrder) return false;
  }
  return true;
}

export const algebra: readonly Rule[] = [
  {
    name: 'x + 0 -> x',
    op: 'add',
    apply: ({ inputs: [x, y] }) => (splatOf(y) === 0 ? x : splatOf(x) === 0 ? y : undefined),
  },
  { name: 'x - 0 -> x', op: 'sub', apply: ({ inputs: [x, y] }) => (splatOf(y) === 0 ? x : undefined) },
  {
    name: 'x * 1 -> x',
    op: 'mul',
    apply: ({ inputs: [x, y] }) => (splatOf(y) === 1 ? x : splatOf(x) === 1 ? y : undefined),
  },
  {
    name: 'x * -1 -> neg x',
    op: 'mul',
    apply: ({ inputs: [x, y], b }) =>
      x.type.dtype === 'u32'
        ? undefined
        : splatOf(y) === -1
          ? as(b.neg(x) as typeof x)
          : splatOf(x) === -1
            ? (b.neg(y) as typeof y)
            : undefined,
  },
  { name: 'x / 1 -> x', op: 'div', apply: ({ inputs: [x, y] }) => (splatOf(y) === 1 ? x : undefined) },
  {
    name: 'x / 2^k -> x * 2^-k',
    op: 'div',
    apply: ({ inputs: [x, y], b }) => {
      const d = splatOf(y);
      if (d === undefined || !isFloat(x.type.dtype) || d === 0 || !Number.isFinite(d)) return undefined;
      const k = Math.log2(Math.abs(d));
      return Number.isInteger(k) && Math.abs(k) < 100 ? (b.mul(x, 1 / d) as typeof x) : undefined;
    },
  },
  {
    name: 'exp(x - max x) -> exp_falling',
    op: 'exp',
    apply: ({ inputs: [d], b }) => {
      const n = from(d, 'sub');
      return n && isMaximumOf(n.inputs[1], n.inputs[0]) ? (b.un('exp_falling', d) as typeof d) : undefined;
    },
  },
  { name: 'neg neg x -> x', op: 'neg', apply: ({ inputs: [x] }) => from(x, 'neg')?.inputs[0] },
  {
    name: 'x^1, x^2, x^3, x^-1, x^0.5 -> products and roots',
    op: 'pow',
    apply: ({ inputs: [x, y], b }) => {
      const p = splatOf(y);
      if (p === 1) return x;
      if (p === 2) return b.mul(x, x) as typeof x;
      if (p === 3) return b.mul(b.mul(x, x), x) as typeof x;
      if (p === -1) return b.div(b.onesLike(x), x) as typeof x;
      return undefined;
    },
  },
  {
    name: 'select of a constant condition',
    op: 'select',
    apply: ({ inputs: [p, x, y] }) => {
      const c = splatOf(p);
      return c === undefined ? (x === y ? x : undefined) : c ? x : y;
    },
  },
  {
    name: 'convert to its own dtype -> x',
    op: 'convert',
    apply: ({ node, inputs: [x] }) => (dtypeAttr(node.attrs, 'dtype') === x.type.dtype ? x : undefined),
  },
  { name: 'stop_gradient x -> x', op: 'stop_gradient', apply: ({ inputs: [x] }) => x },
  { name: 'abs abs x -> abs x', op: 'abs', apply: ({ inputs: [x] }) => (from(x, 'abs') ? x : undefined) },
  { name: 'max(x, x) -> x', op: 'max', apply: ({ inputs: [x, y] }) => (x === y ? x : undefined) },
  { name: 'min(x, x) -> x', op: 'min', apply: ({ inputs: [x, y] }) => (x === y ? x : undefined) },
  {
    name: 'read(assign(s, v)) -> v',
    op: 'read',
    apply: ({ inputs: [s] }) => from(s, 'assign')?.inputs[1],
  },
  {
    name: 'assign(assign(s, u), v) -> assign(s, v)',
    op: 'assign',
    apply: ({ node, inputs: [s, v], b }) => {
      const first = from(s, 'assign');
      return first ? (b.emit(node.op, [first.inputs[0], v])[0] as typeof s) : undefined;
    },
  },
  {
    name: 'reduce over axes of size 1 -> reshape',
    op: 'reduce_sum',
    apply: ({ node, inputs: [x], b }) =>
      intsAttr(node.attrs, 'axes').every((a) => x.type.shape[a] === 1)
        ? (b.reshape(x, node.outputs[0].type.shape) as typeof x)
        : undefined,
  },
];
