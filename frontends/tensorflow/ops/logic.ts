// Comparisons, logic and choice.

import { emitter as b } from '../../trace/dispatch.ts';
import * as binary from '../../trace/ops/binary.ts';
import * as complex from '../../trace/ops/complex.ts';
import { reshape } from '../../trace/ops/shape.ts';
import { abs } from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operator, type Operators, op } from '../call.ts';
import { textEqual } from '../text.ts';
import { Strings } from '../values.ts';

const pair = (f: (x: Tensor, y: Tensor) => Tensor): Operator => op((c) => f(c.x(0), c.x(1)));
/** Equality is defined for strings too. */
const equality = (f: typeof complex.equal, same: boolean): Operator =>
  op((c) => (c.value(0) instanceof Strings ? textEqual(c.strings(0), c.strings(1), same) : f(c.z(0), c.z(1))));

/** The first version chooses whole rows where the condition is a vector. */
function select(c: Call): Tensor {
  const [condition, x, y] = c.xs(0, 3);
  const rows = condition.rank === 1 && x.rank > 1;
  return binary.where(rows ? reshape(condition, [condition.size, ...x.shape.slice(1).fill(1)]) : condition, x, y);
}

/** By name. */
export const logic: Operators = {
  Equal: equality(complex.equal, true),
  NotEqual: equality(complex.notEqual, false),
  Greater: pair(binary.greater),
  GreaterEqual: pair(binary.greaterEqual),
  Less: pair(binary.less),
  LessEqual: pair(binary.lessEqual),
  ApproximateEqual: op((c) => binary.less(abs(binary.sub(c.x(0), c.x(1))), c.attrs.float('tolerance', 1e-5))),
  LogicalAnd: pair(binary.logicalAnd),
  LogicalNot: op((c) => binary.logicalNot(c.x(0))),
  LogicalOr: pair(binary.logicalOr),
  LogicalXor: pair(binary.logicalXor),
  Select: op(select),
  SelectV2: op((c) => binary.where(c.x(0), c.x(1), c.x(2))),
  InTopK: op((c) => inTop(c.x(0), c.x(1), c.attrs.int('k'))),
  InTopKV2: op((c) => inTop(c.x(0), c.x(1), c.number(2, 'how many are looked at'))),
};

/** Whether fewer than k classes have a greater prediction than the target, which must be finite. */
function inTop(predictions: Tensor, targets: Tensor, k: number): Tensor {
  const classes = predictions.shape[1];
  const column = reshape(targets, [targets.size, 1]);
  const hit = b.compare('eq', b.broadcastTo(column, predictions.shape), b.iota(predictions.shape, 1)) as Tensor;
  const own = b.sum(b.select(hit, predictions, 0), [1], true) as Tensor;
  const above = b.sum(b.convert(binary.greater(predictions, own), 'i32'), [1]) as Tensor;
  const finite = b.un('is_finite', reshape(own, [targets.size])) as Tensor;
  const inside = binary.logicalAnd(binary.greaterEqual(targets, 0), binary.less(targets, classes));
  return binary.logicalAnd(binary.logicalAnd(binary.less(above, k), inside), finite);
}
