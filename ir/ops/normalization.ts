// Mean, variance, and the normalizations by them. Variance is the mean of squared deviations (two
// passes), which stays accurate where the mean is large. The gradients are written out: the term
// through the mean inside the variance is zero, and differentiating the expansion would compute it.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { build, flatIndex, forEachIndex, mapElements, type NDArray, ndarray } from '../ndarray.ts';
import { boolAttr, defineComposite, type InferCtx, intsAttr, numAttr, sample } from '../op.ts';
import {
  type Dim,
  isFloat,
  isOpen,
  type Shape,
  shapeEq,
  shapeText,
  sizeOf,
  staticShape,
  tensorType,
  typeText,
} from '../types.ts';

const others = (rank: number, axes: readonly number[]) =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => !axes.includes(i));
const dimsOf = (shape: Shape, axes: readonly number[]): Dim[] => axes.map((a) => shape[a]);

/** Mean over `axes`, deviations from it, and variance. */
function statistics(b: Emitter, x: Val, axes: readonly number[]) {
  const mean = b.mean(x, axes);
  const centered = b.sub(x, b.unreduce(mean, axes, x.type.shape));
  return { mean, centered, variance: b.mean(b.square(centered), axes) };
}
const inverseDeviation = (b: Emitter, variance: Val, epsilon: number) => b.un('rsqrt', b.add(variance, epsilon));

/** Means and variances over `axes` in float64, and for each element which of them is its own. */
function statisticsReference(x: NDArray, axes: readonly number[]) {
  const keep = others(x.shape.length, axes);
  const shape = keep.map((a) => x.shape[a]);
  const group = new Int32Array(x.data.length);
  forEachIndex(x.shape, (i, flat) => {
    group[flat] = flatIndex(
      shape,
      keep.map((a) => i[a]),
    );
  });
  const count = axes.reduce((n, a) => n * x.shape[a], 1);
  const average = (f: (flat: number) => number) => {
    const sum = ndarray(x.dtype, shape);
    group.forEach((k, flat) => {
      sum.data[k] += f(flat);
    });
    return mapElements(x.dtype, [sum], (s) => s / count);
  };
  const mean = average((flat) => x.data[flat]);
  const variance = average((flat) => (x.data[flat] - mean.data[group[flat]]) ** 2);
  return { mean, variance, group };
}

const axesRule = 'axes must be distinct axes of the operand in ascending order, none of them open';
const checkAxes = (c: InferCtx, label: string): readonly number[] => {
  const [x] = c.inputs;
  const axes = intsAttr(c.attrs, 'axes');
  const valid = axes.every(
    (a, i) =>
      Number.isInteger(a) && a >= 0 && a < x.shape.length && (i === 0 || a > axes[i - 1]) && !isOpen(x.shape[a]),
  );
  c.check(valid, label, `axes [${axes}] of ${shapeText(x.shape)}`);
  return axes;
};
const epsilonOf = (c: InferCtx, label: string) => {
  const e = numAttr(c.attrs, 'epsilon');
  c.check(Number.isFinite(e) && e >= 0, label, String(e));
};
const floatRule = 'all operands must have one dtype, which must be a float';
const checkFloats = (c: InferCtx, label: string) =>
  c.check(
    c.inputs.every((t) => isFloat(t.dtype) && t.dtype === c.inputs[0].dtype && !t.state),
    label,
    c.inputs.map(typeText).join(', '),
  );

