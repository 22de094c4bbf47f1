// `Dataset.mapParallel`: a function on elements in worker threads of Node.

import { ArgumentError, ExecutionError, valueText } from '../../ir/errors.ts';
import { checkOptions } from '../keras/engine/names.ts';
import { nodeModule } from '../platform.ts';
import { makeTensor } from '../trace/convert.ts';
import { type DataType, irDType } from '../trace/dtypes.ts';
import { need } from '../trace/ops/common.ts';
import { fetched, Tensor } from '../trace/tensor.ts';
import { isFields, isList, mapValues } from './element.ts';
import { mappedAhead, type Open } from './stages.ts';

/** How `Dataset.mapParallel` runs. */
export interface WorkerMapOptions {
  /** Number of worker threads, 2 by default. Twice as many elements are under way at a time. */
  readonly workers?: number;
  /** Which export of the module is the function, 'default' by default. */
  readonly exportName?: string;
}

const op = 'Dataset.mapParallel';

type Worker = import('node:worker_threads').Worker;
interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}
interface Job {
  readonly done: (value: unknown) => void;
  readonly failed: (error: Error) => void;
}

// As text, since bundlers and test runners replace `import()` in code. Elements that come before the
// module is there wait for it.
const workerCode = `
const { parentPort, workerData } = require('node:worker_threads');
const { url, code, exportName } = workerData;
const load = async () => {
  const f = url === undefined ? (0, eval)('(' + code + ')') : (await import(url))[exportName];
  if (typeof f !== 'function') throw new TypeError('the module has no function ' + exportName);
  return f;
};
const loaded = load();
loaded.catch(() => {});
parentPort.on('message', async ({ id, x }) => {
  try {
    const f = await loaded;
    parentPort.postMessage({ id, value: await f(x) });
  } catch (e) {
    parentPort.postMessage({ id, error: String((e && e.stack) || e) });
  }
});`;

/** An element as threads can send it: tensors as plain objects. */
const packed = (x: unknown): unknown =>
  mapValues(x, (v) => (v instanceof Tensor ? { dtype: v.dtype, shape: v.shape, data: v.dataSync() } : v));

/** The tensors in an element. */
function tensorsOf(x: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapValues(x, (v) => void (v instanceof Tensor && found.push(v)));
  return found;
}

/** The element of what came back. */
function unpacked(x: unknown): unknown {
  if (isList(x)) return x.map(unpacked);
  if (!isFields(x)) return x;
  const { dtype, shape, data } = x;
  if (typeof dtype === 'string' && Array.isArray(shape) && ArrayBuffer.isView(data))
    return makeTensor(data, shape as number[], irDType(dtype as DataType, op), op);
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, unpacked(v)]));
}

/** A worker and the elements that it has not answered yet. */
class Line {
  readonly #worker: Worker;
  readonly #jobs = new Map<number, Job>();
  #next = 0;
  #dead: Error | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    // Only while something is under way does it keep the process alive.
    worker.unref();
    worker.on('message', (a: Answer) => this.#answered(a));
    worker.on('error', (e) => this.#died(`a worker failed: ${e instanceof Error ? e.message : String(e)}`));
    worker.on('messageerror', (e) => this.#died(`what a worker sent cannot be read: ${e.message}`));
    worker.on('exit', (code) => this.#died(`a worker ended with code ${code}`));
  }

  get waiting(): number {
    return this.#jobs.size;
  }

  run(x: unknown): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead);
    return new Promise((done, failed) => {
      const id = this.#next++;
      this.#worker.postMessage({ id, x });
      this.#jobs.set(id, { done, failed });
      this.#worker.ref();
    });
  }

  async end(): Promise<void> {
    this.#died('the iteration has ended');
    await this.#worker.terminate();
  }

  #answered({ id, value, error }: Answer): void {
    const job = this.#jobs.get(id);
    this.#jobs.delete(id);
    if (this.#jobs.size === 0) this.#worker.unref();
    if (error === undefined) job?.done(value);
    else
      job?.failed(
        new ExecutionError(`the function failed in a worker: ${error}`, { op, fix: 'correct it for this element' }),
      );
  }

  #died(why: string): void {
    this.#dead ??= new ExecutionError(why, { op, fix: 'run the function with map to see what it does' });
    for (const job of this.#jobs.values()) job.failed(this.#dead);
    this.#jobs.clear();
    this.#worker.unref();
  }
}

/** What a worker loads: a module by its address, or the text of a function. */
async function loadable(
  source: string | URL | ((...args: never[]) => unknown),
): Promise<{ url?: string; code?: string }> {
  if (typeof source === 'function') return { code: source.toString() };
  const text = String(source);
  if (/^[a-z][a-z0-9+.-]+:/i.test(text)) return { url: text };
  const [{ resolve }, { pathToFileURL }] = [await nodeModule('path', op), await nodeModule('url', op)];
  return { url: pathToFileURL(resolve(text)).href };
}

/** The stage that maps elements in workers, which live as long as a pass. Throws ArgumentError for bad settings. */
export function mapInWorkers<T, O>(
  source: string | URL | ((...args: never[]) => unknown),
  options: WorkerMapOptions,
): (open: Open<T>) => AsyncGenerator<O> {
  checkOptions(options, ['workers', 'exportName'], op);
  const { workers = 2, exportName = 'default' } = options ?? {};
  need(
    Number.isInteger(workers) && workers >= 1 && workers <= 256,
    op,
    'workers must be a whole number from 1 to 256',
    workers,
  );
  if (typeof source !== 'function' && typeof source !== 'string' && !(source instanceof URL))
    throw new ArgumentError(`takes a module's address or a function, not ${valueText(source)}`, {
      op,
      fix: "such as new URL('./worker.js', import.meta.url)",
    });
  return async function* (open) {
    const { Worker } = await nodeModule('worker_threads', op);
    const workerData = { ...(await loadable(source)), exportName };
    const lines = Array.from({ length: workers }, () => new Line(new Worker(workerCode, { eval: true, workerData })));
    const end = () => Promise.all(lines.map((l) => l.end()));
    const run = async (x: T) => {
      const free = lines.reduce((a, b) => (b.waiting < a.waiting ? b : a));
      await Promise.all(tensorsOf(x).map(fetched));
      return unpacked(await free.run(packed(x))) as O;
    };
    // Ends the workers before it waits for what is under way.
    yield* mappedAhead(open, run, 2 * workers, end);
  };
}
