// Quantized operators by their definition: integers that stand for (q - zero) * scale.

import { type DType, isFloat } from '../../../ir/types.ts';
import { b, fixed, product, range } from '../../formats/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator, wide } from '../call.ts';
import { elementTypes } from '../dtypes.ts';
import { convolve, convSetting, integerMatMul, matMul, perChannel } from './linear.ts';

/** Least and largest integers by name of a type. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint4: [0, 15],
  int4: [-8, 7],
};
/** The type of quantized values where the zero point's dtype or `output_dtype` says it. */
function quantizedType(c: Call, zero: Tensor | undefined): { dtype: DType; low: number; high: number } {
  const code = c.number('output_dtype', 0);
  const stated = code ? elementTypes.get(code)?.name : undefined;
  const name = stated ?? (zero?.type.dtype === 'i8' ? 'int8' : zero?.type.dtype === 'i32' ? 'int16' : 'uint8');
  const range_ = ranges[name];
  if (!range_) throw c.refuse(`quantizing to ${name}`, 'int8, uint8, int16, uint16, int4 and uint4 are possible');
  const dtype: DType = name.startsWith('u') ? (name === 'uint16' ? 'i32' : 'u8') : name === 'int16' ? 'i32' : 'i8';
  return { dtype, low: range_[0], high: range_[1] };
}

/** Scales or zero points brought to the shape of x: one, one per index of an axis, or one per block of it. */
function spread(c: Call, t: Tensor, x: Tensor): Tensor {
  if (t.size === 1 && t.rank <= 1) return b.reshape(t, []);
  const axis = c.axis(c.number('axis', 1), x.rank);
  const block = c.number('block_size', 0);
  if (t.rank === 1 && !block) {
    if (t.size !== x.shape[axis]) throw c.refuse(`${t.size} scales for axis ${axis} of [${x.shape}]`);
    return b.reshape(
      t,
      x.shape.map((d, i) => (i === axis ? d : 1)),
    );
  }
  const size = block || Math.ceil(x.shape[axis] / t.shape[axis]);
  const shape = t.shape;
  const repeated = b.broadcast(
    t,
    [...shape.slice(0, axis + 1), size, ...shape.slice(axis + 1)],
    range(shape.length).map((i) => (i > axis ? i + 1 : i)),
  );
  const long = b.reshape(
    repeated,
    shape.map((d, i) => (i === axis ? d * size : d)),
  );
  return b.slice(
    long,
    shape.map(() => 0),
    x.shape,
  );
}

/** Rounds to even, moves by the zero point, cuts off. */
export function quantize(
  x: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
  low: number,
  high: number,
  dtype: DType,
): Tensor {
  const steps = b.un('round', b.div(x, scale));
  const moved = zero ? b.add(steps, b.convert(wide(zero), steps.type.dtype)) : steps;
  return b.convert(b.convert(b.max(b.min(moved, high), low), 'i32'), dtype);
}
/** (q - zero) * scale at the dtype of the scale. */
export function dequantize(q: Tensor, scale: Tensor, zero: Tensor | undefined): Tensor {
  const number = isFloat(q.type.dtype) ? q : wide(q);
  const zeroed = zero ? b.sub(number, isFloat(number.type.dtype) ? zero : wide(zero)) : number;
  return b.mul(b.convert(zeroed, scale.type.dtype), scale);
}

function quantizeLinear(c: Call): Tensor {
  const x = c.x(0);
  const zero = c.maybe(2);
  if (zero && isFloat(zero.type.dtype)) throw c.refuse('quantizing to float8', 'export it with int8 or uint8');
  const scale = spread(c, c.x(1), x);
  const { dtype, low, high } = quantizedType(c, zero);
  return quantize(
    isFloat(x.type.dtype) ? x : b.convert(wide(x), 'f32'),
    scale,
    zero && spread(c, zero, x),
    low,
    high,
    dtype,
  );
}
function dequantizeLinear(c: Call): Tensor {
  const x = c.x(0);
  const zero = c.maybe(2);
  return dequantize(x, spread(c, c.x(1), x), zero && spread(c, zero, x));
}

/** To uint8 by the range of the elements themselves. */
function dynamicQuantize(c: Call): Tensor[] {
  const x = c.x(0);
  const high = b.max(b.reduceMax(x), 0);
  const low = b.min(b.reduceMin(x), 0);
  const range_ = b.div(b.sub(high, low), 255);
  const scale = b.select(b.compare('eq', range_, 0), b.onesLike(range_), range_);
  const zero = b.un('round', b.max(b.min(b.neg(b.div(low, scale)), 255), 0));
  const whole = b.convert(zero, 'i32');
  return [quantize(x, scale, whole, 0, 255, 'u8'), range_, b.convert(whole, 'u8')];
}

/** Integers less their zero point: one, or one per row (`axis` from the end). */
function centred(q: Tensor, zero: Tensor | undefined, axis: number): Tensor {
  const x = wide(q);
  if (!zero) return x;
  const z = wide(zero);
  if (z.size === 1) return b.sub(x, b.reshape(z, []));
  const at = x.rank + axis;
  return b.sub(
    x,
    z.rank === 1
      ? b.reshape(
          z,
          x.shape.map((d, i) => (i === at ? d : 1)),
        )
      : z,
  );
}

const matMulInteger = (c: Call): Tensor =>
  integerMatMul(centred(c.x(0), c.maybe(2), -2), centred(c.x(1), c.maybe(3), -1));

