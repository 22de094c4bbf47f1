// Gradients of control flow. A branch is run again inside a branch of its own backward. A loop keeps
// what its backward needs of every run, stacked, and goes back over it in a loop of the same kind
// (as jax.lax.scan does: R. Frostig, M. Johnson, D. Maclaurin, A. Paszke, A. Radul, "Decomposing
// reverse-mode automatic differentiation", 2021). The forward is written a second time, with what is
// kept as further results; the pass merge-loops makes one of both.

import type { Emitter } from '../emit.ts';
import { GradientError } from '../errors.ts';
import type { Attrs, Graph, Node, Val, Value } from '../graph.ts';
import { divide, forwardGraph, forwardNodes, type Joint, jointGraph, repeatable } from '../joint.ts';
import { accumulate, type BackwardWalk, type GradCtx, type GradRule, opByName } from '../op.ts';
import { buildRegion, inlineGraph, recordRegion, writeNodes } from '../region.ts';
import { isFloat, type TensorType } from '../types.ts';
import { loopLayout } from './loop-layout.ts';

const differentiable = (v: Val): boolean => isFloat(v.type.dtype);

/** A graph that runs a region and gives the gradients of its operands `wrt`, from operands and gradients of its results. */
export function vjpRegion(walk: BackwardWalk, region: Graph, wrt: readonly number[], given: readonly boolean[]): Graph {
  const types = [...region.params.map((p) => p.type), ...region.results.filter((_, i) => given[i]).map((v) => v.type)];
  return buildRegion(`${region.name}_grad`, types, (b, params) => {
    const { results, records } = recordRegion(b, region, params);
    const seeds = new Map<Val, Val>();
    let at = region.params.length;
    results.forEach((v, i) => {
      if (given[i]) accumulate(b, seeds, v, params[at++]);
    });
    const sources = wrt.map((i) => params[i]);
    return walk.backprop(b, records, seeds, sources).map((g, i) => g ?? b.zerosLike(sources[i]));
  });
}

/** Positions in a result list, where each result's gradient counts. */
const where = (flags: readonly boolean[]): number[] => flags.flatMap((f, i) => (f ? [i] : []));

/** Which results have a gradient that counts, and those gradients. */
function seedsOf(n: GradCtx, grads: readonly Val[]): { given: boolean[]; seeds: Val[] } {
  const given = n.outputs.map((o, i) => n.given[i] && differentiable(o));
  return { given, seeds: grads.filter((_, i) => given[i]) };
}

/** `cond` and `case`: a branch of the backward runs its branch again. */
export const branchGrads =
  (name: string): GradRule =>
  (b, n, grads) => {
    const [choice, ...operands] = n.inputs;
    const wrt = where(n.needs.slice(1));
    const { given, seeds } = seedsOf(n, grads);
    const regions = n.regions.map((g) => vjpRegion(n.walk, g, wrt, given));
    const found = b.emit(opByName(name), [choice, ...operands, ...seeds], {}, regions);
    return n.needs.map((need, i) => (need ? found[wrt.indexOf(i - 1)] : null));
  };

/** `call`: the backward of its region in place, which runs the region again behind a barrier if that was asked for. */
export const callGrads: GradRule = (b, n, grads) => {
  const wrt = where(n.needs);
  const { given, seeds } = seedsOf(n, grads);
  // Behind the barrier the operands come to life with the gradient: what is computed of them once more
  // runs then, and is not merged with the first time.
  const operands = n.attrs.recompute
    ? b.emit(opByName('optimization_barrier'), [...n.inputs, ...seeds])
    : [...n.inputs, ...seeds];
  const found = inlineGraph(b, vjpRegion(n.walk, n.regions[0], wrt, given), operands);
  return n.needs.map((need, i) => (need ? found[wrt.indexOf(i)] : null));
};

/** A bounded `while` is the scan that does the same: it can keep what each run leaves behind. */
export const whileGrads: GradRule = (b, n, grads) => {
  const { bound } = n.attrs;
  if (bound === undefined)
    throw new GradientError('has a gradient only where the number of its runs is bounded', {
      op: 'while',
      fix: 'say how many runs there may be: tf.whileLoop(cond, body, vars, {maximumIterations: n}), or use tf.scan or tf.forRange',
    });
  const { consts, carry } = loopLayout(n.attrs, n.inputs.length);
  const [cond, body] = n.regions;
  const attrs = { length: bound, ...(consts ? { consts } : {}), carry };
  return scanGrads(b, { ...n, attrs, regions: [body, cond] }, grads);
};

// --- loops ---------------------------------------------------------------------------------------------

/** A scan under differentiation: which operands, by position in the body, have gradients. */
interface Loop {
  readonly body: Graph;
  readonly test: Graph | undefined;
  readonly attrs: Attrs;
  readonly trip: Val | undefined;
  /** Operands in the body's order: constants, carried, sliced. */
  readonly operands: readonly Val[];
  readonly consts: number;
  readonly carry: number;
  /** Whether the body's parameter carries a gradient. */
  readonly active: readonly boolean[];
  /** Whether the body's result gets one. */
  readonly seeded: readonly boolean[];
}

/** Follows gradients round the loop: what is carried is active once a run makes it so. */
function analyse(n: GradCtx): Loop {
  const [body, test] = n.regions;
  const { trip, consts, carry } = loopLayout(n.attrs, n.inputs.length);
  const active = body.params.map((p, i) => n.needs[i + trip] && differentiable(p));
  let reached: Set<Val>;
  for (let changed = true; changed; ) {
    changed = false;
    const sources = body.params.filter((_, i) => active[i]);
    reached = n.walk.reachable(body.nodes, sources);
    for (let k = 0; k < carry; k++)
      if (reached.has(body.results[k]) && !active[consts + k]) {
        active[consts + k] = true;
        changed = true;
      }
  }
  const seeded = body.results.map((v, i) => (i < carry ? active[consts + i] : n.given[i]) && reached.has(v));
  const operands = n.inputs.slice(trip);
  return { body, test, attrs: n.attrs, trip: trip ? n.inputs[0] : undefined, operands, consts, carry, active, seeded };
}

