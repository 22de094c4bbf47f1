// The only constructor of graphs: infers and checks types, and interns pure nodes (the same op on
// the same operands is one node), so a graph is born with common subexpressions merged.

import { Emitter } from './emit.ts';
import { SinterError } from './errors.ts';
import { type Attrs, Graph, Node, type Val, Value } from './graph.ts';
import { attrsKey, inferTypes, type OpDef } from './op.ts';
import type { TensorType } from './types.ts';

export class Builder extends Emitter {
  readonly name: string;
  #params: Value[] = [];
  #nodes: Node[] = [];
  #nextValue = 0;
  #interned = new Map<string, Node>();
  #built = false;

  constructor(name: string) {
    super();
    this.name = name;
  }

  param(type: TensorType, name: string): Value {
    const v = new Value(this.#nextValue++, type, this.#params.length, name);
    this.#params.push(v);
    return v;
  }

  override emit(
    op: OpDef,
    inputs: readonly Val[],
    attrs: Attrs = {},
    regions: readonly Graph[] = [],
  ): readonly Value[] {
    return this.#add(op, inputs as readonly Value[], attrs, regions);
  }

  /** Appends a copy of a node of another graph on new operands. */
  copy(n: Node, inputs: readonly Value[]): readonly Value[] {
    return this.#add(n.op, inputs, n.attrs, n.regions, n);
  }

  /** @param like a node of the same op, attributes and regions: what is known of it is not computed again */
  #add(op: OpDef, inputs: readonly Value[], attrs: Attrs, regions: readonly Graph[], like?: Node): readonly Value[] {
    if (this.#built) throw new SinterError(`the graph ${this.name} is finished; nothing can be added to it`);
    const pure = !op.effect && regions.length === 0;
    const text = pure ? (like?.attrsText ?? attrsKey(attrs)) : undefined;
    const key = pure ? `${op.name}(${idsOf(inputs)}){${text}}` : '';
    if (pure) {
      const known = this.#interned.get(key);
      if (known) return known.outputs;
    }
    // Types follow from the operands' types: passes copy most nodes as they are.
    const types =
      like && sameTypes(inputs, like.inputs)
        ? like.outputs.map((o) => o.type)
        : inferTypes(
            op,
            inputs.map((v) => v.type),
            attrs,
            regions,
          );
    const outputs = types.map((t, i) => new Value(this.#nextValue++, t, i));
    const node = new Node(this.#nodes.length, op, inputs, attrs, outputs, regions, text);
    this.#nodes.push(node);
    if (pure) this.#interned.set(key, node);
    return outputs;
  }

  /** Freezes the graph; the builder takes nothing more. */
  build(results: readonly Val[]): Graph {
    this.#built = true;
    return new Graph(this.name, this.#params, this.#nodes, results as readonly Value[], this.#nextValue);
  }

  /** The graph so far with these results; the builder goes on. */
  snapshot(results: readonly Val[]): Graph {
    return new Graph(this.name, this.#params, this.#nodes, results as readonly Value[], this.#nextValue);
  }
}

/** Whether the values have the very same type objects. */
const sameTypes = (a: readonly Value[], b: readonly Value[]): boolean => a.every((v, i) => v.type === b[i].type);

function idsOf(values: readonly Value[]): string {
  let text = '';
  for (const v of values) text += `${v.id},`;
  return text;
}

/**
 * Rebuilds a graph node by node. `f` returns the new values of a node's outputs, or undefined to
 * copy it. Parameters keep their order, types and names.
 */
export function rewriteGraph(
  g: Graph,
  f: (node: Node, inputs: readonly Value[], b: Builder) => readonly Val[] | undefined,
): Graph {
  const b = new Builder(g.name);
  const map = new Array<Value>(g.valueCount);
  for (const p of g.params) map[p.id] = b.param(p.type, p.name);
  for (const n of g.nodes) {
    const inputs = n.inputs.map((v) => map[v.id]);
    const out = f(n, inputs, b) ?? b.copy(n, inputs);
    n.outputs.forEach((o, i) => {
      map[o.id] = out[i] as Value;
    });
  }
  return b.build(g.results.map((r) => map[r.id]));
}
