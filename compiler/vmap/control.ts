// Control flow. What decides for all elements alike stays as it is, on batched regions; where each
// element decides for itself, both branches run and a loop runs until all are done (as in JAX: J.
// Bradbury et al., "JAX: composable transformations of Python+NumPy programs", 2018).

import type { Emitter } from '../../ir/emit.ts';
import type { Graph, Val } from '../../ir/graph.ts';
import { numAttr } from '../../ir/op.ts';
import { type LoopLayout, loopLayout } from '../../ir/ops/loop-layout.ts';
import { buildRegion, inlineGraph } from '../../ir/region.ts';
import { isFloat, tensorType } from '../../ir/types.ts';
import {
  type Batching,
  type BatchNode,
  type BatchRule,
  fromFront,
  type Lane,
  mapped,
  shared,
  spread,
  toFront,
} from './lane.ts';
import { loop } from './loop.ts';

const flags = (xs: readonly Lane[]): boolean[] => xs.map((x) => x.mapped);
const vals = (xs: readonly Lane[]): Val[] => xs.map((x) => x.val);
const lanes = (xs: readonly Val[], isMapped: readonly boolean[]): Lane[] =>
  xs.map((v, i) => (isMapped[i] ? mapped(v) : shared(v)));

/** A graph that runs on all elements, and which of its results are mapped. */
interface BatchedRegion {
  readonly graph: Graph;
  readonly mapped: readonly boolean[];
}

/** A region on all elements: `params` says which of its parameters are mapped, `results` which results must be. */
function regionOf(c: Batching, g: Graph, params: readonly boolean[], results: readonly boolean[] = []): BatchedRegion {
  const types = g.params.map(({ type }, i) => (params[i] ? tensorType(type.dtype, [c.size, ...type.shape]) : type));
  let isMapped: boolean[] = [];
  const graph = buildRegion(g.name, types, (b, given) => {
    const found = inlineGraph(c.within(b).each, g, lanes(given, params)) as Lane[];
    isMapped = found.map((x, i) => x.mapped || results[i] === true);
    return found.map((x, i) => (isMapped[i] ? spread(b, c.size, x) : x.val));
  });
  return { graph, mapped: isMapped };
}

/** `cond` and `case`. */
const branches: BatchRule = (c, n) => {
  const [choice, ...operands] = n.inputs;
  if (choice.mapped) return chosen(c, n);
  const given = flags(operands);
  const found = n.regions.map((g) => regionOf(c, g, given).mapped);
  const results = found[0].map((_, i) => found.some((f) => f[i]));
  const regions = n.regions.map((g) => regionOf(c, g, given, results).graph);
  return lanes(c.whole.emit(n.op, [choice.val, ...vals(operands)], n.attrs, regions), results);
};

/** All branches run, and each element takes the results of its own. */
function chosen(c: Batching, n: BatchNode): readonly Lane[] {
  const [choice, ...operands] = n.inputs;
  const all = n.regions.map((g) => inlineGraph(c.each, g, operands));
  const last = all[all.length - 1];
  const pick = (k: number) => (n.op.name === 'cond' ? choice : c.each.compare('eq', choice, k));
  return last.map((v, i) =>
    all.slice(0, -1).reduceRight<Val>((rest, results, k) => c.each.select(pick(k), results[i], rest), v),
  ) as Lane[];
}

/** Which carried values are mapped: those that begin so, and those that a run makes so. */
function carriedFlags(l: LoopLayout, operands: readonly boolean[], run: (params: readonly boolean[]) => BatchedRegion) {
  const params = [...operands];
  for (let changed = true; changed; ) {
    changed = false;
    const { mapped: found } = run(params);
    for (let k = 0; k < l.carry; k++)
      if (found[k] && !params[l.consts + k]) {
        params[l.consts + k] = true;
        changed = true;
      }
  }
  return params;
}

const scan: BatchRule = (c, n) => {
  const l = loopLayout(n.attrs, n.inputs.length);
  const [body, test] = n.regions;
  const operands = n.inputs.slice(l.trip);
  const first = l.consts + l.carry;
  const params = carriedFlags(l, flags(operands), (p) => regionOf(c, body, p));
  // Elements that run differently often, one after the other.
  if (l.trip && n.inputs[0].mapped) return loop(c, n);
  const tested = test && regionOf(c, test, params.slice(0, first));
  if (tested?.mapped[0]) return loop(c, n);
  const wanted = params.slice(l.consts, first);
  const batched = regionOf(c, body, params, wanted);
  const args = operands.map((x, i) => {
    if (i >= first) return x.mapped ? fromFront(c.whole, x.val, 1) : x.val;
    return params[i] ? spread(c.whole, c.size, x) : x.val;
  });
  const regions = tested ? [batched.graph, tested.graph] : [batched.graph];
  const out = c.whole.emit(n.op, [...vals(n.inputs.slice(0, l.trip)), ...args], n.attrs, regions);
  return out.map((v, i) => {
    if (!batched.mapped[i]) return shared(v);
    return mapped(i < l.carry ? v : toFront(c.whole, v, 1));
  });
};

