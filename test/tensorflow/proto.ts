// Writes protocol buffers and TensorFlow's messages for tests: on its own, not by what reads them.

export type Part = readonly [field: number, value: unknown, kind?: 'varint' | 'float' | 'fixed32'];

function varint(x: number | bigint): number[] {
  let n = BigInt.asUintN(64, BigInt(x));
  const out: number[] = [];
  for (; n > 127n; n >>= 7n) out.push(Number(n & 127n) | 128);
  return [...out, Number(n)];
}

const join = (parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array => {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
};

/** A message: numbers are varints, text and bytes have their length before them; undefined is left out. */
export function message(...parts: readonly Part[]): Uint8Array {
  const out: (readonly number[] | Uint8Array)[] = [];
  for (const [field, value, kind] of parts) {
    if (value === undefined) continue;
    if (kind === 'float' || kind === 'fixed32') {
      const view = new DataView(new ArrayBuffer(4));
      if (kind === 'float') view.setFloat32(0, value as number, true);
      else view.setUint32(0, value as number, true);
      out.push(varint(field * 8 + 5), new Uint8Array(view.buffer));
    } else if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
      out.push(varint(field * 8), varint(typeof value === 'boolean' ? Number(value) : value));
    else {
      const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : (value as Uint8Array);
      out.push(varint(field * 8 + 2), varint(bytes.length), bytes);
    }
  }
  return join(out);
}
export const varintBytes = (x: number): Uint8Array => Uint8Array.from(varint(x));
export const joined = join;

export const types: Readonly<Record<string, number>> = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  string: 7,
  int64: 9,
  bool: 10,
  resource: 20,
  variant: 21,
  half: 19,
  bfloat16: 14,
};

export const shapeProto = (shape: readonly number[] | null): Uint8Array =>
  shape === null ? message([3, true]) : message(...shape.map((d) => [2, message([1, d])] as const));

/** A TensorProto of numbers, as `tensor_content`. */
export function tensorProto(
  dtype: 'float32' | 'float64' | 'int32' | 'int64' | 'bool',
  shape: readonly number[],
  values: readonly number[],
): Uint8Array {
  const make = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array };
  const array = dtype === 'int64' ? BigInt64Array.from(values.map(BigInt)) : make[dtype].from(values);
  return message([1, types[dtype]], [2, shapeProto(shape)], [4, new Uint8Array(array.buffer)]);
}
export const textProto = (shape: readonly number[], values: readonly string[]): Uint8Array =>
  message([1, types.string], [2, shapeProto(shape)], ...values.map((v) => [8, v] as const));

/** AttrValues. */
export const attr = {
  int: (x: number) => message([3, x]),
  float: (x: number) => message([4, x, 'float']),
  bool: (x: boolean) => message([5, x]),
  type: (x: string) => message([6, types[x]]),
  text: (x: string) => message([2, x]),
  shape: (x: readonly number[] | null) => message([7, shapeProto(x)]),
  tensor: (x: Uint8Array) => message([8, x]),
  ints: (x: readonly number[]) => message([1, message(...x.map((k) => [3, k] as const))]),
  types: (x: readonly string[]) => message([1, message(...x.map((k) => [6, types[k]] as const))]),
  func: (name: string) => message([10, message([1, name])]),
  funcs: (names: readonly string[]) => message([1, message(...names.map((n) => [9, message([1, n])] as const))]),
};
type Attrs = Readonly<Record<string, Uint8Array>>;

const mapOf = (field: number, map: Readonly<Record<string, Uint8Array | string>>): Part[] =>
  Object.entries(map).map(([k, v]) => [field, message([1, k], [2, v])] as const);

export const node = (name: string, op: string, input: readonly string[] = [], attrs: Attrs = {}): Uint8Array =>
  message([1, name], [2, op], ...input.map((x) => [3, x] as const), ...mapOf(5, attrs));

export const functionDef = (
  name: string,
  inputs: readonly string[],
  outputs: readonly string[],
  nodes: readonly Uint8Array[],
  ret: Readonly<Record<string, string>>,
  control: Readonly<Record<string, string>> = {},
): Uint8Array => {
  const arg = (x: string) => message([1, x], [3, types.float32]);
  const signature = message(
    [1, name],
    ...inputs.map((x) => [2, arg(x)] as const),
    ...outputs.map((x) => [3, arg(x)] as const),
  );
  return message([1, signature], ...nodes.map((n) => [3, n] as const), ...mapOf(4, ret), ...mapOf(6, control));
};
export const graphDef = (nodes: readonly Uint8Array[], functions: readonly Uint8Array[] = []): Uint8Array =>
  message(
    ...nodes.map((n) => [1, n] as const),
    [2, functions.length ? message(...functions.map((f) => [1, f] as const)) : undefined],
    [4, message([1, 1882])],
  );

type Info = readonly [name: string, dtype: string, shape: readonly number[] | null];
const tensorInfo = ([name, dtype, shape]: Info): Uint8Array =>
  message([1, name], [2, types[dtype]], [3, shapeProto(shape)]);
export interface Signature {
  readonly inputs: Readonly<Record<string, Info>>;
  readonly outputs: Readonly<Record<string, Info>>;
  readonly method: string;
}
const infos = (x: Readonly<Record<string, Info>>) =>
  Object.fromEntries(Object.entries(x).map(([k, v]) => [k, tensorInfo(v)]));
const signatureDef = (s: Signature): Uint8Array =>
  message(...mapOf(1, infos(s.inputs)), ...mapOf(2, infos(s.outputs)), [3, s.method]);

export interface SavedModelParts {
  readonly graph: Uint8Array;
  readonly signatures: Readonly<Record<string, Signature>>;
  readonly tags?: readonly string[];
  readonly saver?: { readonly filename: string; readonly restore: string };
  /** Variables of the object graph and whether they train. */
  readonly variables?: Readonly<Record<string, boolean>>;
}
export function savedModel({ graph, signatures, tags = ['serve'], saver, variables }: SavedModelParts): Uint8Array {
  const objects = Object.entries(variables ?? {}).map(([name, trainable]) =>
    message([7, message([1, 1], [3, trainable], [6, name])]),
  );
  const meta = message(
    [1, message(...tags.map((t) => [4, t] as const), [5, '2.15.0'])],
    [2, graph],
    [3, saver && message([1, saver.filename], [3, saver.restore])],
    ...mapOf(5, Object.fromEntries(Object.entries(signatures).map(([k, s]) => [k, signatureDef(s)]))),
    [7, variables && message(...objects.map((o) => [1, o] as const))],
  );
  return message([1, 1], [2, meta]);
}
