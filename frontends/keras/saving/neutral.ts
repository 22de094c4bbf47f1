// Options that Keras writes and this library does not have: with these values they say nothing.

import { valueText } from '../../../ir/errors.ts';
import { damaged, type Place } from '../../io/format.ts';
import type { Config } from '../engine/serialize.ts';

type Neutral = readonly unknown[] | 'any';

const everywhere: Readonly<Record<string, Neutral>> = {
  sparse: [false, null],
  ragged: [false, null],
  optional: [false],
  timeMajor: [false],
  // Which of several ways computes the same.
  implementation: 'any',
  useCudnn: 'any',
  fused: 'any',
  jitCompile: 'any',
  flashAttention: 'any',
  autocast: 'any',
  sharedObjectId: 'any',
  isLegacyOptimizer: 'any',
  autoScaleLoss: 'any',
  experimentalDtensorConfig: 'any',
  experimentalAutocast: 'any',
  // Means over several devices: here is one.
  synchronized: 'any',
  renorm: [false],
  renormClipping: [null],
  renormMomentum: 'any',
  virtualBatchSize: [null],
  adjustment: [null],
  loraRank: [null],
  loraAlpha: [null],
  quantizationConfig: [null],
  quantizationMode: [null],
  inputAxes: [null],
  outputAxes: [null],
  lossScaleFactor: [null],
  useGate: [false],
  slidingWindow: [null],
  rmsScaling: [false],
  partitioner: [null],
  ignoreClass: [null],
};

const images = { dataFormat: ['channels_last', 'channelsLast', null] };
const perClass: Readonly<Record<string, Readonly<Record<string, Neutral>>>> = {
  // A stack computes nothing itself.
  Sequential: { dtype: 'any' },
  // Inputs of three axes have one to attend over.
  MultiHeadAttention: { attentionAxes: [null, '[1]'] },
  Resizing: { ...images, padToAspectRatio: [false], antialias: [false], fillMode: 'any', fillValue: 'any' },
  ...Object.fromEntries(
    'CenterCrop RandomFlip RandomCrop RandomBrightness RandomContrast RandomRotation RandomZoom RandomTranslation RandomWidth RandomHeight'
      .split(' ')
      .map((name) => [name, images]),
  ),
  Embedding: { activityRegularizer: [null], weights: [null] },
};
/** Options that a class has although others ignore them. */
const own: Readonly<Record<string, readonly string[]>> = { SparseCategoricalCrossentropy: ['ignoreClass'] };

/**
 * A configuration without the options that say nothing. Throws FormatError for one of them with a value that says
 * something this library cannot do.
 */
export function withoutNeutral(className: string, config: Config, place: Place): Config {
  const table = { ...everywhere, ...(Object.hasOwn(perClass, className) ? perClass[className] : {}) };
  const kept = Object.hasOwn(own, className) ? own[className] : [];
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => {
      if (!Object.hasOwn(table, key) || kept.includes(key)) return true;
      const neutral = table[key];
      const same = (n: unknown) => n === value || (typeof n === 'string' && n === JSON.stringify(value));
      if (neutral === 'any' || neutral.some(same)) return false;
      return damaged(
        place,
        `'${String(config.name ?? className)}' (${className}) has ${key}: ${valueText(value)}`,
        'this option is not supported: save the model without it',
      );
    }),
  );
}
