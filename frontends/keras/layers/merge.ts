// Layers of several inputs: sums, products, concatenation, inner products.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { upcastType } from '../../trace/dtypes.ts';
import { maximum, minimum } from '../../trace/ops/binary.ts';
import { concat } from '../../trace/ops/shape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { type OneOrMany, type Shape, shapeList, shapeText, toList } from '../engine/symbolic.ts';
import { numberOption } from '../resolve.ts';

/** Element by element over all inputs, which broadcast; a missing axis counts as one of length 1 after the batch. */
export abstract class Merge extends Layer {
  constructor(args: LayerArgs = {}, known: readonly string[] = []) {
    super(args, known);
    this.supportsMasking = true;
  }
  protected abstract merge(inputs: Tensor[]): Tensor;

  /** Throws ArgumentError for less than two inputs. */
  protected check(shapes: Shape[]): void {
    if (shapes.length < 2)
      throw new ArgumentError(`takes an array of two or more inputs, got ${shapes.length}`, {
        op: this.label,
        fix: 'apply it to an array: layer.apply([a, b])',
      });
  }
  override build(inputShape: Shape | Shape[]): void {
    this.check(shapeList(inputShape));
    this.built = true;
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const list = toList(inputs);
    const rank = Math.max(...list.map((x) => x.rank));
    const same = list.map((x) =>
      x.rank === rank ? x : x.reshape([x.shape[0], ...new Array<number>(rank - x.rank).fill(1), ...x.shape.slice(1)]),
    );
    return this.merge(same);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shapes = shapeList(inputShape);
    this.check(shapes);
    const rank = Math.max(...shapes.map((s) => s.length));
    const same = shapes.map((s) => [s[0], ...new Array<number>(rank - s.length).fill(1), ...s.slice(1)]);
    return same.reduce((x, y) =>
      x.map((d, i) => {
        const e = y[i];
        if (d === e) return d;
        if (d === 1) return e;
        if (e === 1) return d;
        if (d === null || e === null) return d ?? e;
        throw new ShapeError(`the inputs do not fit together: ${shapes.map(shapeText).join(', ')}`, {
          op: this.label,
          fix: 'they must have one shape, or 1 where they differ',
        });
      }),
    );
  }
  override outputDType(inputs: readonly DataType[]): DataType {
    return inputs.reduce(upcastType);
  }
  /** A step counts where it does in all inputs that have a mask. */
  override computeMask(_inputs: OneOrMany<Tensor>, mask?: OneOrMany<Tensor | null> | null): Tensor | null {
    const given = toList(mask ?? null).filter((m) => m !== null && m !== undefined) as Tensor[];
    return given.length ? given.reduce((p, q) => p.logicalAnd(q)) : null;
  }
}

/** The sum of all inputs. */
export class Add extends Merge {
  static readonly className = 'Add';
  protected override merge(inputs: Tensor[]): Tensor {
    return inputs.reduce((x, y) => x.add(y));
  }
}
/** The first input minus the second. */
export class Subtract extends Merge {
  static readonly className = 'Subtract';
  protected override check(shapes: Shape[]): void {
    if (shapes.length !== 2)
      throw new ArgumentError(`takes an array of two inputs, got ${shapes.length}`, {
        op: this.label,
        fix: 'layer.apply([a, b])',
      });
  }
  protected override merge([x, y]: Tensor[]): Tensor {
    return x.sub(y);
  }
}
/** The product of all inputs. */
export class Multiply extends Merge {
  static readonly className = 'Multiply';
  protected override merge(inputs: Tensor[]): Tensor {
    return inputs.reduce((x, y) => x.mul(y));
  }
}
/** The mean of all inputs. */
export class Average extends Merge {
  static readonly className = 'Average';
  protected override merge(inputs: Tensor[]): Tensor {
    return inputs.reduce((x, y) => x.add(y)).mul(1 / inputs.length);
  }
}
/** The largest of all inputs. */
export class Maximum extends Merge {
  static readonly className = 'Maximum';
  protected override merge(inputs: Tensor[]): Tensor {
    return inputs.reduce((x, y) => maximum(x, y));
  }
}
/** The smallest of all inputs. */
export class Minimum extends Merge {
  static readonly className = 'Minimum';
  protected override merge(inputs: Tensor[]): Tensor {
    return inputs.reduce((x, y) => minimum(x, y));
  }
}

export interface ConcatenateArgs extends LayerArgs {
  /** The last one by default. */
  axis?: number;
}

