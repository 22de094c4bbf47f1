// The worker threads of the WASM device. They wait on a mailbox in shared memory, so the main thread
// reaches them synchronously: modules are handed over as bytes in that memory, and one call of a
// program is one command. Nobody posts messages after start-up.

import { DeviceError } from '../../ir/plan.ts';
import { inNode } from '../in-node.ts';
import type { DeviceMemory } from './memory.ts';

/** Word indices (not bytes) of the mailbox in the first page. */
const box = { seq: 128, ack: 144, command: 160, args: 161 } as const;
const command = { load: 1, unload: 2, run: 3 } as const;
/** Byte address of the word that says whether thread 0 may sleep (see the compiler's barrier). */
const MAY_BLOCK = 192;

/** What a worker is given: the memory, its number, and the last command from before its time. */
interface Scope {
  readonly memory: WebAssembly.Memory;
  readonly tid: number;
  readonly seen: number;
}

/** What a worker does; it runs in Node workers and web workers alike. Its text is the worker's whole code. */
function workerMain(scope: Scope): void {
  const { memory, tid } = scope;
  const words = new Int32Array(memory.buffer, 0, 1024);
  const runs = new Map<number, (tid: number, n: number, bind: number, from: number, to: number) => void>();
  let { seen } = scope;
  for (;;) {
    let spins = 0;
    while (Atomics.load(words, 128) === seen) if (++spins > 20000) Atomics.wait(words, 128, seen, 1000);
    seen = Atomics.load(words, 128);
    const a = Array.from(words.subarray(161, 167));
    const cmd = words[160];
    if (cmd === 1) {
      const bytes = new Uint8Array(memory.buffer, a[1] >>> 0, a[2]).slice();
      const m = new WebAssembly.Module(bytes);
      const e = new WebAssembly.Instance(m, { env: { memory } }).exports;
      runs.set(a[0], e.run as (tid: number, n: number, bind: number, from: number, to: number) => void);
    } else if (cmd === 2) runs.delete(a[0]);
    Atomics.add(words, 144, 1);
    if (cmd === 3 && tid < a[1]) runs.get(a[0])?.(tid, a[1], a[2], a[3], a[4]);
  }
}

/** A worker, and when it is up. */
interface Started {
  readonly worker: { terminate(): unknown };
  readonly up: Promise<void>;
}

export class ThreadPool {
  readonly #memory: DeviceMemory;
  readonly #words: Int32Array;
  readonly #workers: Started[] = [];
  #seq = 0;
  readonly #start: (scope: Scope) => Started;

  private constructor(memory: DeviceMemory, start: (scope: Scope) => Started, mayBlock: boolean) {
    this.#memory = memory;
    this.#words = new Int32Array(memory.memory.buffer, 0, 1024);
    this.#start = start;
    this.#words[MAY_BLOCK >> 2] = mayBlock ? 1 : 0;
  }

  /** A pool for shared memory, or a typed error that says what is missing. */
  static async create(memory: DeviceMemory): Promise<ThreadPool> {
    if (!memory.shared)
      throw new DeviceError('threads need shared memory, which this environment does not offer', {
        fix: 'serve the page with cross-origin isolation (COOP and COEP headers), or use threads: 1',
      });
    if (inNode()) return new ThreadPool(memory, await nodeWorkers(), true);
    // A browser's main thread may not wait; a worker may.
    return new ThreadPool(memory, webWorkers(), typeof document === 'undefined');
  }

  /** Threads that may take part: the workers, and the one that calls. */
  get threads(): number {
    return this.#workers.length + 1;
  }

  /** Makes sure that there are `threads - 1` workers; rejects with DeviceError where one does not start. */
  async ensure(threads: number): Promise<void> {
    while (this.#workers.length < threads - 1) {
      this.#settle();
      const scope = { memory: this.#memory.memory, tid: this.#workers.length + 1, seen: this.#seq };
      this.#workers.push(this.#start(scope));
      // It has nothing to acknowledge yet.
      if (this.#seq > 0) Atomics.add(this.#words, box.ack, 1);
    }
    await Promise.all(this.#workers.map((w) => w.up));
  }

  /** Waits until every worker has read the last command. */
  #settle(): void {
    if (this.#seq === 0) return;
    const t0 = Date.now();
    while (Atomics.load(this.#words, box.ack) < this.#workers.length)
      if (Date.now() - t0 > 20_000)
        throw new DeviceError(`a worker thread did not answer within 20 s`, { fix: 'use threads: 1' });
  }

  #post(cmd: number, args: readonly number[]): void {
    this.#settle();
    const w = this.#words;
    Atomics.store(w, box.ack, 0);
    w[box.command] = cmd;
    args.forEach((a, i) => {
      w[box.args + i] = a;
    });
    this.#seq++;
    Atomics.store(w, box.seq, this.#seq);
    Atomics.notify(w, box.seq);
  }

  /** Hands a module to every worker; returns when they have it. */
  load(id: number, bytes: Uint8Array): void {
    const at = this.#memory.alloc(bytes.length);
    this.#memory.views.u8.set(bytes, at);
    this.#post(command.load, [id, at, bytes.length]);
    this.#settle();
    this.#memory.free(at);
  }

  unload(id: number): void {
    if (this.#workers.length) this.#post(command.unload, [id]);
  }

  /** Starts a program on the workers; the caller runs its own share as thread 0. */
  start(id: number, threads: number, bind: number, from: number, to: number): void {
    this.#post(command.run, [id, threads, bind, from, to]);
  }

  get size(): number {
    return this.#workers.length + 1;
  }
}

/** Starts workers in Node. */
async function nodeWorkers(): Promise<(scope: Scope) => Started> {
  // Not as one literal: a bundler for pages would look for a package of that name.
  const name = ['node', 'worker_threads'].join(':');
  const { Worker } = (await import(name)) as typeof import('node:worker_threads');
  const code = `(${workerMain.toString()})(require('node:worker_threads').workerData)`;
  // A worker without a loader or flags of the parent, but those of the engine: it runs nothing but this code.
  const execArgv = process.execArgv.filter((f) => f.includes('wasm'));
  return (scope) => {
    const worker = new Worker(code, { eval: true, workerData: scope, execArgv, env: {} });
    worker.unref();
    // It starts while this thread sleeps: the first command may wait for it.
    return { worker, up: Promise.resolve() };
  };
}

/** Starts workers in a browser. They come up only while this thread is idle, so that must be awaited. */
function webWorkers(): (scope: Scope) => Started {
  const code = `onmessage=(e)=>{postMessage('up');(${workerMain.toString()})(e.data)}`;
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  return (scope) => {
    const worker = new Worker(url);
    const up = new Promise<void>((resolve, reject) => {
      worker.onmessage = () => resolve();
      worker.onerror = (e) =>
        reject(
          new DeviceError(`a worker thread did not start: ${e.message || 'its script was refused'}`, {
            fix: "allow blob: in the page's worker-src policy, or use threads: 1",
          }),
        );
    });
    worker.postMessage(scope);
    return { worker, up };
  };
}
