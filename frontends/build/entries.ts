// What goes into an artifact: functions and models as users give them, traced, with their Variables.

import type { ArtifactFunction, ArtifactState } from '../../compiler/artifact/write.ts';
import { openGraph } from '../../compiler/open/graph.ts';
import type { OpenBatch } from '../../compiler/open/open.ts';
import { furtherSizes, probes } from '../../compiler/open/probes.ts';
import { ArgumentError, valueText } from '../../ir/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import { GraphModel, type TensorInfo } from '../formats/graph-model.ts';
import { LayersModel } from '../keras/engine/model.ts';
import { Executable, isFunc, traced, withConstants } from '../trace/compile.ts';
import type { Concrete } from '../trace/concrete.ts';
import { zeros } from '../trace/creation.ts';
import type { AnyFunction } from '../trace/func.ts';
import { leafNames } from '../trace/nest.ts';
import { TensorSpec } from '../trace/spec.ts';
import type { Tensor } from '../trace/tensor.ts';
import type { Variable } from '../trace/variable.ts';

/** A function of an artifact with what it has to be told. */
export interface EntryOptions {
  /** A function of tensors. */
  readonly fn?: (...args: never[]) => unknown;
  /** Or a model: its prediction, or, of layers and with `labels`, one step of its training, for which it must be compiled. */
  readonly model?: LayersModel | GraphModel;
  /** One spec an argument, nested like it; a first dimension of null is the open batch. A model's are known. */
  readonly inputs?: readonly unknown[];
  /** The labels of a training step, one spec an output. */
  readonly labels?: readonly TensorSpec[];
  /** What serving takes it for: 'predict' (default), 'classify', 'regress', 'train' (the default with `labels`), or any name. */
  readonly method?: string;
}

/** A model, what `tf.compile` or `tf.func` (with an inputSignature) returned, or a function with its options. */
export type Buildable = LayersModel | GraphModel | Executable<unknown> | ((...args: never[]) => unknown) | EntryOptions;

/** An entry that can be traced for any size of its batch. */
interface Traceable {
  readonly name: string;
  readonly method: string;
  /** Null: its batch is not open. */
  readonly trace: (batch: number | null) => Concrete;
  readonly open: boolean;
  readonly inputNames?: readonly string[];
  readonly outputNames?: readonly string[];
}

/** Names that files, module exports and addresses can have. */
const identifier = /^[A-Za-z_][\w.-]{0,99}$/;

const refuse = (name: string, why: string, fix: string): never => {
  throw new ArgumentError(`the entry '${name}' ${why}`, { op: 'buildArtifact', fix });
};

function traceable(name: string, given: Buildable): Traceable {
  if (!identifier.test(name))
    refuse(valueText(name), 'has no name that a module can export', 'use letters, digits and _');
  if (given instanceof Executable) {
    const { concrete } = given.parts;
    return { name, method: 'predict', open: false, trace: () => concrete };
  }
  if (given instanceof LayersModel || given instanceof GraphModel) return ofModel(name, { model: given });
  if (typeof given === 'function') {
    const { inputSignature, inputs } = given as { inputSignature?: readonly unknown[]; inputs?: readonly unknown[] };
    return ofFunction(name, { fn: given, inputs: inputs ?? inputSignature });
  }
  if (typeof given === 'object' && given !== null) {
    if (given.model instanceof LayersModel || given.model instanceof GraphModel) return ofModel(name, given);
    if (typeof given.fn === 'function') return ofFunction(name, given);
  }
  return refuse(
    name,
    `is ${valueText(given)}`,
    'give a model, a function with its inputs {fn, inputs: [tf.spec(…)]}, or what tf.compile returned',
  );
}

