// Normalizations: over the batch, over features, over groups of channels.

import { ArgumentError } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import type { Kwargs, LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { oneShape, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { numberOption } from '../resolve.ts';
import { countOption, knownAxis } from './options.ts';
import { UnaryLayer } from './unary-layer.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from './weight-options.ts';

interface NormArgs extends LayerArgs, WeightOptionArgs<'gamma' | 'beta'> {
  /** Added to the variance; 0.001 by default. */
  epsilon?: number;
  /** Whether beta is added; true by default. */
  center?: boolean;
  /** Whether it is multiplied with gamma; true by default. */
  scale?: boolean;
}

const normKeys = ['epsilon', 'center', 'scale', ...weightKeys('gamma', 'beta')];

/** (x - mean) / sqrt(variance + epsilon) * gamma + beta: what the three have in common. */
abstract class Normalization extends UnaryLayer {
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly #gamma: WeightOptions;
  readonly #beta: WeightOptions;
  gamma: LayerVariable | null = null;
  beta: LayerVariable | null = null;

  constructor(args: NormArgs, known: readonly string[]) {
    super(args, [...normKeys, ...known]);
    this.epsilon = numberOption(args.epsilon, 'epsilon', this.label, 1e-3);
    this.center = args.center ?? true;
    this.scale = args.scale ?? true;
    this.#gamma = new WeightOptions(args, 'gamma', 'ones', this.label);
    this.#beta = new WeightOptions(args, 'beta', 'zeros', this.label);
  }
  protected addScale(shape: number[]): void {
    if (this.scale) this.gamma = this.#gamma.add(this, 'gamma', shape);
    if (this.center) this.beta = this.#beta.add(this, 'beta', shape);
  }
  /** x * factor + shift, so that one pass over x is left, given statistics in a shape that broadcasts. */
  protected normalize(x: Tensor, mean: Tensor, variance: Tensor, like: readonly number[]): Tensor {
    const spread = (w: LayerVariable | null) => w?.read().reshape(like);
    const inverse = b.un('rsqrt', variance.add(this.epsilon)) as Tensor;
    const [gamma, beta] = [spread(this.gamma), spread(this.beta)];
    const factor = gamma ? inverse.mul(gamma) : inverse;
    const y = x.sub(mean).mul(factor);
    return beta ? y.add(beta) : y;
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      epsilon: this.epsilon,
      center: this.center,
      scale: this.scale,
      ...this.#gamma.config(),
      ...this.#beta.config(),
    };
  }
}

const positive = (axis: number, rank: number, label: string): number => {
  const at = axis < 0 ? rank + axis : axis;
  if (Number.isInteger(at) && at > 0 && at < rank) return at;
  throw new ArgumentError(`axis ${axis} is none of an input of ${rank} dimensions, the batch excepted`, {
    op: label,
    fix: 'use -1 for the last axis',
  });
};

export interface BatchNormalizationArgs extends NormArgs, WeightOptionArgs<'movingMean' | 'movingVariance'> {
  /** Axis of the features; the last one by default. */
  axis?: number;
  /** Share of the old value that moving statistics keep; 0.99 by default. */
  momentum?: number;
}

/**
 * Normalizes each feature over the batch (Ioffe and Szegedy 2015). While training, by mean and variance of the
 * batch, which also move the stored ones; else, and while frozen, by the stored ones. Masked steps do not count.
 * Weights: gamma, beta, and not trained moving_mean, moving_variance.
 */
export class BatchNormalization extends Normalization {
  static readonly className = 'BatchNormalization';
  readonly axis: number;
  readonly momentum: number;
  readonly #mean: WeightOptions;
  readonly #variance: WeightOptions;
  movingMean: LayerVariable | undefined;
  movingVariance: LayerVariable | undefined;

  constructor(args: BatchNormalizationArgs = {}) {
    super(args, ['axis', 'momentum', ...weightKeys('movingMean', 'movingVariance')]);
    this.axis = numberOption(args.axis, 'axis', this.label, -1);
    this.momentum = numberOption(args.momentum, 'momentum', this.label, 0.99);
    this.#mean = new WeightOptions(args, 'movingMean', 'zeros', this.label);
    this.#variance = new WeightOptions(args, 'movingVariance', 'ones', this.label);
  }
  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(inputShape, this.label);
    const at = positive(this.axis, shape.length, this.label);
    const features = knownAxis(shape, at, this.label);
    this.addScale([features]);
    this.movingMean = this.#mean.add(this, 'moving_mean', [features], false);
    this.movingVariance = this.#variance.add(this, 'moving_variance', [features], false);
    this.inputSpec = [new InputSpec({ ndim: shape.length, axes: { [at]: features } })];
    this.built = true;
  }
  protected override map(input: Tensor, { training, mask }: Kwargs): Tensor {
    const x = input.cast(this.dtype);
    const at = positive(this.axis, x.rank, this.label);
    const like = x.shape.map((d, i) => (i === at ? d : 1));
    const [mean, variance] = [this.movingMean as LayerVariable, this.movingVariance as LayerVariable];
    if (!training || !this.trainable)
      return this.normalize(x, mean.read().reshape(like), variance.read().reshape(like), like);
    const axes = x.shape.flatMap((_, i) => (i === at ? [] : [i]));
    const [m, v] = moments(x, axes, mask as Tensor | null);
    // An empty batch has no statistics: the stored ones stay.
    if (x.size > 0) {
      const move = (w: LayerVariable, value: Tensor) =>
        void w.assign(
          w
            .read()
            .mul(this.momentum)
            .add(value.reshape(w.shape).mul(1 - this.momentum)),
        );
      move(mean, m);
      move(variance, v);
    }
    return this.normalize(x, m, v, like);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      axis: this.axis,
      momentum: this.momentum,
      ...this.#mean.config(),
      ...this.#variance.config(),
    };
  }
}

