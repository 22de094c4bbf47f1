// The built package in a page of a real browser, with and without shared memory.

import type { Server } from 'node:http';
import type { Browser, Page as BrowserPage } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundlePages, launch } from './build.ts';
import { type Trained, trainOn } from './model.ts';
import type { Page } from './page.ts';
import { sameTraining } from './same.ts';
import { serve } from './serve.ts';

const steps = 12;
let browser: Browser;
let server: Server;
let url: string;
let expected: Trained;

beforeAll(async () => {
  const { folder } = await bundlePages('test-browser', ['page.ts'], ['model.ts']);
  ({ server, url } = await serve(folder));
  browser = await launch();
  expected = await trainOn('reference', 1, steps);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
});

/** Opens the page; `said` gathers its console. */
async function open(kind: 'isolated' | 'plain'): Promise<{ page: BrowserPage; said: string[] }> {
  const page = await browser.newPage();
  const said: string[] = [];
  page.on('console', (m) => void said.push(m.text()));
  page.on('pageerror', (e) => void said.push(`error: ${e.message}`));
  await page.goto(`${url}/${kind}/`);
  await page.waitForFunction('globalThis.page !== undefined');
  return { page, said };
}

type Here = { page: Page };
const trainThere = (page: BrowserPage, threads: number) =>
  page.evaluate(([t, s]) => (globalThis as unknown as Here).page.trainOn('wasm', t, s), [threads, steps]);
const workersOf = (page: BrowserPage) => page.evaluate(() => (globalThis as unknown as Here).page.workers());

const same = (got: Trained) => sameTraining(got, expected);

it('trains in a page with shared memory, on one thread and on two, to the same bits', async () => {
  const { page, said } = await open('isolated');
  expect(await page.evaluate(() => (globalThis as unknown as Here).page.isolated())).toBe(true);
  const one = await trainThere(page, 1);
  expect(await workersOf(page)).toBe(0);
  const two = await trainThere(page, 2);
  expect(await workersOf(page)).toBe(1);
  same(one);
  expect(two).toEqual(one);
  // The pool grows while programs of fewer threads live on.
  expect(await trainThere(page, 3)).toEqual(one);
  expect(await trainThere(page, 2)).toEqual(one);
  expect(await workersOf(page)).toBe(2);
  expect(said).toEqual([]);
});

it('trains in a page without shared memory on one thread, and says so once where two were asked for', async () => {
  const { page, said } = await open('plain');
  expect(await page.evaluate(() => (globalThis as unknown as Here).page.isolated())).toBe(false);
  same(await trainThere(page, 1));
  expect(said).toEqual([]);
  same(await trainThere(page, 2));
  same(await trainThere(page, 2));
  expect(await workersOf(page)).toBe(0);
  expect(said.length).toBe(1);
  expect(said[0]).toMatch(/one thread runs.*no shared memory.*Cross-Origin-Opener-Policy: same-origin/s);
});

it('interprets eager code in a page until the compiler is loaded', async () => {
  const { page, said } = await open('plain');
  const r = await page.evaluate(() => (globalThis as unknown as Here).page.eager());
  // 2^24 + 1 - 2^24: only compiled arithmetic rounds in between.
  expect([r.before, r.after]).toEqual([1, 0]);
  expect(r.sum).toBe(200 ** 3);
  expect(r.stringified).toContain('[1, 2]');
  expect(said).toEqual([]);
});

it('takes pixels of canvases and bitmaps, writes images that the browser reads, and reads data', async () => {
  const { page, said } = await open('plain');
  const r = await page.evaluate(() => (globalThis as unknown as Here).page.pixels());
  expect({ ...r, jpeg: r.jpeg <= 3 }).toEqual({
    canvas: 0,
    png: 0,
    jpeg: true,
    rows: [{ a: 1, b: 2 }],
    refused: 'DeviceError',
  });
  expect(said).toEqual([]);
});

it('trains a model by fit while the page stays alive', async () => {
  const { page } = await open('isolated');
  const r = await page.evaluate(() => (globalThis as unknown as Here).page.model());
  expect(r.losses[29]).toBeLessThan(r.losses[0] / 4);
  expect(r.frames).toBeGreaterThan(1);
  expect(r.lines).toBeGreaterThan(8);
  // There are no files in a page: said before anything is trained, not lost.
  expect(r.refused).toBe('DeviceError');
});
