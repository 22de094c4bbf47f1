// Shapes and types: what changes no element, or only its place.

import { FormatError, valueText } from '../../../ir/errors.ts';
import { tensorType } from '../../../ir/types.ts';
import { ComplexTensor } from '../../trace/complex-tensor.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { publicDType } from '../../trace/dtypes.ts';
import { floorDiv, mod } from '../../trace/ops/binary.ts';
import { apply } from '../../trace/ops/common.ts';
import * as complex from '../../trace/ops/complex.ts';
import * as shape from '../../trace/ops/shape.ts';
import * as space from '../../trace/ops/space.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { Strings, type Value } from '../values.ts';

/** int32 of these numbers. */
export const ints = (x: readonly number[], s: readonly number[] = [x.length]): Tensor =>
  eagerTensor(tensorType('i32', s), Int32Array.from(x));

const pairsOf = (list: readonly number[]): number[][] =>
  Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i], list[2 * i + 1]]);
const pairs = (c: Call, i: number): number[][] => pairsOf(c.numbers(i, 'the paddings'));

/** Shapes of values, strings too. */
function shapeOf(v: Value, c: Call): readonly number[] {
  return v instanceof Strings ? v.shape : v instanceof ComplexTensor ? v.shape : c.x(c.operands.indexOf(v)).shape;
}

/** The values that smaller integers wrap around to. */
const narrow: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  DT_UINT8: (x) => masked(x, 255),
  DT_UINT16: (x) => masked(x, 65535),
  DT_INT8: (x) => extended(x, 24),
  DT_INT16: (x) => extended(x, 16),
};
const like = (x: Tensor, n: number): Tensor => b.splat(x.type, n) as Tensor;
const masked = (x: Tensor, mask: number): Tensor => apply('and', [x, like(x, mask)]);
const extended = (x: Tensor, by: number): Tensor => apply('shr', [apply('shl', [x, like(x, by)]), like(x, by)]);

function cast(c: Call): Value {
  const to = c.attrs.typeName('DstT');
  const dtype = c.runtime.dtypeOf(to, c.attrs.dtype('DstT'));
  const [from, z] = [c.attrs.typeName('SrcT', 'DT_INVALID'), c.z(0)];
  const name = publicDType(dtype);
  if (to.startsWith('DT_COMPLEX')) {
    const x = shape.cast(complex.real(z), name);
    return complex.complex(x, z instanceof ComplexTensor ? shape.cast(z.im, name) : (b.zerosLike(x) as Tensor));
  }
  const x = shape.cast(complex.real(z), name);
  return to !== from && Object.hasOwn(narrow, to) ? narrow[to](x) : x;
}

/** A shape with one dimension to be found out. */
function reshaped(c: Call): Tensor | ComplexTensor {
  const want = c.shape(1);
  const x = c.z(0);
  const rest = want.filter((d) => d !== -1).reduce((n, d) => n * d, 1);
  // 0 elements fit many shapes: -1 is 0 then.
  return complex.reshape(
    x as Tensor,
    want.map((d) => (d === -1 && x.size === 0 && rest === 0 ? 0 : d)),
  );
}

function ensured(c: Call): Value {
  const want = c.attrs.shape('shape');
  return want ? space.ensureShape(c.x(0), want) : c.x(0);
}

/** Paddings of images by whole blocks: the versions with one block size for both axes. */
const square = (c: Call): number[] => [c.attrs.int('block_size'), c.attrs.int('block_size')];
const format = (c: Call): 'NHWC' | 'NCHW' => {
  const f = c.attrs.text('data_format', 'NHWC').toUpperCase();
  if (f === 'NHWC' || f === 'NCHW') return f;
  throw new FormatError(`data_format ${valueText(f)} is not supported`, { fix: "export the model with 'NHWC'" });
};

/** Blocks of pixels become channels. */
function spaceToDepth(c: Call): Tensor {
  const first = format(c) === 'NCHW';
  const k = c.attrs.int('block_size');
  const x = first ? shape.transpose(c.x(0), [0, 2, 3, 1]) : c.x(0);
  const [n, h, w, channels] = x.shape;
  const apart = shape.reshape(x, [n, h / k, k, w / k, k, channels]);
  const y = shape.reshape(shape.transpose(apart, [0, 1, 3, 2, 4, 5]), [n, h / k, w / k, k * k * channels]);
  return first ? shape.transpose(y, [0, 3, 1, 2]) : y;
}

