// Control flow in random graphs: loops and branches whose regions are random graphs themselves, made
// of smooth steps (no decision hangs on rounded values from one run to the next).

import { Builder } from '../../ir/builder.ts';
import type { Attrs, Graph, Val, Value } from '../../ir/graph.ts';
import { type NDArray, ndarray } from '../../ir/ndarray.ts';
import { opByName } from '../../ir/op.ts';
import { buildRegion, writeNodes } from '../../ir/region.ts';
import { type TensorType, tensorType } from '../../ir/types.ts';
import { dims, Gen, sizeOf } from './gen.ts';
import { lightSteps, type Step, step } from './steps.ts';
import { heavySteps } from './steps-heavy.ts';

const DEPTH = 2;
const LIMIT = 300;
const i32 = tensorType('i32', []);

const table = (control: boolean): Step[] =>
  [...lightSteps, ...heavySteps, ...(control ? controlSteps : [])]
    .filter((s) => s.smooth)
    .flatMap((s) => new Array<Step>(s.weight).fill(s));

/** One input of a region: its type, and what it is in the first run. */
interface Input {
  readonly type: TensorType;
  readonly data: NDArray;
}

/** A random region under construction. */
class Region {
  readonly gen: Gen;
  readonly params: Value[];

  constructor(g: Gen, inputs: readonly Input[]) {
    this.gen = new Gen(g.random.int(0, 1 << 30), true, g.depth + 1);
    this.params = inputs.map(({ type, data }) => {
      const v = this.gen.param(type, data, 'x');
      if (type.dtype === 'f32') this.gen.pool.push(v);
      return v;
    });
    const choice = table(this.gen.depth < DEPTH);
    for (let k = g.random.int(0, 4); k > 0; k--) {
      const s = g.random.int(0, 1 << 30);
      this.gen.reseed(s);
      choice[s % choice.length].run(this.gen);
    }
  }

  /** A float of that shape made of what is there, between -1 and 1. */
  bounded(shape: readonly number[]): Val {
    const { b, random: r, pool } = this.gen;
    const floats = pool.filter((v) => v.type.dtype === 'f32' && sizeOf(dims(v)) > 0);
    if (floats.length === 0) return b.splat(tensorType('f32', shape), r.pick([0, 0.5]));
    const v = r.chance(0.7) ? floats[floats.length - 1] : r.pick(floats);
    const same = dims(v).join() === shape.join();
    return b.broadcastTo(b.un('tanh', same ? v : b.mean(v)), shape);
  }

  /** The region's own parameters first, then what its steps made up: those come from outside as constants. */
  get extra(): Gen['params'] {
    return this.gen.params.slice(this.params.length);
  }
}

/** The graph with its parameters in another order. */
function reordered(g: Graph, order: readonly Value[]): Graph {
  const b = new Builder(g.name);
  const at = new Map<Value, Val>(order.map((p) => [p, b.param(p.type, p.name)]));
  writeNodes(b, g, at);
  return b.build(g.results.map((r) => at.get(r) as Value));
}

const dataOf = (g: Gen, v: Value): NDArray => g.known.get(v)?.array as NDArray;
const input = (g: Gen, v: Value): Input => ({ type: v.type, data: dataOf(g, v) });
/** Values of the outer graph for parameters that a region made up. */
const outside = (g: Gen, extra: Gen['params']): Value[] =>
  extra.map(({ value, data }) => g.param(value.type, data, 'q'));

interface LoopParts {
  readonly consts: Value[];
  readonly carry: Value[];
  readonly xs: Value[];
  readonly length: number;
}

function loopParts(g: Gen, sliced: boolean): LoopParts {
  const r = g.random;
  const consts = Array.from({ length: r.int(0, 2) }, () => g.float(0, 3, LIMIT));
  const carry = Array.from({ length: r.int(1, 2) }, () => g.float(0, 3, LIMIT));
  const length = r.pick([0, 1, 2, 3, 5]);
  const xs = sliced
    ? Array.from({ length: r.int(0, 2) }, () => g.leaf('f32', [length, ...g.shape(r.int(0, 2), 60)]))
    : [];
  return { consts, carry, xs, length };
}

