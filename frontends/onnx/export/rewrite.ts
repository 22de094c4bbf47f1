// Graphs in terms of operations that have a writer: composites expand, calls become what they call, and what is a loop by
// definition becomes one.

import { type Builder, rewriteGraph } from '../../../ir/builder.ts';
import type { Graph, Node, Val } from '../../../ir/graph.ts';
import { opByName } from '../../../ir/op.ts';
import { buildRegion, inlineGraph } from '../../../ir/region.ts';
import { tensorType } from '../../../ir/types.ts';
import { range } from '../../formats/functions.ts';

type Rewrite = (n: Node, x: readonly Val[], b: Builder) => readonly Val[];

/** One step along an axis: from what was before and the elements there, the next value. */
const steps =
  (
    start: (b: Builder, n: Node, like: Val) => Val,
    next: (b: Builder, before: Val, x: readonly Val[]) => Val,
  ): Rewrite =>
  (n, xs, b) => {
    const axis = n.attrs.axis as number;
    const { shape } = xs[0].type;
    const front = [axis, ...range(shape.length).filter((i) => i !== axis)];
    const rows = xs.map((x) => b.transpose(x, front));
    const slice = tensorType(
      xs[0].type.dtype,
      front.slice(1).map((i) => shape[i]),
    );
    const region = buildRegion('step', [slice, ...xs.map(() => slice)], (r, [before, ...x]) => {
      const now = next(r, before, x);
      return [now, n.attrs.exclusive ? before : now];
    });
    const attrs = { length: shape[axis] as number, carry: 1, ...(n.attrs.reverse ? { reverse: true } : {}) };
    const [, y] = b.emit(opByName('scan'), [start(b, n, b.splat(slice, 0)), ...rows], attrs, [region]);
    return [
      b.transpose(
        y,
        front.map((_, i) => front.indexOf(i)),
      ),
    ];
  };
const extreme = (x: number, integer: number) => (b: Builder, _: Node, like: Val) =>
  b.splat(
    like.type,
    like.type.dtype === 'f32' || like.type.dtype === 'f64'
      ? x
      : like.type.dtype === 'u32'
        ? x < 0
          ? 0
          : 2 ** 32 - 1
        : integer,
  );

/** The gradient by the kernel is a convolution with images and channels exchanged, group by group. */
const filterGrad: Rewrite = (n, [x, g], b) => {
  if (g.type.shape.includes(0)) return [b.splat(n.outputs[0].type, 0)];
  const { strides, pad, lhs_dilation, rhs_dilation, groups, kernel } = n.attrs as Record<string, readonly number[]>;
  const count = groups as unknown as number;
  const space = range(kernel.length).map((i) => i + 1);
  const last = kernel.length + 1;
  const part = (v: Val, k: number) => {
    const each = (v.type.shape[last] as number) / count;
    const begin = v.type.shape.map((_, i) => (i === last ? k * each : 0));
    return b.slice(v, begin, v.type.shape.map((d, i) => (i === last ? each : d)) as number[]);
  };
  const all = range(count).map((k) => {
    const images = b.transpose(part(x, k), [last, ...space, 0]);
    const taps = b.transpose(part(g, k), [...space, 0, last]);
    const attrs = { strides: rhs_dilation, pad, lhs_dilation, rhs_dilation: strides, groups: 1 };
    const y = b.call('conv', [images, taps], attrs);
    const cut = b.slice(
      y,
      y.type.shape.map(() => 0),
      y.type.shape.map((d, i) => (space.includes(i) ? kernel[i - 1] : d)) as number[],
    );
    return b.transpose(cut, [...space, 0, last]);
  });
  return [b.concat(all, last)];
};

const loops: Readonly<Record<string, Rewrite>> = {
  cumulative_prod: steps(
    (b, _, like) => b.onesLike(like),
    (b, before, [x]) => b.mul(before, x),
  ),
  cumulative_max: steps(extreme(Number.NEGATIVE_INFINITY, -(2 ** 31)), (b, before, [x]) => b.max(before, x)),
  cumulative_min: steps(extreme(Number.POSITIVE_INFINITY, 2 ** 31 - 1), (b, before, [x]) => b.min(before, x)),
  linear_recurrence: steps(
    (_, __, like) => like,
    (b, before, [a, x]) => b.add(b.mul(a, before), x),
  ),
  conv_filter_grad: filterGrad,
};

const isCall = (n: Node): boolean => n.op.name === 'call' || n.op.name === 'custom_gradient';

/** The graph with operations that `has` knows, as far as they expand. Regions too. */
export function writable(g: Graph, has: (op: string) => boolean): Graph {
  let out = g;
  const changes = (n: Node) =>
    isCall(n) || (!has(n.op.name) && (Object.hasOwn(loops, n.op.name) || n.op.expand !== undefined));
  while (out.nodes.some(changes))
    out = rewriteGraph(out, (n, inputs, b) => {
      if (!changes(n)) return undefined;
      if (isCall(n)) return inlineGraph(b, n.regions[0], inputs);
      if (Object.hasOwn(loops, n.op.name)) return loops[n.op.name](n, inputs, b);
      return n.op.expand?.(b, inputs, n.attrs);
    });
  return out;
}
