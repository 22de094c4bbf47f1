// Reverse-mode differentiation over a list of executed operations: the nodes of a graph, or the tape
// of the eager front end. What it writes are ordinary operations, so gradients differentiate again.
// The rules stand with the ops (ir/ops); here is only the walk.

import { Builder } from '../../ir/builder.ts';
import { Emitter } from '../../ir/emit.ts';
import { ArgumentError, GradientError } from '../../ir/errors.ts';
import type { Attrs, Graph, Val } from '../../ir/graph.ts';
import { accumulate, type BackwardWalk, type OpDef, type OpRecord } from '../../ir/op.ts';
import { recordRegion } from '../../ir/region.ts';
import { isFloat, tensorType, typeEq, typeText } from '../../ir/types.ts';

const differentiable = (v: Val): boolean => isFloat(v.type.dtype);

/** The values that depend on a source through float values: only they need a gradient. */
function reachable(records: readonly OpRecord[], sources: readonly Val[]): Set<Val> {
  const active = new Set<Val>(sources.filter(differentiable));
  for (const r of records) {
    if (r.op.name === 'stop_gradient' || !r.inputs.some((v) => active.has(v))) continue;
    for (const o of r.outputs) if (differentiable(o)) active.add(o);
  }
  return active;
}

/**
 * Gradients of the seeded values, weighted by their seeds, with respect to `sources`; null where
 * nothing seeded depends on a source. `records` are in order of execution; the backward operations
 * are written to `b`. Values are told apart by identity.
 */
export function backprop(
  b: Emitter,
  records: readonly OpRecord[],
  seeds: ReadonlyMap<Val, Val>,
  sources: readonly Val[],
): (Val | null)[] {
  const active = reachable(records, sources);
  const grads = new Map<Val, Val>();
  for (const [v, g] of seeds) if (active.has(v)) grads.set(v, g);
  for (let i = records.length - 1; i >= 0; i--) {
    const r = records[i];
    const given = r.outputs.map((o) => grads.has(o));
    const needs = r.inputs.map((v) => active.has(v));
    if (!given.includes(true) || !needs.includes(true)) continue;
    const back = recordGrads(b, r, needs, given, grads);
    r.inputs.forEach((v, k) => {
      const g = back[k];
      if (needs[k] && g) accumulate(b, grads, v, checked(r, k, g));
    });
  }
  return sources.map((s) => grads.get(s) ?? null);
}

/** The walk, for rules and for whoever divides a graph from its gradient. */
export const walk: BackwardWalk = { backprop, reachable };

/** The backward rule of one record: gradients of its operands. */
function recordGrads(
  b: Emitter,
  r: OpRecord,
  needs: readonly boolean[],
  given: readonly boolean[],
  grads: ReadonlyMap<Val, Val>,
): readonly (Val | null)[] {
  const { grad, name } = r.op;
  if (grad === 'expand') return expandedGrads(b, r, needs, grads);
  if (typeof grad === 'object')
    throw new GradientError(`has no gradient: ${grad.none}`, { op: name, fix: 'put stop_gradient before it' });
  const outGrads = r.outputs.map((o) => grads.get(o) ?? b.zerosLike(o));
  const { inputs, outputs, attrs, regions = [] } = r;
  return grad(b, { inputs, outputs, attrs, regions, needs, given, walk }, outGrads);
}

/** A rule that gives a gradient of another type than its operand is a bug: found here, not far away. */
function checked(r: OpRecord, k: number, g: Val): Val {
  const t = r.inputs[k].type;
  if (typeEq(g.type, tensorType(t.dtype, t.shape))) return g;
  throw new GradientError(`the gradient of operand ${k} is ${typeText(g.type)}, the operand ${typeText(t)}`, {
    op: r.op.name,
  });
}

/** Passes everything on and keeps the records: how a composite's expansion is observed. */
class RecordingEmitter extends Emitter {
  readonly records: OpRecord[] = [];
  #target: Emitter;
  #known: Set<Val>;

  constructor(target: Emitter, known: readonly Val[]) {
    super();
    this.#target = target;
    this.#known = new Set(known);
  }

  override emit(op: OpDef, inputs: readonly Val[], attrs: Attrs = {}, regions: readonly Graph[] = []): readonly Val[] {
    const outputs = this.#target.emit(op, inputs, attrs, regions);
    // An interning builder may return values that exist: an operation of this expansion must not
    // count twice, and one that made an operand of the composite belongs to the walk outside.
    if (!outputs.some((o) => this.#known.has(o))) this.records.push({ op, inputs, outputs, attrs, regions });
    for (const o of outputs) this.#known.add(o);
    return outputs;
  }
}

/** A composite without a rule of its own: expanded again, and the expansion differentiated. */
function expandedGrads(
  b: Emitter,
  r: OpRecord,
  needs: readonly boolean[],
  grads: ReadonlyMap<Val, Val>,
): readonly (Val | null)[] {
  if (!r.op.expand) throw new GradientError('has neither a gradient nor an expansion', { op: r.op.name });
  const recorder = new RecordingEmitter(b, r.inputs);
  const outputs = r.op.expand(recorder, r.inputs, r.attrs);
  const seeds = new Map<Val, Val>();
  r.outputs.forEach((o, i) => {
    const g = grads.get(o);
    if (g) accumulate(b, seeds, outputs[i], g);
  });
  // An operand that stands twice is one source, and its gradient is that of both places together.
  const sources = [...new Set(r.inputs.filter((_, i) => needs[i]))];
  const found = backprop(b, recorder.records, seeds, sources);
  const first = (v: Val, i: number) => r.inputs.indexOf(v) === i;
  return r.inputs.map((v, i) => (needs[i] && first(v, i) ? found[sources.indexOf(v)] : null));
}

/**
 * A copy of the graph with the gradients of the sum of one result with respect to some parameters
 * appended to its results, in the order of `wrt`; zeros where the result does not depend on one.
 */
export function gradGraph(g: Graph, outputIndex: number, wrt: readonly number[]): Graph {
  const b = new Builder(`${g.name}_grad`);
  const params = g.params.map((p) => b.param(p.type, p.name));
  const { results, records } = recordRegion(b, g, params);
  const result = results[outputIndex];
  const sources = wrt.map((i) => params[i]);
  if (!result || sources.some((s) => !s))
    throw new ArgumentError(
      `result ${outputIndex} and parameters [${wrt}] are asked for; there are ${g.results.length} and ${g.params.length}`,
      { op: `@${g.name}` },
    );
  if (!differentiable(result))
    throw new GradientError(`result ${outputIndex} is ${typeText(result.type)}; only floats have gradients`, {
      op: `@${g.name}`,
    });
  const found = backprop(b, records, new Map([[result, b.onesLike(result)]]), sources);
  const filled = found.map((d, i) => d ?? b.zerosLike(sources[i]));
  return b.build([...results, ...filled]);
}
