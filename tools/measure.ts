// Measures every function of the table of bounds.

import { type BinaryBound, binaryBounds, type UnaryBound, unaryBounds } from './bounds.ts';
import { randomFrom } from './random.ts';
import { allFloats, compiled, measureBinary, measureUnary, type Worst } from './ulp.ts';

/** One line of the table: the worst errors with and without fused multiply-add. */
export interface Row {
  readonly name: string;
  readonly range: string;
  readonly bound: number;
  readonly relaxed: Worst;
  readonly baseline: Worst;
}

export async function measureUnaryRows(u: UnaryBound, step: number): Promise<Row[]> {
  const which = (x: number) => u.ranges.findIndex((r) => r.has(x));
  const run = async (relaxed: boolean) =>
    measureUnary(await compiled(u.name, 1, relaxed), u.exact, allFloats(step), which, u.ranges.length);
  const [relaxed, baseline] = [await run(true), await run(false)];
  return u.ranges.map((r, i) => ({
    name: u.name,
    range: r.label,
    bound: r.bound,
    relaxed: relaxed[i],
    baseline: baseline[i],
  }));
}

export async function measureBinaryRows(u: BinaryBound, pairs: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [k, set] of u.sets.entries()) {
    const draw = function* () {
      const random = randomFrom(100 + k);
      for (let i = 0; i < pairs; i++) yield set.pairs(random);
    };
    const run = async (relaxed: boolean) => measureBinary(await compiled(u.name, 2, relaxed), u.exact, draw());
    rows.push({
      name: u.name,
      range: set.label,
      bound: set.bound,
      relaxed: await run(true),
      baseline: await run(false),
    });
  }
  return rows;
}

/** All rows; every `step`-th float, and that many random pairs. */
export async function measureAll(step: number, pairs: number, each: (row: Row) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const u of unaryBounds) rows.push(...(await measureUnaryRows(u, step)));
  for (const u of binaryBounds) rows.push(...(await measureBinaryRows(u, pairs)));
  rows.forEach(each);
  return rows;
}
