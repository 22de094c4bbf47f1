// Compiled operations against their definitions, on any target.

import type { Graph } from '../../ir/graph.ts';
import type { OpDef } from '../../ir/op.ts';
import { isFloat, typeText } from '../../ir/types.ts';
import { closeness, type OpCase, opCases, opGraph, sampleInputs } from '../helpers.ts';
import { runReference } from '../wasm/run.ts';
import type { MatrixCase } from './matrix.ts';

/** Runs a graph on some target: its results, tensors first, then the states. */
export type Run = (g: Graph, inputs: readonly ArrayLike<number>[]) => Promise<readonly ArrayLike<number>[]>;

/** What a target may do to numbers beyond rounding them. */
export interface Allowance {
  /** Subnormal operands may count as zeros of their sign. */
  readonly flushes?: boolean;
}

/** Every sample of every op but control flow and those on float64 operands. */
export const sampleCases = (): OpCase[] =>
  opCases().filter((c) => c.op.kind !== 'control' && !c.sample.inputs.some((i) => i.type.dtype === 'f64'));

const largest = (w: ArrayLike<number>, least = 0): number =>
  Array.from(w).reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), least);

/** What is wrong with a sample's results, or ''. */
export async function sampleFailure({ op, sample }: OpCase, run: Run): Promise<string> {
  const g = opGraph(op, sample);
  const inputs = sampleInputs(sample).map((x) => x.data);
  const want = runReference(g, inputs);
  // Rounding errors scale with the operands (a variance of values near 50), and with their number.
  const scale = inputs.reduce((m, x) => largest(x, m), 1);
  // Sums of products err by the size of the terms, not of a sum that happens to be small.
  const slack = (w: ArrayLike<number>) =>
    op.kind === 'contraction' ? Math.max(scale * 2e-5, largest(w) * 3e-6) : scale * 2e-6;
  const outputs = await run(g, inputs);
  if (outputs.length !== want.length) return `${outputs.length} results instead of ${want.length}`;
  for (const [i, w] of want.entries()) {
    const exact = !isFloat(g.results[i].type.dtype);
    const wrong = closeness(outputs[i], w, exact ? 0 : 2e-5, exact ? 0 : slack(w));
    if (wrong) return `result ${i}, ${wrong}`;
  }
  return '';
}

const SMALLEST_NORMAL = 2 ** -126;
const flushed = (x: ArrayLike<number>): Float64Array =>
  Float64Array.from(x, (v) => (Math.abs(v) < SMALLEST_NORMAL ? Math.sign(v) * 0 : v));

/** Relative and absolute error that a case's float results may have. */
function bounds({ op, part }: MatrixCase, dtype: string, scale: number): [number, number] {
  const relative = dtype === 'f64' ? 1e-11 : 2e-5;
  // The definitions of the gamma functions are good to about 1e-15 of their largest terms.
  if (part === 'special') return [relative, dtype === 'f64' ? 1e-11 : /gamma/.test(op.name) ? 1e-13 : 1e-37];
  const summed = op.kind === 'contraction' || op.kind === 'algorithm' || /fft/.test(op.name);
  return [relative, (dtype === 'f64' ? 1e-11 : 2e-6) * scale * (summed ? 10 : 1)];
}

/** What is wrong with the results on a case of the matrix, or ''. */
export async function matrixFailure(c: MatrixCase, run: Run, { flushes = false }: Allowance = {}): Promise<string> {
  const { op, sample, part } = c;
  const g = opGraph(op, sample);
  const inputs = sampleInputs(sample).map((x) => x.data);
  const outputs = await run(g, inputs);
  const wants = [runReference(g, inputs)];
  if (flushes && part === 'special')
    wants.push(
      runReference(
        g,
        inputs.map((x, i) => (isFloat(g.params[i].type.dtype) ? flushed(x) : x)),
      ),
    );
  const scale = inputs.reduce((m, x) => largest(x, m), 1);
  for (const [i, { type }] of g.results.entries()) {
    const [rtol, atol] = isFloat(type.dtype) ? bounds(c, type.dtype, scale) : [0, 0];
    // What float32 cannot hold: the reference works in float64.
    const rounded = wants.map((w) => Float64Array.from(w[i], (v) => (type.dtype === 'f32' ? Math.fround(v) : v)));
    for (let at = 0; at < Math.max(outputs[i].length, rounded[0].length); at++) {
      const wrong = rounded.map((w) => closeness([outputs[i][at]], [w[at]], rtol, atol));
      if (wrong.includes('')) continue;
      return `${caseText(op, c)}: result ${i}, element ${at} is ${outputs[i][at]} instead of ${rounded.map((w) => w[at]).join(' or ')}, operands ${inputs.map((x) => x[at]).join(', ')}`;
    }
  }
  return '';
}

export const caseText = (op: OpDef, { part, sample }: MatrixCase): string =>
  `${op.name} ${part} ${sample.inputs.map((x) => typeText(x.type)).join(', ')} ${JSON.stringify(sample.attrs ?? {})}`;
