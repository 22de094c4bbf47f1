// Regularizers: what a weight adds to the loss.

import { ArgumentError, ShapeError, valueText } from '../../ir/errors.ts';
import { eye, scalar } from '../trace/creation.ts';
import { add, div, maximum, mul, sub } from '../trace/ops/binary.ts';
import { matMul } from '../trace/ops/linalg.ts';
import { sum } from '../trace/ops/reduce.ts';
import { abs, sqrt, square } from '../trace/ops/unary.ts';
import type { Tensor } from '../trace/tensor.ts';
import { type Config, type CustomObjects, Registry, Serializable, type Serialized } from './engine/serialize.ts';
import { type AnyFunction, functionName, Kind, numberOption, optionsOf, tensorFrom } from './resolve.ts';

/** Base of regularizers: a scalar of a weight, added to the loss. */
export abstract class Regularizer extends Serializable {
  /** The penalty of the weight x, a scalar of its dtype. */
  abstract apply(x: Tensor): Tensor;
  getConfig(): Config {
    return {};
  }
}

/** A function of the user's as a regularizer; it is saved by its name. */
class FunctionRegularizer extends Regularizer {
  readonly #f: AnyFunction;
  constructor(f: AnyFunction) {
    super();
    this.#f = f;
  }
  apply(x: Tensor): Tensor {
    return tensorFrom(this.#f(x), this.#f, 'regularizer');
  }
  override getClassName(): string {
    return functionName(this.#f, 'regularizer');
  }
}

function factor(x: unknown, name: string, op: string, value = 0.01): number {
  const f = numberOption(x, name, op, value);
  if (f >= 0) return f;
  throw new ArgumentError(`${name} must not be negative, got ${f}`, { op, fix: 'a usual value is 0.01' });
}

/** Factors of the penalties, each 0.01 by default. */
export interface L1L2Options {
  l1?: number;
  l2?: number;
}

/** l1 * sum |x| + l2 * sum x². */
export class L1L2 extends Regularizer {
  static readonly className: string = 'L1L2';
  readonly l1: number;
  readonly l2: number;
  constructor(options?: L1L2Options) {
    super();
    const { l1, l2 } = optionsOf(options, ['l1', 'l2'], 'l1l2');
    this.l1 = factor(l1, 'l1', 'l1l2');
    this.l2 = factor(l2, 'l2', 'l1l2');
  }
  apply(x: Tensor): Tensor {
    const parts: Tensor[] = [];
    if (this.l1 !== 0) parts.push(mul(sum(abs(x)), this.l1));
    if (this.l2 !== 0) parts.push(mul(sum(square(x)), this.l2));
    return parts.length ? parts.reduce((a, b) => add(a, b)) : scalar(0, x.dtype);
  }
  override getConfig(): Config {
    return { l1: this.l1, l2: this.l2 };
  }
  /** TensorFlow.js knows only L1L2, so L1 and L2 are saved as that. */
  override getClassName(): string {
    return 'L1L2';
  }
}

/** l1 * sum |x|. */
class L1 extends L1L2 {
  static override readonly className = 'L1';
  constructor(options?: { l1?: number }) {
    super({ l1: optionsOf(options, ['l1'], 'l1').l1, l2: 0 });
  }
}

/** l2 * sum x². */
class L2 extends L1L2 {
  static override readonly className = 'L2';
  constructor(options?: { l2?: number }) {
    super({ l1: 0, l2: optionsOf(options, ['l2'], 'l2').l2 });
  }
}

/** The penalty's factor (0.01 by default), and whether rows (the default) or columns are to be orthogonal. */
export interface OrthogonalOptions {
  factor?: number;
  mode?: 'rows' | 'columns';
}

/** factor * the mean |cosine| of the angles between the rows (or columns) of a matrix, as Keras. */
class OrthogonalRegularizer extends Regularizer {
  static readonly className = 'OrthogonalRegularizer';
  readonly factor: number;
  readonly mode: 'rows' | 'columns';
  constructor(options?: OrthogonalOptions) {
    super();
    const op = 'orthogonalRegularizer';
    const { factor: f, mode = 'rows' } = optionsOf(options, ['factor', 'mode'], op);
    this.factor = factor(f, 'factor', op);
    if (mode !== 'rows' && mode !== 'columns')
      throw new ArgumentError(`mode must be 'rows' or 'columns', got ${valueText(mode)}`, {
        op,
        fix: 'leave it out for rows',
      });
    this.mode = mode;
  }
  apply(x: Tensor): Tensor {
    if (x.rank !== 2)
      throw new ShapeError(`the weight must be a matrix, got shape [${x.shape}]`, {
        op: 'orthogonalRegularizer',
        fix: 'regularize the kernels of dense layers by it',
      });
    const rows = this.mode === 'rows';
    const n = x.shape[rows ? 0 : 1];
    const unit = div(x, sqrt(maximum(sum(square(x), rows ? 1 : 0, true), 1e-12)));
    const cosines = mul(matMul(unit, unit, !rows, rows), sub(1, eye(n, n, [], x.dtype)));
    return mul(sum(abs(cosines)), (0.5 * this.factor) / Math.max(1, (n * (n - 1)) / 2));
  }
  override getConfig(): Config {
    return { factor: this.factor, mode: this.mode };
  }
}

const kind = new Kind(
  new Registry<Regularizer>('regularizer', (x): x is Regularizer => x instanceof Regularizer),
  Regularizer,
  (f) => new FunctionRegularizer(f),
);
kind.add([L1L2, 'l1l2'], [L1, 'l1'], [L2, 'l2'], [OrthogonalRegularizer, 'orthogonalRegularizer', 'orthogonal']);

/** What stands for a regularizer. */
export type RegularizerIdentifier = string | Regularizer | Serialized | ((x: Tensor) => Tensor);

/** The regularizer that a name, object, `{className, config}` or function stands for; nothing gives null. */
export function getRegularizer(identifier: RegularizerIdentifier, op?: string, objects?: CustomObjects): Regularizer;
export function getRegularizer(
  identifier: RegularizerIdentifier | null | undefined,
  op?: string,
  objects?: CustomObjects,
): Regularizer | null;
export function getRegularizer(
  identifier: RegularizerIdentifier | null | undefined,
  op = 'regularizers.get',
  objects?: CustomObjects,
): Regularizer | null {
  return kind.optional(identifier, op, objects);
}

/** `tf.regularizers`. */
export const regularizers = Object.freeze({
  /** l1 * sum |x| + l2 * sum x²; both 0.01 by default. */
  l1l2: (options?: L1L2Options): Regularizer => new L1L2(options),
  /** l1 * sum |x|; 0.01 by default. */
  l1: (options?: { l1?: number }): Regularizer => new L1(options),
  /** l2 * sum x²; 0.01 by default. */
  l2: (options?: { l2?: number }): Regularizer => new L2(options),
  /** Makes the rows or columns of a matrix orthogonal. */
  orthogonalRegularizer: (options?: OrthogonalOptions): Regularizer => new OrthogonalRegularizer(options),
  /** See `getRegularizer`. */
  get: getRegularizer,
  /** Class and configuration. */
  serialize: (regularizer: Regularizer): Serialized => kind.serialize(regularizer, 'regularizers.serialize'),
  /** The regularizer of what `serialize` gave. */
  deserialize: (config: string | Serialized, objects?: CustomObjects): Regularizer =>
    kind.get(config, 'regularizers.deserialize', objects),
  Regularizer,
});
