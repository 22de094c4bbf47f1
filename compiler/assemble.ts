// Planned levels to what the code generator takes: equal kernels shared, every buffer with its address,
// barriers where steps depend on each other, loops and branches around the steps of regions.

import type { Value } from '../ir/graph.ts';
import type { Kernel } from '../ir/kernel/kernel.ts';
import { printKernel } from '../ir/kernel/print.ts';
import { inMemory, type Literal } from '../ir/literal.ts';
import { loopLayout } from '../ir/ops/loop-layout.ts';
import type { KernelInfo, TypedArray } from '../ir/plan.ts';
import type { Address, ProgramStep } from '../ir/steps.ts';
import { sizeOf, type TensorType, typeBytes } from '../ir/types.ts';
import type { Binding } from './lower/kernel-builder.ts';
import { aliasSource } from './passes/fusion-groups.ts';
import { aligned, inSegment } from './passes/memory.ts';
import { overlap, type Place, placeAt, samePlace, sliceOf } from './place.ts';
import { type ControlStep, isKernel, type KernelStep, type Placement } from './placement.ts';

/** Where a level's memory is, and the places that the level around it gives. */
interface Frame {
  readonly level: Placement;
  /** Offset of the level's own memory in the arena. */
  readonly arena: number;
  readonly param: (index: number) => Place;
  readonly result: (index: number) => Place;
  readonly state: (index: number) => Place;
}

interface Access {
  readonly place: Place;
  readonly writes: boolean;
}

export class Assembler {
  readonly kernels: Kernel[] = [];
  readonly texts: string[] = [];
  /** Graph operations of each kernel, where it was met first. */
  readonly ops = new Map<Kernel, readonly string[]>();
  readonly constants: { offset: number; data: TypedArray | Uint16Array }[] = [];
  constantBytes = 0;
  readonly #segment: number | undefined;
  readonly #constantAt = new Map<string, number>();
  readonly #byText = new Map<string, number>();
  #loops = 0;
  #states = 0;

  /** @param segment no constant lies across a multiple of it */
  constructor(segment?: number) {
    this.#segment = segment;
  }

  /** The frame of the whole program: callers say where its inputs and outputs are. */
  frame(level: Placement): Frame {
    this.#states = level.states.length;
    const inputs = level.graph.params.filter((p) => !p.type.state);
    const port = (index: number, type: TensorType) => placeAt({ kind: 'port', index }, typeBytes(type));
    return {
      level,
      arena: 0,
      param: (i) => port(inputs.indexOf(level.graph.params[i]), level.graph.params[i].type),
      result: (i) => port(inputs.length + i, level.tensorResults[i].type),
      state: (index) => placeAt({ kind: 'state', index }, 0),
    };
  }

  constant(key: string, make: () => TypedArray | Uint16Array): number {
    let at = this.#constantAt.get(key);
    if (at === undefined) {
      const data = make();
      at = inSegment(this.constantBytes, aligned(data.byteLength), this.#segment);
      this.constants.push({ offset: at, data });
      this.#constantAt.set(key, at);
      this.constantBytes = at + aligned(data.byteLength);
    }
    return at;
  }

  /** The place of a value of a level; `saved` for the old value of a changed state. */
  place(f: Frame, v: Value, saved = false): Place {
    const { level } = f;
    const s = aliasSource(v);
    const span = typeBytes(s.type);
    const inArena = (offset: number) => placeAt({ kind: 'arena', offset: f.arena + offset }, span);
    const n = s.node;
    const given = level.given.get(s);
    if (given !== undefined && (saved || n?.op.name !== 'read')) return f.result(given);
    const kept = level.saved.get(s);
    if (saved && kept) return inArena(kept.offset);
    const direct = level.directState.get(s);
    if (direct !== undefined) return f.state(direct);
    if (s.type.state) return f.state(level.states.indexOf(s));
    if (n?.op.name === 'read') return f.state(level.states.indexOf(n.inputs[0]));
    if (n?.op.name === 'constant') {
      const lit = n.attrs.value as Literal;
      const { type } = n.outputs[0];
      const key = `${type.dtype}:${sizeOf(type.shape)}:${lit.hash}`;
      return placeAt(
        { kind: 'constant', offset: this.constant(key, () => inMemory(type.dtype, lit.expand(type))) },
        span,
      );
    }
    if (!n && level.outer) return f.param(s.index);
    const r = level.regions.get(s);
    if (!r) throw new Error(`value of ${n?.op.name ?? s.name} has no place`);
    return inArena(r.offset);
  }

  #bound(f: Frame, b: Binding): Place {
    if ('scratch' in b) {
      const r = f.level.scratch.get(b);
      if (!r) throw new Error('scratch without a place');
      return placeAt({ kind: 'arena', offset: f.arena + r.offset }, r.bytes);
    }
    if ('packed' in b)
      return placeAt({ kind: 'constant', offset: this.constant(b.packed.key, b.packed.make) }, 4 * b.packed.size);
    return 'result' in b ? f.result(b.result) : this.place(f, b.value, b.saved);
  }

