// The installed package: its entries, and what they load when.

import { execFile } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { install, type Project, watchLoads } from '../installed.ts';

let project: Project;
let binaryen: { log: string; env: Record<string, string> };
beforeAll(async () => {
  project = await install('test-package');
  binaryen = watchLoads(project, 'binaryen');
});

/** Runs code with an empty or a kept compile cache; what it prints, and how often binaryen was loaded. */
async function run(code: string, keepCache = false): Promise<{ out: string; loads: number }> {
  rmSync(binaryen.log, { force: true });
  if (!keepCache) rmSync(join(project.folder, 'cache'), { recursive: true, force: true });
  const out = await project.run(code, binaryen.env);
  const loads = existsSync(binaryen.log) ? readFileSync(binaryen.log, 'utf8').trim().split('\n').length : 0;
  return { out, loads };
}

const imports = "import * as tf from 'sinter';";
// A cast of 2^24 + 1 is rounded by float32 and not by the interpreter's float64 intermediates: (x + 1) - x
// of 2^24 is 0 where each operation rounds to float32.
const probe = 'const f = tf.func((x) => x.add(1).sub(x)); console.log(f(tf.scalar(2 ** 24)).dataSync()[0]);';

it('has the entries that package.json names', async () => {
  const { out } = await run(`${imports}
    import * as runtime from 'sinter/runtime';
    import * as node from 'sinter/node';
    console.log(typeof tf.compile, typeof runtime.WasmProgram, typeof runtime.load, typeof node.environment, tf.tensor([1, 2]).add(1).dataSync().join());`);
  expect(out).toBe('function function function function 2,3');
});

it('loads no code generator for an import and small eager work', async () => {
  const { out, loads } = await run(
    `${imports} console.log(tf.matMul(tf.ones([8, 8]), tf.ones([8, 8])).sum().dataSync()[0]);`,
  );
  expect(out).toBe('512');
  expect(loads).toBe(0);
});

/** The files and packages that a built file imports statically, and what these import. */
function imported(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b(?:[^;]*? from)? ?'([^']+)'/gm))
    if (from.startsWith('.')) imported(join(file, '..', from), seen);
    else seen.add(from);
  return seen;
}

