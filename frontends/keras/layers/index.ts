// All layers: classes, and `tf.layers.…` that makes them.

import { InputLayer, type InputLayerArgs } from '../engine/input-layer.ts';
import { Layer } from '../engine/layer.ts';
import { getLayer, layerRegistry } from '../engine/layer-registry.ts';
import { type CustomObjects, type Serialized, serialize } from '../engine/serialize.ts';
import { input } from '../engine/input-layer.ts';
import { Sequential } from '../engine/sequential.ts';
import { LayersModel } from '../engine/model.ts';
import { Activation, type ActivationArgs } from './activation.ts';
import { Conv1D, Conv2D, Conv3D, type ConvArgs } from './conv.ts';
import { Dense, type DenseArgs } from './dense.ts';
import { Dropout, type DropoutArgs } from './dropout.ts';
import { Flatten, type FlattenArgs } from './flatten.ts';

for (const cls of [InputLayer, LayersModel, Sequential]) layerRegistry.add(cls);
for (const cls of [Activation, Conv1D, Conv2D, Conv3D, Dense, Dropout, Flatten]) layerRegistry.add(cls);

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
  flatten: (args?: FlattenArgs): Flatten => new Flatten(args),
});
