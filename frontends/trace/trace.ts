// A trace: operations on traced tensors become nodes of one graph. Plain tensors from outside become
// constants (in GPU memory: states, see captured.ts), Variables become state: each has a parameter and a newest version.

import { Builder } from '../../ir/builder.ts';
import { ArgumentError, TraceError } from '../../ir/errors.ts';
import type { Attrs, Graph, Value } from '../../ir/graph.ts';
import { Literal } from '../../ir/literal.ts';
import { type OpDef, opByName } from '../../ir/op.ts';
import { isFloat, stateType, type TensorType } from '../../ir/types.ts';
import type { StateCell } from '../../runtime/state.ts';
import { Captured } from './captured.ts';
import { Site } from './site.ts';
import { Tensor, type TraceOwner } from './tensor.ts';

/** A Variable, as far as a trace knows it. */
export interface Stateful {
  readonly name: string;
  readonly type: TensorType;
  readonly cell: StateCell;
}

/** Eager tensors that are what a Variable was when it was read: a graph built by hand reads the Variable. */
export const snapshots = new WeakMap<Tensor, Stateful>();

interface StateEntry {
  readonly param: Value;
  /** The newest version. */
  state: Value;
  /** What a read sees, once there was one. */
  seen: Tensor | undefined;
  /** What was assigned last. */
  held: Value | undefined;
}

/** A Variable in the body of a control-flow operation. */
export interface BodyState {
  /** Its value when a run begins. */
  readonly param: Value;
  /** Its value when a run ends. */
  readonly last: Value;
  readonly assigned: boolean;
}

/** What a finished trace leaves behind. */
export interface Traced {
  readonly graph: Graph;
  readonly variables: readonly Stateful[];
}

export class Trace implements TraceOwner {
  readonly name: string;
  open = true;
  /** Whether Variables may be created: only while a function is traced for the first time. */
  readonly mayCreate: boolean;
  /** A graph from a file is written into it at present: no JavaScript looks at its conditions. */
  isForeign: boolean;
  /** The trace around the body of a control-flow operation; such a body takes from it what it uses. */
  readonly parent: Trace | undefined;
  /** Built by hand: operations on its tensors belong to it wherever they are called. */
  readonly isStatic: boolean = false;
  /** The body of an operation: Variables are values that come in and go out. */
  readonly isBody: boolean;
  readonly #isWatched: (t: Tensor) => boolean;
  readonly #captures = new Map<Tensor, Value>();
  /** Bodies: Variables as values that come in and go out. */
  readonly #inner = new Map<Stateful, { param: Value; seen: Tensor; assigned: boolean }>();
  readonly #builder: Builder;
  readonly #states = new Map<Stateful, StateEntry>();
  readonly #constants = new Map<Tensor, Value>();
  readonly #names = new Set<string>();

  /** @param body for the body of an operation: the trace around it, and what tapes around it follow */
  constructor(
    name: string,
    mayCreate: boolean,
    body?: { parent: Trace | undefined; isWatched: (t: Tensor) => boolean },
  ) {
    this.name = name;
    this.mayCreate = mayCreate;
    this.isBody = body !== undefined;
    this.parent = body?.parent;
    this.isForeign = body?.parent?.isForeign ?? false;
    this.#isWatched = body?.isWatched ?? (() => false);
    this.#builder = new Builder(identifier(name));
  }

  /** A new input of the graph. */
  input(type: TensorType, name: string): Tensor {
    return this.#wrap(this.#builder.param(type, this.#unique(name)));
  }

  /** Appends an operation; eager operands become constants. */
  emit(op: OpDef, inputs: readonly Tensor[], attrs: Attrs, regions: readonly Graph[]): Tensor[] {
    const values = inputs.map((t) => this.symbolOf(t));
    const out = this.#builder.emit(op, values, attrs, regions).map((v) => this.#wrap(v));
    if (!this.isForeign)
      for (const t of out) if (t.type.dtype === 'bool' && t.type.shape.length === 0) this.#conditions.push(t);
    return out;
  }

  /** Single booleans, which an `if` may have swallowed: JavaScript does not let an object refuse that. */
  readonly #conditions: Tensor[] = [];

