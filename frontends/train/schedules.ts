// Learning rate schedules, as operations on the number of steps taken: they are part of a traced step.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import type { Val } from '../../ir/graph.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { type Config, Registry, Serializable } from '../keras/engine/serialize.ts';
import { emitter as b } from '../trace/dispatch.ts';
import type { Tensor } from '../trace/tensor.ts';
import { checkNumber, checkPositive } from './options.ts';

/** A learning rate that follows from how many steps were taken. */
export abstract class LearningRateSchedule extends Serializable {
  /**
   * The learning rate of a step.
   * @param step scalar float32 tensor: how many steps were taken before
   * @returns scalar float32 tensor
   */
  abstract apply(step: Tensor): Tensor;
}

/** A number of steps above 0; throws ArgumentError for anything else. */
function checkSteps(x: number, name: string, op: string): number {
  if (checkNumber(x, name, op) > 0) return x;
  throw new ArgumentError(`${name} must be above 0, got ${x}`, { op, fix: 'pass a number of steps' });
}

/** 1 at the start, `alpha` at the end of half a cosine. */
const cosine = (done: Val, alpha: number): Val =>
  b.add(b.mul(b.add(b.un('cos', b.mul(done, Math.PI)), 1), (1 - alpha) / 2), alpha);

export interface DecayOptions {
  initialLearningRate: number;
  decaySteps: number;
  decayRate: number;
  /** Whether the rate falls at whole multiples of decaySteps only. */
  staircase?: boolean;
  name?: string;
}

/** What exponential and inverse decay share. */
abstract class RateDecay extends LearningRateSchedule {
  readonly initial: number;
  readonly steps: number;
  readonly rate: number;
  readonly staircase: boolean;
  readonly name: string;

  constructor(options: DecayOptions) {
    super();
    const op = this.getClassName();
    checkOptions(options, ['initialLearningRate', 'decaySteps', 'decayRate', 'staircase', 'name'], op);
    this.initial = checkNumber(options?.initialLearningRate, 'initialLearningRate', op);
    this.steps = checkSteps(options.decaySteps, 'decaySteps', op);
    this.rate = checkPositive(options.decayRate, 'decayRate', op);
    this.staircase = options.staircase ?? false;
    this.name = options.name ?? op;
  }
  /** Multiples of decaySteps that have passed. */
  protected passed(step: Tensor): Val {
    const p = b.div(step, this.steps);
    return this.staircase ? b.un('floor', p) : p;
  }
  getConfig(): Config {
    return {
      initialLearningRate: this.initial,
      decaySteps: this.steps,
      decayRate: this.rate,
      staircase: this.staircase,
      name: this.name,
    };
  }
}

/** initialLearningRate * decayRate^(step / decaySteps). */
export class ExponentialDecay extends RateDecay {
  static readonly className = 'ExponentialDecay';
  apply(step: Tensor): Tensor {
    const p = this.passed(step);
    return b.mul(b.pow(b.splat(p.type, this.rate), p), this.initial) as Tensor;
  }
}

/** initialLearningRate / (1 + decayRate * step / decaySteps). */
export class InverseTimeDecay extends RateDecay {
  static readonly className = 'InverseTimeDecay';
  apply(step: Tensor): Tensor {
    return b.div(this.initial, b.add(b.mul(this.passed(step), this.rate), 1)) as Tensor;
  }
}

/** values[i], where i counts the boundaries below the step. */
export class PiecewiseConstantDecay extends LearningRateSchedule {
  static readonly className = 'PiecewiseConstantDecay';
  readonly boundaries: readonly number[];
  readonly values: readonly number[];
  readonly name: string;

  /** Throws ArgumentError unless there is one value more than boundaries, which must rise. */
  constructor(options: { boundaries: readonly number[]; values: readonly number[]; name?: string }) {
    super();
    const op = this.getClassName();
    checkOptions(options, ['boundaries', 'values', 'name'], op);
    const { boundaries, values } = options ?? {};
    if (!Array.isArray(boundaries) || !Array.isArray(values) || values.length !== boundaries.length + 1)
      throw new ArgumentError(
        `values must be one more than boundaries, got ${valueText(values)} and ${valueText(boundaries)}`,
        { op, fix: 'such as {boundaries: [100], values: [0.1, 0.01]}' },
      );
    this.boundaries = boundaries.map((x, i) => checkNumber(x, `boundaries[${i}]`, op));
    this.values = values.map((x, i) => checkNumber(x, `values[${i}]`, op));
    if (this.boundaries.some((x, i) => i > 0 && x <= this.boundaries[i - 1]))
      throw new ArgumentError(`boundaries must rise, got ${valueText(boundaries)}`, { op, fix: 'sort them' });
    this.name = options.name ?? op;
  }
  apply(step: Tensor): Tensor {
    const first: Val = b.splat(step.type, this.values[0]);
    return this.boundaries.reduce(
      (rate, boundary, i) => b.select(b.compare('gt', step, boundary), this.values[i + 1], rate),
      first,
    ) as Tensor;
  }
  getConfig(): Config {
    return { boundaries: this.boundaries, values: this.values, name: this.name };
  }
}

