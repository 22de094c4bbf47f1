// The Keras part of the public API.

import { type InputArgs, input } from './engine/input-layer.ts';
import { LayersModel, type ModelArgs } from './engine/model.ts';
import { Sequential, type SequentialArgs } from './engine/sequential.ts';
import { registerClass, Serializable } from './engine/serialize.ts';

export { type Activation, activations } from './activations.ts';
export { K } from './backend.ts';
export { Callback, type CallbackModel, type CallbackParams, type Logs } from './callbacks/callback.ts';
export { CustomCallback, type CustomCallbackArgs, type YieldEvery } from './callbacks/custom.ts';
export { EarlyStopping } from './callbacks/early-stopping.ts';
export { History } from './callbacks/history.ts';
export { callbacks } from './callbacks/index.ts';
export { CallbackList, registerCallbackConstructor } from './callbacks/list.ts';
export { type Constraint, constraints } from './constraints.ts';
export { InputSpec } from './engine/input-spec.ts';
export { type CallHook, type Kwargs, Layer, type LayerArgs } from './engine/layer.ts';
export { type Shape, SymbolicTensor } from './engine/symbolic.ts';
export { LayerVariable } from './engine/weights.ts';
export { type Initializer, initializers } from './initializers.ts';
export { layers } from './layers/index.ts';
export { RNNCell } from './layers/recurrent/cell.ts';
export { RNN } from './layers/recurrent/rnn.ts';
export { type PlotHistoryOptions, plotHistory } from './plot/history.ts';
export { type PlotModelOptions, plotModel } from './plot/model.ts';
export { type Regularizer, regularizers } from './regularizers.ts';
export type { InputArgs, ModelArgs, SequentialArgs };
export { input, LayersModel, Sequential };

/** A model from symbolic inputs to symbolic outputs. Errors as `LayersModel`. */
export const model = (args: ModelArgs): LayersModel => new LayersModel(args);
/** A model of layers one after the other. Errors as `Sequential`. */
export const sequential = (args?: SequentialArgs): Sequential => new Sequential(args);
/** Classes of one's own in configurations. */
export const serialization = Object.freeze({ Serializable, registerClass });
export { losses } from './losses/index.ts';
export type { Loss } from './losses/loss.ts';
export { metrics } from './metrics/index.ts';
export type { Metric } from './metrics/metric.ts';
export { models } from './saving/index.ts';
export type { SaveOptions } from './saving/layers-artifacts.ts';
export { type LoadLayersModelOptions, loadLayersModel } from './saving/load.ts';
export type { CompileArgs } from './training/compile.ts';
export type { FitArgs, FitDatasetArgs } from './training/fit.ts';
