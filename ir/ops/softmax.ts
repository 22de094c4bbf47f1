// Softmax and the cross-entropies over it, all from the logits: the maximum is taken off first, so no
// exponential overflows, and the logarithm is taken of the sum, so none is of 0.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { at, build, type NDArray } from '../ndarray.ts';
import { defineComposite, type InferCtx, numAttr, sample } from '../op.ts';
import { isFloat, shapeEq, shapeText, staticShape, tensorType, typeEq, typeText } from '../types.ts';

/** The parts that every op here is made of, so that merging equal nodes makes one of them. */
interface Parts {
  /** x less its maximum along the axis. */
  readonly z: Val;
  readonly exp: Val;
  /** Sum of `exp` along the axis, which is gone from its shape. */
  readonly sum: Val;
  /** Stretches a value without the axis along it. */
  readonly spread: (v: Val) => Val;
}
function parts(b: Emitter, x: Val, axis: number): Parts {
  const spread = (v: Val) => b.unreduce(v, [axis], x.type.shape);
  // The shift cancels in the result, so no gradient may flow through the maximum.
  const max = b.un('stop_gradient', b.reduceMax(x, [axis]));
  const z = b.sub(x, spread(max));
  const exp = b.un('exp_falling', z);
  return { z, exp, sum: b.sum(exp, [axis]), spread };
}

/** log(sum(exp(x))) of one line along `axis`, through the index `i` whose entry there is ignored. */
function logSumExp(x: NDArray, i: readonly number[], axis: number): number {
  const line = Array.from({ length: x.shape[axis] }, (_, k) =>
    at(
      x,
      i.map((v, d) => (d === axis ? k : v)),
    ),
  );
  const max = Math.max(...line);
  return max + Math.log(line.reduce((s, v) => s + Math.exp(v - max), 0));
}

/** `logSumExp` of the line that each index lies on, computed once a line. */
function lineSums(x: NDArray, axis: number): (i: readonly number[]) => number {
  const known = new Map<string, number>();
  return (i) => {
    const line = i.toSpliced(axis, 1).join();
    let sum = known.get(line);
    if (sum === undefined) {
      sum = logSumExp(x, i, axis);
      known.set(line, sum);
    }
    return sum;
  };
}

const rules = (name: string) => ({
  [`${name}_c1`]: "the operand's dtype must be a float",
  [`${name}_c2`]: 'axis must be an axis of the operand',
});
function inferAlong(c: InferCtx) {
  const [x] = c.inputs;
  const axis = numAttr(c.attrs, 'axis');
  c.check(isFloat(x.dtype) && !x.state, `${c.op.name}_c1`, typeText(x));
  c.check(
    Number.isInteger(axis) && axis >= 0 && axis < x.shape.length,
    `${c.op.name}_c2`,
    `axis ${axis} of ${shapeText(x.shape)}`,
  );
  return [x];
}
const alongSamples = [
  sample(['f32[3,5]'], { axis: 1 }),
  sample(['f32[4,3]'], { axis: 0 }),
  sample(['f32[2,3,4]'], { axis: 1 }),
  sample(['f32[2,0]'], { axis: 1 }, false),
  sample([['f32[4,9]', -200, 200]], { axis: 1 }, false),
  sample(['f32[7,1030]'], { axis: 1 }, false),
];

defineComposite({
  name: 'softmax',
  doc: 'e^x over its sum along `axis`.',
  arity: 1,
  batching: 'axis',
  constraints: rules('softmax'),
  infer: inferAlong,
  expand: (b, [x], attrs) => {
    const p = parts(b, x, numAttr(attrs, 'axis'));
    // One division a row; the product's rounding costs half an ulp more than dividing each element.
    return [b.mul(p.exp, p.spread(b.div(1, p.sum)))];
  },
  grad: (b, n, [g]) => {
    const [y] = n.outputs;
    const axis = numAttr(n.attrs, 'axis');
    const along = b.unreduce(b.sum(b.mul(g, y), [axis]), [axis], y.type.shape);
    return [b.mul(y, b.sub(g, along))];
  },
  reference: ([x], attrs, [t]) => {
    const sum = lineSums(x, numAttr(attrs, 'axis'));
    return [build(t.dtype, x.shape, (i, flat) => Math.exp(x.data[flat] - sum(i)))];
  },
  samples: alongSamples,
});

defineComposite({
  name: 'log_softmax',
  doc: 'Logarithm of softmax along `axis`.',
  arity: 1,
  batching: 'axis',
  constraints: rules('log_softmax'),
  infer: inferAlong,
  expand: (b, [x], attrs) => {
    const p = parts(b, x, numAttr(attrs, 'axis'));
    return [b.sub(p.z, p.spread(b.un('log', p.sum)))];
  },
  grad: (b, n, [g]) => {
    const [y] = n.outputs;
    const axis = numAttr(n.attrs, 'axis');
    const total = b.unreduce(b.sum(g, [axis]), [axis], y.type.shape);
    return [b.sub(g, b.mul(b.un('exp_falling', y), total))];
  },
  reference: ([x], attrs, [t]) => {
    const sum = lineSums(x, numAttr(attrs, 'axis'));
    return [build(t.dtype, x.shape, (i, flat) => x.data[flat] - sum(i))];
  },
  samples: alongSamples,
});