/** Specs whose first dimension of null has a size. */
function sized(x: unknown, batch: number | null, name: string): unknown {
  if (x instanceof TensorSpec) {
    const [first, ...rest] = x.shape;
    if (rest.includes(null) || (first === null && batch === null))
      refuse(
        name,
        `takes ${x}, and only the batch, the first dimension, may be open`,
        'give the other dimensions numbers; give a batch size or a range: batch: [1, 64]',
      );
    return first === null ? new TensorSpec([batch, ...rest], x.dtype, x.name) : x;
  }
  if (Array.isArray(x)) return x.map((y) => sized(y, batch, name));
  if (typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype)
    return Object.fromEntries(Object.entries(x).map(([k, y]) => [k, sized(y, batch, name)]));
  return x;
}
const hasOpen = (x: unknown): boolean =>
  x instanceof TensorSpec
    ? x.shape[0] === null
    : Array.isArray(x)
      ? x.some(hasOpen)
      : typeof x === 'object' &&
        x !== null &&
        Object.getPrototypeOf(x) === Object.prototype &&
        Object.values(x).some(hasOpen);

function ofFunction(name: string, { fn, inputs, method }: EntryOptions): Traceable {
  const f = fn as AnyFunction;
  const signature = inputs ?? (isFunc(f) ? f.inputSignature : undefined);
  if (!signature) {
    if (f.length > 0)
      refuse(
        name,
        `is a function whose inputs are not known`,
        'say what it takes: {fn, inputs: [tf.spec([null, 784])]}',
      );
    return { name, method: method ?? 'predict', open: false, trace: () => traced(f, []) };
  }
  if (!Array.isArray(signature))
    refuse(name, `has inputs that are ${valueText(signature)}`, 'inputs: [tf.spec(shape, dtype)]');
  return {
    name,
    method: method ?? 'predict',
    open: hasOpen(signature),
    trace: (batch) => traced(f, sized(signature, batch, name) as unknown[]),
  };
}

/** Inputs and outputs of a model: of graphs with a signature under its names. */
export function portsOf(m: LayersModel | GraphModel): { inputs: TensorInfo[]; outputs: TensorInfo[] } {
  if (m instanceof LayersModel) {
    const named = (all: LayersModel['inputs'], names: readonly string[]) =>
      all.map(({ shape, dtype }, i) => ({ name: names[i], shape, dtype }));
    return { inputs: named(m.inputs, m.inputNames), outputs: named(m.outputs, m.outputNames) };
  }
  const keyed = (list: readonly TensorInfo[], signature: object) => {
    const keys = Object.keys(signature);
    return list.map((t, i) => (keys.length === list.length ? { ...t, name: keys[i] } : t));
  };
  return { inputs: keyed(m.inputs, m.signature.inputs), outputs: keyed(m.outputs, m.signature.outputs) };
}

function ofModel(name: string, { model, inputs, labels, method }: EntryOptions): Traceable {
  const m = model as LayersModel | GraphModel;
  const ports = portsOf(m);
  const names = ports.inputs.map((t) => t.name);
  const known = () =>
    ports.inputs.map(({ shape, dtype }, i) => {
      if (!shape)
        return refuse(name, `takes '${names[i]}', whose shape its file does not say`, 'give inputs: [tf.spec(…)]');
      return new TensorSpec(shape, dtype ?? 'float32', names[i]);
    });
  const x = (inputs ?? known()) as readonly TensorSpec[];
  if (labels && m instanceof LayersModel) return ofTraining(name, m, x, labels, method);
  if (labels)
    refuse(name, 'is a graph, which has no training step of its own', 'give a function {fn, inputs} that trains it');
  const f = m.asFunction() as AnyFunction;
  // Signatures of SavedModels say what they are for: 'tensorflow/serving/classify'.
  const kept = (m as { signature?: { method?: string } }).signature?.method?.split('/').at(-1);
  return {
    name,
    method: method ?? (kept || 'predict'),
    open: hasOpen(x),
    trace: (batch) => traced(f, sized(x, batch, name) as unknown[]),
    inputNames: x.map((s, i) => (s as TensorSpec).name ?? names[i]),
    outputNames: ports.outputs.map((t) => t.name),
  };
}

