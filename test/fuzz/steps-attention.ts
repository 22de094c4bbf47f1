// Steps of random graphs that the pass `strips` is for: a product whose rows are normalized, and consumed by another.

import type { Val } from '../../ir/graph.ts';
import { type Gen, rank } from './gen.ts';
import { type Step, step } from './steps.ts';

/** Bounds of the pass that these sizes cross. */
export const smallStrips = { limit: 256, strip: 600, rows: 4 } as const;

const axesOf = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Scale, mask and bias. */
function changed(g: Gen, scores: Val): Val {
  const { b, random: r } = g;
  const shape = scores.type.shape as readonly number[];
  const n = shape.length;
  let s = r.chance(0.5) ? b.mul(scores, 0.5) : scores;
  if (r.chance(0.4)) {
    const seen = b.compare('ge', b.iota(shape.slice(-2), 0), b.iota(shape.slice(-2), 1));
    s = b.select(seen, s, r.pick([-1e4, -3]));
  }
  if (r.chance(0.3)) {
    const mask = g.like('f32', shape.slice(-1));
    s = b.add(s, b.un('stop_gradient', mask));
  }
  if (r.chance(0.3)) s = b.add(s, b.broadcast(g.like('f32', shape.slice(0, -1)), shape, axesOf(n - 1)));
  return r.chance(0.2) ? b.un('tanh', s) : s;
}

/** Rows with a sum of 1, or another norm. */
function normalized(g: Gen, s: Val): Val {
  const { b, random: r } = g;
  const last = rank(s) - 1;
  if (r.chance(0.6)) return b.call('softmax', [s], { axis: last });
  const sum = b.sum(b.square(s), [last]);
  return b.div(s, b.unreduce(b.add(sum, 1), [last], s.type.shape));
}

function attentionStep(g: Gen): void {
  const { b, random: r } = g;
  const batch = r.pick([[], [], [2], [5], [1, 3], [2, 2]]);
  const [m, n] = [r.int(8, 30), r.int(8, 30)];
  const [d, e] = [r.int(1, 2), r.int(1, 6)];
  const k = batch.length;
  const turned = r.chance(0.3);
  const q = g.like('f32', [...batch, m, d]);
  const keys = g.like('f32', turned ? [...batch, d, n] : [...batch, n, d]);
  const v = g.like('f32', [...batch, n, e]);
  const axes = axesOf(k);
  const scores = b.dot(q, keys, [[k + 1], [turned ? k : k + 1]], [axes, axes]);
  const p = normalized(g, changed(g, scores));
  g.use(b.dot(p, v, [[k + 1], [k]], [axes, axes]));
}

export const attentionSteps: readonly Step[] = [step('attention', true, 2, attentionStep)];
