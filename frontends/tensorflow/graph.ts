// TensorFlow's graphs as graphs of named values: result k of a node is the value 'node:k', and '^node' says that it has run.

import { FormatError } from '../../ir/errors.ts';
import type { GraphNode } from '../formats/graph-function.ts';
import { Attributes, type FunctionRef } from './attributes.ts';
import type { Message } from './messages.ts';

/** A node of a TensorFlow graph. */
export interface TfNode extends GraphNode {
  readonly attrs: Attributes;
  /** What was made of control flow by switches: a loop's or branch's graph. */
  readonly flow?: Flow;
}

/** Control flow as TensorFlow 1 writes it, put together again: see control-flow.ts. */
export type Flow =
  | {
      readonly kind: 'while';
      readonly body: TfGraph;
      readonly condition: string;
      /** What each variable becomes. */
      readonly next: readonly string[];
    }
  | {
      readonly kind: 'cond';
      readonly body: TfGraph;
      /** The value of each branch, then what runs for its effects. */
      readonly branches: readonly [whenFalse: readonly string[], whenTrue: readonly string[]];
      /** Which operand of the merge each was. */
      readonly places: readonly [whenFalse: number, whenTrue: number];
    };

/** A graph, or the body of a function. */
export interface TfGraph {
  readonly name: string;
  readonly nodes: readonly TfNode[];
  /** Values that it is called with. */
  readonly inputs: readonly string[];
  /** Values that it gives. */
  readonly outputs: readonly string[];
  /** What must have run as well when it is called. */
  readonly effects: readonly string[];
}

/** Names of an operation's results in function bodies, where there are several. */
export type ResultsOf = (op: string) => readonly string[] | undefined;

/** The value that 'node', 'node:k' or '^node' means. */
export function valueName(ref: string): string {
  if (ref.startsWith('^')) return ref;
  return /:\d+$/.test(ref) ? ref : `${ref}:0`;
}

const bad = (what: string, op: string): FormatError =>
  new FormatError(what, { op, fix: 'the graph is damaged: get it again, or export it anew' });

/** Nodes by the values that they are read for: how many results each has at least. */
class Uses {
  readonly #most = new Map<string, number>();
  readonly #op: string;
  #results = 0;

  /** @param op for errors */
  constructor(op: string) {
    this.#op = op;
  }

