// From the start of a process to its first result: the perceptron, batch 1, weights from a file.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { notBuilt } from './built.ts';
import type { Operands } from './case.ts';
import { cases } from './cases/index.ts';
import type { Extra } from './extras.ts';
import { median } from './measure.ts';
import { onnxModel } from './onnx.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

/** Milliseconds until the program's first line, or the reason why there was none. */
function firstResult(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number | string> {
  return new Promise((resolve) => {
    const start = performance.now();
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
    let errors = '';
    let took: number | undefined;
    child.stdout.once('data', () => {
      took = performance.now() - start;
    });
    child.stderr.on('data', (d) => {
      errors += d;
    });
    // Only then may the next one start: this one may still write its cache.
    child.on('close', () => resolve(took ?? /\w*Error.*/.exec(errors)?.[0] ?? 'it printed no result'));
  });
}

function writeModel(folder: string, operands: Operands): void {
  const list = Object.entries(operands);
  const head = JSON.stringify(list.map(([name, v]) => ({ name, shape: v.shape })));
  const bytes = list.map(([, v]) => new Uint8Array(v.data.buffer, v.data.byteOffset, v.data.byteLength));
  writeFileSync(join(folder, 'model.bin'), Buffer.concat([Buffer.from(`${head}\n`), ...bytes]));
}

interface Row {
  readonly label: string;
  readonly program: string;
  /** Empties the compile cache before each start. */
  readonly cold?: boolean;
  readonly times: number[];
}

export const startup: Extra = {
  name: 'startup',
  about: 'process start to first result, perceptron batch 1; Node itself included',
  async run({ engines, quick }) {
    const folder = mkdtempSync(join(tmpdir(), 'sinter-bench-'));
    const cache = join(folder, 'cache');
    const c = cases.find((x) => x.name === 'mlp-1');
    if (!c) throw new Error('the case mlp-1 is gone');
    const operands = c.operands();
    writeModel(folder, operands);
    writeFileSync(join(folder, 'model.onnx'), onnxModel(c, operands).file);
    writeFileSync(join(folder, 'nothing.mjs'), 'console.log(0)');
    // What an empty cache is measured against: the code generator cannot be had for less.
    const binaryen = JSON.stringify(import.meta.resolve('binaryen'));
    writeFileSync(join(folder, 'binaryen.mjs'), `import binaryen from ${binaryen};\nconsole.log(typeof binaryen);`);

    const program = (name: string) => fileURLToPath(new URL(`./start/${name}.mjs`, import.meta.url));
    const node: Row = { label: 'Node alone', program: join(folder, 'nothing.mjs'), times: [] };
    const importing: Row = { label: 'import of binaryen', program: join(folder, 'binaryen.mjs'), times: [] };
    const rows: Row[] = [node, importing];
    const missing = engines.includes('sinter') ? notBuilt() : undefined;
    if (missing) console.log(`  ${missing}`);
    for (const e of engines.filter((x) => x !== 'limit' && !(x === 'sinter' && missing))) {
      if (e === 'sinter') rows.push({ label: 'sinter, empty cache', program: program(e), cold: true, times: [] });
      rows.push({ label: e === 'sinter' ? 'sinter, warm cache' : e, program: program(e), times: [] });
    }
    const failures = new Map<string, string>();
    // The first round fills the file cache and the compile cache, and does not count.
    for (let round = 0; round <= (quick ? 3 : 9); round++)
      for (const row of rows.filter((r) => !failures.has(r.label))) {
        if (row.cold) rmSync(cache, { recursive: true, force: true });
        mkdirSync(cache, { recursive: true });
        const took = await firstResult(row.program, [folder], { ...process.env, SINTER_CACHE: cache });
        if (typeof took === 'string') failures.set(row.label, took);
        else if (round > 0) row.times.push(took);
      }
    rmSync(folder, { recursive: true, force: true });

    const table = textTable(['first result', 'median', 'min', '× Node', '× binaryen']);
    const done = rows.filter((r) => r.times.length > 0);
    const ratio = (r: Row, to: Row) => (to.times.length ? (median(r.times) / median(to.times)).toFixed(2) : '');
    for (const r of done)
      table.push([
        r.label,
        timeText(median(r.times)),
        timeText(Math.min(...r.times)),
        ratio(r, node),
        ratio(r, importing),
      ]);
    console.log(table.toString());
    for (const [label, reason] of failures) console.log(`  ${label}: ${reason}`);
    return Object.fromEntries(done.map((r) => [r.label, { median: median(r.times), rounds: r.times }]));
  },
};
