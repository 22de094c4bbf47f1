// Constants, ranges, random numbers, casts, windows, spectra; and sequences and optional values.

import type { DType } from '../../../ir/types.ts';
import { b, fixed, range } from '../../formats/functions.ts';
import { known } from '../../formats/graph-function.ts';
import { makeTensor } from '../../trace/convert.ts';
import { stack } from '../../trace/ops/shape.ts';
import { multinomial, randomNormal, randomUniform } from '../../trace/random.ts';
import { Tensor } from '../../trace/tensor.ts';
import { type Call, define, floats, type OnnxGraph, type OnnxValue, type Operator, Optional, wide } from '../call.ts';
import { elementType } from '../dtypes.ts';
import { eyeLike } from './linear.ts';
import { gatherAxis, parts, taken } from './shapes.ts';

const dtypeOf = (c: Call, code: number): DType => elementType(code, c.node.op, c.node.name).dtype;

function constant(c: Call): Tensor {
  for (const [name, dtype] of [
    ['value_float', 'f32'],
    ['value_int', 'i32'],
  ] as const)
    if (c.has(name)) return fixed([c.number(name)], [], dtype);
  for (const [name, dtype] of [
    ['value_floats', 'f32'],
    ['value_ints', 'i32'],
  ] as const) {
    const list = c.ints(name);
    if (list) return fixed(list, [list.length], dtype);
  }
  const value = c.tensor('value') ?? c.tensor('sparse_value');
  if (!value) throw c.refuse('its value is a text', 'tensors of numbers are possible');
  return value;
}

function constantOfShape(c: Call): Tensor {
  const shape = c.known(0, 'the shape of the result');
  const value = c.tensor('value');
  if (shape.some((d) => d < 0)) throw c.refuse(`the shape is [${shape}]`);
  const one = value ? b.reshape(value, []) : fixed([0], [], 'f32');
  return b.broadcastTo(one, shape);
}

/** Narrow integers are kept as int32: their bits above are cut off as the type would. */
const cuts: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  uint16: (x) => b.and(x, b.splat(x.type, 0xffff)),
  int16: (x) => signExtended(x, 16),
  int4: (x) => signExtended(x, 4),
  uint4: (x) => b.and(x, b.splat(x.type, 15)),
};
function signExtended(x: Tensor, bits: number): Tensor {
  const by = b.splat(x.type, 32 - bits);
  return b.call('shr', [b.call('shl', [x, by]), by]);
}

/** Elements of that type, by its number; what is kept wider is rounded as the type would. */
function castTo(c: Call, x: Tensor, code: number): Tensor {
  const type = elementType(code, c.node.op, c.node.name);
  if (type.name.startsWith('float8')) throw c.refuse(`a cast to ${type.name}`, 'cast to float16 or float32');
  const from = wide(x);
  if (type.name === 'float16') return b.convert(b.convert(b.convert(from, 'f32'), 'f16'), 'f32');
  if (type.name === 'bfloat16') return brainRounded(b.convert(from, 'f32'));
  const cut = cuts[type.name];
  return b.convert(cut ? cut(b.convert(from, 'i32')) : from, type.dtype);
}
/** The nearest bfloat16, ties to even. */
function brainRounded(x: Tensor): Tensor {
  const bits = b.call('bitcast', [x], { dtype: 'u32' });
  const word = (n: number) => b.splat(bits.type, n);
  const odd = b.and(b.call('shr', [bits, word(16)]), word(1));
  const up = b.add(b.add(bits, word(0x7fff)), odd);
  const cut = b.call('bitcast', [b.and(up, word(0xffff0000))], { dtype: 'f32' });
  return b.select(b.un('is_nan', x), x, cut);
}

function rangeOf(c: Call): Tensor {
  const [start, limit, delta] = [0, 1, 2].map((i) => c.knownScalar(i, 'the size of the result'));
  const n = Math.max(0, Math.ceil((limit - start) / delta));
  const { dtype } = c.x(0).type;
  if (!Number.isFinite(n) || n >= 2 ** 31) throw c.refuse(`from ${start} to ${limit} by ${delta}`);
  return b.add(
    b.mul(b.iota([n], 0, dtype === 'f64' || dtype === 'i32' || dtype === 'f32' ? dtype : 'i32'), delta),
    start,
  );
}

