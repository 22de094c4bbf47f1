// Loads what `sinter build` wrote, and makes models of it. Neither compiler nor interpreter is needed.

import {
  arrayFor,
  type DType,
  FormatError,
  type FunctionEntry,
  fromHalfBits,
  type GpuPlan,
  type ArtifactHeader as Header,
  hashOf,
  noBlob,
  type PlanInfo,
  type Port,
  type ProgramEntry,
  type ProgramPlan,
  sizeOf,
  type TensorEntry,
  type TypedArray,
} from '../../ir/plan.ts';
import { StateCell } from '../state.ts';
import { type Run, WasmProgram } from '../wasm/program.ts';
import { fail, headerBytes, readHeader, typeOf } from './header.ts';
import { ModelHost } from './host.ts';
import { Entry, Model, type Runnable } from './model.ts';
import { type ArtifactSource, open, type Reader } from './source.ts';

/** How an artifact is loaded. */
export interface OpenOptions {
  /** Ends loading; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told how many bytes have come, of how many; of shards beside the artifact too. */
  readonly onProgress?: (loaded: number, total: number) => void;
  /** Used instead of the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch;
  /** Where a shard is, by its name; by default beside the artifact. Needed where that is given as bytes. */
  readonly shard?: (name: string) => ArtifactSource | Promise<ArtifactSource>;
}

/** How a model is made. */
export interface ModelOptions {
  /** 'wasm' (default), or 'webgpu' for artifacts that were built with that target. */
  readonly target?: 'wasm' | 'webgpu';
  /**
   * The artifact's WebAssembly, compiled already: for environments that forbid compilation from bytes, but let modules be imported
   * (`sinter build --wasm` writes them as files).
   */
  readonly module?: WebAssembly.Module;
  /** Chooses the variant of WebAssembly: false is baseline SIMD. By default the one with fused multiply-add, where the engine has it. */
  readonly relaxed?: boolean;
}

/** Everything `load` can be told. */
export interface LoadOptions extends OpenOptions, ModelOptions {}

/** Nothing is known of how it was made: that is in the artifact's details, which running does not need. */
const noInfo: PlanInfo = {
  arenaBytes: 0,
  lowerBound: 0,
  constantBytes: 0,
  stateBytes: 0,
  kernels: [],
  passes: [],
  compileMs: {},
};

/** A file's header and data, from which any number of models can be made. */
export class Artifact {
  /** What it says of itself, for tools. */
  readonly header: Header;
  readonly #blobs: readonly Uint8Array[];
  readonly #modules = new Map<number, Promise<WebAssembly.Module>>();

  /** Made by `openArtifact`. */
  constructor(header: Header, blobs: readonly Uint8Array[]) {
    this.header = header;
    this.#blobs = blobs;
  }

  /** The bytes of a blob. */
  blob(i: number): Uint8Array {
    return this.#blobs[i];
  }

  /**
   * A model with Variables of its own. Rejects with FormatError where the artifact has no program for the target, DeviceError
   * where there is no such device, ExecutionError where its WebAssembly cannot be compiled here.
   */
  async instantiate(opts: ModelOptions = {}): Promise<Model> {
    const { states } = this.header;
    const cells = states.map((s) => {
      const type = typeOf(s.tensor as TensorEntry);
      return new StateCell(type, s.blob === noBlob ? [] : elementsOf(type.dtype, this.blob(s.blob)));
    });
    const target = opts.target ?? 'wasm';
    const { make, dispose } = target === 'webgpu' ? await this.#gpu(cells) : await this.#wasm(cells, opts);
    const functions = Object.fromEntries(this.header.functions.map((f) => [f.name, new Entry(f, make(f))]));
    const infos = states.map(({ tensor, trainable }) => ({
      name: (tensor as TensorEntry).name,
      type: typeOf(tensor as TensorEntry),
      trainable,
    }));
    return new Model(functions, target, infos, cells, dispose);
  }

