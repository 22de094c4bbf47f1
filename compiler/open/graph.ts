import type { Graph } from '../../ir/graph.ts';
import type { OpenBatch } from './open.ts';
export function openGraph(
  graphs: readonly Graph[],
  sizes: readonly number[],
  bound: number,
  name: string,
): { graph: Graph; open: OpenBatch } {
  throw new Error(`${graphs} ${sizes} ${bound} ${name}`);
}
