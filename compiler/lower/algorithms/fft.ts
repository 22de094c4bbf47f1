// The discrete Fourier transform of rows: Stockham's autosort algorithm with radices 4, 2, 3, 5, … 13,
// which needs no reordering, every stage reading one buffer and writing the other. Lengths with larger
// prime factors are a convolution with a chirp (Bluestein), done by transforms of a power of two.
//
// Stage: the row is seen as [radix][m][s] and becomes [m][radix][s]; s grows by the radix from stage to
// stage. Lanes run along s, in the first stages along m. Inverse: with real and imaginary parts
// swapped, the same code has the other sign.

import { boolAttr } from '../../../ir/op.ts';
import type { DType } from '../../../ir/types.ts';
import type { Group } from '../../group.ts';
import type { LowerContext, Lowered } from '../kernel-builder.ts';
import { fixed } from '../views.ts';
import { Algorithm, at, type Place } from './support.ts';

/** Prime factors beyond this are left to Bluestein's algorithm. */
const LARGEST_RADIX = 13;

/** Real and imaginary parts. */
type Planes = readonly [Place, Place];

/** Where a stage reads its element from: the text of real and imaginary part at an index p + offset. */
type Source = (part: 0 | 1, index: string) => string;

/** A text per part of a complex number. */
type Complex = readonly [string, string];

const float = (ty: DType, x: number): string => `${ty}(${Object.is(x, -0) ? 0 : x})`;

/** Radices of a length, or null where a prime factor is too large. */
export function radices(n: number): number[] | null {
  const out: number[] = [];
  let rest = n;
  for (const r of [4, 2, 3, 5, 7, 11, LARGEST_RADIX])
    while (rest % r === 0) {
      out.push(r);
      rest /= r;
    }
  return rest === 1 ? out : null;
}

class Transform {
  readonly a: Algorithm;
  readonly ty: DType;

  constructor(a: Algorithm) {
    this.a = a;
    this.ty = a.ty;
  }

  planes(n: number): Planes {
    return [this.a.scratch(this.ty, n), this.a.scratch(this.ty, n)];
  }

  /** A table of complex numbers: real parts, then imaginary parts. */
  table(key: string, n: number, value: (k: number) => readonly [number, number]): Planes {
    const make = (part: 0 | 1) => {
      const data = Float64Array.from({ length: n }, (_, k) => value(k)[part]);
      return this.ty === 'f64' ? data : Float32Array.from(data);
    };
    return [0, 1].map((part) => ({
      buf: this.a.table({ key: `${key}:${part}:${this.ty}`, size: n, ty: this.ty, make: () => make(part as 0 | 1) }),
      at: '0',
    })) as unknown as Planes;
  }

  /**
   * All stages of a transform of length n. The first reads `from`, the last writes `to`, those between
   * write the two work buffers in turn; `scale` multiplies the results.
   */
  stages(n: number, from: Source, to: Planes, work: readonly [Planes, Planes], scale: number): string {
    const list = radices(n) as number[];
    let s = 1;
    let source = from;
    const out: string[] = [];
    if (n === 1) return [0, 1].map((i) => `${at(to[i], '0')} = ${from(i as 0 | 1, '0')}`).join('\n');
    list.forEach((r, i) => {
      const last = i === list.length - 1;
      const target = last ? to : work[i % 2];
      out.push(this.stage(r, n / s / r, s, source, target, last ? scale : 1));
      source = (part, index) => at(target[part], index);
      s *= r;
    });
    return out.join('\n');
  }

