// Bad arguments of every public function: each is put in the place of every argument of a valid call. What
// comes back is either a result that is sound or a SinterError; never a TypeError, never a crash.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Call, calls, publicFunctions } from './calls.ts';

const garbage: readonly (readonly [string, unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-1', -1],
  ['1.5', 1.5],
  ['1e12', 1e12],
  ['true', true],
  ['empty string', ''],
  ['string', 'nonsense'],
  ['bigint', 5n],
  ['symbol', Symbol('s')],
  ['object', {}],
  ['function', () => 'nothing'],
  ['date', new Date(0)],
  ['empty array', []],
  ['ragged', [[1, 2], [3]]],
  ['strings', ['a', 'b']],
  ['nulls', [null, undefined]],
  ['negative', [-3, -7]],
  ['fractions', [0.5, Number.NaN]],
  ['huge', [1e6, 1e6]],
  ['too huge', [2 ** 31, 2 ** 31, 2 ** 31]],
  ['objects', [{}, {}]],
  ['scalar tensor', tf.scalar(1)],
  ['rank 5', tf.ones([1, 2, 1, 2, 1])],
  ['empty tensor', tf.zeros([0, 3])],
  ['bool tensor', tf.tensor1d([true, false])],
  ['int tensor', tf.tensor1d([-7, 1000000], 'int32')],
  ['float64 tensor', tf.tensor1d([0.1], 'float64')],
  ['uint8 tensor', tf.zeros([2], 'uint8')],
  ['complex tensor', tf.complex([1], [2])],
];

const functions = publicFunctions();

/** What is wrong with a result, or ''. */
function unsound(x: unknown): string {
  if (x instanceof tf.Tensor && x.host) {
    if (!x.shape.every((d) => Number.isInteger(d) && d >= 0)) return `a tensor of shape [${x.shape}]`;
    if (x.host.length !== x.size) return `${x.host.length} elements in a tensor of shape [${x.shape}]`;
  }
  if (x instanceof tf.ComplexTensor) return unsound(x.re) || unsound(x.im);
  if (Array.isArray(x)) return x.map(unsound).find((s) => s) ?? '';
  return '';
}

/** What goes wrong in a call that is not as it should, or ''. */
async function trouble(f: (...args: unknown[]) => unknown, args: readonly unknown[]): Promise<string> {
  const start = performance.now();
  try {
    const result = await f(...args);
    const wrong = unsound(result);
    if (wrong) return `returns ${wrong}`;
  } catch (e) {
    if (!(e instanceof tf.SinterError))
      return `throws ${String((e as Error)?.stack ?? e)
        .split('\n')
        .slice(0, 3)
        .join(' ')}`;
    // A text that does not parse has a line instead.
    if (!e.op && !(e instanceof tf.ParseError))
      return `an error without the function's name: ${e.message.split('\n')[0]}`;
    if (!e.fix && !e.label && !(e instanceof tf.ParseError))
      return `an error without a fix: ${e.message.split('\n')[0]}`;
  }
  const ms = performance.now() - start;
  return ms > 2000 ? `takes ${ms} ms` : '';
}

const tables = new Map<string, Call[]>();
for (const c of calls()) tables.set(c.name, [...(tables.get(c.name) ?? []), c]);

const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'sinter-garbage-'));
beforeAll(async () => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  await tf.ready();
  // A nonsensical name of a file is a name: what is written stays out of the repository.
  process.chdir(folder);
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

describe('bad arguments', () => {
  it.each([...tables.keys()])('%s', async (name) => {
    const f = functions.get(name);
    if (!f) throw new Error(`there is no function ${name}`);
    const found: string[] = [];
    for (const { args } of tables.get(name) ?? []) {
      expect(await trouble(f, args), 'the valid call').toBe('');
      await f(...args);
      for (const at of args.keys())
        for (const [what, bad] of garbage) {
          const wrong = await trouble(f, args.with(at, bad));
          if (wrong) found.push(`argument ${at} = ${what}: ${wrong}`);
        }
    }
    expect(found).toEqual([]);
  });
});
