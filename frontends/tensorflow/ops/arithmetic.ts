// Arithmetic of two tensors, which broadcast.

import { isFloat } from '../../../ir/types.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import * as binary from '../../trace/ops/binary.ts';
import { apply, broadcastPair, pair } from '../../trace/ops/common.ts';
import * as complex from '../../trace/ops/complex.ts';
import { reshape } from '../../trace/ops/shape.ts';
import { log, log1p } from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operator, type Operators, op } from '../call.ts';

const real = (f: (x: Tensor, y: Tensor) => Tensor): Operator => op((c) => f(c.x(0), c.x(1)));
const either = (f: typeof complex.add): Operator => op((c) => f(c.z(0), c.z(1)));

const both = (x: Tensor, y: Tensor, name: string): [Tensor, Tensor] => broadcastPair(...pair(x, y, name), name);

/** Division of whole numbers as in C, towards zero; by 0 it gives 0. */
function truncated(x: Tensor, y: Tensor): Tensor {
  const [p, q] = both(x, y, 'TruncateDiv');
  return apply('div', [p, q]);
}
/** The remainder that goes with it, with the sign of x. */
function remainder(x: Tensor, y: Tensor): Tensor {
  const [p, q] = both(x, y, 'TruncateMod');
  return apply('rem', [p, q]);
}
const divided = (c: Call): ReturnType<typeof complex.div> | Tensor => {
  const [x, y] = [c.z(0), c.z(1)];
  return 're' in x || 're' in y || isFloat(x.type.dtype) ? complex.div(x, y) : truncated(x, y);
};

/** f(x, y) where x is not 0, and 0 where it is. */
const unlessZero =
  (f: (x: Tensor, y: Tensor) => Tensor) =>
  (x: Tensor, y: Tensor): Tensor => {
    const [p, q] = both(x, y, 'x');
    const zero = b.compare('eq', p, 0);
    return b.select(zero, 0, f(p, b.select(zero, 1, q) as Tensor)) as Tensor;
  };

const bits = (name: string): Operator => real((x, y) => apply(name, both(x, y, name)));

/** A bias of one number a channel; channels come second in 'NCHW' and kin. */
export function withBias(x: Tensor, bias: Tensor, dataFormat: string): Tensor {
  const first = dataFormat.startsWith('NC') && x.rank > 2;
  return binary.add(x, first ? reshape(bias, [bias.size, ...new Array(x.rank - 2).fill(1)]) : bias);
}

/** Shifts by 32 and more, which have no meaning in TensorFlow, shift by the amount modulo 32. */
export const arithmetic: Operators = {
  Add: either(complex.add),
  AddV2: either(complex.add),
  Sub: either(complex.sub),
  Mul: either(complex.mul),
  Div: op(divided),
  RealDiv: either(complex.div),
  DivNoNan: real(binary.divNoNan),
  MulNoNan: real((x, y) => unlessZero((q, p) => binary.mul(p, q))(y, x)),
  FloorDiv: real(binary.floorDiv),
  TruncateDiv: op(divided),
  Mod: real(remainder),
  FloorMod: real(binary.mod),
  TruncateMod: real(remainder),
  AddN: op((c) => c.xs().reduce((x, y) => binary.add(x, y))),
  AccumulateNV2: op((c) => c.xs().reduce((x, y) => binary.add(x, y))),
  BiasAdd: op((c) => withBias(c.x(0), c.x(1), c.attrs.text('data_format', 'NHWC'))),
  BiasAddV1: real(binary.add),
  Maximum: real(binary.maximum),
  Minimum: real(binary.minimum),
  Pow: real(binary.pow),
  SquaredDifference: real(binary.squaredDifference),
  Atan2: real(binary.atan2),
  Xdivy: real(unlessZero(binary.div)),
  Xlogy: real(unlessZero((x, y) => binary.mul(x, log(y)))),
  Xlog1py: real(unlessZero((x, y) => binary.mul(x, log1p(y)))),
  Complex: op((c) => complex.complex(...both(c.x(0), c.x(1), 'Complex'))),
  BitwiseAnd: bits('and'),
  BitwiseOr: bits('or'),
  BitwiseXor: bits('xor'),
  LeftShift: bits('shl'),
  RightShift: bits('shr'),
  Invert: op((c) => apply('xor', both(c.x(0), b.splat(c.x(0).type, -1) as Tensor, 'Invert'))),
};
