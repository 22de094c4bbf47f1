// The functions of `tf.image`.

export { resize, resizeBilinear, resizeNearestNeighbor } from './ops/resize.ts';
