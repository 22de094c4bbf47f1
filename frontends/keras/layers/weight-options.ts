// The options that come with each kind of weight: kernelInitializer, kernelRegularizer, kernelConstraint.

import { type Constraint, type ConstraintIdentifier, getConstraint } from '../constraints.ts';
import type { Layer } from '../engine/layer.ts';
import { type Config, serialize } from '../engine/serialize.ts';
import type { Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { getInitializer, type Initializer, type InitializerIdentifier } from '../initializers.ts';
import { getRegularizer, type Regularizer, type RegularizerIdentifier } from '../regularizers.ts';

/** Options for the weights of these kinds: `WeightArgs<'kernel' | 'bias'>` has kernelInitializer and so on. */
export type WeightOptionArgs<P extends string> = { [K in `${P}Initializer`]?: InitializerIdentifier } & {
  [K in `${P}Regularizer`]?: RegularizerIdentifier | null;
} & { [K in `${P}Constraint`]?: ConstraintIdentifier | null };

/** The names of the options of these kinds of weights. */
export const weightKeys = (...prefixes: string[]): string[] =>
  prefixes.flatMap((p) => [`${p}Initializer`, `${p}Regularizer`, `${p}Constraint`]);

/** How one kind of weight of a layer is made. */
export class WeightOptions {
  readonly #prefix: string;
  readonly initializer: Initializer;
  readonly regularizer: Regularizer | null;
  readonly constraint: Constraint | null;

  /**
   * Reads the options of a kind of weight. Throws ArgumentError for unknown names.
   * @param args the layer's options
   * @param prefix 'kernel'
   * @param initializer where none is given
   */
  constructor(args: object, prefix: string, initializer: InitializerIdentifier, op: string) {
    const given = args as Record<string, never>;
    this.#prefix = prefix;
    this.initializer = getInitializer(given[`${prefix}Initializer`] ?? initializer, op);
    this.regularizer = getRegularizer(given[`${prefix}Regularizer`] ?? null, op);
    this.constraint = getConstraint(given[`${prefix}Constraint`] ?? null, op);
  }

  /** Makes such a weight of a layer. */
  add(layer: Layer, name: string, shape: Shape, trainable = true): LayerVariable {
    const { initializer, regularizer, constraint } = this;
    return layer.addWeight({ name, shape, initializer, regularizer, constraint, trainable });
  }

  /** The options again. */
  config(): Config {
    const p = this.#prefix;
    return {
      [`${p}Initializer`]: { ...serialize(this.initializer) },
      [`${p}Regularizer`]: this.regularizer && { ...serialize(this.regularizer) },
      [`${p}Constraint`]: this.constraint && { ...serialize(this.constraint) },
    };
  }
}
