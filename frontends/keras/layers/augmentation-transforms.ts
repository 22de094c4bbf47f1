// Layers that turn, zoom and move images at random while a model trains, each image of the batch in its own way.
// An output pixel takes its value from a computed position of the input (tf.image.transform).

import { transform } from '../../trace/ops/sampling.ts';
import { cos, sin } from '../../trace/ops/unary.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Config } from '../engine/serialize.ts';
import { numberOption } from '../resolve.ts';
import { RandomImage, type RandomImageArgs, type Range, rangeOption, transformRows } from './augmentation.ts';
import { oneOf } from './options.ts';

const fillModes = ['reflect', 'constant', 'wrap', 'nearest'] as const;
const interpolations = ['bilinear', 'nearest'] as const;

export interface RandomTransformArgs extends RandomImageArgs {
  /** What comes in from outside: the mirror image ('reflect', default), `fillValue` ('constant'), the repetition ('wrap'), the nearest border ('nearest'). */
  fillMode?: (typeof fillModes)[number];
  /** 'bilinear' (default) or 'nearest'. */
  interpolation?: (typeof interpolations)[number];
  /** With fillMode 'constant': 0 by default. */
  fillValue?: number;
}

/** Base of layers that read images at other positions. */
abstract class RandomTransform extends RandomImage {
  readonly fillMode: (typeof fillModes)[number];
  readonly interpolation: (typeof interpolations)[number];
  readonly fillValue: number;
  constructor(args: RandomTransformArgs, known: readonly string[]) {
    super(args, [...known, 'fillMode', 'interpolation', 'fillValue']);
    this.fillMode = oneOf(args.fillMode ?? 'reflect', fillModes, 'fillMode', this.label);
    this.interpolation = oneOf(args.interpolation ?? 'bilinear', interpolations, 'interpolation', this.label);
    this.fillValue = numberOption(args.fillValue, 'fillValue', this.label, 0);
  }
  /** Rows of numbers that say where pixels come from. */
  protected abstract rows(x: Tensor): Tensor;
  protected override change(x: Tensor): Tensor {
    return transform(x, this.rows(x), this.interpolation, this.fillMode, this.fillValue);
  }
  /** A number for each image, [batch, 1]. */
  protected number(x: Tensor, range: readonly [number, number]): Tensor {
    return this.draw(x, range).reshape([x.shape[0], 1]);
  }
  /** Rows that stretch images about their centre: distances in the output times `across` and `down` in the input. */
  protected stretched(x: Tensor, across: Tensor | number, down: Tensor | number): Tensor {
    const offset = (scale: Tensor | number, size: number): Tensor | number =>
      typeof scale === 'number'
        ? (1 - scale) * ((size - 1) / 2)
        : scale
            .neg()
            .add(1)
            .mul((size - 1) / 2);
    return transformRows(x, across, 0, offset(across, x.shape[2]), 0, down, offset(down, x.shape[1]));
  }
  override getConfig(): Config {
    const { fillMode, interpolation, fillValue } = this;
    return { ...super.getConfig(), fillMode, interpolation, fillValue };
  }
}

export interface RandomRotationArgs extends RandomTransformArgs {
  /** Turns of 360 degrees, counter-clockwise: from lower to upper, or from -f to f. */
  factor: Range;
}

/** While training, turns each image about its centre. */
export class RandomRotation extends RandomTransform {
  static readonly className = 'RandomRotation';
  readonly factor: readonly [number, number];
  constructor(args: RandomRotationArgs) {
    super(args, ['factor']);
    this.factor = rangeOption(args.factor, 'factor', this.label, -Infinity, Infinity);
  }
  protected override rows(x: Tensor): Tensor {
    const [, h, w] = x.shape;
    const angle = this.number(x, this.factor).mul(2 * Math.PI);
    const [c, s] = [cos(angle), sin(angle)];
    const [cx, cy] = [(w - 1) / 2, (h - 1) / 2];
    // The centre comes from the centre.
    const left = c.mul(-cx).add(s.mul(cy)).add(cx);
    const top = s.mul(-cx).sub(c.mul(cy)).add(cy);
    return transformRows(x, c, s.neg(), left, s, c, top);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), factor: [...this.factor] };
  }
}