defineComposite({
  name: 'moments',
  doc: 'Mean and variance over `axes`, which stay as size 1 with `keepDims`.',
  arity: 1,
  batching: 'axis',
  constraints: { moments_c1: axesRule, moments_c2: floatRule },
  infer: (c) => {
    checkFloats(c, 'moments_c2');
    const axes = checkAxes(c, 'moments_c1');
    const [x] = c.inputs;
    const keep = boolAttr(c.attrs, 'keepDims');
    const shape = keep
      ? x.shape.map((d, i) => (axes.includes(i) ? 1 : d))
      : dimsOf(x.shape, others(x.shape.length, axes));
    const t = tensorType(x.dtype, shape);
    return [t, t];
  },
  expand: (b, [x], attrs) => {
    const axes = intsAttr(attrs, 'axes');
    const { mean, variance } = statistics(b, x, axes);
    if (!boolAttr(attrs, 'keepDims')) return [mean, variance];
    const shape = x.type.shape.map((d, i) => (axes.includes(i) ? 1 : d));
    return [b.reshape(mean, shape), b.reshape(variance, shape)];
  },
  grad: (b, n, [gm, gv]) => {
    const [x] = n.inputs;
    const axes = intsAttr(n.attrs, 'axes');
    const flat = dimsOf(x.type.shape, others(x.type.shape.length, axes));
    return [
      throughStatistics(b, x, axes, n.given[0] ? b.reshape(gm, flat) : null, n.given[1] ? b.reshape(gv, flat) : null),
    ];
  },
  reference: ([x], attrs, [t]) => {
    const { mean, variance } = statisticsReference(x, intsAttr(attrs, 'axes'));
    return [mean, variance].map((m) => ndarray(t.dtype, staticShape(t.shape), m.data));
  },
  samples: [
    sample(['f32[3,5]'], { axes: [1], keepDims: false }),
    sample(['f32[2,3,4]'], { axes: [0, 2], keepDims: true }),
    sample(['f32[6]'], { axes: [0], keepDims: false }),
    sample([['f32[4,1030]', 99, 101]], { axes: [1], keepDims: false }, false),
  ],
});

/** Gradient of x through its mean and its variance over `axes`; either may have none. */
function throughStatistics(b: Emitter, x: Val, axes: readonly number[], gm: Val | null, gv: Val | null): Val | null {
  const count = sizeOf(dimsOf(x.type.shape, axes));
  const spread = (v: Val) => b.unreduce(v, axes, x.type.shape);
  const dm = gm && spread(b.mul(gm, 1 / count));
  const dv = gv && b.mul(statistics(b, x, axes).centered, spread(b.mul(gv, 2 / count)));
  return dm && dv ? b.add(dm, dv) : (dm ?? dv);
}

/** Gradient of `hat` = (x - mean) / deviation by x, both over `axes`: its own part and what flows through mean and deviation. */
function normalizedGrad(b: Emitter, g: Val, hat: Val, inverse: Val, axes: readonly number[]): Val {
  const shape = hat.type.shape;
  const spread = (v: Val) => b.unreduce(v, axes, shape);
  const alongMean = spread(b.mean(g, axes));
  const alongDeviation = b.mul(hat, spread(b.mean(b.mul(g, hat), axes)));
  return b.mul(spread(inverse), b.sub(b.sub(g, alongMean), alongDeviation));
}

