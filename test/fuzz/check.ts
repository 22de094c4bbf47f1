// Does the compiled program do what the reference says? On every configuration, within what float32
// explains; and bit for bit the same with one thread and with two.

import type { Tuner } from '../../compiler/index.ts';
import { decompose } from '../../compiler/passes/decompose.ts';
import type { Graph } from '../../ir/graph.ts';
import { printKernel } from '../../ir/kernel/print.ts';
import { verifyKernel } from '../../ir/kernel/verify.ts';
import type { TypedArray } from '../../ir/literal.ts';
import type { KernelInfo } from '../../ir/plan.ts';
import { kernelsOf, tiles } from '../kernel/kernels.ts';
import { runWasm } from '../wasm/run.ts';
import type { Case } from './graphs.ts';
import { tolerances } from './numerics.ts';
import { smallStrips } from './steps-attention.ts';

/** A way to run graphs. */
export interface Config {
  readonly name: string;
  /** Configurations of one kind give the same bits. */
  readonly kind: string;
  readonly run: (g: Graph, inputs: readonly ArrayLike<number>[]) => Promise<readonly TypedArray[]>;
  /** False where the configuration has nothing of its own for such kernels. */
  readonly suits?: (g: Graph) => boolean;
}

/** Schedules picked by the kernels' graphs: the same ones with any number of threads. */
const anySchedule: Tuner = {
  knows: () => true,
  choose: (kernels) =>
    kernels.map(({ graph, candidates }) => {
      const sum = Array.from(String(graph)).reduce((h, c) => (31 * h + c.charCodeAt(0)) >>> 0, 7);
      return candidates[1 + (sum % (candidates.length - 1))];
    }),
};

/** Has the program a kernel whose schedule can be chosen? */
const hasChoices = (kernels: readonly KernelInfo[]): boolean =>
  kernels.some((k) => (k.schedule ? !['nest', 'depthwise'].includes(k.schedule) : hasChoices(k.body ?? [])));

/** Graphs that ran with kernels whose schedule can be chosen. */
const choosable = new WeakSet<Graph>();

/** @param tuner contractions by some candidate of it instead of their default */
function wasm(relaxed: boolean, threads: number, tuner?: Tuner): Config {
  const kind = `${relaxed ? 'relaxed' : 'baseline'}${tuner ? ', other schedules' : ''}`;
  return {
    name: `${kind}, ${threads} thread(s)`,
    kind,
    run: async (g, inputs) => {
      const { outputs, program } = await runWasm(g, inputs, { relaxed, threads, tuner, strips: smallStrips });
      if (hasChoices(program.plan.kernels)) choosable.add(g);
      return outputs;
    },
    ...(tuner ? { suits: (g: Graph) => choosable.has(g) } : {}),
  };
}

/** Everything that the WASM target can be told. */
export const onWasm: readonly Config[] = [
  wasm(true, 1),
  wasm(true, 2),
  wasm(false, 1),
  wasm(false, 2),
  wasm(true, 1, anySchedule),
  wasm(true, 2, anySchedule),
];

/** The first thing that is wrong, or ''. */
export async function failure(c: Case, list: readonly Config[] = onWasm): Promise<string> {
  return (list === onWasm && unsoundKernel(c)) || (await wrongResult(c, list));
}

async function wrongResult(c: Case, list: readonly Config[]): Promise<string> {
  const want = c.known.map((k) => k.array.data);
  const tol = tolerances(decompose(c.graph), c.inputs, want);
  const inputs = c.inputs.map((x) => x.data);
  const first = new Map<string, readonly TypedArray[]>();
  for (const { name, kind, run, suits } of list) {
    if (suits && !suits(c.graph)) continue;
    let outputs: readonly TypedArray[];
    try {
      outputs = await run(c.graph, inputs);
    } catch (e) {
      return `${name}: ${(e as Error).stack?.split('\n').slice(0, 8).join('\n')}`;
    }
    if (outputs.length !== want.length) return `${name}: ${outputs.length} results instead of ${want.length}`;
    for (const [i, out] of outputs.entries()) {
      const at = firstWrong(out, want[i], tol[i]);
      if (at >= 0)
        return `${name}: result ${i}, element ${at} is ${out[at]} instead of ${want[i][at]} (tolerance ${tol[i][at]})`;
    }
    const other = first.get(kind);
    if (!other) first.set(kind, outputs);
    else
      for (const [i, out] of outputs.entries()) {
        const at = Array.from(out).findIndex((x, k) => !Object.is(x, other[i][k]));
        if (at >= 0) return `${name}: result ${i}, element ${at} is ${out[at]}, and with one thread ${other[i][at]}`;
      }
  }
  return '';
}

/** What the verifier has against a kernel, on either kind of engine. */
function unsoundKernel(c: Case): string {
  for (const tile of tiles) {
    let kernels: ReturnType<typeof kernelsOf>;
    try {
      kernels = kernelsOf(c.graph, 2, tile);
    } catch {
      // Compiling it below fails the same way, and says so.
      return '';
    }
    for (const k of kernels) {
      const [error] = verifyKernel(k);
      if (error) return `unsound kernel: ${error}\n${printKernel(k)}`;
    }
  }
  return '';
}

function firstWrong(out: TypedArray, want: ArrayLike<number>, tol: Float64Array): number {
  if (out.length !== want.length) return Math.min(out.length, want.length);
  for (let i = 0; i < out.length; i++) {
    const [x, w] = [out[i], want[i]];
    if (x === w || (Number.isNaN(x) && Number.isNaN(w))) continue;
    // An unlimited tolerance says that the element means nothing in float32.
    if (tol[i] === Number.POSITIVE_INFINITY || Math.abs(x - w) <= tol[i]) continue;
    return i;
  }
  return -1;
}
