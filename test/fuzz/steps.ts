// What a random graph is made of, one small step at a time: element-wise operations, views, reductions
// and composites. (Contractions, windows and indexing: steps-heavy.ts.)

import type { Val, Value } from '../../ir/graph.ts';
import { opByName } from '../../ir/op.ts';
import { tensorType } from '../../ir/types.ts';
import { dims, type Gen, rank, sizeOf } from './gen.ts';

/** A step of a random graph. */
export interface Step {
  readonly name: string;
  /** It has a gradient, and decides nothing by comparing what may have been rounded. */
  readonly smooth: boolean;
  readonly weight: number;
  readonly run: (g: Gen) => void;
}
export const step = (name: string, smooth: boolean, weight: number, run: (g: Gen) => void): Step => ({
  name,
  smooth,
  weight,
  run,
});

/** Unary functions, and where they are defined. */
const unary: readonly (readonly [string, (lo: number, hi: number) => boolean])[] = [
  ...['neg', 'abs', 'sin', 'cos', 'atan', 'tanh', 'erf', 'logistic', 'softplus', 'asinh', 'stop_gradient'].map(
    (n) => [n, () => true] as const,
  ),
  ['exp_falling', (lo, hi) => hi <= 0 && lo > -80],
  ...['exp', 'expm1', 'sinh', 'cosh'].map((n) => [n, (_lo: number, hi: number) => hi < 6 && _lo > -80] as const),
  ['sqrt', (lo) => lo > 1e-3],
  ['rsqrt', (lo) => lo > 1e-3],
  ['log', (lo) => lo > 1e-3],
  ['log1p', (lo) => lo > -0.99],
  ['tan', (lo, hi) => lo > -1.3 && hi < 1.3],
  ['asin', (lo, hi) => lo > -0.98 && hi < 0.98],
  ['acos', (lo, hi) => lo > -0.98 && hi < 0.98],
  ['acosh', (lo) => lo > 1.02],
  ['atanh', (lo, hi) => lo > -0.98 && hi < 0.98],
];
const deciding = ['sign', 'floor', 'ceil', 'trunc', 'round'];
const activations: readonly (readonly [string, Record<string, number | boolean>])[] = [
  ['relu', {}],
  ['relu6', {}],
  ['leaky_relu', { alpha: 0.2 }],
  ['elu', { alpha: 1 }],
  ['selu', {}],
  ['gelu', { approximate: false }],
  ['gelu', { approximate: true }],
  ['silu', {}],
  ['square', {}],
];

function unaryStep(g: Gen): void {
  const x = g.float();
  const [lo, hi] = g.range(x);
  const names = unary.filter(([, ok]) => ok(lo, hi)).map(([n]) => n);
  if (!g.smooth) names.push(...deciding);
  g.use(g.b.un(g.random.pick(names), x));
}

function binaryStep(g: Gen): void {
  const { b, random: r } = g;
  const x = g.float();
  const y = r.chance(0.15) ? r.pick([0, 1, 2, -1, 0.5, 3]) : r.chance(0.1) ? x : g.like('f32', dims(x));
  const kind = r.pick([
    'add',
    'add',
    'sub',
    'mul',
    'mul',
    'max',
    'min',
    'div',
    'pow',
    'atan2',
    'squared_difference',
    'rem',
  ]);
  const swap = r.chance(0.3) && typeof y !== 'number';
  const [p, q] = swap ? [y as Val, x] : [x, y];
  const range = (v: Val | number) => (typeof v === 'number' ? [v, v] : g.range(v));
  const awayFrom0 = range(q)[0] > 0.05 || range(q)[1] < -0.05;
  switch (kind) {
    case 'div':
      g.use(b.div(p, awayFrom0 ? q : b.add(b.un('abs', b.align(p, q)[1]), 0.5)));
      break;
    case 'pow':
      if (range(p)[0] > 0.05 && Math.abs(range(q)[0]) < 5 && Math.abs(range(q)[1]) < 5) g.use(b.pow(p, q));
      else g.use(b.pow(b.add(b.un('abs', p), 0.3), r.pick([2, 3, 0.5, -1, 1, 1.5, 0])));
      break;
    case 'atan2':
      g.use(b.call('atan2', b.align(p, b.add(b.un('abs', b.align(p, q)[1]), 0.2))));
      break;
    case 'rem':
      if (!g.smooth && awayFrom0) g.use(b.call('rem', b.align(p, q)));
      break;
    default:
      g.use(b.call(kind, b.align(p, q)));
  }
}

