// Initializers: the first values of weights.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { checkShape } from '../trace/convert.ts';
import { eye, fill, ones, zeros } from '../trace/creation.ts';
import type { DataType } from '../trace/dtypes.ts';
import { mul } from '../trace/ops/binary.ts';
import { need } from '../trace/ops/common.ts';
import { cast, reshape, transpose } from '../trace/ops/shape.ts';
import { randomNormal, randomUniform, truncatedNormal } from '../trace/random.ts';
import type { Tensor } from '../trace/tensor.ts';
import { canonical, didYouMean } from './engine/names.ts';
import type { Config } from './engine/serialize.ts';
import { Initializer } from './initializer.ts';
import { orthonormal } from './orthonormal.ts';
import { numberOption, optionsOf } from './resolve.ts';

/** The same seed gives the same numbers; without one they come from the global generator. */
export interface SeedOptions {
  seed?: number | string | null;
}
type Seed = number | string | undefined;

function seedOption(seed: unknown, op: string): Seed {
  if (seed === undefined || seed === null) return undefined;
  if (typeof seed === 'string' || Number.isFinite(seed)) return seed as Seed;
  throw new ArgumentError(`the seed must be a number, got ${valueText(seed)}`, {
    op,
    fix: 'leave it out for other numbers each time',
  });
}

/** Draws in float32 where the dtype only stores. */
function drawn(dtype: DataType | undefined, draw: (dtype: 'float32' | 'float64' | 'int32') => Tensor): Tensor {
  return dtype === 'float16' ? cast(draw('float32'), dtype) : draw((dtype ?? 'float32') as 'float32');
}

/** All 0. */
export class Zeros extends Initializer {
  static readonly className = 'Zeros';
  constructor(options?: object) {
    super();
    optionsOf(options, [], 'zeros');
  }
  apply(shape: readonly number[], dtype?: DataType): Tensor {
    return zeros(shape, dtype);
  }
}

/** All 1. */
export class Ones extends Initializer {
  static readonly className = 'Ones';
  constructor(options?: object) {
    super();
    optionsOf(options, [], 'ones');
  }
  apply(shape: readonly number[], dtype?: DataType): Tensor {
    return ones(shape, dtype);
  }
}

/** All equal to `value`, by default 0. */
export class Constant extends Initializer {
  static readonly className = 'Constant';
  readonly value: number;
  constructor(options?: { value?: number }) {
    super();
    this.value = numberOption(optionsOf(options, ['value'], 'constant').value, 'value', 'constant', 0);
  }
  apply(shape: readonly number[], dtype: DataType = 'float32'): Tensor {
    return fill(shape, this.value, dtype);
  }
  override getConfig(): Config {
    return { value: this.value };
  }
}

/** The range, by default [-0.05, 0.05). */
export interface RandomUniformOptions extends SeedOptions {
  minval?: number;
  maxval?: number;
}

/** Uniform in [minval, maxval). */
export class RandomUniform extends Initializer {
  static readonly className = 'RandomUniform';
  readonly minval: number;
  readonly maxval: number;
  readonly seed: Seed;
  constructor(options?: RandomUniformOptions) {
    super();
    const op = 'randomUniform';
    const { minval, maxval, seed } = optionsOf(options, ['minval', 'maxval', 'seed'], op);
    this.minval = numberOption(minval, 'minval', op, -0.05);
    this.maxval = numberOption(maxval, 'maxval', op, 0.05);
    this.seed = seedOption(seed, op);
    need(this.minval <= this.maxval, op, 'minval must be at most maxval', [this.minval, this.maxval], 'swap them');
  }
  apply(shape: readonly number[], dtype?: DataType): Tensor {
    return drawn(dtype, (d) => randomUniform(shape, this.minval, this.maxval, d, this.seed));
  }
  override getConfig(): Config {
    return { minval: this.minval, maxval: this.maxval, seed: this.seed ?? null };
  }
}

/** Mean and standard deviation, by default 0 and 0.05. */
export interface RandomNormalOptions extends SeedOptions {
  mean?: number;
  stddev?: number;
}

