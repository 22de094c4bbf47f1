// The functions of `tf.image`.

export { grayscaleToRGB, rgbToGrayscale, sobelEdges, threshold } from './ops/color.ts';
export * from './ops/nms.ts';
export { type ResizeOptions, resize, resizeBilinear, resizeNearestNeighbor } from './ops/resize.ts';
export { cropAndResize, flipLeftRight, rotateWithOffset, transform } from './ops/sampling.ts';
