// Runs of random graphs on some configurations, and the report of what fails.

import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect } from 'vitest';
import { caseText } from '../runtests/format.ts';
import { type Config, failure } from './check.ts';
import { type Case, makeCase, type Recipe } from './graphs.ts';
import { reduceCase } from './reduce.ts';

const recipes: fc.Arbitrary<Recipe> = fc.record({
  seed: fc.nat(),
  mode: fc.oneof(
    { weight: 6, arbitrary: fc.constant('forward' as const) },
    { weight: 2, arbitrary: fc.constant('gradient' as const) },
    { weight: 2, arbitrary: fc.constant('training' as const) },
  ),
  steps: fc.array(fc.nat(), { minLength: 1, maxLength: 18, size: 'max' }),
});

/** What went wrong without the numbers in it, so that a smaller graph is only taken for the same fault. */
const kind = (message: string) =>
  /result \d+, element/.test(message) ? 'value' : message.split('\n')[0].replace(/\d+/g, '#').slice(0, 80);

/** A failing graph, made small and printed. */
async function report(r: Recipe, c: Case, first: string, configs: readonly Config[] | undefined): Promise<string> {
  const small = await reduceCase(c, async (x) => kind(await failure(x, configs)) === kind(first));
  const why = (await failure(small, configs)) || first;
  return `${[`recipe ${JSON.stringify(r)}`, ...why.split('\n')].map((l) => `; ${l}`).join('\n')}\n${caseText(small)}\n`;
}

export interface Campaign {
  readonly seed: number;
  readonly runs: number;
  /** What graphs run on; everything of the WASM target by default. */
  readonly configs?: readonly Config[];
}

/** Fails with the first graph that goes wrong, made small; with FUZZ_KEEP it writes each to a file there and goes on. */
export async function fuzz({ seed, runs, configs }: Campaign): Promise<void> {
  const keep = process.env.FUZZ_KEEP;
  const found: string[] = [];
  let nodes = 0;
  for (const [i, r] of fc.sample(recipes, { seed, numRuns: runs }).entries()) {
    const c = makeCase(r);
    nodes += c.graph.nodes.length;
    const wrong = await failure(c, configs);
    if (!wrong) continue;
    const text = await report(r, c, wrong, configs);
    if (!keep) expect.fail(`graph ${i} of seed ${seed}:\n${text}`);
    found.push(`graph ${i}: ${wrong.split('\n')[0]}`);
    mkdirSync(keep, { recursive: true });
    writeFileSync(`${keep}/${seed}-${i}.ir`, text);
  }
  console.log(`${runs} graphs, ${nodes} nodes, seed ${seed}`);
  expect(found).toEqual([]);
}
