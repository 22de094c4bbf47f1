// Callbacks of functions: what `fit` makes of `{onEpochEnd: …}`, and the pauses in which a page stays alive.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { nextFrame } from '../../trace/memory.ts';
import { checkOptions } from '../engine/names.ts';
import { Callback, type HookName, type HookResult, hookNames, type Logs } from './callback.ts';

type TrainHook = (logs?: Logs) => HookResult;
type StepHook = (index: number, logs?: Logs) => HookResult;

/** Functions to call at the turns of training; see `Callback`. */
export interface CustomCallbackArgs {
  onTrainBegin?: TrainHook;
  onTrainEnd?: TrainHook;
  onEpochBegin?: StepHook;
  onEpochEnd?: StepHook;
  onBatchBegin?: StepHook;
  onBatchEnd?: StepHook;
  onTrainBatchBegin?: StepHook;
  onTrainBatchEnd?: StepHook;
  onTestBegin?: TrainHook;
  onTestEnd?: TrainHook;
  onTestBatchBegin?: StepHook;
  onTestBatchEnd?: StepHook;
  onPredictBegin?: TrainHook;
  onPredictEnd?: TrainHook;
  onPredictBatchBegin?: StepHook;
  onPredictBatchEnd?: StepHook;
  /** Called as often as training pauses: see `yieldEvery`. */
  onYield?: (epoch: number, batch: number, logs: Logs) => HookResult;
  /** The clock in milliseconds, by default the time of day. */
  nowFunc?: () => number;
  /** What a pause is, by default `tf.nextFrame`. */
  nextFrameFunc?: () => Promise<void>;
}

/** When training pauses for the rest of the program: after so many milliseconds ('auto': 125), or never. */
export type YieldEvery = 'auto' | 'batch' | 'epoch' | 'never' | number;

const others = ['onYield', 'nowFunc', 'nextFrameFunc'] as const;

/** A callback of functions. Throws ArgumentError for a hook that there is not, and for what is no function. */
export class CustomCallback extends Callback {
  readonly args: CustomCallbackArgs;
  readonly yieldEvery: YieldEvery | undefined;

  constructor(given: CustomCallbackArgs = {}, yieldEvery?: YieldEvery) {
    super();
    const args = given ?? {};
    const op = 'CustomCallback';
    const plain = Object.getPrototypeOf(args) === Object.prototype;
    if (plain || typeof args !== 'object') checkOptions(args, [...hookNames, ...others], op);
    for (const name of [...hookNames, ...others])
      if (args[name] !== undefined && args[name] !== null && typeof args[name] !== 'function')
        throw new ArgumentError(`${name} must be a function, got ${valueText(args[name])}`, {
          op,
          fix: `write ${name}: (…) => { … }`,
        });
    if (yieldEvery !== undefined) checkYield(yieldEvery);
    if (yieldEvery === 'never' && args.onYield) throw neverYields();
    this.args = args;
    this.yieldEvery = yieldEvery;
    // A hook that nobody gave stays the base's, so that nothing waits for it.
    for (const name of hookNames) if (args[name]) this.#hook(name);
  }

  #hook(name: HookName): void {
    const call = this.args[name] as (...args: unknown[]) => HookResult;
    Object.defineProperty(this, name, {
      value: (...values: unknown[]) => call.apply(this.args, values),
      configurable: true,
      writable: true,
    });
  }
}

/** Throws ArgumentError unless x says when to pause. */
function checkYield(x: unknown): void {
  if (['auto', 'batch', 'epoch', 'never'].includes(x as string) || (typeof x === 'number' && x >= 0)) return;
  throw new ArgumentError(`yieldEvery must be 'auto', 'batch', 'epoch', 'never' or milliseconds, got ${valueText(x)}`, {
    op: 'fit',
    fix: "leave it out for 'auto'",
  });
}
const neverYields = () =>
  new ArgumentError("there is an onYield, but yieldEvery is 'never'", {
    op: 'fit',
    fix: 'remove onYield, or let training pause',
  });

/** Pauses training, so that timers, events and drawing have their turn; then `onYield` of the callbacks is called. */
export class Yielder extends Callback {
  readonly #every: number | 'batch' | 'epoch' | 'never';
  readonly #customs: readonly CustomCallback[];
  #epoch = 0;
  #last = 0;
  readonly #now: () => number;
  readonly #frame: () => Promise<void>;

  constructor(every: YieldEvery, callbacks: readonly Callback[]) {
    super();
    checkYield(every);
    this.#every = every === 'auto' ? 125 : every;
    this.#customs = callbacks.filter((c) => c instanceof CustomCallback);
    if (this.#every === 'never' && this.#customs.some((c) => c.args.onYield)) throw neverYields();
    this.#now = this.#customs.find((c) => c.args.nowFunc)?.args.nowFunc ?? Date.now;
    this.#frame = this.#customs.find((c) => c.args.nextFrameFunc)?.args.nextFrameFunc ?? nextFrame;
    this.#last = this.#now();
  }

  override get readsBatches(): boolean {
    return this.#customs.some((c) => c.args.onYield);
  }
  override onEpochBegin(epoch: number): void {
    this.#epoch = epoch;
  }
  override onTrainBatchEnd(batch: number, logs: Logs = {}): HookResult {
    if (this.#every === 'batch') return this.#pause(batch, logs);
    if (typeof this.#every !== 'number' || this.#now() - this.#last < this.#every) return;
    return this.#pause(batch, logs);
  }
  override onEpochEnd(_epoch: number, logs: Logs = {}): HookResult {
    if (this.#every === 'epoch') return this.#pause((this.params.steps ?? 0) - 1, logs);
  }

  async #pause(batch: number, logs: Logs): Promise<void> {
    for (const { args } of this.#customs) await args.onYield?.(this.#epoch, batch, logs);
    await this.#frame();
    this.#last = this.#now();
  }
}
