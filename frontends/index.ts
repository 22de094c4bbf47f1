// The public API: `import * as tf from 'sinter'`.

import '../ir/ops/index.ts';
import '../ir/print.ts';
import './trace/complex-methods.ts';
import './trace/methods.ts';
import { fft, fft2d, ifft, ifft2d, irfft, rfft } from './trace/ops/fft.ts';
import * as stateless from './trace/random-stateless.ts';

export {
  ArgumentError,
  CompileError,
  DeviceError,
  DTypeError,
  ExecutionError,
  FormatError,
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
export type { GpuCost, KernelInfo, PassInfo, PlanInfo } from '../ir/plan.ts';
export type { Limits } from '../runtime/wasm/limits.ts';
export type { GpuInfo } from '../runtime/webgpu/adapter.ts';
export { type Buildable, type BuildOptions, type Built, buildArtifact, type EntryOptions } from './build/index.ts';
/** Well-known data sets. */
export * as datasets from './data/datasets.ts';
/** Data sets: where elements come from and what becomes of them on the way to a model. */
export * as data from './data/index.ts';
export { GraphModel } from './formats/graph-model.ts';
/** Pixels of a page's elements, and of plain pixel data. */
export * as browser from './image/browser.ts';
export * as image from './image/index.ts';
/** Where models are saved to and loaded from. */
export * as io from './io/index.ts';
export { npy, npz, safetensors } from './io/tensor-files.ts';
export * from './keras/index.ts';
/** Labels, texts and sequences as models take them. */
export * as utils from './keras/utils/index.ts';
/** What tfjs-node has, under its names. */
export * as node from './node-names.ts';
/** Models of other systems. */
export {
  type ExportOnnxOptions,
  exportOnnx,
  type LoadOnnxOptions,
  loadOnnx,
  type OnnxExportable,
  type OnnxSource,
} from './onnx/index.ts';
export type {
  CheckpointBytes,
  CheckpointTensorInfo,
  TensorFlowCheckpoint,
  TrackedObject,
} from './tensorflow/checkpoint.ts';
export {
  type GraphModelOptions,
  loadGraphModel,
  loadGraphModelSync,
  loadSavedModel,
  loadTensorFlowCheckpoint,
  prepareGraphModels,
} from './tensorflow/index.ts';
export { getBackend, ready, setBackend } from './trace/backend.ts';
export { buffer, TensorBuffer } from './trace/buffer.ts';
export { type CompileOptions, compile, Executable } from './trace/compile.ts';
export { ComplexTensor } from './trace/complex-tensor.ts';
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
export { type CustomGradient, customGrad } from './trace/custom-gradient.ts';
export { hessian, jacobian, jvp } from './trace/derivatives.ts';
export { type DeviceInfo, listDevices, listDevicesAsync } from './trace/devices.ts';
export { type DataType, sumOutType, upcastType } from './trace/dtypes.ts';
export * from './trace/environment.ts';
export { type ConcreteFunction, type Func, type FuncOptions, func } from './trace/func.ts';
export * as fused from './trace/fused.ts';
export { setRandomSeed } from './trace/generator.ts';
export {
  grad,
  grads,
  valueAndGrad,
  valueAndGrads,
  variableGrads,
} from './trace/gradients.ts';
export * as math from './trace/math.ts';
export * from './trace/memory.ts';
export { at, type IndexSpec, newaxis } from './trace/ops/at.ts';
export * from './trace/ops/binary.ts';
export * from './trace/ops/cells.ts';
// Of real and complex tensors; these stand for the functions of real ones below.
export {
  abs,
  add,
  angle,
  broadcastTo,
  type ComplexLike,
  clone,
  complex,
  concat,
  conj,
  div,
  equal,
  exp,
  expandDims,
  flatten,
  gather,
  imag,
  matMul,
  mean,
  mul,
  neg,
  notEqual,
  pad,
  real,
  reciprocal,
  reshape,
  reverse,
  slice,
  square,
  squeeze,
  stack,
  sub,
  sum,
  tile,
  transpose,
} from './trace/ops/complex.ts';
export {
  conv1d,
  conv2d,
  conv2dTranspose,
  conv3d,
  conv3dTranspose,
  depthwiseConv2d,
  type Pad,
  type Rounding,
  separableConv2d,
} from './trace/ops/conv.ts';
export { einsum } from './trace/ops/einsum.ts';
export * from './trace/ops/fft.ts';
export * from './trace/ops/filters.ts';
export { gatherND, scatterND, stridedSlice, tensorScatterAdd } from './trace/ops/indexing.ts';
export * from './trace/ops/linalg.ts';
export { Reduction, sparseSoftmaxCrossEntropy } from './trace/ops/losses.ts';
export * from './trace/ops/nn.ts';
export * from './trace/ops/pool.ts';
export * from './trace/ops/ranked.ts';
export * from './trace/ops/reduce.ts';
export * from './trace/ops/running.ts';
export {
  bincount,
  denseBincount,
  sparseToDense,
  tensorScatterMax,
  tensorScatterMin,
  tensorScatterUpdate,
  unsortedSegmentSum,
} from './trace/ops/segments.ts';
export * from './trace/ops/select.ts';
export * from './trace/ops/shape.ts';
export * from './trace/ops/sorting.ts';
export * from './trace/ops/space.ts';
export * from './trace/ops/unary.ts';
export { cosineWindow, enclosingPowerOfTwo } from './trace/ops/windows.ts';
export type { KernelTiming, Profile, ProfileOptions } from './trace/profile.ts';
export * from './trace/random.ts';
export type { StatelessSeed } from './trace/random-stateless.ts';
export { recomputeGrad } from './trace/recompute.ts';
export * as signal from './trace/signal.ts';
export { spec, TensorSpec } from './trace/spec.ts';
export { type Feeds, placeholder, Session, StaticGraph, type Update } from './trace/static-graph.ts';
export { type GradientOptions, GradientTape, type TapeOptions } from './trace/tape.ts';
export { Tensor } from './trace/tensor.ts';
export type { TensorMap } from './trace/types.ts';
export * as util from './trace/util.ts';
export { Variable, variable } from './trace/variable.ts';
export {
  type Comparison,
  type DivergingKernel,
  type Verification,
  type VerifyOptions,
  verify,
  type WorstElement,
} from './trace/verify.ts';
export { type Axes, type VmapOptions, vmap } from './trace/vmap.ts';
export { AdamaxOptimizer, AdamOptimizer } from './train/adam.ts';
export { AdadeltaOptimizer, AdagradOptimizer, RMSPropOptimizer } from './train/adaptive.ts';
export { optimizers, train, train as OptimizerConstructors } from './train/index.ts';
export { Optimizer } from './train/optimizer.ts';
export type { LearningRate } from './train/rate.ts';
export type { GradientsToApply } from './train/resolve.ts';
export { LearningRateSchedule } from './train/schedules.ts';
export { MomentumOptimizer, SGDOptimizer } from './train/sgd.ts';

/** Random tensors of an explicit seed. */
export const random = Object.freeze({ ...stateless });

/** Fourier transforms under TensorFlow.js's name. */
export const spectral = Object.freeze({ fft, ifft, fft2d, ifft2d, rfft, irfft });
/** Linear algebra. */
export * as linalg from './trace/ops/matrices.ts';
