// `tf.models`: models and what they are saved as.

import { LayersModel, type ModelArgs } from '../engine/model.ts';
import { Sequential, type SequentialArgs } from '../engine/sequential.ts';
import { loadLayersModel, modelFromJSON, modelFromYAML } from './load.ts';
import { encodeModel } from './save.ts';

/** Models and what they are saved as. */
export const models = Object.freeze({
  Model: LayersModel,
  Sequential,
  model: (args: ModelArgs): LayersModel => new LayersModel(args),
  sequential: (args?: SequentialArgs): Sequential => new Sequential(args),
  modelFromJSON,
  modelFromYAML,
  loadLayersModel,
  encodeModel,
});