  add(value: string): string {
    const at = value.lastIndexOf(':');
    if (!value.startsWith('^')) {
      const [node, index] = [value.slice(0, at), Number(value.slice(at + 1))];
      this.#most.set(node, Math.max(this.#most.get(node) ?? 0, index));
    }
    return value;
  }
  /** Names of a node's results, as far as any is used, and of its having run. */
  resultsOf(node: string, least: number): string[] {
    const n = Math.max(least, (this.#most.get(node) ?? 0) + 1);
    this.#results += n;
    if (this.#results > MOST_IN_ALL) throw bad(`its nodes have more than ${MOST_IN_ALL} results`, this.#op);
    return [...Array.from({ length: n }, (_, k) => `${node}:${k}`), `^${node}`];
  }
}

/** No operation has more results; a file may name any. */
const MOST_RESULTS = 100_000;
/** All nodes of a graph: a few bytes of a file may name many results. */
const MOST_IN_ALL = 4_000_000;

/** How many results an operation has at least: as its attributes say, or as it has names for. */
function resultCount(n: Message<'NodeDef'>, attrs: Attributes, resultsOf: ResultsOf): number {
  const named = resultsOf(n.op ?? '')?.length ?? 1;
  const counts = ['num', 'num_split', 'num_partitions', 'N'].map((k) => (attrs.isInt(k) ? attrs.int(k) : 0));
  const lists = ['Tout', 'T', 'dtypes'].map((k) => (attrs.isList(k) ? attrs.types(k).length : 0));
  const handed = n.op === 'IdentityN' ? n.input.filter((x) => !x.startsWith('^')).length : 0;
  return Math.max(named, handed, ...counts.map((k) => Math.min(k, MOST_RESULTS)), ...lists);
}

function nodeOf(n: Message<'NodeDef'>, inputs: readonly string[], uses: Uses, resultsOf: ResultsOf): TfNode {
  const name = n.name ?? '';
  const attrs = new Attributes(n.attr, name);
  return {
    name,
    op: n.op ?? '',
    inputs: inputs.filter((x) => !x.startsWith('^')),
    captures: inputs.filter((x) => x.startsWith('^')),
    outputs: uses.resultsOf(name, resultCount(n, attrs, resultsOf)),
    attrs,
  };
}

/**
 * A graph.
 * @param resultsOf names of the results of operations that have several
 * Throws FormatError for nodes without name or operation, and for results that no operation has.
 */
export function graphOf(
  g: Message<'GraphDef'>,
  name: string,
  resultsOf: ResultsOf,
  op: string,
  wanted: readonly string[] = [],
): TfGraph {
  const uses = new Uses(op);
  const inputs = g.node.map((n) => n.input.map((x) => uses.add(checkedRef(valueName(x), n, op))));
  for (const w of wanted) uses.add(checkedRef(valueName(w), undefined, op));
  const nodes = g.node.map((n, i) => {
    if (!n.name || !n.op) throw bad('a node has no name or no operation', op);
    return nodeOf(n, inputs[i], uses, resultsOf);
  });
  return { name, nodes, inputs: [], outputs: [], effects: [] };
}

function checkedRef(value: string, n: Message<'NodeDef'> | undefined, op: string): string {
  if (value.startsWith('^') || Number(value.slice(value.lastIndexOf(':') + 1)) < MOST_RESULTS) return value;
  throw bad(`${n ? `node '${n.name}' reads` : 'the signature names'} '${value}', a result that no operation has`, op);
}

/**
 * The body of a function. There, a node's result is 'node:name of the result:index among those of that name'.
 * Throws FormatError as `graphOf`, and for references that are not understood.
 */
export function functionGraphOf(f: Message<'FunctionDef'>, resultsOf: ResultsOf, op: string): TfGraph {
  const { name = '', input_arg: args, output_arg: results } = f.signature ?? { input_arg: [], output_arg: [] };
  const isArg = new Set(args.map((a) => a.name ?? ''));
  const opOf = new Map(f.node_def.map((n) => [n.name ?? '', n.op ?? '']));
  const uses = new Uses(op);
  const value = (ref: string): string => {
    if (ref.startsWith('^')) return isArg.has(ref.slice(1)) ? '' : ref;
    const [node, result, index] = ref.split(':');
    if (isArg.has(node)) return `${node}:0`;
    if (result === undefined) return uses.add(`${node}:0`);
    const k = Number(index ?? result);
    const names = resultsOf(opOf.get(node) ?? '');
    const at = index !== undefined && names ? names.indexOf(result) + k : k;
    if (!Number.isInteger(at) || at < 0 || at >= MOST_RESULTS)
      throw bad(`function '${name}' refers to '${ref}', which ${opOf.get(node) ?? 'no node'} does not give`, op);
    return uses.add(`${node}:${at}`);
  };
  const inputs = f.node_def.map((n) => n.input.map(value).filter((x) => x !== ''));
  const outputs = results.map((r) => {
    const ref = f.ret.get(r.name ?? '');
    if (ref === undefined) throw bad(`function '${name}' does not say where its result '${r.name}' comes from`, op);
    return value(ref);
  });
  const effects = [...f.control_ret.values()].map((n) => `^${n}`).filter((x) => opOf.has(x.slice(1)));
  const nodes = f.node_def.map((n, i) => {
    if (!n.name || !n.op) throw bad(`a node of function '${name}' has no name or no operation`, op);
    return nodeOf(n, inputs[i], uses, resultsOf);
  });
  return { name, nodes, inputs: args.map((a) => `${a.name}:0`), outputs, effects };
}

/** The function that a node calls by being named as its operation. */
export const asCall = (n: TfNode): FunctionRef => ({ name: n.op, attrs: new Map() });
