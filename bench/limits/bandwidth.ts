// How fast WebAssembly can move memory: copy, add of two arrays, and sum, with vector loads and
// stores, and the engine's own memory.copy. An element-wise kernel cannot be faster than these.

import { advance, countDown, get, i32, instantiate, load, locals, params, repeat, set, store } from './wat.ts';

const unroll = 4;
const header = params('to', 'a', 'b', 'n');

const loop = (body: (offset: number, u: number) => string, pointers: readonly string[]): string =>
  countDown(
    'n',
    4 * unroll,
    repeat(unroll, (u) => body(u * 16, u)) + pointers.map((p) => advance(p, i32(16 * unroll))).join(' '),
  );
const total = (u: number): string => `s${u}`;

const functions = `
  (func (export "copy") ${header} ${loop((at) => store('to', at, load('a', at)), ['to', 'a'])})
  (func (export "add") ${header}
    ${loop((at) => store('to', at, `(f32x4.add ${load('a', at)} ${load('b', at)})`), ['to', 'a', 'b'])})
  (func (export "sum") ${header} ${locals(
    'v128',
    Array.from({ length: unroll }, (_, u) => total(u)),
  )}
    ${loop((at, u) => set(total(u), `(f32x4.add ${get(total(u))} ${load('a', at)})`), ['a'])}
    ${store(
      'to',
      0,
      Array.from({ length: unroll }, (_, u) => get(total(u))).reduce((x, y) => `(f32x4.add ${x} ${y})`),
    )})
  (func (export "memory.copy") ${header}
    (memory.copy ${get('to')} ${get('a')} (i32.shl ${get('n')} ${i32(2)})))`;

/** Arrays that each routine reads or writes. */
const streams = { copy: 2, add: 3, sum: 1, 'memory.copy': 2 } as const;
export type Routine = keyof typeof streams;
export const routines = Object.keys(streams) as readonly Routine[];

export interface Stream {
  /** Moves `floats` elements once. */
  run(): void;
  readonly bytes: number;
}

/** Prepares all routines over arrays of the given length (a multiple of 16). */
export function memoryStreams(floats: number): ReadonlyMap<Routine, Stream> {
  const bytes = floats * 4 + 4096;
  const code = instantiate(functions, 65536 + 3 * bytes);
  new Float32Array(code.memory.buffer).fill(1);
  return new Map(
    routines.map((name) => {
      const f = code[name] as (to: number, a: number, b: number, n: number) => void;
      const run = () => f(65536, 65536 + bytes, 65536 + 2 * bytes, floats);
      return [name, { run, bytes: streams[name] * floats * 4 }];
    }),
  );
}
