// Functions of one tensor, element by element.

import { isFloat } from '../../../ir/types.ts';
import { ComplexTensor } from '../../trace/complex-tensor.ts';
import { publicDType } from '../../trace/dtypes.ts';
import * as binary from '../../trace/ops/binary.ts';
import { apply } from '../../trace/ops/common.ts';
import * as complex from '../../trace/ops/complex.ts';
import * as nn from '../../trace/ops/nn.ts';
import { cast } from '../../trace/ops/shape.ts';
import * as unary from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Operator, type Operators, op } from '../call.ts';

const of = (f: (x: Tensor) => Tensor): Operator => op((c) => f(c.x(0)));
/** The same for complex tensors too. */
const either = (f: (x: Tensor) => Tensor): Operator => op((c) => f(c.z(0) as Tensor));
/** Rounding leaves whole numbers as they are. */
const rounding = (f: (x: Tensor) => Tensor): Operator => of((x) => (isFloat(x.type.dtype) ? f(x) : x));
/** The gradient of an activation from its result or operand, as in frozen training graphs. */
const gradient = (f: (dy: Tensor, y: Tensor) => Tensor): Operator => op((c) => f(c.x(1), c.x(0)));

/** Limits that are tensors, which broadcast. */
const clipped = (x: Tensor, low: Tensor, high: Tensor): Tensor => binary.minimum(binary.maximum(x, low), high);

/** By name. */
export const math: Operators = {
  Abs: of(unary.abs),
  ComplexAbs: op((c) => complex.abs(c.complex(0)) as Tensor),
  Acos: of(unary.acos),
  Acosh: of(unary.acosh),
  Asin: of(unary.asin),
  Asinh: of(unary.asinh),
  Atan: of(unary.atan),
  Atanh: of(unary.atanh),
  Ceil: rounding(unary.ceil),
  ClipByValue: op((c) => clipped(c.x(0), c.x(1), c.x(2))),
  Cos: of(unary.cos),
  Cosh: of(unary.cosh),
  Digamma: of(unary.digamma),
  Erf: of(unary.erf),
  Erfc: of(unary.erfc),
  Exp: either(complex.exp),
  Expm1: of(unary.expm1),
  Floor: rounding(unary.floor),
  Inv: either(complex.reciprocal),
  InvGrad: gradient((dy, y) => unary.neg(binary.mul(dy, unary.square(y)))),
  IsFinite: of(unary.isFinite),
  IsInf: of(unary.isInf),
  IsNan: of(unary.isNaN),
  Lgamma: of(unary.lgamma),
  Log: of(unary.log),
  Log1p: of(unary.log1p),
  Neg: either(complex.neg),
  Polygamma: op((c) => apply('polygamma', [c.x(1)], { order: c.number(0, 'the order of the derivative') })),
  Reciprocal: either(complex.reciprocal),
  Rint: rounding(unary.round),
  Round: rounding(unary.round),
  Rsqrt: of(unary.rsqrt),
  RsqrtGrad: gradient((dy, y) => binary.mul(binary.mul(dy, -0.5), binary.mul(y, unary.square(y)))),
  Sigmoid: of(unary.sigmoid),
  SigmoidGrad: gradient((dy, y) => binary.mul(dy, binary.mul(y, binary.sub(1, y)))),
  Sign: of(unary.sign),
  Sin: of(unary.sin),
  Sinh: of(unary.sinh),
  Softplus: of(unary.softplus),
  Softsign: of((x) => binary.div(x, binary.add(1, unary.abs(x)))),
  Sqrt: of(unary.sqrt),
  SqrtGrad: gradient((dy, y) => binary.div(binary.mul(dy, 0.5), y)),
  Square: either(complex.square),
  Tan: of(unary.tan),
  Tanh: of(unary.tanh),
  TanhGrad: gradient((dy, y) => binary.mul(dy, binary.sub(1, unary.square(y)))),

  Elu: of(nn.elu),
  LeakyRelu: op((c) => nn.leakyRelu(c.x(0), c.attrs.float('alpha', 0.2))),
  Prelu: op((c) => nn.prelu(c.x(0), c.x(1))),
  Relu: of(nn.relu),
  Relu6: of(nn.relu6),
  ReluGrad: op((c) => binary.where(binary.greater(c.x(1), 0), c.x(0), cast(0, publicDType(c.x(0).type.dtype)))),
  Selu: of(nn.selu),
  LogSoftmax: of((x) => nn.logSoftmax(x)),
  Softmax: of((x) => nn.softmax(x)),

  Angle: op((c) => complex.angle(c.complex(0))),
  Conj: op((c) => (c.value(0) instanceof ComplexTensor ? complex.conj(c.complex(0)) : c.x(0))),
  Imag: op((c) => complex.imag(c.z(0))),
  Real: op((c) => complex.real(c.z(0))),
};
