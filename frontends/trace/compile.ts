// tf.compile: a function with fixed input types as one program for one target.

import { ArgumentError } from '../../ir/errors.ts';
import { freezeStates } from '../../ir/freeze.ts';
import type { Graph } from '../../ir/graph.ts';
import { Literal, type TypedArray } from '../../ir/literal.ts';
import type { PlanInfo } from '../../ir/plan.ts';
import type { Storage } from '../../runtime/buffer.ts';
import { checkOutputs, type Program } from '../../runtime/program.ts';
import type { StateCell } from '../../runtime/state.ts';
import { checkTarget, createProgram, type ProgramChoices } from './backend.ts';
import { Concrete, parseArguments, refuseTrace } from './concrete.ts';
import { context } from './context.ts';
import { makeTensor } from './convert.ts';
import { publicDType } from './dtypes.ts';
import type { AnyFunction, Func } from './func.ts';
import { flattenTensors, pack } from './nest.ts';
import { functionArg, need } from './ops/common.ts';
import { type Profile, profileOf, profileOfAsync, repeatsOf } from './profile.ts';
import { fitSpec, TensorSpec } from './spec.ts';
import { storageOf } from './storage.ts';
import { eagerTensor, Tensor } from './tensor.ts';
import type { TensorMap } from './types.ts';
import type { Variable } from './variable.ts';

export interface CompileOptions extends ProgramChoices {
  /** One entry per argument: a spec, or an array or object of specs; anything else is a static value. */
  readonly inputs?: readonly unknown[];
  /** 'wasm' (default), 'webgpu' or 'reference'. */
  readonly target?: string;
  /** The same bits on every machine: no fused multiply-add. */
  readonly deterministic?: boolean;
  /**
   * Variables that the function only reads become constants of the program, with their present elements: faster, because
   * weights are then arranged for the machine when the program is made instead of in every run. What is assigned to
   * them later is not seen. Off by default.
   */
  readonly freeze?: boolean;
}

const optionNames: readonly (keyof CompileOptions)[] = [
  'inputs',
  'target',
  'threads',
  'tune',
  'winograd',
  'deterministic',
  'freeze',
];

/** A compiled function. */
export class Executable<R = Tensor | Tensor[] | TensorMap> {
  /** The traced graph; `String(graph)` is its text. */
  readonly graph: Graph;
  /** What it is made of: internal. */
  readonly parts: {
    readonly program: Program;
    readonly cells: readonly StateCell[];
    /** What was compiled: frozen Variables are constants of it. */
    readonly graph: Graph;
    readonly concrete: Concrete;
  };
  readonly #concrete: Concrete;
  readonly #program: Program;
  readonly #specs: readonly TensorSpec[];
  /** True where every argument is one tensor: the inputs are the arguments. */
  readonly #flat: boolean;
  readonly #arity: number;
  readonly #data: Storage[];

