// Numbers of an HDF5 file, every access checked. Source of the whole folder: the HDF5 File Format Specification,
// version 3.0, by The HDF Group.

import { damaged, type Place } from '../format.ts';

/** An address that says: there is nothing. */
export const nowhere = Number.POSITIVE_INFINITY;

/** The bytes of a file, and how wide its addresses and lengths are. All addresses count from its superblock. */
export class Reader {
  readonly bytes: Uint8Array;
  readonly place: Place;
  readonly #view: DataView;
  /** Bytes of an address and of a length. */
  offsetSize = 8;
  lengthSize = 8;
  #steps: number;
  /** Heaps of texts that have been looked through, by address. */
  readonly collections = new Map<number, Map<number, Uint8Array>>();

  constructor(bytes: Uint8Array, place: Place) {
    this.bytes = bytes;
    this.place = place;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#steps = 10_000 + 4 * bytes.length;
  }

  fail(why: string, fix?: string): never {
    return damaged(this.place, why, fix);
  }
  /** Counts visits of the file's structures: a file that refers in circles has more of them than bytes. */
  step(n = 1): void {
    this.#steps -= n;
    if (this.#steps < 0) this.fail('its structures refer to each other in circles');
  }

  #check(at: number, n: number): void {
    if (!(at >= 0 && n >= 0 && at + n <= this.bytes.length)) this.fail(`it ends before byte ${at + n}`);
  }
  u8(at: number): number {
    this.#check(at, 1);
    return this.bytes[at];
  }
  u16(at: number): number {
    this.#check(at, 2);
    return this.#view.getUint16(at, true);
  }
  u32(at: number): number {
    this.#check(at, 4);
    return this.#view.getUint32(at, true);
  }
  /** A number of `n` bytes; all ones are `nowhere`. */
  uint(at: number, n: number): number {
    this.#check(at, n);
    let x = 0;
    let ones = true;
    for (let i = n - 1; i >= 0; i--) {
      x = x * 256 + this.bytes[at + i];
      ones &&= this.bytes[at + i] === 255;
    }
    return ones && n === 8 ? nowhere : x;
  }
  offset(at: number): number {
    const x = this.uint(at, this.offsetSize);
    return x === 256 ** this.offsetSize - 1 ? nowhere : x;
  }
  length(at: number): number {
    return this.uint(at, this.lengthSize);
  }
  part(at: number, n: number): Uint8Array {
    this.#check(at, n);
    return this.bytes.subarray(at, at + n);
  }
  /** Whether these four letters stand there. */
  is(at: number, mark: string): boolean {
    this.#check(at, mark.length);
    return Array.from(mark).every((c, i) => this.bytes[at + i] === c.charCodeAt(0));
  }
  /** Throws FormatError unless these four letters stand there. */
  expect(at: number, mark: string): void {
    this.step();
    if (!this.is(at, mark)) this.fail(`there is no ${mark} at byte ${at}`);
  }
  /** Text up to a zero byte. */
  text(at: number, most: number): string {
    const part = this.part(at, Math.min(most, this.bytes.length - at));
    const end = part.indexOf(0);
    return new TextDecoder().decode(end < 0 ? part : part.subarray(0, end));
  }
}

/** Bytes that a number up to `limit` takes. */
export const widthOf = (limit: number): number => (limit < 1 ? 1 : Math.floor(Math.floor(Math.log2(limit)) / 8) + 1);
