// Control flow. The bodies are regions: graphs of their own that see nothing but their parameters.

import type { Graph } from '../graph.ts';
import { type NDArray, ndarray, sizeOfShape } from '../ndarray.ts';
import { defineOp, type InferCtx, numAttr, type RunRegion } from '../op.ts';
import { isOpen, staticShape, type TensorType, tensorType, typeEq, typeText } from '../types.ts';
import { branchGrads, callGrads, scanGrads, whileGrads } from './control-grad.ts';
import { loopLayout } from './loop-layout.ts';

const typesEq = (a: readonly TensorType[], b: readonly TensorType[]) =>
  a.length === b.length && a.every((t, i) => typeEq(t, b[i]));
export const listText = (ts: readonly TensorType[]) => `(${ts.map(typeText).join(', ')})`;
const paramTypes = (g: Graph) => g.params.map((p) => p.type);
export const resultTypes = (g: Graph) => g.results.map((r) => r.type);

const isPredicate = (t: TensorType) => t.dtype === 'bool' && t.shape.length === 0 && !t.state;
const isIndex = (t: TensorType | undefined) => t?.dtype === 'i32' && t.shape.length === 0 && !t.state;

export const countRule = (n: number, which: string) => `it must have ${n} region${n === 1 ? '' : 's'}: ${which}`;
export function checkCount(c: InferCtx, label: string, n: number): void {
  c.check(c.regions.length === n, label, `${c.regions.length}`);
}
/** The region takes these types. */
export function checkParams(c: InferCtx, label: string, g: Graph, want: readonly TensorType[]): void {
  c.check(typesEq(paramTypes(g), want), label, `@${g.name} takes ${listText(paramTypes(g))}, given ${listText(want)}`);
}
/** The region gives these types. */
export function checkResults(c: InferCtx, label: string, g: Graph, want: readonly TensorType[]): void {
  c.check(typesEq(resultTypes(g), want), label, `@${g.name} gives ${listText(resultTypes(g))}, not ${listText(want)}`);
}
/** The region gives one bool scalar. */
function checkTest(c: InferCtx, label: string, g: Graph): void {
  const test = resultTypes(g);
  c.check(test.length === 1 && isPredicate(test[0]), label, listText(test));
}
export const isCount = (n: number) => Number.isInteger(n) && n >= 0;

defineOp({
  name: 'cond',
  doc: 'Runs its first region on the operands after the predicate where that is true, else the second.',
  kind: 'control',
  arity: 1,
  variadic: true,
  constraints: {
    cond_c1: 'the first operand must be a bool scalar',
    cond_c2: countRule(2, 'then and else'),
    cond_c3: 'both regions must take the types of the operands after the predicate',
    cond_c4: 'both regions must give the same types',
  },
  infer: (c) => {
    const [p, ...operands] = c.inputs;
    c.check(isPredicate(p), 'cond_c1', typeText(p));
    checkCount(c, 'cond_c2', 2);
    for (const r of c.regions) checkParams(c, 'cond_c3', r, operands);
    const types = resultTypes(c.regions[0]);
    checkResults(c, 'cond_c4', c.regions[1], types);
    return types;
  },
  grad: branchGrads('cond'),
  reference: ([p, ...operands], _, __, run) => (run as RunRegion)(p.data[0] ? 0 : 1, operands),
  samples: [],
});

defineOp({
  name: 'case',
  doc: 'Runs the region of that number on the operands after the index; any other index runs the last one.',
  kind: 'control',
  arity: 1,
  variadic: true,
  constraints: {
    case_c1: 'the first operand must be an i32 scalar',
    case_c2: 'it must have at least one region',
    case_c3: 'all regions must take the types of the operands after the index',
    case_c4: 'all regions must give the same types',
  },
  infer: (c) => {
    const [index, ...operands] = c.inputs;
    c.check(isIndex(index), 'case_c1', typeText(index));
    c.check(c.regions.length > 0, 'case_c2', `${c.regions.length}`);
    for (const r of c.regions) checkParams(c, 'case_c3', r, operands);
    const types = resultTypes(c.regions[0]);
    for (const r of c.regions) checkResults(c, 'case_c4', r, types);
    return types;
  },
  grad: branchGrads('case'),
  // What is no region's number runs the last one, and the interpreter knows how many there are.
  reference: ([index, ...operands], _, __, run) => (run as RunRegion)(index.data[0], operands),
  samples: [],
});

