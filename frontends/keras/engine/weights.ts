// The weights of layers: Variables that know their regularizer and constraint.

import { ShapeError } from '../../../ir/errors.ts';
import { withRecorders, withTrace } from '../../trace/context.ts';
import type { TensorLike } from '../../trace/convert.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { Variable } from '../../trace/variable.ts';
import type { Constraint } from '../constraints.ts';
import type { Regularizer } from '../regularizers.ts';

/** A weight of a layer. */
export class LayerVariable extends Variable {
  /** Its name within the layer. */
  readonly originalName: string;
  /** Whether the layer made it to be trained; `trainable` is false as well while its layer is frozen. */
  readonly declaredTrainable: boolean;
  readonly regularizer: Regularizer | null;
  readonly constraint: Constraint | null;
  /** What its regularizer adds to the loss. One function a weight: where layers share it, it counts once. */
  readonly penalty: (() => Tensor) | null;

  constructor(
    initial: Tensor,
    name: string,
    originalName: string,
    trainable: boolean,
    regularizer: Regularizer | null = null,
    constraint: Constraint | null = null,
  ) {
    super(initial, trainable, name);
    this.originalName = originalName;
    this.declaredTrainable = trainable;
    this.regularizer = regularizer;
    this.constraint = constraint;
    this.penalty = regularizer && (() => regularizer.apply(this.read()));
  }

  /** As `assign`. */
  write(value: TensorLike): this {
    return this.assign(value);
  }
  /** The Variable itself, as TensorFlow.js names it. */
  get val(): this {
    return this;
  }
}

/**
 * Computes outside of any trace and unseen by tapes: weights get their first values while a model is
 * traced, too, and are no part of the graph.
 */
export const outside = <T>(f: () => T): T => withTrace(undefined, () => withRecorders([], f));

/** The elements of a shape of weights, which must be known. Throws ShapeError where a dimension is not. */
export function knownShape(shape: readonly (number | null)[], layer: string, weight: string): number[] {
  if (shape.every((d) => Number.isInteger(d) && (d as number) >= 0)) return shape as number[];
  throw new ShapeError(`the weight '${weight}' would have the shape [${shape.map(String).join(', ')}]`, {
    op: layer,
    fix: 'a dimension of the input that weights depend on must be known: give inputShape all but the batch',
  });
}
