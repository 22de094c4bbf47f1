// `tf.initializers`: initializers by factory and by name.

import type { DataType } from '../trace/dtypes.ts';
import type { Tensor } from '../trace/tensor.ts';
import { type CustomObjects, Registry, type Serialized } from './engine/serialize.ts';
import { FunctionInitializer, Initializer } from './initializer.ts';
import * as all from './initializer-classes.ts';
import { Kind } from './resolve.ts';

const kind = new Kind(
  new Registry<Initializer>('initializer', (x): x is Initializer => x instanceof Initializer),
  Initializer,
  (f) => new FunctionInitializer(f),
);
// Each under the name that TensorFlow.js takes, then Keras's short ones.
kind.add(
  [all.Zeros, 'zeros', 'zero'],
  [all.Ones, 'ones', 'one'],
  [all.Constant, 'constant'],
  [all.RandomUniform, 'randomUniform', 'uniform'],
  [all.RandomNormal, 'randomNormal', 'normal'],
  [all.TruncatedNormal, 'truncatedNormal'],
  [all.VarianceScaling, 'varianceScaling'],
  [all.GlorotUniform, 'glorotUniform'],
  [all.GlorotNormal, 'glorotNormal'],
  [all.HeUniform, 'heUniform'],
  [all.HeNormal, 'heNormal'],
  [all.LeCunUniform, 'leCunUniform'],
  [all.LeCunNormal, 'leCunNormal'],
  [all.Orthogonal, 'orthogonal', 'orthogonalInitializer'],
  [all.Identity, 'identity', 'eye', 'identityInitializer'],
);

export { Initializer };

/** What stands for an initializer. */
export type InitializerIdentifier =
  | string
  | Initializer
  | Serialized
  | ((shape: readonly number[], dtype: DataType) => Tensor);

/**
 * The initializer that a name, object, `{className, config}` or function stands for; nothing gives null.
 * Throws ArgumentError for an unknown name, with the nearest known one.
 */
export function getInitializer(identifier: InitializerIdentifier, op?: string, objects?: CustomObjects): Initializer;
export function getInitializer(
  identifier: InitializerIdentifier | null | undefined,
  op?: string,
  objects?: CustomObjects,
): Initializer | null;
export function getInitializer(
  identifier: InitializerIdentifier | null | undefined,
  op = 'initializers.get',
  objects?: CustomObjects,
): Initializer | null {
  return kind.optional(identifier, op, objects);
}

/** `tf.initializers`. */
export const initializers = Object.freeze({
  /** All 0. */
  zeros: (): Initializer => new all.Zeros(),
  /** All 1. */
  ones: (): Initializer => new all.Ones(),
  /** All `value`. */
  constant: (options?: { value?: number }): Initializer => new all.Constant(options),
  /** Uniform, by default in [-0.05, 0.05). */
  randomUniform: (options?: all.RandomUniformOptions): Initializer => new all.RandomUniform(options),
  /** Normal, by default of mean 0 and deviation 0.05. */
  randomNormal: (options?: all.RandomNormalOptions): Initializer => new all.RandomNormal(options),
  /** Normal within two deviations, by default of mean 0 and deviation 0.05. */
  truncatedNormal: (options?: all.RandomNormalOptions): Initializer => new all.TruncatedNormal(options),
  /** Of variance scale / fan. */
  varianceScaling: (options?: all.VarianceScalingOptions): Initializer => new all.VarianceScaling(options),
  /** Uniform of variance 2 / (fanIn + fanOut): the default of most layers. */
  glorotUniform: (options?: all.SeedOptions): Initializer => new all.GlorotUniform(options),
  /** Normal of variance 2 / (fanIn + fanOut). */
  glorotNormal: (options?: all.SeedOptions): Initializer => new all.GlorotNormal(options),
  /** Uniform of variance 2 / fanIn. */
  heUniform: (options?: all.SeedOptions): Initializer => new all.HeUniform(options),
  /** Normal of variance 2 / fanIn. */
  heNormal: (options?: all.SeedOptions): Initializer => new all.HeNormal(options),
  /** Uniform of variance 1 / fanIn. */
  leCunUniform: (options?: all.SeedOptions): Initializer => new all.LeCunUniform(options),
  /** Normal of variance 1 / fanIn. */
  leCunNormal: (options?: all.SeedOptions): Initializer => new all.LeCunNormal(options),
  /** A random orthogonal matrix. */
  orthogonal: (options?: all.GainOptions & all.SeedOptions): Initializer => new all.Orthogonal(options),
  /** The identity matrix. */
  identity: (options?: all.GainOptions): Initializer => new all.Identity(options),
  /** See `getInitializer`. */
  get: getInitializer,
  /** Class and configuration. */
  serialize: (initializer: Initializer): Serialized => kind.serialize(initializer, 'initializers.serialize'),
  /** The initializer of what `serialize` gave. */
  deserialize: (config: string | Serialized, objects?: CustomObjects): Initializer =>
    kind.get(config, 'initializers.deserialize', objects),
  Initializer,
});
