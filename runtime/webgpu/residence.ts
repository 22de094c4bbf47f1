// Where Variables live on a GPU.

import { DeviceError, sizeOf, type TensorType, type TypedArray } from '../../ir/plan.ts';
import type { Residence, StateCell } from '../state.ts';
import type { GpuBuffer } from './buffer.ts';
import type { GpuDevice } from './device.ts';
import { memoryBytes } from './elements.ts';
import type { Block } from './heap.ts';

/** A Variable's block of GPU memory. */
export class GpuResidence implements Residence {
  readonly device: GpuDevice;
  readonly block: Block;
  readonly #type: TensorType;

  constructor(device: GpuDevice, type: TensorType) {
    this.device = device;
    this.#type = type;
    this.block = device.heap.alloc(memoryBytes(type.dtype, sizeOf(type.shape)), 'a Variable');
  }
  get lost(): boolean {
    return this.device.lost;
  }
  read(): TypedArray {
    this.device.check();
    throw new DeviceError('the Variable is in GPU memory, for which JavaScript can only wait asynchronously', {
      fix: "await variable.data() (or variable.array()) to look at it; await tf.setBackend('wasm') brings all Variables back for that backend's programs",
    });
  }
  readAsync(): Promise<TypedArray> {
    return this.device.read(this.block, this.#type.dtype, sizeOf(this.#type.shape), this);
  }
  copy(): GpuBuffer {
    this.device.check();
    const b = this.device.buffer(this.#type.dtype, sizeOf(this.#type.shape));
    this.device.copy(this.block, b.block, b.bytes);
    return b;
  }
  write(data: TypedArray): void {
    this.device.write(this.block, this.#type.dtype, data);
  }
  leave(cell: StateCell): void {
    this.device.forget(cell, this.block);
  }
}