function broadcastStep(g: Gen): void {
  const { random: r } = g;
  const x = g.float(0, 3, 600);
  const s = dims(x);
  const shape = s.map((d) => (d === 1 && r.chance(0.7) ? g.size() : d));
  const at = s.map((_, i) => i);
  while (shape.length < 4 && r.chance(0.5)) {
    const k = r.int(0, shape.length);
    shape.splice(k, 0, g.size());
    for (let i = 0; i < at.length; i++) if (at[i] >= k) at[i]++;
  }
  if (sizeOf(shape) <= 6000) g.use(g.b.broadcast(x, shape, at));
}

/** A random shape of n elements. */
function factor(g: Gen, n: number): number[] {
  const { random: r } = g;
  if (n === 0) return r.shuffle([0, r.int(1, 5), r.int(1, 3)]).slice(0, 3);
  const out: number[] = [];
  let rest = n;
  for (const p of [2, 3, 5, 7, 11, 13])
    while (rest % p === 0 && r.chance(0.6)) {
      if (out.length && r.chance(0.5)) out[r.int(0, out.length - 1)] *= p;
      else out.push(p);
      rest /= p;
    }
  if (rest > 1) out.push(rest);
  while (out.length < 5 && r.chance(0.25)) out.push(1);
  while (out.length > 5) out[0] *= out.pop() as number;
  return r.shuffle(out);
}

function viewStep(g: Gen): void {
  const { b, random: r } = g;
  const dtype = !g.smooth && r.chance(0.15) ? 'i32' : 'f32';
  const x = dtype === 'f32' ? g.float() : g.value('i32');
  const s = dims(x);
  switch (r.pick(['reshape', 'transpose', 'slice', 'pad', 'concat', 'reverse', 'reshape', 'transpose'])) {
    case 'reshape':
      g.use(b.reshape(x, factor(g, sizeOf(s))));
      break;
    case 'transpose':
      g.use(b.transpose(x, g.perm(s.length)));
      break;
    case 'slice': {
      const strides = s.map(() => r.pick([1, 1, 1, 2, 3]));
      const begin = s.map((d) => (d > 0 && r.chance(0.6) ? r.int(0, d - 1) : 0));
      const size = s.map((d, i) => {
        const most = Math.max(0, Math.ceil((d - begin[i]) / strides[i]));
        return r.chance(0.4) ? most : r.int(Math.min(1, most), most);
      });
      g.use(b.slice(x, begin, size, strides));
      break;
    }
    case 'pad': {
      const interior = s.map(() => (r.chance(0.2) ? r.int(1, 2) : 0));
      const full = s.map((d, i) => d + Math.max(0, d - 1) * interior[i]);
      const low = full.map((d) => (r.chance(0.5) ? 0 : r.int(-Math.min(2, Math.floor(d / 2)), 3)));
      const high = full.map((d) => (r.chance(0.5) ? 0 : r.int(-Math.min(2, Math.floor(d / 2)), 3)));
      if (sizeOf(full.map((d, i) => d + low[i] + high[i])) > 8000) return;
      const fill = r.pick([0, 0, 1, -3]);
      if (dtype === 'f32' && r.chance(0.2)) g.use(b.call('pad', [x, g.like('f32', [])], { low, high, interior }));
      else g.use(b.pad(x, low, high, interior, fill));
      break;
    }
    case 'concat': {
      if (s.length === 0) return;
      const axis = r.int(0, s.length - 1);
      const parts: Value[] = [x];
      while (parts.length < 4 && r.chance(0.6)) {
        const shape = s.map((d, i) => (i === axis && r.chance(0.5) ? r.int(0, 5) : d));
        parts.push(g.like(dtype, shape));
      }
      if (parts.reduce((n, p) => n + sizeOf(dims(p)), 0) <= 8000) g.use(b.call('concat', r.shuffle(parts), { axis }));
      break;
    }
    default:
      g.use(b.reverse(x, g.axes(s.length, 0)));
  }
}

function reduceStep(g: Gen): void {
  const { b, random: r } = g;
  const x = g.float(1);
  const axes = g.axes(rank(x));
  const kinds = r.some(['reduce_sum', 'reduce_max', 'reduce_min', 'mean', 'reduce_sum'], 1).slice(0, r.int(1, 3));
  if (g.smooth && !g.isExact(x)) kinds.splice(0, kinds.length, ...kinds.map((k) => (k === 'reduce_min' ? 'mean' : k)));
  let y: Val = x;
  for (const kind of kinds) {
    // Several reductions over the same rows, each on what the one before left.
    const z = r.chance(0.5) ? y : x;
    if (sizeOf(axes.map((a) => dims(x)[a])) === 0 && kind !== 'reduce_sum') return;
    const s = kind === 'mean' ? b.mean(z, axes) : b.call(kind, [z], { axes });
    g.use(s);
    if (r.chance(0.7)) y = b.call(r.pick(['add', 'sub', 'mul']), [y, b.unreduce(s, axes, dims(x))]);
    g.use(y);
  }
  if (!g.smooth && r.chance(0.1)) g.use(b.call('reduce_prod', [x], { axes }));
}

