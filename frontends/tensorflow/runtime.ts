// What a TensorFlow graph runs with: its functions, Variables and tables, and the dialect of its operators.

import { FormatError, valueText } from '../../ir/errors.ts';
import type { DType } from '../../ir/types.ts';
import { type Dialect, GraphFunction, type Scope } from '../formats/graph-function.ts';
import type { FunctionRef } from './attributes.ts';
import { Call, type Operator } from './call.ts';
import { asCall, type TfGraph, type TfNode } from './graph.ts';
import { isSupported, operatorOf } from './operators.ts';
import { done, type LookupTable, tensorsOf, type Value, type VariableHandle } from './values.ts';

/** A graph that can be run. */
export type TfFunction = GraphFunction<TfNode, Value>;

/** What belongs to one loaded model. */
export class Runtime {
  readonly op: string;
  readonly #library: ReadonlyMap<string, TfGraph>;
  readonly #functions = new WeakMap<TfGraph, TfFunction>();
  readonly #impure = new Map<string, boolean>();
  readonly #tables = new Map<string, LookupTable>();
  /** By the name that their handles share. */
  readonly variables = new Map<string, VariableHandle>();
  /** Which of them train, by name, and by their names in the checkpoint where they came from one. */
  isTrainable: (name: string, key: string | undefined) => boolean = () => true;
  /** Tensors of the checkpoint that is being restored, by name. */
  #restored: ReadonlyMap<string, Value> = new Map();
  #keys: ReadonlyMap<Value, string> = new Map();
  /** Values of constants that stand beside the graph, by name of the node: TensorFlow.js keeps them so. */
  readonly #weights: ReadonlyMap<string, Value>;
  readonly #float64: boolean;
  readonly dialect: Dialect<TfNode, Value>;

  /**
   * @param library the bodies of functions by name
   * @param weights values of constants that stand beside the graph
   * @param float64 whether DT_DOUBLE is float64; TensorFlow.js's models have float32 in its place
   * @param op who reads the model, for errors
   * Throws FormatError for functions that call themselves, or each other so often that running them would not end.
   */
  constructor(
    library: ReadonlyMap<string, TfGraph>,
    weights: ReadonlyMap<string, Value>,
    float64: boolean,
    op: string,
  ) {
    this.#weights = weights;
    this.#library = library;
    this.#float64 = float64;
    this.op = op;
    checkCalls(library, op);
    this.dialect = {
      run: (node, operands, scope) => this.#run(node, operands, scope),
      tensorsOf,
      isImpure: (node) => this.isImpure(node),
    };
  }