  async #wasm(cells: readonly StateCell[], opts: ModelOptions) {
    const { module, relaxed } = await this.#module(opts);
    const host = new ModelHost();
    let exports: WebAssembly.Exports;
    try {
      exports = (await WebAssembly.instantiate(module, { env: { memory: host.memory.memory } })).exports;
    } catch (e) {
      return fail(
        `its WebAssembly does not fit this runtime: ${(e as Error).message}`,
        'build it again, or take the runtime that it was built with',
      );
    }
    const make = (f: FunctionEntry): Runnable => {
      const p = relaxed ? f.relaxed : f.wasm;
      const run = p && exports[p.run];
      if (!p || typeof run !== 'function') return noProgram(f.name, 'wasm');
      const plan = { ...this.#plan(f, p), module: new Uint8Array(), steps: p.steps, parallel: false };
      return new WasmProgram(
        plan,
        f.states.map((i) => cells[i]),
        host,
        1,
        run as Run,
      );
    };
    return { make, dispose: () => undefined };
  }

  /** The variant with fused multiply-add where the engine has that. */
  async #module({
    module: given,
    relaxed: wanted,
  }: ModelOptions): Promise<{ module: WebAssembly.Module; relaxed: boolean }> {
    if (given) return { module: given, relaxed: wanted === true };
    const modules = this.header.modules.filter((m) => wanted === undefined || m.relaxed === wanted);
    if (!modules.length) return noProgram('', 'wasm');
    const variants = modules.toSorted((a, b) => Number(b.relaxed) - Number(a.relaxed));
    let why = '';
    for (const { blob, relaxed } of variants) {
      let compiled = this.#modules.get(blob);
      if (!compiled) {
        compiled = WebAssembly.compile(this.blob(blob) as BufferSource);
        this.#modules.set(blob, compiled);
      }
      try {
        return { module: await compiled, relaxed };
      } catch (e) {
        // An engine without fused multiply-add takes the next one.
        why = (e as Error).message;
      }
    }
    return fail(
      `its WebAssembly cannot be compiled here: ${why}`,
      'use an engine with SIMD; where compilation is forbidden allow wasm-unsafe-eval, or import the file that sinter build --wasm writes and give it as `module`',
    );
  }

  async #gpu(cells: readonly StateCell[]) {
    // Larger than all the rest, and needed by few.
    const { gpuPrograms } = await import('./gpu.ts');
    return gpuPrograms(this.header.functions, (f) => {
      const p = f.webgpu ?? noProgram(f.name, 'webgpu');
      return {
        plan: { ...this.#gpuSteps(f, p), ...this.#plan(f, p) },
        cells: f.states.map((i) => cells[i]),
      };
    });
  }

  /** What only a GPU's program has. It replaces nothing that the header says and was checked. */
  #gpuSteps({ name }: FunctionEntry, p: ProgramEntry): Pick<GpuPlan, 'kernels' | 'steps' | 'loops' | 'segment'> {
    let plan: Partial<GpuPlan> | null = null;
    try {
      plan = JSON.parse(new TextDecoder().decode(this.blob(p.plan)));
    } catch {
      // Refused below.
    }
    const { kernels, steps, loops, segment } = plan ?? {};
    const lists = [kernels, steps].every(
      (x) => Array.isArray(x) && x.every((y) => typeof y === 'object' && y !== null),
    );
    if (!lists || ![loops, segment].every((x) => Number.isInteger(x) && (x as number) >= 0))
      fail(`the program of '${name}' for GPUs is damaged`);
    return { kernels, steps, loops, segment } as GpuPlan;
  }

  #plan(f: FunctionEntry, p: ProgramEntry): ProgramPlan {
    const ports = (list: FunctionEntry['inputs'], staging: readonly number[]): Port[] =>
      list.map(({ tensor, scale }, i) => {
        const type = typeOf(tensor as TensorEntry);
        const port = { type, staging: staging[i] };
        return scale ? { ...port, unit: sizeOf(type.shape) / f.bound } : port;
      });
    return {
      inputs: ports(f.inputs, p.inputs),
      outputs: ports(f.outputs, p.outputs),
      states: f.states.map((i) => typeOf(this.header.states[i].tensor as TensorEntry)),
      constants: p.constants.map(({ offset, blob }) => ({ offset, data: this.blob(blob) })),
      constantBytes: p.constantBytes,
      arenaBytes: p.arena,
      ...(f.bound ? { bound: f.bound } : {}),
      info: noInfo,
    };
  }
}