function softmaxStep(g: Gen): void {
  const { b, random: r } = g;
  const x = g.float(1, 4, 3000);
  const axis = r.chance(0.7) ? rank(x) - 1 : r.int(0, rank(x) - 1);
  const depth = dims(x)[rank(x) - 1];
  switch (r.pick(['softmax', 'softmax', 'log_softmax', 'dense', 'sparse'])) {
    case 'softmax':
      g.use(b.call('softmax', [x], { axis }));
      break;
    case 'log_softmax':
      g.use(b.call('log_softmax', [x], { axis }));
      break;
    case 'dense':
      g.use(b.call('softmax_cross_entropy', [x, g.like('f32', dims(x))]));
      break;
    default: {
      const shape = dims(x).slice(0, -1);
      const data = g.data('i32', shape);
      const labels = { ...data, data: data.data.map((v) => Math.abs(v) % Math.max(1, depth)) };
      g.use(b.call('sparse_softmax_cross_entropy', [x, g.leaf('i32', shape, labels)]));
    }
  }
}

function normStep(g: Gen): void {
  const { b, random: r } = g;
  const x = g.float(1, 4, 3000);
  const s = dims(x);
  const epsilon = r.pick([1e-1, 1e-2]);
  const axis = r.chance(0.6) ? s.length - 1 : r.int(0, s.length - 1);
  const channel = () => g.like('f32', [s[axis]]);
  if (s.includes(0)) return;
  switch (r.pick(['layer', 'training', 'inference', 'moments'])) {
    case 'layer': {
      const axes = r.chance(0.6) ? [s.length - 1] : g.axes(s.length);
      const inner = axes.map((a) => s[a]);
      g.use(b.call('layer_norm', [x, g.like('f32', inner), g.like('f32', inner)], { axes, epsilon }));
      break;
    }
    case 'training': {
      const out = g.b.emit(opByName('batch_norm_training'), [x, channel(), channel()], { axis, epsilon });
      for (const o of r.some(out)) g.use(o);
      break;
    }
    case 'inference': {
      const variance = g.use(b.add(b.un('abs', channel()), 0.5));
      g.use(b.call('batch_norm_inference', [x, channel(), variance, channel(), channel()], { axis, epsilon }));
      break;
    }
    default:
      for (const o of g.b.emit(opByName('moments'), [x], { axes: g.axes(s.length), keepDims: r.chance(0.5) })) g.use(o);
  }
}

function logicStep(g: Gen): void {
  const { b, random: r } = g;
  const flat = r.chance(0.6);
  const x = flat ? g.value('f32', (v) => g.isExact(v)) : g.value('i32');
  const y = r.chance(0.3) ? r.int(-2, 2) : g.like(x.type.dtype, dims(x));
  const c = g.use(b.compare(r.pick(['eq', 'ne', 'lt', 'le', 'gt', 'ge']), x, y));
  const d = g.like('bool', dims(x));
  const e = r.chance(0.5)
    ? g.use(b.call(r.pick(['and', 'or', 'xor']), [c, d]))
    : r.chance(0.3)
      ? g.use(b.un('not', c))
      : c;
  const kind = r.pick(['select', 'select', 'convert', 'reduce', 'none']);
  if (kind === 'select') g.use(b.select(e, g.like('f32', dims(x)), r.chance(0.3) ? 0 : g.like('f32', dims(x))));
  if (kind === 'convert') g.use(b.convert(e, r.pick(['f32', 'i32'])));
  if (kind === 'reduce' && rank(x) > 0)
    g.use(b.call(r.pick(['reduce_and', 'reduce_or']), [e], { axes: g.axes(rank(x)) }));
}

