// How a tensor is printed: nested brackets with aligned columns, long axes shortened to their ends,
// as TensorFlow.js users know it.

import type { TypedArray } from '../../ir/literal.ts';
import type { DType } from '../../ir/types.ts';

/** An axis longer than this shows `edge` elements at either end. */
const limit = 20;
const edge = 3;

function text(x: number, dtype: DType): string {
  if (dtype === 'bool') return x ? 'true' : 'false';
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'NaN' : x > 0 ? 'Infinity' : '-Infinity';
  return String(Number.parseFloat(x.toFixed(7)));
}

/** Indices of an axis that are shown; -1 stands for the gap. */
function shown(n: number): number[] {
  if (n <= limit) return Array.from({ length: n }, (_, i) => i);
  const ends = Array.from({ length: edge }, (_, i) => i);
  return [...ends, -1, ...ends.map((i) => n - edge + i)];
}

/** The elements of a tensor as nested brackets, indented by four spaces. */
export function formatElements(data: TypedArray, shape: readonly number[], dtype: DType): string {
  if (shape.length === 0) return `    ${text(data[0], dtype)}`;
  const last = shape.length - 1;
  const columns = shown(shape[last]);
  const rows: string[][] = [];
  const collect = (axis: number, offset: number): void => {
    if (axis === last) {
      rows.push(columns.map((c) => (c < 0 ? '...' : text(data[offset + c], dtype))));
      return;
    }
    const step = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    for (const i of shown(shape[axis])) if (i >= 0) collect(axis + 1, offset + i * step);
  };
  collect(0, 0);
  const width = columns.map((_, c) => rows.reduce((w, r) => Math.max(w, r[c].length), 0));
  let next = 0;
  const write = (axis: number): string => {
    if (axis === last) {
      const row = rows[next++];
      return `[${row.map((s, c) => s.padEnd(width[c])).join(', ')}]`;
    }
    const sep = `,${'\n'.repeat(Math.max(1, last - axis))}${' '.repeat(5 + axis)}`;
    return `[${shown(shape[axis])
      .map((i) => (i < 0 ? '...' : write(axis + 1)))
      .join(sep)}]`;
  };
  return `    ${write(0)}`;
}
