// Plans a graph level by level: the program's own, and for each node with regions one a region. What a
// loop carries is to its region what Variables are to a program: state, read at the start of a run and
// assigned at its end; so the same planning stores new values in place where it can.

import { Builder } from '../ir/builder.ts';
import type { Graph, Node, Val, Value } from '../ir/graph.ts';
import { opByName } from '../ir/op.ts';
import { loopLayout } from '../ir/ops/loop-layout.ts';
import { writeNodes } from '../ir/region.ts';
import { stateType } from '../ir/types.ts';
import type { Group } from './group.ts';
import { lowerGroup } from './lower/index.ts';
import type { LowerContext, TargetOptions } from './lower/kernel-builder.ts';
import { limitSteps } from './open/steps.ts';
import { fuse } from './passes/fuse.ts';
import { schedule } from './passes/schedule.ts';
import { mergeUpdates } from './passes/updates.ts';
import { type ControlStep, type Outer, Placement } from './placement.ts';

/** Kernels in order, and where everything lies, for a graph and its regions. */
export function planLevel(graph: Graph, options: TargetOptions, outer?: Outer): Placement {
  const { open, gpu } = options;
  const fusion = fuse(graph);
  const level = new Placement(graph, fusion, mergeUpdates(fusion, schedule(fusion)), options, outer);
  const ctx: LowerContext = { graph, options, inMemory: level.inMemory };
  level.plan(
    (g) => lowerGroup(ctx, g),
    (g) => controlStep(g, options),
    // On a GPU all work is done at the bound.
    open && !gpu ? (steps) => limitSteps(level, steps, open) : undefined,
  );
  return level;
}

function controlStep(group: Group, options: TargetOptions): ControlStep {
  const [node] = group.nodes;
  // What is open is known of the program's own inputs and results only: bodies work at the bound.
  const inner = { ...options, open: undefined };
  const bodies = regionsOf(node).map(({ graph, results }) => planLevel(graph, inner, { results }));
  // The regions never run at the same time.
  const bytes = Math.max(0, ...bodies.map((p) => p.memory.arenaBytes));
  return { node, group, bodies, scratch: { bytes, from: 0, to: 0, offset: 0 } };
}

/** A node's regions as graphs to plan, and whether their results have places outside. */
function regionsOf(n: Node): { graph: Graph; results: boolean }[] {
  const { consts, carry } = loopLayout(n.attrs, n.inputs.length);
  switch (n.op.name) {
    case 'scan':
      return n.regions.map((g, i) => ({ graph: withStates(g, consts, carry, i === 0), results: i === 0 }));
    case 'while':
      return n.regions.map((g, i) => ({ graph: withStates(g, consts, carry, i === 1), results: i === 1 }));
    default:
      return n.regions.map((graph) => ({ graph, results: true }));
  }
}

/** The region with what is carried as states; `assigns` where its first results are their new values. */
function withStates(g: Graph, consts: number, carry: number, assigns: boolean): Graph {
  const b = new Builder(g.name);
  const at = new Map<Value, Val>();
  const states: Value[] = [];
  g.params.forEach((p, i) => {
    const carried = i >= consts && i < consts + carry;
    const q = b.param(carried ? stateType(p.type) : p.type, p.name);
    if (carried) states.push(q);
    at.set(p, carried ? b.call('read', [q]) : q);
  });
  writeNodes(b, g, at);
  const get = (v: Value) => at.get(v) as Value;
  if (!assigns) return b.build([...g.results.map(get), ...states]);
  const next = states.map((s, k) => {
    const kept = g.results[k] === g.params[consts + k];
    return kept ? s : b.emit(opByName('assign'), [s, get(g.results[k])])[0];
  });
  return b.build([...g.results.slice(carry).map(get), ...next]);
}
