// Random well-typed graphs over all operations, with their inputs. A recipe is plain
// data, so that fast-check can shrink it: one number per step seeds all that the step decides.

import { backprop } from '../../compiler/autodiff/backprop.ts';
import { rewriteGraph } from '../../ir/builder.ts';
import type { Graph, Node, Val, Value } from '../../ir/graph.ts';
import type { NDArray } from '../../ir/ndarray.ts';
import { isFloat } from '../../ir/types.ts';
import { dims, Gen, sizeOf } from './gen.ts';
import { type Known, knowAll } from './numerics.ts';
import { lightSteps, type Step } from './steps.ts';
import { algorithmSteps } from './steps-algorithms.ts';
import { attentionSteps } from './steps-attention.ts';
import { controlSteps } from './steps-control.ts';
import { heavySteps } from './steps-heavy.ts';
import { specialSteps } from './steps-special.ts';

export interface Recipe {
  readonly seed: number;
  /** Append gradients: of one result by parameters, or as the update of Variables. */
  readonly mode: 'forward' | 'gradient' | 'training';
  readonly steps: readonly number[];
}

/** A graph, its inputs in the order of the parameters, and its results by the reference. */
export interface Case {
  readonly graph: Graph;
  readonly inputs: readonly NDArray[];
  readonly known: readonly Known[];
}

/** Every kind of step. */
export const allSteps: readonly Step[] = [
  ...lightSteps,
  ...heavySteps,
  ...attentionSteps,
  ...algorithmSteps,
  ...specialSteps,
  ...controlSteps,
];
const table = (smooth: boolean): Step[] =>
  allSteps.filter((s) => s.smooth || !smooth).flatMap((s) => new Array<Step>(s.weight).fill(s));
const anyStep = table(false);
const smoothStep = table(true);

export function makeCase(recipe: Recipe): Case {
  const smooth = recipe.mode !== 'forward';
  const g = new Gen(recipe.seed, smooth);
  const choice = smooth ? smoothStep : anyStep;
  if (recipe.mode === 'training') for (let i = 0; i < 2; i++) g.variable(g.shape(2, 400));
  for (const s of recipe.steps) {
    // Each step has its own numbers: taking one away leaves the others as they are.
    g.reseed(s);
    choice[s % choice.length].run(g);
  }
  g.reseed(recipe.seed);
  const extra = recipe.mode === 'gradient' ? appendGradients(g) : recipe.mode === 'training' ? appendTraining(g) : [];
  const results = chooseResults(g, extra);
  const graph = g.random.chance(0.85) ? prune(g.finish(results)) : g.finish(results);
  const inputs = g.params.map((p) => p.data);
  const all = knowAll(graph, inputs);
  return { graph, inputs, known: graph.results.map((r) => all[r.id]) };
}

/** One to four results: late ones, early ones, the same twice, parameters, constants, reshapes of each other. */
function chooseResults(g: Gen, extra: readonly Value[]): Value[] {
  const { random: r } = g;
  if (g.pool.length === 0) g.leaf('f32', g.shape());
  const last = g.pool[g.pool.length - 1];
  const out = [...extra.filter((v) => g.has(v)), last];
  while (out.length < 5 && r.chance(0.5)) out.push(r.pick(g.pool));
  const x = r.pick(out);
  if (r.chance(0.12)) out.push(g.use(g.b.reshape(x, [sizeOf(dims(x))])));
  if (r.chance(0.05)) out.push(x);
  return out;
}

/** A scalar that everything float in the pool's last values contributes to. */
function loss(g: Gen): Val | null {
  const { b, random: r } = g;
  const ends = g.pool.filter((v) => isFloat(v.type.dtype) && v.node && v.node.op.name !== 'read').slice(-r.int(1, 3));
  let total: Val | null = null;
  for (const v of ends) {
    const w = g.leaf('f32', dims(v));
    const s = b.sum(b.mul(v, w));
    total = total ? b.add(total, s) : s;
  }
  if (!total) return null;
  g.sync();
  return g.has(total) ? total : null;
}

/** Appends backward operations for a scalar; null where no source contributes. */
function gradients(g: Gen, y: Val, sources: readonly Value[]): (Val | null)[] {
  const records = g.b.snapshot([]).nodes.slice();
  const found = backprop(g.b, records, new Map([[y, g.b.onesLike(y)]]), sources);
  g.sync();
  return found.map((d) => (d && g.has(d) ? d : null));
}

function appendGradients(g: Gen): Value[] {
  const y = loss(g);
  if (!y) return [];
  const floats = g.params.map((p) => p.value).filter((v) => isFloat(v.type.dtype) && !v.type.state);
  const found = gradients(g, y, g.random.some(floats));
  return [y as Value, ...found.flatMap((d) => (d ? [d as Value] : []))];
}

/** Variables updated by their gradients: plain descent, or with a momentum Variable. */
function appendTraining(g: Gen): Value[] {
  const { b, random: r } = g;
  const y = loss(g);
  if (!y) return [];
  const states = [...g.states];
  const reads = states.map(([, latest]) => b.call('read', [latest]) as Value);
  const found = gradients(g, y, reads);
  const momentum = r.chance(0.5);
  found.forEach((d, i) => {
    if (!d) return;
    const [param] = states[i];
    let move = b.mul(d, 0.1);
    if (momentum) {
      const m = g.variable(dims(d));
      const next = b.add(b.mul(m, 0.9), move);
      assign(g, [...g.states.keys()].at(-1) as Value, next);
      move = next;
    }
    assign(g, param, b.sub(reads[i], move));
  });
  return [y as Value];
}
function assign(g: Gen, state: Value, v: Val): void {
  g.sync();
  if (!g.has(v)) return;
  g.states.set(state, g.b.call('assign', [g.states.get(state) as Value, v]) as Value);
  g.sync();
}

/** The graph without what no result needs. */
export function prune(g: Graph): Graph {
  const live = new Set<Node>();
  const stack = g.results.flatMap((r) => (r.node ? [r.node] : []));
  for (let n = stack.pop(); n; n = stack.pop()) {
    if (live.has(n)) continue;
    live.add(n);
    for (const v of n.inputs) if (v.node) stack.push(v.node);
  }
  // Dead nodes' results stand for nothing, as nothing reads them.
  return rewriteGraph(g, (n) => (live.has(n) ? undefined : n.outputs));
}
