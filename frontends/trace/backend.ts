// Where the front end meets the targets: a graph and its Variables' storage in, a program out.
//
// A graph's parameters are its tensor inputs, then one state per Variable; its results are its
// tensor outputs, then the last version of each of these states, in the same order.

import {
  type CompileOptions,
  compileGraph,
  compileGraphSync,
  compilerReady,
  compilesAtOnce,
  loadCompiler,
  optimizedGraph,
} from '../../compiler/index.ts';
import { compileForGpu, optimizedForGpu } from '../../compiler/wgsl/compile.ts';
import { ArgumentError, CompileError, DeviceError, valueText } from '../../ir/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { ndarray } from '../../ir/ndarray.ts';
import type { PlanInfo, WasmPlan } from '../../ir/plan.ts';
import { staticShape, type TensorType, typeBytes } from '../../ir/types.ts';
import { arrayOf, type Storage } from '../../runtime/buffer.ts';
import { checkOutputs, type Program, type StepRuns } from '../../runtime/program.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import type { StateCell } from '../../runtime/state.ts';
import { wasmDevice } from '../../runtime/wasm/device.ts';
import { WasmProgram } from '../../runtime/wasm/program.ts';
import { type GpuDevice, gpuDevice, openGpu } from '../../runtime/webgpu/device.ts';
import { GpuProgram } from '../../runtime/webgpu/program.ts';
import { context, type Target } from './context.ts';
import { TimingTuner } from './tune.ts';

/** How programs of the WASM target are made, as far as their callers choose. */
export interface ProgramChoices {
  /** Threads; one by default. */
  readonly threads?: number;
  /**
   * Times the schedules that products and convolutions can have on this machine, for some two seconds a program, and
   * keeps the fastest in the compile cache, where later compilations find them. Results differ in their last digits.
   */
  readonly tune?: boolean;
  /** False: no convolution by Winograd's algorithm, whose error is about twice that of the direct sum. */
  readonly winograd?: boolean;
}

/** How a graph is compiled. */
export interface ProgramOptions extends ProgramChoices {
  readonly target: Target;
  /** No fused multiply-add and the like: the same bits on every machine. */
  readonly deterministic?: boolean;
}

export const targets: readonly Target[] = ['wasm', 'webgpu', 'reference'];

/** The name as a target; throws DeviceError, which lists the targets, for any other. */
export function checkTarget(name: string, op: string): Target {
  if (!targets.includes(name as Target))
    throw new DeviceError(`there is no target ${valueText(name)}`, { op, fix: `use one of ${targets.join(', ')}` });
  return name as Target;
}

/** Compiles a graph whose states are stored in `cells`. */
export async function createProgram(graph: Graph, cells: readonly StateCell[], opts: ProgramOptions): Promise<Program> {
  checkChoices(opts, 'compile');
  const target = checkTarget(opts.target, 'compile');
  if (target === 'webgpu') return createGpuProgram(graph, cells, opts);
  await Promise.all(cells.map((c) => c.fetch()));
  if (target === 'reference') return new ReferenceProgram(graph, cells);
  const device = wasmDevice();
  const threads = device.memory.shared ? threadsOf(opts) : oneThread(opts);
  if (threads > 1) await device.preparePool(threads);
  const { options, tuner } = compileOptions({ ...opts, threads });
  const { plan } = await compileGraph(graph, options);
  return new WasmProgram(withTuned(plan, tuner), cells, device, threads);
}

/** A program on the GPU, its pipelines made. */
async function createGpuProgram(graph: Graph, cells: readonly StateCell[], opts: ProgramOptions): Promise<Program> {
  const device = await openGpu('compile');
  const program = gpuProgram(graph, cells, device, opts.deterministic);
  await program.prepare();
  return program;
}

function gpuProgram(graph: Graph, cells: readonly StateCell[], device: GpuDevice, deterministic = false): GpuProgram {
  return new GpuProgram(compileForGpu(graph, { gpu: { ...device.target, deterministic } }).plan, cells, device);
}

/** The GPU that `setBackend('webgpu')` has opened. Throws DeviceError where it is lost. */
function openedGpu(): GpuDevice {
  const device = gpuDevice();
  if (device) return device;
  throw new DeviceError('the GPU is not open, or it was lost', {
    op: 'webgpu',
    fix: "await tf.setBackend('webgpu') opens it, and Variables must be assigned anew after a loss",
  });
}

/** As `createProgram`, at once. Throws DeviceError where the compiler would have to be waited for and cannot be. */
export function createProgramSync(graph: Graph, cells: readonly StateCell[], opts: ProgramOptions): Program {
  const target = checkTarget(opts.target, 'compile');
  if (target === 'reference') return new ReferenceProgram(graph, cells);
  if (target === 'webgpu') return gpuProgram(graph, cells, openedGpu());
  const { options, tuner } = compileOptions(opts);
  const compiled = compileGraphSync(graph, options);
  if (!compiled) throw new DeviceError('the compiler is not loaded', { fix: 'await tf.ready() once before' });
  return new WasmProgram(withTuned(compiled.plan, tuner), cells, wasmDevice(), threadsOf(opts));
}

