// The kernels of a graph one by one, each as a graph of its own: for finding the one that goes wrong.

import { Graph, type Value } from '../ir/graph.ts';
import { isolate } from './isolate.ts';
import { fuse } from './passes/fuse.ts';
import { schedule } from './passes/schedule.ts';

export interface KernelGraph {
  readonly kind: string;
  /** Graph operations that it computes. */
  readonly ops: readonly string[];
  readonly graph: Graph;
  /** Values of the whole graph that its parameters stand for, and its results. */
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

/** The kernels of an optimized graph in program order; a loop or branch is one. */
export function kernelGraphs(graph: Graph): KernelGraph[] {
  const fusion = fuse(graph);
  return schedule(fusion)
    .order.filter((g) => g.kind !== 'barrier' && g.outputs.length > 0)
    .map((group) => {
      const { graph: alone, inputs } = isolate(fusion, group);
      const ops = group.nodes.map((n) => n.op.name);
      return { kind: group.kind, ops, graph: alone, inputs, outputs: group.outputs };
    });
}

/** The same graph with other results: any of its values. */
export const withResults = (g: Graph, results: readonly Value[]): Graph =>
  new Graph(g.name, g.params, g.nodes, results, g.valueCount);
