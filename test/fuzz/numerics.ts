// What may be expected of float32 where the reference computes in float64: which values are exact,
// where a decision (a comparison, a rounding, the place of a maximum) hangs on the last bits, and how
// far rounding can carry a result.

import type { Graph, Node } from '../../ir/graph.ts';
import type { NDArray } from '../../ir/ndarray.ts';
import { isFloat } from '../../ir/types.ts';
import { randomFrom } from '../helpers.ts';

/** The reference's value, and whether float32 arithmetic must give exactly it. */
export interface Known {
  readonly array: NDArray;
  readonly exact: boolean;
}

/** Results that are one of the operands' elements, or a truth about them. */
const selecting = new Set([
  'neg',
  'abs',
  'sign',
  'floor',
  'ceil',
  'trunc',
  'round',
  'max',
  'min',
  'eq',
  'ne',
  'lt',
  'le',
  'gt',
  'ge',
  'select',
  'is_nan',
  'is_inf',
  'is_finite',
  'stop_gradient',
  'reduce_max',
  'reduce_min',
  'arg_max',
  'arg_min',
  'relu',
  'relu6',
  'one_hot',
  'reduce_window_max',
  'window_max_pick',
  'gather',
  'read',
  'assign',
  'bitcast',
  'convert',
  'constant',
  'iota',
  'broadcast',
  'reshape',
  'transpose',
  'slice',
  'pad',
  'concat',
  'reverse',
  'cumulative_max',
  'cumulative_min',
  'sort',
  'top_k',
  'search_sorted',
  'rng_bits',
  'random_uniform',
  'random_bernoulli',
  'optimization_barrier',
  'scatter_set',
  'scatter_max',
  'scatter_min',
]);
/** Ops that sum products or elements of their operands. */
export const summing = new Set([
  'reduce_sum',
  'dot_general',
  'conv',
  'conv_filter_grad',
  'reduce_window_sum',
  'scatter_add',
  'window_max_grad',
  'cumulative_sum',
  'linear_recurrence',
]);
const rounding = new Set(['add', 'sub', 'mul', 'square', 'squared_difference']);

/** Integers below this add up in float32 without rounding. */
const EXACT_SUM = 2 ** 23;
const all = (a: NDArray, f: (x: number) => boolean): boolean => a.data.every(f);

/** Does float32 arithmetic give exactly what the reference gives? */
export function isExact(n: Node, inputs: readonly Known[], outputs: readonly NDArray[]): boolean {
  const [{ dtype }] = n.outputs.map((o) => o.type);
  if (!inputs.every((x) => x.exact)) return false;
  if (!isFloat(dtype)) return true;
  if (n.op.name === 'convert') return all(outputs[0], (x) => Object.is(Math.fround(x), x));
  if (selecting.has(n.op.name)) return true;
  if (rounding.has(n.op.name)) return all(outputs[0], (x) => Math.fround(x) === x && Math.abs(x) < EXACT_SUM);
  if (transformed(n)) return false;
  if (summing.has(n.op.name)) {
    const whole = inputs.every((x) => !isFloat(x.array.dtype) || all(x.array, Number.isInteger));
    return (
      whole &&
      all(
        magnitudes(
          n,
          inputs.map((x) => x.array),
        )[0],
        (x) => x < EXACT_SUM,
      )
    );
  }
  return false;
}

/** May the convolution run by Winograd's algorithm, whose transforms round? */
function transformed(n: Node): boolean {
  if (n.op.name !== 'conv' && n.op.name !== 'conv_filter_grad') return false;
  const kernel = (n.op.name === 'conv' ? n.inputs[1] : n.outputs[0]).type.shape;
  return kernel.length === 4 && kernel[0] === 3 && kernel[1] === 3 && kernel.slice(2).every((c) => (c as number) >= 8);
}

/** A summing op on absolute values: the scale of its rounding errors. */
export function magnitudes(n: Node, inputs: readonly NDArray[]): readonly NDArray[] {
  const sums = absoluteSums(n, inputs);
  if (!transformed(n)) return sums;
  // Errors of a tile are those of all its elements.
  return sums.map((a) => {
    const largest = a.data.reduce((m, x) => Math.max(m, x), 0);
    return { ...a, data: a.data.map(() => largest) };
  });
}

