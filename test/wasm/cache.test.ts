// The compile cache on disk: a second start needs no code generator; a file that is no module is as
// good as none.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Graph } from '../../ir/graph.ts';

const text = `
func @cached(%x: f32[40]) -> f32[40] {
  %0 : f32[40] = exp %x
  %1 : f32[40] = add %0, 1
  return %1
}`;

/** The compiler as a new process would find it: nothing loaded, nothing remembered. */
async function fresh() {
  vi.resetModules();
  const compiler = await import('../../compiler/index.ts');
  const { parseGraph } = await import('../../ir/parse.ts');
  const graph: Graph = parseGraph(text);
  const compile = async (opt = {}) =>
    (await compiler.compileGraph(graph, { shared: true, relaxed: false, ...opt })).plan.module;
  return {
    compile,
    compileSync: () => compiler.compileGraphSync(graph, { shared: true, relaxed: false }),
    ready: compiler.compilerReady,
  };
}

let dir = '';
const before = process.env.SINTER_CACHE;
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/sinter-cache-`);
  process.env.SINTER_CACHE = dir;
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
  if (before === undefined) delete process.env.SINTER_CACHE;
  else process.env.SINTER_CACHE = before;
  vi.resetModules();
});
const files = () => readdirSync(dir);

describe('the compile cache', () => {
  it('keeps a module for the next start, which then needs no code generator', async () => {
    const first = await fresh();
    expect(first.compileSync()).toBeNull();
    const module = await first.compile();
    expect(first.ready()).toBe(true);
    expect(files().length).toBe(1);
    expect(files()[0]).toMatch(/^\d+-[0-9a-f]{32}-\w+\.wasm$/);
    expect(Buffer.compare(readFileSync(`${dir}/${files()[0]}`), module)).toBe(0);

    const second = await fresh();
    expect(Buffer.compare(await second.compile(), module)).toBe(0);
    expect(second.ready()).toBe(false);
    expect(second.compileSync()).not.toBeNull();
  });

  it.each([
    ['garbage', () => Buffer.from('this is no module')],
    ['cut short', (b: Buffer) => b.subarray(0, b.length >> 1)],
    ['empty', () => Buffer.alloc(0)],
  ])('ignores a file that is %s, and mends it', async (_, damage) => {
    const module = await (await fresh()).compile();
    const path = `${dir}/${files()[0]}`;
    writeFileSync(path, damage(readFileSync(path)));
    const next = await fresh();
    expect(Buffer.compare(await next.compile(), module)).toBe(0);
    expect(next.ready()).toBe(true);
    expect(Buffer.compare(readFileSync(path), module)).toBe(0);
  });

  it('keeps variants apart', async () => {
    const { compile } = await fresh();
    await compile();
    await compile({ relaxed: true });
    await compile({ shared: false });
    expect(files().length).toBe(3);
  });

  it('does without a folder that cannot be written', async () => {
    const file = `${dir}/a-file`;
    writeFileSync(file, '');
    process.env.SINTER_CACHE = `${file}/below`;
    expect(WebAssembly.validate((await (await fresh()).compile()) as BufferSource)).toBe(true);
  });

  it('is off where it is turned off', async () => {
    process.env.SINTER_CACHE = 'off';
    await (await fresh()).compile();
    expect(files()).toEqual([]);
  });
});
