// Convolution over 1 to 3 spatial axes and its filter gradient. Activations are [N, spatial..., C],
// kernels [spatial..., Cin / groups, Cout]. The two ops are closed under differentiation: the
// gradient of conv by its input is conv again, and both gradients of conv_filter_grad are conv.

import type { Emitter } from '../emit.ts';
import type { Attrs, Val } from '../graph.ts';
import { at, build, forEachIndex, type NDArray } from '../ndarray.ts';
import { defineOp, type InferCtx, intsAttr, numAttr, pairsAttr, type Sample, sample } from '../op.ts';
import {
  type Dim,
  dimEq,
  isFloat,
  type Shape,
  shapeEq,
  shapeText,
  staticShape,
  type TensorType,
  tensorType,
} from '../types.ts';

/** Per spatial axis: stride, padding, and the dilation of the input and of the kernel. */
interface Geometry {
  readonly strides: readonly number[];
  readonly pad: readonly (readonly number[])[];
  readonly lhs: readonly number[];
  readonly rhs: readonly number[];
  readonly groups: number;
}

const geometry = (a: Attrs): Geometry => ({
  strides: intsAttr(a, 'strides'),
  pad: pairsAttr(a, 'pad'),
  lhs: intsAttr(a, 'lhs_dilation'),
  rhs: intsAttr(a, 'rhs_dilation'),
  groups: numAttr(a, 'groups'),
});
const geometryAttrs = (g: Geometry): Attrs => ({
  strides: g.strides,
  pad: g.pad,
  lhs_dilation: g.lhs,
  rhs_dilation: g.rhs,
  groups: g.groups,
});

/** Size of n elements with d - 1 gaps between neighbours. */
const dilated = (n: number, d: number): number => (n === 0 ? 0 : (n - 1) * d + 1);

/** Number of kernel positions along one spatial axis; 0 where the kernel does not fit. */
function convOutSize(n: number, k: number, g: Geometry, i: number): number {
  const room = dilated(n, g.lhs[i]) + g.pad[i][0] + g.pad[i][1] - dilated(k, g.rhs[i]);
  return room < 0 ? 0 : Math.floor(room / g.strides[i]) + 1;
}

const rule = (name: string) => ({
  [`${name}_c1`]: 'both operands must have one dtype, which is a float',
  [`${name}_c2`]: 'the operands must have the same rank, 3 to 5: batch, 1 to 3 spatial axes, channels',
  [`${name}_c3`]:
    'strides, lhs_dilation and rhs_dilation must have one entry of at least 1 per spatial axis, pad one pair [low, high]',
  [`${name}_c4`]: 'spatial and channel dimensions must be fixed, and kernel sizes at least 1',
  [`${name}_c5`]: 'groups must be at least 1 and divide the input channels and the output channels',
});

/** The checks of attributes and sizes that both ops share. */
function checkGeometry(c: InferCtx, kernel: readonly Dim[], cin: Dim, cout: Dim): void {
  const [x, y] = c.inputs;
  const name = c.op.name;
  const n = x.shape.length - 2;
  const { strides, pad, lhs, rhs, groups } = geometry(c.attrs);
  const each = (v: readonly number[]) => v.length === n && v.every((s) => Number.isInteger(s) && s >= 1);
  const pairs = pad.length === n && pad.every((p) => p.length === 2 && p.every(Number.isInteger));
  c.check(
    each(strides) && each(lhs) && each(rhs) && pairs,
    `${name}_c3`,
    `strides [${strides}], pad ${JSON.stringify(pad)}, lhs_dilation [${lhs}], rhs_dilation [${rhs}] for ${n} spatial axes`,
  );
  const fixed = [...x.shape.slice(1), ...y.shape.slice(1), ...kernel, cin, cout].every((d) => typeof d === 'number');
  c.check(
    fixed && kernel.length === n && kernel.every((k) => Number.isInteger(k) && (k as number) >= 1),
    `${name}_c4`,
    `kernel sizes [${kernel}] on ${shapeText(x.shape)}`,
  );
  const divides = (d: Dim) => (d as number) % groups === 0;
  c.check(
    Number.isInteger(groups) && groups >= 1 && divides(cin) && divides(cout),
    `${name}_c5`,
    `${groups} groups for ${cin} input and ${cout} output channels`,
  );
}

