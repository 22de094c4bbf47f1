// Kernel functions on tapes of emulated float64 against the evaluator of ir/kernel/evaluate.ts, bit for bit.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tableText, tapeProgram } from '../../compiler/wgsl/tape64-text.ts';
import { CompileError } from '../../ir/errors.ts';
import { evaluator } from '../../ir/kernel/evaluate.ts';
import { type KernelFunction, kernelFunction } from '../../ir/kernel/functions.ts';
import type { DType } from '../../ir/types.ts';
import { randomFrom } from '../../tools/random.ts';
import { closeGpu, openGpu, runOnGpu, type Words } from './gpu.ts';

const seed = Math.floor(Math.random() * 2 ** 32);
const count = 256;

/** Where functions change their formula, and what float units treat as special. */
const specials = [
  0,
  0.5,
  1,
  1.5,
  2,
  2.5,
  3,
  7.999,
  8,
  10,
  20,
  28,
  100,
  171.6,
  709.7,
  1e4,
  2 ** 20,
  2 ** 24,
  2 ** 28,
  1e10,
  2 ** 52,
  1e22,
  1e30,
  2 ** 127,
  2 ** -10,
  2 ** -30,
  2 ** -126,
  2 ** -140,
  2 ** -149,
  Math.PI,
  Math.PI / 2,
  Infinity,
  NaN,
].flatMap((x) => [x, -x]);

/** Arguments of a type: the special values, then numbers of ordinary and of all sizes. */
function sample(ty: DType, random: () => number): number[] {
  const numbers = Array.from({ length: count - specials.length }, (_, i) =>
    i % 2 ? (random() - 0.5) * 2 ** (random() * 16) : (random() - 0.5) * 2 ** (random() * 240 - 120),
  );
  if (ty === 'u32') return numbers.concat(specials).map(() => Math.floor(random() * 2 ** 32));
  const all = [...specials, ...numbers];
  return ty === 'f32' ? all.map(Math.fround) : all;
}

/** Numbers as pairs of words: f64, or one word of a narrower type. */
function pairs(ty: DType, xs: readonly number[]): Words {
  const out = new Uint32Array(2 * xs.length);
  const view = { f32: Float32Array, f64: Float64Array }[ty as 'f32'] ?? Uint32Array;
  const values = new view(out.buffer);
  xs.forEach((x, i) => {
    values[ty === 'f64' ? i : 2 * i] = x;
  });
  return out;
}

/** The call with its arguments from `count` pairs each, one argument after the other. */
function callText(name: string, f: KernelFunction): string {
  const args = f.params.map(({ ty }, j) => {
    const pair = `xs[${j * count}u + i]`;
    return ty === 'f64' ? pair : `bitcast<${ty}>(${pair}.x)`;
  });
  return f.body.ty === 'f64' ? `k_${name}(${args})` : `vec2<u32>(bitcast<u32>(k_${name}(${args})), 0u)`;
}

/** Results of the named functions that differ from the evaluator's, as text. */
async function wrong(name: string, program: { text: string; table: Uint32Array }): Promise<string[]> {
  const f = kernelFunction(name) as KernelFunction;
  const random = randomFrom(seed);
  const args = f.params.map((p) => sample(p.ty, random));
  // A remainder is of a finite number by one that is not 0.
  if (/^rem/.test(name)) {
    args[0] = args[0].map((x) => (Number.isFinite(x) ? x : 1));
    args[1] = args[1].map((x) => x || 1);
  }
  // The first argument's pairs stand in the right order; the second's are turned, so that special values meet others.
  if (args.length === 2) args[1] = args[1].map((_, i, xs) => xs[(i * 89 + 7) % count]);
  const words = Uint32Array.from(args.flatMap((xs, j) => [...pairs(f.params[j].ty, xs)]));
  const declarations = `${tableText(program.table)}\n${program.text}`;
  const got = await runOnGpu(declarations, `out[i] = ${callText(name, f)};`, words, count);
  const expected = new Float64Array(count);
  evaluator(name)(
    args.map((xs) => Float64Array.from(xs)),
    count,
    expected,
  );
  const results = new ({ f32: Float32Array, f64: Float64Array }[f.body.ty as 'f32'] ?? Uint32Array)(got.buffer);
  const stride = f.body.ty === 'f64' ? 1 : 2;
  return Array.from(expected, (e, i) => {
    const value = results[stride * i];
    return Object.is(value, e) ? '' : `${name}(${args.map((xs) => xs[i])}) = ${value}, expected ${e}`;
  }).filter(Boolean);
}

const names = [
  'rem_f32',
  'sin_f32',
  'tan_f32',
  'erfc_f32',
  'lgamma_f32',
  'digamma_f32',
  'gamma_sample_f32',
  'int_below',
  'rem',
  'pow',
  'atan2',
];

describe('tapes of emulated float64', () => {
  console.log(`seed ${seed}`);
  beforeAll(openGpu);
  afterAll(closeGpu);

  it.each(names)('%s', async (name) => {
    const bad = await wrong(name, tapeProgram([name]));
    expect(bad.length, `seed ${seed}: ${bad.slice(0, 10).join('\n')}`).toBe(0);
  });

  it('several functions share one loop', async () => {
    const program = tapeProgram(['exp', 'rem', 'exp', 'int_below']);
    expect(program.text.match(/fn d_run\(/g)).toHaveLength(1);
    for (const name of ['exp', 'rem', 'int_below']) expect((await wrong(name, program)).slice(0, 3)).toEqual([]);
    expect(tapeProgram([])).toEqual({ text: '', table: new Uint32Array() });
  });

  it('refuses what no tape can hold', () => {
    expect(() => tapeProgram(['cbrt'])).toThrow(CompileError);
    // It calls itself with a larger divisor, and works on with the result.
    expect(() => tapeProgram(['rem_positive'])).toThrow(/rem_positive has a call of rem_positive in itself/);
  });
});
