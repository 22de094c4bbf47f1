// Protocol buffers by table: a schema says the fields of each message, and types, reading and writing follow from it.
// Format: https://protobuf.dev/programming-guides/encoding

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { FormatError, SinterError } from '../../ir/errors.ts';

/** What a field of each scalar type is in JavaScript. 64-bit integers are numbers where those are exact, else bigints. */
interface Scalars {
  double: number;
  float: number;
  int32: number;
  int64: number | bigint;
  uint32: number;
  uint64: number | bigint;
  sint32: number;
  sint64: number | bigint;
  fixed32: number;
  fixed64: number | bigint;
  sfixed32: number;
  sfixed64: number | bigint;
  bool: boolean;
  /** A number that the schema need not know. */
  enum: number;
  string: string;
  /** A view of the file's bytes. */
  bytes: Uint8Array;
}

type Label = 'repeated' | `map<${keyof Scalars}>`;
/** Number in the file, type (a scalar or a message of the schema), and whether it repeats; the value of a map's entry. */
type Field = readonly [number: number, type: string, label?: Label];
/** Messages by name, and their fields by name. */
export type Schema = Readonly<Record<string, Readonly<Record<string, Field>>>>;

type TypeOf<S extends Schema, T> = T extends keyof Scalars ? Scalars[T] : T extends keyof S ? MessageOf<S, T> : never;

/**
 * A message of a schema: a field that repeats is an array, a map a Map, any other may be missing; so may a member of a
 * oneof, which is a field like any other.
 */
export type MessageOf<S extends Schema, N extends keyof S> = {
  [K in keyof S[N] as S[N][K] extends readonly [number, string] ? K : never]?: TypeOf<S, S[N][K][1]>;
} & {
  [K in keyof S[N] as S[N][K] extends readonly [number, string, Label] ? K : never]: S[N][K] extends readonly [
    number,
    infer T,
    `map<${infer Key extends keyof Scalars}>`,
  ]
    ? Map<Scalars[Key], TypeOf<S, T>>
    : TypeOf<S, S[N][K][1]>[];
};

/** A message to write: whatever is left out is not written. */
export type PartialMessageOf<S extends Schema, N extends keyof S> = {
  [K in keyof S[N]]?: S[N][K] extends readonly [number, infer T, infer L]
    ? L extends `map<${infer Key extends keyof Scalars}>`
      ? ReadonlyMap<Scalars[Key], PartialTypeOf<S, T>>
      : ArrayLike<PartialTypeOf<S, T>>
    : PartialTypeOf<S, S[N][K][1]>;
};
type PartialTypeOf<S extends Schema, T> = T extends keyof Scalars
  ? Scalars[T]
  : T extends keyof S
    ? PartialMessageOf<S, T>
    : never;

/** Messages nest no deeper: as in Google's own readers. */
const deepest = 100;

interface Codec {
  readonly wire: WireType;
  readonly read: (r: BinaryReader) => unknown;
  readonly write: (w: BinaryWriter, x: never) => unknown;
}

/** Exact as a number, or as it is. */
function exact(x: bigint | string): number | bigint {
  const n = Number(x);
  return Number.isSafeInteger(n) ? n : BigInt(x);
}

const codec = <X>(wire: WireType, read: Codec['read'], write: (w: BinaryWriter, x: X) => unknown): Codec => ({
  wire,
  read,
  write,
});
const { Varint, Bit64, Bit32, LengthDelimited } = WireType;
const codecs: Readonly<Record<keyof Scalars, Codec>> = {
  double: codec<number>(
    Bit64,
    (r) => r.double(),
    (w, x) => w.double(x),
  ),
  float: codec<number>(
    Bit32,
    (r) => r.float(),
    (w, x) => w.float(x),
  ),
  int32: codec<number>(
    Varint,
    (r) => r.int32(),
    (w, x) => w.int32(x),
  ),
  int64: codec<number | bigint>(
    Varint,
    (r) => exact(r.int64()),
    (w, x) => w.int64(x),
  ),
  uint32: codec<number>(
    Varint,
    (r) => r.uint32(),
    (w, x) => w.uint32(x),
  ),
  uint64: codec<number | bigint>(
    Varint,
    (r) => exact(r.uint64()),
    (w, x) => w.uint64(x),
  ),
  sint32: codec<number>(
    Varint,
    (r) => r.sint32(),
    (w, x) => w.sint32(x),
  ),
  sint64: codec<number | bigint>(
    Varint,
    (r) => exact(r.sint64()),
    (w, x) => w.sint64(x),
  ),
  fixed32: codec<number>(
    Bit32,
    (r) => r.fixed32(),
    (w, x) => w.fixed32(x),
  ),
  fixed64: codec<number | bigint>(
    Bit64,
    (r) => exact(r.fixed64()),
    (w, x) => w.fixed64(x),
  ),
  sfixed32: codec<number>(
    Bit32,
    (r) => r.sfixed32(),
    (w, x) => w.sfixed32(x),
  ),
  sfixed64: codec<number | bigint>(
    Bit64,
    (r) => exact(r.sfixed64()),
    (w, x) => w.sfixed64(x),
  ),
  bool: codec<boolean>(
    Varint,
    (r) => r.bool(),
    (w, x) => w.bool(x),
  ),
  enum: codec<number>(
    Varint,
    (r) => r.int32(),
    (w, x) => w.int32(x),
  ),
  string: codec<string>(
    LengthDelimited,
    (r) => r.string(true),
    (w, x) => w.string(x),
  ),
  bytes: codec<Uint8Array>(
    LengthDelimited,
    (r) => r.bytes(),
    (w, x) => w.bytes(x),
  ),
};

