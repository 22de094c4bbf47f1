// What `strips` works on: chains of square values. A square value is the product of two factors, [batch
// .., rows, columns], or what is computed on one element by element and row by row; sinks are the products
// that consume them. The chains of a graph, and the stages in which their sinks can be computed.

import type { Graph, Node, Value } from '../../ir/graph.ts';
import { intsAttr, pairsAttr } from '../../ir/op.ts';
import { byteSize, isFloat, isStatic, shapeEq, typeBytes } from '../../ir/types.ts';

export interface StripOptions {
  /** Bytes of a square value from which on it is not stored whole. */
  readonly limit: number;
  /** Bytes of a strip of it that is stored instead. */
  readonly strip: number;
  /** Fewest rows of a strip: the right operands of its products are packed once a strip. */
  readonly rows: number;
}

/** Square values that depend on each other, with what is reduced along their rows. */
export interface Chain {
  readonly shape: readonly number[];
  /** By level, from the first on. */
  readonly stages: Stage[];
}

/** Sinks that need no result of each other: one loop. */
export interface Stage {
  readonly level: number;
  readonly sinks: Node[];
  /** Row values that are read outside of the chain. */
  readonly rows: Value[];
}

/** What is known of the square values of a graph. */
export interface Squares {
  /** The chain that computes a value, for square values and row values. */
  readonly chainOf: (v: Value) => Chain | undefined;
  readonly chains: readonly Chain[];
}

const lastAxis = (shape: readonly number[]): number => shape.length - 1;

/** Rows and columns must be so many times the factors' other axis. */
const LEAST_RATIO = 4;
/** From so many rows a feature on, the square value is so much larger than all else that loops always pay. */
const LONG_RATIO = 64;

/**
 * Is it a product [batch.., rows, k] x [batch.., columns, k] that is large and much larger than its factors? The
 * second factor is read in each strip, and its gradient read and written, so it has to stay in the cache.
 */
function isRoot(n: Node, { limit, strip }: StripOptions): boolean {
  if (n.op.name !== 'dot_general') return false;
  const { type } = n.outputs[0];
  if (!isStatic(type.shape) || !isFloat(type.dtype) || typeBytes(type) < limit) return false;
  const rank = type.shape.length;
  const contract = pairsAttr(n.attrs, 'contract');
  const batch = pairsAttr(n.attrs, 'batch')[0].length;
  if (batch !== rank - 2 || contract[0].length !== 1) return false;
  if (n.inputs.some((v) => v.type.shape.length !== rank)) return false;
  const k = n.inputs[0].type.shape[contract[0][0]] as number;
  const [rows, columns] = type.shape.slice(-2);
  if (Math.min(rows, columns) < LEAST_RATIO * k) return false;
  return columns * k * byteSize(type.dtype) <= 2 * strip || rows >= LONG_RATIO * k;
}

/** Sets of values that are joined on the way. */
class Groups {
  readonly #parent: number[] = [];
  readonly of = new Map<Value, number>();

