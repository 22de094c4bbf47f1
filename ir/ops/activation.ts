// Composites element by element: activations, and small arithmetic that has a better gradient than
// its expansion would give.

import type { Emitter } from '../emit.ts';
import type { Attrs, Val } from '../graph.ts';
import { at, build, mapElements, ndarray } from '../ndarray.ts';
import { boolAttr, defineComposite, dtypeAttr, numAttr, type OpDef, type Sample, sample } from '../op.ts';
import { type DType, dtypes, isFloat, shapeText, staticShape, tensorType, typeEq, typeText } from '../types.ts';
import { uniformOf } from './random.ts';
import { erfReference } from './unary.ts';

const floats: readonly DType[] = ['f32', 'f64'];
const signed: readonly DType[] = ['f32', 'f64', 'i32'];

interface Activation {
  readonly doc: string;
  readonly types?: readonly DType[];
  /** Names of attributes that must be finite numbers. */
  readonly numbers?: readonly string[];
  readonly attrs?: readonly Attrs[];
  readonly range?: readonly [number, number];
  readonly expand: (b: Emitter, x: Val, attrs: Attrs) => Val;
  /** From operand x, result y and the result's gradient g; differentiates the expansion if absent. */
  readonly grad?: (b: Emitter, x: Val, y: Val, g: Val, attrs: Attrs) => Val;
  readonly ref: (x: number, attrs: Attrs, dtype: DType) => number;
}

function activation(name: string, a: Activation): OpDef {
  const types = a.types ?? floats;
  const numbers = a.numbers ?? [];
  const [lo, hi] = a.range ?? [-3, 3];
  const samples: Sample[] = (a.attrs ?? [{}]).flatMap((attrs) => [
    sample([['f32[3,5]', lo, hi]], attrs),
    sample([['f32[]', lo, hi]], attrs),
    sample([['f32[0,3]', lo, hi]], attrs, false),
    sample([['f32[1030]', 4 * lo, 4 * hi]], attrs, false),
  ]);
  if (types.includes('i32')) samples.push(sample([['i32[9]', -9, 9]], a.attrs?.[0] ?? {}, false));
  const { grad } = a;
  return defineComposite({
    name,
    doc: a.doc,
    arity: 1,
    batching: 'leading',
    constraints: {
      [`${name}_c1`]: `the operand's dtype must be one of ${types.join(', ')}`,
      ...(numbers.length ? { [`${name}_c2`]: `${numbers.join(' and ')} must be a finite number` } : {}),
    },
    infer: (c) => {
      const [x] = c.inputs;
      c.check(types.includes(x.dtype) && !x.state, `${name}_c1`, typeText(x), 'convert the operand first');
      for (const k of numbers) c.check(Number.isFinite(c.attrs[k]), `${name}_c2`, `${k} ${c.attrs[k]}`);
      return [x];
    },
    expand: (b, [x], attrs) => [a.expand(b, x, attrs)],
    grad: grad ? (b, n, [g]) => [grad(b, n.inputs[0], n.outputs[0], g, n.attrs)] : 'expand',
    reference: ([x], attrs, [t]) => [mapElements(t.dtype, [x], (v) => a.ref(v, attrs, t.dtype))],
    samples,
  });
}

const alpha = (a: Attrs) => numAttr(a, 'alpha');

// Gradients of the ReLU family read the result, not the operand: the operand need not be kept, and
// at the kink they are 0 (TensorFlow), where the gradient of max would be shared.
activation('relu', {
  doc: 'max(x, 0). The gradient at 0 is 0.',
  types: signed,
  expand: (b, x) => b.max(x, 0),
  grad: (b, _x, y, g) => b.select(b.compare('gt', y, 0), g, 0),
  ref: (x) => Math.max(x, 0),
});
activation('relu6', {
  doc: 'x between 0 and 6. The gradient at 0 and 6 is 0.',
  types: signed,
  range: [-4, 9],
  expand: (b, x) => b.min(b.max(x, 0), 6),
  grad: (b, _x, y, g) => b.select(b.and(b.compare('gt', y, 0), b.compare('lt', y, 6)), g, 0),
  ref: (x) => Math.min(Math.max(x, 0), 6),
});
activation('leaky_relu', {
  doc: 'x where it is positive, else alpha x.',
  numbers: ['alpha'],
  attrs: [{ alpha: 0.2 }, { alpha: 0 }, { alpha: 1.5 }],
  expand: (b, x, a) => b.select(b.compare('gt', x, 0), x, b.mul(x, alpha(a))),
  grad: (b, x, _y, g, a) => b.select(b.compare('gt', x, 0), g, b.mul(g, alpha(a))),
  ref: (x, a) => (x > 0 ? x : alpha(a) * x),
});
activation('elu', {
  doc: 'x where it is positive, else alpha (e^x - 1).',
  numbers: ['alpha'],
  attrs: [{ alpha: 1 }, { alpha: 0.5 }],
  expand: (b, x, a) => b.select(b.compare('gt', x, 0), x, b.mul(b.un('expm1', x), alpha(a))),
  grad: (b, x, y, g, a) => b.select(b.compare('gt', x, 0), g, b.mul(g, b.add(y, alpha(a)))),
  ref: (x, a) => (x > 0 ? x : alpha(a) * Math.expm1(x)),
});