/** Threads as far as `prepareThreads` has started them. */
interface DefaultProgramOptions extends ProgramChoices {
  /** By default that of the chosen backend. */
  readonly target?: Target;
  readonly start?: boolean;
  readonly onFallback?: (why: CompileError) => void;
}

/** The graph as a target's compiler plans it, after all passes. */
export function optimizedFor(graph: Graph, target: Target): Graph {
  if (target === 'webgpu') return optimizedForGpu(graph);
  return target === 'wasm' ? optimizedGraph(graph, compileOptions({ target }).options) : graph;
}

/** Starts threads for programs of the default target. Errors as `compile`. */
export async function prepareThreads(threads: number): Promise<void> {
  const device = wasmDevice();
  const opts: ProgramOptions = { target: 'wasm', threads };
  const n = device.memory.shared ? threadsOf(opts) : oneThread(opts);
  if (n > 1) await device.preparePool(n);
}

/**
 * A program for the default target; the interpreter's where the target cannot compile the graph. Null
 * where the compiler would have to be started for it and may not.
 * @param onFallback told why the interpreter has to do
 */
export function createDefaultProgram(
  graph: Graph,
  cells: readonly StateCell[],
  { start = true, threads = 1, target = defaultTarget(), onFallback, ...choices }: DefaultProgramOptions = {},
): Program | null {
  if (target === 'reference') return new ReferenceProgram(graph, cells);
  if (target === 'webgpu') return gpuProgram(graph, cells, openedGpu());
  try {
    const running = Math.min(threads, wasmDevice().pool?.threads ?? 1);
    const { options, tuner } = compileOptions({ ...choices, target: 'wasm', threads: running });
    const compiled = compileGraphSync(graph, options, start);
    if (compiled) return new WasmProgram(withTuned(compiled.plan, tuner), cells, wasmDevice(), running);
    // The compiler turned out not to start: from here on the default target is another one.
    return start ? new ReferenceProgram(graph, cells) : null;
  } catch (e) {
    if (!(e instanceof CompileError)) throw e;
    onFallback?.(e);
    return new ReferenceProgram(graph, cells);
  }
}

/** More threads than any machine at hand has cores are a mistake in a unit or a variable. */
const mostThreads = 128;

/** Threads of a program: as asked, else one. Throws ArgumentError for what is no number of threads. */
function threadsOf({ threads = 1 }: ProgramOptions): number {
  if (!Number.isInteger(threads) || threads < 1 || threads > mostThreads)
    throw new ArgumentError(`threads must be a whole number from 1 to ${mostThreads}, not ${valueText(threads)}`, {
      op: 'compile',
      fix: 'one a core is a good choice; navigator.hardwareConcurrency counts them',
    });
  return threads;
}

let saidOneThread = false;
/** Without shared memory there is one thread, whatever was asked for; the results are the same. */
function oneThread(opts: ProgramOptions): number {
  if (threadsOf(opts) > 1 && !saidOneThread) {
    saidOneThread = true;
    console.warn(
      `sinter: threads: ${threadsOf(opts)} was asked for, but one thread runs: this environment has no shared memory. ` +
        'In a browser, serve the page with cross-origin isolation (the headers Cross-Origin-Opener-Policy: same-origin ' +
        'and Cross-Origin-Embedder-Policy: require-corp).',
    );
  }
  return 1;
}

/** Throws ArgumentError for `tune`, `winograd` or `deterministic` that is no boolean, and for choices that exclude each other. */
export function checkChoices(choices: ProgramChoices & { readonly deterministic?: boolean }, op: string): void {
  for (const name of ['tune', 'winograd', 'deterministic'] as const) {
    const value: unknown = choices[name];
    if (value !== undefined && typeof value !== 'boolean')
      throw new ArgumentError(`${name} must be true or false, not ${valueText(value)}`, {
        op,
        fix: `leave it out for ${name === 'winograd'}`,
      });
  }
  if (choices.tune && choices.deterministic)
    throw new ArgumentError(
      'deterministic means the same bits on every machine, and tune what is fastest on this one',
      {
        op,
        fix: 'leave one of them out',
      },
    );
}

/** What the compiler is told, and the tuner in it, if there is one. */
function compileOptions(opts: ProgramOptions): { options: CompileOptions; tuner: TimingTuner | undefined } {
  const { deterministic, winograd } = opts;
  const options = { threads: threadsOf(opts), deterministic, winograd, shared: wasmDevice().memory.shared };
  const tuner = opts.tune ? new TimingTuner(options) : undefined;
  return { options: tuner ? { ...options, tuner } : options, tuner };
}

const withTuned = (plan: WasmPlan, tuner: TimingTuner | undefined): WasmPlan =>
  tuner ? { ...plan, info: { ...plan.info, tuned: tuner.info } } : plan;

