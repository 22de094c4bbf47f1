// The learning rate of an optimizer: a number that may be changed, a Variable of the user's, or a schedule.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { type DType, isFloat } from '../../ir/types.ts';
import { type Config, type ConfigValue, serialize } from '../keras/engine/serialize.ts';
import { emitter as b } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';
import { Variable, variable } from '../trace/variable.ts';
import { checkNumber } from './options.ts';
import { LearningRateSchedule, scheduleRegistry } from './schedules.ts';

/** What a learning rate may be. */
export type LearningRate = number | Variable | LearningRateSchedule;
/** The same, or a schedule's configuration. */
export type RateOption = LearningRate | { readonly className: string; readonly config: Config };

/** Throws ArgumentError for what can be no learning rate. */
function checkRate(x: unknown, op: string): LearningRate {
  if (typeof x === 'number') return checkNumber(x, 'learningRate', op);
  if (x instanceof Variable) {
    if (x.rank === 0 && isFloat(x.type.dtype)) return x;
    throw new ArgumentError(`learningRate must be a number or a scalar float Variable, not ${x.dtype}[${x.shape}]`, {
      op,
      fix: 'make it with tf.variable(0.1)',
    });
  }
  if (x instanceof LearningRateSchedule) return x;
  if (typeof x === 'object' && x !== null && 'className' in x) return scheduleRegistry.get(x, op);
  throw new ArgumentError(`learningRate must be a finite number, not ${valueText(x)}`, {
    op,
    fix: 'pass a plain number, a scalar Variable or a schedule of tf.optimizers.schedules',
  });
}

/** Holds a learning rate. */
export class Rate {
  /** A number stays one until a step reads it: then it becomes a Variable, which traced steps read. */
  #value: LearningRate;
  /** The number that the Variable got last from here: it gives 0.1 back, not 0.10000000149. */
  #given: number | undefined;
  /** The Variable that was made here, which nobody else assigns. */
  #own: Variable | undefined;
  readonly #op: string;

  constructor(given: unknown, op: string) {
    this.#op = op;
    this.#value = checkRate(given, op);
  }

  /** The schedule, if it is one. */
  get schedule(): LearningRateSchedule | undefined {
    return this.#value instanceof LearningRateSchedule ? this.#value : undefined;
  }

  /** The rate of the step after `iterations` steps, as an operation. */
  at(iterations: Tensor, dtype: DType): Tensor {
    const x = this.#value;
    if (x instanceof LearningRateSchedule)
      return b.convert(x.apply(b.convert(iterations, 'f32') as Tensor), dtype) as Tensor;
    if (typeof x === 'number') {
      this.#given = x;
      this.#own = variable(x, false, `${this.#op}/learning_rate`, 'float32');
      this.#own.cell.spare = () => Float32Array.of(this.#given ?? x);
      this.#value = this.#own;
      return this.at(iterations, dtype);
    }
    return b.convert(x, dtype) as Tensor;
  }

  /** Its present value. */
  get(iterations: Tensor): number {
    if (typeof this.#value === 'number') return this.#value;
    if (this.#given !== undefined && this.#value === this.#own && this.#own.remote) return this.#given;
    const x = this.at(iterations, 'f32').dataSync()[0];
    return this.#given !== undefined && Math.fround(this.#given) === x ? this.#given : x;
  }

  /** Brings what it follows from to JavaScript. */
  async fetch(iterations: Variable): Promise<void> {
    if (typeof this.#value !== 'number') await (this.schedule ? iterations : (this.#value as Variable)).fetch();
  }

  /** Changes it. Throws ArgumentError where a schedule decides. */
  set(given: unknown): void {
    const next = checkRate(given, this.#op);
    if (typeof next === 'number' && this.#value instanceof LearningRateSchedule)
      throw new ArgumentError(`a schedule decides the learning rate: it cannot be set to ${next}`, {
        op: this.#op,
        fix: 'make the optimizer with a number, or assign another schedule',
      });
    this.#given = typeof next === 'number' ? next : undefined;
    if (typeof next === 'number' && this.#value instanceof Variable) this.#value.assign(next);
    else this.#value = next;
  }

  /** As a configuration holds it. */
  config(iterations: Tensor): ConfigValue {
    const s = this.schedule;
    return s ? { ...serialize(s) } : this.get(iterations);
  }
}
