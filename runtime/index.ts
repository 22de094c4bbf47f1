// What an application embeds to run compiled programs: no compiler, no interpreter, no front end.

export type { DType, PlanInfo, Shape, Slot, TensorType, TypedArray, WasmPlan } from '../ir/plan.ts';
export {
  ArgumentError,
  arrayFor,
  byteSize,
  DeviceError,
  ExecutionError,
  FormatError,
  MemoryError,
  SinterError,
  sizeOf,
  typeText,
} from '../ir/plan.ts';
export {
  Artifact,
  type LoadOptions,
  load,
  type ModelOptions,
  type OpenOptions,
  openArtifact,
} from './artifact/load.ts';
export { Entry, Model, type StateInfo, type TensorInfo } from './artifact/model.ts';
export type { ArtifactSource } from './artifact/source.ts';
export type { Program, StepRuns } from './program.ts';
export { type Residence, StateCell } from './state.ts';
export { type WasmDevice, wasmDevice } from './wasm/device.ts';
export { WasmProgram } from './wasm/program.ts';
