// Layers that add, remove or repeat rows: padding, cropping, upsampling.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { resize } from '../../trace/ops/resize.ts';
import { pad, transpose } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape, shapeText } from '../engine/symbolic.ts';
import { type DataFormat, dataFormatOption } from './data-format.ts';
import { oneOf, tuple } from './options.ts';

type Pair = readonly [number, number];

/** [before, after] of each axis: from one number for all, one for each axis, or a pair for each axis. */
function pairs(x: unknown, n: number, name: string, op: string): Pair[] {
  const whole = (d: unknown): d is number => Number.isInteger(d) && (d as number) >= 0;
  const pair = (p: unknown): Pair | undefined =>
    whole(p) ? [p, p] : Array.isArray(p) && p.length === 2 && p.every(whole) ? [p[0], p[1]] : undefined;
  const list =
    n === 1 && Array.isArray(x) && x.length === 2 && x.every(whole) ? [x] : Array.isArray(x) ? x : new Array(n).fill(x);
  const found = list.map(pair);
  if (found.length === n && found.every((p) => p !== undefined)) return found as Pair[];
  throw new ArgumentError(
    `${name} must be a whole number, one for each of ${n} axes, or [before, after] for each, not ${valueText(x)}`,
    { op, fix: `such as {${name}: 1}` },
  );
}

interface FormatArgs extends LayerArgs {
  dataFormat?: DataFormat;
}

/** Layers of axes between batch and channels. */
abstract class Spatial extends Layer {
  readonly axes: number;
  readonly dataFormat: DataFormat;
  constructor(axes: number, args: FormatArgs, known: readonly string[]) {
    super(args, [...known, 'dataFormat']);
    this.axes = axes;
    this.dataFormat = dataFormatOption(args.dataFormat, this.label);
    this.inputSpec = [new InputSpec({ ndim: axes + 2 })];
  }
  /** The first of the axes. */
  protected get first(): number {
    return this.dataFormat === 'channelsLast' ? 1 : 2;
  }
  override outputDType([dtype]: readonly DataType[]): DataType {
    return dtype;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), dataFormat: this.dataFormat };
  }
}

export interface ZeroPaddingArgs extends FormatArgs {
  /** Zeros at the ends of each axis: a number, one for each axis, or [before, after] for each; 1 by default. */
  padding?: number | number[] | [number, number][];
}

abstract class ZeroPadding extends Spatial {
  readonly padding: readonly Pair[];
  constructor(axes: number, args: ZeroPaddingArgs = {}) {
    super(axes, args, ['padding']);
    this.padding = pairs(args.padding ?? 1, axes, 'padding', this.label);
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    return pad(x, x.shape.map((_, i) => [...(this.padding[i - this.first] ?? [0, 0])]) as [number, number][]);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(inputShape, this.label).map((d, i) => {
      const p = this.padding[i - this.first];
      return d === null || !p ? d : d + p[0] + p[1];
    });
  }
  override getConfig(): Config {
    return { ...super.getConfig(), padding: this.padding };
  }
}
/** Zeros before and after the steps. */
export class ZeroPadding1D extends ZeroPadding {
  static readonly className = 'ZeroPadding1D';
  constructor(args?: ZeroPaddingArgs) {
    super(1, args);
  }
}
/** Zeros around images. */
export class ZeroPadding2D extends ZeroPadding {
  static readonly className = 'ZeroPadding2D';
  constructor(args?: ZeroPaddingArgs) {
    super(2, args);
  }
}
/** Zeros around volumes. */
export class ZeroPadding3D extends ZeroPadding {
  static readonly className = 'ZeroPadding3D';
  constructor(args?: ZeroPaddingArgs) {
    super(3, args);
  }
}

export interface CroppingArgs extends FormatArgs {
  /** What is cut off the ends of each axis, as for padding; 1 by default (over two and three axes, Keras's 0 and 1). */
  cropping?: number | number[] | [number, number][];
}

