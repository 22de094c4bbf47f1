// The worker threads of the WASM device. They wait on a mailbox in shared memory, so the main thread
// reaches them synchronously: modules are handed over as bytes in that memory, and one call of a
// program is one command. Nobody posts messages after start-up.

import { DeviceError } from '../../ir/plan.ts';
import type { DeviceMemory } from './memory.ts';

/** Word indices (not bytes) of the mailbox in the first page. */
const box = { seq: 128, ack: 144, command: 160, args: 161 } as const;
const command = { load: 1, unload: 2, run: 3 } as const;
/** Byte address of the word that says whether thread 0 may sleep (see the compiler's barrier). */
const MAY_BLOCK = 192;

/** What a worker does; it runs in Node workers and web workers alike. */
function workerMain(scope: { memory: WebAssembly.Memory; tid: number }): void {
  const { memory, tid } = scope;
  const words = new Int32Array(memory.buffer, 0, 1024);
  const runs = new Map<number, (tid: number, n: number, bind: number, from: number, to: number) => void>();
  let seen = 0;
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

interface WorkerLike {
  unref?(): void;
  terminate(): unknown;
}

export class ThreadPool {
  readonly #memory: DeviceMemory;
  readonly #words: Int32Array;
  #workers: WorkerLike[] = [];
  #seq = 0;
  readonly #start: (tid: number) => WorkerLike;

  private constructor(memory: DeviceMemory, start: (tid: number) => WorkerLike, mayBlock: boolean) {
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
    const node = (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node;
    const source = workerMain.toString();
    if (node) {
      const { Worker } = await import('node:worker_threads');
      const code = `(${source})(require('node:worker_threads').workerData)`;
      const start = (tid: number) => {
        // A worker without a loader or flags of the parent: it runs nothing but this code.
        const w = new Worker(code, {
          eval: true,
          workerData: { memory: memory.memory, tid },
          execArgv: relaxedFlag(),
          env: {},
        });
        w.unref();
        return w;
      };
      return new ThreadPool(memory, start, true);
    }
    const url = URL.createObjectURL(new Blob([`onmessage=(e)=>(${source})(e.data)`], { type: 'text/javascript' }));
    const start = (tid: number) => {
      const w = new Worker(url);
      w.postMessage({ memory: memory.memory, tid });
      return w;
    };
    // A browser's main thread may not wait; a worker may.
    return new ThreadPool(memory, start, typeof document === 'undefined');
  }

  /** Makes sure that there are `threads - 1` workers. */
  ensure(threads: number): void {
    while (this.#workers.length < threads - 1) {
      // A worker starts at sequence number 0 and must not take older commands for new ones.
      this.#settle();
      Atomics.store(this.#words, box.seq, 0);
      this.#seq = 0;
      this.#workers.push(this.#start(this.#workers.length + 1));
    }
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

function relaxedFlag(): string[] {
  return process.execArgv.filter((f) => f.includes('wasm'));
}
