// What only hands values on, checks or prints them.

import { ArgumentError, ExecutionError } from '../../../ir/errors.ts';
import { isReadable } from '../../formats/graph-function.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { to } from '../../trace/ops/common.ts';
import { stopGradient } from '../../trace/ops/unary.ts';
import { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { constantOf } from '../constants.ts';
import { done, type Value } from '../values.ts';

const same = op((c) => c.value(0));

/** float64 becomes what the model has for it. */
function constant(c: Call): Value {
  const v = constantOf(c.attrs.tensor('value'), `the constant '${c.node.name}'`, c.node.op);
  return v instanceof Tensor && v.type.dtype === 'f64' ? to(v, c.runtime.dtypeOf('DT_DOUBLE', 'f64')) : v;
}

/** A condition that does not hold stops the run where it can be looked at; in compiled programs nothing is checked. */
function asserted(c: Call): typeof done {
  const v = c.value(0);
  if (v instanceof Tensor && isReadable(v) && !v.elements()[0])
    throw new ExecutionError('the condition that the model asserts does not hold', { fix: 'check the inputs' });
  return done;
}

function finite(c: Call): Value {
  const x = c.x(0);
  if (isReadable(x)) {
    const at = x.elements().findIndex((e) => !Number.isFinite(e));
    if (at >= 0)
      throw new ExecutionError(`${c.attrs.text('message', 'CheckNumerics')}: element ${at} is ${x.elements()[at]}`, {
        fix: 'check the inputs',
      });
  }
  return x;
}

function unfed(c: Call): never {
  throw new ArgumentError('this placeholder has no value', { fix: `give the input '${c.node.name}'` });
}

/** Unchecked where compiled: there a check would be of no use to anybody. */
const unchecked = { limit: 'checked where it runs eagerly, not in compiled programs' } as const;

/** By name. */
export const basics: Operators = {
  Assert: op(asserted, unchecked),
  CheckNumerics: op(finite, unchecked),
  CheckNumericsV2: op(finite, unchecked),
  Const: op(constant),
  DebugIdentity: same,
  DeepCopy: same,
  FakeParam: op(
    (c) =>
      b.splat({ dtype: c.attrs.dtype('dtype'), shape: (c.attrs.shape('shape') ?? []).map((d) => d ?? 0) }, 0) as Tensor,
  ),
  GuaranteeConst: same,
  Identity: same,
  IdentityN: op((c) => c.operands),
  NoOp: op(() => done),
  Placeholder: op(unfed),
  PlaceholderV2: op(unfed),
  PlaceholderWithDefault: same,
  PreventGradient: op((c) => stopGradient(c.x(0))),
  Print: op((c) => c.value(0), { limit: 'prints nothing' }),
  PrintV2: op(() => done, { limit: 'prints nothing' }),
  RefIdentity: same,
  Snapshot: same,
  StopGradient: op((c) => stopGradient(c.x(0))),
};