/** A field as reading and writing need it. */
interface Slot {
  readonly name: string;
  readonly number: number;
  /** The scalar's codec; a message has none. */
  readonly scalar: Codec | undefined;
  /** The message's name. */
  readonly message: string;
  readonly repeated: boolean;
  /** The codec of a map's keys. */
  readonly key: Codec | undefined;
}

/** A message as reading and writing need it. */
interface Layout {
  readonly byNumber: ReadonlyMap<number, Slot>;
  readonly slots: readonly Slot[];
}

const layouts = new WeakMap<Schema, Map<string, Layout>>();

function layoutOf(schema: Schema, name: string): Layout {
  let all = layouts.get(schema);
  if (!all) {
    all = new Map();
    layouts.set(schema, all);
  }
  let layout = all.get(name);
  if (!layout) {
    const slots = Object.entries(schema[name]).map(([field, [number, type, label]]): Slot => {
      const key = label?.startsWith('map<') ? label.slice(4, -1) : undefined;
      return {
        name: field,
        number,
        scalar: codecs[type as keyof Scalars],
        message: type,
        repeated: label === 'repeated',
        key: codecs[key as keyof Scalars],
      };
    });
    layout = { slots, byNumber: new Map(slots.map((s) => [s.number, s])) };
    all.set(name, layout);
  }
  return layout;
}

type Fields = Record<string, unknown>;

/** Reads the messages of one file. */
class Decoder {
  readonly schema: Schema;
  readonly reader: BinaryReader;
  readonly op: string;
  /** Messages and fields that are being read: for errors. */
  readonly path: string[] = [];

  constructor(schema: Schema, bytes: Uint8Array, op: string) {
    this.schema = schema;
    this.reader = new BinaryReader(bytes);
    this.op = op;
  }

  damaged(what: string): FormatError {
    return new FormatError(`damaged at byte ${this.reader.pos}, in ${this.path.join('.') || 'its message'}: ${what}`, {
      op: this.op,
      fix: 'get the file again: it is cut off, changed, or of another format',
    });
  }

  /** Where a part of `length` bytes ends; throws where they are not there. */
  endOf(end: number): number {
    const length = this.reader.uint32();
    const { pos } = this.reader;
    if (length > end - pos) throw this.damaged(`${length} bytes are announced, ${end - pos} are left`);
    return pos + length;
  }

  /** Reads a message that ends at `end`, on top of what there is of it already. */
  message(name: string, end: number, out: Fields): Fields {
    if (this.path.length >= deepest) throw this.damaged(`messages nest deeper than ${deepest}`);
    const { slots, byNumber } = layoutOf(this.schema, name);
    for (const s of slots) {
      if (s.repeated) out[s.name] ??= [];
      else if (s.key) out[s.name] ??= new Map();
    }
    this.path.push(name);
    const at = this.path.length - 1;
    while (this.reader.pos < end) {
      const [number, wire] = this.reader.tag();
      const slot = byNumber.get(number);
      this.path[at] = slot ? `${name}.${slot.name}` : `${name}.${number}`;
      if (!slot) this.reader.skip(wire, number, deepest);
      else this.field(slot, wire, end, out);
      if (this.reader.pos > end) throw this.damaged('a field goes on behind the end of its message');
    }
    this.path.pop();
    return out;
  }

  field(s: Slot, wire: WireType, end: number, out: Fields): void {
    if (s.key) this.entry(s, s.key, wire, end, out[s.name] as Map<unknown, unknown>);
    else if (!s.repeated) out[s.name] = this.value(s, wire, end, out[s.name]);
    else if (s.scalar && s.scalar.wire !== LengthDelimited && wire === LengthDelimited) {
      const list = out[s.name] as unknown[];
      const last = this.endOf(end);
      while (this.reader.pos < last) list.push(s.scalar.read(this.reader));
      if (this.reader.pos > last) throw this.damaged('packed numbers go on behind their end');
    } else (out[s.name] as unknown[]).push(this.value(s, wire, end, undefined));
  }

