// Constraints: what a weight is brought back to after each update.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { add, div, mul } from '../trace/ops/binary.ts';
import { relu } from '../trace/ops/nn.ts';
import { sum } from '../trace/ops/reduce.ts';
import { clipByValue, sqrt, square } from '../trace/ops/unary.ts';
import type { Tensor } from '../trace/tensor.ts';
import { type Config, type CustomObjects, Registry, Serializable, type Serialized } from './engine/serialize.ts';
import { type AnyFunction, functionName, Kind, numberOption, optionsOf, tensorFrom } from './resolve.ts';

/** Keeps a norm of 0 from dividing: Keras's epsilon. */
const epsilon = 1e-7;

/** Base of constraints: a function from a weight to the allowed weight nearest to it. */
export abstract class Constraint extends Serializable {
  /** The weight that `w` is replaced by, of its shape and dtype. */
  abstract apply(w: Tensor): Tensor;
  getConfig(): Config {
    return {};
  }
}

/** A function of the user's as a constraint; it is saved by its name. */
class FunctionConstraint extends Constraint {
  readonly #f: AnyFunction;
  constructor(f: AnyFunction) {
    super();
    this.#f = f;
  }
  apply(w: Tensor): Tensor {
    return tensorFrom(this.#f(w), this.#f, 'constraint');
  }
  override getClassName(): string {
    return functionName(this.#f, 'constraint');
  }
}

type Axis = number | readonly number[];

/** Axes that a norm sums over: 0 for a dense kernel, [0, 1, 2] for one of a 2D convolution. */
function axisOption(axis: unknown, op: string): Axis {
  if (axis === undefined || axis === null) return 0;
  if (Number.isInteger(axis)) return axis as number;
  if (Array.isArray(axis) && axis.length && axis.every(Number.isInteger)) return axis as number[];
  throw new ArgumentError(`axis must be a whole number or several, got ${valueText(axis)}`, {
    op,
    fix: 'leave it out for 0',
  });
}

function limit(x: unknown, name: string, op: string, value: number): number {
  const n = numberOption(x, name, op, value);
  if (n >= 0) return n;
  throw new ArgumentError(`${name} must not be negative, got ${n}`, {
    op,
    fix: `norms are not; leave it out for ${value}`,
  });
}

const norms = (w: Tensor, axis: Axis): Tensor => sqrt(sum(square(w), axis, true));
const rescaled = (w: Tensor, now: Tensor, wanted: Tensor): Tensor => mul(w, div(wanted, add(now, epsilon)));

/** The largest norm, and the axes it is taken over (0 by default). */
export interface MaxNormOptions {
  maxValue?: number;
  axis?: Axis;
}

/** Scales down what has a norm above `maxValue`. */
class MaxNorm extends Constraint {
  static readonly className = 'MaxNorm';
  readonly maxValue: number;
  readonly axis: Axis;
  constructor(options?: MaxNormOptions) {
    super();
    const { maxValue, axis } = optionsOf(options, ['maxValue', 'axis'], 'maxNorm');
    this.maxValue = limit(maxValue, 'maxValue', 'maxNorm', 2);
    this.axis = axisOption(axis, 'maxNorm');
  }
  apply(w: Tensor): Tensor {
    const n = norms(w, this.axis);
    return rescaled(w, n, clipByValue(n, 0, this.maxValue));
  }
  override getConfig(): Config {
    return { maxValue: this.maxValue, axis: this.axis };
  }
}

/** The axes a norm is taken over (0 by default). */
export interface UnitNormOptions {
  axis?: Axis;
}

/** Scales to norm 1. */
class UnitNorm extends Constraint {
  static readonly className = 'UnitNorm';
  readonly axis: Axis;
  constructor(options?: UnitNormOptions) {
    super();
    this.axis = axisOption(optionsOf(options, ['axis'], 'unitNorm').axis, 'unitNorm');
  }
  apply(w: Tensor): Tensor {
    return div(w, add(norms(w, this.axis), epsilon));
  }
  override getConfig(): Config {
    return { axis: this.axis };
  }
}

/** Sets negative weights to 0. */
class NonNeg extends Constraint {
  static readonly className = 'NonNeg';
  constructor(options?: object) {
    super();
    optionsOf(options, [], 'nonNeg');
  }
  apply(w: Tensor): Tensor {
    return relu(w);
  }
}

/** The norm's limits (0 and 1), how far an update goes towards them (rate 1: all the way), the axes (0). */
export interface MinMaxNormOptions {
  minValue?: number;
  maxValue?: number;
  rate?: number;
  axis?: Axis;
}

/** Scales to a norm of (1 - rate) * norm + rate * (the norm limited to minValue..maxValue). */
class MinMaxNorm extends Constraint {
  static readonly className = 'MinMaxNorm';
  readonly minValue: number;
  readonly maxValue: number;
  readonly rate: number;
  readonly axis: Axis;
  constructor(options?: MinMaxNormOptions) {
    super();
    const op = 'minMaxNorm';
    const { minValue, maxValue, rate, axis } = optionsOf(options, ['minValue', 'maxValue', 'rate', 'axis'], op);
    this.minValue = limit(minValue, 'minValue', op, 0);
    this.maxValue = limit(maxValue, 'maxValue', op, 1);
    this.rate = limit(rate, 'rate', op, 1);
    this.axis = axisOption(axis, op);
    if (this.minValue > this.maxValue || this.rate > 1)
      throw new ArgumentError(
        `minValue ${this.minValue} must not be above maxValue ${this.maxValue}, nor rate ${this.rate} above 1`,
        { op, fix: 'swap the limits; rate 1 enforces them at once' },
      );
  }
  apply(w: Tensor): Tensor {
    const n = norms(w, this.axis);
    const allowed = clipByValue(n, this.minValue, this.maxValue);
    return rescaled(w, n, this.rate === 1 ? allowed : add(mul(allowed, this.rate), mul(n, 1 - this.rate)));
  }
  override getConfig(): Config {
    return { minValue: this.minValue, maxValue: this.maxValue, rate: this.rate, axis: this.axis };
  }
}

const kind = new Kind(
  new Registry<Constraint>('constraint', (x): x is Constraint => x instanceof Constraint),
  Constraint,
  (f) => new FunctionConstraint(f),
);
kind.add([MaxNorm, 'maxNorm'], [MinMaxNorm, 'minMaxNorm'], [NonNeg, 'nonNeg'], [UnitNorm, 'unitNorm']);

/** What stands for a constraint. */
export type ConstraintIdentifier = string | Constraint | Serialized | ((w: Tensor) => Tensor);

/** The constraint that a name, object, `{className, config}` or function stands for; nothing gives null. */
export function getConstraint(identifier: ConstraintIdentifier, op?: string, objects?: CustomObjects): Constraint;
export function getConstraint(
  identifier: ConstraintIdentifier | null | undefined,
  op?: string,
  objects?: CustomObjects,
): Constraint | null;
export function getConstraint(
  identifier: ConstraintIdentifier | null | undefined,
  op = 'constraints.get',
  objects?: CustomObjects,
): Constraint | null {
  return kind.optional(identifier, op, objects);
}

/** `tf.constraints`. */
export const constraints = Object.freeze({
  /** Norms of at most `maxValue`, 2 by default. */
  maxNorm: (options?: MaxNormOptions): Constraint => new MaxNorm(options),
  /** Norms of 1. */
  unitNorm: (options?: UnitNormOptions): Constraint => new UnitNorm(options),
  /** No negative weights. */
  nonNeg: (): Constraint => new NonNeg(),
  /** Norms between two limits. */
  minMaxNorm: (options?: MinMaxNormOptions): Constraint => new MinMaxNorm(options),
  /** See `getConstraint`. */
  get: getConstraint,
  /** Class and configuration. */
  serialize: (constraint: Constraint): Serialized => kind.serialize(constraint, 'constraints.serialize'),
  /** The constraint of what `serialize` gave. */
  deserialize: (config: string | Serialized, objects?: CustomObjects): Constraint =>
    kind.get(config, 'constraints.deserialize', objects),
  Constraint,
});
