// One function traced for one signature: its graph, the Variables that are its state, and the
// structures of its arguments and results.

import { TraceError } from '../../ir/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { type TensorType, typeText } from '../../ir/types.ts';
import type { Program } from '../../runtime/program.ts';
import { createDefaultProgram, type ProgramChoices, placeOf } from './backend.ts';
import { context, type Target, withRecorders, withTrace } from './context.ts';
import { applyOp, operandOf } from './dispatch.ts';
import { flatten, flattenTensors, leafNames, pack, type Tree } from './nest.ts';
import { TensorSpec } from './spec.ts';
import { storageOf } from './storage.ts';
import { TapedGraph, withoutStates, withStates } from './taped.ts';
import { eagerTensor, Tensor } from './tensor.ts';
import { refusePromise, Trace } from './trace.ts';
import { Variable } from './variable.ts';

/** An argument that becomes an input of the graph, or its description. */
export type Input = Tensor | TensorSpec;

/** Takes arguments apart: tensors, typed arrays and specs are inputs, Variables and the rest static. */
export function parseArguments(
  args: readonly unknown[],
  toTensor: (x: unknown) => Tensor,
): { tree: Tree; inputs: Input[] } {
  const inputs: Input[] = [];
  const leafOf = (x: unknown): Input | undefined => {
    if (x instanceof Variable) return undefined;
    if (x instanceof Tensor || x instanceof TensorSpec) return x;
    return ArrayBuffer.isView(x) ? toTensor(x) : undefined;
  };
  const tree = flatten(args, leafOf, inputs, (t) => typeText(t.type));
  return { tree, inputs };
}

/** How the programs of a traced function are made. */
export interface ConcreteChoices extends ProgramChoices {
  /** By default that of the chosen backend. */
  readonly target?: Target;
}

/** A traced function. */
export class Concrete {
  readonly graph: Graph;
  readonly name: string;
  /** Types of the inputs, in the order of the arguments' leaves. */
  readonly inputTypes: readonly TensorType[];
  readonly inputNames: readonly string[];
  readonly outputTypes: readonly TensorType[];
  /** The Variables read or assigned, in the order of the graph's states. */
  readonly variables: readonly Variable[];
  /** Those that a run changes. */
  readonly assigned: readonly Variable[];
  readonly argumentTree: Tree;
  readonly resultTree: Tree;
  readonly #choices: ConcreteChoices;
  /** By where they run. */
  readonly #programs = new Map<string, Program>();
  #taped: { graph: TapedGraph; read: readonly Variable[] } | undefined;

  /**
   * Traces `fn`.
   * @param mayCreate whether it may create Variables
   * @param choices of its programs; threads as far as they have been started
   */
  constructor(
    fn: (...args: unknown[]) => unknown,
    tree: Tree,
    inputs: readonly Input[],
    name: string,
    mayCreate: boolean,
    choices: ConcreteChoices = {},
  ) {
    this.name = name;
    this.#choices = choices;
    this.argumentTree = tree;
    this.inputTypes = inputs.map((x) => x.type);
    const paths = tree.kind === 'list' ? tree.items.flatMap((t, i) => leafNames(t, `x${i}`).filter(Boolean)) : [];
    this.inputNames = inputs.map((x, i) => (x instanceof TensorSpec && x.name) || paths[i]);
    const trace = new Trace(name, mayCreate);
    try {
      const outputs: Tensor[] = [];
      this.resultTree = withTrace(trace, () =>
        withRecorders([], () => {
          const params = this.inputTypes.map((t, i) => trace.input(t, this.inputNames[i]));
          const result = fn(...(pack(tree, params) as unknown[]));
          refusePromise(result, name);
          const r = flattenTensors(result, outputs);
          outputs.forEach((t, i) => {
            outputs[i] = t.operand();
          });
          return r;
        }),
      );
      const { graph, variables } = trace.finish(outputs);
      this.graph = graph;
      this.variables = variables as readonly Variable[];
      this.outputTypes = outputs.map((t) => t.type);
      const [ni, no] = [inputs.length, outputs.length];
      this.assigned = this.variables.filter((_, i) => graph.results[no + i] !== graph.params[ni + i]);
    } finally {
      trace.close();
    }
  }

