// Control flow made simpler: choices that are known, operands that are constants or not used, carried
// values that nothing reads or that never change, and work that is the same in every run of a loop.

import { type Builder, rewriteGraph } from '../../ir/builder.ts';
import type { Attrs, Graph, Node, Val, Value } from '../../ir/graph.ts';
import { type LoopLayout, loopLayout } from '../../ir/ops/loop-layout.ts';
import { buildRegion, inlineGraph, nodesFor, writeNodes } from '../../ir/region.ts';
import { opCost } from '../lower/rows.ts';
import { splatOf } from '../rewrite/rules.ts';

export function simplifyControl(g: Graph): Graph {
  if (!g.nodes.some((n) => n.regions.length)) return g;
  const results = new Set(g.results);
  const isUsed = (v: Value) => results.has(v) || g.uses[v.id].length > 0;
  return rewriteGraph(g, (n, inputs, b) => {
    switch (n.op.name) {
      case 'cond':
      case 'case':
        return simplifyBranch(n, inputs, b);
      case 'scan':
      case 'while':
        return simplifyLoop(n, inputs, b, n.outputs.map(isUsed));
      default:
        return undefined;
    }
  });
}

/** Constants that a region's parameters stand for are written into the region. */
const isConstant = (v: Value): boolean => v.node?.op.name === 'constant';

/** The region with only some of its parameters; the others are constants, or not used. */
function withParams(
  region: Graph,
  keep: readonly number[],
  constants: ReadonlyMap<number, Value>,
  results: readonly Value[] = region.results,
): Graph {
  const types = keep.map((i) => region.params[i].type);
  return buildRegion(region.name, types, (b, params) => {
    const at = new Map<Value, Val>(keep.map((i, k) => [region.params[i], params[k]]));
    for (const [i, c] of constants) {
      const node = c.node as Node;
      at.set(region.params[i], b.emit(node.op, [], node.attrs)[0]);
    }
    writeNodes(b, region, at, nodesFor(results, region));
    return results.map((r) => at.get(r) as Val);
  });
}

/** Which parameters of a region its results need. */
function usedParams(region: Graph, results: readonly Value[] = region.results): Set<number> {
  const used = new Set<Value>(results);
  for (const n of nodesFor(results, region)) for (const v of n.inputs) used.add(v);
  return new Set(region.params.flatMap((p, i) => (used.has(p) ? [i] : [])));
}

function simplifyBranch(n: Node, inputs: readonly Value[], b: Builder): readonly Val[] | undefined {
  const [choice, ...operands] = inputs;
  const known = splatOf(choice);
  if (known !== undefined) {
    const at = n.op.name === 'cond' ? (known ? 0 : 1) : known;
    return inlineGraph(b, n.regions[at] ?? n.regions[n.regions.length - 1], operands);
  }
  const constants = new Map(operands.flatMap((v, i) => (isConstant(v) ? [[i, v] as const] : [])));
  const used = new Set(n.regions.flatMap((r) => [...usedParams(r)]));
  const keep = operands.flatMap((_, i) => (used.has(i) && !constants.has(i) ? [i] : []));
  if (keep.length === operands.length) return undefined;
  const regions = n.regions.map((r) => withParams(r, keep, constants));
  return b.emit(n.op, [choice, ...keep.map((i) => operands[i])], n.attrs, regions);
}

// --- loops ---------------------------------------------------------------------------------------------

/** A loop's parts in one order for both kinds: constants, carried, sliced. */
interface Loop {
  readonly node: Node;
  readonly layout: LoopLayout;
  readonly body: Graph;
  readonly test: Graph | undefined;
  readonly operands: readonly Value[];
}

function simplifyLoop(
  n: Node,
  inputs: readonly Value[],
  b: Builder,
  isUsed: readonly boolean[],
): readonly Val[] | undefined {
  const layout = loopLayout(n.attrs, inputs.length);
  const isWhile = n.op.name === 'while';
  const [body, test] = isWhile ? [n.regions[1], n.regions[0]] : n.regions;
  const loop: Loop = { node: n, layout, body, test, operands: inputs.slice(layout.trip) };
  const { consts, carry, trip } = layout;
  const still = unchanged(loop);
  const live = liveResults(loop, isUsed, still);
  const fixed = (i: number) => i < consts || (i < consts + carry && still.has(i - consts));
  const liveBody = live.map((i) => body.results[i]);
  const used = new Set([...usedParams(body, liveBody), ...(test ? usedParams(test) : [])]);
  const carried = live.filter((i) => i < carry && !still.has(i));
  const constants = new Map(
    loop.operands.flatMap((v, i) => (fixed(i) && used.has(i) && isConstant(v) ? [[i, v] as const] : [])),
  );
  const isKept = (i: number) => used.has(i) && !constants.has(i);
  const newConsts = loop.operands.flatMap((_, i) => (fixed(i) && isKept(i) ? [i] : []));
  const newXs = loop.operands.flatMap((_, i) => (i >= consts + carry && used.has(i) ? [i] : []));
  const keep = [...newConsts, ...carried.map((k) => consts + k), ...newXs];
  const stacked = live.filter((i) => i >= carry);
  const shrunk = withParams(
    body,
    keep,
    constants,
    [...carried, ...stacked].map((i) => body.results[i]),
  );
  const shrunkTest =
    test &&
    withParams(
      test,
      keep.filter((i) => i < consts + carry),
      constants,
    );
  const hoisted = hoist(
    b,
    shrunk,
    shrunkTest,
    newConsts.length,
    keep.map((i) => loop.operands[i]),
  );
  const same =
    keep.length === loop.operands.length && !hoisted && still.size === 0 && live.length === body.results.length;
  if (same) return undefined;
  const final = hoisted ?? { body: shrunk, test: shrunkTest, consts: newConsts.map((i) => loop.operands[i]) };
  const attrs = loopAttrs(n.attrs, final.consts.length, isWhile ? undefined : carried.length);
  const operands = [
    ...inputs.slice(0, trip),
    ...final.consts,
    ...carried.map((k) => loop.operands[consts + k]),
    ...newXs.map((i) => loop.operands[i]),
  ];
  // A loop that carries nothing and gives nothing does nothing.
  const regions = isWhile ? [final.test as Graph, final.body] : final.test ? [final.body, final.test] : [final.body];
  const out = operands.length || !isWhile ? b.emit(n.op, operands, attrs, regions) : [];
  return n.outputs.map((o, i) => {
    if (i < carry && still.has(i)) return loop.operands[consts + i];
    if (!isWhile && test && i === n.outputs.length - 1) return out[out.length - 1];
    const at = i < carry ? carried.indexOf(i) : carried.length + stacked.indexOf(i);
    // What is not live is not read.
    return (i < carry ? carried.includes(i) : stacked.includes(i)) ? out[at] : b.splat(o.type, 0);
  });
}

