// Runs passes by name: verifies and dumps around each, and keeps the counts and times.

import type { Graph } from '../ir/graph.ts';
import type { PassInfo } from '../ir/plan.ts';
import { mapRegions } from '../ir/region.ts';
import { checkGraph } from '../ir/verify.ts';

export interface Pass {
  readonly name: string;
  readonly run: (g: Graph) => Graph;
}

export interface RunOptions {
  /** Verify the graph after every pass. */
  readonly verify?: boolean;
  /** Called with each pass's result. */
  readonly dump?: (index: number, name: string, g: Graph) => void;
}

/** The pass on a graph's regions, then on the graph. */
function runDeep(g: Graph, p: Pass): Graph {
  return p.run(mapRegions(g, (r) => runDeep(r, p)));
}

/** Nodes of a graph and its regions. */
const countNodes = (g: Graph): number =>
  g.nodes.reduce((n, x) => n + 1 + x.regions.reduce((m, r) => m + countNodes(r), 0), 0);

export function runPasses(
  graph: Graph,
  passes: readonly Pass[],
  opt: RunOptions = {},
): { graph: Graph; passes: PassInfo[] } {
  const log: PassInfo[] = [];
  let g = graph;
  if (opt.verify) checkGraph(g);
  opt.dump?.(0, 'input', g);
  passes.forEach((p, i) => {
    const t = performance.now();
    const next = runDeep(g, p);
    log.push({ name: p.name, nodesBefore: countNodes(g), nodesAfter: countNodes(next), ms: performance.now() - t });
    g = next;
    if (opt.verify) checkGraph(g);
    opt.dump?.(i + 1, p.name, g);
  });
  return { graph: g, passes: log };
}
