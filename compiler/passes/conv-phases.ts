// A convolution over an input dilated with zeros (the input gradient of a strided one, a transposed one)
// multiplies mostly zeros: at dilation s, positions that are equal modulo s meet the same taps of the filter,
// one in s along an axis. So each of these phases becomes a convolution of its own over the input as it is,
// with its taps alone, and the results are interleaved.

import { type Builder, rewriteGraph } from '../../ir/builder.ts';
import type { Attrs, Graph, Val, Value } from '../../ir/graph.ts';
import { intsAttr, pairsAttr } from '../../ir/op.ts';
import { sizeOf } from '../../ir/types.ts';
import { fixed } from '../lower/views.ts';

export function convPhases(g: Graph): Graph {
  return rewriteGraph(g, (n, inputs, b) => {
    if (n.op.name !== 'conv') return undefined;
    const lhs = intsAttr(n.attrs, 'lhs_dilation');
    const [strides, rhs] = [intsAttr(n.attrs, 'strides'), intsAttr(n.attrs, 'rhs_dilation')];
    const split = lhs.some((s) => s > 1) && lhs.every((s, i) => s === 1 || (strides[i] === 1 && rhs[i] === 1));
    if (!split || sizeOf(n.outputs[0].type.shape) === 0 || inputs.some((x) => sizeOf(x.type.shape) === 0))
      return undefined;
    return [new Phases(b, inputs[0], inputs[1], n.attrs, fixed(n.outputs[0].type.shape)).value()];
  });
}

/** Of an axis: the taps that a phase takes from the filter, and the padding of the input for it. */
interface Phase {
  readonly first: number;
  readonly taps: number;
  readonly pad: readonly [number, number];
}

class Phases {
  readonly b: Builder;
  readonly x: Value;
  readonly w: Value;
  readonly attrs: Attrs;
  /** Shape of the result. */
  readonly shape: readonly number[];
  readonly dilation: readonly number[];

  constructor(b: Builder, x: Value, w: Value, attrs: Attrs, shape: readonly number[]) {
    this.b = b;
    this.x = x;
    this.w = w;
    this.attrs = attrs;
    this.shape = shape;
    this.dilation = intsAttr(attrs, 'lhs_dilation');
  }

  value(): Value {
    const whole = this.interleaved([]);
    const begin = this.shape.map(() => 0);
    return this.b.slice(whole, begin, this.shape) as Value;
  }

  /** The results of all phases that begin with those of the first axes, positions in their order. */
  interleaved(chosen: readonly number[]): Val {
    const axis = chosen.length;
    if (axis === this.dilation.length) return this.phase(chosen);
    const s = this.dilation[axis];
    const parts = Array.from({ length: s }, (_, p) => this.interleaved([...chosen, p]));
    if (s === 1) return parts[0];
    const shape = parts[0].type.shape as readonly number[];
    const at = axis + 2;
    const single = [...shape.slice(0, at), 1, ...shape.slice(at)];
    const together = this.b.concat(
      parts.map((p) => this.b.reshape(p, single)),
      at,
    );
    return this.b.reshape(together, [...shape.slice(0, at - 1), shape[at - 1] * s, ...shape.slice(at)]);
  }

  /** Positions of a phase along an axis, the last phase's rounded up to as many as the first has. */
  positions(axis: number): number {
    return Math.ceil(this.shape[axis + 1] / this.dilation[axis]);
  }

  /** Result position s q + p meets tap k where p + k is the low padding modulo s. */
  along(axis: number, p: number): Phase {
    const s = this.dilation[axis];
    const [low, high] = pairsAttr(this.attrs, 'pad')[axis];
    const kernel = fixed(this.w.type.shape)[axis];
    if (s === 1) return { first: 0, taps: kernel, pad: [low, high] };
    const first = (((low - p) % s) + s) % s;
    const taps = Math.max(0, Math.ceil((kernel - first) / s));
    const begin = (low - p - first) / s;
    const size = fixed(this.x.type.shape)[axis + 1];
    return { first, taps, pad: [begin, this.positions(axis) + taps - 1 - size - begin] };
  }

  phase(chosen: readonly number[]): Val {
    const { b } = this;
    const axes = chosen.map((p, axis) => this.along(axis, p));
    const spatial = axes.map((_, axis) => (this.dilation[axis] === 1 ? this.shape[axis + 1] : this.positions(axis)));
    const shape = [this.shape[0], ...spatial, this.shape[this.shape.length - 1]];
    // No tap meets this phase: a gradient that nothing flows to.
    if (axes.some((a) => a.taps === 0)) return b.splat({ dtype: this.x.type.dtype, shape }, 0);
    const channels = fixed(this.w.type.shape).slice(-2);
    const w = b.slice(
      this.w,
      [...axes.map((a) => a.first), 0, 0],
      [...axes.map((a) => a.taps), ...channels],
      [...this.dilation, 1, 1],
    );
    const ones = chosen.map(() => 1);
    return b.call('conv', [this.x, w], { ...this.attrs, lhs_dilation: ones, pad: axes.map((a) => [...a.pad]) });
  }
}