defineComposite({
  name: 'layer_norm',
  doc: 'x less its mean, over the square root of its variance + epsilon, both over `axes`; then times gamma plus beta, which have the shape of those axes.',
  arity: 3,
  batching: 'first',
  constraints: {
    layer_norm_c1: axesRule,
    layer_norm_c2: floatRule,
    layer_norm_c3: 'gamma and beta must have the dimensions of the axes as their shape',
    layer_norm_c4: 'epsilon must be a number of at least 0',
  },
  infer: (c) => {
    const [x, gamma, beta] = c.inputs;
    checkFloats(c, 'layer_norm_c2');
    const want = dimsOf(x.shape, checkAxes(c, 'layer_norm_c1'));
    c.check(
      shapeEq(gamma.shape, want) && shapeEq(beta.shape, want),
      'layer_norm_c3',
      `${shapeText(gamma.shape)} and ${shapeText(beta.shape)} instead of ${shapeText(want)}`,
    );
    epsilonOf(c, 'layer_norm_c4');
    return [x];
  },
  expand: (b, [x, gamma, beta], attrs) => {
    const axes = intsAttr(attrs, 'axes');
    const shape = x.type.shape;
    const { centered, variance } = statistics(b, x, axes);
    const inverse = inverseDeviation(b, variance, numAttr(attrs, 'epsilon'));
    const hat = b.mul(centered, b.unreduce(inverse, axes, shape));
    return [b.add(b.mul(hat, b.broadcast(gamma, shape, axes)), b.broadcast(beta, shape, axes))];
  },
  grad: (b, n, [g]) => {
    const [x, gamma] = n.inputs;
    const axes = intsAttr(n.attrs, 'axes');
    const shape = x.type.shape;
    const rows = others(shape.length, axes);
    const { centered, variance } = statistics(b, x, axes);
    const inverse = inverseDeviation(b, variance, numAttr(n.attrs, 'epsilon'));
    const hat = b.mul(centered, b.unreduce(inverse, axes, shape));
    return [
      n.needs[0] ? normalizedGrad(b, b.mul(g, b.broadcast(gamma, shape, axes)), hat, inverse, axes) : null,
      n.needs[1] ? b.sum(b.mul(g, hat), rows) : null,
      n.needs[2] ? b.sum(g, rows) : null,
    ];
  },
  reference: ([x, gamma, beta], attrs, [t]) => {
    const axes = intsAttr(attrs, 'axes');
    const { mean, variance, group } = statisticsReference(x, axes);
    return [
      build(t.dtype, x.shape, (i, flat) => {
        const k = flatIndex(
          gamma.shape,
          axes.map((a) => i[a]),
        );
        const s = group[flat];
        const hat = (x.data[flat] - mean.data[s]) / Math.sqrt(variance.data[s] + numAttr(attrs, 'epsilon'));
        return hat * gamma.data[k] + beta.data[k];
      }),
    ];
  },
  samples: [
    sample(['f32[3,5]', 'f32[5]', 'f32[5]'], { axes: [1], epsilon: 1e-3 }),
    sample(['f32[2,3,4]', 'f32[3,4]', 'f32[3,4]'], { axes: [1, 2], epsilon: 1e-5 }),
    sample(['f32[4,3]', 'f32[4]', 'f32[4]'], { axes: [0], epsilon: 1e-3 }),
    sample([['f32[5,300]', 50, 52], 'f32[300]', 'f32[300]'], { axes: [1], epsilon: 1e-3 }, false),
    sample(['f32[0,4]', 'f32[4]', 'f32[4]'], { axes: [1], epsilon: 1e-3 }, false),
  ],
});

const channelRules = (name: string, operands: string) => ({
  [`${name}_c1`]: 'axis must be an axis of the first operand',
  [`${name}_c2`]: floatRule,
  [`${name}_c3`]: `${operands} must have that axis' dimension as their shape`,
  [`${name}_c4`]: 'epsilon must be a number of at least 0',
});
function checkChannels(c: InferCtx): number {
  const [x, ...rest] = c.inputs;
  const { name } = c.op;
  const axis = numAttr(c.attrs, 'axis');
  c.check(
    Number.isInteger(axis) && axis >= 0 && axis < x.shape.length,
    `${name}_c1`,
    `axis ${axis} of ${shapeText(x.shape)}`,
  );
  checkFloats(c, `${name}_c2`);
  const want = [x.shape[axis]];
  c.check(
    rest.every((t) => shapeEq(t.shape, want)),
    `${name}_c3`,
    `${rest.map((t) => shapeText(t.shape)).join(', ')} instead of ${shapeText(want)}`,
  );
  epsilonOf(c, `${name}_c4`);
  return axis;
}

