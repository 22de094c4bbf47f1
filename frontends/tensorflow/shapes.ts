// Shapes as TensorFlow's files write them.

import { FormatError } from '../../ir/errors.ts';
import type { Message } from './messages.ts';

/** The dimensions of a shape in a file, -1 or null for an unknown one; null where not even the rank is known. */
export type PartialShape = readonly (number | null)[] | null;

/** A shape of a file. Throws FormatError where a dimension is no whole number, or less than -1. */
export function partialShape(p: Message<'TensorShapeProto'> | undefined, op: string): PartialShape {
  if (p === undefined || p.unknown_rank) return null;
  return p.dim.map((d) => {
    const n = Number(d.size ?? 0);
    if (!Number.isSafeInteger(n) || n < -1)
      throw new FormatError(`a shape has the dimension ${n}`, { op, fix: 'the file is damaged: get it again' });
    return n === -1 ? null : n;
  });
}

/** A shape that is known as a whole, and the number of its elements. Throws FormatError where it is not, or is too large. */
export function wholeShape(
  p: Message<'TensorShapeProto'> | undefined,
  what: string,
  op: string,
): { shape: number[]; size: number } {
  const shape = partialShape(p ?? { dim: [] }, op);
  if (!shape?.every((d) => d !== null))
    throw new FormatError(`${what} has no known shape`, { op, fix: 'the file is damaged: get it again' });
  const size = (shape as number[]).reduce((n, d) => n * d, 1);
  if (!Number.isSafeInteger(size))
    throw new FormatError(`${what} has the shape [${shape}], which is too large`, {
      op,
      fix: 'the file is damaged: get it again',
    });
  return { shape: shape as number[], size };
}
