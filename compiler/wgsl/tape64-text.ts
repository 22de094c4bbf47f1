// Tapes of emulated float64 as WGSL: a table, and the loop that runs it.

import { CompileError } from '../../ir/errors.ts';
import type { DType } from '../../ir/types.ts';
import { soft64Text } from './soft64.ts';
import { type Instruction, operations, rawOperations, reads, type Tape } from './tape64.ts';
import { tapeOf } from './tape64-writer.ts';

/** The instruction in four words; operation numbers are those of the text, targets of jumps count from `base`. */
function words(i: Instruction, op: number, scratch: number, base: number): readonly number[] {
  const immediate = typeof i.b !== 'number';
  const [low, high] = immediate ? [i.op === 'jump' ? i.b[0] + base : i.b[0], i.b[1]] : [0, 0];
  const out = i.op === 'jump' ? scratch : i.out;
  const x = op | (out << 8) | (i.a << 16) | ((immediate ? IMMEDIATE : (i.b as number)) << 24);
  const y = (i.mask ?? 0) | (i.round ? 16 : 0) | ((i.condition ?? 0) << 8) | (i.negate ? 0x80000000 : 0);
  return [x, y, low, high];
}
const IMMEDIATE = 255;

/** Functions that run part of the table: arguments and result as the function's own types, f64 as vec2<u32>. */
function entry(name: string, tape: Tape, base: number): string {
  const wgslType = (ty: DType) => (ty === 'f64' ? 'vec2<u32>' : ty);
  const params = tape.params.map((ty, i) => `x${i}: ${wgslType(ty)}`).join(', ');
  const load = (ty: DType, i: number) => {
    const value = ty === 'f64' ? `x${i}` : `vec2<u32>(${ty === 'bool' ? `u32(x${i})` : `bitcast<u32>(x${i})`}, 0u)`;
    return `  d_register[${i}] = ${value};\n`;
  };
  const result = `d_register[${tape.result}]`;
  const narrow: Partial<Record<DType, string>> = { f64: result, bool: `${result}.x != 0u` };
  return `fn k_${name}(${params}) -> ${wgslType(tape.type)} {
${tape.params.map(load).join('')}  d_run(${base}u, ${base + tape.code.length}u);
  return ${narrow[tape.type] ?? `bitcast<${tape.type}>(${result}.x)`};
}`;
}

/** Functions of emulated float64 in WGSL and the instructions that they run, four words each. */
export interface TapeProgram {
  /** All declarations but that of the table, `d_code`, an array of `vec4<u32>`: a constant or a buffer. */
  readonly text: string;
  readonly table: Uint32Array;
}

/** The table as a constant of the module, where no buffer can hold it: a driver may compile this much longer. */
export function tableText(table: Uint32Array): string {
  const rows = Array.from({ length: table.length / 4 }, (_, i) => table.subarray(4 * i, 4 * i + 4));
  const items = rows.map((row) => `vec4<u32>(${Array.from(row, (w) => `${w}u`).join(',')})`);
  return `const d_code = array<vec4<u32>, ${rows.length}>(\n${items.join(',\n')});`;
}

/** The loop that runs instructions `begin` to `end`, with a case for each operation used. */
function loopText(used: readonly string[], registers: number, rounds: boolean): string {
  const cases = used.map((op, i) => {
    if (op === 'jump') return `      case ${i}u: { pc = select(pc, b.x, a.x == 0u); }`;
    return `      case ${i}u: { ${Object.hasOwn(rawOperations, op) ? 'raw = true; q' : 'r'} = ${operations[op]}; }`;
  });
  const raws = used.some((op) => Object.hasOwn(rawOperations, op));
  return `var<private> d_register: array<vec2<u32>, ${registers}>;

fn d_run(begin: u32, end: u32) {
  var pc = begin;
  while (pc < end) {
    let code = d_code[pc];
    pc++;
    let y = code.y;
    let a = d_register[(code.x >> 16u) & 0xffu];
    var b = code.zw;
    if ((code.x >> 24u) != ${IMMEDIATE}u) {
      b = d_register[code.x >> 24u];
    }
    b.y ^= y & 0x80000000u;
    var r = b;
${raws ? '    var q: D_Raw;\n    var raw = false;\n' : ''}    switch (code.x & 0xffu) {
${cases.join('\n')}
      default: {}
    }
${raws ? '    if (raw) { r = d_pack(q); }\n' : ''}${rounds ? '    if ((y & 16u) != 0u) { r = d_from_f32(d_to_f32(r)); }\n' : ''}    d_register[(code.x >> 8u) & 0xffu] = r;
  }
}`;
}

/**
 * WGSL functions `k_<name>` of the kernel functions named (ir/kernel/functions.ts), computed in emulated float64, with
 * everything that they need. A parameter or result of type f64 is a `vec2<u32>` (low word, high word), others are of
 * their own type. The bits are those of every engine without fused multiply-add; NaN may be any NaN. A module can hold
 * one program: a second one would declare the same names.
 *
 * @throws CompileError for an unknown function, and for one with a load, a fused multiply-add, more than 254 values
 *   alive at once, or a call of itself that is not its whole result.
 */
export function tapeProgram(names: Iterable<string>): TapeProgram {
  const tapes = new Map([...new Set(names)].map((name) => [name, tapeOf(name)]));
  const code = [...tapes.values()].flatMap((t) => t.code);
  if (code.length === 0) return { text: '', table: new Uint32Array() };
  const used = [...new Set(code.map((i) => i.op))];
  // One more than what is used: jumps write there.
  const registers = 2 + Math.max(...code.flatMap((i) => [i.out, ...reads(i)]));
  if (registers > IMMEDIATE) {
    throw new CompileError(`${registers} values alive at once are more than the ${IMMEDIATE} registers`, {
      op: 'tapeProgram',
      fix: `divide ${[...tapes.keys()].join(', ')} into several functions`,
    });
  }
  const table: number[] = [];
  const entries: string[] = [];
  for (const [name, tape] of tapes) {
    const base = table.length / 4;
    entries.push(entry(name, tape, base));
    for (const i of tape.code) table.push(...words(i, used.indexOf(i.op), registers - 1, base));
  }
  const loop = loopText(
    used,
    registers,
    code.some((i) => i.round),
  );
  const needed = [...loop.matchAll(/\bd_\w+(?=\()/g)].map(([name]) => name).filter((name) => name !== 'd_run');
  return { text: [soft64Text(needed), loop, ...entries].join('\n\n'), table: Uint32Array.from(table) };
}
