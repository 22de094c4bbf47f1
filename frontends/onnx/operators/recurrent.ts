// RNN, GRU and LSTM: one loop over time a direction. Weights are [directions, gates * hidden, input].

import { b, range } from '../../formats/functions.ts';
import { scanLoop } from '../../trace/control.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, type Operator } from '../call.ts';
import { activations } from './elementwise.ts';
import { taken } from './shapes.ts';

type Fn = (x: Tensor) => Tensor;

/** What one direction computes with. */
interface Direction {
  /** [steps, batch, gates * hidden]: the input's part, biases added. */
  readonly input: Tensor;
  /** [gates * hidden, hidden]. */
  readonly recurrent: Tensor;
  /** The recurrent biases, for gates that need them apart. */
  readonly bias: Tensor | undefined;
  readonly hidden: number;
  readonly fns: readonly Fn[];
  readonly peepholes: readonly Tensor[] | undefined;
}
type State = readonly Tensor[];
/** One step: the input's part and the state give the next state. */
type Step = (d: Direction, x: Tensor, state: State) => State;

/** The activations of one direction, clipped where the node says so. */
function functionsOf(c: Call, direction: number, directions: number, defaults: readonly string[]): Fn[] {
  const names = c.strings('activations') ?? range(directions).flatMap(() => defaults);
  const numbers = { alpha: c.ints('activation_alpha') ?? [], beta: c.ints('activation_beta') ?? [] };
  const clip = c.has('clip') ? c.number('clip') : undefined;
  if (names.length !== defaults.length * directions)
    throw c.refuse(`${names.length} activations for ${directions} direction(s)`);
  // Alphas and betas stand in the order of the activations that have some.
  const used = { alpha: 0, beta: 0 };
  const all = names.map((name, i): Fn => {
    const key = Object.keys(activations).find((k) => k.toLowerCase() === name.toLowerCase());
    if (!key) throw c.refuse(`there is no activation '${name}'`);
    const { f, alpha, beta } = activations[key];
    const next = (which: 'alpha' | 'beta', otherwise: number | undefined) =>
      otherwise === undefined ? 0 : (numbers[which][used[which]++] ?? otherwise);
    const [p, q] = [next('alpha', alpha), next('beta', beta)];
    // The cell's own activation is not clipped, as in ONNX Runtime.
    const clipped = clip !== undefined && i % defaults.length < 2;
    return (x) => f(clipped ? b.max(b.min(x, clip), -clip) : x, p, q);
  });
  return all.slice(direction * defaults.length, (direction + 1) * defaults.length);
}

const gate = (x: Tensor, i: number, hidden: number): Tensor =>
  taken(
    x,
    x.rank - 1,
    range(hidden).map((k) => i * hidden + k),
  );
/** x W^T for weights [rows, columns]. */
const times = (x: Tensor, w: Tensor): Tensor => b.matMul(x, w, false, true);
const rowsOf = (w: Tensor, from: number, to: number): Tensor =>
  taken(
    w,
    0,
    range(to - from).map((i) => from + i),
  );

const rnnStep: Step = ({ recurrent, fns: [f] }, x, [h]) => [f(b.add(x, times(h, recurrent)))];

/** Gates: update, reset, new. */
const gruStep =
  (after: boolean): Step =>
  (d, x, [h]) => {
    const n = d.hidden;
    const [f, g] = d.fns;
    const both = b.add(taken(x, 1, range(2 * n)), times(h, rowsOf(d.recurrent, 0, 2 * n)));
    const [z, r] = [f(gate(both, 0, n)), f(gate(both, 1, n))];
    const w = rowsOf(d.recurrent, 2 * n, 3 * n);
    const bias =
      d.bias &&
      taken(
        d.bias,
        0,
        range(n).map((i) => 2 * n + i),
      );
    const add = (t: Tensor) => (bias ? b.add(t, bias) : t);
    const inner = after ? b.mul(r, add(times(h, w))) : add(times(b.mul(r, h), w));
    const fresh = g(b.add(gate(x, 2, n), inner));
    return [b.add(b.mul(b.sub(1, z), fresh), b.mul(z, h))];
  };

/** Gates: input, output, forget, cell. */
const lstmStep =
  (coupled: boolean): Step =>
  (d, x, [h, cell]) => {
    const n = d.hidden;
    const [f, g, k] = d.fns;
    const all = b.add(x, times(h, d.recurrent));
    const seen = (i: number, p: number, c: Tensor) =>
      d.peepholes ? b.add(gate(all, i, n), b.mul(d.peepholes[p], c)) : gate(all, i, n);
    const input = f(seen(0, 0, cell));
    const forget = coupled ? b.sub(1, input) : f(seen(2, 2, cell));
    const next = b.add(b.mul(forget, cell), b.mul(input, g(gate(all, 3, n))));
    return [b.mul(f(seen(1, 1, next)), k(next)), next];
  };