function checkOperands(c: InferCtx): void {
  const [x, y] = c.inputs;
  c.check(
    x.dtype === y.dtype && isFloat(x.dtype),
    `${c.op.name}_c1`,
    `${x.dtype} and ${y.dtype}`,
    'convert one of them',
  );
  const rank = x.shape.length;
  c.check(
    rank >= 3 && rank <= 5 && y.shape.length === rank,
    `${c.op.name}_c2`,
    `ranks ${rank} and ${y.shape.length}`,
    'add the batch axis or the channel axis?',
  );
}

const outSpatial = (x: Shape, kernel: readonly Dim[], g: Geometry): number[] =>
  kernel.map((k, i) => convOutSize(x[i + 1] as number, k as number, g, i));

/**
 * Where kernel tap `k` of result position `o` reads the input along spatial axis i, or -1 for padding
 * and for the gaps of a dilated input.
 */
function source(g: Geometry, i: number, o: number, k: number, size: number): number {
  const s = (o * g.strides[i] + k * g.rhs[i] - g.pad[i][0]) / g.lhs[i];
  return Number.isInteger(s) && s >= 0 && s < size ? s : -1;
}

/** Calls `f` with the input index of every tap inside the input, for one result position. */
function forEachTap(
  x: NDArray,
  kernel: readonly number[],
  g: Geometry,
  o: readonly number[],
  f: (ix: number[], k: readonly number[]) => void,
): void {
  const ix = new Array<number>(kernel.length + 2).fill(0);
  ix[0] = o[0];
  forEachIndex(kernel, (k) => {
    for (let i = 0; i < kernel.length; i++) {
      ix[i + 1] = source(g, i, o[i + 1], k[i], x.shape[i + 1]);
      if (ix[i + 1] < 0) return;
    }
    f(ix, k);
  });
}

/** The kernel for the way back: reversed in space, input and output channels swapped in each group. */
function backwardKernel(b: Emitter, w: Val, groups: number): Val {
  const n = w.type.shape.length - 2;
  const space = w.type.shape.slice(0, n);
  const [ci, co] = w.type.shape.slice(n) as number[];
  const axes = space.map((_, i) => i);
  const r = b.reverse(w, axes);
  if (groups === 1) return b.transpose(r, [...axes, n + 1, n]);
  const split = b.reshape(r, [...space, ci, groups, co / groups]);
  const swapped = b.transpose(split, [...axes, n + 2, n + 1, n]);
  return b.reshape(swapped, [...space, co / groups, groups * ci]);
}

/**
 * Gradient of conv by its input x, given the cotangent g of its result. A result position o touches
 * input (dilated) positions o*stride + k*rhs - low; so g, dilated by the stride, runs under the
 * reversed kernel. Of the dilated input only every lhs_dilation-th position exists: that is the
 * stride. The high padding is what gives exactly x's size.
 */
function inputGrad(b: Emitter, x: TensorType, w: Val, g: Val, attrs: Attrs): Val {
  const geo = geometry(attrs);
  const n = x.shape.length - 2;
  const pad = Array.from({ length: n }, (_, i) => {
    const size = x.shape[i + 1] as number;
    const reach = dilated(w.type.shape[i] as number, geo.rhs[i]);
    const low = reach - 1 - geo.pad[i][0];
    const total = (size === 0 ? -1 : (size - 1) * geo.lhs[i]) + reach;
    return [low, total - low - dilated(g.type.shape[i + 1] as number, geo.strides[i])];
  });
  const back: Geometry = { strides: geo.lhs, pad, lhs: geo.strides, rhs: geo.rhs, groups: geo.groups };
  return b.call('conv', [g, backwardKernel(b, w, geo.groups)], geometryAttrs(back));
}

