// Graphs of other systems as functions of tensors: node by node, each by the functions of the public API. In a trace
// they become part of it, eagerly they compute at once; so gradients, fine-tuning and targets need nothing of their own.
// What does not depend on traced values is computed outside of the trace, and so stays known: shapes above all.

import { FormatError, SinterError, TraceError } from '../../ir/errors.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { context, withRecorders, withTrace } from '../trace/context.ts';
import type { Tensor } from '../trace/tensor.ts';
import { Variable } from '../trace/variable.ts';

/** A node of a foreign graph. */
export interface GraphNode {
  readonly name: string;
  /** Its operator, as errors name it. */
  readonly op: string;
  /** Names of its operands; '' where one is left out. */
  readonly inputs: readonly string[];
  /** Names of its results; '' where nobody uses one. */
  readonly outputs: readonly string[];
  /** Values of the graphs around it that its subgraphs use, and nodes' results that must be there before. */
  readonly captures?: readonly string[];
}

/** A foreign graph: values have names, each made once. */
export interface GraphBody<N extends GraphNode, V> {
  readonly name: string;
  readonly nodes: readonly N[];
  /** What it is called with. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Values that do not change: constants, weights (Variables where they are trained). */
  readonly constants: ReadonlyMap<string, V>;
}

/** Where names have values. */
export interface Scope<V> {
  /** Undefined where there is no such value. */
  get(name: string): V | undefined;
}

/** What a system's operators do. `V` are its values: tensors, and what else there is. */
export interface Dialect<N extends GraphNode, V> {
  /** Computes a node; operands that are left out are undefined. Subgraphs find outer values in the scope. */
  run(node: N, operands: readonly (V | undefined)[], scope: Scope<V>): readonly (V | undefined)[];
  /** The tensors that a value is made of. */
  tensorsOf(value: V): readonly Tensor[];
  /** Whether a node gives something else each time: random numbers. */
  isImpure(node: N): boolean;
}

/** Who reads a foreign graph: the function that errors name. */
const fix = 'get the file again, or export it anew';

/** A node as errors show it: its name, operator and operands. */
export const nodeText = (n: GraphNode): string =>
  `node '${n.name}' (${n.op} of ${n.inputs.map((x) => x || '-').join(', ') || 'nothing'})`;

/** An operand whose elements must be known when the graph is traced, and are not. */
export class NotStaticError extends TraceError {}

/** Whether a tensor's elements can be looked at now. */
export const isReadable = (t: Tensor): boolean => !t.symbol && !t.remote && !(t instanceof Variable && context.trace);

/**
 * The elements of an operand that decides about shapes, or that is needed as a number.
 * Throws TraceError (NotStaticError) where they depend on what is traced, or are in GPU memory.
 * @param why what is made of them, such as 'the shape of the result'
 */
export function known(t: Tensor, node: GraphNode, index: number, why: string): TypedArray {
  if (isReadable(t)) return t.elements();
  throw new NotStaticError(
    `${nodeText(node)}: operand ${index} ('${node.inputs[index]}') is ${why}, which must be known before the program runs; here it depends on the elements of an input`,
    {
      fix: 'run the model eagerly (model.execute outside of traced functions), or make that operand a constant of the file',
    },
  );
}

/** The same error with the node that it happened in. */
function located(e: unknown, node: GraphNode): unknown {
  if (!(e instanceof SinterError) || e.message.startsWith('node ')) return e;
  const message = e.message.split(/\n {2}(?:fix|at your line): /)[0];
  // Errors with more of their own in the constructor keep their class by prototype.
  const again = new SinterError(`${nodeText(node)}: ${message}`, { fix: e.fix });
  Object.setPrototypeOf(again, Object.getPrototypeOf(e));
  Object.assign(again, { ...e, name: e.name, message: again.message, cause: e });
  return again;
}

interface Plan<N> {
  readonly order: readonly N[];
  /** Values that nobody needs after each node. */
  readonly frees: readonly (readonly string[])[];
}

/** A foreign graph that can be run. */
export class GraphFunction<N extends GraphNode, V> {
  readonly body: GraphBody<N, V>;
  readonly #dialect: Dialect<N, V>;
  readonly #op: string;
  readonly #makers = new Map<string, N>();
  readonly #plans = new Map<string, Plan<N>>();
  /** Results that depend on constants alone, by name. */
  readonly #folded = new Map<string, V>();
  /** Nodes whose results do. */
  readonly #constant = new Set<N>();
  /** Names that come from graphs around this one. */
  readonly captures: readonly string[];