abstract class Cropping extends Spatial {
  readonly cropping: readonly Pair[];
  constructor(axes: number, args: CroppingArgs = {}) {
    super(axes, args, ['cropping']);
    this.cropping = pairs(args.cropping ?? (axes === 2 ? 0 : 1), axes, 'cropping', this.label);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    return shape.map((d, i) => {
      const p = this.cropping[i - this.first];
      if (d === null || !p) return d;
      if (d > p[0] + p[1]) return d - p[0] - p[1];
      throw new ShapeError(`cropping [${this.cropping.map((c) => `[${c}]`)}] leaves nothing of ${shapeText(shape)}`, {
        op: this.label,
        fix: 'crop less, or give larger inputs',
      });
    });
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    const size = this.computeOutputShape([...x.shape]) as number[];
    return x.slice(
      x.shape.map((_, i) => this.cropping[i - this.first]?.[0] ?? 0),
      size,
    );
  }
  override getConfig(): Config {
    return { ...super.getConfig(), cropping: this.cropping };
  }
}
/** Cuts steps off both ends. */
export class Cropping1D extends Cropping {
  static readonly className = 'Cropping1D';
  constructor(args?: CroppingArgs) {
    super(1, args);
  }
}
/** Cuts off the border of images. */
export class Cropping2D extends Cropping {
  static readonly className = 'Cropping2D';
  constructor(args?: CroppingArgs) {
    super(2, args);
  }
}
/** Cuts off the border of volumes. */
export class Cropping3D extends Cropping {
  static readonly className = 'Cropping3D';
  constructor(args?: CroppingArgs) {
    super(3, args);
  }
}

const interpolations = ['nearest', 'bilinear', 'bicubic', 'area'] as const;
export type Interpolation = (typeof interpolations)[number];

export interface UpSamplingArgs extends FormatArgs {
  /** How often each element is repeated along each axis; 2 by default. */
  size?: number | number[];
  /** Over two axes, what comes between: 'nearest' (default), 'bilinear', 'bicubic'. */
  interpolation?: Interpolation;
}

abstract class UpSampling extends Spatial {
  readonly size: readonly number[];
  readonly interpolation: Interpolation;
  constructor(axes: number, args: UpSamplingArgs = {}) {
    super(axes, args, axes === 2 ? ['size', 'interpolation'] : ['size']);
    this.size = tuple(args.size ?? 2, axes, 'size', this.label);
    this.interpolation = oneOf(args.interpolation ?? 'nearest', interpolations, 'interpolation', this.label);
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    if (this.interpolation !== 'nearest') return this.#resized(x);
    // Each element as a row of its own, repeated.
    const apart = x.shape.flatMap((d, i) => (this.#times(i) > 1 ? [d, 1] : [d]));
    const repeated = x.shape.flatMap((d, i) => (this.#times(i) > 1 ? [d, this.#times(i)] : [d]));
    return x
      .reshape(apart)
      .broadcastTo(repeated)
      .reshape(x.shape.map((d, i) => d * this.#times(i)));
  }
  #times(axis: number): number {
    return this.size[axis - this.first] ?? 1;
  }
  #resized(x: Tensor): Tensor {
    const first = this.dataFormat === 'channelsFirst';
    const image = first ? transpose(x, [0, 2, 3, 1]) : x;
    const y = resize(image, [image.shape[1] * this.size[0], image.shape[2] * this.size[1]], {
      method: this.interpolation,
    });
    return first ? transpose(y, [0, 3, 1, 2]) : y;
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(inputShape, this.label).map((d, i) => (d === null ? d : d * this.#times(i)));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), size: this.size, ...(this.axes === 2 ? { interpolation: this.interpolation } : {}) };
  }
}
/** Repeats each step. */
export class UpSampling1D extends UpSampling {
  static readonly className = 'UpSampling1D';
  constructor(args?: UpSamplingArgs) {
    super(1, args);
  }
}
/** Repeats rows and columns of images, or draws between them. */
export class UpSampling2D extends UpSampling {
  static readonly className = 'UpSampling2D';
  constructor(args?: UpSamplingArgs) {
    super(2, args);
  }
}
/** Repeats elements of volumes along all three axes. */
export class UpSampling3D extends UpSampling {
  static readonly className = 'UpSampling3D';
  constructor(args?: UpSamplingArgs) {
    super(3, args);
  }
}
