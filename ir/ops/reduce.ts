// Reductions over axes, and the index of the extreme along one axis.

import type { Emitter } from '../emit.ts';
import { flatIndex, forEachIndex, type NDArray, ndarray } from '../ndarray.ts';
import type { GradCtx, GradRule } from '../op.ts';
import { defineOp, type InferCtx, intsAttr, numAttr, type OpDef, sample } from '../op.ts';
import { type DType, isStorage, shapeText, staticShape, tensorType } from '../types.ts';

const numeric: readonly DType[] = ['f32', 'f64', 'i32', 'u32'];

interface Reduction {
  doc: string;
  types: readonly DType[];
  /** Value of the empty reduction. */
  init: (t: DType) => number;
  ref: (acc: number, x: number, t: DType) => number;
  grad: GradRule | string;
}

/** The identity element of each reduction: what an empty reduction gives and accumulators start at. */
export const reduceInit: Readonly<Record<string, (t: DType) => number>> = {
  reduce_sum: () => 0,
  reduce_prod: () => 1,
  reduce_max: (t) => (t === 'i32' ? -2147483648 : t === 'u32' ? 0 : -Infinity),
  reduce_min: (t) => (t === 'i32' ? 2147483647 : t === 'u32' ? 4294967295 : Infinity),
  reduce_and: () => 1,
  reduce_or: () => 0,
};

function checkAxes(c: InferCtx, label: string): readonly number[] {
  const [x] = c.inputs;
  const axes = intsAttr(c.attrs, 'axes');
  c.check(
    axes.every((a, i) => Number.isInteger(a) && a >= 0 && a < x.shape.length && (i === 0 || a > axes[i - 1])),
    label,
    `axes [${axes}] for rank ${x.shape.length} ${shapeText(x.shape)}`,
  );
  return axes;
}

function reduction(name: string, r: Reduction): OpDef {
  const grad = typeof r.grad !== 'string';
  const dt = r.types[0];
  return defineOp({
    name,
    doc: r.doc,
    kind: 'reduce',
    arity: 1,
    constraints: {
      [`${name}_c1`]: 'axes must be distinct axes of the operand in ascending order',
      [`${name}_c2`]: `the operand's dtype must be one of ${r.types.join(', ')}`,
    },
    infer: (c) => {
      const [x] = c.inputs;
      const axes = checkAxes(c, `${name}_c1`);
      c.check(r.types.includes(x.dtype), `${name}_c2`, x.dtype);
      return [
        tensorType(
          x.dtype,
          x.shape.filter((_, i) => !axes.includes(i)),
        ),
      ];
    },
    grad: typeof r.grad === 'string' ? { none: r.grad } : r.grad,
    reference: ([x], attrs, [t]) => {
      const axes = intsAttr(attrs, 'axes');
      const out = ndarray(t.dtype, staticShape(t.shape));
      out.data.fill(r.init(t.dtype));
      forEachIndex(x.shape, (i, flat) => {
        const k = flatIndex(
          out.shape,
          i.filter((_, d) => !axes.includes(d)),
        );
        out.data[k] = r.ref(out.data[k], x.data[flat], t.dtype);
      });
      return [out];
    },
    samples: [
      sample([`${dt}[3,5]`], { axes: [1] }, grad),
      sample([`${dt}[4,7]`], { axes: [0] }, grad),
      sample([`${dt}[2,3,4]`], { axes: [0, 2] }, grad),
      sample([`${dt}[37]`], { axes: [0] }, grad),
      sample([`${dt}[3,0]`], { axes: [1] }, false),
      sample([`${dt}[0,3]`], { axes: [1] }, false),
      sample([[`${dt === 'bool' ? 'bool' : 'i32'}[2,9]`, -4, 4]], { axes: [0, 1] }, false),
    ],
  });
}

const spread = (b: Emitter, n: GradCtx, v: Parameters<Emitter['unreduce']>[0]) =>
  b.unreduce(v, intsAttr(n.attrs, 'axes'), n.inputs[0].type.shape);

