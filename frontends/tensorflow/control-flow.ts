// Control flow as TensorFlow 1 writes it (Switch, Merge, Enter, Exit, NextIteration, LoopCond), put together again as
// loops and choices. See "Implementation of Control Flow in TensorFlow" (2017).
//
// A frame is a loop. Each of its variables enters, is merged with what the last run gave it, and goes through a switch on
// the loop's condition: to the body and the next iteration, or out by an exit. So one graph, with the merges as its
// arguments, holds both condition and body. Two values that meet in another merge are branches of a choice: what of them
// depends on a switch is computed only where that branch is taken.

import { FormatError } from '../../ir/errors.ts';
import { Attributes } from './attributes.ts';
import type { TfGraph, TfNode } from './graph.ts';

const isEnter = (n: TfNode): boolean => n.op === 'Enter' || n.op === 'RefEnter';
const isExit = (n: TfNode): boolean => n.op === 'Exit' || n.op === 'RefExit';
const isNext = (n: TfNode | undefined): boolean => n?.op === 'NextIteration' || n?.op === 'RefNextIteration';
const isMerge = (n: TfNode): boolean => (n.op === 'Merge' || n.op === 'RefMerge') && !n.flow;
const isSwitch = (n: TfNode): boolean => n.op === 'Switch' || n.op === 'RefSwitch';

/** Loops, and choices, nest no deeper. */
const DEEPEST = 50;
/** Steps of looking for what belongs to branches, at the most. */
const MOST_STEPS = 2e7;

const none = new Attributes(new Map(), '');
/** A node that hands its operands on. */
const pass = (n: TfNode, inputs: readonly string[]): TfNode => ({
  ...n,
  op: 'IdentityN',
  inputs,
  captures: n.captures ?? [],
  attrs: none,
});
function addTo(users: Map<TfNode, TfNode[]>, of: TfNode, user: TfNode): void {
  const list = users.get(of);
  if (list) list.push(user);
  else users.set(of, [user]);
}
const dependencies = (n: TfNode): string[] => [...n.inputs, ...(n.captures ?? [])];
const makersOf = (nodes: readonly TfNode[]): Map<string, TfNode> =>
  new Map(nodes.flatMap((n) => n.outputs.map((x) => [x, n] as const)));

/** How many operands the parts of control flow have at least. */
const operandsOf: ReadonlyMap<string, number> = new Map(
  Object.entries({ Switch: 2, Merge: 1, Enter: 1, Exit: 1, NextIteration: 1, LoopCond: 1 }).flatMap(([op, n]) => [
    [op, n] as const,
    [`Ref${op}`, n] as const,
  ]),
);

/** Rebuilds one graph. */
class Rebuilder {
  readonly #op: string;
  readonly #name: string;
  #steps = 0;
  /** How deep choices nest. */
  readonly #depths = new Map<TfNode, number>();

  constructor(name: string, op: string) {
    this.#name = name;
    this.#op = op;
  }

  bad(what: string): FormatError {
    return new FormatError(`graph '${this.#name}': ${what}`, {
      op: this.#op,
      fix: 'the graph is damaged: get it again',
    });
  }

  /** Nodes behind what they use; loops close behind their next iterations. Without recursion. */
  order(nodes: readonly TfNode[]): TfNode[] {
    const makers = makersOf(nodes);
    const waiting = new Map<TfNode, number>();
    const users = new Map<TfNode, TfNode[]>();
    for (const n of nodes) {
      const needs = new Set(dependencies(n).flatMap((x) => makers.get(x) ?? []));
      const own = [...needs].filter((m) => !(isMerge(n) && isNext(m)));
      waiting.set(n, own.length);
      for (const m of own) addTo(users, m, n);
    }
    const order = nodes.filter((n) => waiting.get(n) === 0);
    for (const n of order)
      for (const u of users.get(n) ?? []) {
        const left = (waiting.get(u) as number) - 1;
        waiting.set(u, left);
        if (left === 0) order.push(u);
      }
    if (order.length === nodes.length) return order;
    const lost = nodes.find((n) => waiting.get(n) !== 0) as TfNode;
    throw this.bad(`node '${lost.name}' (${lost.op}) depends on its own result`);
  }

