// Ensembles of decision trees: all trees step down together, once for each level.

import { b, fixed, range } from '../../formats/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Call } from '../call.ts';
import { gatherAxis } from './shapes.ts';

/** Trees as parallel lists: one entry a node, one entry a weight of a leaf. */
export interface Trees {
  readonly treeIds: readonly number[];
  readonly nodeIds: readonly number[];
  readonly features: readonly number[];
  readonly values: readonly number[];
  readonly modes: readonly string[];
  readonly yes: readonly number[];
  readonly no: readonly number[];
  /** Whether a missing value (NaN) goes the way of true. */
  readonly missing: readonly number[];
  readonly leafTrees: readonly number[];
  readonly leafNodes: readonly number[];
  readonly leafTargets: readonly number[];
  readonly leafWeights: readonly number[];
}
export type Aggregate = 'SUM' | 'AVERAGE' | 'MIN' | 'MAX';

const tests: Readonly<Record<string, (x: Tensor, v: Tensor) => Tensor>> = {
  BRANCH_LEQ: (x, v) => b.compare('le', x, v),
  BRANCH_LT: (x, v) => b.compare('lt', x, v),
  BRANCH_GTE: (x, v) => b.compare('ge', x, v),
  BRANCH_GT: (x, v) => b.compare('gt', x, v),
  BRANCH_EQ: (x, v) => b.compare('eq', x, v),
  BRANCH_NEQ: (x, v) => b.compare('ne', x, v),
};

/** Places of nodes, of their successors, and the number of levels. Throws for trees that are none. */
function linked(
  c: Call,
  t: Trees,
): { yes: number[]; no: number[]; roots: number[]; place: (tree: number, node: number) => number; depth: number } {
  const n = t.treeIds.length;
  const lists: [string, readonly unknown[]][] = [
    ['nodes_nodeids', t.nodeIds],
    ['nodes_featureids', t.features],
    ['nodes_values', t.values],
    ['nodes_modes', t.modes],
    ['nodes_truenodeids', t.yes],
    ['nodes_falsenodeids', t.no],
  ];
  const short = lists.find(([, list]) => list.length !== n);
  if (short || n === 0)
    throw c.refuse(`${short?.[0] ?? 'nodes_treeids'} has ${short?.[1].length ?? 0} entries for ${n} nodes`);
  const places = new Map(t.treeIds.map((tree, i) => [`${tree}/${t.nodeIds[i]}`, i]));
  const place = (tree: number, node: number): number => {
    const at = places.get(`${tree}/${node}`);
    if (at === undefined) throw c.refuse(`tree ${tree} has no node ${node}`);
    return at;
  };
  const next = (to: readonly number[]) => t.modes.map((m, i) => (m === 'LEAF' ? i : place(t.treeIds[i], to[i])));
  const [yes, no] = [next(t.yes), next(t.no)];
  const entered = new Set(t.modes.flatMap((m, i) => (m === 'LEAF' ? [] : [yes[i], no[i]])));
  const roots = range(n).filter((i) => !entered.has(i));
  // Level by level; more levels than nodes is a circle.
  let level = roots;
  let depth = 0;
  while (level.some((i) => t.modes[i] !== 'LEAF')) {
    level = [...new Set(level.flatMap((i) => (t.modes[i] === 'LEAF' ? [] : [yes[i], no[i]])))];
    if (++depth > n) throw c.refuse('its trees go in circles');
  }
  if (roots.length === 0) throw c.refuse('its trees have no roots');
  return { yes, no, roots, place, depth };
}

/** What all trees say of the rows of x: [rows, targets]. */
export function runTrees(c: Call, x: Tensor, t: Trees, targets: number, how: Aggregate): Tensor {
  const { yes, no, roots, place, depth } = linked(c, t);
  const n = t.treeIds.length;
  const ints = (list: readonly number[]) => fixed(list, [n], 'i32');
  const unknown = t.modes.find((m) => m !== 'LEAF' && !Object.hasOwn(tests, m));
  if (unknown !== undefined) throw c.refuse(`a node of mode '${unknown}'`);
  if (t.features.some((f) => !(f >= 0 && f < x.shape[1]))) throw c.refuse(`a feature beyond the ${x.shape[1]} of x`);
  const kinds = [...new Set(t.modes.filter((m) => m !== 'LEAF'))];
  const kind = ints(t.modes.map((m) => Math.max(0, kinds.indexOf(m))));
  const [features, values] = [ints(t.features), fixed(t.values, [n], 'f32')];
  const [left, right] = [ints(yes), ints(no)];
  const missing = fixed(t.missing.length === n ? t.missing : new Array(n).fill(0), [n], 'bool');
  const shape = [x.shape[0], roots.length];
  const row = b.iota([...shape, 1], 0);
  let at = b.broadcast(fixed(roots, [roots.length], 'i32'), shape, [1]);
  for (let level = 0; level < depth; level++) {
    const feature = b.reshape(gatherAxis(features, at, 0), [...shape, 1]);
    const v = b.call('gather', [x, b.concat([row, feature], 2)]);
    const limit = gatherAxis(values, at, 0);
    const own = gatherAxis(kind, at, 0);
    const plain = kinds
      .slice(1)
      .reduce(
        (r: Tensor, m, i) => b.select(b.compare('eq', own, i + 1), tests[m](v, limit), r),
        tests[kinds[0]](v, limit),
      );
    const holds = b.select(b.un('is_nan', v), gatherAxis(missing, at, 0), plain);
    at = b.select(holds, gatherAxis(left, at, 0), gatherAxis(right, at, 0));
  }
  return aggregated(gatherAxis(fixed(leaves(c, t, n, targets, place), [n, targets], 'f32'), at, 0), how);
}

/** Weights of all nodes: zeros but for leaves. */
function leaves(
  c: Call,
  t: Trees,
  n: number,
  targets: number,
  place: (tree: number, node: number) => number,
): number[] {
  const largest = 2 ** 26;
  if (!(targets >= 1) || n * targets > largest) throw c.refuse(`${targets} targets of ${n} nodes`);
  const table = new Array<number>(n * targets).fill(0);
  t.leafTrees.forEach((tree, i) => {
    const k = t.leafTargets[i];
    if (!(k >= 0 && k < targets)) throw c.refuse(`target ${k} of ${targets}`);
    table[place(tree, t.leafNodes[i]) * targets + k] += t.leafWeights[i] ?? 0;
  });
  return table;
}

function aggregated(y: Tensor, how: Aggregate): Tensor {
  if (how === 'MIN') return b.reduceMin(y, [1]);
  if (how === 'MAX') return b.reduceMax(y, [1]);
  return how === 'SUM' ? b.sum(y, [1]) : b.mean(y, [1]);
}
