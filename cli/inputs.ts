// Elements for inputs: from files, from the command line, or made up.

import { readFile } from 'node:fs/promises';
import { Random } from '../frontends/data/random.ts';
import { npy } from '../frontends/io/tensor-files.ts';
import { ArgumentError } from '../ir/errors.ts';
import { arrayFor, type TypedArray } from '../ir/literal.ts';
import { sizeOf } from '../ir/types.ts';
import type { Entry, TensorInfo } from '../runtime/artifact/model.ts';

/** Elements in a call: those of an open batch follow from its size. */
export const elementsOf = (t: TensorInfo, maxBatch: number, batch: number): number =>
  t.batch ? (sizeOf(t.shape) / maxBatch) * batch : sizeOf(t.shape);

/** Numbers that look like data, the same in every run. */
export function madeUp(t: TensorInfo, n: number, seed: number): TypedArray {
  const random = new Random(seed);
  const whole = t.dtype !== 'f32' && t.dtype !== 'f64' && t.dtype !== 'f16';
  return arrayFor(t.dtype, n).map(() => (whole ? random.below(2) : random.next() * 2 - 1));
}

/** All inputs of a function, made up. */
export const allMadeUp = (f: Entry, batch: number): TypedArray[] =>
  f.inputs.map((t, i) => madeUp(t, elementsOf(t, f.maxBatch, batch), i + 1));

const flat = (x: unknown): number[] => (Array.isArray(x) ? x.flatMap(flat) : [Number(x)]);

function fromJson(file: string, text: string): number[] {
  try {
    return flat(JSON.parse(text));
  } catch (e) {
    throw new ArgumentError(`'${file}' is no JSON: ${(e as Error).message}`, { op: 'run', fix: 'give nested arrays' });
  }
}

async function fromFile(file: string, t: TensorInfo): Promise<ArrayLike<number>> {
  if (file.endsWith('.npy')) return (await npy.load(file)).dataSync() as ArrayLike<number>;
  const bytes = new Uint8Array(await readFile(file));
  if (file.endsWith('.json')) return fromJson(file, new TextDecoder().decode(bytes));
  const { BYTES_PER_ELEMENT } = arrayFor(t.dtype, 0);
  if (bytes.length % BYTES_PER_ELEMENT)
    throw new ArgumentError(`'${file}' has ${bytes.length} bytes, no whole number of elements of ${t.dtype}`, {
      op: 'run',
      fix: 'give raw little-endian elements, .npy or .json',
    });
  const out = arrayFor(t.dtype, bytes.length / BYTES_PER_ELEMENT);
  new Uint8Array(out.buffer).set(bytes);
  return out;
}

/** Inputs as they were given, `name=@file`, `name=1,2,3` or `name=random`; null where one is missing. */
export async function givenInputs(
  f: Entry,
  given: readonly string[],
  batch: number,
): Promise<Record<string, ArrayLike<number>>> {
  const byName = new Map(
    given.map((g) => {
      const at = g.indexOf('=');
      // One input needs no name.
      return at < 0 && f.inputs.length === 1
        ? ([f.inputs[0].name, g] as const)
        : ([g.slice(0, at), g.slice(at + 1)] as const);
    }),
  );
  const unknown = [...byName.keys()].find((name) => !f.inputs.some((t) => t.name === name));
  const names = f.inputs.map((t) => t.name).join(', ');
  if (unknown !== undefined)
    throw new ArgumentError(`'${f.name}' has no input '${unknown}'`, {
      op: 'run',
      fix: `its inputs are ${names || 'none'}: --input ${f.inputs[0]?.name ?? 'x'}=@file.npy`,
    });
  const out: Record<string, ArrayLike<number>> = {};
  for (const [i, t] of f.inputs.entries()) {
    const value = byName.get(t.name);
    if (value === undefined)
      throw new ArgumentError(`the input '${t.name}' is missing`, {
        op: 'run',
        fix: `--input ${t.name}=@file.npy, =1,2,3 or =random`,
      });
    if (value === 'random') out[t.name] = madeUp(t, elementsOf(t, f.maxBatch, batch), i + 1);
    else if (value.startsWith('@')) out[t.name] = await fromFile(value.slice(1), t);
    else {
      const list = value.split(',').map(Number);
      if (list.some((x) => Number.isNaN(x)))
        throw new ArgumentError(`the input '${t.name}' is '${value.slice(0, 60)}'`, {
          op: 'run',
          fix: 'give numbers with commas between them, @ and a file, or random',
        });
      out[t.name] = list;
    }
  }
  return out;
}
