// What a layer demands of its inputs, and the error where they do not fit.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import type { DataType } from '../../trace/dtypes.ts';
import { type Shape, shapeText } from './symbolic.ts';

export interface InputSpecArgs {
  dtype?: DataType;
  shape?: Shape;
  ndim?: number;
  maxNDim?: number;
  minNDim?: number;
  /** Sizes of single axes; negative axes count from the end. */
  axes?: { [axis: number]: number | null };
}

/** What an input must be like; everything that is not given is free. */
export class InputSpec {
  readonly dtype: DataType | undefined;
  readonly shape: Shape | undefined;
  readonly ndim: number | undefined;
  readonly maxNDim: number | undefined;
  readonly minNDim: number | undefined;
  readonly axes: { [axis: number]: number | null };

  constructor(args: InputSpecArgs = {}) {
    this.dtype = args.dtype;
    this.shape = args.shape;
    this.ndim = args.shape ? args.shape.length : args.ndim;
    this.maxNDim = args.maxNDim;
    this.minNDim = args.minNDim;
    this.axes = args.axes ?? {};
  }

  /** What of the spec the shape breaks, or undefined. */
  problem(shape: Shape): string | undefined {
    const rank = shape.length;
    if (this.ndim !== undefined && rank !== this.ndim) return `expected ${this.ndim} dimension(s), got ${rank}`;
    if (this.maxNDim !== undefined && rank > this.maxNDim)
      return `expected at most ${this.maxNDim} dimension(s), got ${rank}`;
    if (this.minNDim !== undefined && rank < this.minNDim)
      return `expected at least ${this.minNDim} dimension(s), got ${rank}`;
    for (const [k, want] of Object.entries(this.axes)) {
      const axis = Number(k);
      const have = shape[axis < 0 ? rank + axis : axis];
      if (want !== null && have !== null && have !== want) return `expected ${want} along axis ${axis}, got ${have}`;
    }
    const wrong = this.shape?.findIndex((d, i) => d !== null && shape[i] !== null && shape[i] !== d) ?? -1;
    return wrong < 0 ? undefined : `expected the shape ${shapeText(this.shape as Shape)}`;
  }
}

/** Throws ShapeError, naming the layer, where the inputs are not what it takes. */
export function assertCompatible(
  specs: readonly (InputSpec | null)[] | null,
  shapes: readonly Shape[],
  layer: string,
): void {
  if (!specs) return;
  if (specs.length !== shapes.length)
    throw new ArgumentError(
      `takes ${specs.length} input(s), got ${shapes.length}: ${shapes.map(shapeText).join(', ')}`,
      {
        op: layer,
        fix: `apply it to ${specs.length === 1 ? 'one tensor' : `an array of ${specs.length} tensors`}`,
      },
    );
  specs.forEach((s, i) => {
    const problem = s?.problem(shapes[i]);
    if (problem)
      throw new ShapeError(`input ${i} does not fit the layer: ${problem}; its shape is ${shapeText(shapes[i])}`, {
        op: layer,
        fix:
          s?.ndim !== undefined && shapes[i].length === s.ndim - 1
            ? shapes[i][0] === null
              ? 'is the axis of the channels missing? One channel is an axis of its own: inputShape [28, 28, 1]'
              : 'is the axis of the batch missing? tf.expandDims(x, 0) adds one'
            : 'give it an input of that shape, or put a layer such as flatten or reshape in front',
      });
  });
}
