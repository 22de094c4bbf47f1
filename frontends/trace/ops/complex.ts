// Complex numbers. Functions that exist for real tensors too take either: where an operand is complex,
// so is the result, and real operands have imaginary part 0.

import { ShapeError } from '../../../ir/errors.ts';
import { ComplexTensor } from '../complex-tensor.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { upcast } from '../dtypes.ts';
import type { Tensor } from '../tensor.ts';
import * as binary from './binary.ts';
import { apply, arg, floatArg, to } from './common.ts';
import { gather as gatherPart, slice as slicePart } from './indexing.ts';
import { matMul as matMulParts } from './linalg.ts';
import * as reduce from './reduce.ts';
import * as shape from './shape.ts';
import * as unary from './unary.ts';

/** What a complex operand may be given as. */
export type ComplexLike = ComplexTensor | TensorLike;

const isComplex = (x: unknown): x is ComplexTensor => x instanceof ComplexTensor;

/** A complex tensor as it is, a real one with imaginary part 0. */
export function asComplex(x: ComplexLike, name: string, op: string): ComplexTensor {
  if (isComplex(x)) return x;
  const given = arg(x, name, op);
  const re = given.type.dtype === 'f64' ? given : to(given, 'f32');
  return new ComplexTensor(re, b.zerosLike(re) as Tensor);
}

/**
 * A complex tensor of real and imaginary parts of one shape.
 * Throws DTypeError unless both are floats, ShapeError where the shapes differ.
 */
export function complex(real: TensorLike, imag: TensorLike): ComplexTensor {
  const [re, im] = [floatArg(real, 'real', 'complex'), floatArg(imag, 'imag', 'complex')];
  if (re.shape.join() !== im.shape.join())
    throw new ShapeError(`real and imag must have one shape, got [${re.shape}] and [${im.shape}]`, {
      op: 'complex',
      fix: 'give both parts one shape',
    });
  const t = upcast(re.type.dtype, im.type.dtype);
  return new ComplexTensor(to(re, t), to(im, t));
}

/** The real parts; of a real tensor, itself. */
export const real = (x: ComplexLike): Tensor => (isComplex(x) ? x.re : arg(x, 'x', 'real'));
/** The imaginary parts; of a real tensor, zeros. */
export const imag = (x: ComplexLike): Tensor => (isComplex(x) ? x.im : (b.zerosLike(arg(x, 'x', 'imag')) as Tensor));
/** With the opposite imaginary parts. */
export const conj = (x: ComplexLike): ComplexTensor => {
  const c = asComplex(x, 'x', 'conj');
  return new ComplexTensor(c.re, unary.neg(c.im));
};
/** The angles from -pi to pi, in radians. */
export const angle = (x: ComplexLike): Tensor => {
  const c = asComplex(x, 'x', 'angle');
  return binary.atan2(c.im, c.re);
};

type Rest<F> = F extends (x: never, ...rest: infer R) => unknown ? R : never;
/** A function of a real tensor, and of a complex one with the same further arguments. */
type Lifted<F, C = ComplexTensor> = F & ((x: ComplexTensor, ...rest: Rest<F>) => C);

/** A function for complex tensors beside that for real ones. */
const lift = <F extends (...args: never[]) => Tensor, C>(
  onReal: F,
  onComplex: (x: ComplexTensor, ...rest: Rest<F>) => C,
): Lifted<F, C> =>
  ((x: unknown, ...rest: Rest<F>) =>
    isComplex(x) ? onComplex(x, ...rest) : (onReal as unknown as (...args: unknown[]) => Tensor)(x, ...rest)) as Lifted<
    F,
    C
  >;

/** A function that does the same to both parts. */
const partwise = <F extends (...args: never[]) => Tensor>(f: F): Lifted<F> => {
  const part = f as unknown as (x: Tensor, ...rest: Rest<F>) => Tensor;
  return lift(f, (x, ...rest) => new ComplexTensor(part(x.re, ...rest), part(x.im, ...rest)));
};

/** A function of two operands, either of which may be complex. */
export interface Binary<C = ComplexTensor> {
  (a: TensorLike, b: TensorLike): Tensor;
  (a: ComplexLike, b: ComplexLike): C;
}
const either = <C>(
  name: string,
  onReal: (a: TensorLike, b: TensorLike) => Tensor,
  onComplex: (a: ComplexTensor, b: ComplexTensor) => C,
): Binary<C> =>
  ((p: ComplexLike, q: ComplexLike) =>
    isComplex(p) || isComplex(q)
      ? onComplex(asComplex(p, 'a', name), asComplex(q, 'b', name))
      : onReal(p, q)) as Binary<C>;

const { add: plus, sub: minus, mul: times } = binary;

/** A power-free scale of a pair: the larger absolute value, 1 where that is 0 or infinite. No gradient. */
function scaleOf(c: ComplexTensor): Tensor {
  const top = apply('stop_gradient', [binary.maximum(unary.abs(c.re), unary.abs(c.im))]);
  return b.select(b.and(b.un('is_finite', top), b.compare('gt', top, 0)), top, 1) as Tensor;
}

