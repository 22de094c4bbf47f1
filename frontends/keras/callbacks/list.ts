// All callbacks of one training, called one after the other.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import {
  type AfterHookName,
  Callback,
  type CallbackModel,
  type CallbackParams,
  type HookName,
  type HookResult,
  type Logs,
} from './callback.ts';
import { CustomCallback, type CustomCallbackArgs, type YieldEvery, Yielder } from './custom.ts';
import { History } from './history.ts';

/** What `fit` takes as callbacks: one or several, each an object of a class or plain functions by name. */
export type CallbacksArg = Callback | CustomCallbackArgs | readonly (Callback | CustomCallbackArgs)[] | null;

/** Callbacks in order: each is awaited before the next is called, and an error ends the training. */
export class CallbackList {
  readonly callbacks: Callback[];
  /** Callbacks that do something in a hook; filled when the hook is first called. */
  readonly #having = new Map<HookName | AfterHookName, readonly Callback[]>();

  constructor(callbacks: readonly Callback[] = []) {
    this.callbacks = callbacks.slice();
  }

  append(callback: Callback): void {
    this.callbacks.push(callback);
    this.#having.clear();
  }
  setParams(params: CallbackParams): void {
    for (const c of this.callbacks) c.setParams(params);
  }
  setModel(model: CallbackModel): void {
    for (const c of this.callbacks) {
      c.setCallbacks(this.callbacks);
      c.setModel(model);
    }
  }

  async #call(hook: HookName | AfterHookName, first: unknown, logs?: Logs): Promise<void> {
    let list = this.#having.get(hook);
    if (!list) {
      list = this.callbacks.filter((c) => doesSomething(c, hook));
      this.#having.set(hook, list);
    }
    for (const c of list) {
      const result = (c[hook] as (first: unknown, logs?: Logs) => HookResult)(first, logs);
      if (result) await result;
    }
  }

  /** Whether somebody looks at what a hook is told of a batch. */
  reads(hook: 'onTrainBatchEnd' | 'onTestBatchEnd'): boolean {
    return this.callbacks.some((c) => doesSomething(c, hook) && c.readsBatches);
  }

  async onTrainBegin(logs: Logs = {}): Promise<void> {
    await this.#call('onTrainBegin', logs);
    await this.#call('afterTrainBegin', logs);
  }
  onTrainEnd(logs: Logs = {}): Promise<void> {
    return this.#call('onTrainEnd', logs);
  }
  onEpochBegin(epoch: number, logs: Logs = {}): Promise<void> {
    return this.#call('onEpochBegin', epoch, logs);
  }
  async onEpochEnd(epoch: number, logs: Logs = {}): Promise<void> {
    await this.#call('onEpochEnd', epoch, logs);
    await this.#call('afterEpochEnd', epoch);
  }
  /** As `onTrainBatchBegin`. */
  onBatchBegin(batch: number, logs: Logs = {}): Promise<void> {
    return this.#call('onTrainBatchBegin', batch, logs);
  }
  /** As `onTrainBatchEnd`. */
  onBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    return this.onTrainBatchEnd(batch, logs);
  }
  onTrainBatchBegin(batch: number, logs: Logs = {}): Promise<void> {
    return this.#call('onTrainBatchBegin', batch, logs);
  }
  async onTrainBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    await this.#call('onTrainBatchEnd', batch, logs);
    await this.#call('afterTrainBatchEnd', batch);
  }
  onTestBegin(logs: Logs = {}): Promise<void> {
    return this.#call('onTestBegin', logs);
  }
  onTestEnd(logs: Logs = {}): Promise<void> {
    return this.#call('onTestEnd', logs);
  }
  onTestBatchBegin(batch: number, logs: Logs = {}): Promise<void> {
    return this.#call('onTestBatchBegin', batch, logs);
  }
  onTestBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    return this.#call('onTestBatchEnd', batch, logs);
  }
  onPredictBegin(logs: Logs = {}): Promise<void> {
    return this.#call('onPredictBegin', logs);
  }
  onPredictEnd(logs: Logs = {}): Promise<void> {
    return this.#call('onPredictEnd', logs);
  }
  onPredictBatchBegin(batch: number, logs: Logs = {}): Promise<void> {
    return this.#call('onPredictBatchBegin', batch, logs);
  }
  onPredictBatchEnd(batch: number, logs: Logs = {}): Promise<void> {
    return this.#call('onPredictBatchEnd', batch, logs);
  }
}

