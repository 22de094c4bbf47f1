// `K`, the backend module of Keras: operations under NumPy's names, on tensors, Variables, placeholders and
// (intShape, function) symbolic tensors. Those not described do what the tf function of the same meaning does.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { cond, mapFn } from '../trace/control.ts';
import type { TensorLike } from '../trace/convert.ts';
import * as create from '../trace/creation.ts';
import { emitter as b } from '../trace/dispatch.ts';
import { type DataType, publicDType } from '../trace/dtypes.ts';
import * as binary from '../trace/ops/binary.ts';
import { arg, axisOf, floatArg, functionArg, listArg, need, numberArg, to } from '../trace/ops/common.ts';
import * as either from '../trace/ops/complex.ts';
import * as conv from '../trace/ops/conv.ts';
import * as nn from '../trace/ops/nn.ts';
import * as reduce from '../trace/ops/reduce.ts';
import * as running from '../trace/ops/running.ts';
import { inTopK } from '../trace/ops/select.ts';
import * as shape from '../trace/ops/shape.ts';
import * as unary from '../trace/ops/unary.ts';
import * as random from '../trace/random.ts';
import { K as graphs, type Update } from '../trace/static-graph.ts';
import { Tensor } from '../trace/tensor.ts';
import { Variable, variable } from '../trace/variable.ts';
import * as activations from './activation-functions.ts';
import { callTraining, setLearningPhase } from './engine/call-context.ts';
import { LayersModel } from './engine/model.ts';
import { resetNames, uniqueName } from './engine/names.ts';
import { type Shape, SymbolicTensor } from './engine/symbolic.ts';
import { imageDataFormat, setImageDataFormat } from './image-data-format.ts';
import * as losses from './losses/probabilistic.ts';

type Axis = number | readonly number[] | null;
let fuzz = 1e-7;

/** What `K.function` gives. */
type Fn = (values: readonly TensorLike[]) => Tensor[];

/**
 * A compiled function from values of the inputs to values of the outputs: of placeholders and expressions of
 * them (see `StaticGraph.function`), or of symbolic tensors of a model, such as the output of an inner layer.
 */
function makeFunction(inputs: readonly Tensor[], outputs: readonly Tensor[], updates?: readonly Update[]): Fn;
function makeFunction(inputs: readonly SymbolicTensor[], outputs: readonly SymbolicTensor[]): Fn;
function makeFunction(
  inputs: readonly (Tensor | SymbolicTensor)[],
  outputs: readonly (Tensor | SymbolicTensor)[],
  updates?: readonly Update[],
): Fn {
  if (![...inputs, ...outputs].some((x) => x instanceof SymbolicTensor))
    return graphs.function(inputs as Tensor[], outputs as Tensor[], updates);
  if (updates?.length)
    throw new ArgumentError('updates go with placeholders, not with symbolic tensors', {
      op: 'K.function',
      fix: 'assign the Variables yourself after the call',
    });
  const model = new LayersModel({ inputs: inputs as SymbolicTensor[], outputs: outputs as SymbolicTensor[] });
  return (values) => {
    const out = model.predictOnBatch(values as TensorLike[]);
    return Array.isArray(out) ? out : [out];
  };
}

/** The shape, with null for what is not known. */
function intShape(x: TensorLike | SymbolicTensor): Shape {
  return x instanceof SymbolicTensor ? [...x.shape] : [...arg(x, 'x', 'K.intShape').shape];
}

const rankOf = (x: TensorLike): number => arg(x, 'x', 'K').rank;

/**
 * The product over the last axis of x and the last but one of y (of vectors: the only one), as `numpy.dot`.
 */
function dot(x: TensorLike, y: TensorLike): Tensor {
  const [p, q] = [arg(x, 'x', 'K.dot'), arg(y, 'y', 'K.dot')];
  return b.dot(p, q, [[p.rank - 1], [Math.max(0, q.rank - 2)]]) as Tensor;
}

/** Products of samples: over one axis of each; of [batch, a, c] and [batch, c, b] by default the matrix product. */
function batchDot(x: TensorLike, y: TensorLike, axes?: number | readonly [number, number]): Tensor {
  const [p, q] = [arg(x, 'x', 'K.batchDot'), arg(y, 'y', 'K.batchDot')];
  const op = 'K.batchDot';
  const pair = axes === undefined ? [-1, q.rank === 2 ? 1 : -2] : [axes].flat();
  const [i, j] = [axisOf(pair[0] as number, p.rank, op), axisOf((pair[1] ?? pair[0]) as number, q.rank, op)];
  need(i > 0 && j > 0, op, 'the first axis is that of the samples: axes must be others', axes);
  const out = b.dot(p, q, [[i], [j]], [[0], [0]]) as Tensor;
  return out.rank === 1 ? out.reshape([out.shape[0], 1]) : out;
}

