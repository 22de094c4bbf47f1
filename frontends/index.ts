// The public API: `import * as tf from 'sinter'`.

import '../ir/ops/index.ts';
import '../ir/print.ts';
import './trace/methods.ts';
import * as allLosses from './trace/ops/losses.ts';
import * as stateless from './trace/random-stateless.ts';

export {
  ArgumentError,
  CompileError,
  DeviceError,
  DTypeError,
  ExecutionError,
  GradientError,
  MemoryError,
  ParseError,
  ShapeError,
  SinterError,
  TraceError,
  VerifyError,
} from '../ir/errors.ts';
export type { Graph } from '../ir/graph.ts';
export { constantsOf, parseGraph } from '../ir/parse.ts';
export type { KernelInfo, PassInfo, PlanInfo } from '../ir/plan.ts';
export type { KernelTiming } from '../runtime/program.ts';
export { type DeviceInfo, getBackend, listDevices, ready, setBackend } from './trace/backend.ts';
export { type CompileOptions, compile, Executable } from './trace/compile.ts';
export {
  cond,
  type ForRangeOptions,
  forRange,
  mapFn,
  type ScanOptions,
  scan,
  scanLoop,
  switchCase,
  type WhileLoopOptions,
  whileLoop,
} from './trace/control.ts';
export type { NestedData, TensorLike } from './trace/convert.ts';
export * from './trace/creation.ts';
export { type DataType, upcastType } from './trace/dtypes.ts';
export { type ConcreteFunction, type Func, type FuncOptions, func } from './trace/func.ts';
export { setRandomSeed } from './trace/generator.ts';
export {
  type CustomGradient,
  customGrad,
  grad,
  grads,
  valueAndGrad,
  valueAndGrads,
  variableGrads,
} from './trace/gradients.ts';
export * from './trace/memory.ts';
export * from './trace/ops/binary.ts';
export {
  conv1d,
  conv2d,
  conv2dTranspose,
  conv3d,
  depthwiseConv2d,
  type Pad,
  separableConv2d,
} from './trace/ops/conv.ts';
export * from './trace/ops/indexing.ts';
export * from './trace/ops/linalg.ts';
export * from './trace/ops/nn.ts';
export * from './trace/ops/pool.ts';
export * from './trace/ops/reduce.ts';
export * from './trace/ops/shape.ts';
export * from './trace/ops/unary.ts';
export * from './trace/random.ts';
export type { StatelessSeed } from './trace/random-stateless.ts';
export { recomputeGrad } from './trace/recompute.ts';
export { spec, TensorSpec } from './trace/spec.ts';
export { type GradientOptions, GradientTape, type TapeOptions } from './trace/tape.ts';
export { Tensor } from './trace/tensor.ts';
export type { TensorMap } from './trace/types.ts';
export { Variable, variable } from './trace/variable.ts';
export {
  AdamOptimizer,
  type GradientsToApply,
  type LearningRate,
  MomentumOptimizer,
  Optimizer,
  SGDOptimizer,
  train,
} from './train/optimizers.ts';

const { computeWeightedLoss, Reduction, ...losses_ } = allLosses;

export { Reduction };
/** Random tensors of an explicit seed. */
export const random = Object.freeze({ ...stateless });
/** Loss functions. */
export const losses = Object.freeze({ ...losses_, computeWeightedLoss });
export const { sparseSoftmaxCrossEntropy } = losses;