it('embeds the runtime without compiler, interpreter, front end or packages', () => {
  const dist = join(project.folder, 'node_modules/sinter/dist');
  const files = [...imported(join(dist, 'runtime/index.js'))].map((f) => relative(dist, f).replaceAll('\\', '/'));
  expect(files).toContain('runtime/wasm/program.js');
  expect(files.filter((f) => !/^(runtime|ir)\//.test(f) || f.startsWith('runtime/reference/'))).toEqual([]);
  expect(imported(join(dist, 'frontends/index.js'))).toContain('@dagrejs/graphlib');
});

it('compiles tf.func at once, right after the import, and needs no code generator the second time', async () => {
  const cold = await run(`${imports} ${probe}`);
  expect(cold.out).toBe('0');
  expect(cold.loads).toBe(1);
  const warm = await run(`${imports} ${probe}`, true);
  expect(warm.out).toBe('0');
  expect(warm.loads).toBe(0);
});

it('compiles large eager operations once they add up', async () => {
  const { out, loads } = await run(
    `${imports} const x = tf.ones([400, 400]); console.log(tf.matMul(x, x).sum().dataSync()[0]);`,
  );
  expect(out).toBe(String(400 ** 3));
  expect(loads).toBe(1);
});

it('keeps one helper for many functions, and goes on with the loaded code generator', async () => {
  const { out, loads } = await run(`${imports}
    const results = [];
    for (let k = 1; k <= 5; k++) results.push(tf.func((x) => x.mul(k).add(1))(tf.scalar(k)).dataSync()[0]);
    await tf.ready();
    results.push(tf.func((x) => x.sub(7))(tf.scalar(1)).dataSync()[0]);
    console.log(results.join());`);
  expect(out).toBe('2,5,10,17,26,-6');
  // One in the helper, one for ready().
  expect(loads).toBe(2);
});

it('shares classes between its entries, names the line of the user, and maps data in threads', async () => {
  writeFileSync(
    join(project.folder, 'shares.js'),
    `${imports}
    import * as runtime from 'sinter/runtime';
    console.log(runtime.ArgumentError === tf.ArgumentError);
    try { tf.add([1, 2], [1, 2, 3]); } catch (e) { console.log(e.constructor.name, e.userLine); }
    console.log(await tf.data.array([1, 2, 3]).mapParallel((x) => x * 2).toArray());`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['shares.js'], { cwd: project.folder });
  const [shared, error, mapped] = stdout.split('\n');
  expect(shared).toBe('true');
  expect(error).toMatch(/^ShapeError .*shares\.js:4:/);
  expect(mapped).toBe('[ 2, 4, 6 ]');
});

/** Files of the library's own compiled code: when they were written, and how long they are. */
const ownCode = () => {
  const folder = join(project.folder, 'cache');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.code'))
    .map((name) => ({
      path: join(folder, name),
      size: statSync(join(folder, name)).size,
      at: statSync(join(folder, name)).mtimeMs,
    }));
};

it('keeps its own compiled code, and takes only what is whole and written by this user', async () => {
  await run(`${imports} console.log(tf.add(1, 2).dataSync()[0]);`);
  // Nothing was compiled: what a start needs was not all there to be kept.
  expect(existsSync(join(project.folder, 'cache'))).toBe(false);
  await run(`${imports} ${probe}`);
  const first = ownCode();
  expect(first.map((f) => statSync(f.path).mode & 0o777)).toEqual(first.map(() => 0o600));
  const [main] = first.filter((f) => f.path.includes('/index-'));
  expect(main.size).toBeGreaterThan(300_000);
  expect((await run(`${imports} ${probe}`, true)).out).toBe('0');
  expect(ownCode()).toEqual(first);
  writeFileSync(main.path, readFileSync(main.path).subarray(0, 100_000));
  expect((await run(`${imports} ${probe}`, true)).out).toBe('0');
  expect(statSync(main.path).size).toBeGreaterThan(300_000);
  // V8 would take this and end the process.
  const whole = readFileSync(main.path);
  writeFileSync(main.path, Buffer.from(whole).fill(0, 5000, 7000));
  expect((await run(`${imports} ${probe}`, true)).out).toBe('0');
  expect(
    readFileSync(main.path)
      .subarray(5000, 7000)
      .some((x) => x !== 0),
  ).toBe(true);
  chmodSync(main.path, 0o666);
  expect((await run(`${imports} ${probe}`, true)).out).toBe('0');
  expect(statSync(main.path).mode & 0o777).toBe(0o600);
  const { out } = await run(`${imports} import { clearCache } from 'sinter/node'; ${probe} clearCache();`, true);
  // Cleared, and what it had taken is not written again by the same process.
  expect([out, ownCode()]).toEqual(['0', []]);
});

it('controls the compile cache and reports the environment', async () => {
  const { out } = await run(`${imports}
    import { cacheFolder, clearCache, environment, setCacheFolder } from 'sinter/node';
    ${probe}
    const { cache, cores, node } = environment();
    console.log(cache.folder === cacheFolder(), cache.modules, cache.bytes > 0, cores > 0, node === process.versions.node);
    console.log(clearCache(), environment().cache.modules);
    setCacheFolder(null);
    console.log(cacheFolder(), environment().cache.modules);`);
  expect(out.split('\n')).toEqual(['0', 'true 1 true true true', '1 0', 'null 0']);
});

it('compiles and runs the sample of the README, under strict settings and without other type libraries', async () => {
  const sample = /```ts\n([\s\S]*?)```/.exec(
    readFileSync(join(project.folder, 'node_modules/sinter/README.md'), 'utf8'),
  );
  writeFileSync(join(project.folder, 'sample.ts'), sample?.[1] ?? '');
  const settings = [
    '--ignoreConfig',
    '--strict',
    '--module',
    'nodenext',
    '--target',
    'es2022',
    '--lib',
    'es2022,dom',
    '--types',
    '',
  ];
  await project.tsc([...settings, 'sample.ts']);
  const { out } = await run("await import('./sample.js');");
  expect(out).toMatch(/^func @step\(%x0: f32\[64,784\], %x1: f32\[64,10\]/);
  const [arena, bound, kernels] = (out.split('\n').at(-1) as string).split(' ').map(Number);
  expect(arena).toBeGreaterThanOrEqual(bound);
  expect(kernels).toBeGreaterThan(3);
});

it('compiles a float64 function', async () => {
  const { out } = await run(`${imports}
    console.warn = (x) => console.log(x);
    const e = tf.func(function grow(x) { return tf.exp(x); });
    console.log(e(tf.scalar(1, 'float64')).dataSync()[0]);`);
  // Nothing was said: it is not interpreted.
  expect(out).toBe(String(Math.E));
});
