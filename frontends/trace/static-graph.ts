// Graphs built by hand, as in TensorFlow 1: placeholders, expressions of them, and functions or
// sessions that compute any of these expressions from values that are fed.

import { backprop } from '../../compiler/autodiff/backprop.ts';
import { Builder } from '../../ir/builder.ts';
import { ArgumentError, DTypeError, GradientError, ShapeError } from '../../ir/errors.ts';
import type { Graph, Val, Value } from '../../ir/graph.ts';
import { opByName } from '../../ir/op.ts';
import { nodesFor, writeNodes } from '../../ir/region.ts';
import { isFloat, typeEq, typeText } from '../../ir/types.ts';
import type { Program } from '../../runtime/program.ts';
import { createDefaultProgram } from './backend.ts';
import { context, withTrace } from './context.ts';
import type { TensorLike } from './convert.ts';
import { emitter } from './dispatch.ts';
import type { DataType } from './dtypes.ts';
import { need } from './ops/common.ts';
import { fitSpec, spec, TensorSpec } from './spec.ts';
import { storageOf } from './storage.ts';
import { eagerTensor, Tensor } from './tensor.ts';
import { type Stateful, Trace } from './trace.ts';
import type { Variable } from './variable.ts';

/** A trace that never ends: operations on its tensors belong to it wherever they are called. */
class StaticTrace extends Trace {
  override readonly isStatic = true;
}

/** New values that a function gives to Variables. */
export type Update = readonly [Variable, Tensor];

/** A graph of placeholders and expressions. */
export class StaticGraph {
  readonly #trace: StaticTrace;

  constructor(name = 'graph') {
    this.#trace = new StaticTrace(name, true);
  }

  /** A tensor whose value is fed when something that depends on it is computed. Its shape is fixed. */
  placeholder(shape: readonly number[], dtype: DataType = 'float32', name = 'placeholder'): Tensor {
    need(typeof name === 'string', 'placeholder', 'the name must be text', name);
    return this.#trace.input(spec(shape, dtype).type, name);
  }

