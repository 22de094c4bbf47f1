// Layers that change images at random while a model trains, each image of the batch in its own way: mirrored, cut
// out, brighter, of more contrast. The random numbers are drawn in the graph, so a compiled step draws anew.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { tensorType } from '../../../ir/types.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { transform } from '../../trace/ops/sampling.ts';
import { clipByValue, floor } from '../../trace/ops/unary.ts';
import { randomUniform } from '../../trace/random.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import { countOption, oneOf } from './options.ts';
import { resized } from './preprocessing.ts';

/** A number f, for -f to f, or [lower, upper]. */
export type Range = number | readonly [number, number];

/** The range of random numbers, within `least` to `most`. Throws ArgumentError for what is none. */
export function rangeOption(x: unknown, name: string, op: string, least: number, most: number): [number, number] {
  const list: unknown[] = typeof x === 'number' && x >= 0 ? [-x, x] : Array.isArray(x) ? x : [];
  const [low, high] = list as number[];
  const inside = list.length === 2 && list.every((v) => typeof v === 'number' && v >= least && v <= most);
  if (inside && low <= high) return [low, high];
  throw new ArgumentError(
    `${name} must be a number from 0 on, or [lower, upper], from ${least} to ${most}, not ${valueText(x)}`,
    { op, fix: `such as {${name}: 0.2} for -0.2 to 0.2` },
  );
}

export interface RandomImageArgs extends LayerArgs {
  /** Makes the random numbers the same in each run. */
  seed?: number;
}

/** Base: images [batch, height, width, channels], which change only while training. */
export abstract class RandomImage extends Layer {
  readonly seed: number | null;
  constructor(args: RandomImageArgs, known: readonly string[]) {
    super(args, [...known, 'seed']);
    this.seed = args.seed ?? null;
    this.useSeed(args.seed);
    this.inputSpec = [new InputSpec({ ndim: 4 })];
  }
  /** The changed images. */
  protected abstract change(x: Tensor): Tensor;
  /** What becomes of images where nobody trains. */
  protected unchanged(x: Tensor): Tensor {
    return x;
  }
  /** A number for each image, [batch, 1, 1, 1], from `low` up to `high`. */
  protected draw(x: Tensor, [low, high]: readonly [number, number]): Tensor {
    return this.randomly(() => randomUniform([x.shape[0], 1, 1, 1], low, high, x.dtype as 'float32'));
  }
  override call(inputs: OneOrMany<Tensor>, { training }: Kwargs): Tensor {
    const x = exactlyOne(inputs, this.label).cast(this.dtype);
    return training && x.size > 0 ? this.change(x) : this.unchanged(x);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(inputShape, this.label);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), seed: this.seed };
  }
}

const modes = ['horizontal', 'vertical', 'horizontalAndVertical'] as const;
export interface RandomFlipArgs extends RandomImageArgs {
  /** Left and right ('horizontal'), top and bottom ('vertical'), or both on their own (default). */
  mode?: (typeof modes)[number];
}

/** While training, mirrors every other image. */
export class RandomFlip extends RandomImage {
  static readonly className = 'RandomFlip';
  readonly mode: (typeof modes)[number];
  constructor(args: RandomFlipArgs = {}) {
    super(args, ['mode']);
    const given = args.mode as string | undefined;
    const spelled = given === 'horizontal_and_vertical' ? 'horizontalAndVertical' : given;
    this.mode = oneOf(spelled ?? 'horizontalAndVertical', modes, 'mode', this.label);
  }
  protected override change(x: Tensor): Tensor {
    const flipped = (t: Tensor, axis: number): Tensor =>
      b.select(b.compare('lt', this.draw(x, [0, 1]), 0.5), b.reverse(t, [axis]), t) as Tensor;
    const across = this.mode === 'vertical' ? x : flipped(x, 2);
    return this.mode === 'horizontal' ? across : flipped(across, 1);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), mode: this.mode };
  }
}

export interface RandomCropArgs extends RandomImageArgs {
  height: number;
  width: number;
}

/**
 * Images cut to height and width. While training, each at a place of its own; else, and where an image is too small,
 * the largest part around the centre that has the same ratio of sides, resized.
 */
