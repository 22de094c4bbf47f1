// Compiled functions under eager tapes. The program also gives what the way back needs; a tape keeps the
// call as one operation, whose gradient is a second program. That one is called in the same way, so an
// outer tape that follows it has its gradient in turn.

import { walk } from '../../compiler/autodiff/backprop.ts';
import { Builder } from '../../ir/builder.ts';
import { GradientError } from '../../ir/errors.ts';
import type { Graph, Val, Value } from '../../ir/graph.ts';
import { divide, forwardGraph, forwardNodes, type Joint, jointGraph, repeatable } from '../../ir/joint.ts';
import { type GradCtx, type OpDef, opByName } from '../../ir/op.ts';
import { buildRegion, inlineGraph, writeNodes } from '../../ir/region.ts';
import { isFloat } from '../../ir/types.ts';
import type { Storage } from '../../runtime/buffer.ts';
import { createDefaultProgram, placeOf } from './backend.ts';
import { context, type Target } from './context.ts';
import { emitter } from './dispatch.ts';
import { storageOf } from './storage.ts';
import { eagerTensor, type Tensor } from './tensor.ts';

/** A graph made runnable: its operands to its results. */
type Run = (operands: readonly Tensor[]) => Storage[];

/** Makes a program of a graph without Variables. */
function programOf(g: Graph, target: Target | undefined): Run {
  const program = createDefaultProgram(g, [], { target });
  return (operands) => program?.runBuffers(operands.map((t) => storageOf(t, program.target))) ?? [];
}

/** The forward for tapes that follow some of the operands. */
interface Forward {
  /** The results, hidden ones, then what is kept. */
  readonly graph: Graph;
  readonly run: Run;
  /** By the operands that need a gradient and the outputs that have one. */
  readonly backwards: Map<string, Backward>;
}

/** The way back for some gradients: its operands, by position among operands, results and kept values. */
interface Backward {
  readonly call: TapedGraph;
  readonly operands: readonly number[];
  /** For each operand of the forward the result that is its gradient. */
  readonly found: ReadonlyMap<number, number>;
}

const isFollowed = (t: Tensor): boolean => context.recorders.some((r) => r.interested([t]));
const bits = (flags: readonly boolean[]): string => flags.map(Number).join('');

/** A graph without Variables whose runs tapes keep as one operation. */
export class TapedGraph {
  readonly #graph: Graph;
  /** Results that callers see; others are there for `makeRun`. */
  readonly #visible: number;
  readonly #target: Target | undefined;
  readonly #makeRun: (g: Graph) => Run;
  readonly #forwards = new Map<string, Forward | null>();

  /**
   * @param visible how many of the results are the call's
   * @param target where it runs, by default on the chosen backend
   * @param makeRun makes the graph runnable, with further results after its own; the hidden ones are left out
   */
  constructor(graph: Graph, visible = graph.results.length, target?: Target, makeRun?: (g: Graph) => Run) {
    this.#graph = graph;
    this.#visible = visible;
    this.#target = target;
    this.#makeRun = makeRun ?? ((g) => programOf(g, target));
  }

