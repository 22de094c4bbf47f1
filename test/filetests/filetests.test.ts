// IR text in, text out: one folder a pass. Each file holds a comment, a graph, a line of dashes, and
// what the pass must make of it. `BLESS=1 npx vitest run test/filetests` writes what it makes now.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pipeline } from '../../compiler/pipeline.ts';
import { parseGraph } from '../../ir/parse.ts';
import { constantsIn } from '../runtests/format.ts';
import { stages } from './stages.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const bless = process.env.BLESS === '1';
const LINE = '\n; ----\n';

const folders = readdirSync(here, { withFileTypes: true })
  .filter((d) => d.isDirectory())
  .map((d) => d.name);

it('every folder is a stage, every stage has files', () => {
  expect(folders.sort()).toEqual(Object.keys(stages).sort());
  const passes = pipeline.map((p) => p.name.replace(/-again$/, ''));
  expect(passes.filter((name) => !folders.includes(name))).toEqual([]);
});

describe.each(folders)('%s', (folder) => {
  const files = readdirSync(`${here}${folder}`).filter((f) => f.endsWith('.ir'));
  it('has files', () => expect(files.length).toBeGreaterThan(0));
  it.each(files)('%s', (file) => {
    const path = `${here}${folder}/${file}`;
    const [input, want] = readFileSync(path, 'utf8').split(LINE);
    const graph = parseGraph(input, { constants: constantsIn(input) });
    const got = `${stages[folder](graph)}\n`;
    if (bless) writeFileSync(path, `${input.trimEnd()}${LINE}${got}`);
    else expect(got, `${folder}/${file} (BLESS=1 accepts this)`).toBe(want);
  });
});
