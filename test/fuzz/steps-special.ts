// Steps of random graphs: special functions, predicates, bits, resampling, further distributions.

import type { Attrs } from '../../ir/graph.ts';
import { dims, type Gen, rank, sizeOf } from './gen.ts';
import { type Step, step } from './steps.ts';

function specialStep(g: Gen): void {
  const { b, random: r } = g;
  const x = g.float();
  const [lo, hi] = g.range(x);
  const positive = lo > 0.05 && hi < 50;
  switch (r.pick(['erfc', 'lgamma', 'digamma', 'polygamma', 'reciprocal', 'scale_shift'])) {
    case 'erfc':
      if (hi < 5) g.use(b.un('erfc', x));
      break;
    case 'lgamma':
      if (positive) g.use(b.un('lgamma', x));
      break;
    case 'digamma':
      if (positive) g.use(b.un('digamma', x));
      break;
    case 'polygamma':
      if (positive) g.use(b.call('polygamma', [x], { order: r.int(1, 3) }));
      break;
    case 'reciprocal':
      g.use(b.call('reciprocal', [lo > 0.05 || hi < -0.05 ? x : b.add(b.un('abs', x), 0.5)]));
      break;
    default:
      g.use(b.call('scale_shift', [x], { scale: r.pick([2, -0.5, 0.3]), shift: r.pick([0, 1, -0.25]) }));
  }
}

function predicateStep(g: Gen): void {
  const { b, random: r } = g;
  const x = g.float();
  g.use(b.un(r.pick(['is_nan', 'is_inf', 'is_finite']), x));
  const exact = g.value('f32', (v) => g.isExact(v));
  if (r.chance(0.4)) g.use(b.call('bitcast', [exact], { dtype: r.pick(['i32', 'u32']) }));
}

function resampleStep(g: Gen): void {
  const { b, random: r } = g;
  const x = g.float(1, 4, 1500);
  const axis = r.int(0, rank(x) - 1);
  const from = dims(x)[axis];
  const to = r.int(1, 20);
  if (from === 0 || from > 64 || (sizeOf(dims(x)) / from) * to > 4000) return;
  const method = r.pick(g.smooth ? ['bilinear', 'bicubic', 'area'] : ['bilinear', 'bicubic', 'area', 'nearest']);
  const attrs: Attrs = {
    axis,
    from,
    to,
    method,
    grid: method === 'bicubic' || method === 'area' ? 'half_pixel' : r.pick(['half_pixel', 'corners', 'asymmetric']),
    antialias: (method === 'bilinear' || method === 'bicubic') && r.chance(0.3),
    adjoint: false,
  };
  g.use(b.call('resample', [x], attrs));
}

function distributionStep(g: Gen): void {
  const { b, random: r } = g;
  const data = { dtype: 'u32' as const, shape: [2], data: Float64Array.of(r.int(0, 2 ** 31), r.int(0, 99)) };
  const key = g.leaf('u32', [2], data);
  const shape = g.shape();
  const kind = r.pick(['truncated_normal', 'exponential', 'gumbel', 'int', 'gamma']);
  if (kind === 'int') {
    g.use(b.call('random_int', [key, g.leaf('u32', shape)]));
  } else if (kind === 'gamma') {
    // Rejection decides on the last bits: the shapes must be what float32 holds.
    const alpha = Array.from({ length: sizeOf(shape) }, () => Math.fround(r.real(0.3, 8)));
    g.use(b.call('random_gamma', [key, g.leaf('f32', shape, { dtype: 'f32', shape, data: Float64Array.from(alpha) })]));
  } else g.use(b.call(`random_${kind}`, [key], { shape }));
}

export const specialSteps: readonly Step[] = [
  step('special', true, 2, specialStep),
  step('predicate', false, 1, predicateStep),
  step('resample', true, 1, resampleStep),
  step('distribution', false, 1, distributionStep),
];
