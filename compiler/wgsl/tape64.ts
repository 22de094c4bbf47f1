// Kernel functions in emulated float64 as tapes: tables of instructions that one loop in WGSL runs. Drivers inline
// every function, and some take quadratic time for what comes out, so the code of a polynomial with an addition and a
// multiplication for each term (lgamma has over 400) would compile for minutes. Here each operation stands once.
//
// A register holds one value as vec2<u32>: f64 and f32 as the double, i32, u32 and bool in the low word. Arithmetic of
// float32 is that of float64, rounded: for + - * / and square roots the same bits as rounding once (Figueroa, "When is
// double rounding innocuous?", 1995). So a GPU that divides inexactly or drops subnormals has no say in the result.

import type { DType } from '../../ir/types.ts';

/** One step: `out = op(a, b)`. Registers are numbers from 0; `b` may be a pair of words instead. */
export interface Instruction {
  readonly op: string;
  readonly out: number;
  readonly a: number;
  readonly b: number | readonly [number, number];
  /** The third operand of `select`. */
  readonly condition?: number;
  /** The sign of b is flipped first. */
  readonly negate?: boolean;
  /** The result is rounded to float32. */
  readonly round?: boolean;
  /** Which of less (1), equal (2), greater (4), unordered (8) give true: `order.*` only. */
  readonly mask?: number;
}

/** A function as a list of instructions: parameters stand in the first registers, as bits where they are f32. */
export interface Tape {
  readonly code: readonly Instruction[];
  readonly params: readonly DType[];
  readonly type: DType;
  /** The register of the result, as bits where it is f32. */
  readonly result: number;
}

/** Operations whose results are rounded and packed in one place, in WGSL over registers a and b. */
export const rawOperations: Readonly<Record<string, string>> = {
  'add.f64': 'd_sum(a, b)',
  'mul.f64': 'd_product(a, b)',
  'div.f64': 'd_quotient(a, b)',
  'sqrt.f64': 'd_root(b)',
};

/** The operations in WGSL over registers a, b and the word y; `jump` sets the counter. */
export const operations: Readonly<Record<string, string>> = {
  ...rawOperations,
  move: 'b',
  'rem.f64': 'd_rem(a, b)',
  // Unlike C's fmod, the kernel function gives 0 for -0.
  'fmod.f64': 'd_fmod(select(a, vec2<u32>(), d_is_zero(a)), b)',
  'min.f64': 'd_min(a, b)',
  'max.f64': 'd_max(a, b)',
  'pmin.f64': 'd_pmin(a, b)',
  'pmax.f64': 'd_pmax(a, b)',
  'abs.f64': 'd_abs(b)',
  'floor.f64': 'd_floor(b)',
  'ceil.f64': 'd_ceil(b)',
  'trunc.f64': 'd_trunc(b)',
  'nearest.f64': 'd_nearest(b)',
  'order.f64': 'vec2<u32>(u32((d_order(a, b) & y) != 0u), 0u)',
  'from.i32': 'd_from_i32(bitcast<i32>(b.x))',
  'from.u32': 'd_from_u32(b.x)',
  'from.f32': 'd_from_f32(bitcast<f32>(b.x))',
  'to.i32': 'vec2<u32>(bitcast<u32>(d_to_i32(b)), 0u)',
  'to.u32': 'vec2<u32>(d_to_u32(b), 0u)',
  'to.f32': 'vec2<u32>(bitcast<u32>(d_to_f32(b)), 0u)',
  high: 'vec2<u32>(b.y, 0u)',
  low: 'vec2<u32>(b.x, 0u)',
  pair: 'vec2<u32>(b.x, a.x)',
  select: 'select(b, a, d_register[(y >> 8u) & 0xffu].x != 0u)',
  and: 'a & b',
  or: 'a | b',
  xor: 'a ^ b',
  add: 'vec2<u32>(a.x + b.x, 0u)',
  sub: 'vec2<u32>(a.x - b.x, 0u)',
  mul: 'vec2<u32>(a.x * b.x, 0u)',
  shl: 'vec2<u32>(a.x << (b.x & 31u), 0u)',
  'shr.i32': 'vec2<u32>(bitcast<u32>(bitcast<i32>(a.x) >> (b.x & 31u)), 0u)',
  'shr.u32': 'vec2<u32>(a.x >> (b.x & 31u), 0u)',
  'div.i32': 'vec2<u32>(bitcast<u32>(bitcast<i32>(a.x) / bitcast<i32>(b.x)), 0u)',
  'div.u32': 'vec2<u32>(a.x / b.x, 0u)',
  'rem.i32': 'vec2<u32>(bitcast<u32>(bitcast<i32>(a.x) % bitcast<i32>(b.x)), 0u)',
  'rem.u32': 'vec2<u32>(a.x % b.x, 0u)',
  'order.i32':
    'vec2<u32>(u32(((select(4u, 1u, bitcast<i32>(a.x) < bitcast<i32>(b.x)) >> u32(a.x == b.x)) & y) != 0u), 0u)',
  'order.u32': 'vec2<u32>(u32(((select(4u, 1u, a.x < b.x) >> u32(a.x == b.x)) & y) != 0u), 0u)',
  /** To instruction b where a is 0. */
  jump: '',
};

/** Registers that an instruction reads. */
export function reads({ op, a, b, condition }: Instruction): number[] {
  const second = typeof b === 'number' ? [b] : [];
  if (op === 'select') return [a, ...second, condition as number];
  return unaries.has(op) ? second : [a, ...second];
}
const unaries = new Set(Object.keys(operations).filter((op) => op !== 'jump' && !/\ba\b/.test(operations[op])));

/** Where registers are written first and needed last. What is older than a loop and read in it lives to its end. */
function lifetimes(tape: Tape, registers: number): { first: number[]; last: number[] } {
  const first = new Array<number>(registers).fill(-1);
  const last = new Array<number>(registers).fill(-1);
  for (const [at, i] of tape.code.entries()) {
    if (i.op !== 'jump' && first[i.out] < 0) first[i.out] = at;
    for (const r of [...reads(i), ...(i.op === 'jump' ? [] : [i.out])]) last[r] = at;
  }
  last[tape.result] = tape.code.length;
  tape.params.forEach((_, r) => {
    first[r] = -1;
  });
  for (const [at, i] of tape.code.entries()) {
    if (i.op !== 'jump' || typeof i.b === 'number' || i.b[0] > at) continue;
    for (let r = 0; r < registers; r++) if (first[r] < i.b[0] && last[r] >= i.b[0]) last[r] = Math.max(last[r], at);
  }
  return { first, last };
}

/** The same tape in few registers: one is free again after the last instruction that reads it. */
export function allocate(tape: Tape, registers: number): Tape {
  const { first, last } = lifetimes(tape, registers);
  const place = tape.params.map((_, i) => i);
  const free: number[] = [];
  let count = place.length;
  const code = tape.code.map((i, at): Instruction => {
    const used = reads(i);
    for (const r of new Set(used)) if (last[r] === at) free.push(place[r]);
    const { a, b, condition, out } = i;
    const operands = {
      a: used.includes(a) ? place[a] : 0,
      b: typeof b === 'number' ? place[b] : b,
      ...(condition === undefined ? {} : { condition: place[condition] }),
    };
    if (i.op === 'jump') return { ...i, ...operands, out: -1 };
    if (first[out] === at) place[out] = free.pop() ?? count++;
    return { ...i, ...operands, out: place[out] };
  });
  return { ...tape, code, result: place[tape.result] };
}