const whileRule: BatchRule = (c, n) => {
  const l = loopLayout(n.attrs, n.inputs.length);
  const [test, body] = n.regions;
  const params = carriedFlags(l, flags(n.inputs), (p) => regionOf(c, body, p));
  const tested = regionOf(c, test, params);
  if (tested.mapped[0]) return untilAllDone(c, n, l);
  const { graph } = regionOf(c, body, params, params.slice(l.consts));
  const args = n.inputs.map((x, i) => (params[i] ? spread(c.whole, c.size, x) : x.val));
  return lanes(c.whole.emit(n.op, args, n.attrs, [tested.graph, graph]), params.slice(l.consts));
};

/**
 * Each element has its own condition. One more value is carried: which elements still run; the others stay
 * as they are.
 */
function untilAllDone(c: Batching, n: BatchNode, l: LoopLayout): readonly Lane[] {
  const [test, body] = n.regions;
  const fixed = n.inputs.slice(0, l.consts);
  const start = n.inputs.slice(l.consts);
  const holds = (e: Emitter, given: readonly Val[], carried: readonly Val[]) =>
    inlineGraph(e, test, [...given, ...carried])[0];
  const running = holds(c.each, fixed, start) as Lane;
  const args = [...vals(fixed), ...[...start, running].map((x) => spread(c.whole, c.size, x))];
  const isMapped = [...flags(fixed), ...start.map(() => true), true];
  const types = args.map((v) => v.type);
  const any = buildRegion(test.name, types, (b, params) => [
    b.call('reduce_or', [params[params.length - 1]], { axes: [0] }),
  ]);
  const step = buildRegion(body.name, types, (b, params) => {
    const { each } = c.within(b);
    const all = lanes(params, isMapped);
    const given = all.slice(0, l.consts);
    const old = all.slice(l.consts, -1);
    const active = all[all.length - 1];
    const next = inlineGraph(each, body, [...given, ...old]).map((v, i) => each.select(active, v, old[i]));
    const last = each.and(active, holds(each, given, next));
    return [...next, last].map((x) => spread(b, c.size, x as Lane));
  });
  const out = c.whole.emit(n.op, args, n.attrs, [any, step]);
  return out.slice(0, -1).map(mapped);
}

/** A function in place. One whose gradient computes it again stays a call. */
const call: BatchRule = (c, n) => {
  if (!n.attrs.recompute) return inlineGraph(c.each, n.regions[0], n.inputs) as Lane[];
  const batched = regionOf(c, n.regions[0], flags(n.inputs));
  return lanes(c.whole.emit(n.op, vals(n.inputs), n.attrs, [batched.graph]), batched.mapped);
};

/**
 * A gradient of its own. Its values are mapped, so that each element's backward gets its own gradient; what
 * the backward gives for an operand that all elements share is added up.
 */
const customGradient: BatchRule = (c, n) => {
  const [forward, backward] = n.regions;
  const values = numAttr(n.attrs, 'values');
  const wrt = n.inputs.slice(0, numAttr(n.attrs, 'inputs')).filter((x) => isFloat(x.type.dtype));
  const first = regionOf(
    c,
    forward,
    flags(n.inputs),
    forward.results.map((_, i) => i < values),
  );
  const back = regionOf(
    c,
    backward,
    [...first.mapped.slice(values), ...first.mapped.slice(0, values)],
    wrt.map(() => true),
  );
  const summed = buildRegion(
    backward.name,
    back.graph.params.map((p) => p.type),
    (b, params) => inlineGraph(b, back.graph, params).map((v, i) => (wrt[i].mapped ? v : b.sum(v, [0]))),
  );
  return lanes(c.whole.emit(n.op, vals(n.inputs), n.attrs, [first.graph, summed]), first.mapped);
};

const barrier: BatchRule = (c, n) => lanes(c.whole.emit(n.op, vals(n.inputs), n.attrs), flags(n.inputs));

/** Control flow, by name. */
export const control: Readonly<Record<string, BatchRule>> = {
  cond: branches,
  case: branches,
  scan,
  while: whileRule,
  call,
  custom_gradient: customGradient,
  optimization_barrier: barrier,
};