  /** The frame of each node, as the path of loops around it. */
  frames(order: readonly TfNode[]): Map<TfNode, readonly string[]> {
    const makers = makersOf(order);
    const frames = new Map<TfNode, readonly string[]>();
    for (const n of order) {
      let frame: readonly string[] = [];
      for (const x of dependencies(n)) {
        const m = makers.get(x);
        const f = m && frames.get(m);
        if (f && f.length > frame.length) frame = f;
      }
      if (isEnter(n)) frame = [...frame, n.attrs.text('frame_name', '')];
      else if (isExit(n)) frame = frame.slice(0, -1);
      if (frame.length > DEEPEST) throw this.bad(`loops nest deeper than ${DEEPEST}`);
      // What leaves a loop does so by an exit; its frame is known where the exit's operand is.
      frames.set(n, frame);
    }
    return frames;
  }

  loops(nodes: readonly TfNode[]): TfNode[] {
    if (!nodes.some(isEnter)) return [...nodes];
    const frames = this.frames(this.order(nodes));
    const byPath = new Map<string, { path: readonly string[]; nodes: TfNode[] }>();
    const key = (path: readonly string[]) => path.map((p) => `${p.length}:${p}`).join('/');
    const put = (path: readonly string[], n: TfNode) => {
      const k = key(path);
      if (!byPath.has(k)) byPath.set(k, { path, nodes: [] });
      byPath.get(k)?.nodes.push(n);
    };
    // Exits stand in the frame around, but are needed to know what leaves: they go with the loop.
    const makers = makersOf(nodes);
    for (const n of nodes) {
      const from = isExit(n) ? makers.get(n.inputs[0]) : n;
      if (!from) throw this.bad(`the exit '${n.name}' has no operand`);
      put(frames.get(from) as readonly string[], n);
    }
    const inner = [...byPath.values()].filter((f) => f.path.length > 0).sort((p, q) => q.path.length - p.path.length);
    for (const f of inner) put(f.path.slice(0, -1), this.loop(f.nodes, f.path));
    return byPath.get('')?.nodes ?? [];
  }

  /** The loop of one frame as one node of the frame around it. */
  loop(nodes: readonly TfNode[], path: readonly string[]): TfNode {
    const name = path[path.length - 1];
    const makers = makersOf(nodes);
    const variables = nodes.filter((n) => isMerge(n) && n.inputs.some((x) => isNext(makers.get(x))));
    const parts = variables.map((merge) => {
      const next = merge.inputs.map((x) => makers.get(x)).find(isNext);
      const enter = merge.inputs.map((x) => makers.get(x)).find((n) => n && isEnter(n));
      if (!next || !enter || merge.inputs.length !== 2)
        throw this.bad(`the loop '${name}' has a variable '${merge.name}' that does not enter`);
      return { merge, next, enter };
    });
    const condition = nodes.find((n) => n.op === 'LoopCond');
    if (!condition) throw this.bad(`the loop '${name}' has no condition`);
    const exits = nodes.filter(isExit);
    const gone = new Set<TfNode>([...parts.flatMap((p) => [p.merge, p.next, p.enter]), ...exits]);
    const goneNames = new Set([...gone].map((n) => `^${n.name}`));
    const test = condition.outputs[0];
    const body = nodes
      .filter((n) => !gone.has(n))
      .map((n): TfNode => {
        const captures = (n.captures ?? []).filter((x) => !goneNames.has(x));
        if (isEnter(n)) return pass({ ...n, captures }, n.inputs);
        if (isSwitch(n) && n.inputs[1] === test) return pass({ ...n, captures }, [n.inputs[0], n.inputs[0]]);
        return { ...n, captures };
      });
    const inputs = parts.map((p) => p.merge.outputs[0]);
    const graph = this.choices({ name, nodes: body, inputs, outputs: [], effects: [] });
    // An exit's operand is the switch of its variable.
    const exitOf = new Map(exits.map((e) => [makers.get(e.inputs[0])?.inputs[0], e] as const));
    const outs = parts.map((p) => exitOf.get(p.merge.outputs[0])?.outputs[0] ?? '');
    const known = new Set(outs);
    const odd = exits.find((e) => !known.has(e.outputs[0]));
    if (odd) throw this.bad(`the loop '${name}' has an exit '${odd.name}' of no variable`);
    return {
      name,
      op: 'While',
      inputs: parts.map((p) => p.enter.inputs[0]),
      captures: [...captured(graph), ...parts.flatMap((p) => p.enter.captures ?? [])],
      outputs: [...outs, ...exits.flatMap((e) => e.outputs.filter((x) => x.startsWith('^')))],
      attrs: none,
      flow: { kind: 'while', body: graph, condition: condition.inputs[0], next: parts.map((p) => p.next.inputs[0]) },
    };
  }