export interface PolynomialOptions {
  initialLearningRate: number;
  decaySteps: number;
  /** 0.0001 by default. */
  endLearningRate?: number;
  power?: number;
  /** Whether the decay starts anew, longer each time, when it is done. */
  cycle?: boolean;
  name?: string;
}

/** (initialLearningRate - endLearningRate) * (1 - step / decaySteps)^power + endLearningRate. */
export class PolynomialDecay extends LearningRateSchedule {
  static readonly className = 'PolynomialDecay';
  readonly options: Required<PolynomialOptions>;

  constructor(options: PolynomialOptions) {
    super();
    const op = this.getClassName();
    checkOptions(options, ['initialLearningRate', 'decaySteps', 'endLearningRate', 'power', 'cycle', 'name'], op);
    this.options = {
      initialLearningRate: checkNumber(options?.initialLearningRate, 'initialLearningRate', op),
      decaySteps: checkSteps(options.decaySteps, 'decaySteps', op),
      endLearningRate: checkNumber(options.endLearningRate ?? 1e-4, 'endLearningRate', op),
      power: checkPositive(options.power ?? 1, 'power', op),
      cycle: options.cycle ?? false,
      name: options.name ?? op,
    };
  }
  apply(step: Tensor): Tensor {
    const { initialLearningRate: from, endLearningRate: to, decaySteps, power, cycle } = this.options;
    // A cycle ends at the next multiple of decaySteps, the first one at decaySteps.
    const end: Val | number = cycle ? b.mul(b.max(b.un('ceil', b.div(step, decaySteps)), 1), decaySteps) : decaySteps;
    const left = b.sub(1, b.div(cycle ? step : b.min(step, decaySteps), end));
    const share = power === 1 ? left : b.pow(left, b.splat(left.type, power));
    return b.add(b.mul(share, from - to), to) as Tensor;
  }
  getConfig(): Config {
    return { ...this.options };
  }
}

export interface CosineOptions {
  initialLearningRate: number;
  decaySteps: number;
  /** Share of the rate that is left at the end. */
  alpha?: number;
  /** Where a linear warmup from initialLearningRate leads, if there is one. */
  warmupTarget?: number | null;
  warmupSteps?: number;
  name?: string;
}

/** Half a cosine down (Loshchilov and Hutter 2017), after a linear warmup if there is one. */
export class CosineDecay extends LearningRateSchedule {
  static readonly className = 'CosineDecay';
  readonly options: Required<CosineOptions>;

  constructor(options: CosineOptions) {
    super();
    const op = this.getClassName();
    const known = ['initialLearningRate', 'decaySteps', 'alpha', 'warmupTarget', 'warmupSteps', 'name'];
    checkOptions(options, known, op);
    const target = options?.warmupTarget ?? null;
    this.options = {
      initialLearningRate: checkNumber(options?.initialLearningRate, 'initialLearningRate', op),
      decaySteps: checkSteps(options.decaySteps, 'decaySteps', op),
      alpha: checkNumber(options.alpha ?? 0, 'alpha', op),
      warmupTarget: target === null ? null : checkNumber(target, 'warmupTarget', op),
      warmupSteps: checkPositive(options.warmupSteps ?? 0, 'warmupSteps', op),
      name: options.name ?? op,
    };
  }
  apply(step: Tensor): Tensor {
    const { initialLearningRate: from, decaySteps, alpha, warmupTarget, warmupSteps } = this.options;
    const down = (start: Val, peak: number) => b.mul(cosine(b.div(b.min(start, decaySteps), decaySteps), alpha), peak);
    if (warmupTarget === null) return down(step, from) as Tensor;
    const after = down(b.max(b.sub(step, warmupSteps), 0), warmupTarget);
    if (warmupSteps === 0) return after as Tensor;
    const up = b.add(b.mul(b.div(step, warmupSteps), warmupTarget - from), from);
    return b.select(b.compare('lt', step, warmupSteps), up, after) as Tensor;
  }
  getConfig(): Config {
    return { ...this.options };
  }
}

