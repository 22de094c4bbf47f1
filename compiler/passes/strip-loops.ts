// The loops of `strips`: over batch elements, or groups of them, and over the rows of one of them.

import type { Builder } from '../../ir/builder.ts';
import type { Val } from '../../ir/graph.ts';
import { Literal } from '../../ir/literal.ts';
import { opByName } from '../../ir/op.ts';
import { buildRegion } from '../../ir/region.ts';
import { staticShape, tensorType } from '../../ir/types.ts';
import { blockShape, type Cone, type Item, writeCone } from './strip-cone.ts';

/** A loop along one axis of the square value. */
export interface Loop {
  readonly axis: number;
  readonly size: number;
  /** Extent of a run; what is left over is computed behind the loop. */
  readonly block: number;
}

/** Loops that make a block of about `elements`: along batch axes, and along the rows where one matrix is larger. */
export function planLoops(shape: readonly number[], elements: number, leastRows: number): Loop[] {
  const rank = shape.length;
  const [rows, columns] = shape.slice(-2);
  const loops: Loop[] = [];
  let left = Math.floor(elements / (rows * columns));
  for (let axis = rank - 3; axis >= 0; axis--) {
    const size = shape[axis];
    const block = left >= size ? size : evenPart(size, Math.max(1, left), 1);
    if (block < size) loops.unshift({ axis, size, block });
    left = block < size ? 1 : Math.floor(left / size);
  }
  if (rows * columns <= elements) return loops;
  const most = Math.max(leastRows, Math.floor(elements / columns));
  const block = rows <= most ? rows : evenPart(rows, most, 8);
  if (block < rows) loops.push({ axis: rank - 2, size: rows, block });
  return loops;
}

/** A part of `size` that is at most `most`: one that divides it, or the parts about equal in multiples of `step`. */
function evenPart(size: number, most: number, step: number): number {
  const parts = Array.from({ length: most }, (_, i) => most - i).filter((p) => 2 * p > most && size % p === 0);
  const divides = parts.find((p) => p % step === 0) ?? parts[0];
  if (divides) return divides;
  const runs = Math.ceil(size / most);
  return Math.max(1, Math.min(most, Math.ceil(size / runs / step) * step));
}

/** The state of a nest of loops under construction. */
interface Nest {
  readonly cone: Cone;
  readonly loops: readonly Loop[];
  readonly sizes: readonly number[];
  readonly starts: ReadonlyMap<number, Val>;
  /** In the order of the cone's. */
  readonly leaves: readonly Val[];
}

/** Writes a stage as loops over its blocks; gives its outputs. */
export function writeLoops(
  b: Builder,
  cone: Cone,
  shape: readonly number[],
  loops: readonly Loop[],
  leaves: readonly Val[],
): Val[] {
  const axes = loops.map((l) => l.axis);
  const inOrder = cone.leaves.map((l) => loopOrder(l, axes));
  const turned = cone.leaves.map((l, i): Item => ({ ...l, tags: inOrder[i].map((k) => l.tags[k]) }));
  const operands = leaves.map((v, i) => b.transpose(v, inOrder[i]));
  const body = { ...cone, leaves: turned };
  const back = (w: Builder, sizes: readonly number[], starts: ReadonlyMap<number, Val>, parts: readonly Val[]) =>
    writeCone(
      w,
      cone,
      sizes,
      starts,
      parts.map((v, i) =>
        w.transpose(
          v,
          inOrder[i].map((_, k) => inOrder[i].indexOf(k)),
        ),
      ),
    );
  return nest(b, { cone: body, loops, sizes: shape, starts: new Map(), leaves: operands }, back);
}

/** The order of a value's axes in which its parts for the runs of all loops lie one behind the other. */
function loopOrder({ value, tags }: Item, axes: readonly number[]): number[] {
  const looped = tags.flatMap((t, i) => (axes.includes(t) ? [i] : []));
  const sorted = looped.toSorted((i, j) => tags[i] - tags[j]);
  const all = tags.map((_, i) => i);
  const last = looped.at(-1) ?? -1;
  const rest = all.filter((i) => !looped.includes(i));
  const inPlace = looped.every((i, k) => i === sorted[k]) && rest.every((i) => i > last || value.type.shape[i] === 1);
  return inPlace ? all : [...sorted, ...rest];
}

type WriteBody = (
  b: Builder,
  sizes: readonly number[],
  starts: ReadonlyMap<number, Val>,
  leaves: readonly Val[],
) => Val[];

