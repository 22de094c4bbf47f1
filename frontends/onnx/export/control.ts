// Control flow of the IR as If, Loop and Scan of ONNX. Bodies see the values around them by name.

import type { Graph } from '../../../ir/graph.ts';
import { loopLayout } from '../../../ir/ops/loop-layout.ts';
import type { TensorType } from '../../../ir/types.ts';
import { range } from '../../formats/functions.ts';
import type { ToWrite } from '../schema.ts';
import { type GraphBodyWriter, type GraphWriter, type NodeWriter, sizes, typeOf } from './writer.ts';

/** A value of a body's inputs or outputs. */
const info = (name: string, t: TensorType): ToWrite<'ValueInfo'> => ({ name, type: typeOf(t, 'exportOnnx') });
const scalarType = (dtype: 'i32' | 'bool'): TensorType => ({ dtype, shape: [] });

/** Names for what a body gives: its own, even where a result is a parameter or a value from outside. */
const renamed = (w: GraphWriter, names: readonly string[]): string[] => names.map((x) => w.node('Identity', [x]));

/** A body without parameters of its own: what it uses has names. */
function closed(w: GraphWriter, g: Graph, params: readonly string[], write: GraphBodyWriter): ToWrite<'Graph'> {
  const inner = w.inner();
  const results = renamed(inner, write(inner, g, params));
  return { name: g.name, node: inner.nodes, output: results.map((x, i) => info(x, g.results[i].type)) };
}

/**
 * The body of a Loop: the number of the run, its condition and what is carried come in.
 * @param own names of what is carried, of these types
 * @param gives the condition of the next run, then what is carried to it
 */
function loopBody(
  name: string,
  inner: ReturnType<GraphWriter['inner']>,
  own: readonly string[],
  types: readonly TensorType[],
  gives: readonly string[],
): ToWrite<'Graph'> {
  const [more, ...next] = renamed(inner, gives);
  const carried = (names: readonly string[]) => names.map((v, i) => info(v, types[i]));
  return {
    name,
    node: inner.nodes,
    input: [
      { name: inner.names.fresh(), type: { tensorType: { elemType: 7, shape: { dim: [] } } } },
      info(inner.names.fresh(), scalarType('bool')),
      ...carried(own),
    ],
    output: [info(more, scalarType('bool')), ...carried(next)],
  };
}

