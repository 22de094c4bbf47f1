// Convolutions that are plain products: a kernel of one tap per axis, at stride 1 and without padding,
// multiplies every position's channels by one matrix, so all positions can share one row axis.

import type { Attrs } from '../../ir/graph.ts';
import { intsAttr, numAttr, pairsAttr } from '../../ir/op.ts';
import type { Shape } from '../../ir/types.ts';
import type { Rule } from './rules.ts';

const ones = (xs: readonly number[]) => xs.every((x) => x === 1);
const pointwise = (attrs: Attrs, kernel: Shape): boolean =>
  kernel.every((k) => k === 1) &&
  ones(intsAttr(attrs, 'strides')) &&
  ones(intsAttr(attrs, 'lhs_dilation')) &&
  numAttr(attrs, 'groups') === 1 &&
  pairsAttr(attrs, 'pad').every(([l, h]) => l === 0 && h === 0);

export const convolution: readonly Rule[] = [
  {
    name: 'conv with a 1x1 kernel -> dot_general',
    op: 'conv',
    apply: ({ node, inputs: [x, w], b }) => {
      const shape = w.type.shape;
      if (!pointwise(node.attrs, shape.slice(0, -2))) return undefined;
      return b.dot(x, b.reshape(w, shape.slice(-2)), [[x.type.shape.length - 1], [0]]) as typeof x;
    },
  },
  {
    name: 'conv_filter_grad of a 1x1 kernel -> dot_general',
    op: 'conv_filter_grad',
    apply: ({ node, inputs: [x, g], b }) => {
      if (!pointwise(node.attrs, intsAttr(node.attrs, 'kernel'))) return undefined;
      const positions = x.type.shape.map((_, i) => i).slice(0, -1);
      return b.reshape(b.dot(x, g, [positions, positions]), node.outputs[0].type.shape) as typeof x;
    },
  },
];
