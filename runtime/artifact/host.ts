// Where one loaded artifact runs: a memory of its own, on one thread.

import { ArgumentError } from '../../ir/plan.ts';
import type { StateCell } from '../state.ts';
import { DeviceMemory } from '../wasm/memory.ts';
import type { ProgramHost } from '../wasm/program.ts';
import { type Home, WasmResidence } from '../wasm/residence.ts';

/** The memory goes with the model that has it: nothing in it is freed on its own. */
export class ModelHost implements ProgramHost, Home {
  readonly memory = new DeviceMemory(false);

  addressOf(cell: StateCell): number {
    const here = cell.residence;
    if (here instanceof WasmResidence) return here.address;
    const r = new WasmResidence(this, cell.type);
    cell.moveTo(r);
    return r.address;
  }
  own(): void {}
  disown(): void {}
  release(): void {}
  register(): number {
    throw new ArgumentError('an artifact runs on one thread');
  }
}
