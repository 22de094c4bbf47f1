// tf.verify: does a program compute what the definition of its operations says, on this machine and these inputs?
// GPUs and their drivers differ in rounding, in subnormal numbers, and in bugs.

import { type KernelGraph, kernelGraphs, withResults } from '../../compiler/index.ts';
import { ArgumentError } from '../../ir/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { type NDArray, ndarray } from '../../ir/ndarray.ts';
import { isFloat, staticShape, type TensorType, typeText } from '../../ir/types.ts';
import { onDevice, type Storage } from '../../runtime/buffer.ts';
import type { Program } from '../../runtime/program.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { StateCell } from '../../runtime/state.ts';
import { checkTarget, createProgram, optimizedFor } from './backend.ts';
import { Executable } from './compile.ts';
import type { Target } from './context.ts';
import { need } from './ops/common.ts';

export interface VerifyOptions {
  /** What to compare with: 'reference' (default), the interpreter that defines every operation, 'wasm' or 'webgpu'. */
  readonly against?: string;
  /** Largest difference allowed of floats, relative to the largest element of an output: 1e-4 by default. Others must be equal. */
  readonly tolerance?: number;
  /** Where outputs differ, or always with 'always': also each kernel alone, on inputs that are right. Slow. */
  readonly locate?: boolean | 'always';
}

/** An element that differs most. */
export interface WorstElement {
  /** Its index. */
  readonly at: readonly number[];
  readonly got: number;
  readonly want: number;
  /** The difference relative to the largest element of what it should be; infinite where one of both is NaN or infinite alone. */
  readonly error: number;
}

/** One output, Variable, or result of a kernel. */
export interface Comparison {
  readonly name: string;
  readonly type: string;
  readonly ok: boolean;
  /** Elements that are not equal, of how many. */
  readonly differing: number;
  readonly size: number;
  /** Undefined where all are equal. */
  readonly worst: WorstElement | undefined;
}

/** A kernel that gives other results than it should, on inputs that are right. */
export interface DivergingKernel {
  /** Its number in program order. */
  readonly index: number;
  readonly kind: string;
  readonly ops: readonly string[];
  readonly results: readonly Comparison[];
}

/** What `tf.verify` found. `String(result)` is a report. */
export interface Verification {
  readonly ok: boolean;
  readonly target: string;
  readonly against: string;
  readonly tolerance: number;
  /** The program's outputs, then its Variables after the run. */
  readonly outputs: readonly Comparison[];
  /** Of the program's kernels, where they were looked at: the first one that diverges, or null. */
  readonly firstDiverging: DivergingKernel | null | undefined;
  toString(): string;
}

const optionNames: readonly (keyof VerifyOptions)[] = ['against', 'tolerance', 'locate'];

/**
 * Runs a compiled program and the same graph on another target, and compares every element of the outputs and of the
 * Variables that it changes; these are put back afterwards.
 * @param inputs the arguments of one call
 * Rejects with ArgumentError for bad options, DeviceError where the other target is not there, and as `exe.run`.
 */
export async function verify(
  exe: Executable<unknown>,
  inputs: readonly unknown[],
  options: VerifyOptions = {},
): Promise<Verification> {
  const { against, tolerance, locate } = checkOptions(exe, inputs, options);
  const { program, cells, graph } = exe.parts;
  const given = exe.storages(inputs);
  const plain = await Promise.all(given.map(fetched));
  const before = await Promise.all(cells.map((c) => c.readAsync()));
  const got = await runOnce(program, cells, given, before);
  for (const v of exe.parts.concrete.assigned) v.changed();
  const others = cells.map((c, i) => new StateCell({ ...c.type }, before[i]));
  const other = await createProgram(graph, others, { target: against });
  const want = await runOnce(other, others, plain, before);
  const results = graph.results.map((r, i) => {
    const variable = exe.parts.concrete.variables.find((v) => v.cell === cells[i - program.outputTypes.length]);
    return compare(r.type, variable ? variable.name : `output ${i}`, got[i], want[i], tolerance);
  });
  const ok = results.every((r) => r.ok);
  const looked = locate === 'always' || (locate && !ok);
  const target = program.target as Target;
  const firstDiverging = looked ? await firstOf(graph, target, plain, before, tolerance) : undefined;
  const found = { ok, target, against, tolerance, outputs: results, firstDiverging };
  return { ...found, toString: () => report(found) };
}

function checkOptions(exe: unknown, inputs: unknown, options: VerifyOptions) {
  const op = 'verify';
  need(exe instanceof Executable, op, 'takes what tf.compile gives', exe, 'verify(await tf.compile(f, {inputs}), [x])');
  need(Array.isArray(inputs), op, 'the inputs must be an array of one call’s arguments', inputs, 'verify(exe, [x])');
  need(typeof options === 'object' && options !== null, op, 'the options must be an object', options);
  const unknown = Object.keys(options).find((k) => !(optionNames as readonly string[]).includes(k));
  if (unknown !== undefined)
    throw new ArgumentError(`there is no option '${unknown}'`, {
      op,
      fix: `the options are ${optionNames.join(', ')}`,
    });
  const { tolerance = 1e-4, locate = false } = options;
  need(typeof tolerance === 'number' && tolerance >= 0, op, 'tolerance must be a number of at least 0', tolerance);
  need(typeof locate === 'boolean' || locate === 'always', op, "locate must be true, false or 'always'", locate);
  return { against: checkTarget(options.against ?? 'reference', op), tolerance, locate };
}

