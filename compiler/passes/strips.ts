// Chains of large square values between products, such as softmax(q kᵀ) v and its gradient, as loops over blocks of
// their rows: a block of a square value stays in the cache, and the whole is never stored. A gradient computes
// the blocks of the forward once more from its factors, and only reads what was reduced along the rows (as
// T. Dao, D. Fu, S. Ermon, A. Rudra, C. Ré, "FlashAttention", 2022, does within a kernel; here the kernels are those that
// fusion makes of a block, and rows are whole, so that no running maximum is needed).
//
// It comes after `views`: products then read through transposes, and constants and factors are where they will stay.

import { Builder } from '../../ir/builder.ts';
import type { Graph, Node, Val, Value } from '../../ir/graph.ts';
import { byteSize } from '../../ir/types.ts';
import { type Chain, findSquares, type Squares, type Stage, type StripOptions } from './strip-chains.ts';
import { type Cone, coneOf, Unknown } from './strip-cone.ts';
import { type Loop, planLoops, writeLoops } from './strip-loops.ts';

/** How often the product of two factors may be computed: in the forward and in the gradient. */
const MOST_TIMES = 2;

/** What becomes one nest of loops. */
interface Plan {
  readonly stage: Stage;
  readonly shape: readonly number[];
  readonly cone: Cone;
  readonly loops: readonly Loop[];
}

export function strips(g: Graph, options: StripOptions): Graph {
  const q = findSquares(g, options);
  const plans = q.chains.flatMap((c) => planChain(q, c, options) ?? []);
  return plans.length ? new Writer(g, q, plans).write() : g;
}

/** The loops of a chain; null where something in it is not understood, or would be computed too often. */
function planChain(q: Squares, chain: Chain, options: StripOptions): Plan[] | null {
  const plans: Plan[] = [];
  const times = new Map<Node, number>();
  try {
    for (const found of chain.stages) {
      const stage = { ...found, rows: [...found.rows] };
      const stored = (v: Value) => plans.some((p) => provides(p, v));
      const cone = coneOf(q, chain, stage, stored);
      for (const { value } of cone.leaves) for (const p of plans) if (provides(p, value)) demand(p, value);
      for (const n of cone.roots) times.set(n, (times.get(n) ?? 0) + 1);
      const { dtype } = cone.roots[0].outputs[0].type;
      const loops = planLoops(chain.shape, options.strip / byteSize(dtype), options.rows);
      plans.push({ stage, shape: chain.shape, cone, loops });
    }
    // Rows that later stages read are outputs of the earlier ones.
    for (const [i, p] of plans.entries()) {
      const stored = (v: Value) => plans.slice(0, i).some((x) => x.stage.rows.includes(v));
      plans[i] = { ...p, cone: coneOf(q, chain, p.stage, stored) };
    }
  } catch (e) {
    if (e instanceof Unknown) return null;
    throw e;
  }
  const often = [...times.values()].some((n) => n > MOST_TIMES);
  return often || plans.some((p) => p.loops.length === 0) ? null : plans;
}

/** Does the stage compute this row value? */
const provides = (p: Plan, v: Value): boolean =>
  v.type.shape.length < p.shape.length + 1 &&
  p.cone.items.some((i) => i.value === v) &&
  v.node?.op.kind !== 'contraction' &&
  !sameShape(v, p.shape);
const sameShape = (v: Value, shape: readonly number[]): boolean => v.type.shape.join() === shape.join();
function demand(p: Plan, v: Value): void {
  if (!p.stage.rows.includes(v)) p.stage.rows.push(v);
}

/** Writes the graph with the chains as loops, each as late as its operands want and as early as its results. */
class Writer {
  readonly g: Graph;
  readonly b: Builder;
  readonly at = new Map<Value, Val>();
  readonly #planOf = new Map<Value, Plan>();
  readonly #gone: (v: Value) => boolean;

  constructor(g: Graph, q: Squares, plans: readonly Plan[]) {
    this.g = g;
    this.b = new Builder(g.name);
    for (const p of g.params) this.at.set(p, this.b.param(p.type, p.name));
    const replaced = new Set(plans.flatMap((p) => p.cone.roots.map((n) => q.chainOf(n.outputs[0]))));
    this.#gone = (v) => {
      const chain = q.chainOf(v);
      return chain !== undefined && replaced.has(chain);
    };
    for (const p of plans) for (const o of p.cone.outputs) this.#planOf.set(o.value, p);
  }

  write(): Graph {
    for (const n of this.g.nodes) {
      const dropped = n.outputs.length === 1 && this.#gone(n.outputs[0]) && !this.#planOf.has(n.outputs[0]);
      if (!dropped) this.node(n);
    }
    return this.b.build(this.g.results.map((r) => this.at.get(r) as Val));
  }

  /** A node and what it needs, which may stand after it in the old order. */
  node(top: Node): void {
    const stack = [top];
    for (let n = stack.at(-1); n; n = stack.at(-1)) {
      const plan = n.outputs.length === 1 ? this.#planOf.get(n.outputs[0]) : undefined;
      const done = n.outputs.length > 0 && n.outputs.every((o) => this.at.has(o));
      const needs = plan ? plan.cone.leaves.map((l) => l.value) : n.inputs;
      const missing = done ? [] : needs.flatMap((v) => (v.node && !this.at.has(v) ? [v.node] : []));
      if (missing.length) {
        stack.push(...missing);
        continue;
      }
      stack.pop();
      if (done) continue;
      const values = needs.map((v) => this.at.get(v) as Val);
      const outputs = plan
        ? writeLoops(this.b, plan.cone, plan.shape, plan.loops, values)
        : this.b.emit(n.op, values, n.attrs, n.regions);
      const results = plan ? plan.cone.outputs.map((o) => o.value) : n.outputs;
      results.forEach((v, i) => void this.at.set(v, outputs[i]));
    }
  }
}