function nest(b: Builder, n: Nest, write: WriteBody): Val[] {
  const [loop, ...loops] = n.loops;
  if (!loop) return write(b, n.sizes, n.starts, n.leaves);
  const { axis, size, block } = loop;
  const runs = Math.floor(size / block);
  const rest = size - runs * block;
  const part = (from: number, extent: number): Val[] =>
    n.leaves.map((v, i) => (rest ? slicedAlong(b, v, n.cone.leaves[i].tags.indexOf(axis), from, extent) : v));
  const main = scanBlocks(b, { ...n, loops, leaves: part(0, runs * block) }, loop, write);
  if (rest === 0) return main;
  const starts = new Map(n.starts);
  if (n.cone.counted.has(axis)) starts.set(axis, b.splat(tensorType('i32', []), runs * block));
  const sizes = n.sizes.with(axis, rest);
  const tail = nest(b, { ...n, loops, sizes, starts, leaves: part(runs * block, rest) }, write);
  return n.cone.outputs.map((o, i) => {
    const at = o.tags.indexOf(axis);
    return at < 0 ? b.add(main[i], tail[i]) : b.concat([main[i], tail[i]], at);
  });
}

function slicedAlong(b: Builder, v: Val, axis: number, from: number, extent: number): Val {
  if (axis < 0) return v;
  const shape = staticShape(v.type.shape);
  return b.slice(
    v,
    shape.map((_, i) => (i === axis ? from : 0)),
    shape.with(axis, extent),
  );
}

/** One loop: slices of what runs along its axis; what does not run along it is summed. */
function scanBlocks(b: Builder, n: Nest, { axis, size, block }: Loop, write: WriteBody): Val[] {
  const { cone } = n;
  const runs = Math.floor(size / block);
  const sizes = n.sizes.with(axis, block);
  const along = (i: Item) => i.tags.includes(axis);
  const shapes = cone.leaves.map((l, i) => {
    const at = l.tags.indexOf(axis);
    const shape = staticShape(n.leaves[i].type.shape);
    return at < 0 ? shape : shape.with(at, block);
  });
  const sliced = cone.leaves.flatMap((l, i) => (along(l) ? [i] : []));
  const fixed = cone.leaves.flatMap((l, i) => (along(l) ? [] : [i]));
  const outer = [...n.starts.keys()];
  const sums = cone.outputs.flatMap((o, i) => (along(o) ? [] : [i]));
  const stacked = cone.outputs.flatMap((o, i) => (along(o) ? [i] : []));
  const blockType = (i: number) => tensorType(cone.outputs[i].value.type.dtype, blockShape(cone.outputs[i], sizes));
  const counted = cone.counted.has(axis);
  const scalar = tensorType('i32', []);
  const types = [
    ...fixed.map((i) => n.leaves[i].type),
    ...outer.map(() => scalar),
    ...sums.map(blockType),
    ...sliced.map((i) => tensorType(n.leaves[i].type.dtype, shapes[i])),
    ...(counted ? [scalar] : []),
  ];
  const region = buildRegion('strip', types, (w, params) => {
    let next = 0;
    const leaves: Val[] = new Array(cone.leaves.length);
    for (const i of fixed) leaves[i] = params[next++];
    const starts = new Map<number, Val>(outer.map((a) => [a, params[next++]]));
    const totals = sums.map(() => params[next++]);
    for (const i of sliced) leaves[i] = params[next++];
    if (counted) starts.set(axis, params[next]);
    const out = nest(w, { ...n, sizes, starts, leaves }, write);
    return [...sums.map((i, k) => w.add(totals[k], out[i])), ...stacked.map((i) => out[i])];
  });
  const operands = [
    ...fixed.map((i) => n.leaves[i]),
    ...outer.map((a) => n.starts.get(a) as Val),
    ...sums.map((i) => b.splat(blockType(i), 0)),
    ...sliced.map((i) => b.reshape(n.leaves[i], [runs, ...shapes[i]])),
    ...(counted
      ? [b.constant(Literal.of(Int32Array.from({ length: runs }, (_, i) => i * block)), tensorType('i32', [runs]))]
      : []),
  ];
  const consts = fixed.length + outer.length;
  const attrs = { length: runs, ...(consts ? { consts } : {}), carry: sums.length };
  const out = b.emit(opByName('scan'), operands, attrs, [region]);
  const whole = n.sizes.with(axis, runs * block);
  return cone.outputs.map((o, i) =>
    along(o) ? b.reshape(out[sums.length + stacked.indexOf(i)], blockShape(o, whole)) : out[sums.indexOf(i)],
  );
}
