// The short exponential of softmax where its operands are special: masked, equal, far apart, not numbers.

import '../../tools/relaxed-simd.ts';
import { expect, it } from 'vitest';
import { Builder } from '../../ir/builder.ts';
import { runReference, runWasm } from './run.ts';

const inf = Number.POSITIVE_INFINITY;
const rows: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0],
  [-inf, 1, -inf, 2, -inf],
  [1000, -1000, 999, 0, 1000],
  [-1e30, -2e30, -1e30, 3e38, -3e38],
  [88, 0.3, 0.3, 0.6, -17],
  [Number.NaN, 1, 2, 3, 4],
  [-inf, -inf, -inf, -inf, -inf],
  [inf, 1, 2, 3, 4],
];

/** Softmax by the operation, and written out: the same kernel after the rules. */
const graphs = ['softmax', 'written out'].map((how) => {
  const b = new Builder(how);
  const x = b.param({ dtype: 'f32', shape: [rows.length, 5] }, 'x');
  const e = b.un('exp', b.sub(x, b.unreduce(b.reduceMax(x, [1]), [1], x.type.shape)));
  const out = b.div(e, b.unreduce(b.sum(e, [1]), [1], x.type.shape));
  return { how, g: b.build([how === 'softmax' ? b.call('softmax', [x], { axis: 1 }) : out]) };
});

it.each(graphs)('$how', async ({ g }) => {
  const x = Float32Array.from(rows.flat());
  const [want] = runReference(g, [x]);
  for (const relaxed of [undefined, false]) {
    const [got] = (await runWasm(g, [x], { relaxed })).outputs;
    want.forEach((w, i) => {
      if (Number.isNaN(w)) expect(got[i]).toBeNaN();
      else expect(Math.abs(got[i] - w)).toBeLessThanOrEqual(2e-7 * w + 2 ** -126);
    });
    // What is masked has no weight at all.
    expect([got[5], got[7], got[9]]).toEqual([0, 0, 0]);
  }
});
