// Calls by which TensorFlow.js code prepares, measures and prints. What concerns an engine that is not
// here is accepted and changes nothing.

import { byteSize } from '../../ir/types.ts';
import { gpuDevice } from '../../runtime/webgpu/device.ts';
import { context, type OpRecord, type Recorder, withRecorders } from './context.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { functionArg } from './ops/common.ts';
import type { Tensor } from './tensor.ts';

/** Writes the tensor's elements to the console. */
export function print(x: TensorLike, verbose = false): void {
  toTensor(x, 'x', 'print').print(verbose);
}

type Flag = number | boolean | string;

/** Settings by name, as `tf.env()` has them. They are kept and given back; none of them changes anything. */
export class Environment {
  /** The global object. */
  readonly global: typeof globalThis = globalThis;
  readonly #flags = new Map<string, Flag>([
    ['IS_BROWSER', typeof document !== 'undefined'],
    ['IS_NODE', typeof process !== 'undefined' && process.versions?.node !== undefined],
    ['DEBUG', false],
    ['PROD', false],
    ['DEPRECATION_WARNINGS_ENABLED', true],
  ]);

  /** The flag, or undefined where nobody has set it. */
  get(name: string): Flag | undefined {
    return this.#flags.get(name);
  }
  /** The flag as a boolean; false where nobody has set it. */
  getBool(name: string): boolean {
    return Boolean(this.#flags.get(name));
  }
  /** The flag as a number; NaN where nobody has set it. */
  getNumber(name: string): number {
    return Number(this.#flags.get(name));
  }
  /** As `get`, as a promise. */
  async getAsync(name: string): Promise<Flag | undefined> {
    return this.get(name);
  }
  set(name: string, value: Flag): void {
    this.#flags.set(name, value);
  }
  /** All flags by name. */
  getFlags(): Record<string, Flag> {
    return Object.fromEntries(this.#flags);
  }
  setFlags(flags: Record<string, Flag>): void {
    for (const [name, value] of Object.entries(flags)) this.set(name, value);
  }
}

const environment = new Environment();
/** The settings. */
export const env = (): Environment => environment;

/** Sets the flag PROD. Nothing is checked less: checks happen once, while a function is traced. */
export const enableProdMode = (): void => environment.set('PROD', true);
/** Sets the flag DEBUG. For what it does in TensorFlow.js, see `exe.profile` and docs/debugging.md. */
export const enableDebugMode = (): void => environment.set('DEBUG', true);
/** `deprecationWarn` is silent from here on. */
export const disableDeprecationWarnings = (): void => environment.set('DEPRECATION_WARNINGS_ENABLED', false);
/** Writes a warning to the console, unless `disableDeprecationWarnings` was called. */
export function deprecationWarn(message: string): void {
  if (environment.getBool('DEPRECATION_WARNINGS_ENABLED')) console.warn(message);
}
/** Does nothing: Variables are garbage-collected. */
export const disposeVariables = (): void => {};

/** What `tf.time` gives. */
export interface TimingInfo {
  /** Milliseconds from start to end. */
  wallMs: number;
  /** The same: an operation has been computed when its function returns, and a GPU is waited for. */
  kernelMs: number;
}

/** How long `f` takes, by the clock; what it returns is awaited, and what it has asked of a GPU. */
export async function time(f: () => unknown): Promise<TimingInfo> {
  functionArg(f, 'f', 'time');
  const start = performance.now();
  await f();
  await gpuDevice()?.finished();
  const wallMs = performance.now() - start;
  return { wallMs, kernelMs: wallMs };
}

/** One operation that `tf.profile` saw. */
export interface ProfiledKernel {
  name: string;
  inputShapes: number[][];
  outputShapes: number[][];
  /** Bytes of its results. */
  bytesAdded: number;
}
/** What `tf.profile` gives. */
export interface ProfileInfo<T> {
  result: T;
  /** Tensors and bytes that operations made, whatever was collected since. */
  newTensors: number;
  newBytes: number;
  kernels: ProfiledKernel[];
  /** The operations' names, each once. */
  kernelNames: string[];
}

/** Keeps what the operations were; wants no gradient of any. */
class ProfileRecorder implements Recorder {
  readonly kernels: ProfiledKernel[] = [];
  record({ op, inputs, outputs }: OpRecord): void {
    const shapes = (ts: readonly Tensor[]) => ts.map((t) => t.shape.slice());
    const bytes = outputs.reduce((n, t) => n + t.size * byteSize(t.type.dtype), 0);
    this.kernels.push({
      name: op.name,
      inputShapes: shapes(inputs),
      outputShapes: shapes(outputs),
      bytesAdded: bytes,
    });
  }
  accessed(): void {}
  interested(): boolean {
    return false;
  }
}

/**
 * The operations that `f` runs eagerly. A compiled function counts for what it does outside of its
 * program only; `exe.profile` times the kernels inside.
 */
export async function profile<T>(f: () => T | Promise<T>): Promise<ProfileInfo<T>> {
  functionArg(f, 'f', 'profile');
  const recorder = new ProfileRecorder();
  const result = await withRecorders([...context.recorders, recorder], f);
  const { kernels } = recorder;
  return {
    result,
    newTensors: kernels.reduce((n, k) => n + k.outputShapes.length, 0),
    newBytes: kernels.reduce((n, k) => n + k.bytesAdded, 0),
    kernels,
    kernelNames: [...new Set(kernels.map((k) => k.name))],
  };
}