/** Whether a callback has its own version of a hook, or of the hook that this one stands for. */
function doesSomething(c: Callback, hook: HookName | AfterHookName): boolean {
  if (c[hook] !== Callback.prototype[hook]) return true;
  if (hook === 'onTrainBatchBegin') return doesSomething(c, 'onBatchBegin');
  return hook === 'onTrainBatchEnd' && doesSomething(c, 'onBatchEnd');
}

/** Callbacks as objects. Throws ArgumentError for what is none. */
export function standardizeCallbacks(callbacks: CallbacksArg | undefined): Callback[] {
  if (callbacks === undefined || callbacks === null) return [];
  const list = Array.isArray(callbacks) ? callbacks : [callbacks];
  return list.map((c, i) => {
    if (c instanceof Callback) return c;
    if (typeof c === 'object' && c !== null && !Array.isArray(c)) return new CustomCallback(c as CustomCallbackArgs);
    throw new ArgumentError(`callbacks[${i}] is ${valueText(c)}, no callback`, {
      op: 'fit',
      fix: 'give tf.callbacks.…(), an object of a class that extends tf.Callback, or {onEpochEnd: (epoch, logs) => …}',
    });
  });
}

const constructors = new Map<new () => Callback, number>();

/**
 * Has a callback made for every training whose `verbose` is at least that level.
 * Throws ArgumentError for a level that is no whole number, and for a class that is registered already.
 */
export function registerCallbackConstructor(verbosityLevel: number, callbackConstructor: new () => Callback): void {
  const op = 'registerCallbackConstructor';
  if (!Number.isInteger(verbosityLevel) || verbosityLevel < 0)
    throw new ArgumentError(`the level must be a whole number from 0 on, got ${valueText(verbosityLevel)}`, {
      op,
      fix: '0 is for every training, 1 for those that show progress',
    });
  if (!((callbackConstructor as unknown as { prototype?: unknown })?.prototype instanceof Callback))
    throw new ArgumentError(`${valueText(callbackConstructor)} is no class of callbacks`, {
      op,
      fix: 'give a class that extends tf.Callback',
    });
  if (constructors.has(callbackConstructor))
    throw new ArgumentError(`${callbackConstructor.name} is registered already`, { op, fix: 'register it once' });
  constructors.set(callbackConstructor, verbosityLevel);
}

/** What a training begins with. */
export interface Callbacks {
  readonly callbackList: CallbackList;
  readonly history: History;
}

/**
 * The callbacks of one training: of registered classes, the user's, then those of the library (`own`, such as the
 * progress bar), the pauses, and the history, which so sees what others put into the logs.
 */
export function configureCallbacks(
  given: CallbacksArg | undefined,
  model: CallbackModel,
  params: CallbackParams,
  { yieldEvery = 'auto', own = [] }: { yieldEvery?: YieldEvery; own?: readonly Callback[] } = {},
): Callbacks {
  const users = standardizeCallbacks(given);
  const history = new History();
  const paced = users.filter((c) => c instanceof CustomCallback).find((c) => c.yieldEvery !== undefined);
  const registered = [...constructors]
    .filter(([, level]) => (params.verbose ?? 1) >= level)
    .map(([Made]) => new Made());
  const callbackList = new CallbackList([
    ...registered,
    ...users,
    ...own,
    new Yielder(paced?.yieldEvery ?? yieldEvery, users),
    history,
  ]);
  callbackList.setParams(params);
  callbackList.setModel(model);
  return { callbackList, history };
}