  /** Runs `f` so that all its operations, also those on Variables alone, belong to this graph. */
  asDefault<T>(f: () => T): T {
    if (context.trace && context.trace !== this.#trace)
      throw new ArgumentError(`a graph cannot be built in the trace of '${context.trace.name}'`, { op: 'asDefault' });
    return withTrace(this.#trace, f);
  }

  /**
   * Gradients of the sum of `target` with respect to tensors or Variables of this graph, as further
   * expressions; null where it does not depend on one.
   */
  gradients(target: Tensor, sources: readonly Tensor[]): (Tensor | null)[] {
    const op = 'gradients';
    if (!isFloat(target.type.dtype)) throw new GradientError(`the target is ${target.dtype}`, { op });
    return this.asDefault(() => {
      const wrt = sources.map((s) => s.operand());
      const tensors = new Map<Value, Tensor>([target, ...wrt].map((t) => [this.#trace.symbolOf(t), t]));
      const of = (v: Value): Tensor => {
        const known = tensors.get(v) ?? this.#trace.tensorOf(v);
        tensors.set(v, known);
        return known;
      };
      const { nodes } = this.#trace.snapshot([]).graph;
      const records = nodes.map((n) => ({ ...pick(n), inputs: n.inputs.map(of), outputs: n.outputs.map(of) }));
      const end = of(this.#trace.symbolOf(target));
      const starts = wrt.map((t) => of(this.#trace.symbolOf(t)));
      return backprop(emitter, records, new Map([[end, emitter.onesLike(end)]]), starts) as (Tensor | null)[];
    });
  }

  /**
   * A compiled function from values of the inputs to values of the outputs, which may be any
   * expressions of this graph. `updates` are Variables' new values, stored by each call.
   * Throws ArgumentError where an output depends on a placeholder that is no input.
   */
  function(
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    updates: readonly Update[] = [],
  ): (values: readonly TensorLike[]) => Tensor[] {
    const { graph, variables } = this.#part(inputs, outputs, updates);
    const program = createDefaultProgram(
      graph,
      variables.map((v) => v.cell),
    ) as Program;
    const specs = inputs.map((t) => new TensorSpec(t.shape, t.dtype));
    return (values) => {
      if (!Array.isArray(values) || values.length !== inputs.length)
        throw new ArgumentError(
          `takes an array of ${inputs.length} value(s), got ${Array.isArray(values) ? values.length : typeof values}`,
          { op: 'function' },
        );
      const data = values.map((x, i) =>
        storageOf(fitSpec(x, specs[i], `inputs[${i}]`, 'function'), program.target, 'an input'),
      );
      const out = program.runBuffers(data);
      for (const [v] of updates) v.changed();
      return outputs.map((t, i) => eagerTensor(t.type, out[i]));
    };
  }

  /** The graph of some outputs and updates, and the Variables that are its states. */
  #part(
    inputs: readonly Tensor[],
    outputs: readonly Tensor[],
    updates: readonly Update[],
  ): { graph: Graph; variables: readonly Variable[] } {
    const op = 'function';
    const trace = this.#trace;
    for (const [v, x] of updates)
      if (!typeEq({ ...v.type }, x.type))
        throw v.type.dtype === x.type.dtype
          ? new ShapeError(message(v, x), { op })
          : new DTypeError(message(v, x), { op });
    const values = withTrace(trace, () =>
      [...outputs, ...updates.map(([, x]) => x)].map((t) => trace.symbolOf(t.operand())),
    );
    const params = inputs.map((t) => trace.symbolOf(t));
    const changed = updates.map(([v]) => v);
    const whole = trace.snapshot([]);
    const needed = nodesFor(values, whole.graph, new Set(params));
    const read = new Set<Value>(values);
    for (const n of needed) for (const v of n.inputs) read.add(v);
    const missing = whole.graph.params.find((p) => !p.type.state && read.has(p) && !params.includes(p));
    if (missing)
      throw new ArgumentError(
        `an output depends on the placeholder '${missing.name}' (${typeText(missing.type)}), which is no input`,
        {
          op,
          fix: 'feed it: add it to the inputs',
        },
      );
    const states = whole.graph.params.filter((p) => p.type.state);
    const stateOf = new Map<Stateful, Value>(whole.variables.map((v, i) => [v, states[i]]));
    const used = whole.variables.filter((v) => read.has(stateOf.get(v) as Value) || changed.includes(v as Variable));
    for (const v of changed) if (!used.includes(v)) used.push(v);
    const b = new Builder(trace.name);
    const at = new Map<Value, Val>();
    params.forEach((p) => void at.set(p, b.param(p.type, p.name)));
    const state = used.map((v) => b.param({ ...v.type, state: true }, `${v.name.replace(/\W/g, '_')}_state`));
    used.forEach((v, i) => void at.set(stateOf.get(v) as Value, state[i]));
    writeNodes(b, whole.graph, at, needed);
    const get = (v: Value) => at.get(v) as Value;
    const last = used.map((v, i) => {
      const k = changed.indexOf(v as Variable);
      return k < 0 ? state[i] : b.emit(opByName('assign'), [state[i], get(values[outputs.length + k])])[0];
    });
    return {
      graph: b.build([...values.slice(0, outputs.length).map(get), ...last]),
      variables: used as readonly Stateful[] as readonly Variable[],
    };
  }
}

const message = (v: Variable, x: Tensor) =>
  `the Variable '${v.name}' is ${typeText(v.type)}, its new value ${typeText(x.type)}`;

type Part = { op: Graph['nodes'][number]['op']; attrs: Graph['nodes'][number]['attrs']; regions: readonly Graph[] };
const pick = ({ op, attrs, regions }: Part): Part => ({ op, attrs, regions });

const defaultGraph = new StaticGraph();

/** A placeholder of the default graph; see `StaticGraph.placeholder`. */
export const placeholder = (shape: readonly number[], dtype?: DataType, name?: string): Tensor =>
  defaultGraph.placeholder(shape, dtype, name);

/** Values of placeholders: pairs, or a Map. */
export type Feeds = ReadonlyMap<Tensor, TensorLike> | readonly (readonly [Tensor, TensorLike])[];

/** Computes expressions of a hand-built graph; each combination of fetches and feeds is compiled once. */
export class Session {
  readonly #graph: StaticGraph;
  readonly #known = new Map<string, (values: readonly TensorLike[]) => Tensor[]>();

  constructor(graph: StaticGraph = defaultGraph) {
    this.#graph = graph;
  }

  /** The values of `fetches` (a tensor or an array) where the placeholders have the values of `feeds`. */
  run(fetches: Tensor, feeds?: Feeds): Tensor;
  run(fetches: readonly Tensor[], feeds?: Feeds): Tensor[];
  run(fetches: Tensor | readonly Tensor[], feeds: Feeds = []): Tensor | Tensor[] {
    const list = fetches instanceof Tensor ? [fetches] : fetches;
    const pairs = [...feeds];
    const key = `${list.map((t) => t.id)};${pairs.map(([t]) => t.id)}`;
    let f = this.#known.get(key);
    if (!f) {
      f = this.#graph.function(
        pairs.map(([t]) => t),
        list,
      );
      this.#known.set(key, f);
    }
    const out = f(pairs.map(([, x]) => x));
    return fetches instanceof Tensor ? out[0] : out;
  }
}

/** The backend functions of Keras that work on hand-built graphs. */
export const K = Object.freeze({
  placeholder,
  /** A compiled function of placeholders; see `StaticGraph.function`. */
  function: (inputs: readonly Tensor[], outputs: readonly Tensor[], updates?: readonly Update[]) =>
    defaultGraph.function(inputs, outputs, updates),
  /** Gradients as expressions; see `StaticGraph.gradients`. */
  gradients: (target: Tensor, sources: readonly Tensor[]) => defaultGraph.gradients(target, sources),
});