/** The inputs one after the other along an axis; the others must be equal. */
export class Concatenate extends Merge {
  static readonly className = 'Concatenate';
  readonly axis: number;
  constructor(args: ConcatenateArgs = {}) {
    super(args, ['axis']);
    this.axis = numberOption(args.axis, 'axis', this.label, -1);
  }
  #at(rank: number): number {
    return this.axis < 0 ? rank + this.axis : this.axis;
  }
  protected override check(shapes: Shape[]): void {
    super.check(shapes);
    const [first] = shapes;
    const at = this.#at(first.length);
    const fits = (s: Shape) =>
      s.length === first.length && s.every((d, i) => i === at || d === null || first[i] === null || d === first[i]);
    if (!shapes.every(fits))
      throw new ShapeError(`the inputs must agree but for axis ${this.axis}: ${shapes.map(shapeText).join(', ')}`, {
        op: this.label,
        fix: 'reshape them, or choose another axis',
      });
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    return this.merge(toList(inputs));
  }
  protected override merge(inputs: Tensor[]): Tensor {
    return concat(inputs, this.#at(inputs[0].rank));
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shapes = shapeList(inputShape);
    this.check(shapes);
    const at = this.#at(shapes[0].length);
    const sizes = shapes.map((s) => s[at]);
    const known = shapes[0].map((_, i) => shapes.map((s) => s[i]).find((d) => d !== null) ?? null);
    return known.map((d, i) =>
      i !== at ? d : sizes.includes(null) ? null : (sizes as number[]).reduce((n, x) => n + x, 0),
    );
  }
  override computeMask(inputs: OneOrMany<Tensor>, mask?: OneOrMany<Tensor | null> | null): Tensor | null {
    const masks = toList(mask ?? null);
    if (masks.every((m) => !m)) return null;
    const list = toList(inputs);
    const rank = Math.max(...masks.map((m) => m?.rank ?? 0));
    const at = this.#at(list[0].rank);
    const all = list.map(
      (x, i) => masks[i] ?? b.convert(b.splat({ dtype: 'f32', shape: x.shape.slice(0, rank) } as never, 1), 'bool'),
    ) as Tensor[];
    return at < rank ? concat(all, at) : all.reduce((p, q) => p.logicalAnd(q));
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axis: this.axis };
  }
}

export interface DotArgs extends LayerArgs {
  /** The axis of both inputs, or one for each, that is summed over. */
  axes: number | [number, number];
  /** Whether both are scaled to length 1 before: then it is the cosine of their angle. */
  normalize?: boolean;
}

/** The inner product of two inputs, sample by sample: of [batch, a, c] and [batch, b, c] over axis 2, [batch, a, b]. */
export class Dot extends Merge {
  static readonly className = 'Dot';
  readonly axes: number | [number, number];
  readonly normalize: boolean;
  constructor(args: DotArgs) {
    super(args, ['axes', 'normalize']);
    const { axes } = args;
    if (![axes].flat().every(Number.isInteger) || (Array.isArray(axes) && axes.length !== 2))
      throw new ArgumentError(`axes must be a whole number or two of them, not ${String(axes)}`, {
        op: this.label,
        fix: 'such as {axes: 1}',
      });
    this.axes = axes;
    this.normalize = args.normalize ?? false;
  }
  #at(ranks: readonly number[]): [number, number] {
    const [p, q] = typeof this.axes === 'number' ? [this.axes, this.axes] : this.axes;
    return [p < 0 ? ranks[0] + p : p, q < 0 ? ranks[1] + q : q];
  }
  protected override check(shapes: Shape[]): void {
    if (shapes.length !== 2)
      throw new ArgumentError(`takes an array of two inputs, got ${shapes.length}`, {
        op: this.label,
        fix: 'layer.apply([a, b])',
      });
    const [p, q] = this.#at(shapes.map((s) => s.length));
    const [m, n] = [shapes[0][p], shapes[1][q]];
    if (m === undefined || n === undefined || p === 0 || q === 0 || (m !== null && n !== null && m !== n))
      throw new ShapeError(`axis ${p} of ${shapeText(shapes[0])} and axis ${q} of ${shapeText(shapes[1])} do not fit`, {
        op: this.label,
        fix: 'both axes must be of one length, and not the batch',
      });
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    return this.merge(toList(inputs));
  }
  protected override merge([x, y]: Tensor[]): Tensor {
    const [p, q] = this.#at([x.rank, y.rank]);
    const unit = (t: Tensor, axis: number) => {
      if (!this.normalize) return t;
      const square = b.max(b.sum(b.square(t), [axis], true), 1e-12);
      return t.mul(b.un('rsqrt', square) as Tensor);
    };
    const out = b.dot(unit(x, p), unit(y, q), [[p], [q]], [[0], [0]]) as Tensor;
    return out.rank === 1 ? out.reshape([out.shape[0], 1]) : out;
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shapes = shapeList(inputShape);
    this.check(shapes);
    const at = this.#at(shapes.map((s) => s.length));
    const rest = shapes.flatMap((s, i) => s.filter((_, k) => k !== 0 && k !== at[i]));
    return [shapes[0][0], ...(rest.length ? rest : [1])];
  }
  override computeMask(): null {
    return null;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), axes: this.axes, normalize: this.normalize };
  }
}
