// Reads FlatBuffers by a description of their tables, into plain objects. Every offset and length is checked before it
// is used: files come from anywhere, and the code that flatc generates reads outside of the buffer where they lie.
// Format: https://flatbuffers.dev/internals/

import { type AnyTable, FormatError, isList, type Single, type TableType, widthOf } from '../../ir/plan.ts';

const broken = (why: string): never => {
  throw new FormatError(`the header is damaged: ${why}`, { op: 'artifact', fix: 'build or download the file again' });
};

/**
 * The root table of a FlatBuffer, without its size prefix. Throws FormatError where an offset or a length leads out of it, and
 * where it would become more than it has bytes: tables that stand in several places are not what any writer makes.
 */
export function readTable<T>(bytes: Uint8Array, type: TableType<T>): T {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = bytes.length;
  let left = size;
  /** Checks that so many bytes are there. */
  const at = (pos: number, n: number): number =>
    pos >= 0 && n >= 0 && pos + n <= size ? pos : broken(`${n} bytes at ${pos} of ${size}`);
  const u32 = (pos: number): number => view.getUint32(at(pos, 4), true);
  const spend = (n: number): void => {
    left -= n;
    if (left < 0) broken('it is larger than its bytes');
  };
  const follow = (pos: number): number => pos + u32(pos);

  const scalar = (t: Single, pos: number): unknown => {
    if (t === 'u32') return u32(pos);
    if (t === 'u8') return view.getUint8(at(pos, 1));
    if (t === 'bool') return view.getUint8(at(pos, 1)) !== 0;
    if (t === 'u64') return u32(pos) + 2 ** 32 * u32(pos + 4);
    const to = follow(pos);
    if (t !== 'text') return table(t, to);
    const n = u32(to);
    spend(n);
    return new TextDecoder().decode(bytes.subarray(at(to + 4, n), to + 4 + n));
  };
  const list = (t: Single, pos: number): unknown[] => {
    const n = u32(pos);
    const width = widthOf(t);
    at(pos + 4, n * width);
    spend(n * width);
    return Array.from({ length: n }, (_, i) => scalar(t, pos + 4 + i * width));
  };
  const table = (fields: AnyTable, pos: number): unknown => {
    spend(4);
    const vtable = pos - view.getInt32(at(pos, 4), true);
    const entries = view.getUint16(at(vtable, 4), true);
    at(vtable, entries);
    const out: Record<string, unknown> = {};
    fields.forEach(([name, t, absent = 0], i) => {
      const entry = 4 + 2 * i;
      const offset = entry + 2 <= entries ? view.getUint16(vtable + entry, true) : 0;
      if (isList(t)) out[name] = offset ? list(t.list, follow(pos + offset)) : [];
      else if (offset) out[name] = scalar(t, pos + offset);
      else out[name] = t === 'text' ? '' : t === 'bool' ? false : typeof t === 'string' ? absent : undefined;
    });
    return out;
  };
  return table(type, follow(0)) as T;
}
