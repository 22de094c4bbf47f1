// tf.func: a function that is traced once per signature and then runs as one program.

import { ArgumentError, ShapeError, TraceError } from '../../ir/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import type { TensorType } from '../../ir/types.ts';
import { checkChoices, checkTarget, type ProgramChoices } from './backend.ts';
import { Concrete, type ConcreteChoices, type Input, parseArguments } from './concrete.ts';
import { context } from './context.ts';
import { makeTensor } from './convert.ts';
import { type Tree, treeText } from './nest.ts';
import { functionArg, need } from './ops/common.ts';
import { fitSpec, TensorSpec } from './spec.ts';
import type { Tensor } from './tensor.ts';

// biome-ignore lint/suspicious/noExplicitAny: any function can be traced
export type AnyFunction = (...args: any[]) => any;

/** Threads as far as a `compile` or `fit` with as many has started them. */
export interface FuncOptions extends ProgramChoices {
  /** Where it runs: by default on the chosen backend. A GPU must have been opened: `await tf.setBackend('webgpu')`. */
  readonly target?: string;
  /** One entry per argument, nested like it; arguments must fit. */
  readonly inputSignature?: readonly unknown[];
  /** Name of the graph; by default the function's. */
  readonly name?: string;
  /** Signatures that are kept; of more, the one that was not used for longest is traced anew. Default 256. */
  readonly maxSignatures?: number;
  /** Whether many traces are warned of; true by default. */
  readonly warnOfRetracing?: boolean;
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
  /** How often it has been traced so far. */
  readonly traceCount: number;
  /** How many traced signatures are kept at present. */
  readonly signatureCount: number;
  readonly functionName: string;
  /** The graph for these arguments (or specs in their place); traces it if need be. */
  graphFor(...inputs: unknown[]): Graph;
  /** The function for the signature of these arguments (or specs in their place). */
  getConcreteFunction(...inputs: unknown[]): ConcreteFunction<F>;
  /** One spec an argument, where it was given. */
  readonly inputSignature: readonly unknown[] | undefined;
  /** @internal */
  readonly concreteFor: (args: readonly unknown[]) => Concrete;
}

/** After so many traces, a function is probably traced on nearly every call. */
const manyTraces = 6;
/** A recursion that ends for static reasons is not as deep as this. */
const deepest = 300;

class Tracer {
  readonly fn: AnyFunction;
  readonly name: string;
  readonly signature: readonly unknown[] | undefined;
  readonly #known = new Map<string, Concrete>();
  #last: Tree | undefined;
  #warned = false;
  /** Calls under way inside of traces. */
  #depth = 0;
  #traces = 0;
  readonly #most: number;
  readonly #choices: ConcreteChoices;

  constructor(fn: AnyFunction, opts: FuncOptions) {
    if (typeof fn !== 'function') throw new ArgumentError(`takes a function, not ${typeof fn}`, { op: 'func' });
    const { maxSignatures = 256 } = opts;
    if (!Number.isInteger(maxSignatures) || maxSignatures < 1)
      throw new ArgumentError(`maxSignatures must be a whole number from 1 on, not ${maxSignatures}`, { op: 'func' });
    this.#most = maxSignatures;
    checkChoices(opts, 'func');
    const target = opts.target === undefined ? undefined : checkTarget(opts.target, 'func');
    this.#choices = { target, threads: opts.threads, tune: opts.tune, winograd: opts.winograd };
    this.#warned = opts.warnOfRetracing === false;
    this.fn = fn;
    this.name = opts.name ?? (fn.name || 'func');
    this.signature = opts.inputSignature;
  }

  get traces(): number {
    return this.#traces;
  }
  get kept(): number {
    return this.#known.size;
  }

  parse(args: readonly unknown[]): { tree: Tree; inputs: Input[] } {
    const bound = this.signature ? (bind(this.signature, args, '', this.name) as unknown[]) : args;
    return parseArguments(bound, (x) => makeTensor(x, undefined, undefined, this.name));
  }

