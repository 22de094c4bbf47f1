// The base of initializers, and what gives first values by a function of the user's.

import { ShapeError } from '../../ir/errors.ts';
import type { DataType } from '../trace/dtypes.ts';
import type { Tensor } from '../trace/tensor.ts';
import { type Config, Serializable } from './engine/serialize.ts';
import { type AnyFunction, functionName, tensorFrom } from './resolve.ts';

/** Base of initializers: gives the first value of a weight. */
export abstract class Initializer extends Serializable {
  /** A tensor of that shape, float32 unless a dtype is given. */
  abstract apply(shape: readonly number[], dtype?: DataType): Tensor;
  getConfig(): Config {
    return {};
  }
}

/** A function (shape, dtype) of the user's as an initializer; it is saved by its name. */
export class FunctionInitializer extends Initializer {
  readonly #f: AnyFunction;
  constructor(f: AnyFunction) {
    super();
    this.#f = f;
  }
  apply(shape: readonly number[], dtype: DataType = 'float32'): Tensor {
    const t = tensorFrom(this.#f(shape, dtype), this.#f, 'initializer');
    if (t.rank !== shape.length || t.shape.some((d, i) => d !== shape[i]))
      throw new ShapeError(`gave shape [${t.shape}] where [${shape}] was asked for`, {
        op: this.#f.name || 'initializer',
        fix: 'make a tensor of the shape that is its first argument',
      });
    return t;
  }
  override getClassName(): string {
    return functionName(this.#f, 'initializer');
  }
}