/** Normally distributed. */
export class RandomNormal extends Initializer {
  static readonly className: string = 'RandomNormal';
  readonly mean: number;
  readonly stddev: number;
  readonly seed: Seed;
  constructor(options?: RandomNormalOptions, op = 'randomNormal') {
    super();
    const { mean, stddev, seed } = optionsOf(options, ['mean', 'stddev', 'seed'], op);
    this.mean = numberOption(mean, 'mean', op, 0);
    this.stddev = numberOption(stddev, 'stddev', op, 0.05);
    this.seed = seedOption(seed, op);
    need(this.stddev >= 0, op, 'stddev must be at least 0', this.stddev);
  }
  apply(shape: readonly number[], dtype?: DataType): Tensor {
    return drawn(dtype, (d) => randomNormal(shape, this.mean, this.stddev, d, this.seed));
  }
  override getConfig(): Config {
    return { mean: this.mean, stddev: this.stddev, seed: this.seed ?? null };
  }
}

/** Normally distributed, without what lies more than two deviations from the mean. */
export class TruncatedNormal extends RandomNormal {
  static override readonly className = 'TruncatedNormal';
  constructor(options?: RandomNormalOptions) {
    super(options, 'truncatedNormal');
  }
  override apply(shape: readonly number[], dtype?: DataType): Tensor {
    return drawn(dtype, (d) => truncatedNormal(shape, this.mean, this.stddev, d, this.seed));
  }
}

/**
 * Inputs and outputs of one unit, `[fanIn, fanOut]`: of a matrix its sides, of the kernel of a convolution (… ,
 * inputs, outputs) the channels times the size of the window.
 */
function fansOf(shape: readonly number[]): [number, number] {
  if (shape.length < 2) return [shape[0] ?? 1, shape[0] ?? 1];
  const window = shape.slice(0, -2).reduce((n, d) => n * d, 1);
  return [shape[shape.length - 2] * window, shape[shape.length - 1] * window];
}

const modes = ['fanIn', 'fanOut', 'fanAvg'] as const;
const distributions = ['normal', 'truncatedNormal', 'untruncatedNormal', 'uniform'] as const;

/** One of `known`, in either way of writing. */
function oneOf<K extends string>(x: unknown, known: readonly K[], name: string, op: string): K {
  const found = typeof x === 'string' && known.find((k) => canonical(k) === canonical(x));
  if (found) return found;
  throw new ArgumentError(`there is no ${name} ${valueText(x)}`, { op, fix: didYouMean(String(x), known) });
}

/** Variance times number of units; which units count; and the distribution. */
export interface VarianceScalingOptions extends SeedOptions {
  scale?: number;
  mode?: 'fanIn' | 'fanOut' | 'fanAvg';
  distribution?: 'normal' | 'truncatedNormal' | 'untruncatedNormal' | 'uniform';
}

/** Deviation of a standard normal that is cut off at two deviations. */
const truncatedDeviation = 0.87962566103423978;

/**
 * Numbers of variance scale / fan, where fan counts the inputs of a unit, its outputs, or their mean. By default
 * scale 1, fanIn, (truncated) normal. Throws ArgumentError for a scale that is not positive.
 */