  stage(r: number, m: number, s: number, from: Source, to: Planes, scale: number): string {
    const roots =
      m > 1
        ? this.table(`roots:${m * r}:${r}`, (r - 1) * m, (k) => {
            const [j, p] = [Math.floor(k / m) + 1, k % m];
            const angle = (-2 * Math.PI * j * p) / (m * r);
            return [Math.cos(angle), Math.sin(angle)];
          })
        : null;
    const body: string[] = [];
    const place = (k: number) => `(((p * ${s}) + q) + ${k * m * s})`;
    const inputs = Array.from({ length: r }, (_, k): Complex => {
      body.push(`let x${k}: ${this.ty} = ${from(0, place(k))}`, `let y${k}: ${this.ty} = ${from(1, place(k))}`);
      return [`x${k}`, `y${k}`];
    });
    butterfly(this.ty, inputs, body).forEach(([re, im], j) => {
      let value: Complex = [re, im];
      if (roots && j > 0) {
        const [c, d] = roots.map((t) => at(t, `(p + ${(j - 1) * m})`));
        body.push(`let c${j}: ${this.ty} = ${c}`, `let d${j}: ${this.ty} = ${d}`);
        value = [`((${re} * c${j}) - (${im} * d${j}))`, `((${re} * d${j}) + (${im} * c${j}))`];
      }
      value.forEach((v, part) => {
        const scaled = scale === 1 ? v : `(${v} * ${float(this.ty, scale)})`;
        body.push(`${at(to[part], `(((p * ${r * s}) + q) + ${j * s})`)} = ${scaled}`);
      });
    });
    const text = body.join('\n');
    const lanes = s >= 4 || s >= m;
    const [pFlag, qFlag] = lanes ? ['', ' vector'] : [' vector', ''];
    const loops = [`for p = 0 to ${m}${pFlag} {`, `for q = 0 to ${s}${qFlag} {`];
    return `${lanes ? loops.join('\n') : loops.reverse().join('\n')}\n${text}\n}\n}`;
  }

  /** a[k] = x[k] chirp[k], padded with zeros; convolved with the chirp's conjugate; times the chirp. */
  bluestein(n: number, from: Source, to: Planes, scale: number): string {
    const m = 2 ** Math.ceil(Math.log2(2 * n - 1));
    const chirp = this.table(`chirp:${n}`, n, (k) => chirpAt(n, k));
    let spectrum: readonly Float64Array[] | undefined;
    const filter = this.table(`chirp-spectrum:${n}`, m, (k) => {
      spectrum ??= chirpSpectrum(n, m);
      return [spectrum[0][k], spectrum[1][k]];
    });
    const [x, y] = [this.planes(m), this.planes(m)];
    const z = this.planes(m);
    const product = (a: Complex, b: Complex): Complex => [
      `((${a[0]} * ${b[0]}) - (${a[1]} * ${b[1]}))`,
      `((${a[0]} * ${b[1]}) + (${a[1]} * ${b[0]}))`,
    ];
    const of = (p: Planes, i: string): Complex => [at(p[0], i), at(p[1], i)];
    const multiply = (target: Planes, count: number, v: Complex) =>
      `for q = 0 to ${count} vector {\n${['re', 'im'].map((name, i) => `let ${name}: ${this.ty} = ${v[i]}`).join('\n')}\n${at(target[0], 'q')} = re\n${at(target[1], 'q')} = im\n}`;
    const factor = (v: string) => (scale === 1 ? v : `(${v} * ${float(this.ty, scale)})`);
    const [re, im] = product(of(z, 'q'), of(chirp, 'q'));
    return [
      multiply(x, n, product([from(0, 'q'), from(1, 'q')], of(chirp, 'q'))),
      `for q = ${n} to ${m} vector {\n${at(x[0], 'q')} = ${float(this.ty, 0)}\n${at(x[1], 'q')} = ${float(this.ty, 0)}\n}`,
      this.stages(m, (part, i) => at(x[part], i), z, [y, x], 1),
      multiply(x, m, product(of(z, 'q'), of(filter, 'q'))),
      this.stages(m, (part, i) => at(x[1 - part], i), [z[1], z[0]], [y, x], 1),
      multiply(to, n, [factor(re), factor(im)]),
    ].join('\n');
  }
}

const chirpAt = (n: number, k: number): readonly [number, number] => {
  const angle = (-Math.PI * ((k * k) % (2 * n))) / n;
  return [Math.cos(angle), Math.sin(angle)];
};

/** The transform of the chirp's conjugate, laid around a circle of m places, divided by m. */
function chirpSpectrum(n: number, m: number): readonly Float64Array[] {
  const re = new Float64Array(m);
  const im = new Float64Array(m);
  for (let k = 0; k < n; k++) {
    const [c, s] = chirpAt(n, k);
    for (const place of k === 0 ? [0] : [k, m - k]) {
      re[place] = c / m;
      im[place] = -s / m;
    }
  }
  return powerOfTwo(re, im);
}

/** Transform of a power of two, in float64, for tables. */
function powerOfTwo(re: Float64Array, im: Float64Array): readonly Float64Array[] {
  const n = re.length;
  if (n === 1) return [re, im];
  const pick = (a: Float64Array, odd: number) => a.filter((_, i) => i % 2 === odd);
  const [even, odd] = [0, 1].map((o) => powerOfTwo(pick(re, o), pick(im, o)));
  const out = [new Float64Array(n), new Float64Array(n)];
  for (let k = 0; k < n / 2; k++) {
    const angle = (-2 * Math.PI * k) / n;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const x = odd[0][k] * c - odd[1][k] * s;
    const y = odd[0][k] * s + odd[1][k] * c;
    out[0][k] = even[0][k] + x;
    out[1][k] = even[1][k] + y;
    out[0][k + n / 2] = even[0][k] - x;
    out[1][k + n / 2] = even[1][k] - y;
  }
  return out;
}

