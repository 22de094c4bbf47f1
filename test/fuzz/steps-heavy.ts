// Steps of random graphs that contract, slide windows, and index: products of every shape, convolution
// and its filter gradient, pooling and its gradients, gather and scatter.

import type { Val, Value } from '../../ir/graph.ts';
import { inferTypes, opByName } from '../../ir/op.ts';
import { dims, type Gen, rank, sizeOf } from './gen.ts';
import { type Step, step } from './steps.ts';

/** Multiplications that the reference may take for one node. */
const WORK = 150_000;

/** A dense layer's product, or any other pairing of axes. */
function dotStep(g: Gen): void {
  const { b, random: r } = g;
  const integer = !g.smooth && r.chance(0.07);
  const dtype = integer ? 'i32' : 'f32';
  if (r.chance(0.5)) {
    // A matrix product with something on its result.
    const x = g.value(dtype, (v) => rank(v) === 2 && sizeOf(dims(v)) <= 3000, [g.size(), g.size()]);
    if (rank(x) !== 2) return;
    const [ta, tb] = [r.chance(0.25), r.chance(0.25)];
    const k = dims(x)[ta ? 0 : 1];
    const n = g.size();
    if (sizeOf(dims(x)) * n > WORK) return;
    const y = g.use(b.matMul(x, g.like(dtype, tb ? [n, k] : [k, n]), ta, tb));
    if (integer) return;
    epilogue(g, y);
    return;
  }
  const x = g.value(dtype, (v) => sizeOf(dims(v)) <= 2000, g.shape(r.int(1, 4), 800));
  const s = dims(x);
  const axes = g.perm(s.length);
  const nb = r.int(0, Math.min(2, s.length));
  const nc = r.int(0, s.length - nb);
  const [bx, cx] = [axes.slice(0, nb), axes.slice(nb, nb + nc)];
  const free = Array.from({ length: r.int(0, 2) }, () => g.size());
  const parts = [
    ...bx.map((a, i) => ({ n: s[a], batch: i, contract: -1 })),
    ...cx.map((a, i) => ({ n: s[a], batch: -1, contract: i })),
    ...free.map((n) => ({ n, batch: -1, contract: -1 })),
  ];
  const order = r.chance(0.5) ? parts : r.shuffle(parts);
  if (order.length > 5 || sizeOf(s) * sizeOf(free) > WORK) return;
  const by = bx.map((_, i) => order.findIndex((p) => p.batch === i));
  const cy = cx.map((_, i) => order.findIndex((p) => p.contract === i));
  const y = g.like(
    dtype,
    order.map((p) => p.n),
  );
  const [p, q] = r.chance(0.3) ? [y, x] : [x, y];
  const swap = p === y && p !== x;
  const z = g.use(b.dot(p, q, swap ? [cy, cx] : [cx, cy], swap ? [by, bx] : [bx, by]));
  if (!integer && r.chance(0.4)) epilogue(g, z);
}

/** Bias, residual, activation: what fuses behind a contraction. */
function epilogue(g: Gen, y: Val): void {
  const { b, random: r } = g;
  if (!g.has(y) || rank(y) === 0) return;
  let z = y;
  if (r.chance(0.6)) z = g.use(b.add(z, g.like('f32', [dims(y)[rank(y) - 1]])));
  if (r.chance(0.3)) z = g.use(b.add(z, g.like('f32', dims(y))));
  if (g.has(z) && r.chance(0.5)) z = g.use(b.call(r.pick(['relu', 'tanh', 'logistic']), [z]));
  if (g.has(z) && r.chance(0.2)) g.use(b.sum(z, g.axes(rank(z))));
}

interface Conv {
  readonly kernel: number[];
  readonly cin: number;
  readonly cout: number;
  readonly attrs: Record<string, number | number[] | number[][]>;
}
function convAttrs(g: Gen, x: readonly number[]): Conv {
  const r = g.random;
  const n = x.length - 2;
  const c = x[n + 1];
  const plain = r.chance(0.4);
  const divisors = [1, 2, 3, 4, 5, 7, 8].filter((d) => c % d === 0);
  const groups = plain || c === 0 ? 1 : r.chance(0.3) ? c : r.pick(divisors);
  const per = (f: () => number) => Array.from({ length: n }, f);
  const cout = groups * (groups > 8 ? 1 : r.pick([1, 1, 2, 3, 4, 5, 8, 16, 17]));
  return {
    kernel: per(() => r.pick([1, 2, 3, 3, 4, 5])),
    cin: groups ? c / groups : c,
    cout,
    attrs: {
      strides: per(() => (plain ? 1 : r.pick([1, 1, 2, 3]))),
      pad: Array.from({ length: n }, () => (plain ? [1, 1] : [r.int(-1, 2), r.int(-1, 2)])),
      lhs_dilation: per(() => (plain || r.chance(0.8) ? 1 : r.int(2, 3))),
      rhs_dilation: per(() => (plain || r.chance(0.75) ? 1 : r.int(2, 3))),
      groups,
    },
  };
}

