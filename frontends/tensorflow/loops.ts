// Loops and branches of TensorFlow's graphs. Where nothing is traced they are JavaScript. In a trace a loop becomes one
// operation, whose state are the tensors that change; lists are tensors there. Loops whose number of runs is known and
// small are written out, and those whose lists grow.

import { TraceError } from '../../ir/errors.ts';
import { typeEq, typeText } from '../../ir/types.ts';
import { isReadable, NotStaticError } from '../formats/graph-function.ts';
import { ComplexTensor } from '../trace/complex-tensor.ts';
import { context, withRecorders, withTrace } from '../trace/context.ts';
import { cond, switchCase, whileLoop } from '../trace/control.ts';
import { notEqual } from '../trace/ops/binary.ts';
import { cast } from '../trace/ops/shape.ts';
import { Tensor } from '../trace/tensor.ts';
import { Trace } from '../trace/trace.ts';
import { denseOf } from './ops/lists.ts';
import { kindOf, TensorList, tensorsOf, type Value } from './values.ts';

/** A loop: a condition and a body of its variables. */
export interface Loop {
  condition(vars: readonly (Value | undefined)[]): Tensor;
  /** The next values of some variables; the others need not be there. */
  body(vars: readonly (Value | undefined)[], wanted: readonly number[]): Value[];
  /** The variables that the condition needs, and each variable's next value. */
  readonly conditionNeeds: readonly number[];
  bodyNeeds(i: number): readonly number[];
  /** Whether a variable stays as it is. */
  isInvariant(i: number): boolean;
}

/** Loops of no more runs are written out. */
const UNROLLED = 4;
/** As are loops of no more runs whose lists grow. */
const GROWN = 4096;
/** Runs that are counted beforehand, at the most. */
const COUNTED = 100_000;