/** low, high, low, high … in pairs. */
function pads(...p: readonly number[]): number[][] {
  return p.flatMap((low, i) => (i % 2 ? [] : [[low, p[i + 1]]]));
}
interface ConvCase extends Partial<Geometry> {
  readonly x: readonly number[];
  readonly w: readonly number[];
}
const small: readonly ConvCase[] = [
  { x: [2, 4, 5, 3], w: [3, 2, 3, 2] },
  { x: [1, 5, 6, 2], w: [3, 3, 2, 3], strides: [2, 3], pad: pads(1, 1, 0, 1) },
  { x: [2, 6, 5, 4], w: [2, 3, 2, 4], groups: 2, rhs: [2, 1], pad: pads(2, 0, 1, 1) },
  { x: [1, 3, 4, 2], w: [3, 2, 2, 2], lhs: [2, 3], pad: pads(1, 2, 0, 1) },
  { x: [1, 4, 5, 6], w: [2, 2, 2, 3], strides: [2, 1], lhs: [3, 2], rhs: [2, 3], groups: 3, pad: pads(2, 1, -1, 2) },
  { x: [1, 6, 7, 2], w: [2, 3, 2, 2], strides: [3, 2], pad: pads(-1, 1, 1, -2) },
  { x: [1, 5, 5, 3], w: [3, 3, 1, 6], groups: 3, pad: pads(1, 1, 1, 1) },
  { x: [2, 9, 3], w: [4, 3, 2], strides: [2], pad: pads(1, 2) },
  { x: [1, 3, 4, 3, 2], w: [2, 2, 2, 1, 2], groups: 2, strides: [1, 2, 1], pad: pads(1, 0, 0, 1, 1, 1) },
];
/** Empty results, and sizes that fill and overlap the tiles of compiled kernels. */
const forwardOnly: readonly ConvCase[] = [
  { x: [1, 2, 2, 1], w: [3, 3, 1, 2] },
  { x: [0, 4, 4, 2], w: [3, 3, 2, 2] },
  { x: [2, 11, 13, 8], w: [3, 3, 8, 20], pad: pads(1, 1, 1, 1) },
  // What Winograd's algorithm takes: tiles cut at the border, cropping, tails of channels, one tile, many.
  { x: [2, 9, 10, 9], w: [3, 3, 9, 12], pad: pads(-1, 2, 2, 0) },
  { x: [1, 16, 7, 24], w: [3, 3, 24, 8], pad: pads(0, 1, 3, 0) },
  { x: [5, 6, 6, 17], w: [3, 3, 17, 33] },
  { x: [1, 23, 26, 32], w: [3, 3, 32, 31], pad: pads(2, 2, 2, 2) },
  { x: [3, 14, 14, 5], w: [5, 5, 5, 9], strides: [2, 2], pad: pads(2, 2, 1, 2) },
  { x: [2, 10, 10, 16], w: [3, 3, 1, 16], groups: 16, pad: pads(1, 1, 1, 1) },
  { x: [2, 9, 7, 21], w: [3, 5, 1, 21], groups: 21, strides: [2, 1], pad: pads(1, 0, 3, 2) },
  { x: [1, 11, 14, 6], w: [3, 3, 1, 6], groups: 6, rhs: [2, 3], pad: pads(2, 2, -1, 4) },
  { x: [4, 8, 8, 3], w: [1, 1, 3, 17] },
  // One tap an axis: a plain product, with and without a stride in the way.
  { x: [2, 5, 7, 9], w: [1, 1, 9, 13] },
  { x: [2, 5, 7, 9], w: [1, 1, 9, 13], strides: [2, 1] },
];
/** Samples whose second operand has the shape that `second` gives. */
const samples = (second: (c: ConvCase, g: Geometry) => readonly Dim[], kernel: boolean): Sample[] =>
  [...small, ...forwardOnly].map((c) => {
    const n = c.x.length - 2;
    const ones = new Array<number>(n).fill(1);
    const g: Geometry = { strides: ones, lhs: ones, rhs: ones, pad: ones.map(() => [0, 0]), groups: 1, ...c };
    const attrs = kernel ? { ...geometryAttrs(g), kernel: c.w.slice(0, n) } : geometryAttrs(g);
    return sample([`f32[${c.x}]`, `f32[${second(c, g)}]`], attrs, small.includes(c));
  });

