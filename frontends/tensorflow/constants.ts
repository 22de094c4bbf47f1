// Constants of graphs: TensorProto (tensorflow/core/framework/tensor.proto).

import { FormatError } from '../../ir/errors.ts';
import { fromHalfBits } from '../../ir/half.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { type DType, tensorType } from '../../ir/types.ts';
import { ComplexTensor } from '../trace/complex-tensor.ts';
import { eagerTensor, type Tensor } from '../trace/tensor.ts';
import { dtypeOf, elementBytes, fromBfloat16, readElements, type TfType, tfType, toInt32 } from './dtypes.ts';
import type { Message } from './messages.ts';
import { wholeShape } from './shapes.ts';
import { Strings, type Value } from './values.ts';

type Proto = Message<'TensorProto'>;

/** Elements that stand one by one, in the field for their type. */
function listed(p: Proto, t: TfType): ArrayLike<number | bigint | boolean> {
  switch (t.name) {
    case 'DT_FLOAT':
      return p.float_val;
    case 'DT_DOUBLE':
      return p.double_val;
    case 'DT_HALF':
      return p.half_val.map((b) => fromHalfBits(b & 0xffff));
    case 'DT_BFLOAT16':
      return p.half_val.map(fromBfloat16);
    case 'DT_INT64':
      return p.int64_val;
    case 'DT_UINT32':
      return p.uint32_val;
    case 'DT_UINT64':
      return p.uint64_val;
    case 'DT_BOOL':
      return p.bool_val;
    case 'DT_COMPLEX64':
      return p.scomplex_val;
    case 'DT_COMPLEX128':
      return p.dcomplex_val;
    default:
      return p.int_val;
  }
}

/** A file of some bytes may say that one element stands for many: this many at the most. */
const MOST_REPEATED = 2 ** 26;

/** The last of the listed elements stands for all that are missing, none for zeros. */
function spread(
  values: ArrayLike<number | bigint | boolean>,
  n: number,
  dtype: DType,
  width: number,
  refuse: (w: string) => Error,
  op: string,
): TypedArray {
  if (values.length > n || values.length % width)
    throw refuse(`has ${values.length / width} elements instead of ${n / width}`);
  if (n > values.length && n > MOST_REPEATED) throw refuse(`repeats one element ${n} times`);
  const out = arrayFor(dtype, n, op);
  const at = (i: number): number => {
    const x = values[i];
    return typeof x === 'boolean' ? Number(x) : dtype === 'i32' ? toInt32(x, 'a constant', op) : Number(x);
  };
  for (let i = 0; i < values.length; i++) out[i] = at(i);
  for (let i = values.length; values.length && i < n; i++) out[i] = out[i - width];
  return out;
}

/** A tensor, or a complex one, of elements as a file has them. */
export function tensorOfElements(
  t: TfType,
  shape: readonly number[],
  elements: TypedArray,
  op: string,
): Tensor | ComplexTensor {
  const type = tensorType(dtypeOf(t, op), shape);
  if (!t.complex) return eagerTensor(type, elements);
  const part = (k: number) =>
    eagerTensor(
      type,
      elements.filter((_, i) => i % 2 === k),
    );
  return new ComplexTensor(part(0), part(1));
}

/**
 * The value of a constant.
 * @param what names it in errors
 * Throws FormatError where its elements are not as many as its shape has, DTypeError for integers that int32 cannot hold
 * and for types that no tensor has.
 */
export function constantOf(p: Proto, what: string, op: string): Value {
  const t = tfType(p.dtype ?? 0, op);
  const { shape, size } = wholeShape(p.tensor_shape, what, op);
  const refuse = (why: string) =>
    new FormatError(`${what} of shape [${shape}] ${why}`, { op, fix: 'the graph is damaged: get it again' });
  if (t.name === 'DT_STRING') {
    const { string_val: texts } = p;
    if (texts.length > size || (size > texts.length && size > MOST_REPEATED))
      throw refuse(`has ${texts.length} strings`);
    const last = texts[texts.length - 1] ?? new Uint8Array();
    return new Strings(
      shape,
      Array.from({ length: size }, (_, i) => texts[i] ?? last),
    );
  }
  const width = t.complex ? 2 : 1;
  const content = p.tensor_content;
  if (!content?.length)
    return tensorOfElements(t, shape, spread(listed(p, t), size * width, dtypeOf(t, op), width, refuse, op), op);
  if (content.length !== size * (elementBytes(t) ?? 0)) throw refuse(`has ${content.length} bytes`);
  return tensorOfElements(t, shape, readElements(t, content, what, op), op);
}