/** The shape and dtype of random numbers: attributes, or those of another tensor. */
function randomSetting(c: Call, like: boolean): { shape: number[]; dtype: DType; seed: number | undefined } {
  const shape = like ? c.x(0).shape : (c.ints('shape') ?? []);
  const dtype = c.has('dtype') || !like ? dtypeOf(c, c.number('dtype', 1)) : c.x(0).type.dtype;
  const seed = c.has('seed') ? Math.trunc(c.number('seed')) : undefined;
  return { shape, dtype, seed };
}
const uniform = (like: boolean) => (c: Call) => {
  const { shape, dtype, seed } = randomSetting(c, like);
  return b.convert(randomUniform(shape, c.number('low', 0), c.number('high', 1), 'float32', seed), dtype);
};
const normal = (like: boolean) => (c: Call) => {
  const { shape, dtype, seed } = randomSetting(c, like);
  return b.convert(randomNormal(shape, c.number('mean', 0), c.number('scale', 1), 'float32', seed), dtype);
};
const bernoulli = (c: Call): Tensor => {
  const { shape, dtype, seed } = randomSetting(c, true);
  return b.convert(b.compare('lt', randomUniform(shape, 0, 1, 'float32', seed), b.convert(c.x(0), 'f32')), dtype);
};

/** Windows of signals: sums of cosines, periodic or symmetric. */
const windowed = (op: string, terms: readonly number[]): Operator =>
  define(
    op,
    17,
    (c) => {
      const n = c.count(c.knownScalar(0, 'the size of the window'), 'elements of a window');
      const steps = c.flag('periodic', true) ? n : n - 1;
      const at = (i: number) => terms.reduce((s, a, k) => s + a * Math.cos((2 * Math.PI * k * i) / (steps || 1)), 0);
      return b.convert(makeTensor(range(n).map(at), [n], 'f64', op), dtypeOf(c, c.number('output_datatype', 1)));
    },
    { fixed: [0] },
  );

/** Triangles over the mel scale, as columns. */
function melWeights(c: Call): Tensor {
  const [bins, length, rate, low, high] = range(5).map((i) => c.knownScalar(i, 'what the filters are made of'));
  const rows = Math.floor(length / 2) + 1;
  c.count(bins, 'filters');
  c.count(rows * bins, 'weights of filters');
  const mel = (f: number) => 2595 * Math.log10(1 + f / 700);
  const step = (mel(high) - mel(low)) / (bins + 2);
  const edges = range(bins + 2).map((i) => {
    const f = 700 * (10 ** ((mel(low) + i * step) / 2595) - 1);
    return Math.floor(((length + 1) * f) / rate);
  });
  const out = new Array<number>(rows * bins).fill(0);
  for (let k = 0; k < bins; k++) {
    const [a, m, z] = [edges[k], edges[k + 1], edges[k + 2]];
    if (m === a) out[m * bins + k] = 1;
    else for (let i = a; i <= m; i++) out[i * bins + k] = (i - a) / (m - a);
    for (let i = m; i < z; i++) out[i * bins + k] = (z - i) / (z - m);
  }
  return b.convert(fixed(out, [rows, bins], 'f64'), dtypeOf(c, c.number('output_datatype', 1)));
}

/** Real and imaginary parts of a transform along the last axis, by the definition's matrix where n is no concern. */
function transformed(re: Tensor, im: Tensor | undefined, n: number, inverse: boolean): [Tensor, Tensor] {
  const dtype = re.type.dtype;
  const angle = range(n * n).map((i) => ((inverse ? 2 : -2) * Math.PI * ((Math.floor(i / n) * (i % n)) % n)) / n);
  const table = (f: (x: number) => number) => fixed(angle.map(f), [n, n], dtype);
  const [cos, sin] = [table(Math.cos), table(Math.sin)];
  const times = (x: Tensor, t: Tensor) => b.dot(x, t, [[x.rank - 1], [0]]);
  const scale = (x: Tensor) => (inverse ? b.div(x, n) : x);
  const [rc, rs] = [times(re, cos), times(re, sin)];
  if (!im) return [scale(rc), scale(rs)];
  return [scale(b.sub(rc, times(im, sin))), scale(b.add(rs, times(im, cos)))];
}
/** The axis with other sizes: cut off, or filled with zeros. */
function resized(x: Tensor, axis: number, n: number): Tensor {
  return b.pad(
    x,
    x.shape.map(() => 0),
    x.shape.map((d, i) => (i === axis ? n - d : 0)),
  );
}
const halves = (x: Tensor): (Tensor | undefined)[] => {
  const last = x.rank - 1;
  const part = (i: number) => b.reshape(taken(x, last, [i]), x.shape.slice(0, -1));
  return [part(0), x.shape[last] === 2 ? part(1) : undefined];
};
const joined = (re: Tensor, im: Tensor): Tensor => stack([re, im], re.rank);