  /**
   * Throws FormatError for a value that two nodes make, or that depends on itself.
   * @param op who reads the graph, for errors
   */
  constructor(body: GraphBody<N, V>, dialect: Dialect<N, V>, op: string) {
    this.body = body;
    this.#dialect = dialect;
    this.#op = op;
    const given = new Set(body.inputs);
    for (const n of body.nodes)
      for (const out of n.outputs) {
        if (!out) continue;
        if (this.#makers.has(out) || given.has(out) || body.constants.has(out))
          throw this.#refuse(`the value '${out}' is made twice, once by ${nodeText(n)}`);
        this.#makers.set(out, n);
      }
    const outside = new Set<string>();
    const isHere = (x: string) => !x || this.#makers.has(x) || given.has(x) || body.constants.has(x);
    for (const n of body.nodes) for (const x of dependencies(n)) if (!isHere(x)) outside.add(x);
    for (const x of body.outputs) if (!isHere(x)) outside.add(x);
    this.captures = [...outside];
    // All nodes, so that cycles are found when the file is read.
    for (const n of this.#order(body.nodes)) if (this.#isConstant(n)) this.#constant.add(n);
  }

  #refuse(what: string): FormatError {
    return new FormatError(`graph '${this.body.name}': ${what}`, { op: this.#op, fix });
  }

  /** Whether a name is a value of this graph. */
  has(name: string): boolean {
    return this.#makers.has(name) || this.body.inputs.includes(name) || this.body.constants.has(name);
  }

  #isConstant(n: N): boolean {
    if (this.#dialect.isImpure(n)) return false;
    return dependencies(n).every((x) => {
      const c = this.body.constants.get(x);
      if (c !== undefined) return this.#dialect.tensorsOf(c).every((t) => !(t instanceof Variable));
      const maker = this.#makers.get(x);
      return maker !== undefined && this.#constant.has(maker);
    });
  }

  /** The nodes that others need before these, and these: each behind what it uses. Without recursion. */
  #order(wanted: readonly N[]): N[] {
    const order: N[] = [];
    const state = new Map<N, 'open' | 'done'>();
    for (const root of wanted) {
      const stack = [root];
      while (stack.length) {
        const n = stack[stack.length - 1];
        if (state.get(n) === 'done') {
          stack.pop();
          continue;
        }
        const first = !state.has(n);
        state.set(n, 'open');
        let waiting = false;
        if (first)
          for (const x of dependencies(n)) {
            const maker = this.#makers.get(x);
            if (!maker || state.get(maker) === 'done') continue;
            if (state.get(maker) === 'open') throw this.#refuse(`${nodeText(maker)} depends on its own result`);
            stack.push(maker);
            waiting = true;
          }
        if (waiting) continue;
        stack.pop();
        state.set(n, 'done');
        order.push(n);
      }
    }
    return order;
  }

  #plan(outputs: readonly string[]): Plan<N> {
    const key = outputs.join('\n');
    let plan = this.#plans.get(key);
    if (!plan) {
      const makers = outputs.flatMap((x) => this.#makers.get(x) ?? []);
      const order = this.#order(makers);
      const last = new Map<string, number>();
      order.forEach((n, i) => {
        for (const x of [...dependencies(n), ...n.outputs]) if (x) last.set(x, i);
      });
      for (const x of outputs) last.delete(x);
      const frees: string[][] = order.map(() => []);
      for (const [x, i] of last) frees[i].push(x);
      plan = { order, frees };
      this.#plans.set(key, plan);
    }
    return plan;
  }

  /**
   * Runs what the outputs need. In a trace, what depends on nothing traced is computed at once.
   * Throws FormatError for an output or operand that is nowhere, and what the operators throw, with the node's name.
   * @param inputs by name
   * @param outputs names of values of this graph
   * @param outer where names from outside have values
   */
  run(inputs: ReadonlyMap<string, V>, outputs: readonly string[], outer?: Scope<V>): V[] {
    const { trace } = context;
    if (!trace || trace.isForeign) return this.#runAll(inputs, outputs, outer);
    trace.isForeign = true;
    try {
      return this.#runAll(inputs, outputs, outer);
    } finally {
      trace.isForeign = false;
    }
  }

  #runAll(inputs: ReadonlyMap<string, V>, outputs: readonly string[], outer: Scope<V> | undefined): V[] {
    const { order, frees } = this.#plan(outputs);
    const values = new Map<string, V>();
    const scope: Scope<V> = {
      get: (x) => values.get(x) ?? inputs.get(x) ?? this.body.constants.get(x) ?? this.#folded.get(x) ?? outer?.get(x),
    };
    // An input may be followed by a tape around the trace, so it is never folded.
    const given = new Set([...inputs.values()].flatMap((v) => this.#dialect.tensorsOf(v)));
    order.forEach((n, i) => {
      const kept = this.#constant.has(n);
      if (!kept || !this.#isFolded(n)) {
        const out = this.#runNode(n, scope, kept, given);
        n.outputs.forEach((x, k) => {
          const v = out[k];
          if (x && v !== undefined) (kept ? this.#folded : values).set(x, v);
        });
      }
      for (const x of frees[i]) values.delete(x);
    });
    return outputs.map((x) => {
      const v = scope.get(x);
      if (v === undefined) throw this.#refuse(`there is no value '${x}'`);
      return v;
    });
  }

  #isFolded(n: N): boolean {
    return n.outputs.some((x) => this.#folded.has(x));
  }

  #runNode(n: N, scope: Scope<V>, constant: boolean, given: ReadonlySet<Tensor>): readonly (V | undefined)[] {
    const find = (x: string) => {
      const v = scope.get(x);
      if (v === undefined) throw this.#refuse(`${nodeText(n)} needs '${x}', which nothing gives`);
      return v;
    };
    const operands = n.inputs.map((x) => (x ? find(x) : undefined));
    const others = (n.captures ?? []).map(find);
    const now = () => {
      try {
        return this.#dialect.run(n, operands, scope);
      } catch (e) {
        throw located(e, n);
      }
    };
    const isFree = (v: V | undefined) =>
      v === undefined || this.#dialect.tensorsOf(v).every((t) => isReadable(t) && !given.has(t));
    const free = constant || (!this.#dialect.isImpure(n) && [...operands, ...others].every(isFree));
    return free && context.trace ? withTrace(undefined, () => withRecorders([], now)) : now();
  }

  /** Forgets what was computed of constants. */
  forget(): void {
    this.#folded.clear();
  }
}

const dependencies = (n: GraphNode): readonly string[] =>
  n.captures?.length ? [...n.inputs, ...n.captures] : n.inputs;