/** a + b. */
export const add: Binary = either('add', plus, (p, q) => new ComplexTensor(plus(p.re, q.re), plus(p.im, q.im)));
/** a - b. */
export const sub: Binary = either('sub', minus, (p, q) => new ComplexTensor(minus(p.re, q.re), minus(p.im, q.im)));
/** a * b. */
export const mul: Binary = either('mul', times, product(times));
/** a / b; complex: without overflow of the squared divisor. */
export const div: Binary = either('div', binary.div, (p, q) => {
  const s = scaleOf(q);
  const [c, d] = [binary.div(q.re, s), binary.div(q.im, s)];
  const n = times(plus(times(c, c), times(d, d)), s);
  return new ComplexTensor(
    binary.div(plus(times(p.re, c), times(p.im, d)), n),
    binary.div(minus(times(p.im, c), times(p.re, d)), n),
  );
});
/** Bool: where both parts are equal. */
export const equal: Binary<Tensor> = either('equal', binary.equal, (p, q) =>
  binary.logicalAnd(binary.equal(p.re, q.re), binary.equal(p.im, q.im)),
);
/** Bool: where a part differs. */
export const notEqual: Binary<Tensor> = either('notEqual', binary.notEqual, (p, q) =>
  binary.logicalOr(binary.notEqual(p.re, q.re), binary.notEqual(p.im, q.im)),
);

/** (a + bi)(c + di) by a product of the parts. */
function product(times: (x: Tensor, y: Tensor) => Tensor) {
  return (p: ComplexTensor, q: ComplexTensor): ComplexTensor =>
    new ComplexTensor(minus(times(p.re, q.re), times(p.im, q.im)), plus(times(p.re, q.im), times(p.im, q.re)));
}

/** The absolute value; of complex numbers the distance from 0, real, without overflow. */
export const abs = lift(unary.abs, (x) => {
  const s = scaleOf(x);
  const squares = plus(unary.square(binary.div(x.re, s)), unary.square(binary.div(x.im, s)));
  const zero = b.compare('eq', squares, 0);
  // The root has no slope at 0: a gradient of 0 is given there.
  return times(b.select(zero, 0, b.un('sqrt', b.select(zero, 1, squares))) as Tensor, s);
});
/** -x. */
export const neg = partwise(unary.neg);
/** x * x. */
export const square = lift(unary.square, (x) => mul(x, x));
/** 1 / x. */
export const reciprocal = lift(unary.reciprocal, (x) => div(1, x));
/** e^x. */
export const exp = lift(unary.exp, (x) => {
  const r = unary.exp(x.re);
  return new ComplexTensor(times(r, unary.cos(x.im)), times(r, unary.sin(x.im)));
});

/** Product of matrices, as `tf.matMul` of real ones; `transpose` does not conjugate. */
export const matMul = ((p: ComplexLike, q: ComplexLike, transposeA = false, transposeB = false) =>
  isComplex(p) || isComplex(q)
    ? product((x, y) => matMulParts(x, y, transposeA, transposeB))(
        asComplex(p, 'a', 'matMul'),
        asComplex(q, 'b', 'matMul'),
      )
    : matMulParts(p, q, transposeA, transposeB)) as typeof matMulParts &
  ((a: ComplexLike, b: ComplexLike, transposeA?: boolean, transposeB?: boolean) => ComplexTensor);

export const reshape = partwise(shape.reshape);
export const flatten = partwise(shape.flatten);
export const squeeze = partwise(shape.squeeze);
export const expandDims = partwise(shape.expandDims);
export const transpose = partwise(shape.transpose);
export const broadcastTo = partwise(shape.broadcastTo);
export const reverse = partwise(shape.reverse);
export const tile = partwise(shape.tile);
export const pad = partwise(shape.pad);
export const slice = partwise(slicePart);
export const gather = partwise(gatherPart);
export const clone = partwise(unary.clone);
/** Sum. */
export const sum = partwise(reduce.sum);
/** Mean. */
export const mean = partwise(reduce.mean);

/** A function of a list of tensors, any of which may be complex. */
const ofList = <F extends (xs: readonly TensorLike[], axis?: number) => Tensor>(
  name: string,
  f: F,
): F & ((xs: readonly ComplexLike[], axis?: number) => ComplexTensor) =>
  ((xs: readonly ComplexLike[], axis?: number) => {
    if (!Array.isArray(xs) || !xs.some(isComplex)) return f(xs as readonly TensorLike[], axis);
    const all = xs.map((x, i) => asComplex(x, `tensors[${i}]`, name));
    return new ComplexTensor(
      f(
        all.map((x) => x.re),
        axis,
      ),
      f(
        all.map((x) => x.im),
        axis,
      ),
    );
  }) as F & ((xs: readonly ComplexLike[], axis?: number) => ComplexTensor);

/** Tensors one after another along an axis. */
export const concat = ofList('concat', shape.concat);
/** Tensors of one shape along a new axis. */
export const stack = ofList('stack', shape.stack);