function loopStep(kind: 'scan' | 'while') {
  return (g: Gen): void => {
    const { b, random: r } = g;
    const { consts, carry, xs, length } = loopParts(g, kind === 'scan');
    const counter = g.use(g.b.splat(i32, 0));
    const slices = xs.map((x): Input => {
      const shape = dims(x).slice(1);
      const all = dataOf(g, x).data;
      const n = sizeOf(shape);
      const data = all.length ? all.subarray(0, n) : new Float64Array(n);
      return { type: tensorType('f32', shape), data: ndarray('f32', shape, data) };
    });
    const own = [...consts.map((v) => input(g, v)), ...carry.map((v) => input(g, v)), input(g, counter), ...slices];
    const region = new Region(g, own);
    const ib = region.gen.b;
    const count = region.params[consts.length + carry.length];
    const next: Val[] = carry.map((v, k) => {
      const old = region.params[consts.length + k];
      return r.chance(0.15)
        ? old
        : r.chance(0.3)
          ? ib.add(ib.mul(old, 0.5), region.bounded(dims(v)))
          : region.bounded(dims(v));
    });
    const ys: Val[] =
      kind === 'scan' ? Array.from({ length: r.int(0, 2) }, () => yOf(g, region, consts.length, carry.length)) : [];
    const body = ib.build([...next, ib.add(count, 1), ...ys]);
    const extra = region.extra.map((p) => p.value);
    const order = [...region.params.slice(0, consts.length), ...extra, ...region.params.slice(consts.length)];
    const fixed = [...consts, ...outside(g, region.extra)];
    const total = carry.length + 1;
    const more = r.int(0, 6);
    const test = conditionOf([...fixed.map((v) => v.type), ...carry.map((v) => v.type), i32], more);
    const shape: Attrs = fixed.length ? { consts: fixed.length } : {};
    const regionGraph = reordered(body, order);
    if (kind === 'while') {
      const attrs = g.smooth || r.chance(0.4) ? { ...shape, bound: length } : shape;
      const out = b.emit(opByName('while'), [...fixed, ...carry, counter], attrs, [test, regionGraph]);
      for (const v of out) g.use(v);
      return;
    }
    const tested = r.chance(0.25);
    const trip = !tested && r.chance(0.2);
    const attrs: Attrs = {
      ...shape,
      length,
      carry: total,
      ...(!tested && r.chance(0.4) ? { reverse: true } : {}),
      ...(trip ? { trip: true } : {}),
      ...(r.chance(0.2) ? { checkpoint: true } : {}),
    };
    const runs = trip ? [g.param(i32, ndarray('i32', [], [r.int(-1, 6)]), 'n')] : [];
    const regions = tested ? [regionGraph, test] : [regionGraph];
    const out = b.emit(opByName('scan'), [...runs, ...fixed, ...carry, counter, ...xs], attrs, regions);
    for (const v of out) g.use(v);
  };
}

/** What a run of a scan gives to be stacked: a new value, an old carried one, a slice, a constant. */
function yOf(g: Gen, region: Region, consts: number, carry: number): Val {
  const r = g.random;
  if (r.chance(0.6)) return region.bounded(region.gen.shape(r.int(0, 2), 60));
  return region.params[r.chance(0.6) ? consts + r.int(0, carry - 1) : r.int(0, region.params.length - 1)];
}

/** True as long as the last parameter, a counter, is below a number. */
function conditionOf(types: readonly TensorType[], below: number): Graph {
  const b = new Builder('test');
  const params = types.map((t, i) => b.param(t, `x${i}`));
  return b.build([b.compare('lt', params[params.length - 1], below)]);
}