/** Scales per row or column beside a product. */
const beside = (t: Tensor, rank: number, axis: number): Tensor =>
  t.size === 1
    ? b.reshape(t, [])
    : t.rank === 1
      ? b.reshape(
          t,
          range(rank).map((i) => (i === rank + axis ? t.size : 1)),
        )
      : t;

function qLinearMatMul(c: Call): Tensor {
  const [x, xScale, xZero, y, yScale, yZero, scale, zero] = range(8).map((i) => c.x(i));
  const sums = integerMatMul(centred(x, xZero, -2), centred(y, yZero, -1));
  const factor = b.mul(beside(xScale, sums.rank, -2), beside(yScale, sums.rank, -1));
  const { dtype, low, high } = quantizedType(c, zero);
  return quantize(
    b.mul(b.convert(sums, scale.type.dtype), factor),
    b.reshape(scale, []),
    b.reshape(zero, []),
    low,
    high,
    dtype,
  );
}

/** A convolution of integers, exactly: in float64 where float32 could round. */
function integerConv(c: Call, x: Tensor, w: Tensor): Tensor {
  const { at, groups } = convSetting(c, x, w);
  const exact = product(w.shape.slice(1)) * 255 * 255 < 2 ** 24 ? 'f32' : 'f64';
  return b.convert(convolve(b.convert(x, exact), b.convert(w, exact), at, groups), 'i32');
}
/** A kernel less its zero points, which may be one an output channel. */
function centredKernel(w: Tensor, zero: Tensor | undefined): Tensor {
  if (!zero) return wide(w);
  const z = wide(zero);
  return b.sub(wide(w), z.size === 1 ? b.reshape(z, []) : b.reshape(z, [z.size, ...w.shape.slice(1).map(() => 1)]));
}

const convInteger = (c: Call): Tensor =>
  integerConv(c, centred(c.x(0), c.maybe(2), 0), centredKernel(c.x(1), c.maybe(3)));

function qLinearConv(c: Call): Tensor {
  const [x, xScale, xZero, w, wScale, wZero, scale, zero] = range(8).map((i) => c.x(i));
  const sums = integerConv(c, centred(x, xZero, 0), centredKernel(w, wZero));
  const bias = c.maybe(8);
  const all = bias ? b.add(sums, perChannel(bias, sums.rank)) : sums;
  const weights = wScale.size === 1 ? b.reshape(wScale, []) : perChannel(wScale, sums.rank);
  const factor = b.mul(b.reshape(xScale, []), weights);
  const { dtype, low, high } = quantizedType(c, zero);
  return quantize(
    b.mul(b.convert(all, scale.type.dtype), factor),
    b.reshape(scale, []),
    b.reshape(zero, []),
    low,
    high,
    dtype,
  );
}

/** Weights of 2 to 8 bits, packed along the contracted axis in blocks with a scale each (com.microsoft). */
export function matMulNBits(c: Call): Tensor {
  const [x, packed, scales] = [c.x(0), c.x(1), c.x(2)];
  const [k, n, bits, block] = ['K', 'N', 'bits', 'block_size'].map((a) => c.number(a, a === 'bits' ? 4 : undefined));
  if (![2, 4, 8].includes(bits)) throw c.refuse(`${bits} bits`, '2, 4 and 8 bits are possible');
  if (c.maybe(4)) throw c.refuse('g_idx', 'export it without reordering');
  const blocks = Math.ceil(k / block);
  const numbers = unpack(packed, bits, [n, blocks, block]);
  const zero = c.maybe(3);
  const middle = fixed([2 ** (bits - 1)], [], 'i32');
  const zeros = !zero
    ? middle
    : isFloat(zero.type.dtype)
      ? b.reshape(zero, [n, blocks, 1])
      : zeroPoints(zero, bits, n, blocks);
  const weights = dequantize(
    isFloat(zeros.type.dtype) ? b.convert(numbers, 'f32') : numbers,
    b.reshape(scales, [n, blocks, 1]),
    zeros,
  );
  const w = b.slice(b.reshape(weights, [n, blocks * block]), [0, 0], [n, k]);
  const y = matMul(x, w, false, true);
  const bias = c.maybe(5);
  return bias ? b.add(y, bias) : y;
}
/** Numbers of few bits out of bytes, the low ones first. */
function unpack(packed: Tensor, bits: number, shape: readonly number[]): Tensor {
  const bytes = wide(packed);
  const each = 8 / bits;
  const wideBytes = b.broadcast(b.reshape(bytes, [bytes.size]), [bytes.size, each], [0]);
  const shifted = b.call('shr', [wideBytes, b.mul(b.iota([bytes.size, each], 1), bits)]);
  const all = b.and(shifted, b.splat(shifted.type, 2 ** bits - 1));
  return b.reshape(b.slice(b.reshape(all, [all.size]), [0], [product(shape)]), shape);
}
/** Zero points are packed row by row, each row filled up to whole bytes. */
function zeroPoints(zero: Tensor, bits: number, n: number, blocks: number): Tensor {
  const row = Math.ceil((blocks * bits) / 8);
  const all = unpack(zero, bits, [n, (row * 8) / bits]);
  return b.reshape(b.slice(all, [0, 0], [n, blocks]), [n, blocks, 1]);
}

export const quantized: readonly Operator[] = [
  define('QuantizeLinear', 10, quantizeLinear),
  define('DequantizeLinear', 10, dequantizeLinear),
  define('DynamicQuantizeLinear', 11, dynamicQuantize),
  define('MatMulInteger', 10, matMulInteger),
  define('QLinearMatMul', 10, qLinearMatMul),
  define('ConvInteger', 10, convInteger),
  define('QLinearConv', 10, qLinearConv),
];
