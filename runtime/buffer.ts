// Elements of a tensor that stay on a device: what one program computes and another reads is not
// copied in between.

import type { DType, TypedArray } from '../ir/plan.ts';

export interface DeviceBuffer {
  readonly dtype: DType;
  /** Elements. */
  readonly size: number;
  /** A copy of the elements. Throws ArgumentError once the buffer is freed, DeviceError where the device cannot be waited for. */
  read(): TypedArray;
  /** The same from devices that cannot be waited for. */
  readAsync?(): Promise<TypedArray>;
  /** One holder less; the last one frees the memory, which else happens when the buffer is collected. */
  release(): void;
  /** One holder more. */
  retain(): void;
}

/** Elements in JavaScript or on a device. */
export type Storage = TypedArray | DeviceBuffer;

export const onDevice = (s: Storage): s is DeviceBuffer => !ArrayBuffer.isView(s);

/** The elements in JavaScript. */
export const arrayOf = (s: Storage): TypedArray => (onDevice(s) ? s.read() : s);