export function controlWriters(write: GraphBodyWriter): Record<string, NodeWriter> {
  /** The bodies by the number of an index: a chain of choices. */
  function choose(
    w: GraphWriter,
    index: string,
    regions: readonly Graph[],
    operands: readonly string[],
    from: number,
  ): string[] {
    if (from === regions.length - 1) return write(w, regions[from], operands);
    const [last] = regions;
    const rest = w.inner();
    const others = renamed(rest, choose(rest, index, regions, operands, from + 1));
    const hit = w.node('Equal', [index, w.scalar('i32', from)]);
    const graphs = {
      then_branch: { graph: closed(w, regions[from], operands, write) },
      else_branch: {
        graph: { name: 'others', node: rest.nodes, output: others.map((x, i) => info(x, last.results[i].type)) },
      },
    };
    return w.many('If', [hit], graphs, last.results.length);
  }

  const whileLoop: NodeWriter = (w, n, x) => {
    const { consts } = loopLayout(n.attrs, x.length);
    const [test, body] = n.regions;
    const [fixed, start] = [x.slice(0, consts), x.slice(consts)];
    const [first] = write(w, test, [...fixed, ...start]);
    const inner = w.inner();
    const own = start.map(() => inner.names.fresh());
    const next = write(inner, body, [...fixed, ...own]);
    const [more] = write(inner, test, [...fixed, ...next]);
    const types = n.outputs.map((o) => o.type);
    const graph = loopBody(body.name, inner, own, types, [more, ...next]);
    const most = n.attrs.bound === undefined ? '' : w.cast(w.scalar('i32', n.attrs.bound as number), 'int64');
    return w.many('Loop', [most, first, ...start], { body: { graph } }, types.length);
  };

  /** Over slices, so many as there are. */
  function plainScan(
    w: GraphWriter,
    body: Graph,
    fixed: readonly string[],
    start: readonly string[],
    xs: readonly string[],
    back: boolean,
  ): string[] {
    const inner = w.inner();
    const params = body.params.slice(fixed.length);
    const own = params.map(() => inner.names.fresh());
    const out = renamed(inner, write(inner, body, [...fixed, ...own]));
    const graph: ToWrite<'Graph'> = {
      name: body.name,
      node: inner.nodes,
      input: own.map((v, i) => info(v, params[i].type)),
      output: out.map((v, i) => info(v, body.results[i].type)),
    };
    const stacked = body.results.length - start.length;
    const directions = (k: number) => range(k).map(() => +back);
    return w.many(
      'Scan',
      [...start, ...xs],
      {
        num_scan_inputs: xs.length,
        body: { graph },
        ...(back ? { scan_input_directions: directions(xs.length), scan_output_directions: directions(stacked) } : {}),
      },
      body.results.length,
    );
  }

  /** A number of runs that is found while it runs: rows are written into tensors that are carried. */
  function openScan(w: GraphWriter, n: Parameters<NodeWriter>[1], x: readonly string[]): string[] {
    const { trip, consts, carry } = loopLayout(n.attrs, x.length);
    const [body, test] = n.regions;
    const length = n.attrs.length as number;
    const fixed = x.slice(trip, trip + consts);
    const start = x.slice(trip + consts, trip + consts + carry);
    const xs = x.slice(trip + consts + carry);
    const ys = body.results
      .slice(carry)
      .map((r) => ({ dtype: r.type.dtype, shape: [length, ...sizes(r.type.shape, 'scan')] }));
    const carried: TensorType[] = [...body.results.slice(0, carry).map((r) => r.type), ...ys, scalarType('i32')];
    const zero = w.scalar('i32', 0);
    const runs = trip ? w.node('Min', [w.node('Max', [x[0], zero]), w.scalar('i32', length)]) : w.scalar('i32', length);
    const first = test ? write(w, test, [...fixed, ...start])[0] : w.data('bool', [], [1]);
    const inner = w.inner();
    const own = carried.map(() => inner.names.fresh());
    const count = own[own.length - 1];
    const last = inner.node('Sub', [inner.node('Sub', [runs, inner.scalar('i32', 1)]), count]);
    const at = n.attrs.reverse ? last : count;
    const slices = xs.map((v) => inner.node('Gather', [v, at], { axis: 0 }));
    const out = write(inner, body, [...fixed, ...own.slice(0, carry), ...slices]);
    const place = inner.cast(inner.reshape(at, [1, 1]), 'int64');
    const rows = ys.map((y, i) =>
      inner.node('ScatterND', [own[carry + i], place, inner.reshape(out[carry + i], [1, ...y.shape.slice(1)])]),
    );
    const next = [...out.slice(0, carry), ...rows, inner.node('Add', [count, inner.scalar('i32', 1)])];
    const more = test ? write(inner, test, [...fixed, ...out.slice(0, carry)])[0] : inner.data('bool', [], [1]);
    const graph = loopBody(body.name, inner, own, carried, [more, ...next]);
    const empty = ys.map((y) => w.splat(y, 0));
    const results = w.many(
      'Loop',
      [w.cast(runs, 'int64'), first, ...start, ...empty, zero],
      { body: { graph } },
      carried.length,
    );
    return test ? results : results.slice(0, -1);
  }

  return {
    cond: (w, n, [p, ...x]) => {
      const [yes, no] = n.regions.map((g) => ({ graph: closed(w, g, x, write) }));
      return w.many('If', [p], { then_branch: yes, else_branch: no }, n.outputs.length);
    },
    case: (w, n, [index, ...x]) => choose(w, index, n.regions, x, 0),
    while: whileLoop,
    scan: (w, n, x) => {
      const { trip, consts, carry } = loopLayout(n.attrs, x.length);
      const xs = x.slice(trip + consts + carry);
      if (trip || n.regions.length === 2 || xs.length === 0) return openScan(w, n, x);
      return plainScan(
        w,
        n.regions[0],
        x.slice(0, consts),
        x.slice(consts, consts + carry),
        xs,
        n.attrs.reverse === true,
      );
    },
  };
}
