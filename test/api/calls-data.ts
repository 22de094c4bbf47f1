// Valid calls: data sets, images and their files, pixels, labels, texts and series.

import * as tf from 'sinter';
import { f, i } from './operands.ts';

type Rows = Record<string, unknown[][]>;

const photo = () => i([4, 5, 3], 0, 255);
const unit = () => f([4, 5, 3], 0, 1);
const png = tf.image.encodePng(photo());
const jpeg = tf.image.encodeJpeg(photo());

const data = (): Rows => ({
  'data.array': [[[1, 2, 3]]],
  'data.generator': [[() => [1, 2]]],
  'data.func': [[() => ({ value: 1, done: true })]],
  'data.zip': [[[tf.data.array([1]), tf.data.array([2])]]],
  'data.csv': [[new TextEncoder().encode('a,b\n1,2\n'), { hasHeader: true }]],
});

const files = (): Rows => ({
  'image.decodePng': [[png, { channels: 3, bitDepth: 8 }]],
  'image.decodeJpeg': [[jpeg, { channels: 1 }]],
  'image.decodeImage': [[png, { dtype: 'int32' }]],
  'image.encodePng': [[photo(), { compression: 1 }]],
  'image.encodeJpeg': [[photo(), { quality: 80 }]],
  'image.decodeBase64': [['AAEC']],
  'node.decodePng': [[png, 3, 'int32']],
  'node.decodeJpeg': [[jpeg, 3, 1]],
  'node.decodeImage': [[jpeg, 3, 'int32']],
  'node.encodePng': [[photo(), 1]],
  'node.encodeJpeg': [[photo(), 'rgb', 90, false, false, true]],
  'browser.fromPixels': [[{ width: 1, height: 1, data: Uint8Array.of(1, 2, 3, 4) }, 3]],
  'browser.fromPixelsAsync': [[{ width: 1, height: 1, data: Uint8Array.of(1, 2, 3, 4) }, 3]],
  'browser.toPixels': [[photo(), null]],
});

const images = (): Rows => ({
  'image.centralCrop': [[photo(), 0.5]],
  'image.cropToBoundingBox': [[photo(), 1, 2, 2, 3]],
  'image.padToBoundingBox': [[photo(), 1, 2, 6, 8]],
  'image.resizeWithCropOrPad': [[photo(), 3, 9]],
  'image.resizeWithPad': [[unit(), 6, 6, { method: 'bilinear' }]],
  'image.flipUpDown': [[photo()]],
  'image.transpose': [[photo()]],
  'image.rot90': [[photo(), 3]],
  'image.randomFlipLeftRight': [[photo(), 1]],
  'image.randomFlipUpDown': [[f([2, 3, 3, 1]), 1]],
  'image.randomCrop': [[photo(), [2, 3, 3], 1]],
  'image.rgbToHsv': [[unit()]],
  'image.hsvToRgb': [[unit()]],
  'image.convertImageDtype': [[unit(), 'uint8', true]],
  'image.perImageStandardization': [[unit()]],
  'image.adjustBrightness': [[unit(), 0.1]],
  'image.adjustContrast': [[unit(), 1.5]],
  'image.adjustGamma': [[unit(), 0.5, 2]],
  'image.adjustHue': [[unit(), 0.2]],
  'image.adjustSaturation': [[unit(), 0.5]],
  'image.randomBrightness': [[unit(), 0.2, 1]],
  'image.randomContrast': [[unit(), 0.5, 1.5, 1]],
  'image.randomHue': [[unit(), 0.2, 1]],
  'image.randomSaturation': [[unit(), 0.5, 1.5, 1]],
});

const tokenizer = new tf.utils.Tokenizer();
tokenizer.fitOnTexts(['a b a']);

const utils = (): Rows => ({
  'utils.toCategorical': [[i([4], 0, 2), 3]],
  'utils.convertAllKernelsInModel': [
    [tf.sequential({ layers: [tf.layers.conv1d({ filters: 1, kernelSize: 2, inputShape: [3, 1] })] })],
  ],
  'utils.normalize': [[f([2, 3]), -1, 2]],
  'utils.classWeights': [[i([6], 0, 2)]],
  'utils.padSequences': [[[[1], [2, 3]], { maxlen: 2 }]],
  'utils.makeSamplingTable': [[5, 1e-3]],
  'utils.skipgrams': [[[1, 2, 3], 5, { seed: 1 }]],
  'utils.textToWordSequence': [['a b', { lower: true }]],
  'utils.oneHot': [['a b', 10, { lower: true }]],
  'utils.hashingTrick': [['a b', 10, { lower: true }]],
  'utils.tokenizerFromJSON': [[JSON.stringify(tokenizer)]],
  'utils.timeseriesDatasetFromArray': [[f([9, 2]), f([9]), { sequenceLength: 3 }]],
});

export const dataCalls = (): Rows => ({ ...data(), ...files(), ...images(), ...utils() });
