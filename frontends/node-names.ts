// `tf.node`: what @tensorflow/tfjs-node has, under its names.

export * from './image/node-names.ts';
export { getMetaGraphsFromSavedModel, loadSavedModel } from './tensorflow/index.ts';