const noProgram = (name: string, target: string): never => {
  throw new FormatError(`${name ? `'${name}'` : 'it'} was not built for ${target}`, {
    op: 'artifact',
    fix: `sinter build --target ${target}`,
  });
};

/** Elements of a file as JavaScript has them: float16 as numbers, booleans, which take 32 bits, as bytes. */
function elementsOf(dtype: DType, bytes: Uint8Array): TypedArray {
  const { buffer } = bytes.slice();
  if (dtype === 'f16') return Float32Array.from(new Uint16Array(buffer), fromHalfBits);
  if (dtype === 'bool') return Uint8Array.from(new Uint32Array(buffer));
  const Class = arrayFor(dtype, 0).constructor as new (b: ArrayBufferLike) => TypedArray;
  return new Class(buffer);
}

/** Reads the blobs of one file in the order in which they lie there. */
async function readBlobs(
  header: Header,
  shard: number,
  r: Reader,
  blobs: Uint8Array[],
  told: (n: number) => void,
): Promise<void> {
  const own = header.blobs.map((b, i) => ({ ...b, i })).filter((b) => b.shard === shard);
  let at = 0;
  for (const b of own.sort((x, y) => x.offset - y.offset)) {
    if (b.offset < at) fail('the header is damaged: blobs that overlap');
    told((await r.take(b.offset - at)).length);
    const bytes = await r.take(b.size);
    if (hashOf(bytes) !== b.hash) fail(`the checksum of its part ${b.i} is wrong`);
    blobs[b.i] = bytes;
    at = b.offset + b.size;
    told(b.size);
  }
  if (!(await r.ended())) fail('there are bytes behind its end');
}

/**
 * Opens an artifact: reads it whole, with its shards, and checks every part.
 * Rejects with FormatError where anything of it is not as it was written, ExecutionError where it cannot be read, and with
 * the signal's reason. Nothing is left behind then.
 */
export async function openArtifact(source: ArtifactSource, opts: OpenOptions = {}): Promise<Artifact> {
  const { signal } = opts;
  const r = await open(source, signal, opts.fetch);
  let loaded = 0;
  // The header says it, before anybody is told.
  let total = 0;
  const told = (n: number) => {
    signal?.throwIfAborted();
    loaded += n;
    opts.onProgress?.(loaded, Math.max(total, loaded));
  };
  try {
    const prefix = await r.take(4);
    const rest = await r.take(headerBytes(prefix) - 4);
    const head = new Uint8Array(4 + rest.length);
    head.set(prefix);
    head.set(rest, 4);
    const header = readHeader(head);
    total = head.length + end(header, 0) + header.shards.reduce((n, s) => n + s.size, 0);
    told(head.length);
    const blobs = new Array<Uint8Array>(header.blobs.length);
    await readBlobs(header, 0, r, blobs, told);
    for (const [i, { name }] of header.shards.entries()) {
      const part = await open(await (opts.shard ?? beside(source))(name), signal, opts.fetch);
      try {
        await readBlobs(header, i + 1, part, blobs, told);
      } finally {
        part.close();
      }
    }
    return new Artifact(header, blobs);
  } finally {
    r.close();
  }
}

/** Bytes of the data in a file. */
const end = (h: Header, shard: number): number =>
  h.blobs.reduce((n, b) => (b.shard === shard ? Math.max(n, b.offset + b.size) : n), 0);

/** A shard lies beside its artifact. */
function beside(source: ArtifactSource): (name: string) => ArtifactSource {
  const base = source instanceof URL || typeof source === 'string' ? String(source) : 'url' in source ? source.url : '';
  if (!base)
    return () =>
      fail(
        'its weights are in files beside it, and it was given as bytes',
        'say where they are: load(bytes, {shard: (name) => …})',
      );
  return (name) => base.replace(/[^/\\]*$/, '').replace(/\?.*$/, '') + name;
}

/**
 * Loads an artifact and makes a model of it: `openArtifact`, then `instantiate`, with their options and errors.
 * `const model = await load('mlp.sinter'); model.functions.predict.run(x)`.
 */
export async function load(source: ArtifactSource, opts: LoadOptions = {}): Promise<Model> {
  return (await openArtifact(source, opts)).instantiate(opts);
}
