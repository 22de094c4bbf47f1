// Errors of compiled float32 functions against float64, in units in the last place.

import { compileGraph } from '../compiler/index.ts';
import { Builder } from '../ir/builder.ts';
import { opByName } from '../ir/op.ts';
import { erfReference } from '../ir/ops/unary.ts';
import { tensorType } from '../ir/types.ts';
import { wasmDevice } from '../runtime/wasm/device.ts';
import { WasmProgram } from '../runtime/wasm/program.ts';

/** Elements of one call. */
const CHUNK = 1 << 15;

/** Exact results, in float64: each is good to a billionth of a float32 ulp. */
export const exactUnary: Readonly<Record<string, (x: number) => number>> = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  tanh: Math.tanh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf: erfReference,
  // 1 / (1 + e^-x) loses nothing in float64 as long as e^-x is finite, which float32 results need.
  logistic: (x) => 1 / (1 + Math.exp(-x)),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
};
export const exactBinary: Readonly<Record<string, (x: number, y: number) => number>> = {
  pow: (x, y) => (x === 1 ? 1 : x ** y),
  atan2: Math.atan2,
  div: (x, y) => x / y,
};

export type FloatFunction = (...operands: Float32Array[]) => Float32Array | Promise<Float32Array>;

/** The compiled op on arrays of CHUNK elements. */
export async function compiled(name: string, arity: 1 | 2, relaxed: boolean): Promise<FloatFunction> {
  const b = new Builder(name);
  const type = tensorType('f32', [CHUNK]);
  const operands = ['x', 'y'].slice(0, arity).map((n) => b.param(type, n));
  const graph = b.build(b.emit(opByName(name), operands));
  const { plan } = await compileGraph(graph, { shared: wasmDevice().memory.shared, relaxed });
  const program = new WasmProgram(plan, [], wasmDevice());
  return (...xs) => program.run(xs)[0] as Float32Array;
}

const word = new Int32Array(1);
const real = new Float32Array(word.buffer);
export const fromBits = (bits: number): number => {
  word[0] = bits;
  return real[0];
};
export const toBits = (x: number): number => {
  real[0] = x;
  return word[0];
};

const MAX = 3.4028234663852886e38;
const SMALLEST = 2 ** -149;
/** Distance between float32 neighbours around x. */
export function ulpOf(x: number): number {
  const a = Math.abs(x);
  if (a >= MAX) return 2 ** 104;
  if (a < 2 ** -126) return SMALLEST;
  // The exponent from the bits: Math.log2 rounds up just below a power of two.
  const bits = toBits(a);
  const f = real[0] > a ? fromBits(bits - 1) : a;
  return 2 ** ((toBits(f) >>> 23) - 150);
}

/** Error in ulp of the exact value; infinite where one of the two is NaN or wrongly infinite. */
export function ulpError(actual: number, exact: number): number {
  if (Number.isNaN(exact)) return Number.isNaN(actual) ? 0 : Number.POSITIVE_INFINITY;
  if (Number.isNaN(actual)) return Number.POSITIVE_INFINITY;
  if (exact === 0 && actual === 0 && !Object.is(actual, exact)) return Number.POSITIVE_INFINITY;
  if (actual === exact || actual === Math.fround(exact))
    return Math.abs(exact) <= MAX && Number.isFinite(actual) ? Math.abs(actual - exact) / ulpOf(exact) : 0;
  if (!Number.isFinite(exact)) return Number.POSITIVE_INFINITY;
  // An infinity stands where the next number beyond the largest would be.
  const a = Number.isFinite(actual) ? actual : Math.sign(actual) * 2 ** 128;
  const e = Math.abs(exact) > 2 ** 128 ? Math.sign(exact) * 2 ** 128 : exact;
  return Math.abs(a - e) / ulpOf(e);
}

export interface Worst {
  ulp: number;
  at: readonly number[];
  actual: number;
  exact: number;
  samples: number;
}
export const nothing = (): Worst => ({ ulp: 0, at: [], actual: 0, exact: 0, samples: 0 });

function consider(w: Worst, at: readonly number[], actual: number, exact: number): void {
  w.samples++;
  const ulp = ulpError(actual, exact);
  if (ulp > w.ulp) Object.assign(w, { ulp, at: at.slice(), actual, exact });
}

/** The worst error of a function of one operand over inputs, by the range that each input lies in. */
export async function measureUnary(
  f: FloatFunction,
  exact: (x: number) => number,
  inputs: Iterable<number>,
  rangeOf: (x: number) => number,
  ranges: number,
): Promise<Worst[]> {
  const worst = Array.from({ length: ranges }, nothing);
  const xs = new Float32Array(CHUNK);
  let n = 0;
  const flush = async () => {
    const ys = await f(xs);
    for (let i = 0; i < n; i++) {
      const k = rangeOf(xs[i]);
      if (k >= 0) consider(worst[k], [xs[i]], ys[i], exact(xs[i]));
    }
    n = 0;
  };
  for (const x of inputs) {
    xs[n++] = x;
    if (n === CHUNK) await flush();
  }
  if (n) await flush();
  return worst;
}

/** The same for two operands. */
export async function measureBinary(
  f: FloatFunction,
  exact: (x: number, y: number) => number,
  inputs: Iterable<readonly [number, number]>,
): Promise<Worst> {
  const worst = nothing();
  const xs = new Float32Array(CHUNK);
  const ys = new Float32Array(CHUNK);
  let n = 0;
  const flush = async () => {
    const zs = await f(xs, ys);
    for (let i = 0; i < n; i++) consider(worst, [xs[i], ys[i]], zs[i], exact(xs[i], ys[i]));
    n = 0;
  };
  for (const [x, y] of inputs) {
    xs[n] = x;
    ys[n++] = y;
    if (n === CHUNK) await flush();
  }
  if (n) await flush();
  return worst;
}

/** Where functions change their formula, and where floats end. */
const points = [
  0, 1.4e-45, 5.877472e-39, 1.1754944e-38, 7.52e-37, 8.67e-19, 1e-10, 1e-4, 2.4414062e-4, 0.125, 0.25, 0.41421356, 0.5,
  0.625, 0.70710678, 0.92, 0.999, 1, 1.001, 1.41421356, 2, 2.4142135, 4, 8, 9, 10, 16, 17, 44.4, 64, 87.3, 88, 88.7228,
  88.7229, 89, 89.416, 103.97, 104, 1000, 8192, 10000, 65536, 4194304, 8388608, 16777216, 1e9, 2147483648, 9.2233e18,
  1e30, 3.4028235e38,
];
const edges: readonly number[] = [...points, Math.PI / 4, Math.PI / 2, Math.PI, Number.POSITIVE_INFINITY];

/** Every `step`-th float32 by its bits, and some 200 neighbours on both sides of each edge, of both signs. */
export function* allFloats(step: number): Generator<number> {
  for (let bits = 0; bits < 2 ** 32; bits += step) yield fromBits(bits | 0);
  yield* nearEdges();
}
function* nearEdges(reach = 200): Generator<number> {
  for (const e of edges) {
    const at = toBits(e);
    for (let k = -reach; k <= reach; k++) {
      const bits = at + k;
      if (bits < 0) continue;
      yield fromBits(bits);
      yield -fromBits(bits);
    }
  }
}