/** One step of `fit`, which gives loss and metrics so far. */
function ofTraining(
  name: string,
  m: LayersModel,
  x: readonly TensorSpec[],
  labels: readonly TensorSpec[],
  method = 'train',
): Traceable {
  const zero = (list: readonly TensorSpec[], batch: number | null) =>
    (sized(list, batch ?? 1, name) as TensorSpec[]).map((s) => zeros(s.shape as number[], s.dtype));
  m.executables.prepare({ x: zero(x, 2), y: zero(labels, 2), w: labels.map(() => null) } as never);
  const step = m.trainFunction();
  const train = (xs: Tensor[], ys: Tensor[]) =>
    step(
      xs,
      ys,
      ys.map(() => null),
    );
  return {
    name,
    method,
    open: hasOpen(x) || hasOpen(labels),
    trace: (batch) => traced(train as AnyFunction, sized([x, labels], batch, name) as unknown[]),
    inputNames: [...x.map((s, i) => s.name ?? `x${i}`), ...labels.map((s, i) => s.name ?? `y${i}`)],
    outputNames: ['logs'],
  };
}

/** How entries are traced. */
export interface EntryChoices {
  /** Most examples in a call, where the batch of an entry is open; a number in `fixed` is the size instead. */
  readonly bound: number | null;
  readonly fixed: number | null;
  /** False: Variables that no entry changes stay Variables. */
  readonly freeze: boolean;
}

/** Functions for the compiler, and the Variables that they share. */
export async function entriesOf(
  given: Readonly<Record<string, Buildable>>,
  { bound, fixed, freeze }: EntryChoices,
): Promise<{ functions: ArtifactFunction[]; states: ArtifactState[] }> {
  const list = Object.entries(given).map(([name, x]) => {
    const t = traceable(name, x);
    const size = t.open ? (bound === null ? fixed : probes[0]) : null;
    if (t.open && size === null)
      refuse(
        name,
        'has an open batch',
        "say how large it may become, batch: [1, 64] or '--batch 1..64', or how large it is, batch: 1",
      );
    const concrete = t.trace(size);
    const sizes = t.open && bound !== null ? [...probes, ...furtherSizes(concrete.graph, bound)] : [];
    return { t, concrete, sizes, more: sizes.slice(1).map((n) => t.trace(n)) };
  });
  const assigned = new Set(list.flatMap(({ concrete }) => concrete.assigned));
  const variables: Variable[] = [];
  const index = (v: Variable): number => {
    const at = variables.indexOf(v);
    return at >= 0 ? at : variables.push(v) - 1;
  };
  const functions: ArtifactFunction[] = [];
  for (const { t, concrete, sizes, more } of list) {
    const stays = (v: Variable) => !freeze || assigned.has(v);
    const frozen = (c: Concrete) => withConstants(c, stays);
    const graphs = [await frozen(concrete)];
    for (const c of more) graphs.push(await frozen(c));
    const opened: { graph: Graph; open?: OpenBatch } = more.length
      ? openGraph(graphs, sizes, bound as number, t.name)
      : { graph: graphs[0] };
    const outputs = outputNames(t, concrete);
    functions.push({
      name: t.name,
      method: t.method,
      ...opened,
      inputs: unique(t.inputNames ?? concrete.inputNames),
      outputs: outputs.names,
      single: outputs.single,
      states: concrete.variables.filter(stays).map(index),
    });
  }
  const names = unique(variables.map((v) => v.name));
  const states = variables.map(
    async (v, i): Promise<ArtifactState> => ({
      name: names[i],
      type: v.cell.type,
      trainable: v.trainable,
      data: await v.cell.readAsync(),
    }),
  );
  return { functions, states: await Promise.all(states) };
}

function outputNames(t: Traceable, { resultTree, outputTypes }: Concrete): { names: string[]; single: boolean } {
  const single = resultTree.kind === 'leaf';
  if (t.outputNames?.length === outputTypes.length) return { names: unique(t.outputNames), single };
  const names = leafNames(resultTree, '').map((n, i) => n.replace(/^_/, '') || `output${i}`);
  // An array's elements have numbers for names.
  return { names: unique(names.map((n) => (/^\d/.test(n) ? `output${n}` : n))), single };
}

/** The names, numbered where one stands twice. */
function unique(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((n) => {
    const times = seen.get(n) ?? 0;
    seen.set(n, times + 1);
    return times ? `${n}_${times}` : n;
  });
}
