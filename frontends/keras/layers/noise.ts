// Noise while training.

import { emitter as b } from '../../trace/dispatch.ts';
import { randomNormal, randomUniform } from '../../trace/random.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import type { Kwargs, LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { numberOption } from '../resolve.ts';
import { type DataFormat, dataFormatOption } from './data-format.ts';
import { Dropout, type DropoutArgs } from './dropout.ts';
import { rateOption } from './options.ts';
import { UnaryLayer } from './unary-layer.ts';

export interface GaussianNoiseArgs extends LayerArgs {
  /** Standard deviation of the noise. */
  stddev: number;
  seed?: number;
}

/** While training, adds normal numbers of mean 0. */
export class GaussianNoise extends UnaryLayer {
  static readonly className = 'GaussianNoise';
  readonly stddev: number;
  readonly seed: number | null;
  constructor(args: GaussianNoiseArgs) {
    super(args, ['stddev', 'seed']);
    this.stddev = numberOption(args.stddev, 'stddev', this.label, 0);
    this.seed = args.seed ?? null;
    this.useSeed(args.seed);
  }
  protected override map(x: Tensor, { training }: Kwargs): Tensor {
    if (!training) return x;
    return this.randomly(() => x.add(randomNormal(x.shape, 0, this.stddev, x.dtype as 'float32')));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), stddev: this.stddev, seed: this.seed };
  }
}

export interface NoiseRateArgs extends LayerArgs {
  /** Strength, as the rate of a dropout. */
  rate: number;
  seed?: number;
}

/** While training, multiplies with normal numbers of mean 1 and deviation sqrt(rate / (1 - rate)). */
export class GaussianDropout extends UnaryLayer {
  static readonly className = 'GaussianDropout';
  readonly rate: number;
  readonly seed: number | null;
  constructor(args: NoiseRateArgs) {
    super(args, ['rate', 'seed']);
    this.rate = rateOption(args.rate, 'rate', this.label);
    this.seed = args.seed ?? null;
    this.useSeed(args.seed);
  }
  protected override map(x: Tensor, { training }: Kwargs): Tensor {
    if (!training || this.rate === 0) return x;
    const stddev = Math.sqrt(this.rate / (1 - this.rate));
    return this.randomly(() => x.mul(randomNormal(x.shape, 1, stddev, x.dtype as 'float32')));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), rate: this.rate, seed: this.seed };
  }
}

export interface AlphaDropoutArgs extends NoiseRateArgs {
  noiseShape?: (number | null)[];
}

/** What SELU makes of very negative numbers. */
const saturation = -1.7580993408473766;

/**
 * Dropout that keeps mean and variance of what SELU gives: dropped elements become SELU's lower limit, then all
 * are scaled and shifted (Klambauer and others 2017).
 */
export class AlphaDropout extends UnaryLayer {
  static readonly className = 'AlphaDropout';
  readonly rate: number;
  readonly seed: number | null;
  readonly noiseShape: readonly (number | null)[] | null;
  constructor(args: AlphaDropoutArgs) {
    super(args, ['rate', 'seed', 'noiseShape']);
    this.rate = rateOption(args.rate, 'rate', this.label);
    this.seed = args.seed ?? null;
    this.noiseShape = args.noiseShape ?? null;
    this.useSeed(args.seed);
  }
  protected override map(x: Tensor, { training }: Kwargs): Tensor {
    if (!training || this.rate === 0) return x;
    const { rate } = this;
    const shape = this.noiseShape?.map((d, i) => d ?? x.shape[i]) ?? x.shape;
    const noise = this.randomly(() => randomUniform(shape)).broadcastTo(x.shape);
    const kept = b.select(b.compare('ge', noise, rate), x, saturation) as Tensor;
    const scale = ((1 - rate) * (1 + rate * saturation ** 2)) ** -0.5;
    return kept.mul(scale).add(-scale * saturation * rate);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), rate: this.rate, noiseShape: this.noiseShape, seed: this.seed };
  }
}

export interface SpatialDropoutArgs extends Omit<DropoutArgs, 'noiseShape'> {
  dataFormat?: DataFormat;
}

/** Dropout of whole channels: an element that stays, stays at all places. */
abstract class SpatialDropout extends Dropout {
  readonly dataFormat: DataFormat;
  constructor(axes: number, args: SpatialDropoutArgs) {
    super(args, ['dataFormat']);
    this.dataFormat = dataFormatOption(args.dataFormat, this.label);
    this.inputSpec = [new InputSpec({ ndim: axes + 2 })];
  }
  protected override maskShape(shape: readonly number[]): number[] {
    const channels = this.dataFormat === 'channelsLast' ? shape.length - 1 : 1;
    return shape.map((d, i) => (i === 0 || i === channels ? d : 1));
  }
  override getConfig(): Config {
    const { noiseShape, ...rest } = super.getConfig();
    return { ...rest, dataFormat: this.dataFormat };
  }
}

/** Drops whole features of [batch, steps, features]. */
export class SpatialDropout1D extends SpatialDropout {
  static override readonly className = 'SpatialDropout1D';
  constructor(args: SpatialDropoutArgs) {
    super(1, args);
  }
}
/** Drops whole channels of images. */
export class SpatialDropout2D extends SpatialDropout {
  static override readonly className = 'SpatialDropout2D';
  constructor(args: SpatialDropoutArgs) {
    super(2, args);
  }
}
/** Drops whole channels of volumes. */
export class SpatialDropout3D extends SpatialDropout {
  static override readonly className = 'SpatialDropout3D';
  constructor(args: SpatialDropoutArgs) {
    super(3, args);
  }
}
