// A Variable's block of WASM memory.

import { sizeOf, type TypedArray, typeBytes } from '../../ir/plan.ts';
import type { Residence, StateCell } from '../state.ts';
import type { DeviceMemory } from './memory.ts';

/** Where Variables live: their memory, and who frees it for them. */
export interface Home {
  readonly memory: DeviceMemory;
  /** The cell's block is not to be freed any more when the cell is collected. */
  disown(cell: StateCell): void;
}

export class WasmResidence implements Residence {
  readonly device: Home;
  readonly address: number;
  readonly cellType: StateCell['type'];

  constructor(device: Home, type: StateCell['type']) {
    this.device = device;
    this.cellType = type;
    this.address = device.memory.alloc(typeBytes(type));
  }
  read(): TypedArray {
    return this.device.memory.read(this.address, this.cellType.dtype, sizeOf(this.cellType.shape));
  }
  write(data: TypedArray): void {
    this.device.memory.write(this.address, this.cellType.dtype, data);
  }
  leave(cell: StateCell): void {
    this.device.disown(cell);
    this.device.memory.free(this.address);
  }
}
