// Tensors of ONNX files: typed lists of numbers, raw bytes, or bytes of another file.

import { FormatError } from '../../ir/errors.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import { eagerTensor, type Tensor } from '../trace/tensor.ts';
import { type ElementType, elementType, narrow64, readElements } from './dtypes.ts';
import type { Message } from './schema.ts';

/** Bytes of files beside the model, by the place that the model names; all are there before a tensor is read. */
export type ExternalFiles = ReadonlyMap<string, Uint8Array>;

const largestSide = 2 ** 31 - 1;

/** Sizes of axes as they stand in a file. Throws FormatError for what is none, and for more elements than 2^31. */
export function shapeOf(dims: readonly (number | bigint)[], what: string, op: string): number[] {
  const shape = dims.map(Number);
  const count = shape.reduce((n, d) => n * d, 1);
  if (shape.every((d) => Number.isInteger(d) && d >= 0 && d <= largestSide) && count <= largestSide) return shape;
  throw new FormatError(`${what} has the shape [${shape.slice(0, 16)}]`, {
    op,
    fix: 'the file is damaged, or too large',
  });
}

const external = 1;

/** Where a tensor's bytes lie in another file. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

/** The place of a tensor that lies outside, else undefined. Throws FormatError for one that makes no sense. */
export function placeOfTensor(t: Message<'Tensor'>, op: string): ExternalPlace | undefined {
  if (t.dataLocation !== external) return undefined;
  const at = new Map(t.externalData.map((e) => [e.key, e.value]));
  const location = at.get('location');
  const whole = (key: string) => {
    const text = at.get(key);
    if (text === undefined) return undefined;
    const n = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(n))
      throw new FormatError(`the tensor '${t.name}' names external data with ${key} '${text}'`, { op });
    return n;
  };
  if (!location) throw new FormatError(`the tensor '${t.name}' is in another file without a name`, { op });
  return { location, offset: whole('offset') ?? 0, length: whole('length') };
}

/** The bytes of a tensor in another file; ranges are checked against the file. */
function externalBytes(t: Message<'Tensor'>, place: ExternalPlace, files: ExternalFiles, op: string): Uint8Array {
  const { location, offset, length } = place;
  const file = files.get(location);
  if (!file)
    throw new FormatError(`the tensor '${t.name}' lies in '${location}', which is not there`, {
      op,
      fix: 'put the file beside the model, or give its bytes as externalData',
    });
  const end = length === undefined ? file.length : offset + length;
  if (offset > file.length || end > file.length)
    throw new FormatError(
      `the tensor '${t.name}' lies at bytes ${offset} to ${end} of '${location}', which has ${file.length}`,
      { op, fix: 'get both files again: they do not belong together' },
    );
  return file.subarray(offset, end);
}

/** A tensor of a file. Throws FormatError for data that does not fill its shape, and for strings and complex numbers. */
export function readTensor(t: Message<'Tensor'>, files: ExternalFiles, op: string): Tensor {
  const what = `the tensor '${t.name ?? ''}'`;
  const type = elementType(t.dataType ?? 0, what, op);
  if (t.segment) throw new FormatError(`${what} is stored in segments`, { op, fix: 'export it as one piece' });
  const shape = shapeOf(t.dims, what, op);
  const n = shape.reduce((a, d) => a * d, 1);
  const place = placeOfTensor(t, op);
  const raw = place ? externalBytes(t, place, files, op) : t.rawData;
  const elements = raw && (place || raw.length) ? ofRaw(type, n, raw, what, op) : ofList(type, n, t, what, op);
  return eagerTensor(tensorType(type.dtype, shape), elements);
}

function ofRaw(type: ElementType, n: number, raw: Uint8Array, what: string, op: string): TypedArray {
  const bytes = Math.ceil((n * type.bits) / 8);
  if (raw.length !== bytes)
    throw new FormatError(`${what} has ${raw.length} bytes where ${n} elements of ${type.name} take ${bytes}`, { op });
  if (type.name === 'float') return new Float32Array(raw.slice().buffer);
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return readElements(type, n, (i) => type.read(view, i), what, op);
}

function ofList(type: ElementType, n: number, t: Message<'Tensor'>, what: string, op: string): TypedArray {
  const list: readonly (number | bigint)[] = t[type.field];
  const { ofBits } = type;
  // Numbers of 4 bits are packed in twos here too.
  const packed = type.bits === 4;
  const stored = packed ? Math.ceil(n / 2) : n;
  if (list.length !== stored)
    throw new FormatError(`${what} has ${list.length} numbers where its shape needs ${stored}`, { op });
  const wide = type.field === 'int64Data' || type.field === 'uint64Data';
  const at = (i: number): number => {
    const x = list[packed ? i >> 1 : i];
    if (wide) return narrow64(type, x);
    const bits = packed && i & 1 ? Number(x) >> 4 : Number(x);
    return ofBits ? ofBits(bits) : bits;
  };
  return readElements(type, n, at, what, op);
}

/** A sparse tensor of a file with its zeros. Throws FormatError for indices outside of its shape. */
export function readSparse(s: Message<'SparseTensor'>, files: ExternalFiles, op: string): Tensor {
  if (!s.values || !s.indices) throw new FormatError('a sparse tensor has no values or no indices', { op });
  const values = readTensor(s.values, files, op);
  const indices = readTensor(s.indices, files, op);
  const shape = shapeOf(s.dims, 'a sparse tensor', op);
  const size = shape.reduce((a, d) => a * d, 1);
  const count = values.size;
  const flat = indices.rank === 1;
  // A few bytes must not become gigabytes.
  const most = 2 ** 26;
  const fits = values.rank === 1 && size <= most && indices.size === (flat ? count : count * shape.length);
  if (!fits) throw new FormatError(`a sparse tensor of shape [${shape}] has indices [${indices.shape}]`, { op });
  const dense = new (values.elements().constructor as new (n: number) => TypedArray)(size);
  const at = indices.elements();
  for (let i = 0; i < count; i++) {
    const k = flat ? at[i] : shape.reduce((sum, d, a) => sum * d + at[i * shape.length + a], 0);
    const inside = flat || shape.every((d, a) => at[i * shape.length + a] >= 0 && at[i * shape.length + a] < d);
    if (!(k >= 0 && k < size) || !inside) throw new FormatError('a sparse tensor has an index outside of it', { op });
    dense[k] = values.elements()[i];
  }
  return eagerTensor(tensorType(values.type.dtype, shape), dense);
}