/** Mean and variance over axes, which are kept with length 1; only what the mask [batch, time] lets through counts. */
function moments(x: Tensor, axes: number[], mask: Tensor | null): [Tensor, Tensor] {
  if (!mask) {
    const mean = b.mean(x, axes, true) as Tensor;
    return [mean, b.mean(b.square(x.sub(mean)), axes, true) as Tensor];
  }
  const w = mask
    .cast(x.dtype)
    .reshape([...mask.shape, ...x.shape.slice(mask.rank).map(() => 1)])
    .broadcastTo(x.shape);
  const count = b.max(b.sum(w, axes, true), 1e-7);
  const mean = b.div(b.sum(x.mul(w), axes, true), count) as Tensor;
  return [mean, b.div(b.sum(b.mul(b.square(x.sub(mean)), w), axes, true), count) as Tensor];
}

export interface LayerNormalizationArgs extends NormArgs {
  /** Axis or axes over which each sample is normalized; the last one by default. */
  axis?: number | number[];
}

/** Normalizes each sample over its features (Ba and others 2016). Weights: gamma, beta of the shape of the axes. */
export class LayerNormalization extends Normalization {
  static readonly className = 'LayerNormalization';
  readonly axis: number | readonly number[];

  constructor(args: LayerNormalizationArgs = {}) {
    super(args, ['axis']);
    this.axis = args.axis ?? -1;
  }
  #axes(rank: number): number[] {
    return [this.axis]
      .flat()
      .map((a) => positive(a as number, rank, this.label))
      .sort((p, q) => p - q);
  }
  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(inputShape, this.label);
    this.addScale(this.#axes(shape.length).map((a) => knownAxis(shape, a, this.label)));
    this.built = true;
  }
  protected override map(input: Tensor): Tensor {
    const x = input.cast(this.dtype);
    const axes = this.#axes(x.rank);
    const like = x.shape.map((d, i) => (axes.includes(i) ? d : 1));
    return this.normalize(x, ...moments(x, axes, null), like);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.axis };
  }
}

export interface GroupNormalizationArgs extends NormArgs {
  /** Groups of channels; 32 by default, -1 for a group a channel. */
  groups?: number;
  /** Axis of the channels; the last one by default. */
  axis?: number;
}

/** Normalizes each sample over space and groups of channels (Wu and He 2018). Weights: gamma, beta [channels]. */
export class GroupNormalization extends Normalization {
  static readonly className = 'GroupNormalization';
  readonly groups: number;
  readonly axis: number;

  constructor(args: GroupNormalizationArgs = {}) {
    super(args, ['groups', 'axis']);
    this.groups = args.groups === -1 ? -1 : countOption(args.groups ?? 32, 'groups', this.label);
    this.axis = numberOption(args.axis, 'axis', this.label, -1);
  }
  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(inputShape, this.label);
    const channels = knownAxis(shape, positive(this.axis, shape.length, this.label), this.label);
    const groups = this.groups === -1 ? channels : this.groups;
    if (channels % groups)
      throw new ArgumentError(`${channels} channels cannot be divided into ${groups} groups`, {
        op: this.label,
        fix: 'choose groups that divide the channels',
      });
    this.addScale([channels]);
    this.built = true;
  }
  protected override map(input: Tensor): Tensor {
    const x = input.cast(this.dtype);
    const at = positive(this.axis, x.rank, this.label);
    const channels = x.shape[at];
    const groups = this.groups === -1 ? channels : this.groups;
    const split = [...x.shape.slice(0, at), groups, channels / groups, ...x.shape.slice(at + 1)];
    const like = split.map((d, i) => (i === at || i === at + 1 ? d : 1));
    const axes = split.flatMap((_, i) => (i === 0 || i === at ? [] : [i]));
    const grouped = x.reshape(split);
    return this.normalize(grouped, ...moments(grouped, axes, null), like).reshape(x.shape);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), groups: this.groups, axis: this.axis };
  }
}
