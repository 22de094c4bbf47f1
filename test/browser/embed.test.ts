// Artifacts in a real browser, by the runtime alone: the example's page, a worker, and a page that forbids compilation.

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import * as tf from 'sinter';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { build, trained } from '../../examples/embed/network.ts';
import { install } from '../installed.ts';
import { launch } from './build.ts';

const repository = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const types: Readonly<Record<string, string>> = { html: 'text/html', js: 'text/javascript', wasm: 'application/wasm' };

let browser: Browser;
let server: Server;
let url: string;
/** The content security policy of pages below /strict/. */
const strict = "default-src 'self'; script-src 'self'";

function files(folder: string): Promise<{ server: Server; url: string }> {
  const made = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    try {
      const [, kind, name] = pathname.split('/');
      const body = readFileSync(join(folder, name));
      const policy = kind === 'strict' ? { 'Content-Security-Policy': strict } : {};
      response
        .writeHead(200, {
          ...policy,
          'Content-Type': types[name.split('.').at(-1) as string] ?? 'application/octet-stream',
        })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((resolve) =>
    made.listen(0, '127.0.0.1', () =>
      resolve({ server: made, url: `http://127.0.0.1:${(made.address() as AddressInfo).port}` }),
    ),
  );
}

beforeAll(async () => {
  const project = await install('test-embed');
  const site = join(project.folder, 'site');
  mkdirSync(site, { recursive: true });
  const embed = join(project.folder, 'node_modules/sinter/dist/embed');
  for (const file of readdirSync(embed)) copyFileSync(join(embed, file), join(site, file));
  copyFileSync(repository('examples/embed/index.html'), join(site, 'index.html'));
  const digits = await build(await trained({ epochs: 1, samples: 3000, testSamples: 500 }), './sinter-runtime.js');
  await digits.write(site);
  const double = { fn: ((x: tf.Tensor) => x.mul(2).add(1)) as never, inputs: [tf.spec([null, 3], 'float32', 'x')] };
  await (
    await tf.buildArtifact(
      { double },
      { name: 'double', batch: [1, 4], runtime: './sinter-runtime.js', wasmFile: true },
    )
  ).write(site);
  const script = (name: string, text: string) => writeFileSync(join(site, name), text);
  script('blank.html', '<!doctype html><title>blank</title>');
  script('strict.html', '<!doctype html><title>strict</title><script type="module" src="strict.js"></script>');
  // No browser imports .wasm files without a switch so far: a frame that may compile stands for the import.
  script(
    'strict.js',
    `import { load } from './double.js';
const frame = document.body.appendChild(document.createElement('iframe'));
await new Promise((done) => { frame.onload = done; frame.src = '../plain/blank.html'; });
const bytes = await (await fetch('./double.wasm')).arrayBuffer();
const module = await frame.contentWindow.WebAssembly.compile(bytes);
const attempt = (options) => load(options).then((m) => [...m.functions.double.run([1, 2, 3])], (e) => e.name + ': ' + e.message);
document.documentElement.dataset.results = JSON.stringify([await attempt({}), await attempt({ module })]);`,
  );
  script(
    'worker.js',
    `import { load } from './double.js';
onmessage = async ({ data }) => postMessage((await load()).functions.double.run(data));`,
  );
  ({ server, url } = await files(site));
  browser = await launch();
}, 180_000);

afterAll(async () => {
  await browser?.close();
  server?.close();
});

async function open(path: string): Promise<{ page: Page; said: string[] }> {
  const page = await browser.newPage({ viewport: { width: 760, height: 620 } });
  const said: string[] = [];
  page.on('pageerror', (e) => void said.push(e.message));
  await page.goto(`${url}/${path}`);
  return { page, said };
}

/** What the page's bars show. */
const shares = (page: Page) =>
  page.$$eval('#bars span:nth-child(3n)', (all) => all.map((s) => Number.parseFloat(s.textContent || '0')));

it('recognizes what is drawn in the example’s page, and learns', async () => {
  const { page, said } = await open('plain/index.html');
  await page.waitForFunction("document.querySelector('#status').textContent.startsWith('loaded')");
  const box = await page.locator('#draw').boundingBox();
  if (!box) throw new Error('no canvas');
  const stroke = async (...points: [number, number][]) => {
    await page.mouse.move(box.x + points[0][0], box.y + points[0][1]);
    await page.mouse.down();
    for (const [x, y] of points.slice(1)) await page.mouse.move(box.x + x, box.y + y, { steps: 12 });
    await page.mouse.up();
  };
  // A one, a little slanted.
  await stroke([155, 40], [125, 240]);
  const one = await shares(page);
  expect(one.indexOf(Math.max(...one)), one.join()).toBe(1);
  expect(one.reduce((a, b) => a + b)).toBeCloseTo(100, 0);
  await page.screenshot({ path: join(repository('.cache/test-embed'), 'page.png') });
  // It is told that this is a seven, as often as it takes.
  for (let i = 0; i < 12; i++) await page.click('#labels button:nth-child(8)');
  const seven = await shares(page);
  expect(seven[7], seven.join()).toBeGreaterThan(one[7] + 5);
  await page.click('#clear');
  expect(Math.max(...(await shares(page)))).toBe(0);
  expect(said).toEqual([]);
  expect(await page.textContent('#error')).toBe('');
});

it('runs in a worker', async () => {
  const { page } = await open('plain/blank.html');
  const got = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker('./worker.js', { type: 'module' });
        worker.onmessage = (e) => resolve([...e.data]);
        worker.onerror = (e) => reject(new Error(e.message));
        worker.postMessage([1, 2, 3, 4, 5, 6]);
      }),
  );
  expect(got).toEqual([3, 5, 7, 9, 11, 13]);
});

it('runs a module that it is given where compiling one is forbidden', async () => {
  const { page } = await open('strict/strict.html');
  // The policy forbids evaluating text, so the page says it in the document.
  await page.locator('html[data-results]').waitFor({ state: 'attached' });
  const text = await page.locator('html').getAttribute('data-results');
  const [forbidden, imported] = JSON.parse(text as string) as [string, number[]];
  expect(forbidden).toMatch(/^FormatError: .*compil.*\n.*wasm-unsafe-eval.*module/s);
  expect(imported).toEqual([3, 5, 7]);
});