/** Elements in JavaScript, which every target takes. */
const fetched = async (x: Storage): Promise<TypedArray> => (onDevice(x) ? ((await x.readAsync?.()) ?? x.read()) : x);

/** Outputs and states after a run from the states `before`, which are put back. */
async function runOnce(
  program: Program,
  cells: readonly StateCell[],
  inputs: readonly Storage[],
  before: readonly TypedArray[],
): Promise<TypedArray[]> {
  try {
    const out = await Promise.all(program.runBuffers(inputs).map(fetched));
    return [...out, ...(await Promise.all(cells.map((c) => c.readAsync())))];
  } finally {
    cells.forEach((c, i) => {
      c.write(before[i]);
    });
  }
}

/** Compares elements; `want` is right. */
function compare(
  type: TensorType,
  name: string,
  got: TypedArray,
  want: ArrayLike<number>,
  tolerance: number,
): Comparison {
  const shape = staticShape(type.shape);
  const float = isFloat(type.dtype) || type.dtype === 'f16';
  let largest = 0;
  for (let i = 0; i < want.length; i++) if (Number.isFinite(want[i])) largest = Math.max(largest, Math.abs(want[i]));
  let differing = 0;
  let [at, error] = [-1, -1];
  for (let i = 0; i < want.length; i++) {
    const [x, y] = [got[i], want[i]];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    differing++;
    const finite = Number.isFinite(x) && Number.isFinite(y);
    const e = finite && float ? Math.abs(x - y) / (largest || 1) : Number.POSITIVE_INFINITY;
    if (e > error) [at, error] = [i, e];
  }
  const worst = at < 0 ? undefined : { at: indexOf(at, shape), got: got[at], want: want[at], error };
  return {
    name,
    type: typeText({ ...type, state: false }),
    ok: error <= tolerance,
    differing,
    size: want.length,
    worst,
  };
}

function indexOf(flat: number, shape: readonly number[]): number[] {
  let rest = flat;
  return shape
    .toReversed()
    .map((n) => {
      const i = rest % n;
      rest = Math.floor(rest / n);
      return i;
    })
    .toReversed();
}

/** The first kernel whose results differ where its inputs are those of the definition. */
async function firstOf(
  graph: Graph,
  target: Target,
  inputs: readonly TypedArray[],
  states: readonly TypedArray[],
  tolerance: number,
): Promise<DivergingKernel | null> {
  if (target === 'reference') return null;
  const optimized = optimizedFor(graph, target);
  const kernels = kernelGraphs(optimized);
  const wanted = [...new Set(kernels.flatMap((k) => [...k.inputs, ...k.outputs]))].filter((v) => !v.type.state);
  const args = [...inputs, ...states].map((data, i) => {
    const { dtype, shape } = optimized.params[i].type;
    return ndarray(dtype, staticShape(shape), data);
  });
  const values = interpret(withResults(optimized, wanted), args);
  const right = new Map(wanted.map((v, i): [Value, NDArray] => [v, values[i]]));
  for (const [index, k] of kernels.entries()) {
    const results = await runKernel(k, target, right, tolerance);
    if (results.some((r) => !r.ok)) return { index, kind: k.kind, ops: k.ops, results };
  }
  return null;
}

async function runKernel(
  k: KernelGraph,
  target: Target,
  right: ReadonlyMap<Value, NDArray>,
  tolerance: number,
): Promise<Comparison[]> {
  const program = await createProgram(k.graph, [], { target });
  const inputs = k.inputs.map((v) => typed(v, right.get(v) as NDArray));
  const out = await Promise.all(program.runBuffers(inputs).map(fetched));
  return out.map((data, i) => {
    const v = k.outputs[i];
    return compare(v.type, v.node?.op.name ?? v.name, data, (right.get(v) as NDArray).data, tolerance);
  });
}

/** Elements of the interpreter as programs take them. */
function typed(v: Value, a: NDArray): TypedArray {
  const cell = new StateCell({ dtype: v.type.dtype, shape: v.type.shape }, a.data);
  return cell.read();
}

function report(v: Omit<Verification, 'toString'>): string {
  const head = `${v.target} against ${v.against}, tolerance ${v.tolerance}: ${v.ok ? 'the same' : 'DIFFERENT'}`;
  const lines = v.outputs.map((o) => `  ${line(o)}`);
  if (v.firstDiverging === undefined) return [head, ...lines].join('\n');
  if (v.firstDiverging === null)
    return [head, ...lines, '  every kernel alone is within the tolerance: the differences add up'].join('\n');
  const { index, kind, ops, results } = v.firstDiverging;
  return [
    head,
    ...lines,
    `  first diverging kernel: number ${index}, ${kind} (${ops.join(', ')})`,
    ...results.map((r) => `    ${line(r)}`),
  ].join('\n');
}

function line({ name, type, ok, differing, size, worst }: Comparison): string {
  if (!worst) return `${name}: ${type}, equal`;
  const { at, got, want, error } = worst;
  return `${name}: ${type}, ${ok ? 'ok' : 'WRONG'}, ${differing} of ${size} differ, most at [${at}]: ${got} instead of ${want} (${error.toExponential(1)} of the largest)`;
}
