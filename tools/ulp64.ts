// Errors of compiled float64 functions, and of float32 ones that float64 does not define well enough,
// against arithmetic of 256 bits, in units in the last place.

import { compileGraph } from '../compiler/index.ts';
import { Builder } from '../ir/builder.ts';
import { opByName } from '../ir/op.ts';
import { tensorType } from '../ir/types.ts';
import { wasmDevice } from '../runtime/wasm/device.ts';
import { WasmProgram } from '../runtime/wasm/program.ts';
import * as B from './bigfloat.ts';
import { randomFrom } from './random.ts';

type Draw = (random: () => number) => readonly number[];

/** A function on a set of inputs, and the error it may have there. */
export interface Bound64 {
  readonly name: string;
  readonly label: string;
  readonly exact: (...x: B.Big[]) => B.Big;
  readonly draw: Draw;
  readonly bound: number;
  readonly dtype: 'f32' | 'f64';
  /** Errors are counted in units of at least 2^-52: the function has zeros that no formula knows. */
  readonly absolute?: boolean;
}
export interface Worst64 {
  readonly ulp: number;
  readonly at: readonly number[];
  readonly samples: number;
}

const one = B.big(1);
const between =
  (lo: number, hi: number): Draw =>
  (r) => [lo + (hi - lo) * r()];
/** Any exponent between two, either sign unless `positive`. */
const magnitudes =
  (lo: number, hi: number, positive = false): Draw =>
  (r) => [(positive || r() < 0.5 ? 1 : -1) * (1 + r()) * 2 ** (lo + Math.floor((hi - lo) * r()))];
/** One of several sets in turn. */
const mixed =
  (...draws: Draw[]): Draw =>
  (r) =>
    draws[Math.floor(r() * draws.length)](r);
const small = magnitudes(-60, -1);

const quotient = (f: (x: B.Big) => readonly [B.Big, B.Big]) => (x: B.Big) => B.div(...f(x));
const odd = (e: B.Big): readonly [B.Big, B.Big] => [B.mul(e, B.add(e, B.big(2))), B.scaled(B.add(one, e), 1)];
const sinh = (x: B.Big): B.Big => (x.m < 0n ? B.neg(sinh(B.neg(x))) : B.div(...odd(B.expm1(x))));
const cosh = (x: B.Big) => B.scaled(B.add(B.exp(x), B.exp(B.neg(x))), -1);
/** log(x + sqrt(x^2 + 1)) as log1p(x + x^2 / (1 + sqrt(x^2 + 1))). */
const asinh = (x: B.Big): B.Big => {
  if (x.m < 0n) return B.neg(asinh(B.neg(x)));
  const z = B.mul(x, x);
  return B.log1p(B.add(x, B.div(z, B.add(one, B.sqrt(B.add(z, one))))));
};
const asin = (x: B.Big) => B.atan(B.div(x, B.sqrt(B.sub(one, B.mul(x, x)))));
const acos = (x: B.Big) => B.scaled(B.atan(B.sqrt(B.div(B.sub(one, x), B.add(one, x)))), 1);
const atan2 = (y: B.Big, x: B.Big): B.Big => {
  const a = B.atan(B.div(y, x));
  return x.m > 0n ? a : y.m < 0n ? B.sub(a, B.pi) : B.add(a, B.pi);
};

const angle = mixed(between(-10, 10), magnitudes(-30, 16), small);
const hugeAngle = magnitudes(17, 1023);

const row = (
  name: string,
  bound: number,
  exact: Bound64['exact'],
  label: string,
  draw: Draw,
  absolute = false,
  dtype: Bound64['dtype'] = 'f64',
): Bound64 => ({ name, bound, exact, label, draw, absolute, dtype });

