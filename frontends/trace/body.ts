// Bodies of control flow: functions traced into regions. What a body uses from outside, tensors of the
// traces around it and Variables, become operands of the operation that runs it.

import { Builder } from '../../ir/builder.ts';
import { ShapeError } from '../../ir/errors.ts';
import type { Graph, Val, Value } from '../../ir/graph.ts';
import { writeNodes } from '../../ir/region.ts';
import { type TensorType, typeText } from '../../ir/types.ts';
import { context, withRecorders, withTrace } from './context.ts';
import { makeTensor } from './convert.ts';
import { operandOf } from './dispatch.ts';
import { flatten, type Tree, treeText } from './nest.ts';
import { Tensor } from './tensor.ts';
import { type BodyState, refusePromise, type Stateful, Trace } from './trace.ts';
import type { Variable } from './variable.ts';

/** A traced body: its parameters are its own, then what it captured. */
export interface Body {
  readonly graph: Graph;
  readonly tree: Tree;
  /** Number of its own parameters, and of the results that its function gave. */
  readonly own: number;
  readonly given: number;
  /** Tensors of traces around it, or that tapes around it follow, and their parameters. */
  readonly captures: ReadonlyMap<Tensor, Value>;
  /** Variables that it reads or assigns. */
  readonly states: ReadonlyMap<Stateful, BodyState>;
}

/** A structure of tensors taken apart; Variables are read, numbers and booleans made tensors. */
export function leavesOf(x: unknown, op: string, like?: readonly TensorType[]): { tree: Tree; leaves: Tensor[] } {
  const leaves: Tensor[] = [];
  const leafOf = (y: unknown): Tensor | undefined => {
    refusePromise(y, op);
    if (y instanceof Tensor) {
      y.lent = true;
      return y;
    }
    if (typeof y === 'number' || typeof y === 'boolean')
      return makeTensor(y, undefined, like?.[leaves.length]?.dtype, op);
    return undefined;
  };
  const tree = flatten(x, leafOf, leaves, (t) => typeText(t.type));
  return { tree, leaves: leaves.map(operandOf) };
}

/** Traces a body; `f` gets one tensor per type. `like` are the types that its results should have. */
export function traceBody(
  name: string,
  types: readonly TensorType[],
  f: (xs: Tensor[]) => unknown,
  like?: readonly TensorType[],
): Body {
  const tapes = context.recorders;
  const isWatched = (t: Tensor) => tapes.some((r) => r.interested([t]));
  const trace = new Trace(name, context.trace?.mayCreate ?? true, { parent: context.trace, isWatched });
  try {
    return withTrace(trace, () =>
      withRecorders([], () => {
        const { tree, leaves } = leavesOf(f(types.map((type, i) => trace.input(type, `x${i}`))), name, like);
        // What was captured is known once the results are part of the trace.
        const { graph, captures, states } = trace.finishBody(leaves);
        return { graph, tree, own: types.length, given: leaves.length, captures, states };
      }),
    );
  } finally {
    trace.close();
  }
}

/** What the bodies of one operation capture together. */
export interface Shared {
  readonly captures: readonly Tensor[];
  /** Variables that are only read. */
  readonly read: readonly Stateful[];
  /** Variables that some body assigns: they are carried, or results. */
  readonly assigned: readonly Stateful[];
}

export function sharedBy(bodies: readonly Body[]): Shared {
  const captures = [...new Set(bodies.flatMap((b) => [...b.captures.keys()]))];
  const states = [...new Set(bodies.flatMap((b) => [...b.states.keys()]))];
  const isAssigned = (v: Stateful) => bodies.some((b) => b.states.get(v)?.assigned);
  return { captures, read: states.filter((v) => !isAssigned(v)), assigned: states.filter(isAssigned) };
}

/** The present values of Variables in the trace around; tapes learn that they are read. */
export const valuesOf = (states: readonly Stateful[]): Tensor[] => states.map((v) => operandOf(v as Variable));

/** Makes Variables take new values, in the trace around or at once. */
export function assignAll(states: readonly Stateful[], values: readonly Tensor[]): void {
  states.forEach((v, i) => {
    if (context.trace) context.trace.assign(v, values[i]);
    else (v as Variable).assign(values[i]);
  });
}

/** What a parameter of a region stands for. */
export type Role = number | Tensor | Stateful;

/**
 * The body as a region with these parameters: one of its own (a number), a captured tensor or a
 * Variable. Its results are those of its function picked by `results`, Variables by their last value.
 */
export function regionOf(body: Body, roles: readonly Role[], results: readonly (number | Stateful)[]): Graph {
  const b = new Builder(body.graph.name);
  const at = new Map<Value, Val>();
  const seen = new Map<Stateful, Val>();
  roles.forEach((r, i) => {
    if (typeof r === 'number') at.set(body.graph.params[r], b.param(body.graph.params[r].type, `x${r}`));
    else {
      const p = b.param(r.type, `c${i}`);
      const own = isState(r) ? body.states.get(r)?.param : body.captures.get(r as Tensor);
      if (own) at.set(own, p);
      if (isState(r)) seen.set(r, p);
    }
  });
  writeNodes(b, body.graph, at);
  const get = (r: number | Stateful): Value => {
    if (typeof r === 'number') return at.get(body.graph.results[r]) as Value;
    const state = body.states.get(r);
    // A Variable that this body does not touch stays what it is.
    return (state ? at.get(state.last) : seen.get(r)) as Value;
  };
  return b.build(results.map(get));
}
const isState = (r: Tensor | Stateful): r is Stateful => 'cell' in r;

/** Throws ShapeError where two structures differ, naming the first tensor that does. */
export function sameStructure(op: string, what: string, want: Tree, got: Tree, wanted: string): void {
  if (treeText(want) === treeText(got)) return;
  const [a, b] = [want, got].map((t) => (t.kind === 'list' ? t.items : [t]));
  const i = a.length === b.length ? a.findIndex((t, k) => treeText(t) !== treeText(b[k])) : -1;
  const detail =
    i >= 0 && a.length > 1 ? `; number ${i} is ${treeText(b[i])} where ${wanted} has ${treeText(a[i])}` : '';
  throw new ShapeError(`${what} gives ${treeText(got)}, and ${wanted} is ${treeText(want)}${detail}`, {
    op,
    fix: 'give tensors of the same dtypes and shapes in the same structure (cast, reshape or broadcast them)',
  });
}