  /** The steps of a level, and what is known of each. */
  steps(f: Frame): { steps: ProgramStep[]; infos: KernelInfo[] } {
    const steps: ProgramStep[] = [];
    const infos: KernelInfo[] = [];
    let pending: Access[] = [];
    for (const s of f.level.steps) {
      if (!isKernel(s)) {
        const { step, info } = this.#control(f, s);
        steps.push(step);
        infos.push(info);
        // It meets at barriers before and after.
        pending = [];
        continue;
      }
      const places = s.bindings.map((b) => this.#bound(f, b));
      if (s.lowered.kernel.name === 'copy' && samePlace(places[0], places[1])) continue;
      const access = places.map((place, k) => ({ place, writes: s.lowered.kernel.buffers[k].role !== 'in' }));
      const barrier = access.some((a) => pending.some((p) => (a.writes || p.writes) && overlap(a.place, p.place)));
      if (barrier) pending = [];
      pending.push(...access);
      const kernel = this.#kernel(s);
      steps.push({ kind: 'call', kernel, barrier, args: places.map((p) => this.#address(p)) });
      const { name } = s.lowered.kernel;
      const { group, ops, flops, bytes, schedule } = s.lowered;
      const how = schedule ? { schedule } : {};
      infos.push({ name, kind: group.kind, ops, flops, bytes, text: this.texts[kernel], ...how });
    }
    return { steps, infos };
  }

  #kernel(s: KernelStep): number {
    const text = printKernel({ ...s.lowered.kernel, name: 'k' });
    let index = this.#byText.get(text);
    if (index === undefined) {
      index = this.kernels.length;
      this.kernels.push(s.lowered.kernel);
      this.ops.set(s.lowered.kernel, s.lowered.ops);
      this.texts.push(text);
      this.#byText.set(text, index);
    }
    return index;
  }

  #control(f: Frame, c: ControlStep): { step: ProgramStep; info: KernelInfo } {
    const { name } = c.node.op;
    const [step, infos, runs] = name === 'cond' || name === 'case' ? this.#branch(f, c) : this.#loop(f, c);
    const total = (get: (k: KernelInfo) => number) => runs * infos.reduce((n, k) => n + get(k), 0);
    const ops = [name, ...infos.flatMap((k) => k.ops)];
    const text = `${name} of ${infos.map((k) => k.name).join(', ')}`;
    return {
      step,
      info: {
        name,
        kind: 'control',
        ops,
        flops: total((k) => k.flops),
        bytes: total((k) => k.bytes),
        text,
        body: infos,
      },
    };
  }

  #branch(f: Frame, c: ControlStep): [ProgramStep, KernelInfo[], number] {
    const [choice, ...operands] = c.node.inputs;
    const infos: KernelInfo[] = [];
    const branches = c.bodies.map((level) => {
      const inner = this.steps({
        level,
        arena: f.arena + c.scratch.offset,
        param: (i) => this.place(f, operands[i]),
        result: (i) => this.place(f, c.node.outputs[i]),
        state: noState,
      });
      infos.push(...inner.infos);
      return inner.steps;
    });
    // A condition counts from the other end: its first region is the one for true.
    const ordered = c.node.op.name === 'cond' ? branches.reverse() : branches;
    return [{ kind: 'branch', index: this.#address(this.place(f, choice)), branches: ordered }, infos, 1];
  }

  #loop(f: Frame, c: ControlStep): [ProgramStep, KernelInfo[], number] {
    const { node } = c;
    const isScan = node.op.name === 'scan';
    const { trip, consts, carry } = loopLayout(node.attrs, node.inputs.length);
    const id = this.#loops++;
    const length = (isScan ? node.attrs.length : node.attrs.bound) as number | undefined;
    const slice = (v: Value) => sliceOf(this.place(f, v), id, typeBytes(v.type) / Math.max(1, length as number));
    const frame = (level: Placement): Frame => ({
      level,
      arena: f.arena + c.scratch.offset,
      param: (i) => {
        const v = node.inputs[trip + i];
        return i < consts ? this.place(f, v) : slice(v);
      },
      result: (i) => slice(node.outputs[carry + i]),
      state: (k) => this.place(f, node.outputs[k]),
    });
    const [body, test] = isScan ? c.bodies : [c.bodies[1], c.bodies[0]];
    const inner = this.steps(frame(body));
    const infos = [...inner.infos];
    let condition: Extract<ProgramStep, { kind: 'loop' }>['test'];
    if (test) {
      const at = frame(test);
      const tested = this.steps(at);
      infos.push(...tested.infos);
      condition = { steps: tested.steps, value: this.#address(this.place(at, test.tensorResults[0])) };
    }
    const step: ProgramStep = {
      kind: 'loop',
      loop: id,
      length: length ?? null,
      ...(trip ? { trip: this.#address(this.place(f, node.inputs[0])) } : {}),
      ...(node.attrs.reverse ? { reverse: true } : {}),
      ...(condition ? { test: condition } : {}),
      ...(isScan && test ? { count: this.#address(this.place(f, node.outputs[node.outputs.length - 1])) } : {}),
      body: inner.steps,
    };
    return [step, infos, length ?? 1];
  }

  #address({ slot, strides }: Place): Address {
    const steps = strides.length ? { strides } : {};
    if (slot.kind === 'arena') return { slot: 0, offset: slot.offset, ...steps };
    if (slot.kind === 'constant') return { slot: 1, offset: slot.offset, ...steps };
    return { slot: 2 + (slot.kind === 'port' ? this.#states : 0) + slot.index, offset: 0, ...steps };
  }

  get loops(): number {
    return this.#loops;
  }
}

const noState = () => {
  throw new Error('a branch has no states of its own');
};