/** The mean of squared distances from the mean. */
function variance(x: TensorLike, axis: Axis = null, keepDims = false): Tensor {
  return reduce.moments(x, axis, keepDims).variance;
}

/** Each element along an axis `n` times. */
function repeatElements(x: TensorLike, n: number, axis: number): Tensor {
  const t = arg(x, 'x', 'K.repeatElements');
  const at = axisOf(axis, t.rank, 'K.repeatElements');
  need(Number.isInteger(n) && n > 0, 'K.repeatElements', 'n must be a positive whole number', n);
  const apart = [...t.shape.slice(0, at + 1), 1, ...t.shape.slice(at + 1)];
  const wide = [...t.shape.slice(0, at + 1), n, ...t.shape.slice(at + 1)];
  return t
    .reshape(apart)
    .broadcastTo(wide)
    .reshape(t.shape.map((d, i) => (i === at ? d * n : d)));
}

/** [batch, features] n times: [batch, n, features]. */
const repeat = (x: TensorLike, n: number): Tensor => shape.tile(shape.expandDims(x, 1), [1, n, 1]);

/** All axes but the first as one. */
function batchFlatten(x: TensorLike): Tensor {
  const t = arg(x, 'x', 'K.batchFlatten');
  return t.reshape([t.shape[0], t.shape.slice(1).reduce((n, d) => n * d, 1)]);
}

/** Zeros before and after the second axis. */
function temporalPadding(x: TensorLike, padding: readonly [number, number] = [1, 1]): Tensor {
  listArg(padding, 'padding', 'K.temporalPadding');
  return shape.pad(x, [[0, 0], [...padding], [0, 0]]);
}

/** Zeros around images. */
function spatial2dPadding(
  x: TensorLike,
  padding: readonly (readonly [number, number])[] = [
    [1, 1],
    [1, 1],
  ],
  dataFormat = imageDataFormat(),
): Tensor {
  const op = 'K.spatial2dPadding';
  listArg(padding, 'padding', op);
  for (const p of padding) listArg(p, 'padding', op);
  need(padding.length === 2, op, 'padding must have a pair for rows and one for columns', padding);
  const [h, w] = padding.map((p): [number, number] => [...p]);
  return shape.pad(x, dataFormat === 'channelsLast' ? [[0, 0], h, w, [0, 0]] : [[0, 0], [0, 0], h, w]);
}

/** x / its length along an axis. */
function l2Normalize(x: TensorLike, axis?: number): Tensor {
  const t = floatArg(x, 'x', 'K.l2Normalize');
  const axes = axis === undefined ? undefined : [axisOf(axis, t.rank, 'K.l2Normalize')];
  const square = b.sum(b.square(t), axes, true);
  return t.mul(b.un('rsqrt', b.max(square, 1e-12)) as Tensor);
}

/** Adds a bias of the channels. */
function biasAdd(x: TensorLike, bias: TensorLike, dataFormat = imageDataFormat()): Tensor {
  const [t, c] = [arg(x, 'x', 'K.biasAdd'), arg(bias, 'bias', 'K.biasAdd')];
  const spread =
    dataFormat === 'channelsFirst' && t.rank > 2 ? c.reshape([c.size, ...t.shape.slice(2).map(() => 1)]) : c;
  return t.add(spread);
}

const asVariable = (x: unknown, op: string): Variable => {
  if (x instanceof Variable) return x;
  throw new ArgumentError(`${valueText(x)} is no Variable`, { op, fix: 'make one with tf.variable or K.variable' });
};

/** Moves x towards a value: x * momentum + value * (1 - momentum). */
function movingAverageUpdate(x: Variable, value: TensorLike, momentum: number): Variable {
  const op = 'K.movingAverageUpdate';
  const v = asVariable(x, op);
  const keep = numberArg(momentum, 'momentum', op);
  return v.assign(b.add(b.mul(v.read(), keep), b.mul(to(arg(value, 'value', op), v.type.dtype), 1 - keep)) as Tensor);
}

