// Control flow on the values of tensors. Eagerly it simply runs; in a trace the bodies are traced
// into regions of one operation. Bodies must be functions of tensors alone.

import { Builder } from '../../ir/builder.ts';
import { ArgumentError, ShapeError } from '../../ir/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { opByName } from '../../ir/op.ts';
import { type TensorType, tensorType, typeEq, typeText } from '../../ir/types.ts';
import { context, withRecorders, withTrace } from './context.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { applyOp, operandOf } from './dispatch.ts';
import { flattenTensors, pack, type Tree, treeText } from './nest.ts';
import { boolArg, need } from './ops/common.ts';
import { stack, unstack } from './ops/shape.ts';
import { Tensor } from './tensor.ts';
import { Trace } from './trace.ts';

interface Body {
  readonly graph: Graph;
  readonly captures: readonly Tensor[];
  readonly tree: Tree;
}

/** Traces a body of a control-flow operation; `f` gets one tensor per type. */
function traceBody(name: string, types: readonly TensorType[], f: (xs: Tensor[]) => unknown): Body {
  const trace = new Trace(name, false, context.trace);
  try {
    const results: Tensor[] = [];
    const tree = withTrace(trace, () =>
      withRecorders([], () => {
        const t = flattenTensors(f(types.map((type, i) => trace.input(type, `x${i}`))), results);
        results.forEach((r, i) => {
          results[i] = r.operand();
        });
        return t;
      }),
    );
    // Captures are known once the results are.
    const { graph } = trace.finish(results);
    return { graph, captures: trace.captures, tree };
  } finally {
    trace.close();
  }
}

/** The body with a parameter for every capture of all bodies: regions of one operation take the same. */
function withCaptures(body: Body, own: number, all: readonly Tensor[]): Graph {
  const b = new Builder(body.graph.name);
  const map = new Map<Value, Value>();
  for (const p of body.graph.params.slice(0, own)) map.set(p, b.param(p.type, p.name));
  for (const [i, t] of all.entries()) {
    const p = b.param(t.type, `c${i}`);
    const k = body.captures.indexOf(t);
    if (k >= 0) map.set(body.graph.params[own + k], p);
  }
  const get = (v: Value) => map.get(v) as Value;
  for (const n of body.graph.nodes) b.copy(n, n.inputs.map(get)).forEach((o, i) => void map.set(n.outputs[i], o));
  return b.build(body.graph.results.map(get));
}

/** All captures, each once. */
const union = (bodies: readonly Body[]): Tensor[] => [...new Set(bodies.flatMap((x) => x.captures))];

/** Tensors of a structure, Variables read. */
function leavesOf(x: unknown): { tree: Tree; leaves: Tensor[] } {
  const leaves: Tensor[] = [];
  const tree = flattenTensors(x, leaves);
  return { tree, leaves: leaves.map(operandOf) };
}

function sameStructure(op: string, a: Tree, b: Tree): void {
  if (treeText(a) !== treeText(b))
    throw new ShapeError(`the structures ${treeText(a)} and ${treeText(b)} differ`, {
      op,
      fix: 'both must give tensors of the same dtypes and shapes in the same structure',
    });
}

/**
 * `trueFn()` where the predicate (a bool scalar) holds, else `falseFn()`. In a trace both are traced
 * and must give the same structure of tensors: ShapeError otherwise.
 */
export function cond<T>(pred: TensorLike, trueFn: () => T, falseFn: () => T): T {
  const p = boolArg(pred, 'pred', 'cond');
  need(p.rank === 0, 'cond', 'pred must be a scalar', p.shape);
  if (!p.symbol) return p.elements()[0] ? trueFn() : falseFn();
  const bodies = [traceBody('then', [], trueFn), traceBody('else', [], falseFn)];
  sameStructure('cond', bodies[0].tree, bodies[1].tree);
  const captures = union(bodies);
  const out = applyOp(
    opByName('cond'),
    [p, ...captures],
    {},
    bodies.map((x) => withCaptures(x, 0, captures)),
  );
  return pack(bodies[0].tree, out) as T;
}

/**
 * Runs `body` as long as `condition` (a bool scalar) holds; both take `loopVars` as arguments, and
 * body returns their next values, of the same dtypes and shapes.
 */