  /** Runs it, or performs its operations: in a trace, and where tapes have to hear which of them matter. */
  call(operands: readonly Tensor[]): Tensor[] {
    const traced = context.trace || operands.some((t) => t.symbol);
    const out = traced ? null : this.callTaped(operands);
    return out ?? (inlineGraph(emitter, this.#graph, operands) as Tensor[]);
  }

  /**
   * Runs it on eager tensors; tapes that follow an operand keep the call. Null, and nothing is run, where
   * some operation has no gradient: which of them matter is seen once gradients are asked for.
   */
  callTaped(operands: readonly Tensor[]): Tensor[] | null {
    const needs = operands.map((t) => isFloat(t.type.dtype) && isFollowed(t));
    const f = this.#forward(needs);
    if (!f) return null;
    const values = f.run(operands);
    const hidden = this.#graph.results.length - this.#visible;
    const types = f.graph.results.map((r) => r.type).toSpliced(this.#visible, hidden);
    const outputs = types.map((t, i) => eagerTensor(t, values[i]));
    if (needs.includes(true)) {
      // What is kept has a gradient too: second derivatives go through it.
      this.#record(f, operands, outputs, 0, this.#visible);
      if (outputs.length > this.#visible) this.#record(f, operands, outputs, this.#visible, outputs.length);
    }
    return outputs.slice(0, this.#visible);
  }

  #forward(needs: readonly boolean[]): Forward | null {
    const key = `${placeOf(this.#target)} ${bits(needs)}`;
    let f = this.#forwards.get(key);
    if (f === undefined) {
      const graph = needs.includes(true) ? this.#keeping(needs) : this.#graph;
      f = graph && { graph, run: this.#makeRun(graph), backwards: new Map() };
      this.#forwards.set(key, f);
    }
    return f;
  }

  /** The graph with what its gradients need as further results; null where some gradient does not exist. */
  #keeping(needs: readonly boolean[]): Graph | null {
    const seeded = this.#graph.results.map((r, i) => i < this.#visible && isFloat(r.type.dtype));
    let j: Joint;
    try {
      j = jointGraph(walk, this.#graph, needs, seeded);
    } catch (e) {
      if (e instanceof GradientError) return null;
      throw e;
    }
    const forward = forwardNodes(j);
    const results = new Set(j.results.slice(0, this.#visible));
    const { kept } = divide(j, (v) => {
      if (!v.node || results.has(v)) return 'given';
      return forward.has(v.node) && !repeatable(v.node) ? 'kept' : 'computed';
    });
    return forwardGraph(j, this.#graph.name, kept);
  }

  /** Tells tapes of some of the outputs. */
  #record(f: Forward, inputs: readonly Tensor[], all: readonly Tensor[], from: number, to: number): void {
    const op: OpDef = {
      ...opByName('call'),
      grad: (_, n, grads) => this.#gradients(f, n, grads as readonly Tensor[], all, from),
    };
    const record = { op, inputs, outputs: all.slice(from, to), attrs: {}, regions: [] };
    for (const r of context.recorders) r.record(record);
  }

  #gradients(f: Forward, n: GradCtx, grads: readonly Tensor[], all: readonly Tensor[], from: number): (Val | null)[] {
    const needs = n.needs.map((need, i) => need && isFloat(n.inputs[i].type.dtype));
    const given = all.map((o, i) => n.given[i - from] === true && isFloat(o.type.dtype));
    const key = `${bits(needs)} ${bits(given)}`;
    let back = f.backwards.get(key);
    if (!back) {
      back = this.#backward(f.graph, needs, given);
      f.backwards.set(key, back);
    }
    const values = [...(n.inputs as readonly Tensor[]), ...all];
    const seeds = grads.filter((_, i) => given[i + from]);
    const found = back.call.call([...back.operands.map((i) => values[i]), ...seeds]);
    return n.inputs.map((_, i) => {
      const at = back.found.get(i);
      return at === undefined ? null : found[at];
    });
  }

  /** The way back from some outputs of a forward to some of its operands. */
  #backward(g: Graph, needs: readonly boolean[], given: readonly boolean[]): Backward {
    const hidden = this.#graph.results.length - this.#visible;
    const seeded = given.toSpliced(this.#visible, 0, ...new Array<boolean>(hidden).fill(false));
    const j = jointGraph(walk, g, needs, seeded);
    const there = [...j.params, ...j.results.toSpliced(this.#visible, hidden)];
    const places = new Map<Value, number>();
    there.forEach((v, i) => void (places.has(v) || places.set(v, i)));
    const { backward, kept } = divide(j, (v) => {
      if (places.has(v)) return 'kept';
      return v.node ? 'computed' : 'given';
    });
    const seeds = [...j.seeds.values()];
    const wrt = [...j.connected];
    const graph = buildRegion(
      j.graph.name,
      [...kept, ...seeds].map((v) => v.type),
      (b, params) => {
        const at = new Map<Value, Val>([...kept, ...seeds].map((v, i) => [v, params[i]]));
        writeNodes(b, j.graph, at, backward);
        return wrt.map((i) => at.get(j.found.get(i) as Value) as Val);
      },
    );
    return {
      call: new TapedGraph(graph, undefined, this.#target),
      operands: kept.map((v) => places.get(v) as number),
      found: new Map(wrt.map((i, k) => [i, k])),
    };
  }
}

/** A traced function's graph with its Variables as plain values. */
export interface WithoutStates {
  /** Its parameters: the inputs, then what is read of Variables. Results: the graph's, then what is assigned. */
  readonly graph: Graph;
  /** Which states, by position, are read, and which are assigned. */
  readonly read: readonly number[];
  readonly assigned: readonly number[];
}

/** Takes the states out of a graph whose first parameters and results are tensors. */
export function withoutStates(g: Graph, inputs: number, outputs: number): WithoutStates {
  const states = g.params.slice(inputs);
  const read = states.flatMap((s, i) => (g.uses[s.id].some((n) => n.op.name === 'read') ? [i] : []));
  const assigned = states.flatMap((s, i) => (g.results[outputs + i] === s ? [] : [i]));
  const types = [...g.params.slice(0, inputs), ...read.map((i) => states[i])].map(({ type }) => ({
    dtype: type.dtype,
    shape: type.shape,
  }));
  const graph = buildRegion(g.name, types, (b, params) => {
    // A state stands for the tensor that it holds.
    const at = new Map<Value, Val>(g.params.slice(0, inputs).map((p, i) => [p, params[i]]));
    read.forEach((i, k) => void at.set(states[i], params[inputs + k]));
    for (const n of g.nodes) {
      if (n.op.name === 'read') at.set(n.outputs[0], at.get(n.inputs[0]) as Val);
      else if (n.op.name === 'assign') at.set(n.outputs[0], at.get(n.inputs[1]) as Val);
      else {
        const inputs = n.inputs.map((v) => at.get(v) as Val);
        b.emit(n.op, inputs, n.attrs, n.regions).forEach((v, i) => void at.set(n.outputs[i], v));
      }
    }
    return [...g.results.slice(0, outputs), ...assigned.map((i) => g.results[outputs + i])].map(
      (r) => at.get(r) as Val,
    );
  });
  return { graph, read, assigned };
}

/**
 * Puts the states of `like` into a graph that has begun as `w`'s: its results, then what comes after those that
 * are assigned, then the states.
 */
export function withStates(g: Graph, like: Graph, inputs: number, outputs: number, w: WithoutStates): Graph {
  const b = new Builder(like.name);
  const params = like.params.map((p) => b.param(p.type, p.name));
  const states = params.slice(inputs);
  const reads = w.read.map((i) => b.call('read', [states[i]]));
  const out = inlineGraph(b, g, [...params.slice(0, inputs), ...reads]);
  const last = states.map((s, i) => {
    const k = w.assigned.indexOf(i);
    return k < 0 ? s : b.call('assign', [s, out[outputs + k]]);
  });
  return b.build([...out.slice(0, outputs), ...out.slice(outputs + w.assigned.length), ...last]);
}