function integerStep(g: Gen): void {
  const { b, random: r } = g;
  const dtype = r.pick(['i32', 'i32', 'u32'] as const);
  const x = g.value(dtype);
  const y = r.chance(0.2) ? r.int(0, 5) : g.like(dtype, dims(x));
  switch (r.pick(['arith', 'arith', 'shift', 'reduce', 'convert', 'unary', 'arg'])) {
    case 'arith':
      g.use(b.call(r.pick(['add', 'sub', 'mul', 'div', 'rem', 'max', 'min', 'and', 'or', 'xor']), b.align(x, y)));
      break;
    case 'shift':
      g.use(b.call(r.pick(['shl', 'shr']), b.align(x, typeof y === 'number' ? y : b.call('and', b.align(y, 31)))));
      break;
    case 'reduce':
      if (rank(x))
        g.use(
          b.call(r.pick(['reduce_sum', 'reduce_prod', 'reduce_max', 'reduce_min']), [x], { axes: g.axes(rank(x)) }),
        );
      break;
    case 'convert': {
      const f = g.value('f32', (v) => g.isExact(v));
      g.use(b.convert(r.chance(0.5) ? x : f, r.pick(['i32', 'f32', 'bool'] as const)));
      break;
    }
    case 'arg': {
      const v = r.chance(0.5) ? x : g.value('f32', (u) => g.isExact(u));
      const axes = dims(v).flatMap((d, i) => (d > 0 ? [i] : []));
      if (axes.length) g.use(b.call(r.pick(['arg_max', 'arg_min']), [v], { axis: r.pick(axes) }));
      break;
    }
    default:
      g.use(b.un(dtype === 'i32' ? r.pick(['neg', 'abs', 'sign', 'not']) : 'not', x));
  }
}

function randomStep(g: Gen): void {
  const { b, random: r } = g;
  const data = { dtype: 'u32' as const, shape: [2], data: Float64Array.of(r.int(0, 2 ** 31), r.int(0, 99)) };
  const key = g.leaf('u32', [2], data);
  const shape = g.shape();
  switch (r.pick(['bits', 'uniform', 'bernoulli', 'normal', 'dropout'])) {
    case 'bits':
      g.use(b.call('rng_bits', [key], { shape }));
      break;
    case 'uniform':
      g.use(b.call('random_uniform', [key], { shape }));
      break;
    case 'bernoulli':
      g.use(b.call('random_bernoulli', [key], { shape, p: r.real(0, 1) }));
      break;
    case 'normal':
      g.use(b.call('random_normal', [key], { shape }));
      break;
    default:
      g.use(b.call('dropout', [g.float(), key], { rate: r.pick([0.25, 0.5]) }));
  }
}

/** Reads, assignments, swaps; a version is assigned once, and old values stay readable. */
function variableStep(g: Gen): void {
  const { b, random: r } = g;
  const states = [...g.states.keys()];
  if (states.length < 2 || r.chance(0.2)) {
    g.variable(states.length && r.chance(0.6) ? dims(states[0]) : g.shape(undefined, 600));
    return;
  }
  const write = (s: Value, v: Val) => {
    g.sync();
    if (!g.has(v)) return;
    g.states.set(s, b.call('assign', [g.states.get(s) as Value, v]) as Value);
    g.sync();
  };
  const s = r.pick(states);
  const same = states.filter((q) => q !== s && dims(q).join() === dims(s).join());
  if (same.length && r.chance(0.4)) {
    const q = r.pick(same);
    const [x, y] = [s, q].map((v) => g.use(b.call('read', [g.states.get(v) as Value])));
    write(s, y);
    write(q, x);
  } else if (r.chance(0.3)) g.use(b.call('read', [g.states.get(s) as Value]));
  else write(s, g.like('f32', dims(s)));
}

export const lightSteps: readonly Step[] = [
  step('unary', true, 6, unaryStep),
  step('binary', true, 9, binaryStep),
  step('activation', true, 3, (g) => {
    const [name, attrs] = g.random.pick(activations);
    const x = g.float();
    if (g.range(x)[1] < 40) g.use(g.b.call(name, [x], attrs));
  }),
  step('broadcast', true, 3, broadcastStep),
  step('view', true, 8, viewStep),
  step('reduce', true, 5, reduceStep),
  step('softmax', true, 2, softmaxStep),
  step('norm', true, 3, normStep),
  step('variable', true, 3, variableStep),
  step('leaf', true, 1, (g) => {
    g.leaf('f32', g.shape());
  }),
  step('logic', false, 3, logicStep),
  step('integer', false, 4, integerStep),
  step('random', false, 1, randomStep),
  step('iota', false, 1, (g) => {
    const shape = g.shape(g.random.int(1, 3));
    g.use(g.b.iota(shape, g.random.int(0, shape.length - 1), g.random.pick(['i32', 'f32'] as const)));
  }),
  step('one_hot', false, 1, (g) => {
    const x = g.value('i32', (v) => sizeOf(dims(v)) < 300);
    const dtype = g.random.pick(['f32', 'i32', 'bool'] as const);
    if (sizeOf(dims(x)) < 300) g.use(g.b.call('one_hot', [x], { depth: g.random.int(1, 9), on: 1, off: 0, dtype }));
  }),
  step('splat', true, 1, (g) => {
    g.use(g.b.splat(tensorType('f32', g.shape()), g.random.pick([0, 1, -2, 0.5])));
  }),
];
