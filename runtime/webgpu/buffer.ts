// Tensors in GPU memory. JavaScript cannot wait for a GPU: their elements come by a promise.

import { ArgumentError, DeviceError, type DType, type TypedArray } from '../../ir/plan.ts';
import type { DeviceBuffer } from '../buffer.ts';
import type { StateCell } from '../state.ts';
import type { GpuDevice } from './device.ts';
import { memoryBytes } from './elements.ts';
import type { Block } from './heap.ts';

export class GpuBuffer implements DeviceBuffer {
  readonly target = 'webgpu';
  readonly device: GpuDevice;
  readonly block: Block;
  readonly dtype: DType;
  readonly size: number;
  #holders = 1;

  /** Made by `GpuDevice.buffer`. */
  constructor(device: GpuDevice, block: Block, dtype: DType, size: number) {
    this.device = device;
    this.block = block;
    this.dtype = dtype;
    this.size = size;
  }

  get bytes(): number {
    return memoryBytes(this.dtype, this.size);
  }
  get freed(): boolean {
    return this.#holders === 0;
  }
  get lost(): boolean {
    return this.device.lost;
  }

  read(): TypedArray {
    this.#check();
    throw new DeviceError('the elements are in GPU memory, for which JavaScript can only wait asynchronously', {
      fix: 'await tensor.data() (or tensor.array()): from then on its elements are in JavaScript as well, for dataSync(), print(), JavaScript conditions and other backends',
    });
  }
  readAsync(): Promise<TypedArray> {
    this.#check();
    return this.device.read(this.block, this.dtype, this.size, this);
  }
  storeTo(cell: StateCell): void {
    this.#check();
    this.device.store(this, cell);
  }
  #check(): void {
    if (this.freed)
      throw new ArgumentError('this tensor was disposed of', {
        fix: 'read it before tensor.dispose(), or do not dispose: tensors are garbage-collected',
      });
    this.device.check();
  }

  retain(): void {
    this.#holders++;
  }
  release(): void {
    if (this.#holders === 0) return;
    if (--this.#holders === 0) this.device.drop(this);
  }
}
