// Running reductions along one axis, and the linear recurrence that their gradients need.

import type { Emitter } from '../emit.ts';
import type { Attrs, Val } from '../graph.ts';
import { flatIndex, forEachIndex, type NDArray, ndarray } from '../ndarray.ts';
import {
  boolAttr,
  defineComposite,
  defineOp,
  type GradRule,
  type InferCtx,
  numAttr,
  type OpDef,
  sample,
} from '../op.ts';
import { type DType, isFloat, isOpen, shapeText, typeEq } from '../types.ts';
import { scatterAlong } from './along.ts';
import { reduceInit } from './reduce.ts';

const numeric: readonly DType[] = ['f32', 'f64', 'i32', 'u32'];

function checkAxis(c: InferCtx, label: string): void {
  const [x] = c.inputs;
  const axis = numAttr(c.attrs, 'axis');
  c.check(
    Number.isInteger(axis) && axis >= 0 && axis < x.shape.length && !isOpen(x.shape[axis]),
    label,
    `axis ${axis} for ${shapeText(x.shape)}`,
  );
}

/** Walks every line along the axis in running order; `f` gets the flat indices of a line. */
function forEachLine(shape: readonly number[], attrs: Attrs, f: (line: readonly number[]) => void): void {
  const axis = numAttr(attrs, 'axis');
  const rest = shape.map((d, i) => (i === axis ? 1 : d));
  forEachIndex(rest, (idx) => {
    const line = Array.from({ length: shape[axis] }, (_, k) => flatIndex(shape, idx.with(axis, k)));
    f(boolAttr(attrs, 'reverse') ? line.reverse() : line);
  });
}

interface Cumulative {
  readonly doc: string;
  readonly step: (acc: number, x: number, t: DType) => number;
  readonly grad: GradRule;
  readonly init: (t: DType) => number;
}

function cumulative(name: string, r: Cumulative): OpDef {
  return defineOp({
    name,
    doc: `${r.doc} along an axis; \`exclusive\` leaves the element itself out, \`reverse\` runs from the end.`,
    kind: 'algorithm',
    arity: 1,
    batching: 'axis',
    constraints: {
      [`${name}_c1`]: 'axis must be a fixed axis of the operand',
      [`${name}_c2`]: `the operand's dtype must be one of ${numeric.join(', ')}`,
    },
    infer: (c) => {
      checkAxis(c, `${name}_c1`);
      c.check(numeric.includes(c.inputs[0].dtype), `${name}_c2`, c.inputs[0].dtype);
      return [c.inputs[0]];
    },
    grad: r.grad,
    reference: ([x], attrs, [t]) => {
      const out = ndarray(t.dtype, x.shape);
      forEachLine(x.shape, attrs, (line) => {
        let acc = r.init(t.dtype);
        for (const at of line) {
          const before = acc;
          acc = r.step(acc, x.data[at], t.dtype);
          out.data[at] = boolAttr(attrs, 'exclusive') ? before : acc;
        }
      });
      return [out];
    },
    samples: [
      sample(['f32[5]'], { axis: 0, exclusive: false, reverse: false }),
      sample(['f32[3,5]'], { axis: 1, exclusive: true, reverse: false }, name.endsWith('sum')),
      sample(['f32[4,7]'], { axis: 0, exclusive: false, reverse: true }),
      sample(['f32[2,3,4]'], { axis: 1, exclusive: true, reverse: true }, name.endsWith('sum')),
      sample(['f32[9,6]'], { axis: 1, exclusive: false, reverse: true }),
      sample(['f32[3,0]'], { axis: 1, exclusive: false, reverse: false }, false),
      sample(['f32[0,3]'], { axis: 1, exclusive: false, reverse: false }, false),
      sample([['i32[3,9]', -3, 3]], { axis: 1, exclusive: false, reverse: false }, false),
      sample([['u32[2,5,3]', 0, 9]], { axis: 1, exclusive: true, reverse: false }, false),
      sample(
        [{ ...sample(['f32[2,4]']).inputs[0], values: [1, Number.NaN, -0, 2, Infinity, 1, -Infinity, 0] }],
        { axis: 1, exclusive: false, reverse: false },
        false,
      ),
      sample([['f32[37,65]', 0.9, 1.1]], { axis: 1, exclusive: false, reverse: false }, false),
      sample([['f32[65,300]', 0.9, 1.1]], { axis: 0, exclusive: false, reverse: false }, false),
      sample([['f32[300,130]', 0.95, 1.05]], { axis: 1, exclusive: true, reverse: true }, false),
    ],
  });
}

