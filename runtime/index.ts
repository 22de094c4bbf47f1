// What an application embeds to run compiled programs: no compiler, no interpreter, no front end.

export type { DType, PlanInfo, Shape, Slot, TensorType, TypedArray, WasmPlan } from '../ir/plan.ts';
export {
  ArgumentError,
  arrayFor,
  byteSize,
  DeviceError,
  ExecutionError,
  MemoryError,
  SinterError,
  sizeOf,
  typeText,
} from '../ir/plan.ts';
export type { Program, StepRuns } from './program.ts';
export { type Residence, StateCell } from './state.ts';
export { type WasmDevice, wasmDevice } from './wasm/device.ts';
export { WasmProgram } from './wasm/program.ts';