/** The discrete Fourier transform along an axis of [..., 1 or 2]. */
function dft(c: Call): Tensor {
  const x = floats(c.x(0));
  const given = c.version >= 20 ? (c.maybe(2) ? c.knownScalar(2, 'the axis') : -2) : c.number('axis', 1);
  const axis = c.axis(given, x.rank);
  const n = c.maybe(1) ? c.knownScalar(1, 'the length') : x.shape[axis];
  const long = resized(x, axis, n);
  const swap = range(x.rank - 1).map((i) => (i === axis ? x.rank - 2 : i === x.rank - 2 ? axis : i));
  const [re, im] = halves(long).map((t) => t && b.transpose(t, swap));
  const [p, q] = transformed(re as Tensor, im, n, c.flag('inverse')).map((t) => b.transpose(t, swap));
  const y = joined(p, q);
  return c.flag('onesided') ? taken(y, axis, range(Math.floor(n / 2) + 1)) : y;
}

/** Transforms of frames of a signal [batch, length, 1 or 2]. */
function stft(c: Call): Tensor {
  const signal = floats(c.x(0));
  const step = c.knownScalar(1, 'the step');
  const window = c.maybe(2);
  const n = c.maybe(3) ? c.knownScalar(3, 'the length of a frame') : (window?.size ?? signal.shape[1]);
  const frames = 1 + Math.floor((signal.shape[1] - n) / step);
  if (!(step >= 1) || frames < 1) throw c.refuse(`frames of ${n} by ${step} of ${signal.shape[1]}`);
  const places = fixed(
    range(frames * n).map((i) => Math.floor(i / n) * step + (i % n)),
    [frames, n],
    'i32',
  );
  const cut = gatherAxis(signal.rank === 2 ? b.reshape(signal, [...signal.shape, 1]) : signal, places, 1);
  const [re, im] = halves(cut).map((t) => (t && window ? b.mul(t, window) : t));
  const y = joined(...transformed(re as Tensor, im, n, false));
  return c.flag('onesided', true) ? taken(y, 2, range(Math.floor(n / 2) + 1)) : y;
}

const place = (c: Call, i: number, n: number): number => {
  const k = c.knownScalar(i, 'a position');
  const at = k < 0 ? k + n : k;
  if (!(at >= 0 && at <= n)) throw c.refuse(`position ${k} of ${n}`);
  return at;
};
/** Parts of an axis as a sequence. */
function splitToSequence(c: Call): OnnxValue[] {
  const x = c.x(0);
  const axis = c.axis(c.number('axis', 0), x.rank);
  const d = x.shape[axis];
  const split = c.maybe(1) && known(c.x(1), c.node, 1, 'sizes of the parts');
  const each = split?.length === 1 && c.x(1).rank === 0 ? split[0] : 1;
  const sizes =
    split && c.x(1).rank === 1
      ? Array.from(split)
      : range(Math.ceil(d / each)).map((i) => Math.min(each, d - i * each));
  if (sizes.reduce((s, n) => s + n, 0) !== d) throw c.refuse(`an axis of ${d} is not split into [${sizes}]`);
  const all = parts(x, axis, sizes);
  const squeezed = !split && !c.flag('keepdims', true);
  return squeezed
    ? all.map((t) =>
        b.reshape(
          t,
          t.shape.filter((_, i) => i !== axis),
        ),
      )
    : all;
}
function joinSequence(c: Call): Tensor {
  const xs = c.sequence(0).filter((v) => v instanceof Tensor);
  const fresh = c.flag('new_axis');
  if (xs.length === 0) throw c.refuse('the sequence is empty');
  const axis = c.axis(c.number('axis'), xs[0].rank + (fresh ? 1 : 0));
  return fresh ? stack(xs, axis) : b.concat(xs, axis);
}
function sequenceMap(c: Call): OnnxValue[] {
  const g: OnnxGraph = c.graph('body');
  const first = c.sequence(0);
  const rest = c.operands.slice(1);
  const runs = first.map((x, i) => {
    const values = [x, ...rest.map((v) => (Array.isArray(v) ? v[i] : v) as OnnxValue)];
    return c.runGraph(g, values);
  });
  return g.body.outputs.map((_, k) => runs.map((r) => r[k]));
}