/** The transform of as many numbers as there are inputs; statements go to `body`. */
function butterfly(ty: DType, x: readonly Complex[], body: string[]): Complex[] {
  const bind = (name: string, a: Complex): Complex => {
    body.push(`let ${name}r: ${ty} = ${a[0]}`, `let ${name}i: ${ty} = ${a[1]}`);
    return [`${name}r`, `${name}i`];
  };
  const sum = (a: Complex, b: Complex): Complex => [`(${a[0]} + ${b[0]})`, `(${a[1]} + ${b[1]})`];
  const difference = (a: Complex, b: Complex): Complex => [`(${a[0]} - ${b[0]})`, `(${a[1]} - ${b[1]})`];
  /** a - i b and a + i b. */
  const turned = (a: Complex, b: Complex): readonly [Complex, Complex] => [
    [`(${a[0]} + ${b[1]})`, `(${a[1]} - ${b[0]})`],
    [`(${a[0]} - ${b[1]})`, `(${a[1]} + ${b[0]})`],
  ];
  const r = x.length;
  if (r === 2) return [bind('u', sum(x[0], x[1])), bind('v', difference(x[0], x[1]))];
  if (r === 4) {
    const [s, d] = [bind('s', sum(x[0], x[2])), bind('d', difference(x[0], x[2]))];
    const [t, e] = [bind('t', sum(x[1], x[3])), bind('e', difference(x[1], x[3]))];
    const [one, three] = turned(d, e);
    return [bind('u', sum(s, t)), bind('v', one), bind('w', difference(s, t)), bind('z', three)];
  }
  // Odd primes: what k and r - k contribute differs in sign only.
  const half = (r - 1) / 2;
  const sums = Array.from({ length: half }, (_, k) => bind(`s${k}_`, sum(x[k + 1], x[r - k - 1])));
  const difs = Array.from({ length: half }, (_, k) => bind(`t${k}_`, difference(x[k + 1], x[r - k - 1])));
  const weighted = (list: readonly Complex[], part: 0 | 1, weight: (k: number) => number) =>
    list.map((v, k) => `(${v[part]} * ${float(ty, weight(k + 1))})`).reduce((p, q) => `(${p} + ${q})`);
  const out = new Array<Complex>(r);
  out[0] = bind('u', sums.reduce(sum, x[0]));
  for (let j = 1; j <= half; j++) {
    const cos = (k: number) => Math.cos((2 * Math.PI * j * k) / r);
    const sin = (k: number) => Math.sin((2 * Math.PI * j * k) / r);
    const c = bind(`e${j}_`, [`(${x[0][0]} + ${weighted(sums, 0, cos)})`, `(${x[0][1]} + ${weighted(sums, 1, cos)})`]);
    const s = bind(`f${j}_`, [weighted(difs, 0, sin), weighted(difs, 1, sin)]);
    const [a, b] = turned(c, s);
    out[j] = bind(`g${j}_`, a);
    out[r - j] = bind(`h${j}_`, b);
  }
  return out;
}

export function lowerFft(ctx: LowerContext, g: Group): Lowered {
  const node = g.nodes[0];
  const n = fixed(node.inputs[0].type.shape).at(-1) as number;
  const inverse = boolAttr(node.attrs, 'inverse');
  const flops = 5 * n * Math.log2(n + 1);
  const a = new Algorithm(ctx, g, 1, flops);
  const t = new Transform(a);
  const outputs = [a.out(0, n), a.out(1, n)];
  const to = (inverse ? outputs.reverse() : outputs) as unknown as Planes;
  const rows = t.planes(n);
  const load = [0, 1].map((i) => a.copy(inverse ? 1 - i : i, [n], rows[i])).join('\n');
  const from: Source = (part, index) => at(rows[part], index);
  const scale = inverse ? 1 / n : 1;
  const body = radices(n) ? t.stages(n, from, to, [t.planes(n), rows], scale) : t.bluestein(n, from, to, scale);
  return a.finish(`${load}\n${body}`, a.rows * flops);
}