function branchStep(kind: 'cond' | 'case') {
  return (g: Gen): void => {
    const { b, random: r } = g;
    const operands = Array.from({ length: r.int(0, 3) }, () => g.float(0, 3, LIMIT));
    const shapes = Array.from({ length: r.int(1, 2) }, () =>
      operands.length && r.chance(0.5) ? dims(r.pick(operands)) : g.shape(r.int(0, 2), LIMIT),
    );
    const n = kind === 'cond' ? 2 : r.int(1, 3);
    const regions = Array.from(
      { length: n },
      () =>
        new Region(
          g,
          operands.map((v) => input(g, v)),
        ),
    );
    const graphs = regions.map((x) =>
      x.gen.b.build(
        shapes.map((s) => {
          const whole = x.params.filter((p) => dims(p).join() === s.join());
          return whole.length && r.chance(0.3) ? r.pick(whole) : x.bounded(s);
        }),
      ),
    );
    // Every region takes what any of them made up.
    const all = regions.flatMap((x) => x.extra.map((p) => ({ of: x, ...p })));
    const padded = regions.map((x, i) => withParams(graphs[i], x, all));
    const choice =
      kind === 'cond'
        ? g.param(tensorType('bool', []), ndarray('bool', [], [r.int(0, 1)]), 'c')
        : g.param(i32, ndarray('i32', [], [r.int(-1, n)]), 'c');
    const out = b.emit(opByName(kind), [choice, ...operands, ...outside(g, all)], {}, padded);
    for (const v of out) g.use(v);
  };
}

function withParams(graph: Graph, own: Region, all: readonly { of: Region; value: Value }[]): Graph {
  const b = new Builder(graph.name);
  const at = new Map<Value, Val>(own.params.map((p, i) => [p, b.param(p.type, `x${i}`)]));
  all.forEach(({ of, value }, i) => {
    const p = b.param(value.type, `q${i}`);
    if (of === own) at.set(value, p);
  });
  writeNodes(b, graph, at);
  return b.build(graph.results.map((r) => at.get(r) as Value));
}

function callStep(g: Gen): void {
  const { b, random: r } = g;
  const operands = Array.from({ length: r.int(1, 3) }, () => g.float(0, 3, LIMIT));
  const region = new Region(
    g,
    operands.map((v) => input(g, v)),
  );
  const graph = region.gen.b.build([region.bounded(g.shape(r.int(0, 2), LIMIT)), r.pick(region.params)]);
  const order = [...region.params, ...region.extra.map((p) => p.value)];
  const attrs: Attrs = r.chance(0.6) ? { recompute: true } : {};
  const out = b.emit(opByName('call'), [...operands, ...outside(g, region.extra)], attrs, [reordered(graph, order)]);
  for (const v of out) g.use(v);
}

function barrierStep(g: Gen): void {
  const operands = Array.from({ length: g.random.int(1, 3) }, () => g.float());
  for (const v of g.b.emit(opByName('optimization_barrier'), operands)) g.use(v);
}

/** tanh with a gradient of its own, which is the right one: what tests derive by differences agrees with it. */
function customGradientStep(g: Gen): void {
  const x = g.float();
  const { type } = x;
  const forward = buildRegion('forward', [type], (b, [v]) => [b.un('tanh', v), b.un('tanh', v)]);
  const backward = buildRegion('backward', [type, type], (b, [y, dy]) => [b.mul(dy, b.sub(1, b.square(y)))]);
  const out = g.b.emit(opByName('custom_gradient'), [x], { inputs: 1, values: 1 }, [forward, backward]);
  for (const v of out) g.use(v);
}

export const controlSteps: readonly Step[] = [
  step('scan', true, 4, loopStep('scan')),
  step('while', true, 2, loopStep('while')),
  step('cond', true, 2, branchStep('cond')),
  step('case', true, 1, branchStep('case')),
  step('call', true, 1, callStep),
  step('barrier', true, 1, barrierStep),
  step('custom gradient', true, 1, customGradientStep),
];