const truth = (t: Tensor): boolean => {
  const e = t.elements('a condition');
  return t.rank === 0 ? e[0] !== 0 : e.length > 0;
};
/** A predicate as a boolean scalar: numbers are true where they are not 0, other tensors where they have elements. */
export function predicate(t: Tensor): Tensor {
  if (t.rank > 0) return cast(t.size > 0 ? 1 : 0, 'bool');
  return t.type.dtype === 'bool' ? t : notEqual(t, 0);
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Runs a loop. @param most ends it after so many runs */
export function runLoop(loop: Loop, vars: readonly Value[], most: number | undefined): Value[] {
  if (context.trace) return tracedLoop(loop, [...vars], most);
  const all = range(vars.length);
  let now = [...vars];
  for (let k = 0; most === undefined || k < most; k++) {
    const test = loop.condition(now);
    // The element is on a GPU: the loop goes there.
    if (test.remote) return tracedLoop(loop, now, most === undefined ? undefined : most - k);
    if (!truth(test)) return now;
    now = loop.body(now, all);
  }
  return now;
}

/** All that the condition's variables depend on. */
function closure(loop: Loop): number[] {
  const found = new Set(loop.conditionNeeds);
  for (const i of found) for (const k of loop.bodyNeeds(i)) found.add(k);
  return [...found].sort((p, q) => p - q);
}

const isKnown = (v: Value | undefined): boolean => v !== undefined && tensorsOf(v).every(isReadable);

/** How often the body runs, where that follows from what is known; undefined where it does not. */
function countRuns(loop: Loop, vars: readonly Value[], most: number | undefined): number | undefined {
  const needs = closure(loop);
  if (!needs.every((i) => isKnown(vars[i]))) return undefined;
  const count = () =>
    withRecorders([], () => {
      let now: (Value | undefined)[] = vars.map((v, i) => (needs.includes(i) ? v : undefined));
      for (let k = 0; k <= Math.min(most ?? COUNTED, COUNTED); k++) {
        const test = loop.condition(now);
        if (!isReadable(test)) return undefined;
        if (!truth(test) || k === most) return k;
        const next = loop.body(now, needs);
        now = now.map((_, i) => next[needs.indexOf(i)]);
      }
      return undefined;
    });
  try {
    return withTrace(undefined, count);
  } catch (e) {
    // What the condition takes from outside of the loop is not known.
    if (e instanceof TraceError) return undefined;
    throw e;
  }
}

function tracedLoop(loop: Loop, vars: Value[], most: number | undefined): Value[] {
  const all = range(vars.length);
  const runs = countRuns(loop, vars, most);
  const unroll = () => {
    let now = vars;
    for (let k = 0; k < (runs as number); k++) now = loop.body(now, all);
    return now;
  };
  if (runs !== undefined && runs <= UNROLLED) return unroll();
  const changing = all.filter((i) => !loop.isInvariant(i));
  try {
    const start = shaped(loop, vars, changing);
    return asOne(loop, start, changing, runs ?? most);
  } catch (e) {
    if (e instanceof GrowingError && runs !== undefined && runs <= GROWN) return unroll();
    throw e;
  }
}

/** A list that gets longer, or a tensor of another shape, in each run. */
class GrowingError extends NotStaticError {}

/** Lists as tensors, where the body says of what shape the elements are. */
function shaped(loop: Loop, vars: readonly Value[], changing: readonly number[]): Value[] {
  const lists = changing.filter((i) => vars[i] instanceof TensorList && !(vars[i] as TensorList).dense);
  if (lists.length === 0) return [...vars];
  const parent = context.trace;
  const probe = new Trace('shapes', true, { parent, isWatched: () => false });
  const after = withTrace(probe, () =>
    withRecorders([], () => {
      const asked = vars.map((v, i) =>
        changing.includes(i) && v instanceof Tensor ? probe.input(v.operand().type, `v${i}`) : v,
      );
      return loop.body(asked, lists);
    }),
  );
  probe.close();
  return vars.map((v, i) => {
    const at = lists.indexOf(i);
    if (at < 0) return v;
    const [before, then] = [v as TensorList, after[at] as TensorList];
    if (before.length !== then.length)
      throw new GrowingError('a list gets longer in a loop', { fix: 'run the model eagerly' });
    const shape = then.dense ? then.dense.shape.slice(1) : (then.items?.find((t) => t)?.shape ?? then.elementShape);
    return new TensorList(before.dtype, shape, undefined, denseOf(before, shape));
  });
}

/** The one tensor of a value that a loop carries. */
function carried(v: Value): Tensor | undefined {
  if (v instanceof Tensor) return v;
  return v instanceof TensorList ? denseOf(v) : undefined;
}
/** The value again. */
const again = (t: Tensor, v: Value): Value =>
  v instanceof TensorList ? new TensorList(v.dtype, t.shape.slice(1), undefined, t) : t;

/** The loop as one operation of the trace. */
function asOne(loop: Loop, vars: readonly Value[], changing: readonly number[], most: number | undefined): Value[] {
  const state = changing.filter((i) => carried(vars[i]) !== undefined);
  const complex = changing.find((i) => vars[i] instanceof ComplexTensor);
  if (complex !== undefined)
    throw new NotStaticError('a loop carries complex tensors', { fix: 'run the model eagerly' });
  const full = (ts: readonly Tensor[]): Value[] =>
    vars.map((v, i) => (state.includes(i) ? again(ts[state.indexOf(i)], v) : v));
  const start = state.map((i) => carried(vars[i]) as Tensor);
  const out = whileLoop<Tensor[]>(
    (...ts) => predicate(loop.condition(full(ts))),
    (...ts) => {
      const next = loop.body(full(ts), state);
      return next.map((v, k) => {
        const t = carried(v);
        if (t && typeEq(t.type, start[k].type)) return t;
        throw new GrowingError(
          `variable ${state[k]} of a loop is ${typeText(start[k].type)} first, then ${t ? typeText(t.type) : kindOf(v)}`,
          { fix: 'run the model eagerly: shapes must not change in compiled loops' },
        );
      });
    },
    start,
    most === undefined ? {} : { maximumIterations: most },
  );
  return full(out);
}

/** What a branch gives, as tensors, and how to get the values back. */
function flattened(values: readonly (Value | undefined)[]): Tensor[] {
  return values.flatMap((v) => {
    if (v === undefined) return [];
    if (v instanceof TensorList) return [denseOf(v)];
    return tensorsOf(v);
  });
}
function unflattened(tensors: readonly Tensor[], like: readonly (Value | undefined)[]): (Value | undefined)[] {
  let at = 0;
  return like.map((v) => {
    if (v instanceof ComplexTensor) return new ComplexTensor(tensors[at++], tensors[at++]);
    return v instanceof TensorList || v instanceof Tensor ? again(tensors[at++], v) : v;
  });
}

type Branch = () => (Value | undefined)[];

/** One of two branches; both in a trace, where the predicate is not known. */
export function runCond(test: Tensor, whenTrue: Branch, whenFalse: Branch): (Value | undefined)[] {
  if (isReadable(test)) return truth(test) ? whenTrue() : whenFalse();
  let like: (Value | undefined)[] = [];
  const traced = (f: Branch) => () => {
    like = f();
    return flattened(like);
  };
  const tensors = cond(predicate(test), traced(whenTrue), traced(whenFalse));
  return unflattened(tensors, like);
}

/** One of several branches; the last where there is none of that number. */
export function runCase(index: Tensor, branches: readonly Branch[]): (Value | undefined)[] {
  if (isReadable(index)) {
    const k = index.elements()[0];
    return branches[k >= 0 && k < branches.length ? k : branches.length - 1]();
  }
  let like: (Value | undefined)[] = [];
  const traced = branches.map((f) => () => {
    like = f();
    return flattened(like);
  });
  const tensors = switchCase(index, traced);
  return unflattened(tensors, like);
}