  /** Runs it on inputs of its signature. A tape that follows some of them keeps the call as one operation. */
  call(inputs: readonly Tensor[]): unknown {
    const touched = [...inputs, ...this.variables];
    if (context.recorders.length && context.recorders.some((r) => r.interested(touched)))
      return this.#callTaped(inputs) ?? this.replay(inputs);
    return this.runProgram(this.#program(), inputs);
  }

  /** Null where some operation has no gradient: tapes then have to hear which ones matter. */
  #callTaped(inputs: readonly Tensor[]): unknown {
    if (inputs.some((t) => t.symbol)) return null;
    this.#taped ??= this.#tape();
    const { graph, read } = this.#taped;
    const out = graph.callTaped([...inputs, ...read.map(operandOf)]);
    if (!out) return null;
    for (const v of this.assigned) v.changed();
    return pack(this.resultTree, out);
  }

  #tape(): { graph: TapedGraph; read: readonly Variable[] } {
    const [inputs, outputs] = [this.inputTypes.length, this.outputTypes.length];
    const w = withoutStates(this.graph, inputs, outputs);
    const makeRun = (g: Graph) => {
      const program = this.#makeProgram(withStates(g, this.graph, inputs, outputs, w));
      return (operands: readonly Tensor[]) =>
        program.runBuffers(operands.slice(0, inputs).map((t) => storageOf(t, program.target)));
    };
    return {
      graph: new TapedGraph(w.graph, outputs, this.#choices.target, makeRun),
      read: w.read.map((i) => this.variables[i]),
    };
  }

  /** Runs a program of this graph. */
  runProgram(program: Program, inputs: readonly Tensor[]): unknown {
    const out = program.runBuffers(inputs.map((t) => storageOf(t, program.target)));
    for (const v of this.assigned) v.changed();
    const tree = this.resultTree;
    if (tree.kind === 'leaf') return eagerTensor(this.outputTypes[0], out[0]);
    return pack(
      tree,
      out.map((a, i) => eagerTensor(this.outputTypes[i], a)),
    );
  }

  /** Performs the graph's operations one by one. */
  replay(inputs: readonly Tensor[]): unknown {
    const at = new Map<Value, Tensor>();
    this.graph.params.forEach(
      (p, i) => void at.set(p, i < inputs.length ? inputs[i] : this.variables[i - inputs.length]),
    );
    const get = (v: Value) => at.get(v) as Tensor;
    for (const n of this.graph.nodes) {
      const ins = n.inputs.map(get);
      if (n.op.name === 'read') at.set(n.outputs[0], operandOf(ins[0]));
      else if (n.op.name === 'assign') at.set(n.outputs[0], (ins[0] as Variable).assign(ins[1]));
      else applyOp(n.op, ins, n.attrs, n.regions).forEach((t, i) => void at.set(n.outputs[i], t));
    }
    return pack(this.resultTree, this.graph.results.slice(0, this.outputTypes.length).map(get));
  }

  /** The program for the default target, which may have changed since the last call. */
  #program(): Program {
    const place = placeOf(this.#choices.target);
    let p = this.#programs.get(place);
    if (!p) {
      p = this.#makeProgram(this.graph);
      this.#programs.set(place, p);
    }
    return p;
  }

  #makeProgram(g: Graph): Program {
    const cells = this.variables.map((v) => v.cell);
    const onFallback = (why: Error) =>
      console.warn(`tf.func '${this.name}' is interpreted, which is slow: ${why.message.split('\n')[0]}`);
    return createDefaultProgram(g, cells, { ...this.#choices, onFallback }) as Program;
  }
}

/** Refuses what only works outside of a trace. */
export function refuseTrace(op: string, fix: string): void {
  if (context.trace)
    throw new TraceError(`a compiled program cannot run inside the trace of '${context.trace.name}'`, { op, fix });
}
