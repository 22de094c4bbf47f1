// Sorting on a GPU: Batcher's bitonic network (K. Batcher, "Sorting networks and their applications", 1968). Keys stand
// with the positions that they came from, which keeps equal ones in order. A workgroup sorts a block in its shared
// memory; longer rows are blocks that further dispatches merge, by exchanges in memory as long as they reach beyond a
// block, then in shared memory again.

import type { Group } from '../../group.ts';
import { Algorithm, at, type Place } from '../algorithms/support.ts';
import type { GpuTarget, LowerContext, Lowered } from '../kernel-builder.ts';

/** How elements become keys, whose order as unsigned words is theirs, and keys elements. */
export interface SortKeys {
  readonly key: (element: string) => string;
  readonly element: (key: string) => string;
}

const MOST_BLOCK = 2048;
/** Bytes of a key and its position. */
const PAIR = 8;

/** The first `k` of the sorted row of `n` elements and their positions, as far as they are asked for. */
export function lowerBitonic(ctx: LowerContext, g: Group, n: number, k: number, keys: SortKeys): Lowered {
  const a = new Algorithm(ctx, g, 1, 16 * n);
  return new Bitonic(a, ctx.options.gpu as GpuTarget, n, k, keys).lower();
}

class Bitonic {
  readonly a: Algorithm;
  readonly n: number;
  readonly k: number;
  readonly keys: SortKeys;
  /** Elements of a row with what fills it up, and of a block: powers of two. */
  readonly padded: number;
  readonly block: number;
  readonly values: Place | null;
  readonly indices: Place | null;

  constructor(a: Algorithm, gpu: GpuTarget, n: number, k: number, keys: SortKeys) {
    this.a = a;
    this.n = n;
    this.k = k;
    this.keys = keys;
    this.padded = 2 ** Math.ceil(Math.log2(n));
    const fits = 2 ** Math.floor(Math.log2(gpu.sharedBytes / PAIR));
    this.block = Math.min(this.padded, MOST_BLOCK, fits);
    [this.values, this.indices] = [0, 1].map((i) => (a.needed(i) ? a.out(i, k) : null));
  }

  lower(): Lowered {
    const { a, padded, block } = this;
    const shared: [string, string] = [a.k.shared('u32', block), a.k.shared('i32', block)];
    const whole = padded === block;
    const memory = whole ? null : ([a.scratch('u32', padded), a.scratch('i32', padded)] as const);
    const log = Math.log2(block);
    const load = `let e: i32 = ((block * ${block}) + t)
let x: i32 = min(e, ${this.n - 1})
${shared[0]}[t] = select((e < ${this.n}), ${this.keys.key(a.read(0, [{ v: 'x', n: this.n }]))}, u32(-1))
${shared[1]}[t] = e`;
    const sorted = `for s = 0 to ${log} {
for q = 0 to (s + 1) {
${this.exchanges(shared, '(s - q)', `((((block * ${block}) + lo) >> (s + 1)) & 1)`)}
}
}`;
    const put = memory
      ? memory.map((m, i) => `${at(m, `((block * ${block}) + t)`)} = ${shared[i]}[t]`).join('\n')
      : this.results(`${shared[0]}[t]`, `${shared[1]}[t]`);
    const phases = [this.blocks(load, sorted, put, whole ? this.k : block)];
    if (memory) phases.push(...this.merges(shared, memory), this.finish(memory));
    const body = a.k.statements(phases.join('\nbarrier\n'));
    return a.k.finish(body, { flops: a.rows * padded * Math.log2(padded) });
  }

  /** A workgroup a block: brings it into shared memory, works on it, and puts `count` elements back. */
  blocks(load: string, work: string, put: string, count: number): string {
    return `for row = 0 to ${this.a.rows} grid {
for block = 0 to ${this.padded / this.block} grid {
for t = 0 to ${this.block} vector {
${load}
}
${work}
for t = 0 to ${count} vector {
${put}
}
}
}`;
  }

  /** Every pair of a block at the distance 2^`log`, in the order that `down` (0 or 1) says. */
  exchanges([keys, positions]: readonly [string, string], log: string, down: string): string {
    return `for t = 0 to ${this.block / 2} vector {
let j: i32 = (1 << ${log})
let lo: i32 = (((t >> ${log}) << (${log} + 1)) | (t & (j - 1)))
let hi: i32 = (lo | j)
${this.exchange(
  (i) => `${keys}[${i}]`,
  (i) => `${positions}[${i}]`,
  down,
)}
}`;
  }
  exchange(key: (i: string) => string, position: (i: string) => string, down: string): string {
    return `let ka: u32 = ${key('lo')}
let kb: u32 = ${key('hi')}
let pa: i32 = ${position('lo')}
let pb: i32 = ${position('hi')}
let after: bool = ((ka > kb) | ((ka == kb) & (pa > pb)))
if (after == (${down} == 0)) {
${key('lo')} = kb
${key('hi')} = ka
${position('lo')} = pb
${position('hi')} = pa
}`;
  }

  /** Runs of blocks to runs of twice as many, until there is one. */
  merges(shared: readonly [string, string], memory: readonly [Place, Place]): string[] {
    const { a, padded, block } = this;
    const out: string[] = [];
    const log = Math.log2(block);
    for (let run = 2 * block; run <= padded; run *= 2) {
      const down = (e: string) => `((${e} >> ${Math.log2(run)}) & 1)`;
      for (let j = run / 2; j >= block; j /= 2)
        out.push(`for row = 0 to ${a.rows} grid {
for t = 0 to ${padded / 2} grid {
let lo: i32 = (((t >> ${Math.log2(j)}) << ${Math.log2(j) + 1}) | (t & ${j - 1}))
let hi: i32 = (lo | ${j})
${this.exchange(
  (i) => at(memory[0], i),
  (i) => at(memory[1], i),
  down('lo'),
)}
}
}`);
      const element = `((block * ${block}) + t)`;
      const load = memory.map((m, i) => `${shared[i]}[t] = ${at(m, element)}`).join('\n');
      const put = memory.map((m, i) => `${at(m, element)} = ${shared[i]}[t]`).join('\n');
      const steps = `for q = 0 to ${log} {
${this.exchanges(shared, `(${log - 1} - q)`, down(`((block * ${block}) + lo)`))}
}`;
      out.push(this.blocks(load, steps, put, block));
    }
    return out;
  }

  finish([keys, positions]: readonly [Place, Place]): string {
    return `for row = 0 to ${this.a.rows} grid {
for t = 0 to ${this.k} grid {
${this.results(at(keys, 't'), at(positions, 't'))}
}
}`;
  }
  results(key: string, position: string): string {
    return [
      ...(this.values ? [`${at(this.values, 't')} = ${this.keys.element(key)}`] : []),
      ...(this.indices ? [`${at(this.indices, 't')} = ${position}`] : []),
    ].join('\n');
  }
}
