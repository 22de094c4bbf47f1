// Derivatives of the digamma function, as composites.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { mapElements } from '../ndarray.ts';
import { defineComposite, numAttr, sample } from '../op.ts';
import { isFloat, typeText } from '../types.ts';

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

/** B(2k). */
const bernoulli = [1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6];
/** Terms that are summed before the series takes over. */
const STEPS = 10;

/** x^-n by repeated products: the exponent is a small whole number. */
function inversePower(b: Emitter, x: Val, n: number): Val {
  const w = b.div(1, x);
  let r = w;
  for (let k = 1; k < n; k++) r = b.mul(r, w);
  return r;
}

/**
 * Hurwitz's zeta of whole s >= 2 for x > 0: terms of the sum, then the Euler-Maclaurin formula
 * (Johansson 2015, "Rigorous high-precision computation of the Hurwitz zeta function", eq. 5).
 */
function hurwitz(b: Emitter, s: number, x: Val): Val {
  const y = b.add(x, STEPS);
  const tail = inversePower(b, y, s);
  let sum = b.add(b.mul(b.mul(tail, y), 1 / (s - 1)), b.mul(tail, 0.5));
  const w = b.div(1, b.square(y));
  let power = b.div(tail, y);
  let rising = s;
  bernoulli.forEach((B, i) => {
    const k = 2 * (i + 1);
    sum = b.add(sum, b.mul(power, (B * rising) / factorial(k)));
    power = b.mul(power, w);
    rising *= (s + k - 1) * (s + k);
  });
  for (let k = STEPS - 1; k >= 0; k--) sum = b.add(sum, inversePower(b, k === 0 ? x : b.add(x, k), s));
  return sum;
}

/** Coefficients of P with d^n/dx^n cot x = P(cot x): P' = -(1 + c^2) dP/dc. */
function cotDerivative(n: number): number[] {
  let p = [0, 1];
  for (let k = 0; k < n; k++) {
    const q = new Array<number>(p.length + 1).fill(0);
    p.forEach((a, i) => {
      if (i === 0) return;
      q[i - 1] -= i * a;
      q[i + 1] -= i * a;
    });
    p = q;
  }
  return p;
}

/** For x < 0: psi_n(x) = (-1)^n psi_n(1 - x) - d^n/dx^n pi cot(pi x). */
function reflected(b: Emitter, n: number, x: Val, mirror: Val): Val {
  const rest = b.sub(x, b.un('round', x));
  const cot = b.div(1, b.un('tan', b.mul(rest, Math.PI)));
  const p = cotDerivative(n);
  let sum = b.splat(x.type, p[p.length - 1]);
  for (let k = p.length - 2; k >= 0; k--) sum = b.add(b.mul(sum, cot), p[k]);
  return b.sub(n % 2 === 0 ? mirror : b.neg(mirror), b.mul(sum, Math.PI ** (n + 1)));
}

/** Slowly convergent and obviously right: 2,000 terms of the sum, and the integral of the rest to third order. */
function zetaReference(s: number, x: number): number {
  const N = 2000;
  let sum = 0;
  for (let k = N - 1; k >= 0; k--) sum += (x + k) ** -s;
  const y = x + N;
  return sum + y ** (1 - s) / (s - 1) + y ** -s / 2 + (s * y ** (-s - 1)) / 12;
}
function polygammaReference(n: number, x: number): number {
  const s = n + 1;
  const scale = (n % 2 === 0 ? -1 : 1) * factorial(n);
  if (x > 0) return scale * zetaReference(s, x);
  if (!Number.isFinite(x) || Number.isInteger(x)) return NaN;
  // x = f - m: the terms from f on, and the m terms below, which are those of 1 - f with the sign of (-1)^s.
  const m = Math.ceil(-x);
  const f = x + m;
  const below = zetaReference(s, 1 - f) - zetaReference(s, 1 - f + m);
  return scale * (zetaReference(s, f) + (-1) ** s * below);
}

defineComposite({
  name: 'polygamma',
  doc: 'The derivative of that order of the digamma function; NaN or infinite at the integers up to 0.',
  arity: 1,
  batching: 'leading',
  constraints: {
    polygamma_c1: "the operand's dtype must be a float",
    polygamma_c2: 'the order must be a whole number from 1 to 20',
  },
  infer: (c) => {
    const [x] = c.inputs;
    const n = numAttr(c.attrs, 'order');
    c.check(isFloat(x.dtype) && !x.state, 'polygamma_c1', typeText(x), 'convert the operand first');
    c.check(Number.isInteger(n) && n >= 1 && n <= 20, 'polygamma_c2', String(n));
    return [x];
  },
  expand: (b, [x], attrs) => {
    const n = numAttr(attrs, 'order');
    const negative = b.compare('le', x, 0);
    const positive = b.mul(
      hurwitz(b, n + 1, b.select(negative, b.sub(1, x), x)),
      (n % 2 === 0 ? -1 : 1) * factorial(n),
    );
    return [b.select(negative, reflected(b, n, x, positive), positive)];
  },
  grad: (b, n, [g]) => [b.mul(g, b.call('polygamma', [n.inputs[0]], { order: numAttr(n.attrs, 'order') + 1 }))],
  reference: ([x], attrs, [t]) => [mapElements(t.dtype, [x], (v) => polygammaReference(numAttr(attrs, 'order'), v))],
  samples: [
    sample([['f32[3,5]', 0.3, 4]], { order: 1 }),
    sample([['f32[]', 0.3, 4]], { order: 2 }),
    sample([['f32[7]', -2.8, -2.2]], { order: 1 }),
    sample([['f32[7]', -1.7, -1.3]], { order: 3 }, false),
    sample([['f32[0,3]', 0.3, 4]], { order: 1 }, false),
    sample([['f32[1030]', 0.5, 30]], { order: 2 }, false),
  ],
});