defineComposite({
  name: 'softmax_cross_entropy',
  doc: 'Per example the cross-entropy of the softmax of the logits against a distribution, the labels: -sum(labels * log_softmax(logits)) over the last axis.',
  arity: 2,
  batching: 'leading',
  constraints: {
    softmax_cross_entropy_c1: 'logits and labels must have one dtype and shape, and the dtype must be a float',
    softmax_cross_entropy_c2: 'the logits must have at least one axis',
  },
  infer: (c) => {
    const [x, labels] = c.inputs;
    c.check(
      typeEq(x, labels) && isFloat(x.dtype) && !x.state,
      'softmax_cross_entropy_c1',
      `${typeText(x)} and ${typeText(labels)}`,
      'labels that are class numbers go to sparse_softmax_cross_entropy',
    );
    c.check(x.shape.length >= 1, 'softmax_cross_entropy_c2', typeText(x));
    return [tensorType(x.dtype, x.shape.slice(0, -1))];
  },
  expand: (b, [x, labels]) => {
    const axis = x.type.shape.length - 1;
    const p = parts(b, x, axis);
    return [b.sum(b.mul(labels, b.sub(p.spread(b.un('log', p.sum)), p.z)), [axis])];
  },
  grad: (b, n, [g]) => {
    const [x, labels] = n.inputs;
    const axis = x.type.shape.length - 1;
    const spread = (v: Val) => b.unreduce(v, [axis], x.type.shape);
    const along = spread(g);
    // Labels need not sum to 1: weights may be multiplied into them.
    const dLogits = () => b.sub(b.mul(b.call('softmax', [x], { axis }), spread(b.sum(labels, [axis]))), labels);
    return [
      n.needs[0] ? b.mul(dLogits(), along) : null,
      n.needs[1] ? b.neg(b.mul(b.call('log_softmax', [x], { axis }), along)) : null,
    ];
  },
  reference: ([x, labels], _, [t]) => [
    build(t.dtype, staticShape(t.shape), (i) => {
      const lse = logSumExp(x, [...i, 0], i.length);
      let s = 0;
      for (let k = 0; k < x.shape[i.length]; k++) s += at(labels, [...i, k]) * (lse - at(x, [...i, k]));
      return s;
    }),
  ],
  samples: [
    sample(['f32[3,5]', ['f32[3,5]', 0, 1]]),
    sample(['f32[2,3,4]', ['f32[2,3,4]', 0, 1]]),
    sample(['f32[7]', ['f32[7]', 0, 1]]),
    sample(
      [
        ['f32[5,10]', -100, 100],
        ['f32[5,10]', 0, 1],
      ],
      {},
      false,
    ),
    sample(['f32[0,4]', ['f32[0,4]', 0, 1]], {}, false),
  ],
});

/** 1 where the last axis' index is the label, 0 elsewhere, as booleans. */
const isLabel = (b: Emitter, labels: Val, shape: Val['type']['shape']): Val => {
  const axis = shape.length - 1;
  return b.compare('eq', b.unreduce(labels, [axis], shape), b.iota(shape, axis));
};

defineComposite({
  name: 'sparse_softmax_cross_entropy',
  doc: 'Per example the cross-entropy of the softmax of the logits over the last axis against one class number: -log_softmax(logits)[label]. NaN for a label out of range.',
  arity: 2,
  batching: 'leading',
  constraints: {
    sparse_softmax_cross_entropy_c1: "the logits' dtype must be a float, the labels' i32",
    sparse_softmax_cross_entropy_c2: "the labels must have the logits' shape without its last axis",
  },
  infer: (c) => {
    const [x, labels] = c.inputs;
    c.check(
      isFloat(x.dtype) && labels.dtype === 'i32' && !x.state,
      'sparse_softmax_cross_entropy_c1',
      `${x.dtype} and ${labels.dtype}`,
      'convert the labels to i32; distributions go to softmax_cross_entropy',
    );
    c.check(
      x.shape.length >= 1 && shapeEq(x.shape.slice(0, -1), labels.shape),
      'sparse_softmax_cross_entropy_c2',
      `${shapeText(labels.shape)} for ${shapeText(x.shape)}`,
    );
    return [tensorType(x.dtype, labels.shape)];
  },
  // The label is compared with an iota, not gathered: that fuses into the row's reduction.
  expand: (b, [x, labels]) => {
    const shape = x.type.shape;
    const axis = shape.length - 1;
    const p = parts(b, x, axis);
    const picked = b.sum(b.select(isLabel(b, labels, shape), p.z, 0), [axis]);
    const valid = b.and(b.compare('ge', labels, 0), b.compare('lt', labels, shape[axis] as number));
    return [b.select(valid, b.sub(b.un('log', p.sum), picked), Number.NaN)];
  },
  grad: (b, n, [g]) => {
    const [x, labels] = n.inputs;
    const shape = x.type.shape;
    const axis = shape.length - 1;
    const oneHot = b.convert(isLabel(b, labels, shape), x.type.dtype);
    const d = b.sub(b.call('softmax', [x], { axis }), oneHot);
    return [b.mul(d, b.unreduce(g, [axis], shape)), null];
  },
  reference: ([x, labels], _, [t]) => [
    build(t.dtype, staticShape(t.shape), (i, flat) => {
      const label = labels.data[flat];
      if (label < 0 || label >= x.shape[i.length]) return Number.NaN;
      return logSumExp(x, [...i, 0], i.length) - at(x, [...i, label]);
    }),
  ],
  samples: [
    sample(['f32[4,5]', ['i32[4]', 0, 4]]),
    sample(['f32[2,3,4]', ['i32[2,3]', 0, 3]]),
    sample(['f32[6]', ['i32[]', 0, 5]]),
    sample(['f32[5,3]', ['i32[5]', -1, 3]], {}, false),
    sample(
      [
        ['f32[9,10]', -100, 100],
        ['i32[9]', 0, 9],
      ],
      {},
      false,
    ),
    sample(['f32[0,4]', ['i32[0]', 0, 3]], {}, false),
  ],
});