defineOp({
  name: 'while',
  doc: 'Carries its operands through the second region (the body) as long as the first (the condition) gives true on them. The first `consts` operands are given to every run as they are. With `bound`, it stops after so many runs.',
  kind: 'control',
  arity: 1,
  variadic: true,
  constraints: {
    while_c1: countRule(2, 'condition and body'),
    while_c2: 'both regions must take the types of the operands',
    while_c3: 'the condition must give one bool scalar',
    while_c4: 'the body must give the types that it takes: what is carried keeps its dtype and shape',
    while_c5: 'consts must count operands, and bound be an integer of at least 0',
  },
  infer: (c) => {
    const { consts } = loopLayout(c.attrs, c.inputs.length);
    const bound = (c.attrs.bound as number | undefined) ?? 0;
    c.check(
      isCount(consts) && consts <= c.inputs.length && isCount(bound),
      'while_c5',
      `consts ${consts}, bound ${bound}`,
    );
    checkCount(c, 'while_c1', 2);
    const [cond, body] = c.regions;
    for (const r of c.regions) checkParams(c, 'while_c2', r, c.inputs);
    checkTest(c, 'while_c3', cond);
    const carried = c.inputs.slice(consts);
    checkResults(c, 'while_c4', body, carried);
    return carried;
  },
  grad: whileGrads,
  reference: (inputs, attrs, _, run) => {
    const { consts } = loopLayout(attrs, inputs.length);
    const bound = (attrs.bound as number | undefined) ?? Number.POSITIVE_INFINITY;
    const fixed = inputs.slice(0, consts);
    let carried: readonly NDArray[] = inputs.slice(consts);
    for (let i = 0; i < bound && (run as RunRegion)(0, [...fixed, ...carried])[0].data[0]; i++)
      carried = (run as RunRegion)(1, [...fixed, ...carried]);
    return carried;
  },
  samples: [],
});

/** The i-th slice of an array along its first axis. */
function sliceAt(x: NDArray, i: number): NDArray {
  const shape = x.shape.slice(1);
  const n = sizeOfShape(shape);
  return ndarray(x.dtype, shape, x.data.subarray(i * n, (i + 1) * n));
}

