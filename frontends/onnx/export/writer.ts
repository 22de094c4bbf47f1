// An ONNX graph under construction: values are names.

import { CompileError } from '../../../ir/errors.ts';
import type { Graph, Node, Value } from '../../../ir/graph.ts';
import { halfBits } from '../../../ir/half.ts';
import type { TypedArray } from '../../../ir/literal.ts';
import { type DType, isOpen, type Shape, type TensorType } from '../../../ir/types.ts';
import { product } from '../../formats/functions.ts';
import { AttributeKind, type ToWrite } from '../schema.ts';

/** Element types by their number in files. */
export const codes: Readonly<Record<DType, number>> = {
  f32: 1,
  u8: 2,
  i8: 3,
  i32: 6,
  bool: 9,
  f16: 10,
  f64: 11,
  u32: 12,
};
const int64 = 7;

/** What attributes may be. Numbers are ints, unless they are marked as floats. */
export type Attribute =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: ToWrite<'Graph'> };

const text = new TextEncoder();
function attributeOf(name: string, x: Attribute): ToWrite<'Attribute'> {
  if (typeof x === 'number') return { name, type: AttributeKind.int, i: x };
  if (typeof x === 'string') return { name, type: AttributeKind.string, s: text.encode(x) };
  if (Array.isArray(x)) return { name, type: AttributeKind.ints, ints: x };
  if ('float' in x) return { name, type: AttributeKind.float, f: x.float };
  return { name, type: AttributeKind.graph, g: (x as { graph: ToWrite<'Graph'> }).graph };
}

/** Fixed sizes. Throws CompileError for an open batch. */
export function sizes(shape: Shape, op: string): number[] {
  if (shape.some(isOpen))
    throw new CompileError('the shape has an open batch size, which is not exported', {
      op,
      fix: 'export with a fixed batch size',
    });
  return shape as number[];
}

/** Names and constants that all graphs of a model share. */
export class Names {
  readonly initializers: ToWrite<'Tensor'>[] = [];
  readonly #constants = new Map<string, string>();
  readonly #taken = new Set<string>();
  #next = 0;

  /** A name that nothing has yet. */
  fresh(base = 'v'): string {
    let name = base;
    while (name === 'v' || this.#taken.has(name)) name = `${base}${this.#next++}`;
    this.#taken.add(name);
    return name;
  }
  /** The constant of that key, made once. */
  constant(key: string, make: (name: string) => ToWrite<'Tensor'>): string {
    let name = this.#constants.get(key);
    if (name === undefined) {
      name = this.fresh('c');
      this.initializers.push(make(name));
      this.#constants.set(key, name);
    }
    return name;
  }
}

/** The bytes of elements as files have them: little-endian. */
export function rawOf(dtype: DType, data: ArrayLike<number>): Uint8Array {
  const each = { f32: 4, f64: 8, i32: 4, u32: 4, f16: 2, i8: 1, u8: 1, bool: 1 }[dtype];
  const view = new DataView(new ArrayBuffer(each * data.length));
  const put: Record<DType, (at: number, x: number) => void> = {
    f32: (at, x) => view.setFloat32(at, x, true),
    f64: (at, x) => view.setFloat64(at, x, true),
    i32: (at, x) => view.setInt32(at, x, true),
    u32: (at, x) => view.setUint32(at, x, true),
    f16: (at, x) => view.setUint16(at, halfBits(x), true),
    i8: (at, x) => view.setInt8(at, x),
    u8: (at, x) => view.setUint8(at, x),
    bool: (at, x) => view.setUint8(at, x),
  };
  const set = put[dtype];
  for (let i = 0; i < data.length; i++) set(i * each, data[i]);
  return new Uint8Array(view.buffer);
}

/** The type of a graph's input or output. */
export const typeOf = (t: TensorType, op: string): ToWrite<'Type'> => ({
  tensorType: { elemType: codes[t.dtype], shape: { dim: sizes(t.shape, op).map((dimValue) => ({ dimValue })) } },
});

/** Writes the nodes of one graph, or of a body inside of it. */
export class GraphWriter {
  readonly names: Names;
  readonly nodes: ToWrite<'Node'>[] = [];
  /** Names of values of the graph that is written, and of those around it. */
  readonly at: Map<Value, string>;

  constructor(names: Names, at: ReadonlyMap<Value, string> = new Map()) {
    this.names = names;
    this.at = new Map(at);
  }
  /** A writer for a body: it sees the values around it. */
  inner(): GraphWriter {
    return new GraphWriter(this.names, this.at);
  }