/** Element i of the first axis. */
const at = (x: Tensor, i: number): Tensor => b.reshape(taken(x, 0, [i]), x.shape.slice(1));

interface Kind {
  readonly gates: number;
  readonly states: number;
  readonly defaults: readonly string[];
  readonly step: (c: Call) => Step;
  /** Whether the recurrent bias of the last gate stays apart. */
  readonly apart?: boolean;
}

/** One direction: weights, then the loop. Sequences that ended keep their state and give zeros. */
function direction(
  c: Call,
  kind: Kind,
  x: Tensor,
  k: number,
  directions: number,
  backwards: boolean,
): { y: Tensor; last: State } {
  const [w, r] = [at(c.x(1), k), at(c.x(2), k)];
  const hidden = r.shape[1];
  const biases = c.maybe(3) && at(c.maybe(3) as Tensor, k);
  const g = kind.gates * hidden;
  const [own, other] = biases
    ? [
        taken(biases, 0, range(g)),
        taken(
          biases,
          0,
          range(g).map((i) => g + i),
        ),
      ]
    : [];
  const [steps, batch] = x.shape;
  let input = b.reshape(times(b.reshape(x, [steps * batch, x.shape[2]]), w), [steps, batch, g]);
  if (own) input = b.add(input, own);
  // The last gate's recurrent bias is added where its product is.
  const split = kind.apart ? g - hidden : g;
  if (other) input = b.add(input, split === g ? other : b.pad(taken(other, 0, range(split)), [0], [hidden]));
  const peepholes = kind.states === 2 && c.maybe(7) ? range(3).map((i) => gate(at(c.x(7), k), i, hidden)) : undefined;
  const d: Direction = {
    input,
    recurrent: r,
    bias: other,
    hidden,
    fns: functionsOf(c, k, directions, kind.defaults),
    peepholes,
  };
  const zeros = b.splat({ dtype: x.type.dtype, shape: [batch, hidden] }, 0);
  const initial = (i: number) => (c.flag('layout') ? b.transpose(c.x(i), [1, 0, 2]) : c.x(i));
  const start = range(kind.states).map((i) => (c.maybe(5 + i) ? at(initial(5 + i), k) : zeros));
  const lengths = c.maybe(4);
  const step = kind.step(c);
  const times0 = b.reshape(b.iota([steps], 0), [steps]);
  const [last, y] = scanLoop<Tensor[], Tensor[], Tensor>(
    (state, [row, t]) => {
      const next = [...step(d, row, state)];
      if (!lengths) return [next, next[0]];
      const live = b.reshape(b.compare('lt', t, b.convert(lengths, 'i32')), [batch, 1]);
      const kept = next.map((s, i) => b.select(live, s, state[i]));
      return [kept, b.select(live, next[0], zeros)];
    },
    start,
    [input, times0],
    { reverse: backwards },
  );
  return { y, last };
}

/** Runs all directions; `layout` 1 has the batch before the steps. */
function recurrent(c: Call, kind: Kind): Tensor[] {
  const batchFirst = c.flag('layout');
  const x = batchFirst ? b.transpose(c.x(0), [1, 0, 2]) : c.x(0);
  const way = c.text('direction', 'forward', ['forward', 'reverse', 'bidirectional']);
  const ways = way === 'bidirectional' ? [false, true] : [way === 'reverse'];
  if (x.rank !== 3 || c.x(1).shape[0] !== ways.length)
    throw c.refuse(`x [${x.shape}] and weights [${c.x(1).shape}] for ${way}`);
  const runs = ways.map((backwards, k) => direction(c, kind, x, k, ways.length, backwards));
  const stack = (ts: readonly Tensor[], axis: number) =>
    b.concat(
      ts.map((t) => b.reshape(t, [...t.shape.slice(0, axis), 1, ...t.shape.slice(axis)])),
      axis,
    );
  // [steps, directions, batch, hidden], and [directions, batch, hidden].
  const y = stack(
    runs.map((r) => r.y),
    1,
  );
  const states = range(kind.states).map((i) =>
    stack(
      runs.map((r) => r.last[i]),
      0,
    ),
  );
  if (!batchFirst) return [y, ...states];
  return [b.transpose(y, [2, 0, 1, 3]), ...states.map((s) => b.transpose(s, [1, 0, 2]))];
}

export const recurrence: readonly Operator[] = [
  define('RNN', 7, (c) => recurrent(c, { gates: 1, states: 1, defaults: ['Tanh'], step: () => rnnStep })),
  define('GRU', 7, (c) =>
    recurrent(c, {
      gates: 3,
      states: 1,
      defaults: ['Sigmoid', 'Tanh'],
      step: () => gruStep(c.flag('linear_before_reset')),
      apart: true,
    }),
  ),
  define('LSTM', 7, (c) =>
    recurrent(c, {
      gates: 4,
      states: 2,
      defaults: ['Sigmoid', 'Tanh', 'Tanh'],
      step: () => lstmStep(c.flag('input_forget')),
    }),
  ),
];