defineOp({
  name: 'scan',
  doc: 'Runs its first region up to `length` times. It gets the first `consts` operands as they are, the next `carry` as the run before left them, and of each other operand, whose leading axis has that length, one slice; the last slice first with `reverse`. It gives the next carried values, then values that are stacked along a new leading axis. With `trip`, the first operand says how many runs there are, over the first slices. With a second region, that one decides before each run whether there are more, and the number of runs is the last result. Stacked rows of runs that there were not are zero.',
  kind: 'control',
  arity: 0,
  variadic: true,
  constraints: {
    scan_c1: 'it must have one region, the body, or two: body and condition',
    scan_c2: 'length must be an integer of at least 0, and consts and carry together count operands',
    scan_c3: 'the operands that are neither constant nor carried must be tensors with a leading axis of that length',
    scan_c4: 'the body must take the types of the constants, of what is carried, then of the slices',
    scan_c5: 'the body must first give the types of what is carried: it keeps its dtype and shape',
    scan_c6: 'what is stacked must be tensors of fixed shape',
    scan_c7: 'the trip count must be an i32 scalar',
    scan_c8: 'the condition must take the constants and what is carried, and give one bool scalar',
    scan_c9: 'with a condition there is neither reverse nor trip',
  },
  infer: (c) => {
    c.check(c.regions.length === 1 || c.regions.length === 2, 'scan_c1', `${c.regions.length}`);
    const [body, test] = c.regions;
    const length = numAttr(c.attrs, 'length');
    const { trip, consts, carry } = loopLayout(c.attrs, c.inputs.length);
    const operands = c.inputs.slice(trip);
    c.check(
      [length, consts, carry].every(isCount) && consts + carry <= operands.length,
      'scan_c2',
      `length ${length}, consts ${consts}, carry ${carry}, ${operands.length} operands`,
    );
    if (trip) c.check(isIndex(c.inputs[0]), 'scan_c7', c.inputs.length ? typeText(c.inputs[0]) : 'no operand');
    const fixed = operands.slice(0, consts);
    const carried = operands.slice(consts, consts + carry);
    const xs = operands.slice(consts + carry);
    c.check(
      xs.every((x) => !x.state && x.shape[0] === length),
      'scan_c3',
      `length ${length} and ${listText(xs)}`,
    );
    const slices = xs.map((x) => tensorType(x.dtype, x.shape.slice(1)));
    checkParams(c, 'scan_c4', body, [...fixed, ...carried, ...slices]);
    const given = resultTypes(body);
    c.check(typesEq(given.slice(0, carry), carried), 'scan_c5', `${listText(given)} for ${listText(carried)}`);
    const ys = given.slice(carry);
    c.check(
      ys.every((y) => !y.state && !y.shape.some(isOpen)),
      'scan_c6',
      listText(ys),
    );
    const out = [...carried, ...ys.map((y) => tensorType(y.dtype, [length, ...y.shape]))];
    if (!test) return out;
    c.check(!trip && !c.attrs.reverse, 'scan_c9', trip ? 'trip' : 'reverse');
    checkParams(c, 'scan_c8', test, [...fixed, ...carried]);
    checkTest(c, 'scan_c8', test);
    return [...out, tensorType('i32', [])];
  },
  grad: scanGrads,
  reference: (inputs, attrs, out, run, regions = 1) => {
    const length = numAttr(attrs, 'length');
    const { trip, consts, carry } = loopLayout(attrs, inputs.length);
    const operands = inputs.slice(trip);
    const fixed = operands.slice(0, consts);
    const xs = operands.slice(consts + carry);
    const tested = regions === 2;
    const stacked = out.slice(carry, out.length - (tested ? 1 : 0)).map((t) => ndarray(t.dtype, staticShape(t.shape)));
    const n = trip ? Math.max(0, Math.min(length, inputs[0].data[0])) : length;
    let carried = operands.slice(consts, consts + carry);
    let runs = 0;
    for (; runs < n; runs++) {
      if (tested && !(run as RunRegion)(1, [...fixed, ...carried])[0].data[0]) break;
      const i = attrs.reverse ? n - 1 - runs : runs;
      const given = (run as RunRegion)(0, [...fixed, ...carried, ...xs.map((x) => sliceAt(x, i))]);
      carried = given.slice(0, carry);
      stacked.forEach((s, k) => {
        const y = given[carry + k];
        s.data.set(y.data, i * y.data.length);
      });
    }
    return [...carried, ...stacked, ...(tested ? [ndarray('i32', [], [runs])] : [])];
  },
  samples: [],
});

defineOp({
  name: 'call',
  doc: 'Runs its region on the operands. With `recompute`, its gradient computes what the region computes once more instead of keeping it.',
  kind: 'control',
  arity: 0,
  variadic: true,
  constraints: {
    call_c1: countRule(1, 'the function'),
    call_c2: 'the function must take the types of the operands',
  },
  infer: (c) => {
    checkCount(c, 'call_c1', 1);
    checkParams(c, 'call_c2', c.regions[0], c.inputs);
    return resultTypes(c.regions[0]);
  },
  grad: callGrads,
  reference: (inputs, _, __, run) => (run as RunRegion)(0, inputs),
  samples: [],
});

defineOp({
  name: 'optimization_barrier',
  doc: 'Gives its operands as they are, but only once all of them are computed: nothing that reads a result runs before, and nothing is merged across it.',
  kind: 'control',
  arity: 1,
  variadic: true,
  constraints: { optimization_barrier_c1: 'its operands must be tensors' },
  infer: (c) => {
    c.check(
      c.inputs.every((t) => !t.state),
      'optimization_barrier_c1',
      listText(c.inputs),
    );
    return c.inputs;
  },
  grad: (_, __, grads) => grads,
  reference: (inputs) => inputs,
  samples: [],
});