  /** Made by `tf.compile`. */
  constructor(concrete: Concrete, program: Program, cells: readonly StateCell[], compiled: Graph) {
    this.graph = concrete.graph;
    this.parts = { program, cells, graph: compiled, concrete };
    this.#concrete = concrete;
    this.#program = program;
    this.#specs = concrete.inputTypes.map(
      (t, i) => new TensorSpec(t.shape as number[], publicDType(t.dtype), concrete.inputNames[i]),
    );
    const items = concrete.argumentTree.kind === 'list' ? concrete.argumentTree.items : [];
    this.#flat = items.every((t) => t.kind === 'leaf');
    this.#arity = items.length;
    this.#data = new Array(this.#specs.length);
  }

  /** Memory, kernels and passes of the program. */
  get plan(): PlanInfo {
    return this.#program.plan;
  }
  get target(): string {
    return this.#program.target;
  }

  /**
   * Runs the program; returns what the function returned. Arguments must have the shapes and dtypes it
   * was compiled for: ArgumentError, ShapeError or DTypeError names the one that has not. A run that
   * fails leaves Variables as they were.
   */
  run(...args: unknown[]): R {
    const data = this.#data;
    const { length } = data;
    if (context.trace || !this.#flat || args.length !== length) this.#gather(args);
    else
      for (let i = 0; i < length; i++) {
        const t = args[i];
        // The same type object is the common case: specs and earlier results share theirs.
        data[i] =
          t instanceof Tensor && !t.symbol && fits(t, this.#concrete.inputTypes[i])
            ? storageOf(t, this.#program.target)
            : this.#convert(t, i);
      }
    const out = this.#program.runBuffers(data);
    const { resultTree, outputTypes, assigned } = this.#concrete;
    for (let i = 0; i < assigned.length; i++) assigned[i].changed();
    if (resultTree.kind === 'leaf') return eagerTensor(outputTypes[0], out[0]) as R;
    const tensors = outputTypes.map((t, i) => eagerTensor(t, out[i]));
    return pack(resultTree, tensors) as R;
  }

  /**
   * As `run`, into arrays of the caller's, one per output tensor in the order of the result's leaves (of objects, by name of the key):
   * for loops that must not allocate. ArgumentError where their number or length does not fit.
   */
  runInto(outputs: readonly TypedArray[], ...args: unknown[]): void {
    this.#gather(args);
    this.#program.runInto(this.#data, outputs);
    for (const v of this.#concrete.assigned) v.changed();
  }

  /** As `runInto`, for every target: on 'webgpu' the elements are waited for. */
  async runIntoAsync(outputs: readonly TypedArray[], ...args: unknown[]): Promise<void> {
    const program = this.#program;
    if (!program.runAsync) return this.runInto(outputs, ...args);
    this.#gather(args);
    checkOutputs(program.outputTypes, outputs);
    const pending = program.runAsync(this.#data);
    for (const v of this.#concrete.assigned) v.changed();
    (await pending).forEach((a, i) => void outputs[i].set(a));
  }

  /**
   * Runs the program several times kernel by kernel on these arguments, and says where the time goes: print the
   * result, or write its `toChromeTrace()` into a file. Variables are put back. ProfileOptions may follow the arguments.
   * ArgumentError for bad options; DeviceError on 'webgpu', see `profileAsync`; other errors as `run`.
   */
  profile(...args: unknown[]): Profile {
    const repeats = this.#profiled(args);
    try {
      return profileOf(this.#program, this.#data, repeats);
    } finally {
      for (const v of this.#concrete.assigned) v.changed();
    }
  }
  /**
   * As `profile`, for every target. On 'webgpu' the times are those of the GPU's own clock, each dispatch on its own:
   * DeviceError where it, or the browser, lets nobody read that. The program must not run elsewhere meanwhile.
   */
  async profileAsync(...args: unknown[]): Promise<Profile> {
    const repeats = this.#profiled(args);
    try {
      return await profileOfAsync(this.#program, [...this.#data], repeats);
    } finally {
      for (const v of this.#concrete.assigned) v.changed();
    }
  }
  /** Takes the arguments of `profile`; how often it is to run. */
  #profiled(args: unknown[]): number | undefined {
    const repeats = args.length === this.#arity + 1 ? repeatsOf(args.pop()) : undefined;
    this.#gather(args);
    return repeats;
  }

  #convert(x: unknown, i: number): Storage {
    const spec = this.#specs[i];
    return storageOf(fitSpec(x, spec, spec.name ?? `x${i}`, this.#concrete.name), this.target, 'an input');
  }

  /** The elements of a call's arguments, in the program's order. Errors as `run`. */
  storages(args: readonly unknown[]): readonly Storage[] {
    this.#gather(args);
    return this.#data.slice();
  }

  /** The arguments' tensors in order; statics are skipped, they are part of the program. */
  #gather(args: readonly unknown[]): void {
    refuseTrace('run', 'call the function itself there: it becomes part of the trace');
    const { argumentTree, name } = this.#concrete;
    if (args.length !== this.#arity)
      throw new ArgumentError(
        `takes ${this.#arity} argument(s) (${this.#specs.join(', ') || 'none'}), got ${args.length}`,
        { op: name, fix: 'call it with one argument for each entry of inputs' },
      );
    const leaves: unknown[] = [];
    if (this.#flat) leaves.push(...args);
    else if (argumentTree.kind === 'list')
      argumentTree.items.forEach((t, i) => {
        if (t.kind === 'leaf') leaves.push(args[i]);
        else if (t.kind !== 'static') flattenTensors(args[i], leaves as Tensor[]);
      });
    if (leaves.length !== this.#specs.length)
      throw new ArgumentError(
        `takes ${this.#specs.length} tensor(s) (${this.#specs.join(', ')}) in its arguments, got ${leaves.length}`,
        { op: name, fix: 'give arrays and objects as many tensors as inputs described' },
      );
    leaves.forEach((x, i) => {
      this.#data[i] = this.#convert(x, i);
    });
  }
}

function fits(t: Tensor, want: Tensor['type']): boolean {
  const have = t.type;
  if (have === want) return true;
  const { length } = want.shape;
  if (have.dtype !== want.dtype || have.shape.length !== length) return false;
  for (let i = 0; i < length; i++) if (have.shape[i] !== want.shape[i]) return false;
  return true;
}

/** What can be compiled beside functions: a model says what function of its inputs it is. */
export interface Compilable {
  asFunction(): (...inputs: Tensor[]) => Tensor | Tensor[];
}
const isCompilable = (f: unknown): f is Compilable =>
  typeof f === 'object' && f !== null && typeof (f as Compilable).asFunction === 'function';

export const isFunc = (f: AnyFunction): f is Func<AnyFunction> => 'concreteFor' in f;

/**
 * Compiles a function, what `tf.func` returned, or a model's prediction, for fixed inputs. Tensors that it captures become
 * constants of the program, Variables its state.
 * Rejects with ArgumentError for inputs that are not the function's, DeviceError for an unknown target, CompileError where the target cannot do an operation,
 * and with what the function throws while it is traced.
 */
export async function compile<F extends AnyFunction>(
  fn: F | Func<F>,
  opts?: CompileOptions,
): Promise<Executable<ReturnType<F>>>;
export async function compile(model: Compilable, opts?: CompileOptions): Promise<Executable<Tensor & Tensor[]>>;
export async function compile(
  given: AnyFunction | Compilable,
  opts: CompileOptions = {},
): Promise<Executable<unknown>> {
  const fn = isCompilable(given) ? given.asFunction() : given;
  functionArg(fn, 'fn', 'compile');
  need(
    typeof opts === 'object' && opts !== null,
    'compile',
    'the options must be an object',
    opts,
    'such as {inputs: […]}',
  );
  const unknown = Object.keys(opts).find((k) => !(optionNames as readonly string[]).includes(k));
  if (unknown !== undefined)
    throw new ArgumentError(`there is no option '${unknown}'`, {
      op: 'compile',
      fix: `the options are ${optionNames.join(', ')}`,
    });
  const target = checkTarget(opts.target ?? 'wasm', 'compile');
  const inputs = opts.inputs ?? [];
  if (!Array.isArray(inputs))
    throw new ArgumentError('inputs must be an array with one entry per argument', {
      op: 'compile',
      fix: 'inputs: [tf.spec(shape, dtype)]',
    });
  refuseTrace('compile', 'compile outside of traced functions');
  const concrete = traced(fn, inputs);
  need(
    opts.freeze === undefined || typeof opts.freeze === 'boolean',
    'compile',
    'freeze must be true or false',
    opts.freeze,
  );
  const { graph, cells } = await programOf(concrete, opts.freeze === true);
  const program = await createProgram(graph, cells, {
    target,
    threads: opts.threads,
    tune: opts.tune,
    winograd: opts.winograd,
    deterministic: opts.deterministic,
  });
  return new Executable(concrete, program, cells, graph);
}

/** A function, or what `tf.func` returned, traced for these inputs. Errors as `compile`. */
export const traced = (fn: AnyFunction, inputs: readonly unknown[]): Concrete =>
  isFunc(fn) ? fn.concreteFor(inputs) : trace(fn, inputs);

/** What is compiled, and its Variables' cells; where it is frozen, those that it only reads are constants of it. */
async function programOf(concrete: Concrete, freeze: boolean): Promise<{ graph: Graph; cells: StateCell[] }> {
  const stays = (v: Variable) => !freeze || concrete.assigned.includes(v);
  const cells = concrete.variables.filter(stays).map((v) => v.cell);
  return { graph: await withConstants(concrete, stays), cells };
}

/** The graph with the present elements of the Variables that do not stay as constants of it. */
export async function withConstants({ graph, variables }: Concrete, stays: (v: Variable) => boolean): Promise<Graph> {
  const states = graph.params.filter((p) => p.type.state);
  const frozen = states.flatMap((p, i) => (stays(variables[i]) ? [] : [[p, variables[i]] as const]));
  if (frozen.length === 0) return graph;
  const literals = frozen.map(async ([p, v]) => [p, Literal.of(await v.cell.readAsync())] as const);
  return freezeStates(graph, new Map(await Promise.all(literals)));
}

function trace(fn: AnyFunction, inputs: readonly unknown[]): Concrete {
  const name = fn.name || 'main';
  if (fn.length > inputs.length)
    throw new ArgumentError(`the function takes ${fn.length} argument(s), inputs describes ${inputs.length}`, {
      op: 'compile',
      fix: 'give one entry per argument: inputs: [tf.spec(shape, dtype), …]',
    });
  const parsed = parseArguments(inputs, (x) => makeTensor(x, undefined, undefined, name));
  try {
    return new Concrete(fn, parsed.tree, parsed.inputs, name, true);
  } catch (e) {
    // `inputs: [[2, 3]]` passes the array itself; the function then calls a method that it has not.
    const given = inputs.findIndex((x) => Array.isArray(x) && x.every((d) => typeof d === 'number'));
    if (!(e instanceof TypeError) || given < 0) throw e;
    const error = new ArgumentError(
      `the function failed while it was traced: ${e.message}; argument ${given} is the plain array [${inputs[given]}]`,
      { op: 'compile', fix: `describe a tensor of that shape by tf.spec([${inputs[given]}])` },
    );
    error.cause = e;
    throw error;
  }
}
