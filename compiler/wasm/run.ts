// The function of a program, `run(tid, nthreads, bind, from, to)`: its steps as calls, loops and branches.
// All threads run it; what decides a loop or a branch is read by each after a barrier.

import type binaryen from 'binaryen';
import type { Address, ProgramStep } from '../../ir/steps.ts';
import type { Mod, Ref } from './scalar-ops.ts';

/** Parameters of `run`; then come the addresses of slots, then two locals a loop. */
const [TID, NTHREADS, BIND, FROM, TO] = [0, 1, 2, 3, 4];
const FIRST_SLOT = 5;

/** What a program's function is made of. */
interface RunJob {
  readonly steps: readonly ProgramStep[];
  readonly slots: number;
  readonly loops: number;
}

/** @param kernels names of the functions of its kernels */
export function emitRun(b: typeof binaryen, m: Mod, name: string, job: RunJob, kernels: readonly string[]): void {
  const { steps, slots, loops } = job;
  const w = new RunWriter(b, m, slots, kernels);
  const body: Ref[] = [];
  for (let s = 0; s < slots; s++) body.push(m.local.set(FIRST_SLOT + s, m.i32.load(4 * s, 4, w.local(BIND))));
  steps.forEach((step, i) => {
    const inRange = m.i32.and(m.i32.le_s(w.local(FROM), m.i32.const(i)), m.i32.gt_s(w.local(TO), m.i32.const(i)));
    body.push(m.if(inRange, m.block(null, w.step(step))));
  });
  // Nobody leaves before everybody is done: the caller reads the outputs.
  body.push(w.barrier());
  m.addFunction(
    name,
    b.createType([b.i32, b.i32, b.i32, b.i32, b.i32]),
    b.none,
    new Array<number>(slots + 2 * loops).fill(b.i32),
    m.block(null, body),
  );
}

class RunWriter {
  readonly b: typeof binaryen;
  readonly m: Mod;
  readonly slots: number;
  readonly kernels: readonly string[];
  #labels = 0;

  constructor(b: typeof binaryen, m: Mod, slots: number, kernels: readonly string[]) {
    this.b = b;
    this.m = m;
    this.slots = slots;
    this.kernels = kernels;
  }

  local(i: number): Ref {
    return this.m.local.get(i, this.b.i32);
  }
  barrier(): Ref {
    return this.m.call('barrier', [this.local(NTHREADS)], this.b.none);
  }
  #counter(loop: number): number {
    return FIRST_SLOT + this.slots + 2 * loop;
  }

  address(a: Address): Ref {
    const { m } = this;
    let at = this.local(FIRST_SLOT + a.slot);
    if (a.offset) at = m.i32.add(at, m.i32.const(a.offset));
    for (const s of a.strides ?? [])
      at = m.i32.add(at, m.i32.mul(this.local(this.#counter(s.loop)), m.i32.const(s.bytes)));
    return at;
  }
  #word(a: Address): Ref {
    return this.m.i32.load(0, 4, this.address(a));
  }

  steps(list: readonly ProgramStep[]): Ref[] {
    return list.flatMap((s) => this.step(s));
  }

  step(s: ProgramStep): Ref[] {
    switch (s.kind) {
      case 'call': {
        const args = [...s.args.map((a) => this.address(a)), this.local(TID), this.local(NTHREADS)];
        const call = this.m.call(this.kernels[s.kernel], args, this.b.none);
        return s.barrier ? [this.barrier(), call] : [call];
      }
      case 'loop':
        return this.#loop(s);
      case 'branch':
        return this.#branch(s);
    }
  }

  #branch(s: Extract<ProgramStep, { kind: 'branch' }>): Ref[] {
    const { m } = this;
    const last = s.branches.length - 1;
    let chosen: Ref = m.block(null, this.steps(s.branches[last]));
    for (let i = last - 1; i >= 0; i--)
      chosen = m.if(m.i32.eq(this.#word(s.index), m.i32.const(i)), m.block(null, this.steps(s.branches[i])), chosen);
    // The number may be overwritten once all threads have read it.
    return [this.barrier(), chosen, this.barrier()];
  }

  #loop(s: Extract<ProgramStep, { kind: 'loop' }>): Ref[] {
    const { m } = this;
    const [at, end] = [this.#counter(s.loop), this.#counter(s.loop) + 1];
    const label = this.#labels++;
    const [out, again] = [`out${label}`, `again${label}`];
    const most = s.length ?? 0x7fffffff;
    const runs = () => this.local(end);
    const limit: Ref[] = s.trip
      ? [
          m.local.set(end, this.#word(s.trip)),
          m.local.set(end, m.select(m.i32.lt_s(runs(), m.i32.const(most)), runs(), m.i32.const(most))),
        ]
      : [m.local.set(end, m.i32.const(most))];
    const done = s.reverse ? m.i32.lt_s(this.local(at), m.i32.const(0)) : m.i32.ge_s(this.local(at), this.local(end));
    const test = s.test
      ? [...this.steps(s.test.steps), this.barrier(), m.br(out, m.i32.eqz(this.#word(s.test.value)))]
      : [];
    const body = [
      m.br(out, done),
      this.barrier(),
      ...test,
      // What the test reads may be overwritten only when all threads have read it.
      ...(s.test ? [this.barrier()] : []),
      ...this.steps(s.body),
      m.local.set(at, m.i32.add(this.local(at), m.i32.const(s.reverse ? -1 : 1))),
      m.br(again),
    ];
    const count = s.count
      ? [m.if(m.i32.eqz(this.local(TID)), m.i32.store(0, 4, this.address(s.count), this.local(at)))]
      : [];
    return [
      this.barrier(),
      ...limit,
      m.local.set(at, s.reverse ? m.i32.sub(this.local(end), m.i32.const(1)) : m.i32.const(0)),
      m.block(out, [m.loop(again, m.block(null, body))]),
      ...count,
      this.barrier(),
    ];
  }
}
