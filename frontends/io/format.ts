// What all readers of files share: typed errors, JSON that cannot hurt, shapes that are checked.

import { ArgumentError, FormatError, valueText } from '../../ir/errors.ts';

/** The most axes a tensor of a file may have: as in TensorFlow. */
const mostAxes = 254;
/** How deep JSON may be nested: walks through it are recursive, and the stack is not without end. */
const deepest = 100;

/** Where errors of a reader happen. */
export interface Place {
  /** The function that reads. */
  readonly op: string;
  /** The file's name, or what the bytes are called. */
  readonly file: string;
  /** Which Keras has written it: names mean other things in the two. */
  readonly keras?: 2 | 3;
}

/** Throws FormatError: a file is damaged, or holds what is not supported. */
export function damaged(
  { op, file }: Place,
  why: string,
  fix = 'the file is damaged or was cut off: get it again',
): never {
  throw new FormatError(`'${file}' cannot be read: ${why}`, { op, fix });
}

export const isObject = (x: unknown): x is Record<string, unknown> =>
  typeof x === 'object' && x !== null && !Array.isArray(x);

/** Whether something is a whole number from 0 on that JavaScript holds exactly. */
export const isWhole = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

/** Throws FormatError where plain data is nested deeper than any real file is, or has a key that objects must not get. */
export function checkNesting(x: unknown, place: Place): void {
  let level = [x];
  for (let depth = 0; level.length; depth++) {
    if (depth > deepest) damaged(place, `it is nested deeper than ${deepest} levels`);
    const next: unknown[] = [];
    for (const y of level) {
      if (typeof y !== 'object' || y === null) continue;
      if (Object.hasOwn(y, '__proto__')) damaged(place, "it has the key '__proto__'");
      for (const z of Array.isArray(y) ? y : Object.values(y)) next.push(z);
    }
    level = next;
  }
}

/** Text in UTF-8. Throws FormatError where it is none. */
export function decodeText(bytes: Uint8Array, place: Place): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (e) {
    return damaged(place, `it is no text in UTF-8 (${(e as Error).message})`);
  }
}

/**
 * Numbers that JSON has not, as Python writes them: `NaN`, `Infinity`, `-Infinity` become `{"#number": …}`.
 * Text in quotes is stepped over.
 */
const pythonNumbers = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/** Stands for a number that JSON has not, in what this library writes. */
const numberKey = '#number';
const revive = (_: string, x: unknown): unknown =>
  isObject(x) && typeof x[numberKey] === 'string' ? Number(x[numberKey]) : x;

/**
 * What JSON says. Throws FormatError for what is no JSON and for what is nested too deep. NaN and infinities are
 * read as Python's json module and this library write them.
 */
export function parseJson(text: string, place: Place): unknown {
  let x: unknown;
  try {
    const plain = /NaN|Infinity/.test(text)
      ? text.replace(pythonNumbers, (m) => (m[0] === '"' ? m : `{"${numberKey}":"${m}"}`))
      : text;
    x = JSON.parse(plain, plain.includes(numberKey) ? revive : undefined);
  } catch (e) {
    return damaged(place, `it is no JSON: ${(e as Error).message}`);
  }
  checkNesting(x, place);
  return x;
}

/** As `parseJson`; throws FormatError as well where it is no object. */
export function parseJsonObject(text: string, place: Place): Record<string, unknown> {
  const x = parseJson(text, place);
  return isObject(x) ? x : damaged(place, `it holds ${valueText(x)} where an object should be`);
}

/** A tensor's shape out of a file. Throws FormatError for what is none. @param what whose it is, for errors */
export function checkedShape(x: unknown, what: string, place: Place): number[] {
  if (!Array.isArray(x) || x.length > mostAxes || !x.every(isWhole))
    return damaged(place, `${what} has the shape ${valueText(x)}`);
  return x;
}

/** Elements of a shape. Throws FormatError where they are more than can be. */
export function sizeOfShape(shape: readonly number[], what: string, place: Place): number {
  const size = shape.reduce((n, d) => n * d, 1);
  if (!isWhole(size)) damaged(place, `${what} of shape [${shape}] would have ${size} elements`);
  return size;
}

/** Throws ArgumentError unless `x` is an ArrayBuffer or bytes; gives the bytes. */
export function bytesOf(x: unknown, what: string, op: string): Uint8Array {
  if (x instanceof ArrayBuffer || (typeof SharedArrayBuffer === 'function' && x instanceof SharedArrayBuffer))
    return new Uint8Array(x);
  if (ArrayBuffer.isView(x)) return new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
  throw new ArgumentError(`${what} must be bytes, not ${valueText(x)}`, {
    op,
    fix: 'give an ArrayBuffer or a Uint8Array',
  });
}

/** A buffer of exactly these bytes: the one behind them where it has no others. */
export function bufferOf(bytes: Uint8Array): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength) return buffer;
  return bytes.slice().buffer as ArrayBuffer;
}
