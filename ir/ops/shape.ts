// Shape primitives: each is an index map from its result to its operands, so the compiler folds
// them into whatever reads them.

import type { Val } from '../graph.ts';
import { at, build, ndarray } from '../ndarray.ts';
import { defineOp, intsAttr, numAttr, sample, shapeAttr } from '../op.ts';
import {
  type Dim,
  dimEq,
  dimText,
  isOpen,
  type Shape,
  shapeEq,
  shapeSize,
  shapeText,
  staticShape,
  tensorType,
} from '../types.ts';

const isPerm = (p: readonly number[], rank: number) =>
  p.length === rank && new Set(p).size === rank && p.every((x) => Number.isInteger(x) && x >= 0 && x < rank);
const ints = (xs: readonly number[], min: number) => xs.every((x) => Number.isInteger(x) && x >= min);

defineOp({
  name: 'broadcast',
  doc: 'Places operand axis i at result axis dims[i]; size-1 axes stretch, the other axes are new.',
  kind: 'view',
  arity: 1,
  constraints: {
    broadcast_c1: 'dims must name one result axis, ascending, for each operand axis',
    broadcast_c2: "an operand's dimension must be 1 or equal the result's",
  },
  infer: (c) => {
    const [x] = c.inputs;
    const dims = intsAttr(c.attrs, 'dims');
    const shape = shapeAttr(c.attrs, 'shape');
    c.check(
      dims.length === x.shape.length &&
        dims.every((d, i) => d >= 0 && d < shape.length && (i === 0 || d > dims[i - 1])),
      'broadcast_c1',
      `dims [${dims}] for ${shapeText(x.shape)} to ${shapeText(shape)}`,
    );
    c.check(
      x.shape.every((d, i) => d === 1 || dimEq(d, shape[dims[i]])),
      'broadcast_c2',
      `${shapeText(x.shape)} to ${shapeText(shape)} with dims [${dims}]`,
    );
    return [tensorType(x.dtype, shape)];
  },
  grad: (b, n, [g]) => {
    const [x] = n.inputs;
    const dims = intsAttr(n.attrs, 'dims');
    const shape = g.type.shape;
    const axes = shape
      .map((_, i) => i)
      .filter((i) => {
        const at = dims.indexOf(i);
        return at < 0 || (x.type.shape[at] === 1 && shape[i] !== 1);
      });
    return [b.reshape(axes.length ? b.sum(g, axes) : g, x.type.shape)];
  },
  reference: ([x], attrs, [t]) => {
    const dims = intsAttr(attrs, 'dims');
    return [
      build(t.dtype, staticShape(t.shape), (i) =>
        at(
          x,
          dims.map((d, k) => (x.shape[k] === 1 ? 0 : i[d])),
        ),
      ),
    ];
  },
  samples: [
    sample(['f32[3]'], { dims: [1], shape: [2, 3] }),
    sample(['f32[2,1,3]'], { dims: [0, 1, 3], shape: [2, 5, 4, 3] }),
    sample(['f32[]'], { dims: [], shape: [2, 3] }),
    sample(['f32[3]'], { dims: [0], shape: [3, 0] }, false),
  ],
});

defineOp({
  name: 'reshape',
  doc: 'The same elements in row-major order under another shape.',
  kind: 'view',
  arity: 1,
  constraints: { reshape_c1: 'the new shape must have as many elements' },
  infer: (c) => {
    const [x] = c.inputs;
    const shape = shapeAttr(c.attrs, 'shape');
    c.check(
      shape.every((d) => isOpen(d) || (Number.isInteger(d) && d >= 0)) && dimEq(shapeSize(x.shape), shapeSize(shape)),
      'reshape_c1',
      `${shapeText(x.shape)} (${dimText(shapeSize(x.shape))} elements) to ${shapeText(shape)} (${dimText(shapeSize(shape))})`,
    );
    return [tensorType(x.dtype, shape)];
  },
  grad: (b, n, [g]) => [b.reshape(g, n.inputs[0].type.shape)],
  reference: ([x], _, [t]) => [ndarray(t.dtype, staticShape(t.shape), x.data)],
  samples: [
    sample(['f32[2,6]'], { shape: [3, 4] }),
    sample(['f32[1]'], { shape: [] }),
    sample(['f32[0,3]'], { shape: [3, 0, 2] }, false),
    sample(['i32[2,3,4]'], { shape: [24] }, false),
  ],
});