export const generators: readonly Operator[] = [
  define('Constant', 1, constant),
  define('ConstantOfShape', 9, constantOfShape, { fixed: [0] }),
  define('Cast', 6, (c) => castTo(c, c.x(0), c.number('to')), { pointwise: true }),
  define('CastLike', 15, (c) => b.convert(wide(c.x(0)), c.x(1).type.dtype)),
  define('BitCast', 26, (c) => b.call('bitcast', [c.x(0)], { dtype: dtypeOf(c, c.number('to')) })),
  define('EyeLike', 9, (c) => eyeLike(c, c.has('dtype') ? dtypeOf(c, c.number('dtype')) : c.x(0).type.dtype)),
  define('Range', 11, rangeOf, { fixed: [0, 1, 2] }),
  define('RandomUniform', 1, uniform(false), { impure: true }),
  define('RandomUniformLike', 1, uniform(true), { impure: true }),
  define('RandomNormal', 1, normal(false), { impure: true }),
  define('RandomNormalLike', 1, normal(true), { impure: true }),
  define('Bernoulli', 15, bernoulli, { impure: true }),
  define(
    'Multinomial',
    7,
    (c) => multinomial(c.x(0), c.number('sample_size', 1), c.has('seed') ? c.number('seed') : undefined),
    { impure: true },
  ),
  windowed('HannWindow', [0.5, -0.5]),
  windowed('HammingWindow', [25 / 46, -21 / 46]),
  windowed('BlackmanWindow', [0.42, -0.5, 0.08]),
  define('MelWeightMatrix', 17, melWeights, { fixed: [0, 1, 2, 3, 4] }),
  define('DFT', 17, dft, { fixed: [1, 2] }),
  define('STFT', 17, stft, { fixed: [1, 3] }),
  define('SequenceEmpty', 11, () => [[]], { list: true }),
  define('SequenceConstruct', 11, (c) => [c.all()], { list: true }),
  define('SequenceLength', 11, (c) => fixed([c.sequence(0).length], [], 'i32')),
  define('SequenceAt', 11, (c) => [c.sequence(0)[place(c, 1, c.sequence(0).length)]], { list: true, fixed: [1] }),
  define(
    'SequenceInsert',
    11,
    (c) => {
      const old = c.sequence(0);
      const at = c.maybe(2) ? place(c, 2, old.length) : old.length;
      return [[...old.slice(0, at), c.x(1), ...old.slice(at)]];
    },
    { list: true, fixed: [2] },
  ),
  define(
    'SequenceErase',
    11,
    (c) => {
      const old = c.sequence(0);
      const at = c.maybe(1) ? place(c, 1, old.length) : old.length - 1;
      return [old.filter((_, i) => i !== at)];
    },
    { list: true, fixed: [1] },
  ),
  define('ConcatFromSequence', 11, joinSequence),
  define('SplitToSequence', 11, (c) => [splitToSequence(c)], { list: true, fixed: [1] }),
  define('SequenceMap', 17, sequenceMap, { list: true }),
  define('Optional', 15, (c) => new Optional(c.operands[0])),
  define('OptionalHasElement', 15, (c) => {
    const v = c.operands[0];
    return fixed([v === undefined || (v instanceof Optional && v.value === undefined) ? 0 : 1], [], 'bool');
  }),
  define(
    'OptionalGetElement',
    15,
    (c) => {
      const v = c.operands[0];
      const inner = v instanceof Optional ? v.value : v;
      if (inner === undefined) throw c.refuse('the optional value is empty');
      return [inner];
    },
    { list: true },
  ),
];