function absoluteSums(n: Node, inputs: readonly NDArray[]): readonly NDArray[] {
  const abs = inputs.map((a, i) => {
    // The first operand of window_max_grad decides places only, as indices do.
    if (!isFloat(a.dtype) || (n.op.name === 'window_max_grad' && i === 0)) return a;
    return { ...a, data: a.data.map(Math.abs) };
  });
  return n.op.reference(
    abs,
    n.attrs,
    n.outputs.map((o) => o.type),
  );
}

/** Relative distance below which a decision on rounded values is a matter of luck. */
const CLOSE = 2e-4;
const close = (x: number, y: number, scale: number): boolean =>
  x !== y && Math.abs(x - y) <= CLOSE * Math.max(scale, Math.abs(x), Math.abs(y));

/** Does a decision of this node hang on the last bits of rounded operands? */
export function isRisky(n: Node, inputs: readonly Known[]): boolean {
  // A product that overflows on the way to its zero is no number in float32.
  if (n.op.name === 'reduce_prod') return inputs[0].array.data.reduce((p, x) => p * Math.max(1, Math.abs(x)), 1) > 1e30;
  if (inputs.every((x) => x.exact)) return false;
  const [a, b] = inputs.map((x) => x.array);
  const scale = a?.data.length ? mean(a) : 0;
  switch (n.op.name) {
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return a.data.some((x, i) => close(x, b.data[i], scale * 0.1));
    case 'sign':
      return a.data.some((x) => close(x, 0, scale * 0.1));
    case 'floor':
    case 'ceil':
    case 'trunc':
      return a.data.some((x) => Math.abs(x - Math.round(x)) < CLOSE * (1 + Math.abs(x)));
    case 'round':
      return a.data.some((x) => Math.abs(x - Math.floor(x) - 0.5) < CLOSE * (1 + Math.abs(x)));
    case 'convert':
      return isFloat(a.dtype) && !isFloat(n.outputs[0].type.dtype);
    case 'rem':
    case 'bitcast':
    case 'arg_max':
    case 'arg_min':
    case 'sort':
    case 'top_k':
    case 'search_sorted':
    case 'window_max_grad':
    case 'window_max_pick':
      return !inputs[0].exact || (n.op.name === 'rem' && !inputs[1].exact);
    case 'atan2':
      return a.data.some((y, i) => b.data[i] < CLOSE && Math.abs(y) < CLOSE);
    default:
      return false;
  }
}
const mean = (a: NDArray): number => a.data.reduce((s, x) => s + Math.abs(x), 0) / a.data.length;

/** How a node's outputs come from what is known of its operands. */
type Knowing = (n: Node, inputs: readonly Known[]) => Known[];

/** Every value of a graph, by value id. */
function walk(g: Graph, inputs: readonly Known[], knowing: Knowing): Known[] {
  const known = new Array<Known>(g.valueCount);
  g.params.forEach((p, i) => {
    known[p.id] = inputs[i];
  });
  for (const n of g.nodes)
    for (const [i, k] of knowing(
      n,
      n.inputs.map((v) => known[v.id]),
    ).entries())
      known[n.outputs[i].id] = k;
  return known;
}
const given = (inputs: readonly NDArray[]): Known[] => inputs.map((array) => ({ array, exact: true }));

/** Every value of a graph by the reference, by value id. */
export const knowAll = (g: Graph, inputs: readonly NDArray[]): Known[] => walk(g, given(inputs), know);

/** The outputs of one node. */
export function know(n: Node, inputs: readonly Known[]): Known[] {
  if (n.regions.length) return knowControl(n, inputs, know);
  const arrays = inputs.map((x) => x.array);
  const out = n.op.reference(
    arrays,
    n.attrs,
    n.outputs.map((o) => o.type),
  );
  const exact = isExact(n, inputs, out);
  return out.map((array) => ({ array, exact }));
}

/** Control flow: its regions run node by node as well. */
function knowControl(n: Node, inputs: readonly Known[], knowing: Knowing): Known[] {
  const exact = new WeakMap<NDArray, boolean>(inputs.map((x) => [x.array, x.exact]));
  // Slices and stacks are new arrays: exact while everything is.
  let all = inputs.every((x) => x.exact);
  const run = (r: number, xs: readonly NDArray[]) => {
    const region = n.regions[r] ?? n.regions[n.regions.length - 1];
    const known = walk(
      region,
      xs.map((array) => ({ array, exact: exact.get(array) ?? all })),
      knowing,
    );
    const results = region.results.map((v) => known[v.id]);
    for (const k of results) {
      exact.set(k.array, k.exact);
      all &&= k.exact;
    }
    return results.map((k) => k.array);
  };
  const types = n.outputs.map((o) => o.type);
  const out = n.op.reference(
    inputs.map((x) => x.array),
    n.attrs,
    types,
    run,
    n.regions.length,
  );
  return out.map((array) => ({ array, exact: exact.get(array) ?? all }));
}

