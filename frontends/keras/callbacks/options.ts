// Options of callbacks: checked when the callback is made, so that no training is lost to a typing error.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { didYouMean } from '../engine/names.ts';
import type { Logs } from './callback.ts';

function refuse(name: string, wanted: string, got: unknown, op: string): never {
  throw new ArgumentError(`${name} must be ${wanted}, got ${valueText(got)}`, { op, fix: `pass ${wanted} as ${name}` });
}

/** A finite number of at least `least`, or the default where none is given. */
export function numberOf(
  x: unknown,
  name: string,
  op: string,
  value: number,
  least = Number.NEGATIVE_INFINITY,
): number {
  if (x === undefined || x === null) return value;
  if (typeof x === 'number' && Number.isFinite(x) && x >= least) return x;
  return refuse(name, least === Number.NEGATIVE_INFINITY ? 'a finite number' : `a number from ${least} on`, x, op);
}

/** A whole number of at least `least`, or the default where none is given. */
export function wholeOf(x: unknown, name: string, op: string, value: number, least = 0): number {
  if (x === undefined || x === null) return value;
  if (Number.isInteger(x) && (x as number) >= least) return x as number;
  return refuse(name, `a whole number from ${least} on`, x, op);
}

/** True or false, or the default where nothing is given. */
export function flagOf(x: unknown, name: string, op: string, value: boolean): boolean {
  if (x === undefined || x === null) return value;
  return typeof x === 'boolean' ? x : refuse(name, 'true or false', x, op);
}

/** A text that is not empty, or the default where none is given. */
export function textOf(x: unknown, name: string, op: string, value?: string): string {
  if ((x === undefined || x === null) && value !== undefined) return value;
  return typeof x === 'string' && x !== '' ? x : refuse(name, 'a text', x, op);
}

/** A function that must be given. */
export const theFunction = <F>(x: F, name: string, op: string): F =>
  typeof x === 'function' ? x : refuse(name, 'a function', x, op);

/** A function, or undefined where none is given. */
export function functionOf<F>(x: F | undefined | null, name: string, op: string): F | undefined {
  return x === undefined || x === null ? undefined : theFunction(x, name, op);
}

/** How often: 'epoch', 'batch' (every one), or every so many batches. */
export function frequencyOf(x: unknown, name: string, op: string): 'epoch' | number {
  if (x === undefined || x === null || x === 'epoch') return 'epoch';
  if (x === 'batch') return 1;
  return Number.isInteger(x) && (x as number) > 0
    ? (x as number)
    : refuse(name, "'epoch' or a number of batches", x, op);
}

export type Mode = 'auto' | 'min' | 'max';

/** Metrics of which more is better. */
const grows = /acc|auc|precision|recall|iou|f1|fbeta|r2_?score|sensitivity|specificity/i;

/** A metric that a callback looks at, and what better means. */
export class Monitor {
  readonly metric: string;
  readonly max: boolean;
  readonly minDelta: number;
  readonly #op: string;
  #warned = false;

  /**
   * @param mode with 'auto' the name decides: accuracies and the like are to grow, all else is to fall
   * @param minDelta less than that is no improvement
   */
  constructor(metric: unknown, mode: unknown, minDelta: unknown, op: string) {
    this.metric = textOf(metric, 'monitor', op, 'val_loss');
    if (mode !== undefined && mode !== null && !['auto', 'min', 'max'].includes(mode as string))
      refuse('mode', "'auto', 'min' or 'max'", mode, op);
    this.max = mode === 'max' || (mode !== 'min' && grows.test(this.metric));
    this.minDelta = Math.abs(numberOf(minDelta, 'minDelta', op, 0));
    this.#op = op;
  }

  /** What every number is better than. */
  get worst(): number {
    return this.max ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  /** Whether a number is better than the best so far; NaN never is. */
  better(now: number, best: number): boolean {
    return this.max ? now - this.minDelta > best : now + this.minDelta < best;
  }
  /** The metric's number; undefined, with a warning, where the logs do not have it. */
  value(logs: Logs): number | undefined {
    const x = logs[this.metric];
    if (typeof x === 'number') return x;
    if (!this.#warned)
      console.warn(
        `sinter: ${this.#op} looks at '${this.metric}', which is not among the metrics: ` +
          `${didYouMean(this.metric, Object.keys(logs))}. It does nothing until it is.`,
      );
    this.#warned = true;
    return undefined;
  }
}
