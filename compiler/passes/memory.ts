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

export function planMemory(lives: readonly Lifetime[]): MemoryPlan {
  const offsets = new Array<number>(lives.length).fill(0);
  const order = lives
    .map((_, i) => i)
    .sort((a, b) => lives[b].bytes - lives[a].bytes || lives[a].from - lives[b].from || a - b);
  const placed: { at: number; end: number; from: number; to: number }[] = [];
  let arenaBytes = 0;
  for (const i of order) {
    const l = lives[i];
    const size = aligned(l.bytes);
    // Buffers alive at the same time, by offset; take the tightest gap between them.
    const rivals = placed.filter((p) => p.from <= l.to && l.from <= p.to);
    let at = 0;
    let best = -1;
    let bestGap = Number.POSITIVE_INFINITY;
    for (const r of rivals) {
      const gap = r.at - at;
      if (gap >= size && gap < bestGap) {
        best = at;
        bestGap = gap;
      }
      at = Math.max(at, r.end);
    }
    const offset = best >= 0 ? best : at;
    offsets[i] = offset;
    arenaBytes = Math.max(arenaBytes, offset + size);
    const entry = { at: offset, end: offset + size, from: l.from, to: l.to };
    let k = placed.findIndex((p) => p.at > offset);
    if (k < 0) k = placed.length;
    placed.splice(k, 0, entry);
  }
  return { offsets, arenaBytes, lowerBound: lowerBound(lives) };
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