export function whileLoop<V extends unknown[]>(
  condition: (...vars: V) => TensorLike,
  body: (...vars: V) => V,
  loopVars: V,
): V {
  const op = 'whileLoop';
  const test = (vars: V) => {
    const c = boolArg(condition(...vars), 'condition', op);
    need(c.rank === 0, op, 'the condition must be a scalar', c.shape);
    return c;
  };
  if (!context.trace) {
    let vars = loopVars;
    while (test(vars).elements()[0]) {
      const next = body(...vars);
      sameStructure(op, leavesOf(vars).tree, leavesOf(next).tree);
      vars = next;
    }
    return vars;
  }
  const { tree, leaves } = leavesOf(loopVars);
  const types = leaves.map((t) => t.type);
  const unpack = (xs: Tensor[]) => pack(tree, xs) as V;
  const bodies = [
    traceBody('condition', types, (xs) => test(unpack(xs))),
    traceBody('body', types, (xs) => body(...unpack(xs))),
  ];
  sameStructure(op, tree, bodies[1].tree);
  const captures = union(bodies);
  const [c, step] = bodies.map((x) => withCaptures(x, types.length, captures));
  // What is captured is carried along unchanged.
  const carrying = carryOn(step, captures.length);
  const out = applyOp(opByName('while'), [...leaves, ...captures], {}, [c, carrying]);
  return unpack(out.slice(0, types.length));
}

/** The graph with its last `n` parameters as results after the first ones. */
function carryOn(g: Graph, n: number, after = g.results.length): Graph {
  const b = new Builder(g.name);
  const map = new Map<Value, Value>();
  for (const p of g.params) map.set(p, b.param(p.type, p.name));
  const get = (v: Value) => map.get(v) as Value;
  for (const k of g.nodes) b.copy(k, k.inputs.map(get)).forEach((o, i) => void map.set(k.outputs[i], o));
  const results = g.results.map(get);
  const extra = n ? g.params.slice(-n).map(get) : [];
  return b.build([...results.slice(0, after), ...extra, ...results.slice(after)]);
}

/**
 * Folds `fn(accumulated, element)` over the first axis of `elems` and returns all accumulated values,
 * stacked along a new first axis. `initializer` is what the first call gets; fn must keep its shape.
 */
export function scan(fn: (acc: Tensor, elem: Tensor) => Tensor, elems: TensorLike, initializer: TensorLike): Tensor {
  const op = 'scan';
  const xs = operandOf(toTensor(elems, 'elems', op));
  const init = operandOf(toTensor(initializer, 'initializer', op));
  need(xs.rank >= 1 && xs.shape[0] >= 1, op, 'elems must have a first axis of at least one element', xs.shape);
  const check = (t: Tensor): Tensor => {
    if (!(t instanceof Tensor)) throw new ArgumentError('fn must return a tensor', { op });
    if (!typeEq(t.type, init.type))
      throw new ShapeError(`fn returned ${typeText(t.type)}, initializer is ${typeText(init.type)}`, {
        op,
        fix: 'what is accumulated keeps its dtype and shape',
      });
    return t;
  };
  if (!context.trace) {
    let acc = init;
    const all = unstack(xs).map((x) => {
      acc = check(fn(acc, x));
      return acc;
    });
    return stack(all);
  }
  const types = [init.type, tensorType(xs.type.dtype, xs.shape.slice(1))];
  const body = traceBody('body', types, ([acc, x]) => {
    const next = check(fn(acc, x));
    return [next, next];
  });
  const n = body.captures.length;
  // Carried are the accumulator and the captures; the elements come after them.
  const graph = reorder(carryOn(withCaptures(body, 2, body.captures), n, 1), n);
  const out = applyOp(opByName('scan'), [init, ...body.captures, xs], { length: xs.shape[0], carry: 1 + n }, [graph]);
  return out[1 + n];
}

/** Parameters [accumulator, element, captures...] as [accumulator, captures..., element]. */
function reorder(g: Graph, n: number): Graph {
  const b = new Builder(g.name);
  const map = new Map<Value, Value>();
  const [acc, x, ...captures] = g.params;
  for (const p of [acc, ...captures.slice(0, n), x]) map.set(p, b.param(p.type, p.name));
  const get = (v: Value) => map.get(v) as Value;
  for (const k of g.nodes) b.copy(k, k.inputs.map(get)).forEach((o, i) => void map.set(k.outputs[i], o));
  return b.build(g.results.map(get));
}
