// The memory plan: exact lifetimes, offsets by greedy best fit of the largest first, and outputs that
// take over the place of an input which dies there. (Y. Pisarchyk, J. Lee, "Efficient Memory
// Management for Deep Neural Net Inference", greedy by size.)

/** A buffer to be placed: alive from step `from` to step `to`, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
}

export interface MemoryPlan {
  /** Offset of each buffer, in the order given. */
  readonly offsets: readonly number[];
  readonly arenaBytes: number;
  /** The largest sum of bytes alive at one step: no plan can be smaller. */
  readonly lowerBound: number;
}

const ALIGN = 64;
export const aligned = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;

/** The first place from `at` on where `size` bytes lie in one segment of memory: devices bind no more at once. */
export function inSegment(at: number, size: number, segment = Number.POSITIVE_INFINITY): number {
  if (at + size <= segment) return at;
  const start = Math.floor(at / segment) * segment;
  return at + size <= start + segment ? at : start + segment;
}

/** Plans of up to so many buffers are tried again in other orders, as long as they miss the bound. */
const MAX_RETRIED = 1024;
const RETRIES = 60;

/** @param segment no buffer lies across a multiple of it; none may be larger */
export function planMemory(lives: readonly Lifetime[], segment?: number): MemoryPlan {
  const bound = lowerBound(lives);
  const indices = lives.map((_, i) => i);
  const bySize = (i: number, j: number) => lives[j].bytes - lives[i].bytes || lives[i].from - lives[j].from || i - j;
  const planned = (order: readonly number[]) => ({ order, ...place(lives, order, segment) });
  let best = planned(indices.slice().sort(bySize));
  const attempt = (order: readonly number[]) => {
    const plan = planned(order);
    if (plan.arenaBytes < best.arenaBytes) best = plan;
    return plan;
  };
  const missed = () => best.arenaBytes > bound;
  if (lives.length <= MAX_RETRIED && missed()) {
    const area = (i: number) => lives[i].bytes * (lives[i].to - lives[i].from + 1);
    attempt(indices.slice().sort((i, j) => area(j) - area(i) || bySize(i, j)));
    if (missed()) attempt(indices.slice().sort((i, j) => lives[i].from - lives[j].from || bySize(i, j)));
    // What sticks out on top goes first; what it pushes away may find another gap.
    let { order, offsets } = best;
    for (let k = 0; k < RETRIES && missed(); k++) {
      const end = (i: number) => offsets[i] + aligned(lives[i].bytes);
      const top = indices.reduce((a, b) => (end(b) > end(a) ? b : a), 0);
      ({ order, offsets } = attempt([top, ...order.filter((i) => i !== top)]));
    }
  }
  return { offsets: best.offsets, arenaBytes: best.arenaBytes, lowerBound: bound };
}

/** Offsets of the buffers, placed in that order, each into the tightest gap. */
function place(
  lives: readonly Lifetime[],
  order: readonly number[],
  segment: number | undefined,
): { offsets: number[]; arenaBytes: number } {
  const offsets = new Array<number>(lives.length).fill(0);
  let arenaBytes = 0;
  const placed = new Timeline(lives);
  for (const i of order) {
    const l = lives[i];
    const size = aligned(l.bytes);
    // Buffers alive at the same time, by offset; take the tightest gap between them.
    const rivals = placed.during(l);
    let at = 0;
    let best = -1;
    let bestGap = Number.POSITIVE_INFINITY;
    for (const r of rivals ?? []) {
      const gap = r.at - at;
      const start = inSegment(at, size, segment);
      if (r.at - start >= size && gap < bestGap) {
        best = start;
        bestGap = gap;
      }
      at = Math.max(at, r.end);
    }
    const offset = best >= 0 ? best : inSegment(rivals === null ? placed.top(l) : at, size, segment);
    offsets[i] = offset;
    arenaBytes = Math.max(arenaBytes, offset + size);
    placed.add({ ...l, at: offset, end: offset + size });
  }
  return { offsets, arenaBytes };
}

interface Placed extends Lifetime {
  readonly at: number;
  readonly end: number;
}

/** Up to so many buffers, each is compared with all that are placed. */
const MAX_EXACT = 8192;
/** Beyond: a buffer with more neighbours in time than this goes on top of them, into no gap. */
const MAX_RIVALS = 4096;

/** Placed buffers by time, in spans of steps, so that a short life meets few others. */
class Timeline {
  readonly #width: number;
  readonly #spans: Placed[][];
  readonly #tops: number[];
  readonly #most: number;

  constructor(lives: readonly Lifetime[]) {
    const last = lives.reduce((n, l) => Math.max(n, l.to), 0);
    const spans = lives.length <= MAX_EXACT ? 1 : 1024;
    this.#most = lives.length <= MAX_EXACT ? MAX_EXACT : MAX_RIVALS;
    this.#width = Math.max(1, Math.ceil((last + 1) / spans));
    const n = Math.floor(last / this.#width) + 1;
    this.#spans = Array.from({ length: n }, () => []);
    this.#tops = new Array<number>(n).fill(0);
  }

  #range(l: Lifetime): [number, number] {
    return [Math.floor(l.from / this.#width), Math.floor(l.to / this.#width)];
  }

  add(p: Placed): void {
    const [first, last] = this.#range(p);
    for (let s = first; s <= last; s++) {
      const span = this.#spans[s];
      let k = span.length;
      while (k > 0 && span[k - 1].at > p.at) k--;
      span.splice(k, 0, p);
      this.#tops[s] = Math.max(this.#tops[s], p.end);
    }
  }

  /** Those alive at some time of `l`, by offset; null where they are too many. */
  during(l: Lifetime): Placed[] | null {
    const [first, last] = this.#range(l);
    let looked = 0;
    for (let s = first; s <= last; s++) {
      looked += this.#spans[s].length;
      if (looked > this.#most) return null;
    }
    const alive = (p: Placed) => p.from <= l.to && l.from <= p.to;
    if (first === last) return this.#spans[first].filter(alive);
    const found = new Set<Placed>();
    for (let s = first; s <= last; s++) for (const p of this.#spans[s]) if (alive(p)) found.add(p);
    return [...found].sort((a, b) => a.at - b.at);
  }

  /** The end of everything alive at some time of `l`. */
  top(l: Lifetime): number {
    const [first, last] = this.#range(l);
    let end = 0;
    for (let s = first; s <= last; s++) end = Math.max(end, this.#tops[s]);
    return end;
  }
}

function lowerBound(lives: readonly Lifetime[]): number {
  const delta = new Map<number, number>();
  const addTo = (at: number, n: number) => delta.set(at, (delta.get(at) ?? 0) + n);
  for (const l of lives) {
    addTo(l.from, aligned(l.bytes));
    addTo(l.to + 1, -aligned(l.bytes));
  }
  let live = 0;
  let most = 0;
  for (const at of [...delta.keys()].sort((a, b) => a - b)) {
    live += delta.get(at) as number;
    most = Math.max(most, live);
  }
  return most;
}