defineComposite({
  name: 'batch_norm_training',
  doc: 'x normalized per index of `axis` by the mean and variance of the batch (over all other axes), times gamma plus beta; with that mean and variance as second and third result.',
  arity: 3,
  constraints: {
    ...channelRules('batch_norm_training', 'gamma and beta'),
    batch_norm_training_c5: 'the axes that are averaged over must be fixed, not open',
  },
  infer: (c) => {
    const axis = checkChannels(c);
    const [x] = c.inputs;
    c.check(
      others(x.shape.length, [axis]).every((a) => !isOpen(x.shape[a])),
      'batch_norm_training_c5',
      shapeText(x.shape),
      'give the batch size a number',
    );
    const stat = tensorType(x.dtype, [x.shape[axis]]);
    return [x, stat, stat];
  },
  expand: (b, [x, gamma, beta], attrs) => {
    const axis = numAttr(attrs, 'axis');
    const shape = x.type.shape;
    const axes = others(shape.length, [axis]);
    const { mean, centered, variance } = statistics(b, x, axes);
    const inverse = inverseDeviation(b, variance, numAttr(attrs, 'epsilon'));
    const y = b.add(b.mul(centered, b.unreduce(b.mul(inverse, gamma), axes, shape)), b.unreduce(beta, axes, shape));
    return [y, mean, variance];
  },
  grad: (b, n, [g, gm, gv]) => {
    const [x, gamma] = n.inputs;
    const [, mean, variance] = n.outputs;
    const shape = x.type.shape;
    const axes = others(shape.length, [numAttr(n.attrs, 'axis')]);
    const stats = n.needs[0] ? throughStatistics(b, x, axes, n.given[1] ? gm : null, n.given[2] ? gv : null) : null;
    if (!n.given[0]) return [stats, null, null];
    const centered = b.sub(x, b.unreduce(mean, axes, shape));
    const inverse = inverseDeviation(b, variance, numAttr(n.attrs, 'epsilon'));
    const hat = b.mul(centered, b.unreduce(inverse, axes, shape));
    // gamma is one factor per channel, so it moves out of the sums.
    const own = n.needs[0] ? normalizedGrad(b, g, hat, b.mul(inverse, gamma), axes) : null;
    return [
      own && stats ? b.add(own, stats) : own,
      n.needs[1] ? b.sum(b.mul(g, hat), axes) : null,
      n.needs[2] ? b.sum(g, axes) : null,
    ];
  },
  reference: ([x, gamma, beta], attrs, [t]) => {
    const axis = numAttr(attrs, 'axis');
    const { mean, variance } = statisticsReference(x, others(x.shape.length, [axis]));
    const y = build(t.dtype, x.shape, (i, flat) => {
      const c = i[axis];
      const hat = (x.data[flat] - mean.data[c]) / Math.sqrt(variance.data[c] + numAttr(attrs, 'epsilon'));
      return hat * gamma.data[c] + beta.data[c];
    });
    return [y, mean, variance];
  },
  samples: [
    sample(['f32[6,3]', 'f32[3]', 'f32[3]'], { axis: 1, epsilon: 1e-3 }),
    sample(['f32[2,3,2,3]', 'f32[3]', 'f32[3]'], { axis: 3, epsilon: 1e-3 }),
    sample(['f32[2,3,4]', 'f32[3]', 'f32[3]'], { axis: 1, epsilon: 1e-5 }),
    sample([['f32[4,6,6,9]', 20, 22], 'f32[9]', 'f32[9]'], { axis: 3, epsilon: 1e-3 }, false),
  ],
});

defineComposite({
  name: 'batch_norm_inference',
  doc: 'x normalized per index of `axis` by a given mean and variance: gamma (x - mean) / sqrt(variance + epsilon) + beta. Operands: x, mean, variance, gamma, beta.',
  arity: 5,
  batching: 'first',
  constraints: channelRules('batch_norm_inference', 'mean, variance, gamma and beta'),
  infer: (c) => {
    checkChannels(c);
    return [c.inputs[0]];
  },
  expand: (b, [x, mean, variance, gamma, beta], attrs) => {
    const shape = x.type.shape;
    const axes = others(shape.length, [numAttr(attrs, 'axis')]);
    // One factor and one offset per channel: in a program with constant weights both fold away.
    const factor = b.mul(inverseDeviation(b, variance, numAttr(attrs, 'epsilon')), gamma);
    const offset = b.sub(beta, b.mul(mean, factor));
    return [b.add(b.mul(x, b.unreduce(factor, axes, shape)), b.unreduce(offset, axes, shape))];
  },
  grad: 'expand',
  reference: ([x, mean, variance, gamma, beta], attrs, [t]) => [
    build(t.dtype, x.shape, (i, flat) => {
      const c = i[numAttr(attrs, 'axis')];
      const hat = (x.data[flat] - mean.data[c]) / Math.sqrt(variance.data[c] + numAttr(attrs, 'epsilon'));
      return hat * gamma.data[c] + beta.data[c];
    }),
  ],
  samples: [
    sample(['f32[4,3]', 'f32[3]', ['f32[3]', 0.5, 2], 'f32[3]', 'f32[3]'], { axis: 1, epsilon: 1e-3 }),
    sample(['f32[2,3,2,2]', 'f32[3]', ['f32[3]', 0.5, 2], 'f32[3]', 'f32[3]'], { axis: 1, epsilon: 1e-3 }),
    sample(['f32[5,4,4,17]', 'f32[17]', ['f32[17]', 0.5, 2], 'f32[17]', 'f32[17]'], { axis: 3, epsilon: 1e-3 }, false),
  ],
});