function mirrored(c: Call): Tensor {
  const mode = c.attrs.text('mode').toLowerCase();
  if (mode !== 'reflect' && mode !== 'symmetric')
    throw new FormatError(`mode ${valueText(mode)}`, { fix: 'the graph is damaged' });
  return shape.mirrorPad(c.x(0), pairs(c, 1), mode);
}

/** Axes of gradients of broadcast operands: those that were stretched. */
function stretched(c: Call): Tensor[] {
  const [p, q] = [c.shape(0, 'a shape'), c.shape(1, 'a shape')];
  const n = Math.max(p.length, q.length);
  const full = [p, q].map((s) => [...new Array<number>(n - s.length).fill(1), ...s]);
  const axes = (own: number[], other: number[], rank: number) =>
    own.flatMap((d, i) => (i < n - rank || (d === 1 && other[i] !== 1) ? [i] : []));
  return [ints(axes(full[0], full[1], p.length)), ints(axes(full[1], full[0], q.length))];
}

function squeezed(c: Call): Value {
  const axes = c.attrs.ints('squeeze_dims', c.attrs.ints('axis', []));
  return complex.squeeze(c.z(0) as Tensor, axes.length ? [...axes] : undefined);
}

/** Row, column, … of places in a tensor that is written in a row. */
function unraveled(c: Call): Tensor {
  const dims = c.shape(1, 'a shape');
  const parts = dims.map((d, i) =>
    mod(
      floorDiv(
        c.x(0),
        dims.slice(i + 1).reduce((n, k) => n * k, 1),
      ),
      d,
    ),
  );
  return shape.cast(shape.stack(parts, 0), 'int32');
}

/** By name. */
export const shapes: Operators = {
  BatchToSpace: op((c) => space.batchToSpaceND(c.x(0), square(c), pairs(c, 1))),
  BatchToSpaceND: op((c) => space.batchToSpaceND(c.x(0), c.numbers(1, 'the block'), pairs(c, 2))),
  Bitcast: op((c) => apply('bitcast', [c.x(0)], { dtype: c.attrs.dtype('type') })),
  BroadcastArgs: op((c) => space.broadcastArgs(c.x(0), c.x(1))),
  BroadcastGradientArgs: op(stretched, { results: ['r0', 'r1'] }),
  BroadcastTo: op((c) => complex.broadcastTo(c.z(0) as Tensor, c.shape(1))),
  Cast: op(cast),
  ConjugateTranspose: op((c) => {
    const z = c.z(0);
    const perm = c.numbers(1, 'the order of the axes');
    return complex.transpose((z instanceof ComplexTensor ? complex.conj(z) : z) as Tensor, perm);
  }),
  DepthToSpace: op((c) => space.depthToSpace(c.x(0), c.attrs.int('block_size'), format(c))),
  EnsureShape: op(ensured),
  ExpandDims: op((c) =>
    complex.expandDims(c.z(0) as Tensor, c.count > 1 ? c.number(1, 'the axis') : c.attrs.int('axis', 0)),
  ),
  InvertPermutation: op((c) => {
    const x = c.x(0);
    const start = b.splat(x.type, 0) as Tensor;
    return apply('scatter_add', [start, shape.reshape(x, [x.size, 1]), b.iota(x.shape, 0) as Tensor]);
  }),
  MirrorPad: op(mirrored),
  Pad: op((c) => complex.pad(c.z(0) as Tensor, pairs(c, 1), c.attrs.float('constant_value', 0))),
  PadV2: op((c) => shape.pad(c.x(0), pairs(c, 1), c.number(2, 'what is padded with'))),
  Rank: op((c) => ints([shapeOf(c.value(0), c).length], [])),
  Reshape: op(reshaped),
  Roll: op((c) => space.roll(c.x(0), c.numbers(1, 'the shift'), c.numbers(2, 'the axis'))),
  Shape: op((c) => ints(shapeOf(c.value(0), c))),
  ShapeN: op((c) => c.operands.map((_, i) => ints(shapeOf(c.value(i), c)))),
  Size: op((c) => ints([shapeOf(c.value(0), c).reduce((n, d) => n * d, 1)], [])),
  SpaceToBatch: op((c) => space.spaceToBatchND(c.x(0), square(c), pairs(c, 1))),
  SpaceToBatchND: op((c) => space.spaceToBatchND(c.x(0), c.numbers(1, 'the block'), pairs(c, 2))),
  SpaceToDepth: op(spaceToDepth),
  Squeeze: op(squeezed),
  UnravelIndex: op(unraveled),
  Transpose: op((c) =>
    complex.transpose(c.z(0) as Tensor, c.count > 1 ? c.numbers(1, 'the order of the axes') : undefined),
  ),
};
