// tf.func: a function that is traced once per signature and then runs as one program.

import { ArgumentError, ShapeError } from '../../ir/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import type { TensorType } from '../../ir/types.ts';
import { Concrete, type Input, parseArguments } from './concrete.ts';
import { context } from './context.ts';
import { makeTensor } from './convert.ts';
import { type Tree, treeText } from './nest.ts';
import { fitSpec, TensorSpec } from './spec.ts';
import type { Tensor } from './tensor.ts';

// biome-ignore lint/suspicious/noExplicitAny: any function can be traced
export type AnyFunction = (...args: any[]) => any;

export interface FuncOptions {
  /** One entry per argument, nested like it; arguments must fit. */
  readonly inputSignature?: readonly unknown[];
  /** Name of the graph; by default the function's. */
  readonly name?: string;
}

/** A function traced for one signature; it takes arguments of that signature only. */
export interface ConcreteFunction<F extends AnyFunction> {
  (...args: Parameters<F>): ReturnType<F>;
  readonly graph: Graph;
  readonly inputTypes: readonly TensorType[];
  readonly outputTypes: readonly TensorType[];
}

/** What `tf.func` returns: the same function, traced. */
export interface Func<F extends AnyFunction> {
  (...args: Parameters<F>): ReturnType<F>;
  /** How many signatures have been traced so far. */
  readonly traceCount: number;
  readonly functionName: string;
  /** The graph for these arguments (or specs in their place); traces it if need be. */
  graphFor(...inputs: unknown[]): Graph;
  /** The function for the signature of these arguments (or specs in their place). */
  getConcreteFunction(...inputs: unknown[]): ConcreteFunction<F>;
  /** @internal */
  readonly concreteFor: (args: readonly unknown[]) => Concrete;
}

/** After so many traces, a function is probably traced on nearly every call. */
const manyTraces = 6;

class Tracer {
  readonly fn: AnyFunction;
  readonly name: string;
  readonly signature: readonly unknown[] | undefined;
  readonly #known = new Map<string, Concrete>();
  #last: Tree | undefined;
  #warned = false;

  constructor(fn: AnyFunction, opts: FuncOptions) {
    if (typeof fn !== 'function') throw new ArgumentError(`takes a function, not ${typeof fn}`, { op: 'func' });
    this.fn = fn;
    this.name = opts.name ?? (fn.name || 'func');
    this.signature = opts.inputSignature;
  }

  get count(): number {
    return this.#known.size;
  }

  parse(args: readonly unknown[]): { args: readonly unknown[]; tree: Tree; inputs: Input[] } {
    const bound = this.signature ? (bind(this.signature, args, '', this.name) as unknown[]) : args;
    return { args: bound, ...parseArguments(bound, (x) => makeTensor(x, undefined, undefined, this.name)) };
  }

  concrete(tree: Tree, inputs: readonly Input[]): Concrete {
    const key = treeText(tree);
    let c = this.#known.get(key);
    if (!c) {
      c = new Concrete(this.fn, tree, inputs, this.name, this.#known.size === 0);
      this.#known.set(key, c);
      this.#warn(tree);
      this.#last = tree;
    }
    return c;
  }

  call(given: readonly unknown[]): unknown {
    // Inside another trace the function is a part of it.
    if (context.trace) return this.fn(...given);
    const { args, tree, inputs } = this.parse(given);
    return this.concrete(tree, inputs).call(inputs as Tensor[], args);
  }

  #warn(tree: Tree): void {
    if (this.#warned || this.signature || this.#known.size < manyTraces || !this.#last) return;
    this.#warned = true;
    const items = (t: Tree) => (t.kind === 'list' ? t.items.map(treeText) : []);
    const [old, now] = [items(this.#last), items(tree)];
    const i = now.findIndex((x, k) => x !== old[k]);
    const what =
      i < 0
        ? `the number of arguments differed (${old.length}, then ${now.length})`
        : `argument ${i} differed: ${old[i] ?? 'none'}, then ${now[i]}`;
    console.warn(
      `tf.func '${this.name}' has been traced ${this.#known.size} times; between the last two calls ${what}. Tracing is slow: ` +
        'pass numbers that change as tensors, keep shapes fixed, and create the function once, outside of loops.',
    );
  }
}

/** Arguments brought to their specs. */
function bind(s: unknown, x: unknown, path: string, op: string): unknown {
  if (s instanceof TensorSpec) return fitSpec(x, s, s.name ?? (path || '0'), op);
  const step = (k: string | number) => (path ? `${path}.${k}` : String(k));
  if (Array.isArray(s)) {
    if (!Array.isArray(x) || x.length !== s.length)
      throw new ArgumentError(
        `${path ? `argument '${path}' needs` : 'takes'} ${s.length} value(s), got ${Array.isArray(x) ? x.length : typeof x}`,
        { op, fix: 'call it as its inputSignature says' },
      );
    return s.map((y, i) => bind(y, x[i], step(i), op));
  }
  if (typeof s === 'object' && s !== null) {
    if (typeof x !== 'object' || x === null) throw new ArgumentError(`argument '${path}' must be an object`, { op });
    return Object.fromEntries(
      Object.entries(s).map(([k, y]) => [k, bind(y, (x as Record<string, unknown>)[k], step(k), op)]),
    );
  }
  return x;
}

/**
 * Wraps a function of tensors so that it is traced once per signature (dtypes, shapes, and the values
 * of everything that is no tensor) and then runs as one compiled program. Called inside another trace
 * it becomes part of that one; called under a GradientTape it is differentiated.
 * Variables it uses are its state. Throws what the function throws while it is traced.
 */
export function func<F extends AnyFunction>(fn: F, opts: FuncOptions = {}): Func<F> {
  const tracer = new Tracer(fn, opts);
  const concreteFor = (given: readonly unknown[]): Concrete => {
    const { tree, inputs } = parseArguments(given, (x) => makeTensor(x, undefined, undefined, tracer.name));
    return tracer.concrete(tree, inputs);
  };
  const f = ((...args: unknown[]) => tracer.call(args)) as unknown as Func<F>;
  return Object.defineProperties(f, {
    traceCount: { get: () => tracer.count },
    functionName: { value: tracer.name },
    concreteFor: { value: concreteFor },
    graphFor: { value: (...args: unknown[]) => concreteFor(args).graph },
    getConcreteFunction: { value: (...args: unknown[]) => concreteFunction(tracer, concreteFor(args)) },
  });
}

function concreteFunction(tracer: Tracer, c: Concrete): ConcreteFunction<AnyFunction> {
  const signature = treeText(c.argumentTree);
  const call = (...given: unknown[]) => {
    if (context.trace) return tracer.fn(...given);
    const { args, tree, inputs } = tracer.parse(given);
    if (treeText(tree) !== signature)
      throw new ShapeError(`takes ${signature}, got ${treeText(tree)}`, {
        op: tracer.name,
        fix: 'call the func itself, which traces other signatures',
      });
    return c.call(inputs as Tensor[], args);
  };
  return Object.assign(call, { graph: c.graph, inputTypes: c.inputTypes, outputTypes: c.outputTypes });
}
