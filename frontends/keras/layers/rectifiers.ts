// Activations with parameters, as layers.

import { emitter as b } from '../../trace/dispatch.ts';
import type { Tensor } from '../../trace/tensor.ts';
import * as functions from '../activation-functions.ts';
import { getActivation } from '../activations.ts';
import { InputSpec } from '../engine/input-spec.ts';
import type { LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { oneShape, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { numberOption } from '../resolve.ts';
import { activate } from './activate.ts';
import { knownAxis } from './options.ts';
import { UnaryLayer } from './unary-layer.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from './weight-options.ts';

export interface ReLUArgs extends LayerArgs {
  /** What is larger becomes this. */
  maxValue?: number | null;
  /** Slope below the threshold; 0 by default. */
  negativeSlope?: number;
  /** What is less counts as negative; 0 by default. */
  threshold?: number;
}

/** x above the threshold, up to maxValue; below it negativeSlope * (x - threshold). */
export class ReLU extends UnaryLayer {
  static readonly className = 'ReLU';
  readonly maxValue: number | null;
  readonly negativeSlope: number;
  readonly threshold: number;
  constructor(args: ReLUArgs = {}) {
    super(args, ['maxValue', 'negativeSlope', 'threshold']);
    const op = this.label;
    this.maxValue =
      args.maxValue === undefined || args.maxValue === null ? null : numberOption(args.maxValue, 'maxValue', op, 0);
    this.negativeSlope = numberOption(args.negativeSlope, 'negativeSlope', op, 0);
    this.threshold = numberOption(args.threshold, 'threshold', op, 0);
  }
  protected override map(x: Tensor): Tensor {
    return functions.relu(x, this.negativeSlope, this.maxValue ?? undefined, this.threshold);
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      maxValue: this.maxValue,
      negativeSlope: this.negativeSlope,
      threshold: this.threshold,
    };
  }
}

export interface AlphaArgs extends LayerArgs {
  /** Slope, or scale, for negative values. */
  alpha?: number;
}

/** alpha * x for negative x (0.3 by default), else x (Maas and others 2013). */
export class LeakyReLU extends UnaryLayer {
  static readonly className = 'LeakyReLU';
  readonly alpha: number;
  constructor(args: AlphaArgs = {}) {
    super(args, ['alpha']);
    this.alpha = numberOption(args.alpha, 'alpha', this.label, 0.3);
  }
  protected override map(x: Tensor): Tensor {
    return functions.leakyRelu(x, this.alpha);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), alpha: this.alpha };
  }
}

/** alpha * (exp(x) - 1) for negative x (1 by default), else x (Clevert and others 2015). */
export class ELU extends UnaryLayer {
  static readonly className = 'ELU';
  readonly alpha: number;
  constructor(args: AlphaArgs = {}) {
    super(args, ['alpha']);
    this.alpha = numberOption(args.alpha, 'alpha', this.label, 1);
  }
  protected override map(x: Tensor): Tensor {
    return functions.elu(x, this.alpha);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), alpha: this.alpha };
  }
}

export interface ThresholdedReLUArgs extends LayerArgs {
  /** 1 by default. */
  theta?: number;
}

/** x above theta, else 0. */
export class ThresholdedReLU extends UnaryLayer {
  static readonly className = 'ThresholdedReLU';
  readonly theta: number;
  constructor(args: ThresholdedReLUArgs = {}) {
    super(args, ['theta']);
    this.theta = numberOption(args.theta, 'theta', this.label, 1);
  }
  protected override map(x: Tensor): Tensor {
    return b.select(b.compare('gt', x, this.theta), x, 0) as Tensor;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), theta: this.theta };
  }
}

export interface SoftmaxArgs extends LayerArgs {
  /** The last one by default. */
  axis?: number;
}

/** Softmax along an axis. A mask takes elements out of it. */
export class Softmax extends UnaryLayer {
  static readonly className = 'Softmax';
  readonly axis: number;
  constructor(args: SoftmaxArgs = {}) {
    super(args, ['axis']);
    this.axis = numberOption(args.axis, 'axis', this.label, -1);
  }
  protected override map(x: Tensor, { mask }: { mask?: Tensor | null }): Tensor {
    const fn = getActivation({ className: 'softmax', config: { axis: this.axis } }, this.label);
    // Only a mask of single elements says which of them count.
    const counted = mask && mask.rank === x.rank ? x.add(mask.cast(x.dtype).sub(1).mul(1e9)) : x;
    return activate(fn, counted);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.axis };
  }
}

