// Running averages of the Variables that an optimizer trains.

import type { Config } from '../keras/engine/serialize.ts';
import { emitter as b } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Variable } from '../trace/variable.ts';
import { checkCount, checkDecay, type OptimizerOptions } from './options.ts';

/** average = momentum * average + (1 - momentum) * value; the first value is taken as it is. */
export class Averages {
  readonly #momentum: number;
  readonly #frequency: number | null;
  readonly #of = new Map<Variable, Variable>();

  constructor(options: OptimizerOptions, op: string) {
    this.#momentum = checkDecay(options.emaMomentum ?? 0.99, 'emaMomentum', op);
    this.#frequency = checkCount(options.emaOverwriteFrequency, 'emaOverwriteFrequency', op);
  }

  add(v: Variable, average: Variable): void {
    this.#of.set(v, average);
  }
  /** The average of `v`. */
  of(v: Variable): Variable {
    return this.#of.get(v) as Variable;
  }

  /** After a step, of which `iterations` does not know yet. */
  update(variables: readonly Variable[], iterations: Variable): void {
    const later = b.compare('gt', iterations, 0);
    for (const v of variables) {
      const average = this.of(v);
      const { dtype } = v.type;
      const keep = b.mul(b.convert(later, dtype), this.#momentum);
      const next = b.add(b.mul(average, keep), b.mul(v, b.sub(1, keep)));
      average.assign(next as Tensor);
      if (!this.#frequency) continue;
      const last = b.call('rem', [b.add(iterations, 1), b.splat(iterations.type, this.#frequency)]);
      v.assign(b.select(b.compare('eq', last, 0), next, v.read()) as Tensor);
    }
  }

  /** The Variables become their averages. */
  overwrite(variables: readonly Variable[]): void {
    for (const v of variables) {
      const average = this.#of.get(v);
      if (average) v.assign(average.read());
    }
  }

  /** The options, where there are averages, and where there are none. */
  static config(a: Averages | undefined): Config {
    return {
      useEma: a !== undefined,
      emaMomentum: a ? a.#momentum : 0.99,
      emaOverwriteFrequency: a ? a.#frequency : null,
    };
  }
}