  name(v: Value): string {
    const n = this.at.get(v);
    if (n === undefined) throw new CompileError('a value is used before it is there', { op: 'exportOnnx' });
    return n;
  }

  /** Adds a node and gives the names of its results. */
  many(
    opType: string,
    input: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    results: number,
  ): string[] {
    const output = Array.from({ length: results }, () => this.names.fresh());
    const attribute = Object.entries(attributes).map(([k, v]) => attributeOf(k, v));
    this.nodes.push({ opType, name: `${opType}_${output[0]}`, input, output, attribute });
    return output;
  }
  /** Adds a node and gives the name of its result. */
  node(opType: string, input: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    return this.many(opType, input, attributes, 1)[0];
  }

  /** A constant of elements. */
  data(dtype: DType, shape: readonly number[], data: ArrayLike<number>, key?: string): string {
    const id =
      key ??
      `${dtype}[${shape}]${data.length <= 64 ? rawOf(dtype, data).join() : `#${this.names.initializers.length}`}`;
    return this.names.constant(id, (name) => this.tensor(name, dtype, shape, data));
  }
  /** A tensor of that name as files have it. */
  tensor(name: string, dtype: DType, shape: readonly number[], data: ArrayLike<number>): ToWrite<'Tensor'> {
    return { name, dims: shape, dataType: codes[dtype], rawData: rawOf(dtype, data) };
  }
  /** A constant scalar. */
  scalar(dtype: DType, x: number): string {
    return this.data(dtype, [], [x]);
  }
  /** A constant vector of int64: shapes and axes. */
  ints(values: readonly (number | bigint)[]): string {
    const raw = new DataView(new ArrayBuffer(8 * values.length));
    values.forEach((x, i) => void raw.setBigInt64(8 * i, BigInt(x), true));
    return this.names.constant(`int64[${values}]`, (name) => ({
      name,
      dims: [values.length],
      dataType: int64,
      rawData: new Uint8Array(raw.buffer),
    }));
  }
  /** A constant of one element everywhere: expanded where that is shorter. */
  splat(t: { readonly dtype: DType; readonly shape: readonly number[] }, x: number): string {
    const n = product(t.shape);
    if (n <= 64) return this.data(t.dtype, t.shape, new Array(n).fill(x));
    return this.node('Expand', [this.scalar(t.dtype, x), this.ints(t.shape)]);
  }
  elements(t: TensorType, data: TypedArray, key: string): string {
    return this.data(t.dtype, sizes(t.shape, 'constant'), data, key);
  }

  reshape(x: string, shape: readonly number[]): string {
    return this.node('Reshape', [x, this.ints(shape)], shape.includes(0) ? { allowzero: 1 } : {});
  }
  transpose(x: string, perm: readonly number[]): string {
    return perm.every((p, i) => p === i) ? x : this.node('Transpose', [x], { perm });
  }
  cast(x: string, dtype: DType | 'int64'): string {
    return this.node('Cast', [x], { to: dtype === 'int64' ? int64 : codes[dtype] });
  }
  /** Elements of some axes from begin to end, by steps. */
  slice(
    x: string,
    begin: readonly (number | bigint)[],
    end: readonly (number | bigint)[],
    axes: readonly number[],
    steps = axes.map(() => 1),
  ): string {
    return this.node('Slice', [x, this.ints(begin), this.ints(end), this.ints(axes), this.ints(steps)]);
  }
  /** Pads by a value's name; negative amounts crop. */
  pad(x: string, low: readonly number[], high: readonly number[], value: string): string {
    if ([...low, ...high].every((p) => p === 0)) return x;
    return this.node('Pad', [x, this.ints([...low, ...high]), value]);
  }
}

/** Writes one node of a graph: gives the names of its results. */
export type NodeWriter = (w: GraphWriter, n: Node, x: readonly string[]) => string | readonly string[];
/** Writes the nodes of a graph whose parameters have names; gives those of its results. */
export type GraphBodyWriter = (w: GraphWriter, g: Graph, params: readonly string[]) => string[];

/** The error for what ONNX has not. */
export const noEquivalent = (op: string, why: string): CompileError =>
  new CompileError(`ONNX (operator set 18) has no equivalent of '${op}': ${why}`, {
    op: 'exportOnnx',
    fix: 'compute that part outside of what is exported',
  });
