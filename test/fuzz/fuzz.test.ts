// Random graphs through all passes and the WASM target against the reference.
//
//   FUZZ_RUNS=2000 FUZZ_SEED=7 npx vitest run test/fuzz      the long part
//   FUZZ_KEEP=folder                                         go on after a failure; one file for each
//
// A failure is printed as a file for test/runtests, made small; once the bug is fixed it stays there.

import '../../tools/relaxed-simd.ts';
import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { caseText } from '../runtests/format.ts';
import { failure } from './check.ts';
import { type Case, makeCase, type Recipe } from './graphs.ts';
import { reduceCase } from './reduce.ts';

const seed = Number(process.env.FUZZ_SEED ?? 20240607);
const runs = Number(process.env.FUZZ_RUNS ?? 1000);
const keep = process.env.FUZZ_KEEP;

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
async function report(r: Recipe, c: Case, first: string): Promise<string> {
  const small = await reduceCase(c, async (x) => kind(await failure(x)) === kind(first));
  const why = (await failure(small)) || first;
  return `${[`recipe ${JSON.stringify(r)}`, ...why.split('\n')].map((l) => `; ${l}`).join('\n')}\n${caseText(small)}\n`;
}

it(`${runs} random graphs of seed ${seed} (FUZZ_RUNS, FUZZ_SEED)`, { timeout: 0 }, async () => {
  const found: string[] = [];
  let nodes = 0;
  for (const [i, r] of fc.sample(recipes, { seed, numRuns: runs }).entries()) {
    const c = makeCase(r);
    nodes += c.graph.nodes.length;
    const wrong = await failure(c);
    if (!wrong) continue;
    const text = await report(r, c, wrong);
    if (!keep) expect.fail(`graph ${i} of seed ${seed}:\n${text}`);
    found.push(`graph ${i}: ${wrong.split('\n')[0]}`);
    mkdirSync(keep, { recursive: true });
    writeFileSync(`${keep}/${seed}-${i}.ir`, text);
  }
  console.log(`${runs} graphs, ${nodes} nodes, seed ${seed}`);
  expect(found).toEqual([]);
});