const running = (b: Emitter, name: string, x: Val, attrs: Attrs, exclusive: boolean, reverse: boolean): Val =>
  b.call(`cumulative_${name}`, [x], { axis: attrs.axis, exclusive, reverse });

cumulative('cumulative_sum', {
  doc: 'Running sums',
  init: reduceInit.reduce_sum,
  step: (a, x, t) => (t === 'i32' ? (a + x) | 0 : t === 'u32' ? (a + x) >>> 0 : a + x),
  grad: (b, n, [g]) => [running(b, 'sum', g, n.attrs, boolAttr(n.attrs, 'exclusive'), !boolAttr(n.attrs, 'reverse'))],
});

cumulative('cumulative_prod', {
  doc: 'Running products',
  init: reduceInit.reduce_prod,
  step: (a, x, t) => (t === 'i32' ? Math.imul(a, x) : t === 'u32' ? Math.imul(a, x) >>> 0 : a * x),
  // An element's share is the sum over what comes after of g * product / element. Before the first zero of
  // the line that holds as it stands; at the zero the products run over the line with it made 1, and
  // behind it every product has it as a factor.
  grad: (b, n, [g]) => {
    const [x] = n.inputs;
    const reverse = boolAttr(n.attrs, 'reverse');
    const exclusive = boolAttr(n.attrs, 'exclusive');
    const isZero = b.compare('eq', x, 0);
    const zeros = running(b, 'sum', b.convert(isZero, 'i32'), n.attrs, false, reverse);
    const first = b.and(isZero, b.compare('eq', zeros, 1));
    const filled = running(b, 'prod', b.select(first, 1, x), n.attrs, exclusive, reverse);
    const shares = (y: Val) => running(b, 'sum', b.mul(g, y), n.attrs, exclusive, !reverse);
    const before = b.div(shares(n.outputs[0]), b.select(isZero, 1, x));
    return [b.select(b.compare('eq', zeros, 0), before, b.select(first, shares(filled), 0))];
  },
});

/** The gradient goes to the element that set the extreme: of equal ones the one that came first. */
const extreme =
  (name: 'max' | 'min'): GradRule =>
  (b, n, [g]) => {
    const [x] = n.inputs;
    const axis = numAttr(n.attrs, 'axis');
    const reverse = boolAttr(n.attrs, 'reverse');
    const last = (x.type.shape[axis] as number) - 1;
    const at = b.iota(x.type.shape, axis);
    const order = reverse ? b.sub(b.splat(at.type, last), at) : at;
    const before = running(b, name, x, n.attrs, true, reverse);
    const sets = b.compare(name === 'max' ? 'gt' : 'lt', x, before);
    const setter = running(b, 'max', b.select(sets, order, -1), n.attrs, boolAttr(n.attrs, 'exclusive'), reverse);
    // What nothing set (the identity of an exclusive run) lies outside of the line and is left out.
    const index = reverse ? b.sub(b.splat(at.type, last), setter) : setter;
    return [scatterAlong(b, g, b.select(b.compare('lt', setter, 0), -1, index), axis, x.type.shape)];
  };
cumulative('cumulative_max', {
  doc: 'Largest elements so far, NaN from the first NaN on,',
  init: reduceInit.reduce_max,
  step: (a, x) => Math.max(a, x),
  grad: extreme('max'),
});
cumulative('cumulative_min', {
  doc: 'Smallest elements so far, NaN from the first NaN on,',
  init: reduceInit.reduce_min,
  step: (a, x) => Math.min(a, x),
  grad: extreme('min'),
});

/** The values before each in running order: shifted by one, 0 at the start. */
function shifted(b: Emitter, v: Val, attrs: Attrs, ahead: boolean, value = 0): Val {
  const axis = numAttr(attrs, 'axis');
  if (v.type.shape[axis] === 0) return v;
  const zeros = v.type.shape.map(() => 0);
  const one = zeros.with(axis, 1);
  const minus = zeros.with(axis, -1);
  return boolAttr(attrs, 'reverse') === ahead
    ? b.pad(v, one, minus, undefined, value)
    : b.pad(v, minus, one, undefined, value);
}