export interface RandomZoomArgs extends RandomTransformArgs {
  /** How much more of the image's height is seen: 0.2 to 0.3 zooms out by 20 to 30 %, negative numbers zoom in. Or -f to f. */
  heightFactor: Range;
  /** The same for the width; where it is not given, the ratio of the sides is kept. */
  widthFactor?: Range | null;
}

/** While training, zooms into or out of each image. */
export class RandomZoom extends RandomTransform {
  static readonly className = 'RandomZoom';
  readonly heightFactor: readonly [number, number];
  readonly widthFactor: readonly [number, number] | null;
  constructor(args: RandomZoomArgs) {
    super(args, ['heightFactor', 'widthFactor']);
    const { widthFactor: w } = args;
    this.heightFactor = rangeOption(args.heightFactor, 'heightFactor', this.label, -1, Infinity);
    this.widthFactor = w === undefined || w === null ? null : rangeOption(w, 'widthFactor', this.label, -1, Infinity);
  }
  protected override rows(x: Tensor): Tensor {
    const down = this.number(x, this.heightFactor).add(1);
    return this.stretched(x, this.widthFactor ? this.number(x, this.widthFactor).add(1) : down, down);
  }
  override getConfig(): Config {
    const { heightFactor, widthFactor } = this;
    return { ...super.getConfig(), heightFactor: [...heightFactor], widthFactor: widthFactor && [...widthFactor] };
  }
}

export interface RandomTranslationArgs extends RandomTransformArgs {
  /** How far down, as a share of the height: from lower to upper, or from -f to f; from -1 to 1. */
  heightFactor: Range;
  /** How far to the right, as a share of the width. */
  widthFactor: Range;
}

/** While training, moves each image. */
export class RandomTranslation extends RandomTransform {
  static readonly className = 'RandomTranslation';
  readonly heightFactor: readonly [number, number];
  readonly widthFactor: readonly [number, number];
  constructor(args: RandomTranslationArgs) {
    super(args, ['heightFactor', 'widthFactor']);
    this.heightFactor = rangeOption(args.heightFactor, 'heightFactor', this.label, -1, 1);
    this.widthFactor = rangeOption(args.widthFactor, 'widthFactor', this.label, -1, 1);
  }
  protected override rows(x: Tensor): Tensor {
    const [, h, w] = x.shape;
    const [down, right] = [this.number(x, this.heightFactor), this.number(x, this.widthFactor)];
    return transformRows(x, 1, 0, right.mul(-w), 0, 1, down.mul(-h));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), heightFactor: [...this.heightFactor], widthFactor: [...this.widthFactor] };
  }
}

export interface RandomStretchArgs extends RandomTransformArgs {
  /** How much longer that side gets: [0.2, 0.3] by 20 to 30 %, negative numbers shrink. Or from -f to f, f below 1. */
  factor: Range;
  /** TensorFlow.js's option, which has no effect: images are always changed together. */
  autoVectorize?: boolean;
}

/** Base of the layers that stretch one side. */
abstract class RandomStretch extends RandomTransform {
  readonly factor: readonly [number, number];
  constructor(args: RandomStretchArgs) {
    super(args, ['factor', 'autoVectorize']);
    // A side of length 0 shows nothing.
    this.factor = rangeOption(args.factor, 'factor', this.label, -1 + 2 ** -20, Infinity);
  }
  /** The share of the input that is seen along that side, [batch, 1]. */
  protected seen(x: Tensor): Tensor {
    return this.number(x, this.factor).add(1).reciprocal();
  }
  override getConfig(): Config {
    return { ...super.getConfig(), factor: [...this.factor] };
  }
}

/**
 * While training, makes each image wider or narrower. The shape stays, since that of a compiled program is fixed:
 * what becomes too wide is cut at both sides, and what comes in is filled by `fillMode`.
 */
export class RandomWidth extends RandomStretch {
  static readonly className = 'RandomWidth';
  protected override rows(x: Tensor): Tensor {
    return this.stretched(x, this.seen(x), 1);
  }
}
/** While training, makes each image taller or flatter, as `RandomWidth` does with the width. */
export class RandomHeight extends RandomStretch {
  static readonly className = 'RandomHeight';
  protected override rows(x: Tensor): Tensor {
    return this.stretched(x, 1, this.seen(x));
  }
}
