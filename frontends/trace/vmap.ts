// tf.vmap: a function of one element as a function of many. The function is traced once, on the type of
// one element, and its graph is written on all of them (compiler/vmap).

import { BatchEmitter } from '../../compiler/vmap/emitter.ts';
import { fromFront, type Lane, mapped, shared, spread, toFront } from '../../compiler/vmap/lane.ts';
import { ArgumentError, ShapeError, TraceError } from '../../ir/errors.ts';
import type { Val, Value } from '../../ir/graph.ts';
import { nodesFor, writeNodes } from '../../ir/region.ts';
import { type TensorType, tensorType, typeText } from '../../ir/types.ts';
import { assignAll, type Body, sharedBy, traceBody, valuesOf } from './body.ts';
import { emitter, operandOf } from './dispatch.ts';
import type { AnyFunction } from './func.ts';
import { flattenTensors, pack, type Tree } from './nest.ts';
import { functionArg } from './ops/common.ts';
import type { Tensor } from './tensor.ts';

/** An axis, null for what is the same for all elements, or a structure of them. */
export type Axes = number | null | readonly Axes[] | { readonly [key: string]: Axes };

export interface VmapOptions {
  /**
   * Which axis of the arguments runs over the elements: one for all, or an array with one entry an argument,
   * each one axis or structured as the argument. null: every element gets all of it. Default 0.
   */
  readonly inAxes?: Axes;
  /** Where that axis stands in the results, one for all or structured as they are. null: they are the same for all. */
  readonly outAxes?: Axes;
}

const op = 'vmap';
const isAxis = (a: Axes): a is number | null => a === null || typeof a === 'number';

/** The axis of each tensor of a structure, in the order of its leaves. */
function axesOf(axes: Axes, tree: Tree, what: string, out: (number | null)[] = []): (number | null)[] {
  const mismatch = (want: string) =>
    new ArgumentError(
      `${what} is ${typeof axes === 'object' ? JSON.stringify(axes) : String(axes)}, where the structure has ${want}`,
      {
        op,
        fix: 'give one axis for all, or axes in the structure of the tensors',
      },
    );
  if (axes === undefined) throw mismatch('a further part');
  if (isAxis(axes) && axes !== null && !Number.isInteger(axes))
    throw new ArgumentError(`${what} must be a whole number or null, not ${axes}`, {
      op,
      fix: 'give the number of an axis',
    });
  switch (tree.kind) {
    case 'leaf':
      if (!isAxis(axes)) throw mismatch('one tensor');
      out[tree.index] = axes;
      break;
    case 'list':
      if (!isAxis(axes) && !(Array.isArray(axes) && axes.length === tree.items.length))
        throw mismatch(`a list of ${tree.items.length}`);
      tree.items.forEach(
        (t, i) => void axesOf(isAxis(axes) ? axes : (axes as readonly Axes[])[i], t, `${what}[${i}]`, out),
      );
      break;
    case 'map':
      if (!isAxis(axes) && (Array.isArray(axes) || Object.keys(axes).some((k) => !tree.keys.includes(k))))
        throw mismatch(`the keys ${tree.keys.join(', ')}`);
      tree.items.forEach((t, i) => {
        const k = tree.keys[i];
        axesOf(isAxis(axes) ? axes : (axes as Record<string, Axes>)[k], t, `${what}.${k}`, out);
      });
      break;
    case 'complex':
      if (!isAxis(axes)) throw mismatch('one complex tensor');
      for (const t of tree.items) axesOf(axes, t, what, out);
      break;
    case 'static':
  }
  return out;
}

/** The axis counted from the front. Throws ShapeError where a tensor of that rank has none such. */
function axisIn(axis: number, rank: number, what: string, type: TensorType): number {
  if (axis >= -rank && axis < rank) return axis < 0 ? axis + rank : axis;
  throw new ShapeError(`${what} is ${axis}, out of range for ${typeText(type)}`, {
    op,
    fix:
      rank === 0
        ? 'a scalar has no axis to map over: use null, which gives it to every element'
        : `use an axis from ${-rank} to ${rank - 1}, or null for a tensor that is the same for all`,
  });
}