/**
 * The target of eager operations and of `tf.func`: the chosen backend where the compiler is loaded, or
 * can be waited for (in Node), else the interpreter.
 */
export const defaultTarget = (): Target =>
  context.target === 'wasm' && !compilesAtOnce() ? 'reference' : context.target;

/** A target with its device, where there may be others after it: what a program is kept by. */
export function placeOf(target = defaultTarget()): string {
  return target === 'webgpu' ? `webgpu ${gpuDevice()?.id}` : target;
}

export { compilerReady };

/**
 * Makes a target ready: loads the compiler, or opens the GPU. Variables come back from a GPU for any other target.
 * Rejects with DeviceError where there is no GPU, or Variables are lost with one.
 */
export async function prepareTarget(target = context.target): Promise<void> {
  if (target === 'webgpu') await openGpu('webgpu');
  else await gpuDevice()?.fetchAll();
  if (target === 'wasm') await loadCompiler();
}

/**
 * Loads the compiler, or opens the GPU. In a browser eager operations and `tf.func` are interpreted until then; in Node
 * they wait for the compiler by themselves, and this only saves them the wait.
 */
export const ready = (): Promise<void> => prepareTarget();

/**
 * Chooses the backend of eager operations and of `tf.func`: 'wasm' (default), 'webgpu' or 'reference'.
 * Variables in GPU memory come back where another one than 'webgpu' is chosen; tensors there stay, and are read by
 * `await tensor.data()`. Rejects with DeviceError for any other name, and where there is no GPU.
 */
export async function setBackend(name: string): Promise<boolean> {
  const target = checkTarget(name, 'setBackend');
  await prepareTarget(target);
  context.target = target;
  return true;
}

/** The chosen backend. */
export const getBackend = (): Target => context.target;

/** A graph run by the reference interpreter. */
class ReferenceProgram implements Program {
  readonly target = 'reference';
  readonly threads = 1;
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
  readonly plan: PlanInfo;
  readonly #graph: Graph;
  readonly #cells: readonly StateCell[];

  constructor(graph: Graph, cells: readonly StateCell[]) {
    this.#graph = graph;
    this.#cells = cells;
    this.inputTypes = graph.params.filter((p) => !p.type.state).map((p) => p.type);
    this.outputTypes = graph.results.filter((r) => !r.type.state).map((r) => r.type);
    this.plan = referencePlan(graph, cells);
  }

  runBuffers(inputs: readonly Storage[]): Storage[] {
    return this.run(inputs);
  }

  runInto(inputs: readonly Storage[], outputs: readonly TypedArray[]): void {
    checkOutputs(this.outputTypes, outputs);
    this.run(inputs).forEach((a, i) => {
      outputs[i].set(a);
    });
  }

  run(inputs: readonly Storage[]): TypedArray[] {
    const nIn = this.inputTypes.length;
    const nOut = this.outputTypes.length;
    const { params, results } = this.#graph;
    const args = params.map((p, i) =>
      ndarray(p.type.dtype, staticShape(p.type.shape), i < nIn ? arrayOf(inputs[i]) : this.#cells[i - nIn].read()),
    );
    const out = interpret(this.#graph, args).map((a, i) => {
      const t = arrayFor(results[i].type.dtype, a.data.length);
      t.set(a.data);
      return t;
    });
    // Only now, with every result there, may states change: a run that fails leaves them as they were.
    this.#cells.forEach((c, i) => {
      if (results[nOut + i] !== params[nIn + i]) c.write(out[nOut + i]);
    });
    return out.slice(0, nOut);
  }

  /** The interpreter runs everything as one step, which has no work of known size. */
  profile(inputs: readonly Storage[], repeats = 3): StepRuns[] {
    const [starts, ends]: [number[], number[]] = [[], []];
    const saved = this.#cells.map((c) => c.read());
    for (let i = 0; i < repeats; i++) {
      starts.push(performance.now());
      this.run(inputs);
      ends.push(performance.now());
    }
    this.#cells.forEach((c, i) => {
      c.write(saved[i]);
    });
    const { name, nodes } = this.#graph;
    const ops = nodes.map((n) => n.op.name);
    return [{ kernel: { name, kind: 'interpreter', ops, flops: 0, bytes: 0, text: '' }, starts, ends }];
  }
}

function referencePlan(graph: Graph, cells: readonly StateCell[]): PlanInfo {
  const total = (ts: readonly TensorType[]) => ts.reduce((n, t) => n + typeBytes(t), 0);
  const kernels = graph.nodes.map((n, i) => ({
    name: `${n.op.name}_${i}`,
    kind: n.op.kind,
    ops: [n.op.name],
    flops: 0,
    bytes: total([...n.inputs, ...n.outputs].map((v) => v.type)),
    text: '',
  }));
  return {
    arenaBytes: 0,
    lowerBound: 0,
    constantBytes: total(graph.nodes.filter((n) => n.op.name === 'constant').map((n) => n.outputs[0].type)),
    stateBytes: total(cells.map((c) => c.type)),
    kernels,
    passes: [],
    compileMs: {},
  };
}
