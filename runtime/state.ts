// The storage of a Variable. Its elements live in JavaScript until a compiled program binds it; from
// then on in device memory, where every program that uses the Variable reads and writes them.

import { arrayFor, sizeOf, type TensorType, type TypedArray } from '../ir/plan.ts';

/** A place in device memory that holds one state. */
export interface Residence {
  read(): TypedArray;
  write(data: TypedArray): void;
}

export class StateCell {
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

  /** Replaces all elements. */
  write(data: TypedArray): void {
    if (this.#residence) this.#residence.write(data);
    else (this.#host as TypedArray).set(data);
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
  }
}