/** What the backward of one run computes itself, and what it must be given of the forward. */
function divideRun(l: Loop, j: Joint): { backward: Set<Node>; kept: Value[] } {
  const forward = forwardNodes(j);
  const fixed = new Set<Value>(j.params.slice(0, l.consts));
  const constant = new Set<Node>();
  for (const n of j.graph.nodes)
    if (n.inputs.every((v) => fixed.has(v))) {
      constant.add(n);
      for (const o of n.outputs) fixed.add(o);
    }
  return divide(j, (v) => {
    const n = v.node;
    if (n) return forward.has(n) && !repeatable(n) && !constant.has(n) && !l.attrs.checkpoint ? 'kept' : 'computed';
    // A carried value as the run found it is not kept by the forward itself.
    const at = j.params.indexOf(v);
    return at >= l.consts && at < l.consts + l.carry ? 'kept' : 'given';
  });
}

/** `scan`: the forward with what is kept, then the loop back. */
export const scanGrads: GradRule = (b, n, grads) => {
  const l = analyse(n);
  const j = jointGraph(n.walk, l.body, l.active, l.seeded);
  const { backward, kept } = divideRun(l, j);
  const scan = opByName('scan');
  // The forward once more, which stacks what is kept after its own results.
  const forwardBody = forwardGraph(j, l.body.name, kept);
  const inputs = [...(l.trip ? [l.trip] : []), ...l.operands];
  const outputs = b.emit(scan, inputs, l.attrs, l.test ? [forwardBody, l.test] : [forwardBody]);
  const stacks = outputs.slice(j.results.length, j.results.length + kept.length);
  const trip = l.test ? outputs[outputs.length - 1] : l.trip;
  return backwardScan({ b, l, j, backward, kept, stacks, trip, grads });
};

interface Backward {
  readonly b: Emitter;
  readonly l: Loop;
  readonly j: Joint;
  readonly backward: ReadonlySet<Node>;
  readonly kept: readonly Value[];
  readonly stacks: readonly Val[];
  readonly trip: Val | undefined;
  /** Of the forward's results; zeros where there is none. */
  readonly grads: readonly Val[];
}

/**
 * Goes back over the runs. Carried are the gradients of what the loop carries and the sums over runs of
 * the constants' gradients; sliced are what was kept, what the forward sliced, and the gradients of
 * what it stacked; stacked are the gradients of the slices.
 */
function backwardScan({ b, l, j, backward, kept, stacks, trip, grads }: Backward): readonly (Val | null)[] {
  const { consts, carry } = l;
  const isCarry = (i: number) => i >= consts && i < consts + carry;
  const used = new Set<Value>([...[...backward].flatMap((n) => n.inputs), ...j.found.values()]);
  const fixed = where(j.params.map((p, i) => i < consts && used.has(p)));
  const sliced = where(j.params.map((p, i) => i >= consts + carry && used.has(p)));
  const sums = where(l.active.map((a, i) => a && i < consts));
  const carried = where(l.active.map((a, i) => a && isCarry(i)));
  const xs = where(l.active.map((a, i) => a && i >= consts + carry));
  const seededYs = [...j.seeds.keys()].filter((i) => i >= carry);
  const types: TensorType[] = [
    ...fixed.map((i) => j.params[i].type),
    ...carried.map((i) => j.params[i].type),
    ...sums.map((i) => j.params[i].type),
    ...kept.map((v) => v.type),
    ...sliced.map((i) => j.params[i].type),
    ...seededYs.map((i) => (j.seeds.get(i) as Value).type),
  ];
  const body = buildRegion(j.graph.name, types, (w, params) => {
    const at = new Map<Value, Val>();
    let next = 0;
    for (const i of fixed) at.set(j.params[i], params[next++]);
    for (const i of carried) {
      const seed = j.seeds.get(i - consts);
      if (seed) at.set(seed, params[next]);
      next++;
    }
    const totals = sums.map(() => params[next++]);
    for (const v of kept) at.set(v, params[next++]);
    for (const i of sliced) at.set(j.params[i], params[next++]);
    for (const i of seededYs) at.set(j.seeds.get(i) as Value, params[next++]);
    writeNodes(w, j.graph, at, backward);
    const g = (i: number) => at.get(j.found.get(i) as Value) as Val;
    return [...carried.map(g), ...sums.map((i, k) => w.add(totals[k], g(i))), ...xs.map(g)];
  });
  const start = [...carried.map((i) => grads[i - consts]), ...sums.map((i) => b.zerosLike(l.operands[i]))];
  const operands = [
    ...(trip ? [trip] : []),
    ...fixed.map((i) => l.operands[i]),
    ...start,
    ...stacks,
    ...sliced.map((i) => l.operands[i]),
    ...seededYs.map((i) => grads[i]),
  ];
  const attrs: Attrs = {
    length: l.attrs.length,
    ...(fixed.length ? { consts: fixed.length } : {}),
    carry: carried.length + sums.length,
    ...(l.attrs.reverse ? {} : { reverse: true }),
    ...(trip ? { trip: true } : {}),
  };
  const out = b.emit(opByName('scan'), operands, attrs, [body]);
  const position = [...carried, ...sums, ...xs];
  const found = l.operands.map((_, i) => (position.includes(i) ? out[position.indexOf(i)] : null));
  return l.trip ? [null, ...found] : found;
}