function loopAttrs(attrs: Attrs, consts: number, carry: number | undefined): Attrs {
  const { consts: _consts, carry: _carry, ...rest } = attrs;
  return { ...rest, ...(consts ? { consts } : {}), ...(carry === undefined ? {} : { carry }) };
}

/** Carried values that every run gives on as it got them. */
function unchanged({ body, layout: { consts, carry } }: Loop): Set<number> {
  const out = new Set<number>();
  for (let k = 0; k < carry; k++) if (body.results[k] === body.params[consts + k]) out.add(k);
  return out;
}

/** The body's results that something reads in the end: outside, in the condition, or a later run. */
function liveResults(l: Loop, isUsed: readonly boolean[], still: ReadonlySet<number>): number[] {
  const { consts, carry } = l.layout;
  const live = new Set<number>(l.body.results.flatMap((_, i) => (isUsed[i] && !still.has(i) ? [i] : [])));
  if (l.test) for (const i of usedParams(l.test)) if (i >= consts && !still.has(i - consts)) live.add(i - consts);
  for (let before = -1; before !== live.size; ) {
    before = live.size;
    const needed = usedParams(
      l.body,
      [...live].map((i) => l.body.results[i]),
    );
    for (let k = 0; k < carry; k++) if (needed.has(consts + k) && !still.has(k)) live.add(k);
  }
  return [...live].sort((a, b) => a - b);
}

/** Kinds of work that are worth a result in memory, which every run then reads. */
function isHeavy(n: Node): boolean {
  if (n.op.kind === 'elementwise') return opCost(n) >= 8;
  return !['view', 'generate', 'state', 'control', 'random'].includes(n.op.kind);
}

interface Hoisted {
  readonly body: Graph;
  readonly test: Graph | undefined;
  readonly consts: readonly Value[];
}

/** Moves work on constants out of the loop; null where there is none. */
function hoist(
  b: Builder,
  body: Graph,
  test: Graph | undefined,
  consts: number,
  operands: readonly Value[],
): Hoisted | null {
  const fixed = new Set<Value>(body.params.slice(0, consts));
  for (const n of body.nodes)
    if (n.regions.length === 0 && !n.op.effect && n.inputs.every((v) => fixed.has(v)))
      for (const o of n.outputs) fixed.add(o);
  const heavy = body.nodes.filter((n) => isHeavy(n) && n.outputs.every((o) => fixed.has(o)));
  if (heavy.length === 0) return null;
  const moved = nodesFor(
    heavy.flatMap((n) => n.outputs),
    body,
  );
  const at = new Map<Value, Val>(body.params.map((p, i) => [p, operands[i]]));
  writeNodes(b, body, at, moved);
  // What the rest of the body reads of it becomes a constant of the loop.
  const light = new Set(heavy.flatMap((n) => n.outputs));
  const rest = restOf(body, light);
  const read = [...light].filter((v) => rest.some((n) => n.inputs.includes(v)) || body.results.includes(v));
  const insert = (region: Graph, values: readonly Value[]): Graph => {
    const types = [
      ...region.params.slice(0, consts).map((p) => p.type),
      ...values.map((v) => v.type),
      ...region.params.slice(consts).map((p) => p.type),
    ];
    return buildRegion(region.name, types, (w, params) => {
      const map = new Map<Value, Val>();
      region.params.forEach((p, i) => void map.set(p, params[i < consts ? i : i + values.length]));
      if (region === body) {
        read.forEach((v, i) => void map.set(v, params[consts + i]));
        writeNodes(w, region, map, new Set(rest));
      } else writeNodes(w, region, map);
      return region.results.map((r) => map.get(r) as Val);
    });
  };
  return {
    body: insert(body, read),
    test: test && insert(test, read),
    consts: [...operands.slice(0, consts), ...read.map((v) => at.get(v) as Value)],
  };
}

/** The nodes that the body's results need, given some values. */
function restOf(body: Graph, given: ReadonlySet<Value>): Node[] {
  const wanted = new Set<Value>(body.results);
  const out: Node[] = [];
  for (const n of body.nodes.toReversed()) {
    if (n.outputs.every((o) => given.has(o)) || !n.outputs.some((o) => wanted.has(o))) continue;
    out.push(n);
    for (const v of n.inputs) wanted.add(v);
  }
  return out.reverse();
}
