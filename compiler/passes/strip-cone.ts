// What a stage of `strips` computes in a block: the operations between its sinks and the values from outside,
// with each axis of each value traced to the axis of the square value that it runs along, so that the same
// operations can be written for a part of that axis.

import type { Builder } from '../../ir/builder.ts';
import type { Node, Val, Value } from '../../ir/graph.ts';
import { dtypeAttr, intsAttr, numAttr, pairsAttr } from '../../ir/op.ts';
import { shapeEq } from '../../ir/types.ts';
import { opCost } from '../lower/rows.ts';
import { splatOf } from '../rewrite/rules.ts';
import type { Chain, Squares, Stage } from './strip-chains.ts';

/** For each axis of a value the axis of the square value that it runs along, or -1. */
export type Tags = readonly number[];

/** A value, read along certain axes. */
export interface Item {
  readonly value: Value;
  readonly tags: Tags;
  /** What it is computed from; null where it comes from outside. */
  readonly operands: readonly Item[] | null;
}

/** What a stage computes and gives. */
export interface Cone {
  readonly items: readonly Item[];
  readonly leaves: readonly Item[];
  readonly outputs: readonly Item[];
  /** Products that make square values. */
  readonly roots: readonly Node[];
  /** Axes along which something is counted. */
  readonly counted: ReadonlySet<number>;
}

/** Something in the way that is not understood: the chain stays as it is. */
export class Unknown extends Error {}

/** The operations of a stage; `stored` are row values that an earlier stage gives. */
export function coneOf(q: Squares, chain: Chain, stage: Stage, stored: (v: Value) => boolean): Cone {
  return new ConeFinder(q, chain, stored).find(stage);
}

const isSplat = (v: Value): boolean => splatOf(v) !== undefined;
const shapeOf = (v: Value): readonly number[] => v.type.shape as readonly number[];

class ConeFinder {
  readonly q: Squares;
  readonly chain: Chain;
  readonly stored: (v: Value) => boolean;
  readonly #items = new Map<string, Item>();
  readonly #identity: Tags;

