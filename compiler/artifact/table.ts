// Writes FlatBuffers by a description of their tables, from plain objects.

import { Builder, type Offset } from 'flatbuffers';
import {
  type AnyTable,
  type FieldType,
  isList,
  type Single,
  type TableType,
  widthOf,
} from '../../ir/artifact/table.ts';

/** The bytes of a FlatBuffer with this root table, without a size prefix. */
export function tableBytes<T>(value: T, type: TableType<T>, identifier: string): Uint8Array {
  const b = new Builder(1024);
  b.finish(write(b, value as Record<string, unknown>, type), identifier);
  return b.asUint8Array();
}

/** Whatever is not in the table itself has to be written before it. */
function write(b: Builder, value: Record<string, unknown>, fields: AnyTable): Offset {
  const offsets = fields.map(([name, t]) => before(b, value[name], t));
  b.startObject(fields.length);
  fields.forEach(([name, t, absent = 0], i) => {
    const x = value[name];
    const offset = offsets[i];
    if (offset !== undefined) b.addFieldOffset(i, offset, 0);
    else if (t === 'bool') b.addFieldInt8(i, x ? 1 : 0, 0);
    else if (t === 'u8') b.addFieldInt8(i, x as number, absent);
    else if (t === 'u32') b.addFieldInt32(i, (x as number) | 0, absent | 0);
    else if (t === 'u64') b.addFieldInt64(i, BigInt(x as number), BigInt(absent));
  });
  return b.endObject();
}

/** The place of what a field refers to; undefined for scalars and what is not there. */
function before(b: Builder, x: unknown, t: FieldType): Offset | undefined {
  if (isList(t)) return (x as readonly unknown[]).length ? list(b, x as readonly unknown[], t.list) : undefined;
  if (t === 'text') return x ? b.createString(x as string) : undefined;
  return typeof t === 'string' || x === undefined ? undefined : write(b, x as Record<string, unknown>, t);
}

function list(b: Builder, xs: readonly unknown[], t: Single): Offset {
  const offsets = xs.map((x) => before(b, x, t));
  const width = widthOf(t);
  b.startVector(width, xs.length, width);
  for (let i = xs.length - 1; i >= 0; i--) {
    const offset = offsets[i];
    if (offset !== undefined) b.addOffset(offset);
    else if (t === 'u32') b.addInt32((xs[i] as number) | 0);
    else if (t === 'u64') b.addInt64(BigInt(xs[i] as number));
    else b.addInt8(Number(xs[i]));
  }
  return b.endVector();
}
