// The reference interpreter: runs a graph node by node with each op's own definition, in float64 and
// exact integers. It is the oracle that compiled programs are tested against, so it is simple, and
// shares nothing with the compiler.

import { ArgumentError, ShapeError } from '../../ir/errors.ts';
import type { Attrs, AttrValue, Graph } from '../../ir/graph.ts';
import type { NDArray } from '../../ir/ndarray.ts';
import { type Dim, isOpen, type Shape, type TensorType, typeText } from '../../ir/types.ts';

/**
 * Runs a graph. Inputs are the values of all parameters in order, those of states as plain arrays;
 * the outputs are the graph's results in order. An open batch size takes its value from the inputs.
 */
export function interpret(graph: Graph, inputs: readonly NDArray[]): NDArray[] {
  return run(graph, inputs, bindBatch(graph, inputs));
}

function run(graph: Graph, inputs: readonly NDArray[], batch: number | undefined): NDArray[] {
  checkInputs(graph, inputs, batch);
  const values = new Array<NDArray | undefined>(graph.valueCount);
  graph.params.forEach((p, i) => {
    values[p.id] = inputs[i];
  });
  const last = lastUses(graph);
  for (const n of graph.nodes) {
    const args = n.inputs.map((v) => values[v.id] as NDArray);
    const types = n.outputs.map((o) => fixType(o.type, batch));
    const runRegion = (r: number, xs: readonly NDArray[]) => run(n.regions[r] ?? n.regions.at(-1), xs, batch);
    const out = n.op.reference(args, fixAttrs(n.attrs, batch), types, runRegion, n.regions.length);
    n.outputs.forEach((o, i) => {
      values[o.id] = out[i];
    });
    for (const v of [...n.inputs, ...n.outputs]) if (last[v.id] <= n.id) values[v.id] = undefined;
  }
  return graph.results.map((r) => values[r.id] as NDArray);
}

/** The id of the last node that reads each value: -1 for none, infinite for results. */
function lastUses(graph: Graph): Float64Array {
  const last = new Float64Array(graph.valueCount).fill(-1);
  for (const n of graph.nodes) for (const v of n.inputs) last[v.id] = n.id;
  for (const r of graph.results) last[r.id] = Infinity;
  return last;
}

function checkInputs(graph: Graph, inputs: readonly NDArray[], batch: number | undefined): void {
  if (inputs.length !== graph.params.length)
    throw new ArgumentError(`takes ${graph.params.length} input(s), got ${inputs.length}`, { op: `@${graph.name}` });
  graph.params.forEach((p, i) => {
    const x = inputs[i];
    const want = fixType(p.type, batch);
    const same = x.shape.length === want.shape.length && want.shape.every((d, k) => d === x.shape[k]);
    if (x.dtype === want.dtype && same) return;
    throw new ShapeError(`input %${p.name} must be ${typeText(p.type)}, got ${x.dtype}[${x.shape}]`, {
      op: `@${graph.name}`,
    });
  });
}

/** The actual batch size: what the first open dimension of a parameter meets. */
function bindBatch(graph: Graph, inputs: readonly NDArray[]): number | undefined {
  for (const [i, p] of graph.params.entries()) {
    for (const [k, d] of p.type.shape.entries()) {
      if (!isOpen(d) || inputs[i]?.shape[k] === undefined) continue;
      const size = inputs[i].shape[k] / d.scale;
      if (Number.isInteger(size) && size <= d.bound) return size;
      throw new ShapeError(
        `axis ${k} of input %${p.name} is ${inputs[i].shape[k]}, which ${typeText(p.type)} does not take`,
        {
          op: `@${graph.name}`,
        },
      );
    }
  }
  return undefined;
}

const fixDim = (d: Dim, batch: number | undefined): Dim => (isOpen(d) ? d.scale * (batch ?? d.bound) : d);
const fixShape = (s: Shape, batch: number | undefined): Shape => (s.some(isOpen) ? s.map((d) => fixDim(d, batch)) : s);
const fixType = (t: TensorType, batch: number | undefined): TensorType => ({ ...t, shape: fixShape(t.shape, batch) });

function fixAttrs(attrs: Attrs, batch: number | undefined): Attrs {
  if (batch === undefined) return attrs;
  const isShape = (v: AttrValue): v is Shape =>
    Array.isArray(v) && v.some((x) => typeof x === 'object' && !Array.isArray(x));
  return Object.fromEntries(Object.entries(attrs).map(([k, v]) => [k, isShape(v) ? fixShape(v, batch) : v]));
}
