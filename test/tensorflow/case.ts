// Small graphs of one operation, and how they are written as model.json.

export interface Input {
  readonly dtype: 'float32' | 'int32' | 'bool';
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** A constant of the graph; others are inputs of the model. */
  readonly constant: boolean;
}

/** One operation. */
export interface Case {
  readonly op: string;
  readonly inputs: readonly Input[];
  /** In JSON, as model.json has them. */
  readonly attrs?: Readonly<Record<string, unknown>>;
  /** How many results are compared, 1 by default. */
  readonly outputs?: number;
  /** The results' elements, found by other means than TensorFlow.js; without these they are its own (golden.json). */
  readonly want?: readonly (readonly number[])[];
  /** Relative to the largest element, 1e-5 by default. */
  readonly tolerance?: number;
}

/** Numbers that are not special, between two limits. */
function spread(n: number, low: number, high: number): number[] {
  return Array.from({ length: n }, (_, i) => low + (high - low) * ((((i + 1) * 0.6180339887) % 1) * 0.98 + 0.01)).map(
    Math.fround,
  );
}
const count = (s: readonly number[]): number => s.reduce((n, d) => n * d, 1);

/** An input of floats. */
export const f = (shape: readonly number[], low = -2, high = 2): Input => ({
  dtype: 'float32',
  shape,
  values: spread(count(shape), low, high),
  constant: false,
});
export const floats = (values: readonly number[], shape: readonly number[] = [values.length]): Input => ({
  dtype: 'float32',
  shape,
  values,
  constant: false,
});
export const ints = (values: readonly number[], shape: readonly number[] = [values.length]): Input => ({
  dtype: 'int32',
  shape,
  values,
  constant: false,
});
export const bools = (values: readonly number[], shape: readonly number[] = [values.length]): Input => ({
  dtype: 'bool',
  shape,
  values,
  constant: false,
});
/** The same as a constant of the graph. */
export const known = (x: Input): Input => ({ ...x, constant: true });
/** A vector of constants, and one constant. */
export const list = (...values: number[]): Input => known(ints(values));
export const one = (value: number): Input => known(ints([value], []));
export const oneFloat = (value: number): Input => known(floats([value], []));

const typeNames = { float32: 'DT_FLOAT', int32: 'DT_INT32', bool: 'DT_BOOL' } as const;
const int = (i: number) => ({ i: String(i) });
/** Attributes in JSON. */
export const attr = {
  int,
  float: (x: number) => ({ f: x }),
  bool: (b: boolean) => ({ b }),
  type: (t: keyof typeof typeNames) => ({ type: typeNames[t] }),
  text: (s: string) => ({ s: btoa(s) }),
  ints: (xs: readonly number[]) => ({ list: { i: xs.map(String) } }),
  floats: (xs: readonly number[]) => ({ list: { f: xs } }),
  texts: (xs: readonly string[]) => ({ list: { s: xs.map((x) => btoa(x)) } }),
  shape: (xs: readonly number[]) => ({ shape: { dim: xs.map((size) => ({ size: String(size) })) } }),
  types: (xs: readonly (keyof typeof typeNames)[]) => ({ list: { type: xs.map((t) => typeNames[t]) } }),
};

/** What tells cases apart. */
export const nameOf = (c: Case): string => {
  const text = JSON.stringify([c.inputs, c.attrs ?? {}]);
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return `${c.op} ${(hash >>> 0).toString(36)}`;
};

function bytesOf(x: Input): Uint8Array {
  const make = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return new Uint8Array(make[x.dtype].from(x.values).buffer);
}

/** A model of one operation: `in0` …, `op`. */
export function modelOf(c: Case): {
  modelTopology: object;
  weightSpecs: never[];
  weightData: ArrayBuffer;
  format: string;
} {
  const dtype = (x: Input) => ({ type: typeNames[x.dtype] });
  const nodes = c.inputs.map((x, i) => {
    const shape = { shape: { dim: x.shape.map((d) => ({ size: String(d) })) } };
    return x.constant
      ? {
          name: `in${i}`,
          op: 'Const',
          attr: { dtype: dtype(x), value: { tensor: { dtype: typeNames[x.dtype], tensorShape: shape.shape } } },
        }
      : { name: `in${i}`, op: 'Placeholder', attr: { dtype: dtype(x), shape } };
  });
  const own = {
    name: 'op',
    op: c.op,
    input: c.inputs.map((_, i) => `in${i}`),
    attr: { ...(c.inputs[0] ? { T: dtype(c.inputs[0]) } : {}), ...c.attrs },
  };
  const constants = c.inputs.map((x, i) => ({ x, i })).filter(({ x }) => x.constant);
  const specs = constants.map(({ x, i }) => ({ name: `in${i}`, shape: [...x.shape], dtype: x.dtype }));
  const parts = constants.map(({ x }) => bytesOf(x));
  const data = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    data.set(p, at);
    at += p.length;
  }
  return {
    format: 'graph-model',
    modelTopology: { node: [...nodes, own], versions: {} },
    weightSpecs: specs as never[],
    weightData: data.buffer,
  };
}
