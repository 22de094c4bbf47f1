// If, Loop and Scan: their graphs become regions of one operation where that can be, and JavaScript's control flow where
// what decides is known.

import { ShapeError } from '../../../ir/errors.ts';
import { b, fixed, inverse, range } from '../../formats/functions.ts';
import { isReadable } from '../../formats/graph-function.ts';
import { context } from '../../trace/context.ts';
import { cond, scanLoop, whileLoop } from '../../trace/control.ts';
import { stack } from '../../trace/ops/shape.ts';
import { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type OnnxGraph, type OnnxValue, type Operator } from '../call.ts';

const tensors = (c: Call, values: readonly OnnxValue[]): Tensor[] =>
  values.map((v) => {
    if (v instanceof Tensor) return v;
    throw c.refuse('a sequence or optional value is carried through a loop whose length depends on elements');
  });

/** The only element as a scalar; one that is known stays so in a trace. */
const single = (x: Tensor): Tensor =>
  x.rank && isReadable(x) && x.size === 1 ? fixed(x.elements(), [], x.type.dtype) : b.reshape(x, []);

function branch(c: Call): OnnxValue[] {
  const p = single(c.x(0));
  const run = (name: string) => () => c.runGraph(c.graph(name), []);
  if (isReadable(p)) return run(p.elements()[0] ? 'then_branch' : 'else_branch')();
  return cond(p, run('then_branch') as () => unknown, run('else_branch') as () => unknown) as OnnxValue[];
}

const scalar = (x: number, dtype: 'i32' | 'bool') => fixed([x], [], dtype);
const nothing = (c: Call, g: OnnxGraph, n: number): OnnxValue[] => {
  const { outputs } = g.body;
  throw c.refuse(`the loop runs ${n} times, so the shape of '${outputs.at(-1)}' is not known`);
};

/** What a body of a Loop gives: whether it goes on, what is carried, what is stacked. */
function split(c: Call, out: readonly OnnxValue[], carried: number) {
  const [more] = tensors(c, out.slice(0, 1));
  return { more, state: out.slice(1, 1 + carried), rows: tensors(c, out.slice(1 + carried)) };
}

/** The loop in JavaScript: every decision is known. */
function unrolled(c: Call, g: OnnxGraph, most: number, first: boolean, start: readonly OnnxValue[]): OnnxValue[] {
  let state = start;
  let more = first;
  const stacked: Tensor[][] = [];
  let n = 0;
  for (; n < most && more; n++) {
    const now = split(c, c.runGraph(g, [scalar(n, 'i32'), scalar(1, 'bool'), ...state]), start.length);
    if (!isReadable(now.more))
      throw c.refuse('whether the loop goes on depends on elements, and what it carries changes its shape');
    more = now.more.elements()[0] !== 0;
    state = now.state;
    stacked.push(now.rows);
  }
  const rows = g.body.outputs.length - 1 - start.length;
  if (n === 0 && rows > 0) return emptyRows(c, g, start);
  return [...state, ...range(rows).map((i) => stack(stacked.map((s) => s[i])))];
}

/** A loop of no runs: its rows have the shapes that a run would give. */
function emptyRows(c: Call, g: OnnxGraph, start: readonly OnnxValue[]): OnnxValue[] {
  try {
    const { rows } = split(c, c.runGraph(g, [scalar(0, 'i32'), scalar(1, 'bool'), ...start]), start.length);
    return [...start, ...rows.map((t) => b.splat({ dtype: t.type.dtype, shape: [0, ...t.shape] }, 0))];
  } catch {
    return nothing(c, g, 0);
  }
}

/** The loop does not always run as often as it may. */
class NotCounted extends Error {}

/** A loop of a known number of runs as one operation. */
function counted(c: Call, g: OnnxGraph, most: number, start: readonly Tensor[]): OnnxValue[] {
  const [state, rows] = scanLoop<Tensor[], Tensor, Tensor[]>(
    (carried, i) => {
      const now = split(c, c.runGraph(g, [i, scalar(1, 'bool'), ...carried]), start.length);
      if (!isReadable(now.more) || !now.more.elements()[0]) throw new NotCounted();
      return [tensors(c, now.state), now.rows];
    },
    [...start],
    most,
  );
  return [...state, ...rows];
}

/** A loop whose number of runs is found while it runs. */
function openEnded(
  c: Call,
  g: OnnxGraph,
  most: Tensor | undefined,
  first: Tensor,
  start: readonly Tensor[],
): OnnxValue[] {
  if (g.body.outputs.length - 1 > start.length)
    throw c.refuse(
      'it stacks values of a number of runs that depends on elements, so shapes are not known',
      'run the model eagerly (model.execute outside of traced functions)',
    );
  const limit = most && isReadable(most) ? most.elements()[0] : undefined;
  const out = whileLoop<[Tensor, Tensor, ...Tensor[]]>(
    (i, more, ..._state) => (most && limit === undefined ? b.and(more, b.compare('lt', i, most)) : more),
    (i, _more, ...state) => {
      const now = split(c, c.runGraph(g, [i, scalar(1, 'bool'), ...state]), start.length);
      return [b.add(i, 1), b.reshape(now.more, []), ...tensors(c, now.state)];
    },
    [scalar(0, 'i32'), first, ...start],
    limit === undefined ? {} : { maximumIterations: limit },
  );
  return out.slice(2);
}

