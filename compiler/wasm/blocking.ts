// Code generation at once, although binaryen loads asynchronously: `tf.func` and eager operations are
// plain calls. A helper thread loads binaryen, and the main thread sleeps until the module is there.
// Only where the main thread may sleep and a thread can start from a file: Node, the built package.

import { CompileError } from '../../ir/errors.ts';
import type { Answer } from './helper.ts';
import type { EmitJob } from './module.ts';

type Threads = typeof import('node:worker_threads');
type Files = typeof import('node:fs');

interface Helper {
  readonly worker: import('node:worker_threads').Worker;
  readonly port: import('node:worker_threads').MessagePort;
  readonly answered: Int32Array;
  /** Answers seen so far, the one that says it is up included. */
  count: number;
  idle: ReturnType<typeof setTimeout> | undefined;
}

/** Longest wait for the helper to start, and for one module, in milliseconds. */
const startLimit = 20_000;
const jobLimit = 600_000;
/** The helper ends when nothing was asked of it for so long: it holds binaryen's memory. */
const idleLimit = 10_000;

const proc = (globalThis as { process?: { versions?: { node?: string }; getBuiltinModule?(name: string): unknown } })
  .process;
let helper: Helper | undefined;
/** False once it is known that no helper can be had. */
let possible: boolean | undefined;

/** The helper's file beside this one; the name is put together so that bundlers for pages leave it out. */
function helperFile(): URL {
  const name = ['helper', 'js'].join('.');
  return new URL(name, import.meta.url);
}

/** A module of Node's, where this is Node 20.16 or later. */
const builtin = <T>(name: string): T | undefined => proc?.getBuiltinModule?.(name) as T | undefined;

/** Whether modules can be generated while the caller waits. */
export function canBlock(): boolean {
  if (possible === undefined) {
    // A bundle may have no address of its own.
    const url = (import.meta.url as string | undefined) ?? '';
    // TypeScript sources under a test runner have no helper that plain Node could run; a bundle may lack it.
    possible =
      builtin('node:worker_threads') !== undefined &&
      url.startsWith('file:') &&
      url.endsWith('.js') &&
      builtin<Files>('node:fs')?.existsSync(helperFile()) === true;
  }
  return possible;
}

/** Whether a helper is running, so that a module costs no start. */
export const helperRunning = (): boolean => helper !== undefined;

/** Waits for the next answer; false when the time is over. */
function wait(h: Helper, limit: number): boolean {
  const end = performance.now() + limit;
  while (Atomics.load(h.answered, 0) === h.count) {
    const left = end - performance.now();
    if (left <= 0) return false;
    Atomics.wait(h.answered, 0, h.count, left);
  }
  h.count++;
  return true;
}

function start({ MessageChannel, Worker }: Threads): Helper | undefined {
  const { port1, port2 } = new MessageChannel();
  const answered = new Int32Array(new SharedArrayBuffer(4));
  // Without the parent's flags: `--input-type` and the like are not for files.
  const worker = new Worker(helperFile(), {
    workerData: { port: port2, answered },
    transferList: [port2],
    execArgv: [],
  });
  worker.unref();
  worker.on('error', stopHelper);
  const h: Helper = { worker, port: port1, answered, count: 0, idle: undefined };
  if (wait(h, startLimit)) return h;
  worker.terminate();
  return undefined;
}

/** Ends the helper, if there is one. */
export function stopHelper(): void {
  if (!helper) return;
  clearTimeout(helper.idle);
  helper.port.close();
  helper.worker.terminate();
  helper = undefined;
}

/**
 * Generates a module in the helper thread and waits for it; null where that is not possible. Throws
 * CompileError where the code generator fails.
 */
export function emitBlocking(job: EmitJob): Uint8Array | null {
  const threads = builtin<Threads>('node:worker_threads');
  if (!threads || !canBlock()) return null;
  try {
    helper ??= start(threads);
  } catch {
    // Some hosts (a page inside Electron, say) have threads but do not let this one sleep.
  }
  if (!helper) {
    possible = false;
    return null;
  }
  clearTimeout(helper.idle);
  helper.port.postMessage(job);
  if (!wait(helper, jobLimit)) {
    stopHelper();
    throw new CompileError(`the code generator did not answer within ${jobLimit / 1e3} s`);
  }
  const reply = threads.receiveMessageOnPort(helper.port)?.message as Answer;
  helper.idle = setTimeout(stopHelper, idleLimit);
  helper.idle.unref();
  if ('error' in reply) throw new CompileError(`the code generator failed: ${reply.error}`);
  return reply.bytes;
}