/** Folds a function over the elements along the first axis. */
function foldl(fn: (acc: Tensor, x: Tensor) => Tensor, elems: TensorLike, initializer?: TensorLike): Tensor {
  functionArg(fn, 'fn', 'K.foldl');
  const rows = shape.unstack(elems);
  const start = initializer === undefined ? rows.shift() : arg(initializer, 'initializer', 'K.foldl');
  if (!start) throw new ArgumentError('there is nothing to fold', { op: 'K.foldl', fix: 'give an initializer' });
  return rows.reduce((acc, x) => {
    const next = fn(acc, x);
    if (next instanceof Tensor) return next;
    throw new ArgumentError(`fn gave ${valueText(next)}`, { op: 'K.foldl', fix: 'return a tensor' });
  }, start);
}

/** The backend of Keras. */
export const K = Object.freeze({
  // Graphs and their values
  placeholder: graphs.placeholder,
  function: makeFunction,
  gradients: graphs.gradients,
  intShape,
  /** The number of axes. */
  ndim: (x: TensorLike | SymbolicTensor): number => (x instanceof SymbolicTensor ? x.rank : rankOf(x)),
  dtype: (x: TensorLike | SymbolicTensor): DataType =>
    x instanceof SymbolicTensor ? x.dtype : publicDType(arg(x, 'x', 'K.dtype').type.dtype),
  isKerasTensor: (x: unknown): boolean => x instanceof SymbolicTensor,
  /** The elements as nested arrays. */
  eval: (x: TensorLike): unknown => arg(x, 'x', 'K.eval').arraySync(),
  variable: (value: TensorLike, dtype?: DataType, name?: string): Variable => variable(value, true, name, dtype),
  constant: (value: Parameters<typeof create.tensor>[0], dtype?: DataType, size?: readonly number[]): Tensor =>
    size ? create.fill(size, value as number, dtype) : create.tensor(value, undefined, dtype),
  getValue: (x: Variable): Tensor => asVariable(x, 'K.getValue').read(),
  setValue: (x: Variable, value: TensorLike): void => void asVariable(x, 'K.setValue').assign(value),
  batchGetValue: (xs: readonly Variable[]): Tensor[] => {
    listArg(xs, 'variables', 'K.batchGetValue');
    return xs.map((x) => asVariable(x, 'K.batchGetValue').read());
  },
  batchSetValue: (pairs: readonly (readonly [Variable, TensorLike])[]): void => {
    listArg(pairs, 'pairs', 'K.batchSetValue');
    for (const p of pairs) {
      listArg(p, 'pairs', 'K.batchSetValue');
      asVariable(p[0], 'K.batchSetValue').assign(p[1]);
    }
  },
  update: (x: Variable, value: TensorLike): Variable => asVariable(x, 'K.update').assign(value),
  updateAdd: (x: Variable, value: TensorLike): Variable => asVariable(x, 'K.updateAdd').assignAdd(value),
  updateSub: (x: Variable, value: TensorLike): Variable => asVariable(x, 'K.updateSub').assignSub(value),
  movingAverageUpdate,
  stopGradient: unary.stopGradient,

  // Settings
  imageDataFormat,
  setImageDataFormat,
  /** A small number that keeps logarithms and quotients finite. */
  epsilon: (): number => fuzz,
  setEpsilon: (x: number): void => {
    if (!(numberArg(x, 'epsilon', 'K.setEpsilon') > 0))
      throw new ArgumentError(`epsilon must be positive, not ${valueText(x)}`, {
        op: 'K.setEpsilon',
        fix: 'such as 1e-7',
      });
    fuzz = x;
  },
  floatx: (): DataType => 'float32',
  castToFloatx: (x: TensorLike): Tensor => shape.cast(x, 'float32'),
  /** 1 within a call that trains, else 0; `setLearningPhase` decides for calls that are not told. */
  learningPhase: (): 0 | 1 => (callTraining() ? 1 : 0),
  setLearningPhase: (value: 0 | 1 | boolean): void => setLearningPhase(Boolean(value)),
  inTrainPhase: <T>(x: T | (() => T), alt: T | (() => T), training?: boolean): T => {
    const chosen = (training ?? callTraining()) ? x : alt;
    return typeof chosen === 'function' ? (chosen as () => T)() : chosen;
  },
  getUid: (prefix = ''): string => uniqueName(prefix),
  /** Starts automatic names anew. Graphs and weights are garbage-collected. */
  clearSession: (): void => {
    resetNames();
    setLearningPhase(false);
  },

  // Creation
  zeros: create.zeros,
  ones: create.ones,
  zerosLike: create.zerosLike,
  onesLike: create.onesLike,
  eye: create.eye,
  arange: create.range,
  randomNormal: random.randomNormal,
  randomUniform: random.randomUniform,
  truncatedNormal: random.truncatedNormal,
  randomBernoulli: random.randomBernoulli,

  // Linear algebra and shapes
  dot,
  batchDot,
  matMul: either.matMul,
  transpose: (x: TensorLike): Tensor => shape.transpose(x),
  permuteDimensions: (x: TensorLike, pattern: readonly number[]): Tensor => shape.transpose(x, pattern),
  gather: either.gather,
  reshape: either.reshape,
  flatten: either.flatten,
  batchFlatten,
  expandDims: either.expandDims,
  squeeze: (x: TensorLike, axis: number): Tensor => shape.squeeze(x, [axis]),
  concatenate: (tensors: readonly TensorLike[], axis = -1): Tensor => {
    listArg(tensors, 'tensors', 'K.concatenate');
    need(tensors.length > 0, 'K.concatenate', 'there must be tensors', tensors);
    return shape.concat(tensors, axisOf(axis, rankOf(tensors[0]), 'K.concatenate'));
  },
  stack: either.stack,
  tile: either.tile,
  repeat,
  repeatElements,
  reverse: either.reverse,
  slice: either.slice,
  cast: shape.cast,
  temporalPadding,
  spatial2dPadding,
  oneHot: create.oneHot,

  // Reductions
  max: reduce.max,
  min: reduce.min,
  sum: either.sum,
  prod: reduce.prod,
  mean: either.mean,
  var: variance,
  std: (x: TensorLike, axis: Axis = null, keepDims = false): Tensor => variance(x, axis, keepDims).sqrt(),
  any: (x: TensorLike, axis: Axis = null, keepDims = false): Tensor =>
    reduce.any(shape.cast(x, 'bool'), axis, keepDims),
  all: (x: TensorLike, axis: Axis = null, keepDims = false): Tensor =>
    reduce.all(shape.cast(x, 'bool'), axis, keepDims),
  argmax: (x: TensorLike, axis = -1): Tensor => reduce.argMax(x, axis),
  argmin: (x: TensorLike, axis = -1): Tensor => reduce.argMin(x, axis),
  logsumexp: reduce.logSumExp,
  cumsum: running.cumsum,
  cumprod: running.cumprod,

  // Element by element
  square: either.square,
  abs: either.abs,
  sqrt: unary.sqrt,
  exp: unary.exp,
  log: unary.log,
  round: unary.round,
  sign: unary.sign,
  sin: unary.sin,
  cos: unary.cos,
  pow: binary.pow,
  clip: unary.clipByValue,
  equal: either.equal,
  notEqual: either.notEqual,
  greater: binary.greater,
  greaterEqual: binary.greaterEqual,
  less: binary.less,
  lessEqual: binary.lessEqual,
  maximum: binary.maximum,
  minimum: binary.minimum,

  // Control flow
  switch: cond,
  mapFn,
  foldl,
  foldr: (fn: (acc: Tensor, x: Tensor) => Tensor, elems: TensorLike, initializer?: TensorLike): Tensor =>
    foldl(fn, shape.reverse(elems, 0), initializer),

  // Networks
  relu: activations.relu,
  elu: activations.elu,
  softmax: activations.softmax,
  softplus: activations.softplus,
  softsign: activations.softsign,
  sigmoid: activations.sigmoid,
  hardSigmoid: activations.hardSigmoid,
  tanh: activations.tanh,
  dropout: nn.dropout,
  l2Normalize,
  inTopK,
  biasAdd,
  conv1d: conv.conv1d,
  conv2d: conv.conv2d,
  conv3d: conv.conv3d,
  conv2dTranspose: conv.conv2dTranspose,
  depthwiseConv2d: conv.depthwiseConv2d,
  separableConv2d: conv.separableConv2d,
  categoricalCrossentropy: losses.categoricalCrossentropy,
  sparseCategoricalCrossentropy: losses.sparseCategoricalCrossentropy,
  binaryCrossentropy: losses.binaryCrossentropy,
});
