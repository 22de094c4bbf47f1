// Which arguments of a graph its results depend on, and which they are.

import type { TfGraph } from './graph.ts';

const passes = new Set(['Identity', 'Snapshot', 'StopGradient']);

/** Questions about one graph. */
export class Dependence {
  readonly #graph: TfGraph;
  readonly #makers;
  readonly #found = new Map<string, ReadonlySet<string>>();

  constructor(graph: TfGraph) {
    this.#graph = graph;
    this.#makers = new Map(graph.nodes.flatMap((n) => n.outputs.map((x) => [x, n] as const)));
  }

  /** The arguments that a value depends on. Without recursion. */
  argumentsOf(value: string): ReadonlySet<string> {
    let found = this.#found.get(value);
    if (!found) {
      const inputs = new Set(this.#graph.inputs);
      const reached = new Set([value]);
      for (const x of reached) {
        if (inputs.has(x)) continue;
        const n = this.#makers.get(x);
        for (const y of n ? [...n.inputs, ...(n.captures ?? [])] : []) reached.add(y);
      }
      found = new Set([...reached].filter((x) => inputs.has(x)));
      this.#found.set(value, found);
    }
    return found;
  }

  /** The value that a value is a copy of. */
  sourceOf(value: string): string {
    let x = value;
    for (let n = this.#makers.get(x); n && passes.has(n.op); n = this.#makers.get(x)) [x] = n.inputs;
    return x;
  }
}