  #run(node: TfNode, operands: readonly (Value | undefined)[], scope: Scope<Value>): readonly (Value | undefined)[] {
    const { run } = this.operator(node);
    const out = run(new Call(node, operands, scope, this));
    return outputsOf(node, Array.isArray(out) ? out : [out as Value]);
  }

  /** The operator of a node; a function's name stands for its call. Throws FormatError for one that is not supported. */
  operator(node: TfNode): Operator {
    return operatorOf(
      this.#library.has(node.op) ? 'PartitionedCall' : node.flow ? `_${node.flow.kind}` : node.op,
      this.op,
    );
  }

  dtypeOf(typeName: string, dtype: DType): DType {
    return typeName === 'DT_DOUBLE' && !this.#float64 ? 'f32' : dtype;
  }

  /** Whether a node gives something else each time, or changes something: itself or in a function that it calls. */
  isImpure(node: TfNode): boolean {
    if (node.flow) return node.flow.body.nodes.some((n) => this.isImpure(n));
    // What is not supported is said where it is asked for, not here.
    if (!this.isFunction(node.op) && !isSupported(node.op)) return true;
    if (this.operator(node).impure) return true;
    return callsOf(node, this.#library).some((f) => this.#isImpureFunction(f));
  }
  #isImpureFunction(name: string): boolean {
    let known = this.#impure.get(name);
    if (known === undefined) {
      known = this.#library.get(name)?.nodes.some((n) => this.isImpure(n)) ?? true;
      this.#impure.set(name, known);
    }
    return known;
  }

  /** A graph that can be run. */
  functionOf(graph: TfGraph): TfFunction {
    let f = this.#functions.get(graph);
    if (!f) {
      const { name, nodes, inputs, outputs, effects } = graph;
      const beside = nodes.filter((n) => n.op === 'Const' && this.#weights.has(n.name));
      const constants = new Map(
        beside.flatMap((n) =>
          n.outputs.map((x): [string, Value] => [x, x.startsWith('^') ? done : (this.#weights.get(n.name) as Value)]),
        ),
      );
      const rest = nodes.filter((n) => !constants.has(n.outputs[0]));
      const body = { name, nodes: rest, inputs, outputs: [...outputs, ...effects], constants };
      f = new GraphFunction(body, this.dialect, this.op);
      this.#functions.set(graph, f);
    }
    return f;
  }

  /** The body of a function. Throws FormatError where there is none. */
  graph(ref: FunctionRef): TfGraph {
    const g = this.#library.get(ref.name);
    if (g) return g;
    throw new FormatError(`there is no function ${valueText(ref.name)}`, { fix: 'the graph is damaged: get it again' });
  }

  isFunction(name: string): boolean {
    return this.#library.has(name);
  }
  get restored(): ReadonlyMap<string, Value> {
    return this.#restored;
  }
  set restored(tensors: ReadonlyMap<string, Value>) {
    this.#restored = tensors;
    this.#keys = new Map([...tensors].map(([name, v]) => [v, name]));
  }
  /** The name in the checkpoint of a tensor that is being restored. */
  keyOf(x: Value): string | undefined {
    return this.#keys.get(x);
  }
  /** Whether a node puts something into a table. */
  fillsTable(node: TfNode): boolean {
    return /^(LookupTable(Import|Insert)|InitializeTable)/.test(node.op);
  }
  /** The bodies of the functions that a node calls. */
  graphsOf(node: TfNode): TfGraph[] {
    return callsOf(node, this.#library).flatMap((f) => this.#library.get(f) ?? []);
  }
  /** Forgets what was computed of constants. */
  forget(): void {
    for (const g of this.#library.values()) this.#functions.get(g)?.forget();
  }

  /** Calls a function. */
  call(ref: FunctionRef, args: readonly Value[]): Value[] {
    const g = this.graph(ref);
    if (args.length !== g.inputs.length)
      throw new FormatError(`function '${g.name}' takes ${g.inputs.length} arguments, got ${args.length}`, {
        fix: 'the graph is damaged: get it again',
      });
    const given = new Map<string, Value>(g.inputs.map((x, i) => [x, args[i]]));
    return this.functionOf(g)
      .run(given, [...g.outputs, ...g.effects])
      .slice(0, g.outputs.length);
  }

  /** The table of a name; made where there is none yet. */
  table(name: string, make: () => LookupTable): LookupTable {
    let t = this.#tables.get(name);
    if (!t) {
      t = make();
      this.#tables.set(name, t);
    }
    return t;
  }
}

/** Results under the names of a node's values; the last one says that it has run. */
function outputsOf(node: TfNode, out: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
  return node.outputs.map((name, i) => (name.startsWith('^') ? done : out[i]));
}

/** Names of the functions that a node calls. */
function callsOf(node: TfNode, library: ReadonlyMap<string, TfGraph>): string[] {
  if (node.flow) return node.flow.body.nodes.flatMap((n) => callsOf(n, library));
  const own = library.has(node.op) ? [asCall(node)] : [];
  return [...own, ...node.attrs.allFunctions()].map((f) => f.name).filter((name) => library.has(name));
}

/** Calls nest no deeper. */
const deepest = 100;
/** All nodes of all calls. */
const mostNodes = 2 ** 24;

/**
 * Throws FormatError where functions call themselves, nest too deep, or are so many when each is written out in its
 * callers that running them would never end. Without recursion: a file may hold any chain of calls.
 */
function checkCalls(library: ReadonlyMap<string, TfGraph>, op: string): void {
  const fix = 'the graph is damaged, or not made by TensorFlow';
  const callsIn = new Map([...library].map(([name, g]) => [name, g.nodes.flatMap((n) => callsOf(n, library))]));
  const state = new Map<string, { size: number; depth: number } | 'open'>();
  for (const root of library.keys()) {
    const stack = [root];
    while (stack.length) {
      const name = stack[stack.length - 1];
      const calls = callsIn.get(name) ?? [];
      const seen = state.get(name);
      if (typeof seen === 'object') stack.pop();
      else if (seen === undefined) {
        state.set(name, 'open');
        for (const f of new Set(calls)) if (state.get(f) === undefined) stack.push(f);
        if (calls.some((f) => state.get(f) === 'open'))
          throw new FormatError(`function '${name}' calls itself`, { op, fix });
      } else {
        const parts = calls.map((f) => state.get(f) as { size: number; depth: number });
        const size = parts.reduce((n, p) => n + p.size, (library.get(name) as TfGraph).nodes.length + 1);
        const depth = 1 + parts.reduce((d, p) => Math.max(d, p.depth), 0);
        if (size > mostNodes || depth > deepest)
          throw new FormatError(`function '${name}' is ${size} nodes with all that it calls, nested ${depth} deep`, {
            op,
            fix,
          });
        state.set(name, { size, depth });
        stack.pop();
      }
    }
  }
}
