// The storage of a Variable. Its elements live in JavaScript until a compiled program binds it; from
// then on in device memory, where every program that uses the Variable reads and writes them.

import { arrayFor, sizeOf, type TensorType, type TypedArray } from '../ir/plan.ts';
import { arrayOf, type DeviceBuffer, onDevice, type Storage } from './buffer.ts';

/** A place in device memory that holds one state. */
export interface Residence {
  /** Throws DeviceError where the device cannot be waited for. */
  read(): TypedArray;
  write(data: TypedArray): void;
  /** For devices that cannot be waited for. */
  readAsync?(): Promise<TypedArray>;
  /** A copy on the device, for devices that cannot be waited for. */
  copy?(): DeviceBuffer;
  /** The cell has moved to another place: gives this one back. */
  leave(cell: StateCell): void;
  /** The device is gone, and the elements with it. */
  readonly lost?: boolean;
}

export class StateCell {
  /** How often any cell has moved: programs look up their cells anew after that. */
  static moves = 0;
  readonly type: TensorType;
  #host: TypedArray | undefined;
  #residence: Residence | undefined;

  /** @param initial elements; copied, on their device if it cannot be waited for */
  constructor(type: TensorType, initial: ArrayLike<number> | DeviceBuffer) {
    this.type = type;
    if ('read' in initial && initial.storeTo) {
      initial.storeTo(this);
      return;
    }
    this.#host = arrayFor(type.dtype, sizeOf(type.shape));
    this.#host.set('read' in initial ? initial.read() : initial);
  }

  /** Elements to begin anew with where the device, and they with it, are gone; without it that is an error. */
  spare: (() => TypedArray) | undefined;
  #rescue(): void {
    if (this.#residence?.lost && this.spare) this.#settle(this.spare());
  }

  /** A copy of the present elements. */
  read(): TypedArray {
    this.#rescue();
    return this.#residence ? this.#residence.read() : (this.#host as TypedArray).slice();
  }

  /** As `read`, from any device. */
  async readAsync(): Promise<TypedArray> {
    this.#rescue();
    return this.#residence?.readAsync?.() ?? this.read();
  }

  /** A copy of the present elements; on the device where that cannot be waited for. */
  snapshot(): Storage {
    this.#rescue();
    return this.#residence?.copy?.() ?? this.read();
  }
  /** Whether `snapshot` gives elements that JavaScript must wait for. */
  get remote(): boolean {
    return this.#residence?.readAsync !== undefined;
  }

  /** Replaces all elements by others, which stay on a device that cannot be waited for. */
  store(x: Storage): void {
    if (onDevice(x) && x.storeTo) x.storeTo(this);
    else this.write(arrayOf(x));
  }
  /** Replaces all elements. */
  write(data: TypedArray): void {
    if (this.#residence?.lost) this.#settle(arrayFor(this.type.dtype, sizeOf(this.type.shape)));
    if (this.#residence) this.#residence.write(data);
    else (this.#host as TypedArray).set(data);
  }

  /** Brings the elements back to JavaScript from a device that cannot be waited for. */
  async fetch(): Promise<void> {
    const from = this.#residence;
    if (!from?.readAsync) return;
    const data = await from.readAsync();
    if (this.#residence === from) this.#settle(data);
  }
  #settle(host: TypedArray): void {
    this.#residence?.leave(this);
    this.#host = host;
    this.#residence = undefined;
    StateCell.moves++;
  }

  /** Where the cell lives on a device, if it does. */
  get residence(): Residence | undefined {
    return this.#residence;
  }

  /** Moves the elements to a device. @param anew they are written there next: the present ones go */
  moveTo(r: Residence, anew = false): void {
    if (!anew) r.write(this.read());
    this.#residence?.leave(this);
    this.#residence = r;
    this.#host = undefined;
    StateCell.moves++;
  }
}