  concrete(tree: Tree, inputs: readonly Input[]): Concrete {
    const key = treeText(tree);
    let c = this.#known.get(key);
    if (!c) {
      c = new Concrete(this.fn, tree, inputs, this.name, this.#traces === 0, this.#choices);
      this.#traces++;
      if (this.#known.size >= this.#most) this.#known.delete(this.#known.keys().next().value as string);
      this.#known.set(key, c);
      this.#warn(tree);
      this.#last = tree;
    } else if (this.#known.size > this.#most / 2) {
      // The map's order is that of last use, where it matters which one goes.
      this.#known.delete(key);
      this.#known.set(key, c);
    }
    return c;
  }

  call(given: readonly unknown[]): unknown {
    // Inside another trace the function is a part of it.
    if (context.trace) return this.inline(given);
    const { tree, inputs } = this.parse(given);
    return this.concrete(tree, inputs).call(inputs as Tensor[]);
  }

  /** The function as a part of the trace around it. */
  inline(given: readonly unknown[]): unknown {
    if (this.#depth > deepest)
      throw new TraceError(`calls itself more than ${deepest} times while it is traced`, {
        op: this.name,
        fix: 'a recursion on values of tensors is a loop: use tf.whileLoop or tf.scan',
      });
    this.#depth++;
    try {
      return this.fn(...given);
    } finally {
      this.#depth--;
    }
  }

  #warn(tree: Tree): void {
    if (this.#warned || this.signature || this.#traces < manyTraces || !this.#last) return;
    this.#warned = true;
    const items = (t: Tree) => (t.kind === 'list' ? t.items.map(treeText) : []);
    const [old, now] = [items(this.#last), items(tree)];
    const i = now.findIndex((x, k) => x !== old[k]);
    const what =
      i < 0
        ? `the number of arguments differed (${old.length}, then ${now.length})`
        : `argument ${i} differed: ${old[i] ?? 'none'}, then ${now[i]}`;
    console.warn(
      `tf.func '${this.name}' has been traced ${this.#traces} times; between the last two calls ${what}. Tracing is slow: ` +
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
 * Variables it uses are its state. As a method, `call = tf.func(...)`, on a prototype or as a decorator
 * `@tf.func`, it is traced for each object it is called on. Throws what the function throws while it
 * is traced.
 */
export function func<F extends AnyFunction>(fn: F, opts: FuncOptions | ClassMethodDecoratorContext = {}): Func<F> {
  functionArg(fn, 'fn', 'func');
  need(typeof opts === 'object', 'func', 'the options must be an object', opts, "such as {name: 'step'}");
  const options: FuncOptions = opts === null ? {} : 'kind' in opts ? { name: String(opts.name) } : opts;
  const unbound = new Tracer(fn, options);
  const bound = new WeakMap<object, Tracer>();
  const method = usesThis(fn);
  /** The tracer for calls on that object. */
  const tracerOf = (self: unknown): Tracer => {
    if (!method || typeof self !== 'object' || self === null) return unbound;
    let t = bound.get(self);
    if (!t) {
      t = new Tracer(fn.bind(self) as F, { ...options, name: unbound.name });
      bound.set(self, t);
    }
    return t;
  };
  const concreteFor = (self: unknown, given: readonly unknown[]): [Tracer, Concrete] => {
    const tracer = tracerOf(self);
    const { tree, inputs } = parseArguments(given, (x) => makeTensor(x, undefined, undefined, tracer.name));
    return [tracer, tracer.concrete(tree, inputs)];
  };
  const f = function (this: unknown, ...args: unknown[]) {
    return tracerOf(this).call(args);
  } as unknown as Func<F>;
  const self = (x: unknown) => (x === f ? undefined : x);
  return Object.defineProperties(f, {
    traceCount: { get: () => unbound.traces },
    signatureCount: { get: () => unbound.kept },
    functionName: { value: unbound.name },
    inputSignature: { value: unbound.signature },
    concreteFor: { value: (args: readonly unknown[]) => concreteFor(undefined, args)[1] },
    graphFor: {
      value(this: unknown, ...args: unknown[]) {
        return concreteFor(self(this), args)[1].graph;
      },
    },
    getConcreteFunction: {
      value(this: unknown, ...args: unknown[]) {
        return concreteFunction(...concreteFor(self(this), args));
      },
    },
  });
}

/** Does the result depend on the object that it is called on? Arrow functions have no `this` of their own. */
function usesThis(fn: AnyFunction): boolean {
  const text = Function.prototype.toString.call(fn);
  const isArrow = !Object.hasOwn(fn, 'prototype') && /^(async\s*)?(\([^)]*\)|[\w$]+)\s*=>/.test(text);
  return !isArrow && /\b(this|super)\b/.test(text);
}

function concreteFunction(tracer: Tracer, c: Concrete): ConcreteFunction<AnyFunction> {
  const signature = treeText(c.argumentTree);
  const call = (...given: unknown[]) => {
    if (context.trace) return tracer.inline(given);
    const { tree, inputs } = tracer.parse(given);
    if (treeText(tree) !== signature)
      throw new ShapeError(`takes ${signature}, got ${treeText(tree)}`, {
        op: tracer.name,
        fix: 'call the func itself, which traces other signatures',
      });
    return c.call(inputs as Tensor[]);
  };
  return Object.assign(call, { graph: c.graph, inputTypes: c.inputTypes, outputTypes: c.outputTypes });
}
