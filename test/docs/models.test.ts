// The programs of README.md and docs/models.md type-check and run, and the page lists what there is.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { programsOf } from './samples.ts';

const folder = resolve('.cache', `docs-${process.pid}`);
const programs = ['README.md', 'docs/models.md', 'docs/embedding.md', 'docs/onnx.md', 'docs/tensorflow.md'].flatMap(
  (page) =>
    programsOf(page).map((text, i) => ({
      name: `${page}, program ${i + 1}`,
      text,
      file: join(folder, `p${page.length}-${i}.ts`),
    })),
);

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const p of programs) writeFileSync(p.file, p.text);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('programs of the documents', () => {
  it('are there', () => expect(programs.length).toBeGreaterThanOrEqual(3));
  it('have no type errors', () => {
    const settings = {
      extends: resolve('tsconfig.json'),
      compilerOptions: { types: ['node'] },
      include: ['*.ts'],
      exclude: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    execFileSync(process.execPath, [resolve('node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'pipe' });
  });
  it.each(programs)('$name runs', async ({ file, text }) => {
    const lines: string[] = [];
    vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
    vi.spyOn(console, 'log').mockImplementation((...parts) => void lines.push(parts.join(' ')));
    try {
      await import(/* @vite-ignore */ file);
    } finally {
      vi.restoreAllMocks();
    }
    expect(lines.length).toBeGreaterThan(0);
    // What comments of a program say that it prints.
    const told = [...text.matchAll(/^console\.log\(.*\); \/\/ ([\w, ]+)$/gm)].map((m) => m[1].replaceAll(', ', ','));
    for (const line of told) expect(lines).toContain(line);
  });
});

describe('docs/models.md', () => {
  const rows = [...readFileSync('docs/models.md', 'utf8').matchAll(/^\| [a-z ]+ \| `(\w+)` \| (.*) \|$/gm)];
  const listed = (area: string) =>
    rows.filter((r) => r[1] === area).flatMap((r) => [...r[2].matchAll(/`(\w+)`/g)].map((m) => m[1]));
  /** Other names of the same, bases, and what is no thing of its own. */
  const rest =
    /^(Layer|RNNCell|Optimizer|Loss|Metric|MeanMetricWrapper|MAE|MAPE|MSE|get|serialize|deserialize|schedules|loadCheckpoint|avg.*|maxPool\dd|globalMaxPool\dd)$/;
  const { layers, optimizers, losses, metrics, callbacks } = tf;
  it.each(Object.entries({ layers, optimizers, losses, metrics, callbacks }))('lists tf.%s', (area, names) => {
    const there = Object.keys(names).filter((k) => !rest.test(k));
    // Of losses and metrics the classes; a loss is a metric, too.
    const classes = there.filter((k) => /^[A-Z]/.test(k) && !(area === 'metrics' && lossLike.test(k)));
    const makers = there.filter((k) => /^[a-z]/.test(k));
    const wanted = area === 'losses' || area === 'metrics' ? classes : makers;
    expect(listed(area).sort()).toEqual(wanted.sort());
  });
  const lossLike =
    /^(.*Crossentropy|.*Hinge|Hinge|Huber|KLDivergence|LogCoshError|Mean(Absolute|Squared).*|Poisson|Cosine.*)$/;
});