  /** Throws TraceError where a condition was computed and nothing in the graph uses it. */
  #checkConditions(graph: Graph): void {
    const results = new Set(graph.results);
    const lost = this.#conditions.find(
      (t) => graph.uses[(t.symbol as Value).id].length === 0 && !results.has(t.symbol as Value),
    );
    if (!lost) return;
    throw new TraceError(
      `the condition computed at ${lost.site} is used by nothing in '${this.name}': an if, ?:, !, && or while on a traced tensor does not look at its value, it always takes the same branch`,
      {
        op: (lost.symbol as Value).node?.op.name,
        fix: 'use tf.cond, tf.where or tf.whileLoop; or return the condition, or leave it out',
      },
    );
  }

  /** The graph value of a tensor used in this trace. Throws TraceError for one of another trace. */
  symbolOf(t: Tensor): Value {
    if (t.symbol && t.owner === this) return t.symbol;
    if (t.symbol) return this.#capture(t);
    if (this.#isFollowed(t)) return this.#captured(t);
    const variable = this.isStatic && snapshots.get(t);
    if (variable) return this.symbolOf(this.read(variable));
    if (t.remote) return this.symbolOf(this.read(Captured.of(t)));
    let v = this.#constants.get(t);
    if (!v) {
      const { dtype, shape } = t.type;
      v = this.#builder.emit(opByName('constant'), [], { value: Literal.of(t.elements()), dtype, shape })[0];
      this.#constants.set(t, v);
    }
    return v;
  }

  /** A tensor of a trace around this one becomes one more parameter of the body. */
  #capture(t: Tensor): Value {
    let outer = this.parent;
    while (outer && outer !== t.owner) outer = outer.parent;
    if (!outer) throw t.notConcrete('its value');
    return this.#captured(t);
  }

  /** Whether a tape around this body has to see that the body uses this tensor. */
  #isFollowed(t: Tensor): boolean {
    return this.isBody && (this.#isWatched(t) || (this.parent ? this.parent.#isFollowed(t) : false));
  }

  #captured(t: Tensor): Value {
    let v = this.#captures.get(t);
    if (!v) {
      v = this.#builder.param(t.type, this.#unique('captured'));
      this.#captures.set(t, v);
    }
    return v;
  }

  /** The Variable's value after all assignments so far. */
  read(v: Stateful): Tensor {
    if (this.isBody) return this.#innerState(v).seen;
    const e = this.#state(v);
    e.seen ??= this.#wrap(this.#held(e));
    return e.seen;
  }

  /** The graph value that a read stands for. No gradient flows through an assignment: it is the Variable's own. */
  #held({ param, state, held }: StateEntry): Value {
    if (!held) return this.#builder.emit(opByName('read'), [state])[0];
    if (!isFloat(held.type.dtype)) return held;
    return this.#builder.emit(opByName('with_gradient_of'), [held, this.#builder.call('read', [param])])[0];
  }

  /** Makes `x` the Variable's value from here on; its type is the Variable's. */
  assign(v: Stateful, x: Tensor): void {
    if (this.isBody) {
      const inner = this.#innerState(v);
      const value = this.symbolOf(x);
      // No gradient flows through an assignment; that of later reads is the Variable's own.
      const held = isFloat(v.type.dtype)
        ? this.#builder.emit(opByName('with_gradient_of'), [value, this.symbolOf(inner.seen)])[0]
        : value;
      inner.seen = this.#wrap(held);
      inner.assigned = true;
      return;
    }
    const e = this.#state(v);
    const value = this.symbolOf(x);
    e.state = this.#builder.emit(opByName('assign'), [e.state, value])[0];
    e.held = value;
    e.seen = undefined;
  }

  /** Ends the trace: the graph with these results, and the Variables in parameter order. */
  finish(results: readonly Tensor[]): Traced {
    const values = results.map((t) => this.symbolOf(t));
    const states = [...this.#states.values()].map((e) => e.state);
    const graph = this.#builder.build([...values, ...states]);
    this.#checkConditions(graph);
    return { graph, variables: [...this.#states.keys()] };
  }

  /** Ends the trace of a body: its graph, and what of it came from outside. */
  finishBody(results: readonly Tensor[]): {
    graph: Graph;
    captures: ReadonlyMap<Tensor, Value>;
    states: ReadonlyMap<Stateful, BodyState>;
  } {
    const values = results.map((t) => this.symbolOf(t));
    const states = new Map<Stateful, BodyState>();
    for (const [v, { param, seen, assigned }] of this.#inner)
      states.set(v, { param, last: this.symbolOf(seen), assigned });
    const graph = this.#builder.build([...values, ...[...states.values()].map((e) => e.last)]);
    this.#checkConditions(graph);
    return { graph, captures: this.#captures, states };
  }

  /** The graph so far of some values, to compute them while the trace goes on. */
  snapshot(results: readonly Tensor[]): Traced {
    return {
      graph: this.#builder.snapshot(results.map((t) => this.symbolOf(t))),
      variables: [...this.#states.keys()],
    };
  }

  /** A tensor that stands for a value of this trace. */
  tensorOf(v: Value): Tensor {
    return this.#wrap(v);
  }

  /** Declares the trace over: its tensors are dead from here on. */
  close(): void {
    this.open = false;
  }

  #innerState(v: Stateful): { param: Value; seen: Tensor; assigned: boolean } {
    let e = this.#inner.get(v);
    if (!e) {
      const param = this.#builder.param(v.type, this.#unique(v.name));
      e = { param, seen: this.#wrap(param), assigned: false };
      this.#inner.set(v, e);
    }
    return e;
  }

  #state(v: Stateful): StateEntry {
    let e = this.#states.get(v);
    if (!e) {
      const param = this.#builder.param(stateType(v.type), this.#unique(v.name));
      e = { param, state: param, seen: undefined, held: undefined };
      this.#states.set(v, e);
    }
    return e;
  }

  #wrap(v: Value): Tensor {
    return new Tensor(v.type, undefined, v, this, new Site());
  }

  #unique(name: string): string {
    const base = identifier(name);
    let n = base;
    for (let i = 1; this.#names.has(n); i++) n = `${base}_${i}`;
    this.#names.add(n);
    return n;
  }
}

/** The name with everything that graph text does not allow replaced. */
function identifier(name: string): string {
  const s = name.replace(/\W/g, '_');
  return /^[A-Za-z_]/.test(s) ? s : `_${s}`;
}

/** Refuses what asynchronous functions and generators return: what they do later would be lost. */
export function refusePromise(result: unknown, name: string): void {
  if (typeof (result as Partial<Iterator<unknown>> | null)?.next === 'function')
    throw new ArgumentError(`the function '${name}' is a generator`, {
      op: 'func',
      fix: 'trace a function that returns its tensors',
    });
  if (result instanceof Promise)
    throw new ArgumentError(`the function '${name}' is asynchronous`, {
      op: 'func',
      fix: 'trace a synchronous function; load data before and pass it as a tensor',
    });
}