// Fixed point of mean 0 and variance 1 (Klambauer et al., "Self-normalizing neural networks", 2017).
const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;
activation('selu', {
  doc: 'scale times x where it is positive, else scale alpha (e^x - 1), with the self-normalizing scale 1.0507 and alpha 1.6733.',
  expand: (b, x) =>
    b.select(b.compare('gt', x, 0), b.mul(x, seluScale), b.mul(b.un('expm1', x), seluScale * seluAlpha)),
  grad: (b, x, y, g) =>
    b.mul(g, b.select(b.compare('gt', x, 0), b.splat(y.type, seluScale), b.add(y, seluScale * seluAlpha))),
  ref: (x) => seluScale * (x > 0 ? x : seluAlpha * Math.expm1(x)),
});

const geluTanhArg = (x: number) => Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3);
activation('gelu', {
  doc: 'x times the normal distribution function of x; with `approximate` by tanh instead of erf.',
  attrs: [{ approximate: false }, { approximate: true }],
  expand: (b, x, a) => {
    const inner = boolAttr(a, 'approximate')
      ? b.un('tanh', b.mul(b.mul(x, b.add(b.mul(b.square(x), 0.044715), 1)), Math.sqrt(2 / Math.PI)))
      : b.un('erf', b.mul(x, Math.SQRT1_2));
    return b.mul(b.mul(x, 0.5), b.add(inner, 1));
  },
  ref: (x, a) =>
    0.5 * x * (1 + (boolAttr(a, 'approximate') ? Math.tanh(geluTanhArg(x)) : erfReference(x * Math.SQRT1_2))),
});
activation('silu', {
  doc: 'x times its sigmoid (swish).',
  expand: (b, x) => b.mul(x, b.un('logistic', x)),
  ref: (x) => x / (1 + Math.exp(-x)),
});
activation('square', {
  doc: 'x * x.',
  types: signed,
  expand: (b, x) => b.mul(x, x),
  grad: (b, x, _y, g) => b.mul(g, b.mul(x, 2)),
  ref: (x, _a, t) => (t === 'i32' ? Math.imul(x, x) : x * x),
});
activation('reciprocal', {
  doc: '1 / x.',
  range: [0.5, 3],
  expand: (b, x) => b.div(1, x),
  grad: (b, _x, y, g) => b.neg(b.mul(g, b.square(y))),
  ref: (x) => 1 / x,
});

defineComposite({
  name: 'squared_difference',
  doc: '(x - y)^2.',
  arity: 2,
  batching: 'leading',
  sameType: [0, 1],
  constraints: {
    squared_difference_c1: 'both operands must have one dtype and shape',
    squared_difference_c2: `the operands' dtype must be one of ${signed.join(', ')}`,
  },
  infer: (c) => {
    const [x, y] = c.inputs;
    c.check(typeEq(x, y), 'squared_difference_c1', `${typeText(x)} and ${typeText(y)}`, 'broadcast or convert first');
    c.check(signed.includes(x.dtype) && !x.state, 'squared_difference_c2', x.dtype);
    return [x];
  },
  expand: (b, [x, y]) => [b.square(b.sub(x, y))],
  grad: (b, n, [g]) => {
    const [x, y] = n.inputs;
    const d = b.mul(g, b.mul(b.sub(x, y), 2));
    return [d, n.needs[1] ? b.neg(d) : null];
  },
  reference: (xs, _, [t]) => [
    mapElements(t.dtype, xs, (x, y) => (t.dtype === 'i32' ? Math.imul(x - y, x - y) : (x - y) ** 2)),
  ],
  samples: [
    sample(['f32[3,5]', 'f32[3,5]']),
    sample(['f32[]', 'f32[]']),
    sample(['f32[1030]', 'f32[1030]'], {}, false),
    sample(
      [
        ['i32[9]', -9, 9],
        ['i32[9]', -9, 9],
      ],
      {},
      false,
    ),
  ],
});

