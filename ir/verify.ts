// The verifier: finds everything that is wrong with a graph, not only the first thing. The builder
// makes no wrong graphs; this is for passes, for graphs made by hand, and for trust.

import { VerifyError } from './errors.ts';
import type { Graph, Node, Value } from './graph.ts';
import { findOp, inferTypes } from './op.ts';
import { printGraph } from './print.ts';
import { type TensorType, typeEq, typeText } from './types.ts';

/** One violation; `node` is null where it concerns the graph as a whole. */
interface Problem {
  readonly node: Node | null;
  readonly message: string;
}

/** Every error of a graph and its regions, as text that names the place. */
export function verifyGraph(g: Graph): string[] {
  return collect(g).map(
    ({ node, message }) => `@${g.name}${node ? `, node ${node.id} (${node.op.name})` : ''}: ${message}`,
  );
}

/** Throws a VerifyError with every error, and the graph with each error under its line. */
export function checkGraph(g: Graph): void {
  const errors = verifyGraph(g);
  if (errors.length) throw new VerifyError(`the graph @${g.name}`, [...errors, printWithErrors(g)]);
}

/** The graph's text with each error as a comment under its line; errors of the graph itself come last. */
export function printWithErrors(g: Graph): string {
  const problems = collect(g);
  const under = (n: Node | null) => problems.filter((p) => p.node === n).map((p) => `; error: ${oneLine(p.message)}`);
  return [printGraph(g, { under }), ...under(null)].join('\n');
}
const oneLine = (s: string) => s.replace(/\s*\n\s*/g, ' / ');

function collect(g: Graph): Problem[] {
  return [...checkParams(g), ...checkNodes(g), ...checkResults(g), ...checkStates(g)];
}

/** Printed names must read back, and must not look like the numbers that nodes get. */
const paramName = /^[A-Za-z_][\w.$/-]*$/;

function checkParams(g: Graph): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const [i, p] of g.params.entries()) {
    const say = (message: string) => problems.push({ node: null, message });
    if (seen.has(p.name)) say(`two parameters are named %${p.name}`);
    seen.add(p.name);
    if (!paramName.test(p.name))
      say(`the parameter name '${p.name}' is not a letter followed by letters, digits, . $ / -`);
    if (p.node) say(`the parameter %${p.name} is also an output of node ${p.node.id}`);
    if (p.index !== i) say(`the parameter %${p.name} says it is number ${p.index}, and is ${i}`);
  }
  return problems;
}

const valueText = (v: Value) => (v.name ? `%${v.name}` : `value ${v.id}`);
const typesText = (ts: readonly TensorType[]) => ts.map(typeText).join(', ') || 'nothing';

/** Definition before use, ids, arity, types and regions of every node. */
function checkNodes(g: Graph): Problem[] {
  const problems: Problem[] = [];
  const defined = new Set<Value>(g.params);
  const later = new Set<Value>(g.nodes.flatMap((n) => n.outputs));
  const ids = new Set<number>(g.params.map((p) => p.id));
  g.nodes.forEach((n, i) => {
    const say = (message: string) => problems.push({ node: n, message });
    if (n.id !== i) say(`its id is ${n.id}, its position ${i}`);
    n.inputs.forEach((v, k) => {
      if (defined.has(v)) return;
      say(
        `operand ${k} (${valueText(v)}) is ${later.has(v) ? 'defined later: nodes out of order' : 'not defined in this graph'}`,
      );
    });
    n.outputs.forEach((o, k) => {
      if (defined.has(o)) say(`output ${k} (${valueText(o)}) is defined before`);
      if (ids.has(o.id) || o.id >= g.valueCount) say(`output ${k} has the id ${o.id}, which is taken or too large`);
      if (o.node !== n || o.index !== k) say(`output ${k} does not point back to its node`);
      defined.add(o);
      ids.add(o.id);
    });
    for (const message of checkTypes(n)) say(message);
    for (const r of n.regions) for (const m of verifyGraph(r)) say(`in a region: ${m}`);
  });
  return problems;
}

/** What inference says about a node. */
function checkTypes(n: Node): string[] {
  if (findOp(n.op.name) !== n.op) return [`the op '${n.op.name}' is not a registered one`];
  const problems = n.regions.length && n.op.kind !== 'control' ? ['it carries regions, and is no control flow'] : [];
  try {
    const types = inferTypes(
      n.op,
      n.inputs.map((v) => v.type),
      n.attrs,
      n.regions,
    );
    const own = n.outputs.map((o) => o.type);
    if (types.length !== own.length || types.some((t, i) => !typeEq(t, own[i])))
      problems.push(`its type is ${typesText(own)}, but inference gives ${typesText(types)}`);
  } catch (e) {
    problems.push((e as Error).message.replace(/\n {2}at your line: .*/, ''));
  }
  return problems;
}

function checkResults(g: Graph): Problem[] {
  const defined = new Set<Value>([...g.params, ...g.nodes.flatMap((n) => n.outputs)]);
  return g.results.flatMap((r, i) =>
    defined.has(r) ? [] : [{ node: null, message: `result ${i} (${valueText(r)}) is not defined in this graph` }],
  );
}

/** A version of a Variable has one successor: a second assignment would need a copy of the Variable. */
function checkStates(g: Graph): Problem[] {
  const taken = new Map<Value, Node>();
  const problems: Problem[] = [];
  for (const n of g.nodes) {
    if (n.op.name !== 'assign') continue;
    const first = taken.get(n.inputs[0]);
    if (first)
      problems.push({
        node: n,
        message: `the state ${valueText(n.inputs[0])} is assigned twice, first by node ${first.id}`,
      });
    else taken.set(n.inputs[0], n);
  }
  return problems;
}
