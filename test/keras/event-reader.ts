// Reads event files of TensorBoard: records, their checksums, and protocol buffers, written from the formats'
// descriptions and not from what writes them.

export interface Field {
  readonly number: number;
  readonly wire: number;
  readonly value: number | bigint | Buffer;
}

/** The fields of a protocol buffer message. */
export function fieldsOf(data: Buffer): Field[] {
  const out: Field[] = [];
  let at = 0;
  const varint = () => {
    let [x, shift] = [0n, 0n];
    for (;;) {
      const byte = data[at++];
      x |= BigInt(byte & 127) << shift;
      if (byte < 128) return x;
      shift += 7n;
    }
  };
  while (at < data.length) {
    const key = Number(varint());
    const [number, wire] = [key >> 3, key & 7];
    if (wire === 0) out.push({ number, wire, value: varint() });
    else if (wire === 1) {
      out.push({ number, wire, value: data.readDoubleLE(at) });
      at += 8;
    } else if (wire === 5) {
      out.push({ number, wire, value: data.readFloatLE(at) });
      at += 4;
    } else if (wire === 2) {
      const length = Number(varint());
      out.push({ number, wire, value: data.subarray(at, at + length) });
      at += length;
    } else throw new Error(`wire type ${wire} of field ${number}`);
  }
  if (at !== data.length) throw new Error('a field is cut off');
  return out;
}

const all = (data: Buffer, number: number) =>
  fieldsOf(data)
    .filter((f) => f.number === number)
    .map((f) => f.value);
export const messages = (data: Buffer, number: number) => all(data, number) as Buffer[];
export const text = (data: Buffer, number: number) => (all(data, number)[0] as Buffer)?.toString('utf8');
/** A number, 0 where the field is not there, as proto3 has it. */
export const num = (data: Buffer, number: number) => Number(all(data, number)[0] ?? 0);
/** Doubles packed into one field. */
export const doubles = (data: Buffer, number: number) => {
  const packed = messages(data, number)[0] ?? Buffer.alloc(0);
  return Array.from({ length: packed.length / 8 }, (_, i) => packed.readDoubleLE(8 * i));
};

/** Bit by bit, without a table: x^32 + … of Castagnoli, reflected. */
export function crc32c(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** The mask of TFRecord: rotated right by 15 bits, plus a constant. */
const mask = (crc: number) => Number((BigInt(((crc >>> 15) | (crc << 17)) >>> 0) + 0xa282ead8n) & 0xffffffffn);

/** The data of all records of a file; throws where a checksum is wrong or the file ends within one. */
export function records(file: Buffer): Buffer[] {
  const out: Buffer[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    if (file.readUInt32LE(at + 8) !== mask(crc32c(file.subarray(at, at + 8)))) throw new Error('CRC of the length');
    if (data.length !== length) throw new Error('the last record is cut off');
    if (file.readUInt32LE(at + 12 + length) !== mask(crc32c(data))) throw new Error('CRC of the data');
    out.push(data);
    at += 16 + length;
  }
  return out;
}

export interface Value {
  readonly step: number;
  readonly tag: string;
  /** The message of the value. */
  readonly data: Buffer;
}

/** All summary values of the events. */
export const values = (events: readonly Buffer[]): Value[] =>
  events.flatMap((e) =>
    messages(e, 5).flatMap((summary) =>
      messages(summary, 1).map((data) => ({ step: num(e, 2), tag: text(data, 1), data })),
    ),
  );
