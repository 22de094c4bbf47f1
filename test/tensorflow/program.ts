// Graphs of several nodes, and how they are written as model.json.

import { attr, type Input } from './case.ts';

/** Operation, operands, attributes. */
export type Node = readonly [op: string, inputs: readonly string[], attrs?: Readonly<Record<string, unknown>>];
export interface FunctionBody {
  readonly inputs: readonly string[];
  /** Where each result comes from: 'node:result:index'. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly nodes: Readonly<Record<string, Node>>;
  readonly control?: readonly string[];
}
export interface Program {
  readonly name: string;
  readonly inputs?: Readonly<Record<string, Input>>;
  readonly nodes: Readonly<Record<string, Node>>;
  readonly functions?: Readonly<Record<string, FunctionBody>>;
  /** Values and what they are, or what must hold of them. */
  readonly want: Readonly<Record<string, readonly number[] | ((x: readonly number[]) => boolean)>>;
  /** It changes something, or is different each time: it is run once only. */
  readonly once?: true;
}

const typeNames = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' } as const;
const dims = (shape: readonly number[]) => ({ dim: shape.map((d) => ({ size: String(d) })) });
const bytes = (x: Input): Uint8Array =>
  new Uint8Array({ float32: Float32Array, int32: Int32Array, bool: Uint8Array }[x.dtype].from(x.values).buffer);

/** A constant as a node. */
export const constant = (x: Input): Node => [
  'Const',
  [],
  {
    dtype: { type: typeNames[x.dtype] },
    value: {
      tensor: {
        dtype: typeNames[x.dtype],
        tensorShape: dims(x.shape),
        tensorContent: btoa(String.fromCharCode(...bytes(x))),
      },
    },
  },
];
export const text = (...values: string[]): Node => [
  'Const',
  [],
  {
    dtype: { type: 'DT_STRING' },
    value: {
      tensor: { dtype: 'DT_STRING', tensorShape: dims([values.length]), stringVal: values.map((v) => btoa(v)) },
    },
  },
];
export const f32 = { dtype: attr.type('float32') };
export const func = (name: string) => ({ func: { name } });

const nodeDef = ([name, [op, input, attrs = {}]]: readonly [string, Node]) => ({ name, op, input, attr: attrs });

/** The parts of a model whose outputs are the values that are looked at. */
export function modelOfProgram(p: Program): object {
  const inputs = Object.entries(p.inputs ?? {}).map(([name, x]) =>
    nodeDef([name, ['Placeholder', [], { dtype: { type: typeNames[x.dtype] }, shape: { shape: dims(x.shape) } }]]),
  );
  const functions = Object.entries(p.functions ?? {}).map(([name, body]) => ({
    signature: {
      name,
      inputArg: body.inputs.map((x) => ({ name: x, type: 'DT_FLOAT' })),
      outputArg: Object.keys(body.outputs).map((x) => ({ name: x, type: 'DT_FLOAT' })),
    },
    nodeDef: Object.entries(body.nodes).map(nodeDef),
    ret: body.outputs,
    controlRet: Object.fromEntries((body.control ?? []).map((x) => [x, x])),
  }));
  const info = (name: string) => ({ name: name.includes(':') ? name : `${name}:0` });
  const signature = {
    inputs: Object.fromEntries(Object.keys(p.inputs ?? {}).map((k) => [k, info(k)])),
    outputs: Object.fromEntries(Object.keys(p.want).map((k) => [k, info(k)])),
  };
  return {
    format: 'graph-model',
    modelTopology: {
      node: [...inputs, ...Object.entries(p.nodes).map(nodeDef)],
      library: { function: functions },
      versions: {},
    },
    signature,
    weightSpecs: [],
    weightData: new ArrayBuffer(0),
  };
}
