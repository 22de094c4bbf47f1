// The Threefry-2x32 counter-based random generator as a scalar expression: a kernel computes any
// element of a random tensor from its index alone, so random bits fuse like arithmetic. After
// Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).

import { add, bin, type Expr, konst } from './expr.ts';

const u32 = (x: number): Expr => konst('u32', x >>> 0);
const rotl = (x: Expr, n: number): Expr => bin('or', bin('shl', x, u32(n)), bin('shr', x, u32(32 - n)));

/** Rotation distances of rounds 0 to 7; they repeat. */
const rotations = [13, 15, 26, 6, 17, 29, 16, 24];

/** First output word of Threefry-2x32 for the counter (hi = 0, lo = `counter`). All operands are u32. */
export const threefryExpr = (k0: Expr, k1: Expr, counter: Expr): Expr => threefryPair(k0, k1, counter)[0];

/**
 * Both output words of Threefry-2x32 with 20 rounds: the counter's words enter as (lo, hi), as in the
 * Random123 library. All operands are u32.
 */
export function threefryPair(k0: Expr, k1: Expr, lo: Expr, hi?: Expr): [Expr, Expr] {
  // The parity constant keeps an all-zero key from being a fixed point.
  const k2 = bin('xor', bin('xor', k0, k1), u32(0x1bd11bda));
  const keys = [k0, k1, k2];
  let x0 = add(lo, k0);
  let x1 = hi ? add(hi, k1) : k1;
  for (let round = 0; round < 20; round++) {
    x0 = add(x0, x1);
    x1 = bin('xor', rotl(x1, rotations[round % 8]), x0);
    if (round % 4 === 3) {
      const s = (round + 1) / 4;
      x0 = add(x0, keys[s % 3]);
      x1 = add(add(x1, keys[(s + 1) % 3]), u32(s));
    }
  }
  return [x0, x1];
}