/** Operands as lanes: the mapped ones with the elements' axis in front; and the number of elements. */
function lanesOf(leaves: readonly Tensor[], axes: readonly (number | null)[]): { lanes: Lane[]; size: number } {
  let size: number | undefined;
  let first = '';
  const lanes = leaves.map((t, i) => {
    const axis = axes[i];
    if (axis === null) return shared(t);
    const at = axisIn(axis, t.rank, `the axis of input ${i}`, t.type);
    const n = t.shape[at];
    const here = `input ${i}, ${typeText(t.type)}, has ${n} along axis ${at}`;
    if (size !== undefined && n !== size)
      throw new ShapeError(`the sizes of the mapped axes differ: ${first}, ${here}`, {
        op,
        fix: 'map axes of one size, or give null for what is the same for all elements',
      });
    if (size === undefined) first = here;
    size = n;
    return mapped(toFront(emitter, t, at));
  });
  if (size === undefined)
    throw new ArgumentError('no tensor among the arguments is mapped', {
      op,
      fix: 'pass tensors, and give at least one of them an axis in inAxes; plain arrays are structures of arguments',
    });
  return { lanes, size };
}

/** Writes the body on all elements: lanes of its results, and of the Variables that it assigns. */
function runBody(body: Body, own: readonly Lane[], size: number): { results: Lane[]; s: ReturnType<typeof sharedBy> } {
  const s = sharedBy([body]);
  const at = new Map<Value, Val>(own.map((x, i) => [body.graph.params[i], x]));
  for (const t of s.captures) at.set(body.captures.get(t) as Value, shared(t));
  const states = [...s.read, ...s.assigned];
  const present = valuesOf(states);
  states.forEach((v, i) => void at.set(body.states.get(v)?.param as Value, shared(present[i])));
  const results = [
    ...body.graph.results.slice(0, body.given),
    ...s.assigned.map((v) => body.states.get(v)?.last as Value),
  ];
  writeNodes(new BatchEmitter(emitter, size), body.graph, at, nodesFor(results, body.graph));
  return { results: results.map((r) => at.get(r) as Lane), s };
}

/** A result with the elements' axis where it is wanted. */
function placed(x: Lane, axis: number | null, size: number, i: number): Tensor {
  if (axis === null) {
    if (!x.mapped) return x.val as Tensor;
    throw new ArgumentError(`result ${i}, ${typeText(x.type)}, differs between elements, and its out axis is null`, {
      op,
      fix: 'give it an axis in outAxes',
    });
  }
  const all = spread(emitter, size, x);
  const at = axisIn(axis, x.type.shape.length + 1, `the out axis of result ${i}`, all.type);
  return fromFront(emitter, all, at) as Tensor;
}

/**
 * The function of one element `f` as a function of many: arguments have one more axis, over the elements
 * (`inAxes`), results too (`outAxes`). Nothing is run element by element: matrix products get a batch axis,
 * convolutions more images, reductions an axis less; only what is sequential for each element (a loop that
 * runs differently often) becomes a loop over them. Arguments and results may be structures of tensors; what
 * is no tensor is given to `f` as it is. `f` may use tensors from outside and Variables, the same for all
 * elements, and may itself take gradients or be mapped; the result has gradients. A random number drawn
 * inside is the same for every element unless its key or seed is mapped.
 * Throws ShapeError for axes that are out of range or of different sizes, ArgumentError where nothing is
 * mapped or axes do not fit the structure, TraceError where `f` assigns a Variable what differs between
 * elements.
 */
export function vmap<F extends AnyFunction>(
  f: F,
  options: VmapOptions = {},
): (...args: Parameters<F>) => ReturnType<F> {
  functionArg(f, 'f', op);
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`the options must be an object, not ${String(options)}`, { op, fix: '{inAxes, outAxes}' });
  const { inAxes = 0, outAxes = 0 } = options;
  return (...args) => {
    const given: Tensor[] = [];
    const tree = flattenTensors(args, given);
    const axes = axesOf(inAxes, tree, 'inAxes');
    const { lanes, size } = lanesOf(given.map(operandOf), axes);
    const body = traceBody(
      f.name || op,
      lanes.map((x) => tensorType(x.type.dtype, x.type.shape)),
      (xs) => f(...(pack(tree, xs) as Parameters<F>)),
    );
    const { results, s } = runBody(body, lanes, size);
    const own = results.slice(0, body.given);
    results.slice(body.given).forEach((x, i) => {
      if (x.mapped)
        throw new TraceError(`the function assigns '${s.assigned[i].name}' a value that differs between elements`, {
          op,
          fix: 'return the values and assign what they are together: their mean, or sum, or one of them',
        });
    });
    assignAll(
      s.assigned,
      results.slice(body.given).map((x) => x.val as Tensor),
    );
    const places = axesOf(outAxes, body.tree, 'outAxes');
    const out = own.map((x, i) => placed(x, places[i], size, i));
    return pack(body.tree, out) as ReturnType<F>;
  };
}
