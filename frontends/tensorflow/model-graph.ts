// A graph and its functions, read, checked, and ready to be run by the names of its values.

import { ArgumentError, FormatError, valueText } from '../../ir/errors.ts';
import type { GraphResult, RunnableGraph } from '../formats/graph-model.ts';
import { Tensor } from '../trace/tensor.ts';
import { rebuilt } from './control-flow.ts';
import { functionGraphOf, graphOf, type TfGraph, type TfNode, valueName } from './graph.ts';
import type { Message } from './messages.ts';
import { isSupported, resultsOf, whyNot } from './operators.ts';
import { Runtime, type TfFunction } from './runtime.ts';
import { kindOf, type Value } from './values.ts';

/** What graphs are read with. */
export interface GraphOptions {
  readonly op: string;
  /** Values of constants that stand beside the graph, by name of the node. */
  readonly weights: ReadonlyMap<string, Value>;
  readonly float64: boolean;
  /** Values that somebody will ask for, as 'node' or 'node:1'. */
  readonly wanted: readonly string[];
}

/** A value as a result of a model. Throws FormatError for what is no tensor. */
function result(v: Value, name: string): GraphResult {
  if (v instanceof Tensor) return v;
  // Complex tensors are handed out as they are.
  if (typeof v === 'object' && 're' in v) return v as unknown as Tensor;
  throw new FormatError(`the output '${name}' is ${kindOf(v)}`, {
    fix: 'ask for another output: model.execute(inputs, names)',
  });
}

/** A graph of a model. */
export class ModelGraph implements RunnableGraph {
  readonly graph: TfGraph;
  readonly runtime: Runtime;
  readonly #op: string;
  readonly #functions = new Map<string, TfFunction>();
  /** Values under names of the model's own: of its signature. */
  readonly aliases = new Map<string, string>();
  /** Values of placeholders that are not asked for: tables that the initializer made. */
  readonly given = new Map<string, Value>();

  /** Throws FormatError for a graph that is damaged. */
  constructor(g: Message<'GraphDef'>, { op, weights, float64, wanted }: GraphOptions) {
    this.#op = op;
    const library = new Map<string, TfGraph>();
    for (const f of g.library?.function ?? []) {
      const name = f.signature?.name ?? '';
      if (library.has(name))
        throw new FormatError(`there are two functions ${valueText(name)}`, { op, fix: 'the graph is damaged' });
      library.set(name, rebuilt(functionGraphOf(f, resultsOf, op), op));
    }
    this.graph = rebuilt(graphOf(g, 'main', resultsOf, op, wanted), op);
    this.runtime = new Runtime(library, weights, float64, op);
    this.#function([]);
    for (const f of library.values()) this.runtime.functionOf(f);
  }

  /** The value that a name means: of the signature, or of a node. */
  valueOf(name: string): string {
    return this.aliases.get(name) ?? valueName(name);
  }
  has(name: string): boolean {
    const value = this.valueOf(name);
    return this.#function([]).has(value) || this.given.has(value);
  }

  /** Whether a placeholder need not be given. */
  hasDefault(value: string): boolean {
    return this.graph.nodes.some((n) => n.op === 'PlaceholderWithDefault' && n.outputs[0] === value);
  }

  /** The graph with some values from outside in place of its own. */
  #function(fed: readonly string[]): TfFunction {
    const key = fed.join('\n');
    let f = this.#functions.get(key);
    if (!f) {
      const outside = new Set(fed);
      const nodes = this.graph.nodes.map((n): TfNode => {
        if (!n.outputs.some((x) => outside.has(x))) return n;
        const outputs = n.outputs.map((x) => (outside.has(x) ? '' : x));
        // Nothing is left to do where all results are given.
        const idle = outputs.every((x) => x === '' || x.startsWith('^'));
        return idle ? { ...n, outputs, op: 'NoOp', inputs: [], captures: [], flow: undefined } : { ...n, outputs };
      });
      f = this.runtime.functionOf({ ...this.graph, nodes, inputs: fed });
      this.#functions.set(key, f);
    }
    return f;
  }

  /** Nodes that some values need, those of functions and loops too. */
  reachable(values: readonly string[], fed: readonly string[]): TfNode[] {
    const found = new Set<TfNode>();
    const graphs = new Set<TfGraph>();
    const cut = new Set(fed);
    const walk = (graph: TfGraph, from: readonly string[]) => {
      const makers = new Map(graph.nodes.flatMap((n) => n.outputs.map((x) => [x, n] as const)));
      const reached = new Set(from);
      for (const x of reached) {
        const n = graph === this.graph && cut.has(x) ? undefined : makers.get(x);
        if (!n || found.has(n)) continue;
        found.add(n);
        for (const y of [...n.inputs, ...(n.captures ?? [])]) reached.add(y);
      }
    };
    walk(this.graph, values);
    for (const n of found) {
      const inner = n.flow ? [n.flow.body] : this.runtime.graphsOf(n);
      for (const g of inner) {
        if (graphs.has(g)) continue;
        graphs.add(g);
        walk(g, [...g.outputs, ...g.effects, ...flowResults(n)]);
      }
    }
    return [...found];
  }

  /** Throws FormatError with all operations that are not supported, and why. */
  checkSupported(nodes: readonly TfNode[]): void {
    const missing = new Map<string, string>();
    for (const n of nodes)
      if (!n.flow && !isSupported(n.op) && !this.runtime.isFunction(n.op) && !missing.has(n.op))
        missing.set(n.op, n.name);
    if (missing.size === 0) return;
    const lines = [...missing].map(([name, node]) => `\n    ${name} (node '${node}'): ${whyNot(name)}`);
    throw new FormatError(`${missing.size} operation(s) of the model are not supported:${lines.join('')}`, {
      op: this.#op,
      fix: 'docs/tensorflow.md lists what is supported; model.execute can run a part of a model',
    });
  }

  /** Throws FormatError for loops: what runs while a file is read must end, whatever the file says. */
  checkBounded(nodes: readonly TfNode[]): void {
    const loop = nodes.find((n) => n.flow?.kind === 'while' || n.op === 'While' || n.op === 'StatelessWhile');
    if (loop)
      throw new FormatError(`the loop '${loop.name}' would run while the model is read`, {
        op: this.#op,
        fix: 'save the model without loops in what initializes it',
      });
  }

  /** Runs what some values need, from values by name. */
  values(inputs: ReadonlyMap<string, Value>, outputs: readonly string[]): Value[] {
    const given = new Map([...this.given, ...[...inputs].map(([name, v]) => [this.valueOf(name), v] as const)]);
    return this.#function([...given.keys()]).run(
      given,
      outputs.map((x) => this.valueOf(x)),
    );
  }

  run(inputs: ReadonlyMap<string, GraphResult>, outputs: readonly string[]): GraphResult[] {
    const bad = [...inputs].find(([, v]) => !(v instanceof Tensor));
    if (bad)
      throw new ArgumentError(`the input '${bad[0]}' is no tensor`, { op: this.#op, fix: 'give one tensor an input' });
    return this.values(inputs as ReadonlyMap<string, Tensor>, outputs).map((v, i) => result(v, outputs[i]));
  }

  forget(): void {
    for (const f of this.#functions.values()) f.forget();
    this.runtime.forget();
  }
}

/** What a loop's or choice's own graph gives. */
function flowResults(n: TfNode): readonly string[] {
  if (!n.flow) return [];
  return n.flow.kind === 'while' ? [n.flow.condition, ...n.flow.next] : n.flow.branches.flat();
}