/** Runs so small that writing them out is no burden, where the loop cannot be one operation. */
const mostUnrolled = 10_000;

function loop(c: Call): OnnxValue[] {
  const g = c.graph('body');
  const most = c.maybe(0) && single(c.x(0));
  const first = c.maybe(1) ? single(c.x(1)) : scalar(1, 'bool');
  const start = c.operands.slice(2).map((v, i) => v ?? c.x(i + 2));
  if (g.body.outputs.length <= start.length)
    throw c.wrong(`its graph gives ${g.body.outputs.length} value(s), and carries ${start.length}`);
  const known = (!most || isReadable(most)) && isReadable(first);
  const limit = known ? (most?.elements()[0] ?? Number.POSITIVE_INFINITY) : 0;
  if (known && (!context.trace || !first.elements()[0] || limit <= 0))
    return unrolled(c, g, limit, first.elements()[0] !== 0, start);
  if (known && Number.isFinite(limit)) {
    try {
      if (start.every((v) => v instanceof Tensor)) return counted(c, g, limit, start);
      return unrolled(c, g, limit, true, start);
    } catch (e) {
      // What it carries changes its shape, or it may end early.
      if (e instanceof ShapeError && limit <= mostUnrolled) return unrolled(c, g, limit, true, start);
      if (!(e instanceof NotCounted)) throw e;
    }
  }
  return openEnded(c, g, most, first, tensors(c, start));
}

/** Over slices of tensors: their number is known from the shapes. */
function scan(c: Call): OnnxValue[] {
  const g = c.graph('body');
  const old = c.version < 9;
  const count = c.number('num_scan_inputs');
  if (old) return scanBatches(c, g, count);
  return scanOnce(c, g, c.all(), count);
}

const list = (c: Call, name: string, n: number): number[] => {
  const v = c.ints(name) ?? new Array(n).fill(0);
  if (v.length !== n) throw c.refuse(`${name} has ${v.length} entries for ${n} values`);
  return v;
};

function scanOnce(c: Call, g: OnnxGraph, operands: readonly Tensor[], count: number): Tensor[] {
  const carried = operands.length - count;
  const stacked = g.body.outputs.length - carried;
  if (carried < 0 || stacked < 0) throw c.wrong('its operands and graph do not fit');
  const [inAxes, inBack] = [
    list(c, 'scan_input_axes', count),
    list(c, c.version < 9 ? 'directions' : 'scan_input_directions', count),
  ];
  const [outAxes, outBack] = [list(c, 'scan_output_axes', stacked), list(c, 'scan_output_directions', stacked)];
  const elems = operands.slice(carried).map((x, i) => {
    const axis = c.axis(inAxes[i], x.rank);
    const front = b.transpose(x, [axis, ...range(x.rank).filter((k) => k !== axis)]);
    return inBack[i] ? b.reverse(front, [0]) : front;
  });
  const [state, rows] = scanLoop<Tensor[], Tensor[], Tensor[]>(
    (s, x) => {
      const out = tensors(c, c.runGraph(g, [...s, ...x]));
      return [out.slice(0, carried), out.slice(carried)];
    },
    [...operands.slice(0, carried)],
    elems,
  );
  const placed = rows.map((y, i) => {
    const turned = outBack[i] ? b.reverse(y, [0]) : y;
    const axis = c.axis(outAxes[i], y.rank);
    return b.transpose(turned, inverse([axis, ...range(y.rank).filter((k) => k !== axis)]));
  });
  return [...state, ...placed];
}

/** Version 8: everything has a batch axis in front, and may have lengths. */
function scanBatches(c: Call, g: OnnxGraph, count: number): Tensor[] {
  if (c.maybe(0)) throw c.refuse('sequence_lens of Scan 8', 'export it with a newer operator set');
  const operands = c.operands.slice(1).map((_, i) => c.x(i + 1));
  const runs = range(operands[0]?.shape[0] ?? 0).map((k) => {
    const own = operands.map((x) =>
      b.reshape(b.slice(x, [k, ...x.shape.slice(1).map(() => 0)], [1, ...x.shape.slice(1)]), x.shape.slice(1)),
    );
    return scanOnce(c, g, own, count);
  });
  if (runs.length === 0) throw c.refuse('a batch of none');
  return runs[0].map((_, i) => stack(runs.map((r) => r[i])));
}

export const control: readonly Operator[] = [
  define('If', 1, branch, { list: true }),
  define('Loop', 1, loop, { list: true }),
  define('Scan', 8, scan, { list: true }),
];
