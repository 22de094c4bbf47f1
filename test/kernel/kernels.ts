// The kernels that the compiler makes of graphs, for tests that look at them.

import { runPasses } from '../../compiler/pass-runner.ts';
import { pipeline } from '../../compiler/pipeline.ts';
import { type Planned, planProgram } from '../../compiler/target.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Kernel } from '../../ir/kernel/kernel.ts';

/** The register tiles of the engines that there are. */
export const tiles = [
  { mr: 6, nr: 8, unroll: 4 },
  { mr: 2, nr: 16, unroll: 1 },
] as const;

export function planOf(g: Graph, threads = 1, tile: (typeof tiles)[number] = tiles[1]): Planned {
  const { graph, passes } = runPasses(g, pipeline, { verify: true });
  return planProgram(graph, { tile, threads }, passes);
}

export const kernelsOf = (g: Graph, threads = 1, tile: (typeof tiles)[number] = tiles[1]): readonly Kernel[] =>
  planOf(g, threads, tile).kernels;
