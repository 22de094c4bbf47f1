// WebGPU in a real browser, on its software driver: the installed package in pages and in a worker, the example's
// page as a visitor sees it, the operations against their definitions, and pages that have no GPU.

import type { Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Outcome } from '../../examples/webgpu/page.ts';
import { startPageServer } from '../../examples/webgpu/server.ts';
import { bundle, bundleOps, bundlePages, launch, softwareGpu } from './build.ts';
import type { GpuPage } from './gpu-page.ts';
import { type Trained, trainOn } from './model.ts';
import type { OpsPage } from './ops.ts';
import { sameTraining } from './same.ts';
import { serve } from './serve.ts';

const steps = 12;
const seed = Number(process.env.CONFORMANCE_SEED ?? 1);
/** Operations' samples that run: a shader that the driver has not seen takes it 5 to 300 ms. */
const samples = process.env.CONFORMANCE === 'full' ? Number.POSITIVE_INFINITY : 120;
const repository = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

let browser: Browser;
const servers: Server[] = [];
let tests: string;
let example: string;
let screenshot: string;

beforeAll(async () => {
  const { project, folder } = await bundlePages('test-browser-gpu', ['gpu-page.ts', 'gpu-worker.ts'], ['model.ts']);
  await bundleOps(folder);
  // The page's import map says where 'sinter' is.
  await bundle([repository('examples/webgpu/page.ts')], folder, { external: ['sinter'] });
  const forTests = await serve(folder);
  const folders = {
    page: repository('examples/webgpu'),
    script: folder,
    sinter: join(project.folder, 'node_modules/sinter/dist'),
    packages: repository('node_modules'),
  };
  const forExample = await startPageServer({ port: 0, samples: 320, testSamples: 100, folders });
  servers.push(forTests.server, forExample.server);
  [tests, example] = [forTests.url, forExample.url];
  screenshot = join(project.folder, 'webgpu-page.png');
  browser = await launch(...softwareGpu);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  for (const s of servers) s.close();
});

/** Opens a page whose script sets `name`; `said` gathers its console. */
async function open(where: string, name: string, by = browser): Promise<{ page: Page; said: string[] }> {
  const page = await by.newPage({ viewport: { width: 860, height: 700 } });
  const said: string[] = [];
  page.on('console', (m) => void said.push(m.text()));
  page.on('pageerror', (e) => void said.push(`error: ${e.message}`));
  await page.goto(where);
  await page.waitForFunction(`globalThis.${name} !== undefined`);
  return { page, said };
}
type Here = { page: GpuPage };

describe('the package', () => {
  let expected: Trained;
  let page: Page;
  beforeAll(async () => {
    expected = await trainOn('reference', 1, steps);
    ({ page } = await open(`${tests}/plain/?gpu-page`, 'page'));
  });

  it('finds the adapter', async () => {
    const { has, before, found, after } = await page.evaluate(() => (globalThis as unknown as Here).page.devices());
    expect(has).toBe(true);
    expect(before.map((d) => d.target)).toEqual(['wasm', 'webgpu', 'reference']);
    expect(before[1].gpu).toBeUndefined();
    expect(found[1]).toMatchObject({ target: 'webgpu', type: 'GPU', gpu: { architecture: 'swiftshader' } });
    expect(found[1].gpu?.features).toContain('core-features-and-limits');
    expect(found[1].gpu?.limits.maxBufferSize).toBeGreaterThan(2 ** 27);
    expect(after[1].gpu).toEqual(found[1].gpu);
  });

  it('trains in a page', async () => {
    const got = await page.evaluate((n) => (globalThis as unknown as Here).page.trainOn('webgpu', 1, n), steps);
    sameTraining(got, expected);
  });

  it('trains in a dedicated worker', async () => {
    sameTraining(await page.evaluate((n) => (globalThis as unknown as Here).page.inWorker(n), steps), expected);
  });
});

describe('the example’s page', () => {
  const visit = async (query: string): Promise<{ page: Page; outcome: Outcome; said: string[] }> => {
    const { page, said } = await open(`${example}?samples=320&batch=16&epochs=1&${query}`, 'outcome');
    return { page, said, outcome: await page.evaluate('outcome') };
  };

  it.each(['step', 'fit'])('trains on digits by %s as target wasm does, and shows it', async (how) => {
    const { page, outcome: gpu, said } = await visit(`how=${how}`);
    const { outcome: wasm } = await visit(`how=${how}&target=wasm`);
    expect(gpu.device).toMatch(/^WebGPU: .*swiftshader/i);
    expect(wasm.device).toBe('the CPU (wasm)');
    expect(gpu.losses.length).toBe(20);
    gpu.losses.forEach((x, i) => void expect(Math.abs(x - wasm.losses[i])).toBeLessThan(0.01 * wasm.losses[i]));
    const mean = (list: readonly number[]) => list.reduce((a, b) => a + b) / list.length;
    expect(mean(gpu.losses.slice(-5))).toBeLessThan(0.9 * mean(gpu.losses.slice(0, 5)));
    expect(Math.abs(gpu.accuracy - wasm.accuracy)).toBeLessThanOrEqual(0.03);
    // Far above chance.
    expect(gpu.accuracy).toBeGreaterThan(0.3);
    expect(await page.textContent('#device')).toBe(gpu.device);
    expect(await page.textContent('#progress')).toMatch(/^20 batches of 16 in [\d.]+ s; [\d.]+ % of 100 other digits/);
    // One line through all losses.
    expect((await page.getAttribute('#curve path', 'd'))?.split('L').length).toBe(20);
    expect(await page.locator('#digits canvas').count()).toBe(20);
    expect(said).toEqual([]);
    const picture = await page.screenshot({ path: screenshot, fullPage: true });
    expect(picture.length).toBeGreaterThan(10_000);
  });
});

describe('operations', () => {
  it('compute what their definitions say', async () => {
    const { page } = await open(`${tests}/plain/?ops`, 'page');
    const { ran, failed } = await page.evaluate(
      ([n, s]) => (globalThis as unknown as { page: OpsPage }).page.conformance(n, s),
      [samples, seed],
    );
    expect(failed).toEqual([]);
    expect(ran.length).toBeGreaterThanOrEqual(120);
  });
});

describe('without WebGPU', () => {
  const refusals = async (where: string, by: Browser) => {
    const { page } = await open(where, 'page', by);
    return page.evaluate(() => (globalThis as unknown as Here).page.refusals());
  };
  it.each([
    [
      'a browser that finds no adapter',
      (url: string) => url,
      /^DeviceError: .*no GPU adapter was found.*chrome:\/\/gpu/s,
    ],
    [
      'a page that is neither https nor localhost',
      (url: string) => url.replace('127.0.0.1', 'sinter.test'),
      /^DeviceError: .*this page, has no WebGPU.*https or from localhost/s,
    ],
  ])('%s says so, and goes on without', async (_, place, message) => {
    const plain = await launch('--host-resolver-rules=MAP sinter.test 127.0.0.1');
    try {
      const { backend, compile, targets, still } = await refusals(place(`${tests}/plain/?gpu-page`), plain);
      expect(backend).toMatch(message);
      expect(compile).toMatch(message);
      expect(targets).toEqual(['wasm', 'reference']);
      expect(still).toBe(2);
    } finally {
      await plain.close();
    }
  });
});
