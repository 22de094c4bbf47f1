// A module that needs nothing of its host: memory, constants and Variables are its own, and functions as in C say
// where inputs and outputs lie. docs/embedding.md describes it for those who call it.

import type binaryen from 'binaryen';
import { bytesOf } from '../../ir/literal.ts';
import type { ProgramPlan } from '../../ir/plan.ts';
import { byteSize, dtypes, sizeOf, type TensorType } from '../../ir/types.ts';
import { type EmitJob, emitPrograms, emptyModule } from './module.ts';
import type { Mod, Ref } from './scalar-ops.ts';

/** What a standalone module is made of. */
export interface StandaloneJob {
  readonly job: EmitJob;
  readonly plan: ProgramPlan;
  /** Names of the inputs, outputs and Variables; the hidden input of an open batch is none of them. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly states: readonly { readonly name: string; readonly data: Uint8Array }[];
  /** Largest size of the open batch; 0 where shapes are fixed. */
  readonly bound: number;
}

const PAGE = 65536;
/** The first bytes are nobody's, so that no pointer is 0. */
const START = 64;
/** SIMD loads of a partial step may read this far past a buffer. */
const SLACK = 64;
const ALIGN = 64;
const MAX_RANK = 8;

/** Words of a tensor's record: pointer, bytes, dtype, rank, name, then the dimensions. */
const record = { pointer: 0, bytes: 4, dtype: 8, rank: 12, name: 16, dims: 20, size: 20 + 4 * MAX_RANK } as const;

/** A tensor that the host can reach. */
interface Reached {
  readonly name: string;
  readonly type: TensorType;
  readonly pointer: number;
}

/** Places bytes in the module's memory, one after the other. */
class Layout {
  end = START;
  readonly segments: { offset: number; data: Uint8Array }[] = [];

  reserve(bytes: number): number {
    const at = this.end;
    this.end += Math.ceil(Math.max(1, bytes) / ALIGN) * ALIGN;
    return at;
  }
  put(data: Uint8Array): number {
    const offset = this.reserve(data.length);
    this.segments.push({ offset, data });
    return offset;
  }
}

/** The records of tensors, as they lie in memory. */
function table(layout: Layout, list: readonly Reached[]): number {
  const bytes = new Uint8Array(record.size * list.length);
  const view = new DataView(bytes.buffer);
  list.forEach(({ name, type, pointer }, i) => {
    const at = record.size * i;
    const shape = type.shape as readonly number[];
    const word = (offset: number, x: number) => view.setUint32(at + offset, x, true);
    word(record.pointer, pointer);
    word(record.bytes, sizeOf(shape) * byteSize(type.dtype));
    word(record.dtype, dtypes.indexOf(type.dtype));
    word(record.rank, shape.length);
    word(record.name, layout.put(new TextEncoder().encode(`${name}\0`)));
    shape.slice(0, MAX_RANK).forEach((d, axis) => void word(record.dims + 4 * axis, d));
  });
  return layout.put(bytes);
}

/** Functions that look tensors of one kind up: 0 where there is none of that number. */
function lookups(b: typeof binaryen, m: Mod, kind: string, count: number, at: number): void {
  const arg = (i: number): Ref => m.local.get(i, b.i32);
  const one = b.createType([b.i32]);
  const define = (name: string, params: binaryen.Type, body: Ref) => {
    m.addFunction(`sinter_${kind}_${name}`, params, b.i32, [], body);
    m.addFunctionExport(`sinter_${kind}_${name}`, `sinter_${kind}_${name}`);
  };
  define('count', b.none, m.i32.const(count));
  const rowOf = () => m.i32.add(m.i32.const(at), m.i32.mul(arg(0), m.i32.const(record.size)));
  const known = () => m.i32.lt_u(arg(0), m.i32.const(count));
  const fields = { ptr: 'pointer', size: 'bytes', dtype: 'dtype', rank: 'rank', name: 'name' } as const;
  for (const [name, field] of Object.entries(fields) as [string, keyof typeof record][])
    define(name, one, m.if(known(), m.i32.load(record[field], 4, rowOf()), m.i32.const(0)));
  const inRank = m.i32.lt_u(arg(1), m.i32.const(MAX_RANK));
  const dim = m.i32.load(record.dims, 4, m.i32.add(rowOf(), m.i32.shl(arg(1), m.i32.const(2))));
  define('dim', b.createType([b.i32, b.i32]), m.if(m.i32.and(known(), inRank), dim, m.i32.const(0)));
}