defineOp({
  name: 'transpose',
  doc: 'Axis i of the result is axis perm[i] of the operand.',
  kind: 'view',
  arity: 1,
  constraints: { transpose_c1: 'perm must be a permutation of the axes' },
  infer: (c) => {
    const [x] = c.inputs;
    const perm = intsAttr(c.attrs, 'perm');
    c.check(isPerm(perm, x.shape.length), 'transpose_c1', `perm [${perm}] for rank ${x.shape.length}`);
    return [
      tensorType(
        x.dtype,
        perm.map((p) => x.shape[p]),
      ),
    ];
  },
  grad: (b, n, [g]) => {
    const perm = intsAttr(n.attrs, 'perm');
    return [
      b.transpose(
        g,
        perm.map((_, i) => perm.indexOf(i)),
      ),
    ];
  },
  reference: ([x], attrs, [t]) => {
    const perm = intsAttr(attrs, 'perm');
    const src = new Array<number>(perm.length);
    return [
      build(t.dtype, staticShape(t.shape), (i) => {
        perm.forEach((p, k) => {
          src[p] = i[k];
        });
        return at(x, src);
      }),
    ];
  },
  samples: [
    sample(['f32[3,5]'], { perm: [1, 0] }),
    sample(['f32[2,3,4,5]'], { perm: [2, 0, 3, 1] }),
    sample(['i32[3,0,2]'], { perm: [2, 1, 0] }, false),
    sample(['f32[33,65]'], { perm: [1, 0] }, false),
  ],
});

defineOp({
  name: 'slice',
  doc: 'Per axis `size` elements from `begin` on, `strides` apart.',
  kind: 'view',
  arity: 1,
  constraints: {
    slice_c1: 'begin, size and strides must have one entry per axis, strides at least 1',
    slice_c2: 'every chosen index must lie inside its dimension',
  },
  infer: (c) => {
    const [x] = c.inputs;
    const [begin, size, strides] = ['begin', 'size', 'strides'].map((k) => intsAttr(c.attrs, k));
    const rank = x.shape.length;
    c.check(
      begin.length === rank &&
        size.length === rank &&
        strides.length === rank &&
        ints(begin, 0) &&
        ints(size, 0) &&
        ints(strides, 1),
      'slice_c1',
      `begin [${begin}], size [${size}], strides [${strides}] for rank ${rank}`,
    );
    // A whole open axis may pass; a part of it may not, its size being unknown.
    const shape: Dim[] = x.shape.map((d, i) => {
      if (isOpen(d)) {
        c.check(
          begin[i] === 0 && strides[i] === 1 && size[i] === d.bound * d.scale,
          'slice_c2',
          `a part of the open axis ${i}`,
        );
        return d;
      }
      c.check(
        size[i] === 0 || begin[i] + (size[i] - 1) * strides[i] < d,
        'slice_c2',
        `begin ${begin[i]}, size ${size[i]}, stride ${strides[i]} on axis ${i} of ${shapeText(x.shape)}`,
      );
      return size[i];
    });
    return [tensorType(x.dtype, shape)];
  },
  grad: (b, n, [g]) => {
    const x = n.inputs[0].type.shape;
    const [begin, size, strides] = ['begin', 'size', 'strides'].map((k) => intsAttr(n.attrs, k));
    const used = size.map((s, i) => (s === 0 ? 0 : (s - 1) * strides[i] + 1));
    const high = x.map((d, i) => (isOpen(d) ? 0 : d - begin[i] - used[i]));
    return [
      b.pad(
        g,
        begin,
        high,
        strides.map((s) => s - 1),
      ),
    ];
  },
  reference: ([x], attrs, [t]) => {
    const [begin, strides] = ['begin', 'strides'].map((k) => intsAttr(attrs, k));
    return [
      build(t.dtype, staticShape(t.shape), (i) =>
        at(
          x,
          i.map((v, d) => begin[d] + v * strides[d]),
        ),
      ),
    ];
  },
  samples: [
    sample(['f32[5,6]'], { begin: [1, 2], size: [3, 3], strides: [1, 1] }),
    sample(['f32[7,9]'], { begin: [0, 1], size: [3, 3], strides: [3, 2] }),
    sample(['f32[4]'], { begin: [2], size: [0], strides: [1] }, false),
    sample(['i32[40]'], { begin: [3], size: [12], strides: [3] }, false),
  ],
});