/** An image-like value: [batch, spatial…, channels]. */
function image(g: Gen): Value {
  const r = g.random;
  const spatial = Array.from({ length: r.pick([1, 2, 2, 2, 2, 3]) }, () => r.pick([1, 2, 3, 4, 5, 7, 8, 9, 11]));
  const shape = [r.pick([1, 1, 2, 3]), ...spatial, r.pick([1, 2, 3, 4, 5, 8, 12, 16, 17])];
  if (spatial.length === 3) for (let i = 0; i < 3; i++) shape[i + 1] = Math.min(shape[i + 1], 4);
  return g.value(
    'f32',
    (v) => rank(v) >= 3 && rank(v) <= 5 && dims(v).every((d) => d > 0) && sizeOf(dims(v)) <= 4000,
    shape,
  );
}

/** Sizes that Winograd's algorithm takes: 3 x 3 filters, stride 1, enough channels. */
function winogradCase(g: Gen): { x: Value; c: Conv } {
  const r = g.random;
  const [cin, cout] = [r.pick([8, 9, 12, 16, 19]), r.pick([8, 9, 11, 16, 20])];
  const shape = [r.pick([1, 1, 2]), r.int(4, 9), r.int(4, 9), cin];
  const x = g.value('f32', (v) => dims(v).join() === shape.join(), shape);
  const pad = Array.from({ length: 2 }, () => [r.int(-1, 3), r.int(-1, 3)]);
  const ones = [1, 1];
  return {
    x,
    c: { kernel: [3, 3], cin, cout, attrs: { strides: ones, pad, lhs_dilation: ones, rhs_dilation: ones, groups: 1 } },
  };
}

function convStep(g: Gen): void {
  const { b, random: r } = g;
  const any = (x: Value) => ({ x, c: convAttrs(g, dims(x)) });
  const { x, c } = r.chance(0.2) ? winogradCase(g) : any(image(g));
  const wShape = [...c.kernel, c.cin, c.cout];
  const conv = opByName('conv');
  const wType = { dtype: 'f32' as const, shape: wShape };
  if (sizeOf(wShape) > 4000) return;
  const out = inferTypes(conv, [x.type, wType], c.attrs)[0];
  const outSize = sizeOf(out.shape);
  if (outSize * sizeOf([...c.kernel, c.cin]) > WORK || outSize > 8000) return;
  if (r.chance(0.3)) {
    g.use(
      b.call('conv_filter_grad', [x, g.like('f32', out.shape as readonly number[])], { ...c.attrs, kernel: c.kernel }),
    );
    return;
  }
  const y = g.use(b.call('conv', [x, g.like('f32', wShape)], c.attrs));
  epilogue(g, y);
}

function poolStep(g: Gen): void {
  const { b, random: r } = g;
  const x = r.chance(0.7) ? image(g) : g.float(1, 4, 2000);
  const s = dims(x);
  const pooled = s.map((_, i) => (s.length >= 3 ? i > 0 && i < s.length - 1 : true));
  const window = pooled.map((p) => (p ? r.int(1, 3) : 1));
  const attrs = {
    window,
    strides: pooled.map((p) => (p ? r.int(1, 3) : 1)),
    pad: window.map((w) => (w > 1 && r.chance(0.4) ? [r.int(0, w - 1), r.int(0, w - 1)] : [0, 0])),
  };
  const kind = r.pick([
    'reduce_window_sum',
    'reduce_window_max',
    'reduce_window_max',
    'window_max_grad',
    'window_max_pick',
  ]);
  if (sizeOf(s) * sizeOf(window) > WORK) return;
  if (kind === 'reduce_window_sum' || kind === 'reduce_window_max') {
    const y = g.use(b.call(kind, [x], attrs));
    if (r.chance(0.4) && g.has(y)) g.use(b.call(r.pick(['relu', 'tanh']), [y]));
    return;
  }
  if (!g.isExact(x)) return;
  const of =
    kind === 'window_max_pick'
      ? s
      : (inferTypes(opByName('reduce_window_max'), [x.type], attrs)[0].shape as readonly number[]);
  g.use(b.call(kind, [x, g.like('f32', of)], attrs));
}

function indexStep(g: Gen): void {
  const { b, random: r } = g;
  const dtype = !g.smooth && r.chance(0.15) ? 'i32' : 'f32';
  const x = g.value(dtype, (v) => rank(v) >= 1 && sizeOf(dims(v)) <= 3000, g.shape(r.int(1, 3), 1000));
  if (rank(x) === 0) return;
  const k = r.chance(0.7) ? 1 : r.int(1, rank(x));
  const lead = g.shape(r.int(0, 2), 60);
  const slice = dims(x).slice(k);
  if (sizeOf(lead) * sizeOf(slice) > 6000) return;
  const data = g.data('i32', [...lead, k]);
  const wild = r.chance(0.15);
  data.data.forEach((v, i) => {
    const d = dims(x)[i % k];
    data.data[i] = wild ? v : Math.abs(v) % Math.max(1, d);
  });
  const indices = r.chance(0.3) && !wild && k === 1 ? g.like('i32', [...lead, k]) : g.leaf('i32', [...lead, k], data);
  if (r.chance(0.55)) g.use(b.call('gather', [x, indices]));
  else {
    // Which update stays, and which is the larger, is no smooth function.
    const mode = g.smooth
      ? 'scatter_add'
      : r.pick(['scatter_add', 'scatter_add', 'scatter_set', 'scatter_max', 'scatter_min']);
    g.use(b.call(mode, [x, indices, g.like(dtype, [...lead, ...slice])]));
  }
}

export const heavySteps: readonly Step[] = [
  step('dot', true, 5, dotStep),
  step('conv', true, 4, convStep),
  step('pool', true, 3, poolStep),
  step('index', true, 3, indexStep),
];
