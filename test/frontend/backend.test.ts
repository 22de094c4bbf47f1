// Programs of the reference target.

import { expect, it } from 'vitest';
import { createProgramSync } from '../../frontends/trace/backend.ts';
import { Builder } from '../../ir/builder.ts';
import { opByName, t } from '../../ir/op.ts';
import '../../ir/ops/index.ts';
import { stateType } from '../../ir/types.ts';
import { StateCell } from '../../runtime/state.ts';

/** x + v, after which v is assigned that sum; the last operation may fail. */
function program(cell: StateCell, fails: boolean) {
  const b = new Builder('accumulate');
  const [x, v] = [b.param(t('f32[]'), 'x'), b.param(stateType(t('f32[]')), 'v')];
  const sum = b.add(x, b.call('read', [v]));
  const next = b.call('assign', [v, sum]);
  const neg = opByName('neg');
  const broken = {
    ...neg,
    reference: () => {
      throw new Error('out of order');
    },
  };
  const [y] = fails ? b.emit(broken, [sum]) : b.emit(neg, [sum]);
  return createProgramSync(b.build([y, next]), [cell], { target: 'reference' });
}

it('updates states', () => {
  const cell = new StateCell(t('f32[]'), [1]);
  const p = program(cell, false);
  expect(p.run([Float32Array.of(2)])[0][0]).toBe(-3);
  expect(p.run([Float32Array.of(2)])[0][0]).toBe(-5);
  expect(cell.read()[0]).toBe(5);
});

it('leaves states as they were when a run fails', () => {
  const cell = new StateCell(t('f32[]'), [1]);
  expect(() => program(cell, true).run([Float32Array.of(2)])).toThrow('out of order');
  expect(cell.read()[0]).toBe(1);
});