defineOp({
  name: 'pad',
  doc: 'Surrounds the first operand with the second (a scalar): low and high amounts per axis (negative ones crop) and `interior` gaps between elements.',
  kind: 'view',
  arity: 2,
  constraints: {
    pad_c1: 'low, high and interior must have one entry per axis, interior at least 0',
    pad_c2: 'the padding value must be a scalar of the same dtype',
    pad_c3: 'no resulting dimension may be negative, and an open axis is not padded',
  },
  infer: (c) => {
    const [x, v] = c.inputs;
    const [low, high, interior] = ['low', 'high', 'interior'].map((k) => intsAttr(c.attrs, k));
    const rank = x.shape.length;
    c.check(
      low.length === rank && high.length === rank && interior.length === rank && ints(interior, 0),
      'pad_c1',
      `low [${low}], high [${high}], interior [${interior}] for rank ${rank}`,
    );
    c.check(v.shape.length === 0 && v.dtype === x.dtype, 'pad_c2', `${v.dtype}${shapeText(v.shape)}`);
    const shape = x.shape.map((d, i): Dim => {
      if (isOpen(d)) {
        c.check(low[i] === 0 && high[i] === 0 && interior[i] === 0, 'pad_c3', `padding on the open axis ${i}`);
        return d;
      }
      const n = low[i] + high[i] + d + Math.max(0, d - 1) * interior[i];
      c.check(n >= 0, 'pad_c3', `${n} on axis ${i}`);
      return n;
    });
    return [tensorType(x.dtype, shape)];
  },
  grad: (b, n, [g]) => {
    const [x] = n.inputs;
    const [low, high, interior] = ['low', 'high', 'interior'].map((k) => intsAttr(n.attrs, k));
    const dx = () => {
      // Undo the padding (crop), then keep every (interior + 1)-th element.
      const cropped = b.pad(
        g,
        low.map((l) => -l),
        high.map((h) => -h),
      );
      const size = x.type.shape.map((d) => (isOpen(d) ? d.bound * d.scale : d));
      return b.slice(
        cropped,
        low.map(() => 0),
        size,
        interior.map((k) => k + 1),
      );
    };
    const grad = n.needs[0] || n.needs[1] ? dx() : null;
    return [n.needs[0] ? grad : null, n.needs[1] ? b.sub(b.sum(g), b.sum(grad as Val)) : null];
  },
  reference: ([x, v], attrs, [t]) => {
    const [low, interior] = ['low', 'interior'].map((k) => intsAttr(attrs, k));
    return [
      build(t.dtype, staticShape(t.shape), (i) => {
        const src = i.map((k, d) => (k - low[d]) / (interior[d] + 1));
        return src.every((s, d) => Number.isInteger(s) && s >= 0 && s < x.shape[d]) ? at(x, src) : v.data[0];
      }),
    ];
  },
  samples: [
    sample(['f32[3,4]', 'f32[]'], { low: [1, 0], high: [0, 2], interior: [0, 0] }),
    sample(['f32[3,4]', 'f32[]'], { low: [-1, 1], high: [1, -1], interior: [1, 2] }),
    sample(['f32[0,2]', 'f32[]'], { low: [1, 1], high: [1, 1], interior: [0, 0] }, false),
    sample([['i32[9]', 0, 9], 'i32[]'], { low: [-2], high: [5], interior: [1] }, false),
  ],
});