reduction('reduce_sum', {
  doc: 'Sum over axes; integers wrap.',
  types: numeric,
  init: reduceInit.reduce_sum,
  ref: (a, x, t) => (t === 'i32' ? (a + x) | 0 : t === 'u32' ? (a + x) >>> 0 : a + x),
  grad: (b, n, [g]) => [spread(b, n, g)],
});
reduction('reduce_prod', {
  doc: 'Product over axes; integers wrap.',
  types: numeric,
  init: reduceInit.reduce_prod,
  ref: (a, x, t) => (t === 'i32' ? Math.imul(a, x) : t === 'u32' ? Math.imul(a, x) >>> 0 : a * x),
  // Product of the others. A zero makes y/x useless: with one zero only its own place gets a
  // gradient (the product of the rest), with two or more nothing does.
  grad: (b, n, [g]) => {
    const [x] = n.inputs;
    const axes = intsAttr(n.attrs, 'axes');
    const isZero = b.compare('eq', x, 0);
    const zeros = spread(b, n, b.sum(b.convert(isZero, 'i32'), axes));
    const safe = b.select(isZero, 1, x);
    const rest = spread(b, n, b.call('reduce_prod', [safe], { axes }));
    const here = b.convert(isZero, 'i32');
    // zeros elsewhere than here
    const others = b.call('sub', [zeros, here]);
    return [b.mul(spread(b, n, g), b.select(b.compare('eq', others, 0), b.div(rest, safe), 0))];
  },
});
/** The gradient is shared evenly among all elements that reach the extreme. */
const extreme: GradRule = (b, n, [g]) => {
  const [x] = n.inputs;
  const hit = b.convert(b.compare('eq', x, spread(b, n, n.outputs[0])), x.type.dtype);
  const count = b.sum(hit, intsAttr(n.attrs, 'axes'));
  return [b.mul(hit, spread(b, n, b.div(g, count)))];
};
reduction('reduce_max', {
  doc: 'Largest element over axes; NaN if any is.',
  types: numeric,
  init: reduceInit.reduce_max,
  ref: (a, x) => Math.max(a, x),
  grad: extreme,
});
reduction('reduce_min', {
  doc: 'Smallest element over axes; NaN if any is.',
  types: numeric,
  init: reduceInit.reduce_min,
  ref: (a, x) => Math.min(a, x),
  grad: extreme,
});
reduction('reduce_and', {
  doc: 'True where all are.',
  types: ['bool'],
  init: reduceInit.reduce_and,
  ref: (a, x) => a & x,
  grad: 'it is boolean',
});
reduction('reduce_or', {
  doc: 'True where any is.',
  types: ['bool'],
  init: reduceInit.reduce_or,
  ref: (a, x) => a | x,
  grad: 'it is boolean',
});

function argReduction(name: string, doc: string, better: (x: number, best: number) => boolean): OpDef {
  return defineOp({
    name,
    doc,
    kind: 'reduce',
    arity: 1,
    constraints: {
      [`${name}_c1`]: 'axis must be an axis of the operand, and that dimension at least 1',
      [`${name}_c2`]: "the operand's dtype must not be bool, nor one that only stores (i8, u8, f16)",
    },
    infer: (c) => {
      const [x] = c.inputs;
      const axis = numAttr(c.attrs, 'axis');
      c.check(
        Number.isInteger(axis) && axis >= 0 && axis < x.shape.length && x.shape[axis] !== 0,
        `${name}_c1`,
        `axis ${axis} of ${shapeText(x.shape)}`,
      );
      c.check(x.dtype !== 'bool' && !isStorage(x.dtype), `${name}_c2`, x.dtype, 'convert it first, to i32 or f32');
      return [
        tensorType(
          'i32',
          x.shape.filter((_, i) => i !== axis),
        ),
      ];
    },
    grad: { none: 'its result is an index' },
    reference: ([x], attrs, [t]) => {
      const axis = numAttr(attrs, 'axis');
      const shape = staticShape(t.shape);
      const out = ndarray('i32', shape);
      const best: NDArray = ndarray('f64', shape);
      forEachIndex(x.shape, (i, flat) => {
        const k = flatIndex(
          shape,
          i.filter((_, d) => d !== axis),
        );
        const v = x.data[flat];
        // The first NaN wins over everything.
        if (i[axis] === 0 || (!Number.isNaN(best.data[k]) && (Number.isNaN(v) || better(v, best.data[k])))) {
          best.data[k] = v;
          out.data[k] = i[axis];
        }
      });
      return [out];
    },
    samples: [
      sample(['f32[3,5]'], { axis: 1 }, false),
      sample(['f32[4,9]'], { axis: 0 }, false),
      sample([['i32[2,3,7]', 0, 3]], { axis: 2 }, false),
      sample(['f32[37]'], { axis: 0 }, false),
    ],
  });
}
argReduction(
  'arg_max',
  'Index of the first largest element along an axis; of the first NaN if there is one.',
  (x, b) => x > b,
);
argReduction(
  'arg_min',
  'Index of the first smallest element along an axis; of the first NaN if there is one.',
  (x, b) => x < b,
);
