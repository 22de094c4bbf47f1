// Graphs of the IR as ONNX models.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { Graph, Value } from '../../../ir/graph.ts';
import { nodesFor } from '../../../ir/region.ts';
import type { TensorType } from '../../../ir/types.ts';
import { writeWhole } from '../../files.ts';
import { encodeMessage } from '../../formats/protobuf.ts';
import { type Compilable, Executable } from '../../trace/compile.ts';
import { Concrete, parseArguments } from '../../trace/concrete.ts';
import { makeTensor } from '../../trace/convert.ts';
import type { AnyFunction, Func } from '../../trace/func.ts';
import { schema, type ToWrite } from '../schema.ts';
import { controlWriters } from './control.ts';
import { elementwise } from './elementwise.ts';
import { writable } from './rewrite.ts';
import { structure } from './structure.ts';
import { type GraphBodyWriter, GraphWriter, Names, type NodeWriter, noEquivalent, typeOf } from './writer.ts';

const op = 'exportOnnx';
/** The operator set of ai.onnx that models are written in, and the version of the file format. */
const operatorSet = 18;
const irVersion = 8;

/** What can be exported: a compiled function, a function of tensors, or a model. */
export type OnnxExportable = Executable<unknown> | AnyFunction | Func<AnyFunction> | Compilable;

/** How a model is written. */
export interface ExportOnnxOptions {
  /** One entry per argument, as `tf.compile` takes them; a compiled function has its own. */
  readonly inputs?: readonly unknown[];
  /** Names of the results, in order; by default output, or output_0, output_1 and so on. */
  readonly outputNames?: readonly string[];
  /** Name of the graph. */
  readonly name?: string;
}

const writers: Record<string, NodeWriter> = {
  ...elementwise,
  ...structure,
  // Variables are the tensors that they hold.
  read: (_, __, [state]) => state,
  assign: (_, __, [, value]) => value,
};
Object.assign(
  writers,
  controlWriters((w, g, params) => writeBody(w, g, params)),
);

/** Operations of the IR that have a writer of their own; others are exported by their expansion. */
export const exported = (name: string): boolean => Object.hasOwn(writers, name);

/** Writes nodes whose operands have names. */
function writeNodes(w: GraphWriter, g: Graph): void {
  const needed = nodesFor(g.results, g);
  for (const n of g.nodes) {
    if (!needed.has(n)) continue;
    if (!exported(n.op.name)) throw noEquivalent(n.op.name, 'it has no writer');
    const out = writers[n.op.name](
      w,
      n,
      n.inputs.map((v) => w.name(v)),
    );
    n.outputs.forEach((v, i) => void w.at.set(v, typeof out === 'string' ? out : out[i]));
  }
}

const writeBody: GraphBodyWriter = (w, given, params) => {
  const g = writable(given, exported);
  g.params.forEach((p, i) => void w.at.set(p, params[i]));
  writeNodes(w, g);
  return g.results.map((r) => w.name(r));
};

/** A traced function: its graph, inputs and the Variables that are its states. */
function concreteOf(what: OnnxExportable, options: ExportOnnxOptions): Concrete {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentError(`the options must be an object, not ${valueText(options)}`, {
      op,
      fix: 'such as {inputs: [tf.spec([1, 4])]}',
    });
  if (what instanceof Executable) return what.parts.concrete;
  const fn = typeof what === 'object' && what !== null && 'asFunction' in what ? what.asFunction() : what;
  if (typeof fn !== 'function')
    throw new ArgumentError(
      `what is exported must be a compiled function, a function or a model, not ${valueText(what)}`,
      {
        op,
        fix: 'pass what tf.compile gave, or a function with {inputs: [tf.spec(shape)]}',
      },
    );
  const inputs = options.inputs ?? specsOf(what);
  if (!Array.isArray(inputs))
    throw new ArgumentError('inputs must be an array with one entry per argument', {
      op,
      fix: 'inputs: [tf.spec(shape, dtype)]',
    });
  if ('concreteFor' in fn) return (fn as Func<AnyFunction>).concreteFor(inputs);
  const parsed = parseArguments(inputs, (x) => makeTensor(x, undefined, undefined, op));
  return new Concrete(fn, parsed.tree, parsed.inputs, options.name ?? (fn.name || 'main'), true);
}
/** A function without inputs described is one of no arguments. */
function specsOf(what: OnnxExportable): readonly unknown[] {
  if (typeof what === 'function' && what.length === 0) return [];
  throw new ArgumentError('the inputs are not described', { op, fix: 'give {inputs: [tf.spec(shape, dtype), …]}' });
}

