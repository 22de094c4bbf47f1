// The functions of `tf.image`.

export { grayscaleToRGB, rgbToGrayscale, sobelEdges, threshold } from '../trace/ops/color.ts';
export * from '../trace/ops/nms.ts';
export { type ResizeOptions, resize, resizeBilinear, resizeNearestNeighbor } from '../trace/ops/resize.ts';
export { cropAndResize, flipLeftRight, rotateWithOffset, transform } from '../trace/ops/sampling.ts';
export {
  type DecodePngOptions,
  decodeBase64,
  decodeImage,
  decodeJpeg,
  decodePng,
  type EncodeJpegOptions,
  type EncodePngOptions,
  encodeJpeg,
  encodePng,
} from './codec.ts';
export {
  adjustBrightness,
  adjustContrast,
  adjustGamma,
  adjustHue,
  adjustSaturation,
  convertImageDtype,
  hsvToRgb,
  perImageStandardization,
  randomBrightness,
  randomContrast,
  randomHue,
  randomSaturation,
  rgbToHsv,
} from './colour.ts';
export {
  centralCrop,
  cropToBoundingBox,
  flipUpDown,
  padToBoundingBox,
  randomCrop,
  randomFlipLeftRight,
  randomFlipUpDown,
  resizeWithCropOrPad,
  resizeWithPad,
  rot90,
  transpose,
} from './geometry.ts';
export type { DecodeOptions } from './raster.ts';