defineOp({
  name: 'linear_recurrence',
  doc: 'h[k] = a[k] * h[k-1] + b[k] along an axis, with 0 before the first; `reverse` runs from the end.',
  kind: 'algorithm',
  arity: 2,
  batching: 'axis',
  constraints: {
    linear_recurrence_c1: 'axis must be a fixed axis of the operands',
    linear_recurrence_c2: 'both operands must have one dtype and shape, and that dtype must be a float',
  },
  infer: (c) => {
    const [a, x] = c.inputs;
    checkAxis(c, 'linear_recurrence_c1');
    c.check(typeEq(a, x) && isFloat(a.dtype), 'linear_recurrence_c2', `${a.dtype} and ${x.dtype}`);
    return [a];
  },
  // The gradient of h runs back through the same recurrence, with the factors one step later.
  grad: (b, n, [g]) => {
    const back = { axis: n.attrs.axis, reverse: !boolAttr(n.attrs, 'reverse') };
    const s = b.call('linear_recurrence', [shifted(b, n.inputs[0], n.attrs, true), g], back);
    return [n.needs[0] ? b.mul(s, shifted(b, n.outputs[0], n.attrs, false)) : null, s];
  },
  reference: ([a, x], attrs, [t]) => {
    const out = ndarray(t.dtype, x.shape);
    forEachLine(x.shape, attrs, (line) => {
      let h = 0;
      for (const at of line) {
        h = a.data[at] * h + x.data[at];
        out.data[at] = h;
      }
    });
    return [out];
  },
  samples: [
    sample(['f32[6]', 'f32[6]'], { axis: 0, reverse: false }),
    sample(['f32[3,5]', 'f32[3,5]'], { axis: 1, reverse: true }),
    sample(['f32[4,3,2]', 'f32[4,3,2]'], { axis: 1, reverse: false }),
    sample(['f32[5,3]', 'f32[5,3]'], { axis: 0, reverse: true }),
    sample(['f32[0,3]', 'f32[0,3]'], { axis: 0, reverse: false }, false),
    sample([['f32[37,70]', -1, 1], 'f32[37,70]'], { axis: 1, reverse: false }, false),
    sample([['f32[70,150]', -1, 1], 'f32[70,150]'], { axis: 0, reverse: false }, false),
  ],
});

/** log(sum(exp)) of a line's elements so far, by the definition with the largest taken out. */
function logSums(line: readonly number[], x: NDArray): number[] {
  return line.map((_, k) => {
    const seen = line.slice(0, k + 1).map((at) => x.data[at]);
    const top = seen.reduce((m, v) => Math.max(m, v), -Infinity);
    if (!Number.isFinite(top)) return top;
    return top + Math.log(seen.reduce((s, v) => s + Math.exp(v - top), 0));
  });
}

defineComposite({
  name: 'cumulative_logsumexp',
  doc: 'log(sum(exp(x))) of the elements so far along an axis, without overflow; `reverse` runs from the end.',
  arity: 1,
  batching: 'axis',
  constraints: {
    cumulative_logsumexp_c1: 'axis must be a fixed axis of the operand',
    cumulative_logsumexp_c2: "the operand's dtype must be a float",
  },
  infer: (c) => {
    checkAxis(c, 'cumulative_logsumexp_c1');
    c.check(isFloat(c.inputs[0].dtype), 'cumulative_logsumexp_c2', c.inputs[0].dtype);
    return [c.inputs[0]];
  },
  // The sum of exp(x - m), m the largest so far: where m grows, what was summed shrinks accordingly. The
  // result does not depend on m, so no gradient flows through it.
  expand: (b, [x], attrs) => {
    const reverse = boolAttr(attrs, 'reverse');
    const top = running(b, 'max', b.un('stop_gradient', x), attrs, false, reverse);
    const m = b.select(b.un('is_finite', top), top, 0);
    const shrink = b.un('exp', b.sub(shifted(b, m, attrs, false), m));
    const s = b.call('linear_recurrence', [shrink, b.un('exp', b.sub(x, m))], { axis: attrs.axis, reverse });
    return [b.add(b.un('log', s), m)];
  },
  grad: 'expand',
  reference: ([x], attrs, [t]) => {
    const out = ndarray(t.dtype, x.shape);
    forEachLine(x.shape, attrs, (line) => {
      logSums(line, x).forEach((v, k) => {
        out.data[line[k]] = v;
      });
    });
    return [out];
  },
  samples: [
    sample(['f32[6]'], { axis: 0, reverse: false }),
    sample(['f32[3,5]'], { axis: 1, reverse: true }),
    sample(['f32[4,3,2]'], { axis: 1, reverse: false }),
    sample([['f32[3,40]', -90, 90]], { axis: 1, reverse: false }, false),
    sample(
      [{ ...sample(['f32[2,4]']).inputs[0], values: [-Infinity, -Infinity, 2, -3, 1, Infinity, 5, 0] }],
      { axis: 1, reverse: false },
      false,
    ),
    sample(['f32[0,3]'], { axis: 0, reverse: false }, false),
  ],
});
