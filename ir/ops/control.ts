// Control flow. The bodies are regions: graphs of their own that see nothing but their parameters.

import type { Graph } from '../graph.ts';
import { type NDArray, ndarray, sizeOfShape } from '../ndarray.ts';
import { defineOp, type InferCtx, numAttr, type RunRegion } from '../op.ts';
import { isOpen, staticShape, type TensorType, tensorType, typeEq, typeText } from '../types.ts';

const later = { none: 'control flow is differentiated in a later version' };

const typesEq = (a: readonly TensorType[], b: readonly TensorType[]) =>
  a.length === b.length && a.every((t, i) => typeEq(t, b[i]));
const listText = (ts: readonly TensorType[]) => `(${ts.map(typeText).join(', ')})`;
const paramTypes = (g: Graph) => g.params.map((p) => p.type);
const resultTypes = (g: Graph) => g.results.map((r) => r.type);

const countRule = (n: number, which: string) => `it must have ${n} region${n === 1 ? '' : 's'}: ${which}`;
function checkCount(c: InferCtx, label: string, n: number): void {
  c.check(c.regions.length === n, label, `${c.regions.length}`);
}
/** The region takes these types. */
function checkParams(c: InferCtx, label: string, g: Graph, want: readonly TensorType[]): void {
  c.check(typesEq(paramTypes(g), want), label, `@${g.name} takes ${listText(paramTypes(g))}, given ${listText(want)}`);
}
/** The region gives these types. */
function checkResults(c: InferCtx, label: string, g: Graph, want: readonly TensorType[]): void {
  c.check(typesEq(resultTypes(g), want), label, `@${g.name} gives ${listText(resultTypes(g))}, not ${listText(want)}`);
}

const isPredicate = (t: TensorType) => t.dtype === 'bool' && t.shape.length === 0 && !t.state;

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
  grad: later,
  reference: ([p, ...operands], _, __, run) => (run as RunRegion)(p.data[0] ? 0 : 1, operands),
  samples: [],
});

defineOp({
  name: 'while',
  doc: 'Carries its operands through the second region (the body) as long as the first (the condition) gives true on them.',
  kind: 'control',
  arity: 1,
  variadic: true,
  constraints: {
    while_c1: countRule(2, 'condition and body'),
    while_c2: 'both regions must take the types of the operands',
    while_c3: 'the condition must give one bool scalar',
    while_c4: 'the body must give the types that it takes: what is carried keeps its dtype and shape',
  },
  infer: (c) => {
    checkCount(c, 'while_c1', 2);
    const [cond, body] = c.regions;
    for (const r of c.regions) checkParams(c, 'while_c2', r, c.inputs);
    const test = resultTypes(cond);
    c.check(test.length === 1 && isPredicate(test[0]), 'while_c3', listText(test));
    checkResults(c, 'while_c4', body, c.inputs);
    return c.inputs;
  },
  grad: later,
  reference: (inputs, _, __, run) => {
    let carried = inputs;
    while ((run as RunRegion)(0, carried)[0].data[0]) carried = (run as RunRegion)(1, carried);
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
  doc: 'Runs its region `length` times. The first `carry` operands are carried from one run to the next; the others have a leading axis of that length, of which each run gets one slice. The region gives the next carried values, then values that are stacked along a new leading axis.',
  kind: 'control',
  arity: 0,
  variadic: true,
  constraints: {
    scan_c1: countRule(1, 'the body'),
    scan_c2: 'length must be an integer of at least 0, and carry one from 0 to the number of operands',
    scan_c3: 'the operands that are not carried must be tensors with a leading axis of that length',
    scan_c4: 'the body must take the types of what is carried, then of the slices',
    scan_c5: 'the body must first give the types of what is carried: it keeps its dtype and shape',
    scan_c6: 'what is stacked must be tensors of fixed shape',
  },
  infer: (c) => {
    checkCount(c, 'scan_c1', 1);
    const [body] = c.regions;
    const length = numAttr(c.attrs, 'length');
    const carry = numAttr(c.attrs, 'carry');
    const counts = [length, carry].every((n) => Number.isInteger(n) && n >= 0);
    c.check(counts && carry <= c.inputs.length, 'scan_c2', `length ${length}, carry ${carry}`);
    const carried = c.inputs.slice(0, carry);
    const xs = c.inputs.slice(carry);
    c.check(
      xs.every((x) => !x.state && x.shape[0] === length),
      'scan_c3',
      `length ${length} and ${listText(xs)}`,
    );
    checkParams(c, 'scan_c4', body, [...carried, ...xs.map((x) => tensorType(x.dtype, x.shape.slice(1)))]);
    const given = resultTypes(body);
    c.check(typesEq(given.slice(0, carry), carried), 'scan_c5', `${listText(given)} for ${listText(carried)}`);
    const ys = given.slice(carry);
    c.check(
      ys.every((y) => !y.state && !y.shape.some(isOpen)),
      'scan_c6',
      listText(ys),
    );
    return [...carried, ...ys.map((y) => tensorType(y.dtype, [length, ...y.shape]))];
  },
  grad: later,
  reference: (inputs, attrs, out, run) => {
    const length = numAttr(attrs, 'length');
    const carry = numAttr(attrs, 'carry');
    let carried = inputs.slice(0, carry);
    const stacked = out.slice(carry).map((t) => ndarray(t.dtype, staticShape(t.shape)));
    for (let i = 0; i < length; i++) {
      const given = (run as RunRegion)(0, [...carried, ...inputs.slice(carry).map((x) => sliceAt(x, i))]);
      carried = given.slice(0, carry);
      stacked.forEach((s, k) => {
        const y = given[carry + k];
        s.data.set(y.data, i * y.data.length);
      });
    }
    return [...carried, ...stacked];
  },
  samples: [],
});

defineOp({
  name: 'call',
  doc: 'Runs its region on the operands.',
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
  grad: later,
  reference: (inputs, _, __, run) => (run as RunRegion)(0, inputs),
  samples: [],
});
