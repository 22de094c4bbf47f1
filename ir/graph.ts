// The graph: SSA values with dtype and shape, made by nodes in topological order. Everything here is
// immutable; passes build new graphs through the builder. Ids are dense per graph, in creation order.

import type { Literal } from './literal.ts';
import type { OpDef } from './op.ts';
import type { Dim, TensorType } from './types.ts';

export type AttrValue = number | string | boolean | Literal | readonly Dim[] | readonly (readonly number[])[];
export type Attrs = Readonly<Record<string, AttrValue>>;

/** Whatever has a type and can be an operand: a graph value, or an eager tensor. */
export interface Val {
  readonly type: TensorType;
}

/** One SSA value: a parameter of the graph (`node` is null) or an output of a node. */
export class Value implements Val {
  readonly id: number;
  readonly type: TensorType;
  /** Index among the node's outputs, or among the graph's parameters. */
  readonly index: number;
  /** Name of a parameter; empty for others. */
  readonly name: string;
  node: Node | null = null;

  constructor(id: number, type: TensorType, index: number, name = '') {
    this.id = id;
    this.type = type;
    this.index = index;
    this.name = name;
  }
}

export class Node {
  readonly id: number;
  readonly op: OpDef;
  readonly inputs: readonly Value[];
  readonly attrs: Attrs;
  readonly outputs: readonly Value[];
  readonly regions: readonly Graph[];
  /** Text of the attributes, where the builder needed it: copies of the node need it again. */
  readonly attrsText: string | undefined;

  constructor(
    id: number,
    op: OpDef,
    inputs: readonly Value[],
    attrs: Attrs,
    outputs: readonly Value[],
    regions: readonly Graph[],
    attrsText?: string,
  ) {
    this.id = id;
    this.op = op;
    this.inputs = inputs;
    this.attrs = attrs;
    this.outputs = outputs;
    this.regions = regions;
    this.attrsText = attrsText;
    for (const o of outputs) o.node = this;
    Object.freeze(this);
  }
}

export class Graph {
  readonly name: string;
  readonly params: readonly Value[];
  readonly nodes: readonly Node[];
  readonly results: readonly Value[];
  /** Number of value ids in use: arrays indexed by `Value.id` have this length. */
  readonly valueCount: number;
  #uses: readonly (readonly Node[])[] | undefined;

  constructor(
    name: string,
    params: readonly Value[],
    nodes: readonly Node[],
    results: readonly Value[],
    valueCount: number,
  ) {
    this.name = name;
    this.params = Object.freeze(params.slice());
    this.nodes = Object.freeze(nodes.slice());
    this.results = Object.freeze(results.slice());
    this.valueCount = valueCount;
  }

  /** The nodes that read each value, by value id; a node stands once per operand position. */
  get uses(): readonly (readonly Node[])[] {
    if (!this.#uses) {
      const u: Node[][] = Array.from({ length: this.valueCount }, () => []);
      for (const n of this.nodes) for (const v of n.inputs) u[v.id].push(n);
      this.#uses = u;
    }
    return this.#uses;
  }

  /** The graph's text (see print.ts); set there to keep this file free of printing. */
  toString(): string {
    return Graph.printer(this);
  }

  static printer: (g: Graph) => string = (g) => `func @${g.name}`;
}
