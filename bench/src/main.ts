// The benchmark command. Options:
//   --case a,b      only cases that match (`*` stands for anything; `matmul` matches `matmul-256`)
//   --peers         the other engines too; without it, this project and the hand-written limit
//   --engines a,b   exactly these engines
//   --threads N     threads for every engine that has them (default 1)
//   --quick         fewer and shorter rounds
//   --tune          this project times the schedules of its kernels first
//   --slow          cases that take an engine more than ten seconds a run
//   --json FILE     where the figures go (default bench/results/latest.json)
//   --list          the names of the cases, nothing else

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type EngineName, engineNames } from './adapter.ts';
import { cases, matcher, selectCases } from './cases/index.ts';
import { runInChild } from './child.ts';
import { extras } from './extras.ts';
import { printCase, printSummary } from './report.ts';
import type { CaseResult } from './run-case.ts';

const { values: args } = parseArgs({
  options: {
    case: { type: 'string', multiple: true, default: [] },
    peers: { type: 'boolean', default: false },
    engines: { type: 'string' },
    threads: { type: 'string', default: '1' },
    quick: { type: 'boolean', default: false },
    slow: { type: 'boolean', default: false },
    tune: { type: 'boolean', default: false },
    json: { type: 'string', default: 'bench/results/latest.json' },
    list: { type: 'boolean', default: false },
  },
});

const split = (text: string): string[] => text.split(',').filter(Boolean);

function chosenEngines(): readonly EngineName[] {
  if (!args.engines) return args.peers ? engineNames : ['sinter', 'limit'];
  const names = split(args.engines);
  const unknown = names.find((n) => !engineNames.includes(n as EngineName));
  if (unknown) throw new Error(`there is no engine '${unknown}'; the engines are ${engineNames.join(', ')}`);
  return names as EngineName[];
}

async function main(): Promise<void> {
  const patterns = args.case.flatMap(split);
  if (args.list) {
    for (const c of cases) console.log(`${c.name.padEnd(16)}${c.about}`);
    for (const e of extras) console.log(`${e.name.padEnd(16)}${e.about}`);
    return;
  }
  const threads = Number(args.threads);
  if (!Number.isInteger(threads) || threads < 1)
    throw new Error(`--threads takes a positive integer, not ${args.threads}`);
  const engines = chosenEngines();
  const { quick, slow, tune } = args;
  const selected = selectCases(patterns);
  const more = patterns.length ? extras.filter((e) => patterns.some((p) => matcher(p)(e.name))) : extras;
  if (selected.length + more.length === 0) throw new Error(`no case matches ${patterns.join(', ')}; see --list`);

  console.log(
    `Node ${process.versions.node}, V8 ${process.versions.v8}, ${cpus()[0]?.model ?? 'unknown CPU'}, threads ${threads}`,
  );
  const results: CaseResult[] = [];
  for (const c of selected) {
    const result = await runInChild({ case: c.name, engines, threads, quick, slow, tune });
    if (!result) continue;
    printCase(result);
    results.push(result);
  }
  printSummary(results);

  const measured: Record<string, unknown> = {};
  for (const e of more) {
    console.log(`\n${e.name}: ${e.about}`);
    measured[e.name] = await e.run({ engines, threads, quick });
  }

  const file = resolve(args.json);
  mkdirSync(dirname(file), { recursive: true });
  const head = { node: process.versions.node, threads, quick, tune, date: new Date().toISOString() };
  writeFileSync(file, `${JSON.stringify({ ...head, cases: results, ...measured }, null, 1)}\n`);
  console.log(`\nwritten: ${args.json}`);

  const ours = results.flatMap((r) => r.engines.filter((e) => e.engine === 'sinter').map((e) => ({ r, e })));
  for (const { r, e } of ours.filter((x) => x.e.wrong))
    console.error(`sinter computes ${r.case} wrongly (error ${e.error})`);
  if (results.length < selected.length || ours.some((x) => x.e.wrong)) process.exitCode = 1;
}

try {
  await main();
} catch (e) {
  console.error(`bench: ${e instanceof Error ? e.message : e}`);
  process.exitCode = 2;
}