export class VarianceScaling extends Initializer {
  static readonly className: string = 'VarianceScaling';
  readonly scale: number;
  readonly mode: (typeof modes)[number];
  readonly distribution: (typeof distributions)[number];
  readonly seed: Seed;
  constructor(options?: VarianceScalingOptions) {
    super();
    const op = 'varianceScaling';
    const { scale, mode, distribution, seed } = optionsOf(options, ['scale', 'mode', 'distribution', 'seed'], op);
    this.scale = numberOption(scale, 'scale', op, 1);
    need(this.scale > 0, op, 'scale must be positive', this.scale);
    this.mode = oneOf(mode ?? 'fanIn', modes, 'mode', op);
    this.distribution = oneOf(distribution ?? 'normal', distributions, 'distribution', op);
    this.seed = seedOption(seed, op);
  }
  apply(shape: readonly number[], dtype?: DataType): Tensor {
    const [fanIn, fanOut] = fansOf(checkShape(shape, 'varianceScaling'));
    const fan = { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[this.mode];
    const variance = this.scale / Math.max(1, fan);
    const deviation = Math.sqrt(variance);
    const bound = Math.sqrt(3 * variance);
    return drawn(dtype, (d) => {
      if (this.distribution === 'uniform') return randomUniform(shape, -bound, bound, d, this.seed);
      if (this.distribution === 'untruncatedNormal') return randomNormal(shape, 0, deviation, d, this.seed);
      return truncatedNormal(shape, 0, deviation / truncatedDeviation, d, this.seed);
    });
  }
  override getConfig(): Config {
    return { scale: this.scale, mode: this.mode, distribution: this.distribution, seed: this.seed ?? null };
  }
}

/** A `VarianceScaling` with a name of its own; the seed is all that varies. */
function scaling(className: string, scale: number, mode: 'fanIn' | 'fanAvg', distribution: 'normal' | 'uniform') {
  return class extends VarianceScaling {
    static override readonly className = className;
    constructor(options?: SeedOptions) {
      super({ scale, mode, distribution, seed: optionsOf(options, ['seed'], className).seed });
    }
    override getConfig(): Config {
      return { seed: this.seed ?? null };
    }
  };
}

/** Uniform of variance 2 / (fanIn + fanOut) (Glorot, Bengio 2010). */
export const GlorotUniform = scaling('GlorotUniform', 1, 'fanAvg', 'uniform');
/** Truncated normal of variance 2 / (fanIn + fanOut) (Glorot, Bengio 2010). */
export const GlorotNormal = scaling('GlorotNormal', 1, 'fanAvg', 'normal');
/** Uniform of variance 2 / fanIn (He and others 2015). */
export const HeUniform = scaling('HeUniform', 2, 'fanIn', 'uniform');
/** Truncated normal of variance 2 / fanIn (He and others 2015). */
export const HeNormal = scaling('HeNormal', 2, 'fanIn', 'normal');
/** Uniform of variance 1 / fanIn (LeCun and others 1998). */
export const LeCunUniform = scaling('LeCunUniform', 1, 'fanIn', 'uniform');
/** Truncated normal of variance 1 / fanIn (LeCun and others 1998). */
export const LeCunNormal = scaling('LeCunNormal', 1, 'fanIn', 'normal');

/** The factor of the matrix, by default 1. */
export interface GainOptions {
  gain?: number;
}

/**
 * A random matrix with orthonormal rows or columns, whichever are fewer, times `gain`: of the QR decomposition of
 * normal numbers, its signs made unique so that all such matrices are equally likely (Saxe and others 2014). All
 * axes but the last are rows. Throws ArgumentError for a shape of fewer than 2 axes.
 */
export class Orthogonal extends Initializer {
  static readonly className = 'Orthogonal';
  readonly gain: number;
  readonly seed: Seed;
  constructor(options?: GainOptions & SeedOptions) {
    super();
    const { gain, seed } = optionsOf(options, ['gain', 'seed'], 'orthogonal');
    this.gain = numberOption(gain, 'gain', 'orthogonal', 1);
    this.seed = seedOption(seed, 'orthogonal');
  }
  apply(shape: readonly number[], dtype?: DataType): Tensor {
    const s = checkShape(shape, 'orthogonal');
    need(s.length >= 2, 'orthogonal', 'the shape must have at least 2 axes', s, 'take it for kernels, not for biases');
    const rows = s.slice(0, -1).reduce((n, d) => n * d, 1);
    const columns = s[s.length - 1];
    const tall = [Math.max(rows, columns), Math.min(rows, columns)];
    return drawn(dtype, (d) => {
      const q = orthonormal(randomNormal(tall, 0, 1, d, this.seed));
      return mul(reshape(rows < columns ? transpose(q) : q, s), this.gain);
    });
  }
  override getConfig(): Config {
    return { gain: this.gain, seed: this.seed ?? null };
  }
}

/** `gain` on the diagonal of a matrix, else 0. Throws ArgumentError for a shape that is no matrix's. */
export class Identity extends Initializer {
  static readonly className = 'Identity';
  readonly gain: number;
  constructor(options?: GainOptions) {
    super();
    this.gain = numberOption(optionsOf(options, ['gain'], 'identity').gain, 'gain', 'identity', 1);
  }
  apply(shape: readonly number[], dtype?: DataType): Tensor {
    const s = checkShape(shape, 'identity');
    need(s.length === 2, 'identity', 'the shape must have 2 axes', s, 'take it for square kernels');
    const one = eye(s[0], s[1], [], dtype);
    return this.gain === 1 ? one : mul(one, this.gain);
  }
  override getConfig(): Config {
    return { gain: this.gain };
  }
}