/** What the float64 functions promise: every bound is a little above what was measured. */
export const bounds64: readonly Bound64[] = [
  row('exp', 1, B.exp, '-745 to 709, small ones', mixed(between(-745, 709), between(-2, 2), small)),
  row('expm1', 1.5, B.expm1, '-40 to 709, small ones', mixed(between(-40, 709), between(-2, 2), small)),
  row('log', 1, B.log, 'positive, near 1', mixed(magnitudes(-1074, 1023, true), between(0.5, 2))),
  row('log1p', 1.5, B.log1p, 'above -1', mixed(between(-0.999, 3), small, magnitudes(0, 1000, true))),
  row('sin', 1, (x) => B.sinCos(x).sin, 'abs(x) < 100,000', angle),
  row('cos', 1, (x) => B.sinCos(x).cos, 'abs(x) < 100,000', angle),
  row(
    'tan',
    1,
    quotient((x) => [B.sinCos(x).sin, B.sinCos(x).cos]),
    'abs(x) < 100,000',
    angle,
  ),
  row('sin', 1, (x) => B.sinCos(x).sin, 'all larger', hugeAngle),
  row('cos', 1, (x) => B.sinCos(x).cos, 'all larger', hugeAngle),
  row(
    'tan',
    1,
    quotient((x) => [B.sinCos(x).sin, B.sinCos(x).cos]),
    'all larger',
    hugeAngle,
  ),
  row('asin', 1, asin, '-1 to 1', mixed(between(-1, 1), between(0.49, 0.51), small)),
  row('acos', 1, acos, '-1 to 1', mixed(between(-1, 1), between(0.99, 1), small)),
  row('atan', 1.5, B.atan, 'all', mixed(between(-3, 3), magnitudes(-60, 1000))),
  row('sinh', 2, sinh, '-710 to 710', mixed(between(-710, 710), between(-2, 2), small)),
  row('cosh', 1.5, cosh, '-710 to 710', mixed(between(-710, 710), between(-2, 2))),
  row(
    'tanh',
    2.5,
    quotient((x) => [sinh(x), cosh(x)]),
    'all',
    mixed(between(-20, 20), between(-1, 1), small),
  ),
  row('asinh', 2, asinh, 'all', mixed(between(-5, 5), magnitudes(-60, 1000))),
  row(
    'acosh',
    2,
    (x) => B.log(B.add(x, B.sqrt(B.sub(B.mul(x, x), one)))),
    'from 1',
    mixed(between(1, 5), magnitudes(0, 1000, true)),
  ),
  row(
    'atanh',
    2,
    (x) => B.scaled(B.log1p(B.div(B.scaled(x, 1), B.sub(one, x))), -1),
    '-1 to 1',
    mixed(between(-0.999, 0.999), small),
  ),
  row('erf', 1.5, B.erf, 'all', mixed(between(-6, 6), between(-1.1, 1.1), small)),
  row('erfc', 3, B.erfc, '-6 to 27', mixed(between(-6, 27), between(0, 3))),
  row('logistic', 2.5, (x) => B.div(one, B.add(one, B.exp(B.neg(x)))), 'all', mixed(between(-700, 40), between(-5, 5))),
  row('softplus', 2.5, (x) => B.log1p(B.exp(x)), 'all', mixed(between(-700, 700), between(-5, 5))),
  row('lgamma', 3, B.lgamma, 'positive', mixed(between(0, 12), magnitudes(-70, 1000, true), between(0.5, 2.5))),
  row('lgamma', 10, B.lgamma, '-40 to 0', between(-40, 0), true),
  row('digamma', 4, B.digamma, 'positive', mixed(between(1, 12), magnitudes(-70, 1000, true))),
  row('digamma', 4, B.digamma, '0 to 1', between(0.01, 1)),
  row('digamma', 10, B.digamma, '-40 to 0', between(-40, 0), true),
  row('erfc', 0.6, B.erfc, '-6 to 10', between(-6, 10), false, 'f32'),
  row('lgamma', 0.6, B.lgamma, '-40 to 40', mixed(between(-40, 40), between(0.5, 2.5)), false, 'f32'),
  row('digamma', 0.6, B.digamma, '-40 to 40', mixed(between(-40, 40), between(1, 2)), false, 'f32'),
  row(
    'pow',
    1,
    (x, y) => B.exp(B.mul(y, B.log(x))),
    'all finite results',
    (r) => {
      const x = r() < 0.5 ? 4 * r() : (1 + r()) * 2 ** Math.floor(2000 * r() - 1000);
      const limit = 700 / Math.abs(Math.log(x));
      return [x, (2 * r() - 1) * Math.min(limit, 1e300)];
    },
  ),
  row('atan2', 2, atan2, 'all quadrants', (r) => [magnitudes(-20, 20)(r)[0], magnitudes(-20, 20)(r)[0]]),
];

const CHUNK = 1 << 9;
type Floats = Float32Array | Float64Array;
const floats = (dtype: Bound64['dtype']): Floats =>
  dtype === 'f32' ? new Float32Array(CHUNK) : new Float64Array(CHUNK);

/** The compiled op on arrays of CHUNK elements. */
async function compiled64(name: string, arity: number, dtype: Bound64['dtype']): Promise<(...xs: Floats[]) => Floats> {
  const b = new Builder(name);
  const type = tensorType(dtype, [CHUNK]);
  const operands = ['x', 'y'].slice(0, arity).map((n) => b.param(type, n));
  const graph = b.build(b.emit(opByName(name), operands));
  const { plan } = await compileGraph(graph, { shared: wasmDevice().memory.shared });
  const program = new WasmProgram(plan, [], wasmDevice());
  return (...xs) => program.run(xs)[0] as Floats;
}

/** Bits of a number after the first, its smallest exponent, and the largest number. */
const formats = { f32: [23, -149, 3.4028234663852886e38], f64: [52, -1074, Number.MAX_VALUE] } as const;

/** Error in ulp of the exact value, or with `absolute` of 1 where that is larger. */
export function ulpError64(actual: number, exact: B.Big, dtype: Bound64['dtype'] = 'f64', absolute = false): number {
  const [bits, smallest, largest] = formats[dtype];
  if (!Number.isFinite(actual)) return Math.abs(B.toNumber(exact)) > largest ? 0 : Number.POSITIVE_INFINITY;
  const difference = B.sub(B.big(actual), exact);
  if (difference.m === 0n) return 0;
  const unit = exact.m === 0n ? smallest : Math.max(absolute ? -bits : smallest, B.exponentOf(exact) - bits);
  return Math.abs(B.toNumber(B.scaled(difference, -unit)));
}

/** The worst error over `samples` seeded inputs. */
export async function measure64(u: Bound64, samples: number): Promise<Worst64> {
  const random = randomFrom(samples + u.name.length);
  const arity = u.draw(random).length;
  const f = await compiled64(u.name, arity, u.dtype);
  const xs = Array.from({ length: arity }, () => floats(u.dtype));
  let worst: Worst64 = { ulp: 0, at: [], samples };
  for (let done = 0; done < samples; done += CHUNK) {
    for (let i = 0; i < CHUNK; i++)
      u.draw(random).forEach((x, k) => {
        xs[k][i] = x;
      });
    const ys = f(...xs);
    for (let i = 0; i < Math.min(CHUNK, samples - done); i++) {
      const at = xs.map((x) => x[i]);
      const ulp = ulpError64(ys[i], u.exact(...at.map(B.big)), u.dtype, u.absolute);
      if (ulp > worst.ulp || Number.isNaN(ulp)) worst = { ulp, at, samples };
    }
  }
  return worst;
}