export interface SharedAxesArgs extends LayerArgs {
  /** Axes (1 is the first after the batch) along which one parameter serves all elements. */
  sharedAxes?: number | number[] | null;
}

/** Shape of a parameter for inputs of that shape: without the batch, 1 along shared axes. */
function parameterShape(inputShape: Shape, shared: readonly number[], label: string): number[] {
  return inputShape.slice(1).map((_, i) => (shared.includes(i + 1) ? 1 : knownAxis(inputShape, i + 1, label)));
}
const axesOf = (x: number | number[] | null | undefined): number[] =>
  x === null || x === undefined ? [] : Array.isArray(x) ? x : [x];

export interface PReLUArgs extends SharedAxesArgs, WeightOptionArgs<'alpha'> {}

/** alpha * x for negative x, else x; alpha is learnt, one for each element of a sample (He and others 2015). */
export class PReLU extends UnaryLayer {
  static readonly className = 'PReLU';
  readonly sharedAxes: readonly number[];
  readonly #alpha: WeightOptions;
  alpha: LayerVariable | undefined;
  constructor(args: PReLUArgs = {}) {
    super(args, ['sharedAxes', ...weightKeys('alpha')]);
    this.sharedAxes = axesOf(args.sharedAxes);
    this.#alpha = new WeightOptions(args, 'alpha', 'zeros', this.label);
  }
  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(inputShape, this.label);
    this.alpha = this.#alpha.add(this, 'alpha', parameterShape(shape, this.sharedAxes, this.label));
    this.inputSpec = [new InputSpec({ ndim: shape.length })];
    this.built = true;
  }
  protected override map(x: Tensor): Tensor {
    return b.select(b.compare('gt', x, 0), x, x.mul(this.alpha as LayerVariable)) as Tensor;
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      sharedAxes: this.sharedAxes.length ? this.sharedAxes : null,
      ...this.#alpha.config(),
    };
  }
}

type SReLUWeights = 'tLeft' | 'aLeft' | 'tRight' | 'aRight';
const sreluNames = ['tLeft', 'aLeft', 'tRight', 'aRight'] as const;
export interface SReLUArgs extends SharedAxesArgs, WeightOptionArgs<SReLUWeights> {}

/**
 * x between two thresholds, and lines of learnt slopes outside of them (Jin and others 2016). Weights, one of
 * each for each element of a sample: t_left (zeros), a_left (uniform 0 to 1), t_right (uniform 0 to 5),
 * a_right (ones). The right threshold is t_left + |t_right|.
 */
export class SReLU extends UnaryLayer {
  static readonly className = 'SReLU';
  readonly sharedAxes: readonly number[];
  readonly #options: readonly WeightOptions[];
  #weights: LayerVariable[] = [];
  constructor(args: SReLUArgs = {}) {
    super(args, ['sharedAxes', ...weightKeys(...sreluNames)]);
    this.sharedAxes = axesOf(args.sharedAxes);
    const uniform = (maxval: number) => ({ className: 'RandomUniform', config: { minval: 0, maxval } });
    const first = ['zeros', uniform(1), uniform(5), 'ones'];
    this.#options = sreluNames.map((n, i) => new WeightOptions(args, n, first[i], this.label));
  }
  override build(inputShape: Shape | Shape[]): void {
    const shape = oneShape(inputShape, this.label);
    const size = parameterShape(shape, this.sharedAxes, this.label);
    this.#weights = ['t_left', 'a_left', 't_right', 'a_right'].map((n, i) => this.#options[i].add(this, n, size));
    this.inputSpec = [new InputSpec({ ndim: shape.length })];
    this.built = true;
  }
  protected override map(x: Tensor): Tensor {
    const [left, slope, width, slopeRight] = this.#weights.map((w) => w.read());
    const right = left.add(width.abs());
    const low = b.select(b.compare('lt', x, left), left.add(slope.mul(x.sub(left))), x);
    return b.select(b.compare('gt', x, right), right.add(slopeRight.mul(x.sub(right))), low) as Tensor;
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      sharedAxes: this.sharedAxes.length ? this.sharedAxes : null,
      ...Object.assign({}, ...this.#options.map((o) => o.config())),
    };
  }
}
