// Files that run: IR text with its inputs, and what must come out.
//
//   ; constant #0f3a… : f32 = [1, 2, …]           data that the text names by hash
//   ; run: %x = [1, 2], %w = random(7, -1, 1)     one line a run: all parameters, Variables too
//   ; gives: [3, 4] | [5]                         its results, tensors and then Variables (optional)
//   func @…
//
// random(seed, lo, hi) is uniform float32 data; iota is 0, 1, 2, ….

import type { Graph } from '../../ir/graph.ts';
import { arrayFor, Literal, roundTo } from '../../ir/literal.ts';
import { constantsOf, parseGraph } from '../../ir/parse.ts';
import { numText, printGraph } from '../../ir/print.ts';
import { type DType, isFloat, sizeOf, type TensorType } from '../../ir/types.ts';
import { randomFrom } from '../helpers.ts';

export interface Run {
  readonly inputs: readonly (readonly number[])[];
  /** Expected results, where the file says them. */
  readonly gives: readonly (readonly number[])[] | null;
}
export interface RunFile {
  readonly graph: Graph;
  readonly runs: readonly Run[];
}

const number = (s: string): number => {
  const t = s.trim();
  if (t.endsWith('inf')) return t.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const x = t === 'nan' ? Number.NaN : Number(t);
  if (t === '' || (Number.isNaN(x) && t !== 'nan')) throw new Error(`not a number: '${s}'`);
  return x;
};
const list = (s: string): number[] => {
  const body = /^\[(.*)\]$/s.exec(s.trim());
  if (!body) throw new Error(`not a list: '${s}'`);
  return body[1].trim() === '' ? [] : body[1].split(',').map(number);
};

/** Data of a parameter as written. */
function inputData(text: string, type: TensorType): number[] {
  const n = sizeOf(type.shape);
  const t = text.trim();
  if (t === 'iota') return Array.from({ length: n }, (_, i) => i);
  const m = /^random\(([^,]+),([^,]+),([^,]+)\)$/.exec(t);
  const data = m
    ? randomData(type.dtype, n, number(m[1]), number(m[2]), number(m[3]))
    : list(t).map((x) => roundTo(type.dtype, x));
  if (data.length !== n) throw new Error(`${data.length} elements for ${n}: '${t}'`);
  return data;
}
function randomData(dtype: DType, n: number, seed: number, lo: number, hi: number): number[] {
  const random = randomFrom(seed);
  const draw = () => (isFloat(dtype) ? lo + (hi - lo) * random() : lo + Math.floor((hi - lo + 1) * random()));
  return Array.from({ length: n }, () => roundTo(dtype, draw()));
}

/** Splits at commas outside of brackets. */
const topLevel = (s: string): string[] => s.match(/(?:\[[^\]]*\]|\([^)]*\)|[^,[(])+/g) ?? [];

/** The data of constants that the text names by hash. */
export function constantsIn(text: string): Map<string, Literal> {
  const constants = new Map<string, Literal>();
  for (const m of text.matchAll(/^; constant #([0-9a-f]+) : (\w+) = (\[.*\])$/gm)) {
    const data = list(m[3]);
    const array = arrayFor(m[2] as DType, data.length);
    array.set(data);
    constants.set(m[1], Literal.of(array));
  }
  return constants;
}

export function parseRunFile(text: string): RunFile {
  const graph = parseGraph(text, { constants: constantsIn(text) });
  const runs: Run[] = [];
  for (const line of text.split('\n')) {
    const run = /^; run:(.*)$/.exec(line);
    if (run) {
      const given = new Map(
        topLevel(run[1])
          .filter((s) => s.trim())
          .map((s) => s.split(/=(.*)/s).map((x) => x.trim()) as [string, string]),
      );
      const inputs = graph.params.map((p) => {
        const t = given.get(`%${p.name}`);
        if (t === undefined) throw new Error(`the run gives nothing for %${p.name}`);
        return inputData(t, p.type);
      });
      runs.push({ inputs, gives: null });
    }
    const gives = /^; gives:(.*)$/.exec(line);
    if (gives) runs[runs.length - 1] = { ...runs[runs.length - 1], gives: gives[1].split('|').map(list) };
  }
  if (runs.length === 0) throw new Error('the file has no run');
  return { graph, runs };
}

/** The text of a graph with one run. */
export function caseText(c: {
  readonly graph: Graph;
  readonly inputs: readonly { readonly data: ArrayLike<number> }[];
}): string {
  const text = (a: ArrayLike<number>) => `[${Array.from(a, numText).join(', ')}]`;
  const constants = [...constantsOf(c.graph)].map(
    ([hash, l]) => `; constant #${hash} : ${dtypeOf(c.graph, l)} = ${text(l.data as ArrayLike<number>)}`,
  );
  const run = `; run: ${c.graph.params.map((p, i) => `%${p.name} = ${text(c.inputs[i].data)}`).join(', ')}`;
  return [...constants, run, printGraph(c.graph)].join('\n');
}
function dtypeOf(g: Graph, l: Literal): DType {
  const n = g.nodes.find((x) => x.attrs.value === l);
  return n ? n.outputs[0].type.dtype : 'f32';
}