/** A graph to write: its parameters are its inputs, then Variables; its results are its outputs, then their last versions. */
export interface GraphToWrite {
  readonly graph: Graph;
  readonly inputNames: readonly string[];
  /** Number of outputs. */
  readonly results: number;
  readonly variables: readonly { readonly name: string; readonly type: TensorType; readonly data: ArrayLike<number> }[];
}

/** The bytes of a model. Variables are initializers; one that is assigned is an output too, as ONNX has no state. */
export function modelBytes(given: GraphToWrite, options: ExportOnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const { inputNames, results, variables } = given;
  const g = writable(given.graph, exported);
  const names = new Names();
  const w = new GraphWriter(names);
  const states = g.params.slice(inputNames.length);
  const input = inputNames.map((base, i) => {
    const name = names.fresh(base);
    w.at.set(g.params[i], name);
    return { name, type: typeOf(g.params[i].type, op) };
  });
  const outputs = outputNames(options, results).map((n) => names.fresh(n));
  variables.forEach(({ name: base, type, data }, i) => {
    const name = names.fresh(base);
    names.initializers.push(w.tensor(name, type.dtype, type.shape as number[], data));
    w.at.set(states[i], name);
  });
  writeNodes(w, g);
  const named = (name: string, value: Value): ToWrite<'ValueInfo'> => {
    w.nodes.push({ opType: 'Identity', name: `result_${name}`, input: [w.name(value)], output: [name], attribute: [] });
    return { name, type: typeOf({ dtype: value.type.dtype, shape: value.type.shape }, op) };
  };
  const output = outputs.map((name, i) => named(name, g.results[i]));
  states.forEach((s, i) => {
    const last = g.results[results + i];
    if (last !== s) output.push(named(names.fresh(`${variables[i].name}_next`), last));
  });
  return encodeMessage(schema, 'Model', {
    irVersion,
    producerName: 'sinter',
    opsetImport: [{ domain: '', version: operatorSet }],
    graph: { name: options.name ?? g.name, node: w.nodes, initializer: names.initializers, input, output },
  });
}

/** Writes the model. See `tf.exportOnnx`. */
export async function exportModel(
  what: OnnxExportable,
  options: ExportOnnxOptions = {},
  path?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { graph, inputNames, outputTypes, variables } = concreteOf(what, options);
  const values = variables.map(async (v) => ({ name: v.name, type: v.type, data: await v.cell.readAsync() }));
  const bytes = modelBytes(
    { graph, inputNames, results: outputTypes.length, variables: await Promise.all(values) },
    options,
  );
  if (path !== undefined) await writeWhole(path, bytes, op);
  return bytes;
}

function outputNames(options: ExportOnnxOptions, count: number): string[] {
  const given = options.outputNames;
  if (given === undefined) return count === 1 ? ['output'] : Array.from({ length: count }, (_, i) => `output_${i}`);
  if (
    !Array.isArray(given) ||
    given.length !== count ||
    new Set(given).size !== count ||
    !given.every((n) => typeof n === 'string' && n)
  )
    throw new ArgumentError(`outputNames must be ${count} different name(s), got ${valueText(given)}`, {
      op,
      fix: 'name each result once',
    });
  return [...given];
}
