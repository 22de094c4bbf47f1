// The functions of `tf.math`.

export { confusionMatrix } from './ops/segments.ts';