const dropoutKey: Sample['inputs'][number] = { type: tensorType('u32', [2]), values: [12, 34] };
defineComposite({
  name: 'dropout',
  doc: 'Sets each element of x to 0 with probability `rate`, as the key (u32[2]) decides, and scales the others by 1 / (1 - rate). Element i is dropped where element i of random_uniform is below the rate.',
  arity: 2,
  constraints: {
    dropout_c1: "the first operand's dtype must be a float",
    dropout_c2: "the key's dtype must be u32, and it must have the shape [2]",
    dropout_c3: 'rate must be at least 0 and less than 1',
  },
  infer: (c) => {
    const [x, key] = c.inputs;
    const rate = numAttr(c.attrs, 'rate');
    c.check(isFloat(x.dtype) && !x.state, 'dropout_c1', typeText(x));
    c.check(typeEq(key, dropoutKey.type), 'dropout_c2', typeText(key));
    c.check(rate >= 0 && rate < 1, 'dropout_c3', String(rate));
    return [x];
  },
  expand: (b, [x, key], attrs) => {
    const rate = numAttr(attrs, 'rate');
    if (rate === 0) return [x];
    const keep = b.compare('ge', b.call('random_uniform', [key], { shape: x.type.shape }), rate);
    return [b.select(keep, b.mul(x, 1 / (1 - rate)), 0)];
  },
  grad: 'expand',
  reference: ([x, key], attrs, [t]) => {
    const rate = numAttr(attrs, 'rate');
    // The rate as the float32 constant that the uniform numbers are compared with.
    const least = Math.fround(rate);
    const kept = uniformOf(key, x.data.length).map((u, i) => (u >= least ? x.data[i] / (1 - rate) : 0));
    return [ndarray(t.dtype, x.shape, kept)];
  },
  samples: [
    { inputs: [{ type: tensorType('f32', [4, 6]) }, dropoutKey], attrs: { rate: 0.4 } },
    { inputs: [{ type: tensorType('f32', [9]) }, dropoutKey], attrs: { rate: 0 } },
    { inputs: [{ type: tensorType('f32', [1030]) }, dropoutKey], attrs: { rate: 0.25 }, grad: false },
  ],
});

defineComposite({
  name: 'one_hot',
  doc: 'A new last axis of size `depth` that holds `on` at the index the operand gives and `off` elsewhere; only `off` for an index out of range.',
  arity: 1,
  batching: 'leading',
  constraints: {
    one_hot_c1: "the operand's dtype must be i32",
    one_hot_c2: 'depth must be an integer of at least 0',
    one_hot_c3: `the dtype attribute must be one of ${dtypes.join(', ')}`,
  },
  infer: (c) => {
    const [x] = c.inputs;
    const depth = numAttr(c.attrs, 'depth');
    c.check(x.dtype === 'i32' && !x.state, 'one_hot_c1', `${x.dtype}${shapeText(x.shape)}`, 'convert it to i32');
    c.check(Number.isInteger(depth) && depth >= 0, 'one_hot_c2', String(depth));
    c.check(dtypes.includes(dtypeAttr(c.attrs, 'dtype')), 'one_hot_c3', String(c.attrs.dtype));
    return [tensorType(dtypeAttr(c.attrs, 'dtype'), [...x.shape, depth])];
  },
  expand: (b, [x], attrs) => {
    const shape = [...x.type.shape, numAttr(attrs, 'depth')];
    const rank = x.type.shape.length;
    const index = b.unreduce(x, [rank], shape);
    const type = tensorType(dtypeAttr(attrs, 'dtype'), shape);
    const hit = b.compare('eq', index, b.iota(shape, rank));
    return [b.select(hit, b.splat(type, numAttr(attrs, 'on')), b.splat(type, numAttr(attrs, 'off')))];
  },
  grad: { none: 'its operand is an index' },
  reference: ([x], attrs, [t]) => [
    build(t.dtype, staticShape(t.shape), (i) => {
      const hit = at(x, i.slice(0, -1)) === i[i.length - 1];
      return numAttr(attrs, hit ? 'on' : 'off');
    }),
  ],
  samples: [
    sample([['i32[3,4]', 0, 4]], { depth: 5, on: 1, off: 0, dtype: 'f32' }, false),
    sample([['i32[6]', -1, 4]], { depth: 4, on: 0.9, off: 0.025, dtype: 'f32' }, false),
    sample([['i32[]', 0, 2]], { depth: 3, on: 1, off: 0, dtype: 'bool' }, false),
    sample([['i32[0]', 0, 2]], { depth: 3, on: 7, off: -1, dtype: 'i32' }, false),
  ],
});
