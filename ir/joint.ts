// A graph and its gradient in one graph, and the division of that in two: what a first run computes and
// keeps, and what a second one computes from it. Loops keep it of every run, eager functions on the tape.

import { Builder } from './builder.ts';
import type { Graph, Node, Val, Value } from './graph.ts';
import { accumulate, type BackwardWalk } from './op.ts';
import { buildRegion, nodesFor, recordRegion, writeNodes } from './region.ts';

/** Forward and backward of a graph in one. */
export interface Joint {
  readonly graph: Graph;
  /** The forward's parameters, in the graph's order. */
  readonly params: readonly Value[];
  /** Gradients of the results, those that are seeded: further parameters. */
  readonly seeds: ReadonlyMap<number, Value>;
  /** The forward's results, in the graph's order. */
  readonly results: readonly Value[];
  /** The gradient of each active parameter; zeros where no seeded result depends on it. */
  readonly found: ReadonlyMap<number, Value>;
  /** The active parameters that some seeded result depends on. */
  readonly connected: ReadonlySet<number>;
}

/**
 * Writes a graph, then the gradients of its active parameters from those of its seeded results.
 * Throws GradientError where an operation in between has none.
 */
export function jointGraph(
  walk: BackwardWalk,
  g: Graph,
  active: readonly boolean[],
  seeded: readonly boolean[],
): Joint {
  const b = new Builder(`${g.name}_grad`);
  const params = g.params.map((p, i) => b.param(p.type, `x${i}`));
  const { results, records } = recordRegion(b, g, params);
  const seeds = new Map<number, Value>();
  const weights = new Map<Val, Val>();
  results.forEach((v, i) => {
    if (!seeded[i]) return;
    const seed = b.param(v.type, `g${i}`);
    seeds.set(i, seed);
    accumulate(b, weights, v, seed);
  });
  const wrt = active.flatMap((a, i) => (a ? [i] : []));
  const sources = wrt.map((i) => params[i]);
  const grads = walk.backprop(b, records, weights, sources);
  const found = new Map(wrt.map((i, k) => [i, (grads[k] ?? b.zerosLike(sources[k])) as Value]));
  const graph = b.build([...results, ...found.values()]);
  const connected = new Set(wrt.filter((_, k) => grads[k]));
  return { graph, params, seeds, results: results as Value[], found, connected };
}

/** Operations that are cheaper to repeat than their results are to keep. */
export const repeatable = (n: Node): boolean => n.op.kind === 'view' || n.op.kind === 'generate';

/** Where the second run has a value from: it is an operand, it was kept, or it is computed. */
export type Origin = 'given' | 'kept' | 'computed';

/** The nodes of the second run, which computes the gradients, and the values that it needs kept. */
export function divide(j: Joint, originOf: (v: Value) => Origin): { backward: Set<Node>; kept: Value[] } {
  const backward = new Set<Node>();
  const kept = new Set<Value>();
  const seen = new Set<Value>();
  const stack: Value[] = [...j.found.values()];
  for (let v = stack.pop(); v; v = stack.pop()) {
    if (seen.has(v)) continue;
    seen.add(v);
    const origin = originOf(v);
    if (origin === 'kept') kept.add(v);
    if (origin !== 'computed') continue;
    const n = v.node as Node;
    backward.add(n);
    stack.push(...n.inputs);
  }
  return { backward, kept: [...kept].sort((x, y) => x.id - y.id) };
}

/** The nodes of the first run. */
export const forwardNodes = (j: Joint): Set<Node> => nodesFor(j.results, j.graph);

/** The first run as a graph: the forward's results, then what is kept. */
export const forwardGraph = (j: Joint, name: string, kept: readonly Value[]): Graph =>
  buildRegion(
    name,
    j.params.map((p) => p.type),
    (b, params) => {
      const at = new Map<Value, Val>(j.params.map((p, i) => [p, params[i]]));
      const results = [...j.results, ...kept];
      writeNodes(b, j.graph, at, nodesFor(results, j.graph));
      return results.map((v) => at.get(v) as Val);
    },
  );
