// What all optimizers are told: their options, and how they are checked.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { emitter as b } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { RateOption } from './rate.ts';
import type { Pair } from './resolve.ts';

/** Options of every optimizer, with Keras's meaning. */
export interface OptimizerOptions {
  /** A number, a scalar float Variable that is read at every step, or a schedule of `tf.optimizers.schedules`. */
  learningRate?: RateOption;
  name?: string;
  /** Longest Euclidean norm of each gradient. At most one of the three clippings may be given. */
  clipnorm?: number | null;
  /** Largest magnitude of each element of a gradient. */
  clipvalue?: number | null;
  /** Longest Euclidean norm of all gradients together. */
  globalClipnorm?: number | null;
  /** Share of each Variable, times the learning rate, that a step takes away (decoupled weight decay). */
  weightDecay?: number | null;
  /** The learning rate is divided by 1 + decay * iterations. */
  decay?: number;
  /** Keeps a running average of every Variable; see `finalizeVariableValues`. */
  useEma?: boolean;
  /** Share of its old value that the running average keeps: 0.99 by default. */
  emaMomentum?: number;
  /** The averages replace the Variables every so many steps; by default never. */
  emaOverwriteFrequency?: number | null;
  /** So many gradients are averaged for one step. */
  gradientAccumulationSteps?: number | null;
}

/** Names of the options of every optimizer. */
export const commonOptions = [
  'learningRate',
  'name',
  'clipnorm',
  'clipvalue',
  'globalClipnorm',
  'weightDecay',
  'decay',
  'useEma',
  'emaMomentum',
  'emaOverwriteFrequency',
  'gradientAccumulationSteps',
] as const;

/** A finite number; throws ArgumentError for anything else. */
export function checkNumber(x: number, name: string, op: string): number {
  if (!Number.isFinite(x))
    throw new ArgumentError(`${name} must be a finite number, not ${valueText(x)}`, { op, fix: 'pass a plain number' });
  return x;
}

/** A finite number from 0 on; throws ArgumentError for anything else. */
export function checkPositive(x: number, name: string, op: string): number {
  if (checkNumber(x, name, op) >= 0) return x;
  throw new ArgumentError(`${name} must not be negative, got ${x}`, { op, fix: 'pass 0 or more' });
}

/** The share of its old value that a running mean keeps: in [0, 1). Throws ArgumentError for anything else. */
export function checkDecay(x: number, name: string, op: string): number {
  if (checkNumber(x, name, op) >= 0 && x < 1) return x;
  throw new ArgumentError(`${name} must be at least 0 and less than 1, not ${x}`, { op, fix: 'a usual value is 0.9' });
}

/** A whole number from 1 on, or null where there is none; throws ArgumentError for anything else. */
export function checkCount(x: number | null | undefined, name: string, op: string): number | null {
  if (x === null || x === undefined) return null;
  if (Number.isInteger(x) && x >= 1) return x;
  throw new ArgumentError(`${name} must be a whole number from 1 on, not ${valueText(x)}`, {
    op,
    fix: 'pass 2 or more',
  });
}

/** How gradients are cut. */
export interface Clipping {
  readonly kind: 'clipnorm' | 'clipvalue' | 'globalClipnorm';
  readonly limit: number;
}

/** The one clipping that is asked for. Throws ArgumentError where there are several, or a limit is not above 0. */
export function clippingOf(o: OptimizerOptions, op: string): Clipping | undefined {
  const kinds = (['clipnorm', 'clipvalue', 'globalClipnorm'] as const).filter(
    (k) => o[k] !== null && o[k] !== undefined,
  );
  if (kinds.length > 1)
    throw new ArgumentError(`${kinds.join(' and ')} are given together`, { op, fix: 'choose one of them' });
  if (kinds.length === 0) return undefined;
  const [kind] = kinds;
  const limit = checkNumber(o[kind] as number, kind, op);
  if (limit > 0) return { kind, limit };
  throw new ArgumentError(`${kind} must be above 0, got ${limit}`, { op, fix: 'a usual value is 1' });
}

/** The gradients, cut. A norm that is not above the limit changes nothing. */
export function clip(pairs: readonly Pair[], clipping: Clipping | undefined): readonly Pair[] {
  if (!clipping) return pairs;
  const { kind, limit } = clipping;
  if (kind === 'clipvalue') return pairs.map(([g, v]) => [b.min(b.max(g, -limit), limit) as Tensor, v]);
  const squares = pairs.map(([g]) => b.sum(b.square(g)));
  const scale = (square: (typeof squares)[number]) => b.div(limit, b.max(b.un('sqrt', square), limit));
  if (kind === 'clipnorm') return pairs.map(([g, v], i) => [b.mul(g, scale(squares[i])) as Tensor, v]);
  if (pairs.length === 0) return pairs;
  const wide = squares.some((s) => s.type.dtype === 'f64') ? 'f64' : 'f32';
  const all = scale(squares.map((s) => b.convert(s, wide)).reduce((x, y) => b.add(x, y)));
  return pairs.map(([g, v]) => [b.mul(g, b.convert(all, g.type.dtype)) as Tensor, v]);
}