export interface CosineRestartsOptions {
  initialLearningRate: number;
  /** Steps to the first restart. */
  firstDecaySteps: number;
  /** Each period is so many times as long as the one before: 2 by default. */
  tMul?: number;
  /** Each restart begins at this share of the one before: 1 by default. */
  mMul?: number;
  alpha?: number;
  name?: string;
}

/** Half a cosine down, again and again (Loshchilov and Hutter 2017). */
export class CosineDecayRestarts extends LearningRateSchedule {
  static readonly className = 'CosineDecayRestarts';
  readonly options: Required<CosineRestartsOptions>;

  constructor(options: CosineRestartsOptions) {
    super();
    const op = this.getClassName();
    checkOptions(options, ['initialLearningRate', 'firstDecaySteps', 'tMul', 'mMul', 'alpha', 'name'], op);
    const tMul = checkNumber(options?.tMul ?? 2, 'tMul', op);
    if (tMul < 1)
      throw new ArgumentError(`tMul must be at least 1, got ${tMul}`, { op, fix: 'pass 1 for periods of one length' });
    this.options = {
      initialLearningRate: checkNumber(options?.initialLearningRate, 'initialLearningRate', op),
      firstDecaySteps: checkSteps(options.firstDecaySteps, 'firstDecaySteps', op),
      tMul,
      mMul: checkPositive(options.mMul ?? 1, 'mMul', op),
      alpha: checkNumber(options.alpha ?? 0, 'alpha', op),
      name: options.name ?? op,
    };
  }
  apply(step: Tensor): Tensor {
    const { initialLearningRate, firstDecaySteps, tMul, mMul, alpha } = this.options;
    const periods = b.div(step, firstDecaySteps);
    const power = (base: number, n: Val) => b.pow(b.splat(n.type, base), n);
    let [restarts, done] = [b.un('floor', periods), b.sub(periods, b.un('floor', periods))];
    if (tMul > 1) {
      // Restart i is after (tMul^i - 1) / (tMul - 1) periods; the logarithm of a power of tMul may round down.
      const i = b.div(b.un('log', b.add(b.mul(periods, tMul - 1), 1)), Math.log(tMul));
      restarts = b.un('floor', b.mul(i, 1 + 5e-7));
      const length = power(tMul, restarts);
      done = b.max(b.div(b.sub(periods, b.div(b.sub(length, 1), tMul - 1)), length), 0);
    }
    // The height at a restart falls, what is left at the end does not.
    const height = mMul === 1 ? undefined : power(mMul, restarts);
    const share = height ? b.mul(cosine(done, 0), height) : cosine(done, 0);
    return b.mul(b.add(b.mul(share, 1 - alpha), alpha), initialLearningRate) as Tensor;
  }
  getConfig(): Config {
    return { ...this.options };
  }
}

/** The schedules by name. */
export const scheduleRegistry = new Registry<LearningRateSchedule>(
  'learning rate schedule',
  (x): x is LearningRateSchedule => x instanceof LearningRateSchedule,
);
for (const cls of [
  ExponentialDecay,
  InverseTimeDecay,
  PiecewiseConstantDecay,
  PolynomialDecay,
  CosineDecay,
  CosineDecayRestarts,
])
  scheduleRegistry.add(cls);

/** See `ExponentialDecay`. */
export const exponentialDecay = (options: DecayOptions): ExponentialDecay => new ExponentialDecay(options);
/** See `InverseTimeDecay`. */
export const inverseTimeDecay = (options: DecayOptions): InverseTimeDecay => new InverseTimeDecay(options);
/** See `PiecewiseConstantDecay`. */
export const piecewiseConstantDecay = (
  options: ConstructorParameters<typeof PiecewiseConstantDecay>[0],
): PiecewiseConstantDecay => new PiecewiseConstantDecay(options);
/** See `PolynomialDecay`. */
export const polynomialDecay = (options: PolynomialOptions): PolynomialDecay => new PolynomialDecay(options);
/** See `CosineDecay`. */
export const cosineDecay = (options: CosineOptions): CosineDecay => new CosineDecay(options);
/** See `CosineDecayRestarts`. */
export const cosineDecayRestarts = (options: CosineRestartsOptions): CosineDecayRestarts =>
  new CosineDecayRestarts(options);