export class RandomCrop extends RandomImage {
  static readonly className = 'RandomCrop';
  readonly height: number;
  readonly width: number;
  constructor(args: RandomCropArgs) {
    super(args, ['height', 'width']);
    this.height = countOption(args.height, 'height', this.label);
    this.width = countOption(args.width, 'width', this.label);
  }
  protected override change(x: Tensor): Tensor {
    const [n, h, w] = x.shape;
    const { height, width } = this;
    if (h < height || w < width) return this.unchanged(x);
    const start = (free: number): Tensor =>
      floor(this.draw(x, [0, 1]).mul(free + 1))
        .minimum(free)
        .reshape([n, 1]);
    const rows = transformRows(x, 1, 0, start(w - width), 0, 1, start(h - height));
    return transform(x, rows, 'nearest', 'constant', 0, [height, width]);
  }
  protected override unchanged(x: Tensor): Tensor {
    return resized(x, this.height, this.width, true, 'bilinear').cast(this.dtype);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    return [shape[0], this.height, this.width, shape[3]];
  }
  override getConfig(): Config {
    return { ...super.getConfig(), height: this.height, width: this.width };
  }
}

/** Rows for `transform`: output (x, y) is from (a0 x + a1 y + a2, b0 x + b1 y + b2); each a number, or [batch, 1]. */
export function transformRows(x: Tensor, ...parts: readonly (Tensor | number)[]): Tensor {
  const type = tensorType(x.type.dtype, [x.shape[0], 1]);
  const columns = [...parts, 0, 0].map((p) => (typeof p === 'number' ? b.splat(type, p) : p));
  return b.concat(columns, 1) as Tensor;
}

export interface RandomColorArgs extends RandomImageArgs {
  /** The smallest and the largest value of a pixel: [0, 255] by default. */
  valueRange?: readonly [number, number];
}

/** Base of layers that keep pixels within a range of values. */
abstract class RandomColor extends RandomImage {
  readonly valueRange: readonly [number, number];
  constructor(args: RandomColorArgs, known: readonly string[]) {
    super(args, [...known, 'valueRange']);
    this.valueRange = rangeOption(args.valueRange ?? [0, 255], 'valueRange', this.label, -Infinity, Infinity);
  }
  protected clipped(x: Tensor): Tensor {
    return clipByValue(x, this.valueRange[0], this.valueRange[1]);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), valueRange: [...this.valueRange] };
  }
}

export interface RandomBrightnessArgs extends RandomColorArgs {
  /** What is added, as a share of the range of values: from lower to upper, or from -f to f; from -1 to 1. */
  factor: Range;
}

/** While training, makes each image brighter or darker. */
export class RandomBrightness extends RandomColor {
  static readonly className = 'RandomBrightness';
  readonly factor: readonly [number, number];
  constructor(args: RandomBrightnessArgs) {
    super(args, ['factor']);
    this.factor = rangeOption(args.factor, 'factor', this.label, -1, 1);
  }
  protected override change(x: Tensor): Tensor {
    const [low, high] = this.valueRange;
    return this.clipped(x.add(this.draw(x, this.factor).mul(high - low)));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), factor: [...this.factor] };
  }
}

export interface RandomContrastArgs extends RandomColorArgs {
  /** [lower, upper]: contrast is multiplied by 1 - lower to 1 + upper (lower at most 1). A number is both. */
  factor: Range;
}

/** While training, moves the pixels of each image away from or towards the mean of their channel. */
export class RandomContrast extends RandomColor {
  static readonly className = 'RandomContrast';
  readonly factor: readonly [number, number];
  constructor(args: RandomContrastArgs) {
    super(args, ['factor']);
    const { factor } = args;
    const list = typeof factor === 'number' ? [factor, factor] : Array.isArray(factor) ? factor : [];
    const valid = list.length === 2 && list.every((v) => Number.isFinite(v) && v >= 0) && list[0] <= 1;
    if (!valid)
      throw new ArgumentError(`factor must be a number from 0 to 1, or [lower, upper], not ${valueText(factor)}`, {
        op: this.label,
        fix: 'such as {factor: 0.2} for a contrast of 0.8 to 1.2',
      });
    this.factor = [list[0], list[1]];
  }
  protected override change(x: Tensor): Tensor {
    const [lower, upper] = this.factor;
    const mean = x.mean([1, 2], true);
    return this.clipped(
      x
        .sub(mean)
        .mul(this.draw(x, [1 - lower, 1 + upper]))
        .add(mean),
    );
  }
  override getConfig(): Config {
    return { ...super.getConfig(), factor: [...this.factor] };
  }
}
