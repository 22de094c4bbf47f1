// Elements of a tensor that stay on a device: what one program computes and another reads is not
// copied in between.

import type { DType, TypedArray } from '../ir/plan.ts';
import type { StateCell } from './state.ts';

export interface DeviceBuffer {
  /** The target whose programs read it where it is. */
  readonly target: string;
  /** The device is gone, and the elements with it. */
  readonly lost?: boolean;
  readonly dtype: DType;
  /** Elements. */
  readonly size: number;
  /** A copy of the elements. Throws ArgumentError once the buffer is freed, DeviceError where the device cannot be waited for. */
  read(): TypedArray;
  /** The same from devices that cannot be waited for. */
  readAsync?(): Promise<TypedArray>;
  /** Makes its elements those of a Variable, on the device: for devices that cannot be waited for. */
  storeTo?(cell: StateCell): void;
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