defineOp({
  name: 'concat',
  doc: 'The operands one after another along `axis`.',
  kind: 'view',
  arity: 1,
  variadic: true,
  constraints: {
    concat_c1: 'axis must be an axis of the operands',
    concat_c2: 'all operands must have one dtype',
    concat_c3: 'all operands must have one shape but for the axis, which is not open',
  },
  infer: (c) => {
    const [x] = c.inputs;
    const axis = numAttr(c.attrs, 'axis');
    c.check(
      Number.isInteger(axis) && axis >= 0 && axis < x.shape.length,
      'concat_c1',
      `axis ${axis} for rank ${x.shape.length}`,
    );
    c.check(
      c.inputs.every((t) => t.dtype === x.dtype),
      'concat_c2',
      c.inputs.map((t) => t.dtype).join(', '),
    );
    const rest = (s: Shape) => s.filter((_, i) => i !== axis);
    c.check(
      c.inputs.every(
        (t) =>
          t.shape.length === x.shape.length &&
          shapeEq(rest(t.shape), rest(x.shape)) &&
          typeof t.shape[axis] === 'number',
      ),
      'concat_c3',
      c.inputs.map((t) => shapeText(t.shape)).join(', '),
    );
    const n = c.inputs.reduce((s, t) => s + (t.shape[axis] as number), 0);
    return [
      tensorType(
        x.dtype,
        x.shape.map((d, i) => (i === axis ? n : d)),
      ),
    ];
  },
  grad: (b, n, [g]) => {
    const axis = numAttr(n.attrs, 'axis');
    let at = 0;
    return n.inputs.map((x, k) => {
      const begin = g.type.shape.map((_, i) => (i === axis ? at : 0));
      at += x.type.shape[axis] as number;
      return n.needs[k]
        ? b.slice(
            g,
            begin,
            x.type.shape.map((d) => (isOpen(d) ? d.bound * d.scale : d)),
          )
        : null;
    });
  },
  reference: (xs, attrs, [t]) => {
    const axis = numAttr(attrs, 'axis');
    return [
      build(t.dtype, staticShape(t.shape), (i) => {
        let k = i[axis];
        for (const x of xs) {
          if (k < x.shape[axis])
            return at(
              x,
              i.map((v, d) => (d === axis ? k : v)),
            );
          k -= x.shape[axis];
        }
        return Number.NaN;
      }),
    ];
  },
  samples: [
    sample(['f32[2,3]', 'f32[2,1]', 'f32[2,5]'], { axis: 1 }),
    sample(['f32[2,3]', 'f32[4,3]'], { axis: 0 }),
    sample(['f32[0,3]', 'f32[4,3]'], { axis: 0 }, false),
    sample(['i32[9]'], { axis: 0 }, false),
  ],
});

defineOp({
  name: 'reverse',
  doc: 'Runs the given axes backwards.',
  kind: 'view',
  arity: 1,
  constraints: { reverse_c1: 'axes must be distinct axes of the operand, none of them open' },
  infer: (c) => {
    const [x] = c.inputs;
    const axes = intsAttr(c.attrs, 'axes');
    c.check(
      new Set(axes).size === axes.length && axes.every((a) => a >= 0 && a < x.shape.length && !isOpen(x.shape[a])),
      'reverse_c1',
      `axes [${axes}] of ${shapeText(x.shape)}`,
    );
    return [x];
  },
  grad: (b, n, [g]) => [b.reverse(g, intsAttr(n.attrs, 'axes'))],
  reference: ([x], attrs, [t]) => {
    const axes = intsAttr(attrs, 'axes');
    return [
      build(t.dtype, x.shape, (i) =>
        at(
          x,
          i.map((v, d) => (axes.includes(d) ? x.shape[d] - 1 - v : v)),
        ),
      ),
    ];
  },
  samples: [
    sample(['f32[3,5]'], { axes: [1] }),
    sample(['f32[2,3,4]'], { axes: [0, 2] }),
    sample(['i32[9]'], { axes: [0] }, false),
  ],
});
