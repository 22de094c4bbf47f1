// All layers: classes, and `tf.layers.…` that makes them.

import { InputLayer, type InputLayerArgs, input } from '../engine/input-layer.ts';
import { Layer } from '../engine/layer.ts';
import { getLayer, layerRegistry } from '../engine/layer-registry.ts';
import { LayersModel } from '../engine/model.ts';
import { Sequential } from '../engine/sequential.ts';
import { type CustomObjects, type Serialized, serialize } from '../engine/serialize.ts';
import { Activation, type ActivationArgs } from './activation.ts';
import { Conv1D, Conv2D, Conv3D, type ConvArgs } from './conv.ts';
import { Dense, type DenseArgs } from './dense.ts';
import { Dropout, type DropoutArgs } from './dropout.ts';
import { Flatten, type FlattenArgs } from './flatten.ts';

for (const cls of [InputLayer, LayersModel, Sequential]) layerRegistry.add(cls);
for (const cls of [
  RNN,
  SimpleRNN,
  SimpleRNNCell,
  LSTM,
  LSTMCell,
  GRU,
  GRUCell,
  StackedRNNCells,
  ConvLSTM2D,
  ConvLSTM2DCell,
])
  layerRegistry.add(cls);
for (const cls of [Bidirectional, TimeDistributed, Activation, Conv1D, Conv2D, Conv3D, Dense, Dropout, Flatten])
  layerRegistry.add(cls);

import { Bidirectional, type BidirectionalArgs } from './recurrent/bidirectional.ts';
import { ConvLSTM2D, type ConvLSTM2DArgs, ConvLSTM2DCell, type ConvLSTM2DCellArgs } from './recurrent/conv-lstm.ts';
import type { GatedCellArgs } from './recurrent/gated.ts';
import { GRU, type GRUArgs, GRUCell, type GRUCellArgs } from './recurrent/gru.ts';
import { LSTM, type LSTMArgs, LSTMCell, type LSTMCellArgs } from './recurrent/lstm.ts';
import { RNN, type RNNArgs } from './recurrent/rnn.ts';
import { SimpleRNN, type SimpleRNNArgs, SimpleRNNCell } from './recurrent/simple-rnn.ts';
import { StackedRNNCells, type StackedRNNCellsArgs } from './recurrent/stacked.ts';
import { TimeDistributed, type TimeDistributedArgs } from './time-distributed.ts';

/** The layers by name, as TensorFlow.js has them; each takes one object of options, which its class describes. */
export const layers = Object.freeze({
  Layer,
  /** The layer that `{className, config}` stands for. Throws ArgumentError for an unknown class. */
  deserialize: (config: Serialized, customObjects?: CustomObjects): Layer =>
    getLayer(config, 'layers.deserialize', customObjects),
  /** Class and configuration of a layer. */
  serialize: (layer: Layer): Serialized => serialize(layer),
  input,
  inputLayer: (args: InputLayerArgs): InputLayer => new InputLayer(args),
  activation: (args: ActivationArgs): Activation => new Activation(args),
  conv1d: (args: ConvArgs): Conv1D => new Conv1D(args),
  conv2d: (args: ConvArgs): Conv2D => new Conv2D(args),
  conv3d: (args: ConvArgs): Conv3D => new Conv3D(args),
  dense: (args: DenseArgs): Dense => new Dense(args),
  dropout: (args: DropoutArgs): Dropout => new Dropout(args),
  bidirectional: (args: BidirectionalArgs): Bidirectional => new Bidirectional(args),
  convLstm2d: (args: ConvLSTM2DArgs): ConvLSTM2D => new ConvLSTM2D(args),
  convLstm2dCell: (args: ConvLSTM2DCellArgs): ConvLSTM2DCell => new ConvLSTM2DCell(args),
  timeDistributed: (args: TimeDistributedArgs): TimeDistributed => new TimeDistributed(args),
  gru: (args: GRUArgs): GRU => new GRU(args),
  gruCell: (args: GRUCellArgs): GRUCell => new GRUCell(args),
  lstm: (args: LSTMArgs): LSTM => new LSTM(args),
  lstmCell: (args: LSTMCellArgs): LSTMCell => new LSTMCell(args),
  rnn: (args: RNNArgs): RNN => new RNN(args),
  simpleRNN: (args: SimpleRNNArgs): SimpleRNN => new SimpleRNN(args),
  simpleRNNCell: (args: GatedCellArgs): SimpleRNNCell => new SimpleRNNCell(args),
  stackedRNNCells: (args: StackedRNNCellsArgs): StackedRNNCells => new StackedRNNCells(args),
  flatten: (args?: FlattenArgs): Flatten => new Flatten(args),
});