  create(v: Value): void {
    this.of.set(v, this.#parent.length);
    this.#parent.push(this.#parent.length);
  }
  root(v: Value): number | undefined {
    let i = this.of.get(v);
    if (i === undefined) return undefined;
    while (this.#parent[i] !== i) i = this.#parent[i];
    return i;
  }
  join(v: Value, others: readonly Value[]): void {
    const [first, ...rest] = others.map((o) => this.root(o) as number);
    for (const r of rest) this.#parent[r] = first;
    this.of.set(v, first);
  }
}

class Finder {
  readonly graph: Graph;
  readonly groups = new Groups();
  /** The square shape that a value of a chain belongs to. */
  readonly shapes = new Map<Value, readonly number[]>();
  readonly sinks = new Set<Node>();
  /** Square values that are read in a way that is not understood. */
  readonly refused = new Set<Value>();
  readonly levels: number[];

  constructor(graph: Graph) {
    this.graph = graph;
    this.levels = new Array(graph.valueCount).fill(0);
  }

  isSquare(v: Value): boolean {
    const shape = this.shapes.get(v);
    return shape !== undefined && shapeEq(v.type.shape, shape);
  }

  /** Follows what the products lead to. */
  grow(options: StripOptions): void {
    for (const n of this.graph.nodes) {
      if (isRoot(n, options) && !n.inputs.some((v) => this.shapes.has(v))) {
        this.groups.create(n.outputs[0]);
        this.shapes.set(n.outputs[0], n.outputs[0].type.shape as readonly number[]);
        continue;
      }
      const members = n.inputs.filter((v) => this.shapes.has(v));
      if (members.length === 0) continue;
      const shape = this.shapes.get(members[0]) as readonly number[];
      const alike = members.every((v) => shapeEq(this.shapes.get(v) as readonly number[], shape));
      if (alike && this.continues(n, members[0], shape)) {
        this.groups.join(n.outputs[0], members);
        this.shapes.set(n.outputs[0], shape);
      } else if (alike && n.op.name === 'dot_general' && members.length === 1 && this.isSquare(members[0]))
        this.sinks.add(n);
      else for (const v of members) if (this.isSquare(v)) this.refused.add(v);
    }
    this.dropEnds();
    for (const r of this.graph.results) if (this.isSquare(r)) this.refused.add(r);
  }

  /** Does the node's result belong to the chain of its operand? */
  continues(n: Node, v: Value, shape: readonly number[]): boolean {
    const square = this.isSquare(v);
    const to = n.outputs[0].type.shape as readonly number[];
    switch (n.op.kind) {
      case 'elementwise':
        return true;
      case 'reduce':
        return square && n.op.name.startsWith('reduce_') && intsAttr(n.attrs, 'axes').join() === `${lastAxis(shape)}`;
      case 'view':
        if (square || (n.op.name !== 'broadcast' && n.op.name !== 'reshape')) return false;
        return shapeEq(to, shape) || to.reduce((p, d) => p * d, 1) === shape.slice(0, -1).reduce((p, d) => p * d, 1);
      default:
        return false;
    }
  }

  /** Row values that lead to no square value are computed outside; what reduces a square value never is. */
  dropEnds(): void {
    const { uses, nodes } = this.graph;
    for (const n of nodes.toReversed()) {
      const [v] = n.outputs;
      if (!this.shapes.has(v) || this.isSquare(v) || n.op.kind === 'reduce') continue;
      if (uses[v.id].some((u) => this.shapes.has(u.outputs[0]))) continue;
      this.shapes.delete(v);
      this.groups.of.delete(v);
    }
  }

  /** Counts the loops that stand before each value. */
  count(): void {
    for (const n of this.graph.nodes) {
      const inside = n.outputs.length > 0 && this.shapes.has(n.outputs[0]);
      const sink = this.sinks.has(n);
      let level = 0;
      for (const v of n.inputs) {
        // What leaves a chain is there after its loop.
        const leaves = this.shapes.has(v) && !inside && !(sink && this.isSquare(v));
        level = Math.max(level, this.levels[v.id] + (leaves ? 1 : 0));
      }
      for (const o of n.outputs) this.levels[o.id] = level + (sink ? 1 : 0);
    }
  }

  /** The chains by group, each with its stages in order. */
  chains(): Map<number, Chain> {
    const out = new Map<number, Chain>();
    const refused = new Set([...this.refused].map((v) => this.groups.root(v)));
    const stage = (v: Value, level: number): Stage | undefined => {
      const g = this.groups.root(v) as number;
      if (refused.has(g)) return undefined;
      const chain = out.get(g) ?? { shape: this.shapes.get(v) as readonly number[], stages: [] };
      out.set(g, chain);
      let s = chain.stages.find((x) => x.level === level);
      if (!s) {
        s = { level, sinks: [], rows: [] };
        chain.stages.push(s);
      }
      return s;
    };
    for (const n of this.sinks)
      stage(n.inputs.find((v) => this.isSquare(v)) as Value, this.levels[n.outputs[0].id] - 1)?.sinks.push(n);
    const results = new Set(this.graph.results);
    for (const v of this.shapes.keys()) {
      if (this.isSquare(v)) continue;
      const read = this.graph.uses[v.id].some((u) => !this.shapes.has(u.outputs[0]));
      if (read || results.has(v)) stage(v, this.levels[v.id])?.rows.push(v);
    }
    for (const c of out.values()) c.stages.sort((a, b) => a.level - b.level);
    return out;
  }
}

/** Finds the chains of a graph whose square values are large. */
export function findSquares(graph: Graph, options: StripOptions): Squares {
  const f = new Finder(graph);
  f.grow(options);
  f.count();
  const byGroup = f.chains();
  const hasRows = new Set<Chain>();
  const chainOf = (v: Value): Chain | undefined => {
    const g = f.shapes.has(v) ? f.groups.root(v) : undefined;
    return g === undefined ? undefined : byGroup.get(g);
  };
  for (const v of f.shapes.keys()) {
    const c = v.node?.op.kind === 'reduce' ? chainOf(v) : undefined;
    if (c) hasRows.add(c);
  }
  // Two products with something element-wise between them, the layers of a perceptron, are better off as they are:
  // their gradient needs the sums of columns, and their weights are no smaller than the square value.
  const chains = [...byGroup.values()].filter((c) => hasRows.has(c) && c.stages.some((s) => s.sinks.length));
  const kept = new Set(chains);
  return {
    chainOf: (v) => {
      const c = chainOf(v);
      return c && kept.has(c) ? c : undefined;
    },
    chains,
  };
}
