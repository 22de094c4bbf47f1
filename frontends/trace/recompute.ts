// Gradient checkpointing: a function whose inner values are not kept for its gradient but computed anew
// (T. Chen, B. Xu, C. Zhang, C. Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016).

import { opByName } from '../../ir/op.ts';
import { assignAll, leavesOf, type Role, regionOf, sharedBy, traceBody, valuesOf } from './body.ts';
import { applyOp } from './dispatch.ts';
import { pack } from './nest.ts';
import { functionArg } from './ops/common.ts';

/**
 * The function `f`, whose gradient computes what happens inside of `f` once more instead of keeping it:
 * less memory, more time. Arguments and results may be structures of tensors; `f` may use tensors from
 * outside and Variables.
 */
export function recomputeGrad<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  const op = 'recomputeGrad';
  functionArg(f, 'f', op);
  return (...args) => {
    const { tree, leaves } = leavesOf(args, op);
    const types = leaves.map((t) => t.type);
    const body = traceBody(f.name || op, types, (xs) => f(...(pack(tree, xs) as A)));
    const s = sharedBy([body]);
    const own = types.map((_, i) => i);
    const roles: Role[] = [...own, ...s.captures, ...s.read, ...s.assigned];
    const given = Array.from({ length: body.given }, (_, i) => i);
    const region = regionOf(body, roles, [...given, ...s.assigned]);
    const operands = [...leaves, ...s.captures, ...valuesOf(s.read), ...valuesOf(s.assigned)];
    const out = applyOp(opByName('call'), operands, { recompute: true }, [region]);
    assignAll(s.assigned, out.slice(body.given));
    return pack(body.tree, out.slice(0, body.given)) as R;
  };
}
