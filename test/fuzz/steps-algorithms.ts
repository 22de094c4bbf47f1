// Steps of random graphs that are algorithms: running reductions, sorting, transforms, factorizations.

import type { Val } from '../../ir/graph.ts';
import { opByName } from '../../ir/op.ts';
import { dims, type Gen, rank, sizeOf } from './gen.ts';
import { type Step, step } from './steps.ts';

/** A value of some rank with elements. */
const filled = (g: Gen, dtype: 'f32' | 'i32', least: number, limit: number): Val | null => {
  const x = g.value(dtype, (v) => rank(v) >= least && sizeOf(dims(v)) <= limit, g.shape(g.random.int(least, 3), limit));
  return rank(x) >= least && sizeOf(dims(x)) <= limit ? x : null;
};

function runningStep(g: Gen): void {
  const { b, random: r } = g;
  const x = filled(g, !g.smooth && r.chance(0.2) ? 'i32' : 'f32', 1, 5000);
  if (!x) return;
  const axis = r.int(0, rank(x) - 1);
  const attrs = { axis, reverse: r.chance(0.4) };
  const n = dims(x)[axis];
  const kind = r.pick(['sum', 'sum', 'max', 'min', 'prod', 'recurrence']);
  if (kind === 'sum' && x.type.dtype === 'f32' && r.chance(0.2)) {
    g.use(b.call('cumulative_logsumexp', [x], attrs));
    return;
  }
  if (kind === 'recurrence') {
    if (x.type.dtype !== 'f32' || n > 64) return;
    g.use(b.call('linear_recurrence', [b.un('tanh', x), g.like('f32', dims(x))], attrs));
  } else if (kind !== 'prod' || (n <= 33 && x.type.dtype === 'f32'))
    g.use(b.call(`cumulative_${kind}`, [x], { ...attrs, exclusive: r.chance(0.3) }));
}

function sortStep(g: Gen): void {
  const { b, random: r } = g;
  const x = filled(g, r.chance(0.25) ? 'i32' : 'f32', 1, 5000);
  if (!x) return;
  const n = dims(x)[rank(x) - 1];
  const kind = r.pick(['sort', 'top_k', 'search_sorted']);
  if (kind === 'search_sorted') {
    if (x.type.dtype === 'f32' && !g.isExact(x)) return;
    const [sorted] = b.emit(opByName('sort'), [x], { descending: false });
    g.use(
      b.call(kind, [sorted, g.leaf(x.type.dtype as 'f32', dims(x).with(-1, r.int(0, 9)))], {
        side: r.pick(['left', 'right']),
      }),
    );
    return;
  }
  const attrs: Record<string, number | boolean> =
    kind === 'sort' ? { descending: r.chance(0.5) } : { k: r.int(0, Math.min(n, 40)) };
  const outs = b.emit(opByName(kind), [x], attrs);
  for (const o of r.pick([outs, outs.slice(0, 1), outs.slice(1)])) g.use(o);
}

function fftStep(g: Gen): void {
  const { b, random: r } = g;
  const x = filled(g, 'f32', 1, 3000);
  if (!x || dims(x).includes(0) || dims(x)[rank(x) - 1] > 600) return;
  if (r.chance(0.4)) {
    const re = b.emit(opByName('rfft'), [x]);
    if (r.chance(0.5)) for (const o of re) g.use(o);
    else g.use(b.call('irfft', re, { n: dims(x)[rank(x) - 1] }));
    return;
  }
  for (const o of b.emit(opByName('fft'), [x, g.like('f32', dims(x))], { inverse: r.chance(0.6) })) g.use(o);
}

/** Factorizations and solves with matrices that are far from singular: I + A A^T / n. */
function factorStep(g: Gen): void {
  const { b, random: r } = g;
  const x = filled(g, 'f32', 2, 600);
  if (!x || dims(x).includes(0) || Math.max(...dims(x).slice(-2)) > 20) return;
  const [least, most] = g.range(x);
  if (!(Math.max(-least, most) <= 4)) return;
  const k = rank(x);
  const batch = dims(x)
    .slice(0, -2)
    .map((_, i) => i);
  const square = b.div(b.dot(x, x, [[k - 1], [k - 1]], [batch, batch]), dims(x)[k - 1] * 8);
  const eye = b.compare('eq', b.iota(square.type.shape, k - 2), b.iota(square.type.shape, k - 1));
  const a = b.add(square, b.convert(eye, 'f32'));
  const kind = r.pick(['cholesky', 'solve', 'triangular', 'det', 'slogdet', 'qr', 'lu', 'eigh', 'svd']);
  // What orders its results by size or picks a pivot decides; only the parts that are unique are compared.
  if (g.smooth && ['lu', 'eigh', 'svd'].includes(kind)) return;
  if (kind === 'triangular') {
    const attrs = { lower: true, adjoint: r.chance(0.5), unit: false };
    g.use(b.call('triangular_solve', [b.call('cholesky', [a]), g.like('f32', dims(square).with(-1, 3))], attrs));
  } else if (kind === 'slogdet' || kind === 'qr') {
    for (const o of b.emit(opByName(kind), [a], kind === 'qr' ? { full: false } : {})) g.use(o);
  } else if (kind === 'eigh') g.use(b.emit(opByName(kind), [a])[0]);
  else if (kind === 'svd') g.use(b.emit(opByName(kind), [x])[1]);
  else if (kind === 'lu') g.use(b.emit(opByName(kind), [b.add(b.mul(square, 0.02), b.convert(eye, 'f32'))])[0]);
  else if (kind === 'cholesky' || kind === 'det') g.use(b.call(kind, [a]));
  else g.use(b.call('solve', [a, g.like('f32', dims(square).with(-1, r.int(1, 5)))]));
}

export const algorithmSteps: readonly Step[] = [
  step('running', true, 2, runningStep),
  step('sort', false, 2, sortStep),
  step('fft', true, 1, fftStep),
  step('factor', true, 1, factorStep),
];
