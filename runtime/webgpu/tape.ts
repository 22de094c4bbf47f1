// A program's steps as dispatches in order. Loops of a known number of runs are written out: their dispatches differ
// in the places of memory only. Where the GPU decides, dispatches look at a predicate; a loop whose end only the GPU
// knows, and that may be long, is run piece by piece until its predicate is 0.

import type { Address, GpuKernel, GpuPlan, GpuShader, ProgramStep } from '../../ir/plan.ts';
import { control, rule } from './control.ts';

/** A place: bytes from the start of a slot. */
export interface Place {
  readonly slot: number;
  readonly offset: number;
}

/** The arguments of dispatches: equal ones are shared. */
export interface DispatchRecord {
  /** Per buffer of the kernel. */
  readonly places: readonly Place[];
  /** Bytes of an element of each buffer. */
  readonly units: readonly number[];
  /** Words that are no places, behind them. */
  readonly words: readonly number[];
  readonly predicate: Place | null;
}

export interface Dispatch {
  readonly kind: 'dispatch';
  readonly kernel: GpuKernel;
  readonly shader: GpuShader;
  readonly record: number;
  /** Number of the program's step that it belongs to. */
  readonly step: number;
}
export interface OpenLoop {
  readonly kind: 'loop';
  /** What each run does; the last one stands for all that follow. */
  readonly runs: readonly (readonly Operation[])[];
  /** Most runs. */
  readonly most: number;
  /** Zero when the loop is over. */
  readonly active: Place;
}
export type Operation = Dispatch | OpenLoop;

/** Loops up to this length are written out even if the GPU may end them earlier. */
const WRITTEN_OUT = 16;

export class Tape {
  readonly operations: readonly Operation[];
  readonly records: DispatchRecord[] = [];
  /** The slot of the words of control, and how many there are. Word 0 is always set. */
  readonly controlSlot: number;
  words = 1;
  readonly #plan: GpuPlan;
  readonly #known = new Map<string, number>();
  readonly #wordsOf = new Map<ProgramStep, number>();
  #step = 0;

  constructor(plan: GpuPlan, controlSlot: number) {
    this.#plan = plan;
    this.controlSlot = controlSlot;
    this.operations = plan.steps.flatMap((s, i) => {
      this.#step = i;
      return this.#expand(s, new Map(), null);
    });
  }

  /** Whether somebody must wait for the GPU while the program runs. */
  get waits(): boolean {
    return this.operations.some((o) => o.kind === 'loop');
  }

  #word(step: ProgramStep, k = 0): Place {
    let first = this.#wordsOf.get(step);
    if (first === undefined) {
      first = this.words;
      this.words += step.kind === 'branch' ? step.branches.length : 1;
      this.#wordsOf.set(step, first);
    }
    return { slot: this.controlSlot, offset: 4 * (first + k) };
  }
  get #always(): Place {
    return { slot: this.controlSlot, offset: 0 };
  }

  #record(r: DispatchRecord): number {
    const key = JSON.stringify(r);
    let i = this.#known.get(key);
    if (i === undefined) {
      i = this.records.length;
      this.records.push(r);
      this.#known.set(key, i);
    }
    return i;
  }

  #dispatches(
    kernel: GpuKernel,
    places: readonly Place[],
    predicate: Place | null,
    words: readonly number[] = [],
  ): Dispatch[] {
    const record = this.#record({ places, units: kernel.units, words, predicate });
    return kernel.shaders.map((shader) => ({ kind: 'dispatch', kernel, shader, record, step: this.#step }));
  }
  #control(to: Place, from: Place, under: Place | null, what: number, operand = 0): Dispatch[] {
    return this.#dispatches(control, [to, from, under ?? this.#always], null, [what, operand]);
  }

  #place(a: Address, counters: ReadonlyMap<number, number>): Place {
    let { offset } = a;
    for (const s of a.strides ?? []) offset += s.bytes * (counters.get(s.loop) ?? 0);
    return { slot: a.slot, offset };
  }

  #all(steps: readonly ProgramStep[], counters: ReadonlyMap<number, number>, under: Place | null): Operation[] {
    return steps.flatMap((s) => this.#expand(s, counters, under));
  }

  #expand(s: ProgramStep, counters: ReadonlyMap<number, number>, under: Place | null): Operation[] {
    switch (s.kind) {
      case 'call':
        return this.#dispatches(
          this.#plan.kernels[s.kernel],
          s.args.map((a) => this.#place(a, counters)),
          under,
        );
      case 'branch':
        return this.#branch(s, counters, under);
      case 'loop':
        return this.#loop(s, counters, under);
    }
  }

  #branch(
    s: Extract<ProgramStep, { kind: 'branch' }>,
    counters: ReadonlyMap<number, number>,
    under: Place | null,
  ): Operation[] {
    const index = this.#place(s.index, counters);
    const last = s.branches.length - 1;
    // All are decided before the first one runs, which may overwrite the number.
    const decided = s.branches.flatMap((_, k) =>
      this.#control(this.#word(s, k), index, under, k === last ? rule.outside : rule.equals, k),
    );
    return [...decided, ...s.branches.flatMap((b, k) => this.#all(b, counters, this.#word(s, k)))];
  }

  #loop(
    s: Extract<ProgramStep, { kind: 'loop' }>,
    counters: ReadonlyMap<number, number>,
    under: Place | null,
  ): Operation[] {
    const most = s.length ?? Number.POSITIVE_INFINITY;
    const at = (i: number) => new Map([...counters, [s.loop, i]]);
    const { trip, test, count } = s;
    if (!trip && !test) {
      const order = Array.from({ length: most }, (_, i) => (s.reverse ? most - 1 - i : i));
      const fixed = order.flatMap((i) => this.#all(s.body, at(i), under));
      return fixed;
    }
    const active = this.#word(s);
    const run = (i: number): Operation[] => {
      const c = at(i);
      const counted = trip ? this.#control(active, this.#place(trip, c), test ? active : under, rule.above, i) : [];
      const tested = test
        ? [
            ...this.#all(test.steps, c, active),
            ...this.#control(active, this.#place(test.value, c), active, rule.nonzero),
          ]
        : [];
      const added = count ? this.#control(this.#place(count, c), active, active, rule.increment) : [];
      return [...counted, ...tested, ...this.#all(s.body, c, active), ...added];
    };
    const start: Operation[] = [
      ...this.#control(active, active, under, rule.same),
      ...(count ? this.#control(this.#place(count, counters), active, under, rule.clear) : []),
    ];
    if (!test || most <= WRITTEN_OUT) {
      const order = Array.from({ length: most }, (_, i) => (s.reverse ? most - 1 - i : i));
      return [...start, ...order.flatMap(run)];
    }
    // Without a bound nothing is stored a run, so all runs are the same.
    const runs = s.length === null ? [run(0)] : Array.from({ length: s.length }, (_, i) => run(i));
    return [...start, { kind: 'loop', runs, most, active }];
  }
}