/** Relative error put on every rounded result: several units in the last place of float32. */
const NOISE = 2 ** -22;

/** The graph's results with random errors of float32's size put on everything that float32 rounds. */
function noisyRun(g: Graph, inputs: readonly NDArray[], seed: number): Known[] {
  const random = randomFrom(seed);
  const noise = () => (random() < 0.5 ? -1 : 1) * (0.5 + random() / 2) * NOISE;
  const noisy = (n: Node, xs: readonly Known[]): Known[] => {
    if (n.regions.length) return knowControl(n, xs, noisy);
    return know(n, xs).map((k, i) =>
      k.exact || selecting.has(n.op.name) || !isFloat(n.outputs[i].type.dtype) ? k : disturbed(n, k, xs, noise),
    );
  };
  const known = walk(g, given(inputs), noisy);
  return g.results.map((r) => known[r.id]);
}

function disturbed(n: Node, k: Known, xs: readonly Known[], noise: () => number): Known {
  if (n.op.name === 'fft') return disturbedFft(k, xs, noise);
  const sums = summing.has(n.op.name)
    ? magnitudes(
        n,
        xs.map((x) => x.array),
      )[0].data
    : null;
  // Equal numbers added one by one err in one direction: the error grows with their number.
  const most = Math.max(...xs.map((x) => x.array.data.length));
  const many = sums ? Math.max(1, most / Math.max(1, sums.length) / 64) : 1;
  // The definitions of the gamma functions cancel near their zeros: they are good to about 1e-15 there.
  const floor = n.op.name === 'lgamma' || n.op.name === 'digamma' ? 1e-8 : 1e-37;
  const data = k.array.data.map((x, i) => x + noise() * (Math.abs(x) + (sums ? sums[i] * many : 0) + floor));
  return { array: { ...k.array, data }, exact: false };
}

/** A transform sums its whole row, with weights of size 1: the row's elements are the scale of the errors. */
function disturbedFft(k: Known, xs: readonly Known[], noise: () => number): Known {
  const n = k.array.shape[k.array.shape.length - 1];
  const data = k.array.data.map((x, i) => {
    const from = i - (i % n);
    const row = xs.reduce(
      (s, { array }) => s + array.data.subarray(from, from + n).reduce((t, v) => t + Math.abs(v), 0),
      0,
    );
    return x + noise() * (Math.abs(x) + row);
  });
  return { array: { ...k.array, data }, exact: false };
}

/** How far each element of each result may be off; 0 where it must be exact. */
export function tolerances(
  g: Graph,
  inputs: readonly NDArray[],
  want: readonly ArrayLike<number>[],
  runs = 4,
): Float64Array[] {
  const tol = want.map((w) => new Float64Array(w.length));
  const exact = new Array<boolean>(want.length).fill(true);
  for (let k = 0; k < runs; k++)
    noisyRun(g, inputs, 1000 + k).forEach((r, j) => {
      exact[j] &&= r.exact;
      r.array.data.forEach((x, i) => {
        const d = x === want[j][i] ? 0 : Math.abs(x - want[j][i]);
        // A NaN that only errors bring about says nothing about this element.
        tol[j][i] = Math.max(
          tol[j][i],
          Number.isNaN(d) && !Number.isNaN(want[j][i]) ? Number.POSITIVE_INFINITY : d || 0,
        );
      });
    });
  return tol.map((t, j) => {
    // An expansion rounds its constants: exact as written, and not quite what the op is defined as.
    if ((exact[j] && t.every((d) => d === 0)) || !isFloat(g.results[j].type.dtype)) return t.fill(0);
    const finite = t.filter(Number.isFinite);
    const average = finite.reduce((s, x) => s + x, 0) / Math.max(1, finite.length);
    // An infinity is exact, or means nothing.
    return t.map((d, i) =>
      Math.abs(want[j][i]) === Number.POSITIVE_INFINITY ? d : 8 * d + 2 * average + 2e-6 * Math.abs(want[j][i]) + 1e-37,
    );
  });
}