  value(s: Slot, wire: WireType, end: number, old: unknown): unknown {
    const want = s.scalar?.wire ?? LengthDelimited;
    if (wire !== want) throw this.damaged(`wire type ${wire} where ${want} belongs`);
    if (s.scalar) return s.scalar.read(this.reader);
    return this.message(s.message, this.endOf(end), (old as Fields | undefined) ?? {});
  }

  /** An entry of a map: a message of key (1) and value (2). */
  entry(s: Slot, keyCodec: Codec, wire: WireType, end: number, map: Map<unknown, unknown>): void {
    if (wire !== LengthDelimited) throw this.damaged(`wire type ${wire} in a map`);
    const last = this.endOf(end);
    let key: unknown;
    let value: unknown;
    while (this.reader.pos < last) {
      const [number, w] = this.reader.tag();
      if (number === 1 && w === keyCodec.wire) key = keyCodec.read(this.reader);
      else if (number === 2) value = this.value(s, w, last, value);
      else this.reader.skip(w, number, deepest);
      if (this.reader.pos > last) throw this.damaged('an entry of a map goes on behind its end');
    }
    // What is missing has its type's default.
    if (value === undefined) value = s.scalar ? defaultOf(s.scalar) : this.message(s.message, last, {});
    map.set(key ?? defaultOf(keyCodec), value);
  }
}

/** What a scalar is that is not written: read from zeros. */
const defaultOf = (c: Codec): unknown => c.read(new BinaryReader(new Uint8Array(8)));

/**
 * Reads one message. Fields that the schema does not have, groups among them, are skipped; numbers may be packed or not;
 * a message that comes in parts is put together. `bytes` are views of `bytes`, not copies.
 * Throws FormatError for whatever is damaged, and for messages that nest deeper than 100. Nothing is taken on trust:
 * there are at most as many elements as bytes.
 * @param op who reads, for errors
 */
export function decodeMessage<S extends Schema, N extends keyof S & string>(
  schema: S,
  name: N,
  bytes: Uint8Array,
  op: string,
): MessageOf<S, N> {
  const decoder = new Decoder(schema, bytes, op);
  try {
    return decoder.message(name, bytes.length, {}) as MessageOf<S, N>;
  } catch (e) {
    // The reader's own errors: cut off, varints without end, text that is not UTF-8.
    throw e instanceof SinterError ? e : decoder.damaged((e as Error).message);
  }
}

function encode(schema: Schema, name: string, message: Fields, w: BinaryWriter): void {
  for (const s of layoutOf(schema, name).slots) {
    const x = message[s.name];
    if (x === undefined) continue;
    if (s.key) for (const [k, v] of x as ReadonlyMap<unknown, unknown>) encodeEntry(schema, s, s.key, k, v, w);
    else if (!s.repeated) encodeValue(schema, s, x, w);
    else if (s.scalar && s.scalar.wire !== LengthDelimited) encodePacked(s, s.scalar, x as ArrayLike<unknown>, w);
    else for (const y of Array.from(x as ArrayLike<unknown>)) encodeValue(schema, s, y, w);
  }
}

function encodeValue(schema: Schema, s: Slot, x: unknown, w: BinaryWriter): void {
  w.tag(s.number, s.scalar?.wire ?? LengthDelimited);
  if (s.scalar) s.scalar.write(w, x as never);
  else {
    w.fork();
    encode(schema, s.message, x as Fields, w);
    w.join();
  }
}

function encodePacked(s: Slot, c: Codec, xs: ArrayLike<unknown>, w: BinaryWriter): void {
  if (xs.length === 0) return;
  w.tag(s.number, LengthDelimited).fork();
  for (let i = 0; i < xs.length; i++) c.write(w, xs[i] as never);
  w.join();
}

function encodeEntry(schema: Schema, s: Slot, key: Codec, k: unknown, v: unknown, w: BinaryWriter): void {
  w.tag(s.number, LengthDelimited).fork();
  w.tag(1, key.wire);
  key.write(w, k as never);
  encodeValue(schema, { ...s, number: 2 }, v, w);
  w.join();
}

/** The bytes of a message; numbers that repeat are packed. Fields follow the order of the schema. */
export function encodeMessage<S extends Schema, N extends keyof S & string>(
  schema: S,
  name: N,
  message: PartialMessageOf<S, N>,
): Uint8Array<ArrayBuffer> {
  const w = new BinaryWriter();
  encode(schema, name, message as Fields, w);
  return w.finish();
}