  constructor(q: Squares, chain: Chain, stored: (v: Value) => boolean) {
    this.q = q;
    this.chain = chain;
    this.stored = stored;
    this.#identity = this.#drop(
      chain.shape.map((_, i) => i),
      chain.shape,
    );
  }

  /** Axes of one element run along nothing. */
  #drop(tags: Tags, shape: readonly number[]): Tags {
    return tags.map((t, i) => (shape[i] === 1 ? -1 : t));
  }

  find(stage: Stage): Cone {
    const outputs = [...stage.sinks.map((n) => this.sink(n)), ...stage.rows.map((v) => this.row(v))];
    const items = [...this.#items.values()].sort((a, b) => a.value.id - b.value.id);
    const roots = items.flatMap(({ value, operands }) =>
      operands && value.node?.op.name === 'dot_general' && this.inChain(value) ? [value.node] : [],
    );
    const counted = items.flatMap(({ value, tags }) =>
      value.node?.op.name === 'iota' ? [tags[numAttr(value.node.attrs, 'axis')]] : [],
    );
    const leaves = items.filter((i) => i.operands === null);
    for (const l of leaves) this.checkLeaf(l);
    return { items: items.filter((i) => i.operands), leaves, outputs, roots, counted: new Set(counted) };
  }

  inChain(v: Value): boolean {
    return this.q.chainOf(v) === this.chain;
  }

  /** A square value that is computed elsewhere would have to be stored for this. */
  checkLeaf({ value, tags }: Item): void {
    const { node } = value;
    if (!node || node.op.name === 'constant' || node.op.kind === 'state') return;
    const runs = (axis: number) => this.chain.shape[axis] === 1 || tags.includes(axis);
    if (this.chain.shape.every((_, axis) => runs(axis))) throw new Unknown(node.op.name);
  }

  /** A product that consumes a square value. */
  sink(n: Node): Item {
    const rank = this.chain.shape.length;
    const at = this.inChain(n.inputs[0]) ? 0 : 1;
    const batch = pairsAttr(n.attrs, 'batch');
    const contract = pairsAttr(n.attrs, 'contract');
    const axes = this.chain.shape.map((_, i) => i);
    const alongBatch = batch[at].join() === axes.slice(0, rank - 2).join();
    if (!alongBatch || contract[at].length !== 1 || contract[at][0] < rank - 2) throw new Unknown(n.op.name);
    const other = n.inputs[1 - at];
    const tags = shapeOf(other).map((_, i) => {
      const b = batch[1 - at].indexOf(i);
      return b >= 0 ? batch[at][b] : contract[1 - at][0] === i ? contract[at][0] : -1;
    });
    const operands = [this.item(n.inputs[at], this.#identity), this.item(other, tags)];
    const free = contract[at][0] === rank - 1 ? rank - 2 : rank - 1;
    const rest = shapeOf(other).length - batch[at].length - 1;
    const outer = axes.slice(0, rank - 2);
    const others: Tags = new Array<number>(rest).fill(-1);
    const out = at === 0 ? [...outer, free, ...others] : [...outer, ...others, free];
    const item = {
      value: n.outputs[0],
      tags: this.#drop(out, shapeOf(n.outputs[0])),
      operands: at === 0 ? operands : operands.toReversed(),
    };
    this.#items.set(`${item.value.id}:sink`, item);
    return item;
  }

  /** A row value that is read outside, along the rows that it has by its reduction. */
  row(v: Value): Item {
    return this.item(v, this.rowTags(v));
  }
  rowTags(v: Value): Tags {
    let x = v;
    // All members of the chain that it is computed from run along the same rows.
    for (;;) {
      const n = x.node as Node;
      if (n.op.kind === 'reduce') break;
      x = n.inputs.find((i) => this.inChain(i)) as Value;
    }
    const rows = this.chain.shape.slice(0, -1).flatMap((d, i) => (d === 1 ? [] : [i]));
    const shape = shapeOf(v);
    const long = shape.flatMap((d, i) => (d === 1 ? [] : [i]));
    if (long.length !== rows.length || long.some((i, k) => shape[i] !== this.chain.shape[rows[k]]))
      throw new Unknown(v.node?.op.name);
    return shape.map((_, i) => (long.includes(i) ? rows[long.indexOf(i)] : -1));
  }

  item(value: Value, given: Tags): Item {
    const tags = this.#drop(given, shapeOf(value));
    const key = `${value.id}:${tags.join()}`;
    const known = this.#items.get(key);
    if (known) return known;
    const inputs = this.isOutside(value, tags) ? null : this.operandTags(value.node as Node, tags);
    if (!inputs && this.inChain(value) && !this.stored(value)) throw new Unknown(value.node?.op.name);
    const operands = inputs && (value.node as Node).inputs.map((v, i) => this.item(v, inputs[i]));
    const item = { value, tags, operands };
    this.#items.set(key, item);
    return item;
  }

  /** Is the value taken from outside, and not computed in each block? */
  isOutside(v: Value, tags: Tags): boolean {
    if (this.inChain(v)) return this.stored(v);
    const n = v.node;
    if (!n) return true;
    if (isSplat(v) || n.op.name === 'iota' || n.op.name === 'broadcast') return false;
    const rank = this.chain.shape.length;
    const flat = !tags.includes(rank - 1) || !tags.includes(rank - 2);
    return flat || (n.op.kind !== 'view' && (n.op.kind !== 'elementwise' || opCost(n) >= 8));
  }

  /** Along which axes the node's operands are read; null where that cannot be said. */
  operandTags(n: Node, tags: Tags): readonly Tags[] | null {
    if (n.op.kind === 'elementwise') return n.inputs.map(() => tags);
    if (n.op.kind === 'reduce') {
      const { shape } = this.chain;
      const same = shape.slice(0, -1).every((d, i) => d === 1 || tags[i] === i);
      return same && shapeEq(n.inputs[0].type.shape, shape) ? [this.#identity] : null;
    }
    switch (n.op.name) {
      case 'constant':
      case 'iota':
        return [];
      case 'broadcast': {
        const [from, to] = [shapeOf(n.inputs[0]), shapeOf(n.outputs[0])];
        return [intsAttr(n.attrs, 'dims').map((d, i) => (from[i] === to[d] ? tags[d] : -1))];
      }
      case 'transpose': {
        const perm = intsAttr(n.attrs, 'perm');
        return [perm.map((_, axis) => tags[perm.indexOf(axis)])];
      }
      case 'reshape':
        return unsqueezed(shapeOf(n.inputs[0]), shapeOf(n.outputs[0]), tags);
      case 'dot_general':
        return this.inChain(n.outputs[0]) && tags.join() === this.#identity.join() ? this.factorTags(n) : null;
      default:
        return null;
    }
  }

  factorTags(n: Node): Tags[] {
    const rank = this.chain.shape.length;
    const batch = pairsAttr(n.attrs, 'batch');
    const contract = pairsAttr(n.attrs, 'contract');
    return n.inputs.map((v, k) =>
      shapeOf(v).map((_, i) => {
        const b = batch[k].indexOf(i);
        return b >= 0 ? b : contract[k].includes(i) ? -1 : rank - 2 + k;
      }),
    );
  }
}

/** Axes through a reshape that only adds or takes away axes of one element. */
function unsqueezed(from: readonly number[], to: readonly number[], tags: Tags): readonly Tags[] | null {
  const long = (s: readonly number[]) => s.flatMap((d, i) => (d === 1 ? [] : [i]));
  const [a, b] = [long(from), long(to)];
  if (a.length !== b.length || a.some((i, k) => from[i] !== to[b[k]])) return null;
  return [from.map((_, i) => (a.includes(i) ? tags[b[a.indexOf(i)]] : -1))];
}

/** A value's shape in a block, given the block's extent along each axis of the square value. */
export const blockShape = (i: Item, sizes: readonly number[]): number[] =>
  shapeOf(i.value).map((d, k) => (i.tags[k] >= 0 ? sizes[i.tags[k]] : d));

/**
 * Writes a stage's operations for a block.
 * @param sizes the block's extent along each axis of the square value
 * @param starts where it starts along each axis along which something is counted (i32 scalars)
 * @param leaves the parts of the values from outside, in the order of `cone.leaves`
 */
export function writeCone(
  b: Builder,
  cone: Cone,
  sizes: readonly number[],
  starts: ReadonlyMap<number, Val>,
  leaves: readonly Val[],
): Val[] {
  const at = new Map<Item, Val>(cone.leaves.map((l, i) => [l, leaves[i]]));
  for (const item of cone.items) {
    const n = item.value.node as Node;
    const inputs = (item.operands as readonly Item[]).map((o) => at.get(o) as Val);
    const shape = blockShape(item, sizes);
    const attrs = 'shape' in n.attrs ? { ...n.attrs, shape } : n.attrs;
    const [v] = b.emit(n.op, inputs, attrs);
    const start = n.op.name === 'iota' ? starts.get(item.tags[numAttr(n.attrs, 'axis')]) : undefined;
    at.set(item, start ? b.add(v, b.broadcastTo(b.convert(start, dtypeAttr(n.attrs, 'dtype')), shape)) : v);
  }
  return cone.outputs.map((o) => at.get(o) as Val);
}