defineOp({
  name: 'conv',
  doc: 'Cross-correlation (convolution without reversing, as TensorFlow) of x [N, spatial..., Cin] with a kernel [spatial..., Cin / groups, Cout] to [N, spatial..., Cout]. The input is dilated by lhs_dilation, padded (negative amounts crop), then the kernel, dilated by rhs_dilation, steps over it by strides.',
  kind: 'contraction',
  arity: 2,
  constraints: {
    ...rule('conv'),
    conv_c6: "the kernel's next to last dimension must be the input channels / groups",
  },
  infer: (c) => {
    checkOperands(c);
    const [x, w] = c.inputs;
    const n = x.shape.length - 2;
    const kernel = w.shape.slice(0, n);
    const cin = x.shape[n + 1];
    const cout = w.shape[n + 1];
    checkGeometry(c, kernel, cin, cout);
    const g = geometry(c.attrs);
    c.check(
      w.shape[n] === (cin as number) / g.groups,
      'conv_c6',
      `kernel ${shapeText(w.shape)} with ${g.groups} groups on input ${shapeText(x.shape)}`,
    );
    return [tensorType(x.dtype, [x.shape[0], ...outSpatial(x.shape, kernel, g), cout])];
  },
  grad: (b, n, [g]) => {
    const [x, w] = n.inputs;
    const kernel = w.type.shape.slice(0, -2) as number[];
    return [
      n.needs[0] ? inputGrad(b, x.type, w, g, n.attrs) : null,
      n.needs[1] ? b.call('conv_filter_grad', [x, g], { ...n.attrs, kernel }) : null,
    ];
  },
  reference: ([x, w], attrs, [t]) => {
    const g = geometry(attrs);
    const n = x.shape.length - 2;
    const kernel = w.shape.slice(0, n);
    const ci = w.shape[n];
    const perGroup = w.shape[n + 1] / g.groups;
    return [
      build(t.dtype, staticShape(t.shape), (o) => {
        const co = o[n + 1];
        const first = Math.floor(co / perGroup) * ci;
        let s = 0;
        forEachTap(x, kernel, g, o, (ix, k) => {
          for (let c = 0; c < ci; c++) {
            ix[n + 1] = first + c;
            s += at(x, ix) * at(w, [...k, c, co]);
          }
        });
        return s;
      }),
    ];
  },
  samples: samples((c) => c.w, false),
});

defineOp({
  name: 'conv_filter_grad',
  doc: "Gradient of conv by its kernel: from x [N, spatial..., Cin] and the cotangent g [N, spatial..., Cout] of conv's result the sums over batch and result positions, [kernel..., Cin / groups, Cout]. `kernel` gives the spatial sizes, the other attributes are conv's.",
  kind: 'contraction',
  arity: 2,
  constraints: {
    ...rule('conv_filter_grad'),
    conv_filter_grad_c6: 'the second operand must have the shape of the result of that conv',
  },
  infer: (c) => {
    checkOperands(c);
    const [x, g] = c.inputs;
    const kernel = intsAttr(c.attrs, 'kernel');
    const n = x.shape.length - 2;
    const cin = x.shape[n + 1];
    const cout = g.shape[n + 1];
    checkGeometry(c, kernel, cin, cout);
    const geo = geometry(c.attrs);
    const want = [x.shape[0], ...outSpatial(x.shape, kernel, geo), cout];
    c.check(
      dimEq(x.shape[0], g.shape[0]) && shapeEq(g.shape, want),
      'conv_filter_grad_c6',
      `${shapeText(g.shape)} instead of ${shapeText(want)}`,
    );
    return [tensorType(x.dtype, [...kernel, (cin as number) / geo.groups, cout])];
  },
  grad: (b, n, [dw]) => {
    const [x, g] = n.inputs;
    const { kernel: _, ...attrs } = n.attrs;
    return [n.needs[0] ? inputGrad(b, x.type, dw, g, attrs) : null, n.needs[1] ? b.call('conv', [x, dw], attrs) : null];
  },
  reference: ([x, g], attrs, [t]) => {
    const geo = geometry(attrs);
    const kernel = intsAttr(attrs, 'kernel');
    const n = kernel.length;
    const ci = staticShape(t.shape)[n];
    const perGroup = g.shape[n + 1] / geo.groups;
    const out = build(t.dtype, staticShape(t.shape), () => 0);
    forEachIndex(g.shape, (o, flat) => {
      const co = o[n + 1];
      const first = Math.floor(co / perGroup) * ci;
      forEachTap(x, kernel, geo, o, (ix, k) => {
        for (let c = 0; c < ci; c++) {
          ix[n + 1] = first + c;
          const tap = k.reduce((a, v, i) => a * kernel[i] + v, 0);
          out.data[(tap * ci + c) * g.shape[n + 1] + co] += at(x, ix) * g.data[flat];
        }
      });
    });
    return [out];
  },
  samples: samples((c, g) => [c.x[0], ...outSpatial(c.x, c.w.slice(0, -2), g), c.w[c.w.length - 1]], true),
});