  /** Choices in a graph without loops. */
  choices(graph: TfGraph): TfGraph {
    if (!graph.nodes.some(isMerge)) return graph;
    const makers = makersOf(graph.nodes);
    const replaced = new Map<TfNode, TfNode>();
    for (const n of this.order(graph.nodes)) {
      if (!isMerge(n)) continue;
      const choice = this.choice(n, makers);
      replaced.set(n, choice);
      for (const x of n.outputs) makers.set(x, choice);
    }
    return { ...graph, nodes: graph.nodes.map((n) => replaced.get(n) ?? n) };
  }

  /** The value that a value is a copy of: predicates are told by it. */
  source(value: string, makers: ReadonlyMap<string, TfNode>): string {
    let x = value;
    for (let n = makers.get(x); n?.op === 'Identity'; n = makers.get(x)) {
      if (++this.#steps > MOST_STEPS) throw this.bad('has too many choices');
      [x] = n.inputs;
    }
    return x;
  }

  /** All nodes that a value depends on, and the sides of the switches on the way. */
  ancestors(
    value: string,
    makers: ReadonlyMap<string, TfNode>,
  ): { nodes: Set<TfNode>; sides: Map<string, Set<number>> } {
    const nodes = new Set<TfNode>();
    const sides = new Map<string, Set<number>>();
    const reached = new Set([value]);
    for (const x of reached) {
      if (++this.#steps > MOST_STEPS) throw this.bad('has too many choices');
      const n = makers.get(x);
      if (!n) continue;
      if (isSwitch(n) && !x.startsWith('^')) {
        const test = this.source(n.inputs[1], makers);
        if (!sides.has(test)) sides.set(test, new Set());
        sides.get(test)?.add(x.endsWith(':1') ? 1 : 0);
      }
      nodes.add(n);
      for (const y of dependencies(n)) reached.add(y);
    }
    return { nodes, sides };
  }

  /** A merge as a choice. */
  choice(merge: TfNode, makers: ReadonlyMap<string, TfNode>): TfNode {
    if (merge.inputs.length !== 2) throw this.bad(`'${merge.name}' merges ${merge.inputs.length} values`);
    const [p, q] = merge.inputs.map((x) => this.ancestors(x, makers));
    const only = (s: Set<number> | undefined) => (s?.size === 1 ? [...s][0] : undefined);
    const tests = [...new Set([...p.sides.keys(), ...q.sides.keys()])];
    const opposite = tests.filter((t) => {
      const [a, b] = [only(p.sides.get(t)), only(q.sides.get(t))];
      return a !== undefined && b !== undefined && a !== b;
    });
    const oneSided = tests.filter(
      (t) => (only(p.sides.get(t)) ?? only(q.sides.get(t))) !== undefined && p.sides.has(t) !== q.sides.has(t),
    );
    const test = opposite[0] ?? oneSided[0];
    if (test === undefined) throw this.bad(`no predicate decides between the operands of '${merge.name}'`);
    const first = only(p.sides.get(test)) ?? 1 - (only(q.sides.get(test)) as number);
    // Control edges from inside of a branch: what runs there for its effects.
    const controls = (merge.captures ?? []).map((x) => ({ x, ...this.ancestors(x, makers) }));
    const inner = controls.filter((e) => only(e.sides.get(test)) !== undefined);
    const effectsOf = (side: number) => inner.filter((e) => only(e.sides.get(test)) === side).map((e) => e.x);
    const all = [p, q, ...inner].flatMap((e) => [...e.nodes]);
    const nodes = this.#inside(new Set(all), test, makers);
    const depth = 1 + nodes.reduce((d, n) => Math.max(d, this.#depths.get(n) ?? 0), 0);
    if (depth > DEEPEST) throw this.bad(`choices nest deeper than ${DEEPEST}`);
    const graph: TfGraph = { name: merge.name, nodes, inputs: [], outputs: [], effects: [] };
    const branches = first === 1 ? [merge.inputs[1], merge.inputs[0]] : merge.inputs;
    const made = makersOf(nodes);
    const outer = controls.filter((e) => !inner.includes(e)).map((e) => e.x);
    const choice: TfNode = {
      name: merge.name,
      op: merge.op,
      inputs: [test],
      captures: [...new Set([...captured(graph), ...merge.inputs.filter((x) => !made.has(x)), ...outer])],
      outputs: merge.outputs,
      attrs: none,
      flow: {
        kind: 'cond',
        body: graph,
        branches: [
          [branches[0], ...effectsOf(0)],
          [branches[1], ...effectsOf(1)],
        ],
        places: first === 1 ? [1, 0] : [0, 1],
      },
    };
    this.#depths.set(choice, depth);
    return choice;
  }

  /** Of these nodes those that depend on a switch of the predicate, the switches as nodes that hand on. */
  #inside(nodes: ReadonlySet<TfNode>, test: string, makers: ReadonlyMap<string, TfNode>): TfNode[] {
    const isOwn = (n: TfNode) => isSwitch(n) && this.source(n.inputs[1], makers) === test;
    const users = new Map<TfNode, TfNode[]>();
    for (const n of nodes)
      for (const x of dependencies(n)) {
        const m = makers.get(x);
        if (m && nodes.has(m)) addTo(users, m, n);
      }
    const inside = new Set([...nodes].filter(isOwn));
    for (const n of inside) for (const u of users.get(n) ?? []) inside.add(u);
    return [...inside].map((n) => (isOwn(n) ? pass(n, [n.inputs[0], n.inputs[0]]) : n));
  }
}

/** Values from outside that a graph's nodes use. */
function captured(graph: TfGraph): string[] {
  const here = new Set([...graph.inputs, ...graph.nodes.flatMap((n) => n.outputs)]);
  return [...new Set(graph.nodes.flatMap(dependencies))].filter((x) => !here.has(x));
}

/**
 * A graph whose loops and choices are nodes with graphs of their own.
 * Throws FormatError for loops and merges that are not as TensorFlow writes them.
 */
export function rebuilt(graph: TfGraph, op: string): TfGraph {
  if (!graph.nodes.some((n) => isMerge(n) || isEnter(n))) return graph;
  const r = new Rebuilder(graph.name, op);
  for (const n of graph.nodes) {
    const least = operandsOf.get(n.op) ?? 0;
    if (n.inputs.length < least) throw r.bad(`'${n.name}' (${n.op}) has ${n.inputs.length} operands, not ${least}`);
  }
  return r.choices({ ...graph, nodes: r.loops(graph.nodes) });
}
