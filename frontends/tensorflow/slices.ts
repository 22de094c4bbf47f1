// Parts of partitioned Variables in checkpoints: their names in the index (tensorflow/core/util/saved_tensor_slice_util.cc,
// whose text is TensorFlow's ordered code), and how they make the whole.

import { FormatError } from '../../ir/errors.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { concatBytes } from '../bytes.ts';
import type { Message } from './messages.ts';

/** A box inside of a tensor. */
export interface Slice {
  readonly start: readonly number[];
  readonly length: readonly number[];
  /** As the file has it: -1 for a whole axis. */
  readonly stored: readonly number[];
}

/** Ordered code of a number from 0 on: how many bytes, then these, the highest first. */
function orderedNumber(x: number): number[] {
  const bytes: number[] = [];
  for (let n = x; n > 0; n = Math.floor(n / 256)) bytes.unshift(n % 256);
  return [bytes.length, ...bytes];
}

/** Ordered code of text: 0 and 255 are escaped, 0 1 ends it. */
function orderedText(text: string): number[] {
  const out: number[] = [];
  for (const b of new TextEncoder().encode(text)) {
    if (b === 0) out.push(0, 255);
    else if (b === 255) out.push(255, 0);
    else out.push(b);
  }
  return [...out, 0, 1];
}

/** Ordered code of any whole number: as many leading ones as there are bytes, then the number in what is left. */
function orderedSigned(x: number): number[] {
  const value = BigInt(x);
  const size = (x < 0 ? ~value : value).toString(2).length;
  const bits = value === 0n || x === -1 ? 0 : size;
  const length = Math.ceil((bits + 1) / 7);
  const bytes: number[] = [];
  for (let i = length - 1; i >= 0; i--) bytes.push(Number((value >> BigInt(8 * i)) & 255n));
  // The ones and the zero behind them are turned over the sign's bits.
  const ones = ((1n << BigInt(length)) - 1n) << BigInt(16 - length);
  bytes[0] ^= Number(ones >> 8n);
  if (length > 1) bytes[1] ^= Number(ones & 255n);
  return bytes;
}

/** The key of a part in the index. */
export function sliceKey(name: string, slice: Slice): Uint8Array {
  const extents = slice.start.flatMap((s, i) => [...orderedSigned(s), ...orderedSigned(slice.stored[i])]);
  const parts = [orderedNumber(0), orderedText(name), orderedNumber(slice.start.length), extents];
  return concatBytes(parts.map((p) => Uint8Array.from(p)));
}

/** A part that an entry names. Throws FormatError where it is not inside of the tensor. */
export function sliceOf(p: Message<'TensorSliceProto'>, shape: readonly number[], name: string, op: string): Slice {
  const start = p.extent.map((e) => Number(e.start ?? 0));
  const stored = p.extent.map((e) => Number(e.length ?? -1));
  const length = stored.map((n, i) => (n === -1 ? shape[i] : n));
  const inside = start.every((s, i) => s >= 0 && length[i] >= 0 && s + length[i] <= shape[i]);
  if (start.length !== shape.length || !inside)
    throw new FormatError(`a part [${start}] + [${length}] of '${name}' is not inside of its shape [${shape}]`, {
      op,
      fix: 'the checkpoint is damaged: get it again',
    });
  return { start, length, stored };
}

/** Puts the elements of a part, `width` numbers each, to their place in the whole. */
export function placeSlice(
  whole: TypedArray,
  shape: readonly number[],
  part: TypedArray,
  slice: Slice,
  width: number,
): void {
  const { start, length } = slice;
  const last = shape.length - 1;
  const row = (last < 0 ? 1 : length[last]) * width;
  if (row === 0) return;
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, width));
  for (let at = 0; at < part.length; at += row) {
    let rest = at / row;
    let to = last < 0 ? 0 : start[last] * strides[last];
    for (let axis = last - 1; axis >= 0; axis--) {
      to += (start[axis] + (rest % length[axis])) * strides[axis];
      rest = Math.floor(rest / length[axis]);
    }
    whole.set(part.subarray(at, at + row), to);
  }
}
