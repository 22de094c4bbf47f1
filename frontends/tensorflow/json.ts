// Protocol buffers in JSON (https://protobuf.dev/programming-guides/json), as TensorFlow.js's model.json has graphs:
// names in camelCase or as declared, 64-bit integers as text, bytes in base64.

import { FormatError, valueText } from '../../ir/errors.ts';
import { tfType } from './dtypes.ts';
import { type Message, tensorflowSchema } from './messages.ts';

type Schema = typeof tensorflowSchema;
type Field = readonly [number: number, type: string, label?: string];
type Fields = Record<string, unknown>;

/** Messages nest no deeper, as in the binary format. */
const deepest = 100;

const whole = (x: unknown): unknown => {
  if (typeof x === 'number') return Number.isInteger(x) ? x : undefined;
  if (typeof x !== 'string' || !/^-?\d{1,20}$/.test(x)) return undefined;
  const n = Number(x);
  return Number.isSafeInteger(n) ? n : BigInt(x);
};
const number = (x: unknown): unknown => {
  if (typeof x === 'number') return x;
  if (typeof x !== 'string' || x.trim() === '') return undefined;
  const n = Number(x);
  return Number.isNaN(n) && x !== 'NaN' ? undefined : n;
};
/** Base64 of either alphabet; some writers give the bytes as an array. */
function bytes(x: unknown): Uint8Array | undefined {
  if (Array.isArray(x))
    return x.every((b) => Number.isInteger(b) && b >= 0 && b < 256) ? Uint8Array.from(x) : undefined;
  if (typeof x !== 'string') return undefined;
  try {
    const text = atob(x.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(text, (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** What a scalar of each type is out of JSON; undefined for what it cannot be. */
const scalars: Readonly<Record<string, (x: unknown) => unknown>> = {
  int32: whole,
  int64: whole,
  uint32: whole,
  uint64: whole,
  fixed32: whole,
  float: number,
  double: number,
  bool: (x) => (typeof x === 'boolean' ? x : undefined),
  string: (x) => (typeof x === 'string' ? x : undefined),
  bytes,
};

const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase());
const isObject = (x: unknown): x is Fields => typeof x === 'object' && x !== null && !Array.isArray(x);

/** Reads the messages of one document. */
class Reader {
  readonly op: string;
  constructor(op: string) {
    this.op = op;
  }

  bad(what: string, x: unknown): FormatError {
    return new FormatError(`${what} is ${valueText(x)}`, {
      op: this.op,
      fix: 'the JSON is no graph of TensorFlow, or damaged: get it again',
    });
  }

  message(name: keyof Schema, json: unknown, path: string, depth = 0): Fields {
    if (depth > deepest) throw this.bad(`nesting deeper than ${deepest} in ${path}`, name);
    if (!isObject(json)) throw this.bad(path, json);
    const out: Fields = {};
    for (const [field, [, type, label]] of Object.entries(tensorflowSchema[name] as Record<string, Field>)) {
      const given = Object.hasOwn(json, field) ? json[field] : json[camel(field)];
      const at = `${path}.${field}`;
      const one = (x: unknown, where: string) => this.value(type, x, where, depth + 1);
      if (label === 'repeated') out[field] = this.list(given, at).map((x, i) => one(x, `${at}[${i}]`));
      else if (label) out[field] = this.map(given, at, one);
      else if (given !== undefined && given !== null) out[field] = one(given, at);
    }
    return out;
  }

  list(x: unknown, at: string): unknown[] {
    if (x === undefined || x === null) return [];
    // Without holes, which parsed JSON has not.
    if (Array.isArray(x)) return Array.from(x);
    throw this.bad(at, x);
  }

  map(x: unknown, at: string, one: (y: unknown, where: string) => unknown): Map<string, unknown> {
    if (x === undefined || x === null) return new Map();
    if (!isObject(x)) throw this.bad(at, x);
    return new Map(Object.entries(x).map(([k, y]) => [k, one(y, `${at}.${k}`)]));
  }

  value(type: string, x: unknown, at: string, depth: number): unknown {
    if (type === 'enum') return tfType(x, this.op).number;
    const read = scalars[type];
    if (!read) return this.message(type as keyof Schema, x, at, depth);
    const y = read(x);
    if (y === undefined) throw this.bad(at, x);
    return y;
  }
}

/** A message out of parsed JSON; what the schema does not have is skipped. Throws FormatError where it is none. */
export const fromJson = <N extends keyof Schema & string>(name: N, json: unknown, op: string): Message<N> =>
  new Reader(op).message(name, json, name) as unknown as Message<N>;
