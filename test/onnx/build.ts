// Small ONNX models for tests, written by the project's own writer.

import { encodeMessage } from '../../frontends/formats/protobuf.ts';
import { schema, type ToWrite } from '../../frontends/onnx/schema.ts';

const codes = {
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
  uint4: 21,
  int4: 22,
} as const;
export type TypeName = keyof typeof codes;

/** A tensor of a test model. */
export interface Data {
  readonly type: TypeName;
  readonly shape: readonly number[];
  /** Missing: random ones. */
  readonly values?: readonly number[];
  readonly range?: readonly [number, number];
  /** Stands in the file, instead of being given. */
  readonly constant?: boolean;
}

export type Attributes = Readonly<
  Record<
    string,
    | number
    | bigint
    | string
    | readonly number[]
    | readonly string[]
    | Data
    | ToWrite<'Graph'>
    | { float: number | readonly number[] }
  >
>;

/** One operator on some tensors. */
export interface OpCase {
  readonly op: string;
  readonly version: number;
  readonly domain?: string;
  /** The version of its set, where that is not ai.onnx. */
  readonly domainVersion?: number;
  readonly note?: string;
  readonly attributes?: Attributes;
  readonly inputs: readonly (Data | null | readonly Data[])[];
  /** Number of results. */
  readonly outputs?: number;
  /** What is expected where ONNX Runtime is not asked. */
  readonly want?: readonly { readonly shape: readonly number[]; readonly data: readonly number[] }[];
  readonly tolerance?: number;
  /** Functions and operator sets beside. */
  readonly extra?: ToWrite<'Model'>;
}

const data =
  (type: TypeName) =>
  (shape: readonly number[], values?: readonly number[], range?: readonly [number, number]): Data => ({
    type,
    shape,
    values,
    range,
  });
export const f = data('float');
export const i64 = data('int64');
export const i32 = data('int32');
export const u8 = data('uint8');
export const i8 = data('int8');
export const bool = data('bool');
export const f64 = data('double');
/** A tensor that stands in the file. */
export const fix = (d: Data): Data => ({ ...d, constant: true });
/** Whole numbers in the file, as shapes and axes are. */
export const ints = (...values: number[]): Data => fix(i64([values.length], values));
export const int = (value: number): Data => fix(i64([], [value]));
export const one = (
  op: string,
  version: number,
  inputs: OpCase['inputs'],
  attributes?: Attributes,
  rest: Partial<OpCase> = {},
): OpCase => ({
  op,
  version,
  inputs,
  attributes,
  ...rest,
});

/** What a case is called. */
export const caseKey = (c: OpCase): string =>
  `${c.domain ? `${c.domain}.` : ''}${c.op} ${c.version}${c.note ? ` ${c.note}` : ''}`;

function hash(text: string): number {
  let h = 2166136261;
  for (const ch of text) h = Math.imul(h ^ ch.charCodeAt(0), 16777619);
  return (h >>> 0) % 2147483646 || 1;
}

/** The elements of a tensor: those given, or random ones that follow from the case's name and its place. */
export function valuesOf(d: Data, seedText: string): number[] {
  if (d.values) return [...d.values];
  let seed = hash(seedText);
  const [low, high] = d.range ?? (d.type === 'bool' ? [0, 1.999] : d.type === 'uint8' ? [0, 255.99] : [-2, 2]);
  const whole = !['float', 'double', 'float16', 'bfloat16'].includes(d.type);
  return Array.from({ length: d.shape.reduce((n, x) => n * x, 1) }, () => {
    seed = (seed * 16807) % 2147483647;
    const x = low + ((high - low) * seed) / 2147483647;
    return whole ? Math.floor(x) : Math.fround(x);
  });
}

const typeOf = (type: TypeName, shape?: readonly number[]): ToWrite<'Type'> => ({
  tensorType: { elemType: codes[type], shape: shape && { dim: shape.map((dimValue) => ({ dimValue })) } },
});

