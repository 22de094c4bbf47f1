// The weights of layers: Variables that know their regularizer and constraint.

import { FormatError, ShapeError } from '../../../ir/errors.ts';
import { withRecorders, withTrace } from '../../trace/context.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { zeros } from '../../trace/creation.ts';
import type { DataType } from '../../trace/dtypes.ts';
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

/** How many elements of weights may still be made, where a file says what a model is; undefined where anything goes. */
let budget: { left: number } | undefined;

/**
 * Makes a model whose weights come from a file: they begin as zeros, since they are about to be replaced, and may have
 * no more elements together than the file has. So a damaged description takes no memory.
 */
export function withBudget<T>(elements: number, f: () => T): T {
  const before = budget;
  budget = { left: elements };
  try {
    return f();
  } finally {
    budget = before;
  }
}

/** Zeros for a weight while a model of a file is made, else undefined. Throws FormatError where the file has not as many. */
export function firstValue(shape: readonly number[], dtype: DataType, layer: string): Tensor | undefined {
  if (!budget) return undefined;
  const size = shape.reduce((n, d) => n * d, 1);
  budget.left -= size;
  if (budget.left < 0)
    throw new FormatError(`the weights of the layer '${layer}' are more than the file has`, {
      op: layer,
      fix: 'its description is damaged, or the weights are of another model',
    });
  return outside(() => zeros([...shape], dtype));
}

/** The elements of a shape of weights, which must be known. Throws ShapeError where a dimension is not. */
export function knownShape(shape: readonly (number | null)[], layer: string, weight: string): number[] {
  if (shape.every((d) => Number.isInteger(d) && (d as number) >= 0)) return shape as number[];
  throw new ShapeError(`the weight '${weight}' would have the shape [${shape.map(String).join(', ')}]`, {
    op: layer,
    fix: 'a dimension of the input that weights depend on must be known: give inputShape all but the batch',
  });
}
