// The elementary functions by dtype: float32 written out as expressions that vectorize (math.ts), float64
// as calls of kernel functions (functions.ts).

import { call, type Expr } from './expr.ts';
import type { FunctionName } from './functions.ts';
import * as f32 from './math.ts';

type Unary = (x: Expr) => Expr;
type Binary = (x: Expr, y: Expr) => Expr;

const unary =
  (single: Unary, name: FunctionName): Unary =>
  (x) =>
    x.ty === 'f64' ? call(name, x) : single(x);
const binary =
  (single: Binary, name: FunctionName): Binary =>
  (x, y) =>
    x.ty === 'f64' ? call(name, x, y) : single(x, y);
/** Float32 through float64: nearly correctly rounded, at the price of a call an element. */
const either = (single: FunctionName, name: FunctionName): Unary => unary((x) => call(single, x), name);

export const exp = unary(f32.exp, 'exp');
export const expFalling = unary(f32.expFalling, 'exp');
export const expm1 = unary(f32.expm1, 'expm1');
export const log = unary(f32.log, 'log');
export const log1p = unary(f32.log1p, 'log1p');
export const sin = unary(f32.sin, 'sin');
export const cos = unary(f32.cos, 'cos');
export const tan = unary(f32.tan, 'tan');
export const asin = unary(f32.asin, 'asin');
export const acos = unary(f32.acos, 'acos');
export const atan = unary(f32.atan, 'atan');
export const sinh = unary(f32.sinh, 'sinh');
export const cosh = unary(f32.cosh, 'cosh');
export const tanh = unary(f32.tanh, 'tanh');
export const asinh = unary(f32.asinh, 'asinh');
export const acosh = unary(f32.acosh, 'acosh');
export const atanh = unary(f32.atanh, 'atanh');
export const erf = unary(f32.erf, 'erf');
export const logistic = unary(f32.logistic, 'logistic');
export const softplus = unary(f32.softplus, 'softplus');
export const pow = binary(f32.pow, 'pow');
export const atan2 = binary(f32.atan2, 'atan2');
export const erfc = either('erfc_f32', 'erfc');
export const lgamma = either('lgamma_f32', 'lgamma');
export const digamma = either('digamma_f32', 'digamma');
