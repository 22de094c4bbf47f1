// Choosing the schedules of contractions from outside: each one, with all that its kernel computes, as a graph of
// its own with a key, and the choices written into the program's graph.

import { rewriteGraph } from '../ir/builder.ts';
import type { Graph, Node } from '../ir/graph.ts';
import { printGraph } from '../ir/print.ts';
import { sizeOf } from '../ir/types.ts';
import { isolate } from './isolate.ts';
import { candidates } from './lower/candidates.ts';
import { productShape } from './lower/contraction.ts';
import type { LowerContext, TargetOptions } from './lower/kernel-builder.ts';
import { fuse, inMemory } from './passes/fuse.ts';

/** A kernel whose schedule can be chosen. */
export interface TunableKernel {
  /** The same for kernels that take the same time: its graph's text, and what it is compiled for. */
  readonly key: string;
  /** It alone: what it reads are parameters and constants. */
  readonly graph: Graph;
  /** Of the direct sum, whatever the algorithm. */
  readonly flops: number;
  /** Schedules as text, the default first. */
  readonly candidates: readonly string[];
}

/** Chooses schedules. */
export interface Tuner {
  /** Whether `choose` will do without compiling anything. */
  knows(kernels: readonly TunableKernel[]): boolean;
  /** One of the candidates for each kernel. */
  choose(kernels: readonly TunableKernel[]): readonly string[];
}

/** The contractions of a graph and its regions whose schedules can be chosen. */
export class Tunables {
  /** Each distinct kernel once. */
  readonly kernels: readonly TunableKernel[];
  readonly #graph: Graph;
  /** Number of the kernel that a node is the contraction of. */
  readonly #kernelOf = new Map<Node, number>();

  constructor(graph: Graph, options: TargetOptions, environment: string) {
    this.#graph = graph;
    const byKey = new Map<string, number>();
    const kernels: TunableKernel[] = [];
    const target = `${environment}, ${options.threads} thread(s), tile ${Object.values(options.tile)}`;
    const visit = (g: Graph): void => {
      for (const { node, kernel } of tunableIn(g, options, target)) {
        let index = byKey.get(kernel.key);
        if (index === undefined) {
          index = kernels.length;
          kernels.push(kernel);
          byKey.set(kernel.key, index);
        }
        this.#kernelOf.set(node, index);
      }
      for (const n of g.nodes) n.regions.forEach(visit);
    };
    visit(graph);
    this.kernels = kernels;
  }

  /** The graph with the choices, one for each kernel, at its contractions; defaults stay unsaid. */
  apply(chosen: readonly string[]): Graph {
    const write = (g: Graph): Graph =>
      rewriteGraph(g, (n, inputs, b) => {
        const index = this.#kernelOf.get(n);
        const regions = n.regions.map(write);
        if (index === undefined || chosen[index] === this.kernels[index].candidates[0])
          return n.regions.length ? b.emit(n.op, inputs, n.attrs, regions) : undefined;
        return b.emit(n.op, inputs, { ...n.attrs, schedule: chosen[index] }, regions);
      });
    return write(this.#graph);
  }
}

/** An isolated kernel with a schedule. */
export function withSchedule(kernel: TunableKernel, schedule: string): Graph {
  if (schedule === kernel.candidates[0]) return kernel.graph;
  return rewriteGraph(kernel.graph, (n, inputs, b) =>
    n.op.kind === 'contraction' ? b.emit(n.op, inputs, { ...n.attrs, schedule }, n.regions) : undefined,
  );
}

function tunableIn(g: Graph, options: TargetOptions, target: string): { node: Node; kernel: TunableKernel }[] {
  if (!g.nodes.some((n) => n.op.kind === 'contraction')) return [];
  const fusion = fuse(g);
  const ctx: LowerContext = { graph: g, options, inMemory: (v) => inMemory(fusion, v) };
  return fusion.groups.flatMap((group) => {
    const node = group.nodes.find((n) => n.op.kind === 'contraction');
    const list = node && group.kind === 'contraction' ? candidates(ctx, group) : [];
    if (!node || list.length < 2) return [];
    const { graph } = isolate(fusion, group);
    const flops = 2 * sizeOf(node.outputs[0].type.shape) * productShape(ctx, group).reduction;
    return [{ node, kernel: { key: keyOf(graph, target, list[0]), graph, flops, candidates: list } }];
  });
}

/** Which numbers a constant holds does not matter, only that it is one. */
const keyOf = (graph: Graph, target: string, fallback: string): string =>
  `${target}, else ${fallback}\n${printGraph(graph).replace(/#[\w-]+/g, '#')}`;