/** A tensor as the file has it. */
export function tensorOf(name: string, d: Data, seed: string): ToWrite<'Tensor'> {
  const values = valuesOf(d, seed);
  const base = { name, dims: d.shape, dataType: codes[d.type] };
  if (d.type === 'float') return { ...base, floatData: values };
  if (d.type === 'double') return { ...base, doubleData: values };
  if (d.type === 'int64') return { ...base, int64Data: values };
  if (d.type === 'uint32' || d.type === 'uint64') return { ...base, uint64Data: values };
  if (d.type === 'uint4' || d.type === 'int4') {
    const packed = Array.from(
      { length: Math.ceil(values.length / 2) },
      (_, i) => (values[2 * i] & 15) | (((values[2 * i + 1] ?? 0) & 15) << 4),
    );
    return { ...base, int32Data: packed };
  }
  return { ...base, int32Data: values };
}

const bytes = (s: string) => new TextEncoder().encode(s);
/** An attribute as the file has it. */
export function attributeOf(name: string, x: Attributes[string], seed: string): ToWrite<'Attribute'> {
  if (typeof x === 'bigint') return { name, type: 2, i: x };
  if (typeof x === 'number')
    return Number.isInteger(x) ? { name, type: 2, i: x } : { name, type: 1, f: Math.fround(x) };
  if (typeof x === 'string') return { name, type: 3, s: bytes(x) };
  if (Array.isArray(x)) {
    if (x.length && typeof x[0] === 'string') return { name, type: 8, strings: x.map(bytes) };
    const floats = x.some((n) => !Number.isInteger(n));
    return floats ? { name, type: 6, floats: x.map(Math.fround) } : { name, type: 7, ints: x };
  }
  if ('float' in x)
    return typeof x.float === 'number'
      ? { name, type: 1, f: Math.fround(x.float) }
      : { name, type: 6, floats: x.float.map(Math.fround) };
  if ('shape' in x) return { name, type: 4, t: tensorOf(name, x as Data, seed) };
  return { name, type: 5, g: x as ToWrite<'Graph'> };
}

/** A node. */
export const nodeOf = (
  opType: string,
  input: string[],
  output: string[],
  attributes: Attributes = {},
  domain = '',
): ToWrite<'Node'> => ({
  opType,
  input,
  output,
  domain,
  attribute: Object.entries(attributes).map(([k, v]) => attributeOf(k, v, k)),
});
/** A value of a graph's inputs or outputs. */
export const infoOf = (name: string, type: TypeName = 'float', shape?: readonly number[]): ToWrite<'ValueInfo'> => ({
  name,
  type: typeOf(type, shape),
});

/** A model of one graph. */
export function modelOf(graph: ToWrite<'Graph'>, version: number, extra: ToWrite<'Model'> = {}): Uint8Array {
  const own = [{ domain: '', version }];
  const opsetImport = [...own, ...Array.from(extra.opsetImport ?? [])];
  return encodeMessage(schema, 'Model', { irVersion: 8, ...extra, opsetImport, graph: { name: 'test', ...graph } });
}

/** The operands of a case that are given when it runs. */
export function givenInputs(c: OpCase): { name: string; data: Data; values: number[] }[] {
  return c.inputs.flatMap((d, i) =>
    d && !Array.isArray(d) && !(d as Data).constant
      ? [{ name: `x${i}`, data: d as Data, values: valuesOf(d as Data, `${caseKey(c)} ${i}`) }]
      : [],
  );
}

/** The model of a case. `resultTypes` where a runtime wants to know them. */
export function modelOfCase(c: OpCase): Uint8Array {
  const key = caseKey(c);
  const outputs = Array.from({ length: c.outputs ?? 1 }, (_, i) => `y${i}`);
  const node = nodeOf(
    c.op,
    c.inputs.map((d, i) => (d ? `x${i}` : '')),
    outputs,
    c.attributes,
    c.domain,
  );
  const constants = c.inputs.flatMap((d, i) =>
    d && !Array.isArray(d) && (d as Data).constant ? [tensorOf(`x${i}`, d as Data, `${key} ${i}`)] : [],
  );
  const domains = c.domain ? [{ domain: c.domain, version: c.domainVersion ?? 1 }] : [];
  return modelOf(
    {
      node: [node],
      initializer: constants,
      input: givenInputs(c).map(({ name, data: d }) => infoOf(name, d.type, d.shape)),
      output: outputs.map((name) => ({ name })),
    },
    c.version,
    { ...c.extra, opsetImport: [...domains, ...Array.from(c.extra?.opsetImport ?? [])] },
  );
}
