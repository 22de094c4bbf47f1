// Calls of functions, loops and branches.

import { ExecutionError, FormatError } from '../../../ir/errors.ts';
import { isReadable } from '../../formats/graph-function.ts';
import { Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op, type Results } from '../call.ts';
import { Dependence } from '../dependence.ts';
import { asCall, type TfGraph, type TfNode } from '../graph.ts';
import { type Loop, runCase, runCond, runLoop } from '../loops.ts';
import { done, kindOf, type Value } from '../values.ts';
import { ints } from './shape.ts';

const operands = (c: Call, from = 0): Value[] => c.operands.slice(from).map((_, i) => c.value(from + i));

/** A call by an attribute, or of the function that the operation is named as. */
function called(c: Call): Results {
  return c.runtime.call(c.attrs.has('f') ? c.attrs.func('f') : asCall(c.node), operands(c));
}

/** The branch of a predicate. */
function branched(c: Call): Results {
  const [then, other] = [c.attrs.func('then_branch'), c.attrs.func('else_branch')];
  const args = operands(c, 1);
  return runCond(
    c.x(0),
    () => c.runtime.call(then, args),
    () => c.runtime.call(other, args),
  );
}
function cased(c: Call): Results {
  const args = operands(c, 1);
  return runCase(
    c.x(0),
    c.attrs.funcs('branches').map((f) => () => c.runtime.call(f, args)),
  );
}

function tensor(v: Value | undefined): Tensor {
  if (v instanceof Tensor) return v;
  throw new FormatError(`the condition of a loop is ${kindOf(v)}`, { fix: 'the graph is damaged' });
}

/** What there is of the variables, by the names of a graph's arguments. */
function given(names: readonly string[], vars: readonly (Value | undefined)[]): Map<string, Value> {
  return new Map(names.flatMap((x, i) => (vars[i] === undefined ? [] : [[x, vars[i] as Value] as const])));
}

/** A loop whose condition and body are functions. */
function functional(c: Call): Loop {
  const { runtime } = c;
  const [test, body] = [runtime.graph(c.attrs.func('cond')), runtime.graph(c.attrs.func('body'))];
  if (test.inputs.length !== c.count || body.inputs.length !== c.count || body.outputs.length !== c.count)
    throw new FormatError(`a loop of ${c.count} variables whose functions have others`, {
      fix: 'the graph is damaged',
    });
  const [fTest, fBody] = [runtime.functionOf(test), runtime.functionOf(body)];
  const [ofTest, ofBody] = [new Dependence(test), new Dependence(body)];
  const indices = (g: TfGraph, names: ReadonlySet<string>) => [...names].map((x) => g.inputs.indexOf(x));
  return {
    condition: (vars) => tensor(fTest.run(given(test.inputs, vars), [test.outputs[0], ...test.effects])[0]),
    body: (vars, wanted) => {
      // All of it where all is wanted: what only has effects runs as well.
      const effects = wanted.length === c.count ? body.effects : [];
      return fBody
        .run(given(body.inputs, vars), [...wanted.map((i) => body.outputs[i]), ...effects])
        .slice(0, wanted.length);
    },
    conditionNeeds: indices(test, ofTest.argumentsOf(test.outputs[0])),
    bodyNeeds: (i) => indices(body, ofBody.argumentsOf(body.outputs[i])),
    isInvariant: (i) => ofBody.sourceOf(body.outputs[i]) === body.inputs[i],
  };
}

type Flow = NonNullable<TfNode['flow']>;
function flowOf<K extends Flow['kind']>(c: Call, kind: K): Extract<Flow, { kind: K }> {
  const { flow } = c.node;
  if (flow?.kind === kind) return flow as Extract<Flow, { kind: K }>;
  throw new FormatError(`there is no operation '${c.node.op}'`, { fix: 'the graph is damaged' });
}

/** A loop that was written by switches: its condition and body are parts of one graph, which sees values around it. */
function switched(c: Call): Loop {
  const { body, condition, next } = flowOf(c, 'while');
  const f = c.runtime.functionOf(body);
  const depends = new Dependence(body);
  const indices = (names: ReadonlySet<string>) => [...names].map((x) => body.inputs.indexOf(x));
  const { scope } = c;
  return {
    condition: (vars) => tensor(f.run(given(body.inputs, vars), [condition], scope)[0]),
    body: (vars, wanted) =>
      f.run(
        given(body.inputs, vars),
        wanted.map((i) => next[i]),
        scope,
      ),
    conditionNeeds: indices(depends.argumentsOf(condition)),
    bodyNeeds: (i) => indices(depends.argumentsOf(next[i])),
    isInvariant: (i) => depends.sourceOf(next[i]) === body.inputs[i],
  };
}

/** A choice that was written by switches, and which branch was taken. */
function merged(c: Call): Results {
  const { body, branches, places } = flowOf(c, 'cond');
  const f = c.runtime.functionOf(body);
  const branch = (k: 0 | 1) => (): Value[] => [f.run(new Map(), branches[k], c.scope)[0], ints([places[k]], [])];
  return runCond(c.x(0), branch(1), branch(0));
}

/** A switch whose branches never meet: the one that is not taken has no value. */
function switchOf(c: Call): Results {
  const test = c.x(1);
  if (!isReadable(test))
    throw new ExecutionError(
      'which branch is taken is not known before the program runs, and the branches never meet',
      {
        fix: 'run the model eagerly',
      },
    );
  const taken = test.elements()[0];
  return [taken ? undefined : c.value(0), taken ? c.value(0) : undefined];
}

const most = (c: Call): number | undefined => {
  const n = c.attrs.int('maximum_iterations', 0);
  return n > 0 ? n : undefined;
};
const loop = op((c) => runLoop(functional(c), operands(c), most(c)));

/** Operations of TensorFlow 1 that loops and choices are written with; control-flow.ts puts them together again. */
const parts = op((c) => c.value(0));
/** By name. */
export const control: Operators = {
  Case: op(cased),
  ControlTrigger: op(() => done),
  Enter: parts,
  Exit: parts,
  If: op(branched),
  LoopCond: parts,
  Merge: op((c) => [c.value(0), ints([0], [])], { results: ['output', 'value_index'] }),
  NextIteration: parts,
  PartitionedCall: op(called),
  RefSwitch: op(switchOf, { results: ['output_false', 'output_true'] }),
  StatefulPartitionedCall: op(called),
  StatelessCase: op(cased),
  StatelessIf: op(branched),
  StatelessWhile: loop,
  Switch: op(switchOf, { results: ['output_false', 'output_true'] }),
  While: loop,
};

/** What control-flow.ts makes of them: no operations of files. */
export const flows: Operators = {
  _cond: op(merged),
  _while: op((c) => runLoop(switched(c), operands(c), undefined)),
};
