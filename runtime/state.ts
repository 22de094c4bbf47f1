// The storage of a Variable. Its elements live in JavaScript until a compiled program binds it; from
// then on in device memory, where every program that uses the Variable reads and writes them.

import { arrayFor, sizeOf, type TensorType, type TypedArray } from '../ir/plan.ts';

/** A place in device memory that holds one state. */
export interface Residence {
  /** Throws DeviceError where the device cannot be waited for. */
  read(): TypedArray;
  write(data: TypedArray): void;
  /** For devices that cannot be waited for. */
  readAsync?(): Promise<TypedArray>;
  /** The device is gone, and the elements with it. */
  readonly lost?: boolean;
}

export class StateCell {
  /** How often any cell has moved: programs look up their cells anew after that. */
  static moves = 0;
  readonly type: TensorType;
  #host: TypedArray | undefined;
  #residence: Residence | undefined;

  /** @param data initial elements; copied */
  constructor(type: TensorType, data?: ArrayLike<number>) {
    this.type = type;
    const n = sizeOf(type.shape);
    const host = arrayFor(type.dtype, n);
    if (data) for (let i = 0; i < n; i++) host[i] = data[i];
    this.#host = host;
  }

  /** A copy of the present elements. */
  read(): TypedArray {
    return this.#residence ? this.#residence.read() : (this.#host as TypedArray).slice();
  }

  /** As `read`, from any device. */
  async readAsync(): Promise<TypedArray> {
    return this.#residence?.readAsync?.() ?? this.read();
  }

  /** Replaces all elements. */
  write(data: TypedArray): void {
    if (this.#residence?.lost) this.#settle(arrayFor(this.type.dtype, sizeOf(this.type.shape)));
    if (this.#residence) this.#residence.write(data);
    else (this.#host as TypedArray).set(data);
  }

  /** Brings the elements back to JavaScript from a device that cannot be waited for. */
  async fetch(): Promise<void> {
    if (this.#residence?.readAsync) this.#settle(await this.#residence.readAsync());
  }
  #settle(host: TypedArray): void {
    this.#host = host;
    this.#residence = undefined;
    StateCell.moves++;
  }

  /** Where the cell lives on a device, if it does. */
  get residence(): Residence | undefined {
    return this.#residence;
  }

  /** Moves the elements to a device. */
  moveTo(r: Residence): void {
    r.write(this.read());
    this.#residence = r;
    this.#host = undefined;
    StateCell.moves++;
  }
}