/**
 * The module: exports `memory`, `sinter_run()`, `sinter_{input,output,state}_{count,ptr,size,dtype,rank,dim,name}` and, with an
 * open batch, `sinter_set_batch(n)`. Its data are as in the program's memory: booleans in 32 bits, float16 as bits.
 */
export function emitStandalone(b: typeof binaryen, s: StandaloneJob): binaryen.Module {
  const { plan, job } = s;
  const layout = new Layout();
  const bind = layout.reserve(4 * job.slots);
  const constants = layout.reserve(plan.constantBytes);
  for (const { offset, data } of plan.constants)
    layout.segments.push({ offset: constants + offset, data: bytesOf(data) });
  const states = s.states.map(({ data }) => layout.put(data));
  const arena = layout.reserve(plan.arenaBytes + SLACK);
  const staged = [...plan.inputs, ...plan.outputs];
  const reached = (names: readonly string[], first: number): Reached[] =>
    names.map((name, i) => ({ name, type: staged[first + i].type, pointer: arena + staged[first + i].staging }));
  const stated = s.states.map(({ name }, i): Reached => ({ name, type: plan.states[i], pointer: states[i] }));
  const kinds = { input: reached(s.inputs, 0), output: reached(s.outputs, plan.inputs.length), state: stated };
  const tables = Object.entries(kinds).map(([kind, list]) => ({ kind, count: list.length, at: table(layout, list) }));
  const bound = Uint32Array.from([arena, constants, ...states, ...staged.map((p) => arena + p.staging)]);
  const batchAt = s.bound ? arena + plan.inputs[plan.inputs.length - 1].staging : 0;
  const segments = [...layout.segments, { offset: bind, data: bytesOf(bound) }];
  if (s.bound) segments.push({ offset: batchAt, data: bytesOf(Int32Array.of(s.bound)) });

  const m = emptyModule(b, job.options);
  const pages = Math.ceil(layout.end / PAGE);
  m.setMemory(
    pages,
    pages,
    'memory',
    segments
      .filter((x) => x.data.length > 0)
      .map((x) => ({ offset: m.i32.const(x.offset), data: x.data, passive: false })),
    false,
  );
  emitPrograms(b, m, [{ name: 'run', job }], job.options);
  for (const { kind, count, at } of tables) lookups(b, m, kind, count, at);
  const call = m.call(
    'run',
    [0, 1, bind, 0, job.steps.length].map((x) => m.i32.const(x)),
    b.none,
  );
  m.addFunction('sinter_run', b.none, b.none, [], call);
  m.addFunctionExport('sinter_run', 'sinter_run');
  if (s.bound) emitSetBatch(b, m, batchAt, s.bound);
  return m;
}

/** `sinter_set_batch(n)`: 1 where n is a size that the program takes, else 0 and nothing has changed. */
function emitSetBatch(b: typeof binaryen, m: Mod, at: number, bound: number): void {
  const n = () => m.local.get(0, b.i32);
  // 1 … bound: less one, and without a sign, one comparison.
  const fits = m.i32.lt_u(m.i32.sub(n(), m.i32.const(1)), m.i32.const(bound));
  const set = m.block(null, [m.i32.store(0, 4, m.i32.const(at), n()), m.i32.const(1)], b.i32);
  m.addFunction('sinter_set_batch', b.createType([b.i32]), b.i32, [], m.if(fits, set, m.i32.const(0)));
  m.addFunctionExport('sinter_set_batch', 'sinter_set_batch');
}
