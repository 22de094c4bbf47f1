// The command `sinter`, run in this process: what it prints, what it writes, how it ends.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from 'sinter';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../cli/program.ts';
import { bytes as dense } from '../tensorflow/dense-model.ts';

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sinter-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Exit code, output, and what was said beside it. */
async function sinter(...args: string[]): Promise<{ code: number; out: string; said: string }> {
  const [out, said]: [string[], string[]] = [[], []];
  const code = await run(args, { print: (l) => void out.push(l), complain: (l) => void said.push(l) });
  return { code, out: out.join('\n'), said: said.join('\n') };
}
const path = (name: string) => join(folder, name);

async function built(...args: string[]): Promise<string> {
  const { code, said } = await sinter(
    'build',
    fixture('model.ts'),
    '-o',
    folder,
    '--runtime',
    'sinter/runtime',
    '--batch',
    '1..4',
    '-n',
    'm',
    ...args,
  );
  expect(said).toBe('');
  expect(code).toBe(0);
  return path('m.sinter');
}

describe('sinter build', () => {
  it('builds the exports of a module', async () => {
    const { code, out, said } = await sinter(
      'build',
      fixture('model.ts'),
      '-o',
      path('a'),
      '--runtime',
      'sinter/runtime',
      '--batch',
      '1..4',
      '--json',
      '--wasm',
      '--standalone',
      '--weights',
      'sharded',
    );
    expect([code, said]).toEqual([0, '']);
    const said2 = JSON.parse(out);
    expect(said2.entries.map((e: { name: string }) => e.name).sort()).toEqual(['default', 'predict']);
    expect(readdirSync(path('a'))).toEqual(
      expect.arrayContaining(['model.sinter', 'model.js', 'model.d.ts', 'model.wasm', 'model.import.js']),
    );
    expect(readFileSync(path('a/model.js'), 'utf8')).toContain(
      'import { load as loadArtifact } from "sinter/runtime";',
    );
    for (const f of said2.files) expect(readFileSync(f.path).length).toBe(f.bytes);
  });

  it('says what it cannot build', async () => {
    const nothing = await sinter('build', fixture('nothing.ts'), '-o', path('b'));
    expect(nothing.code).toBe(1);
    expect(nothing.said).toMatch(/exports nothing that can be built \(helper\)[\s\S]*fix: export a model/);
    expect(existsSync(path('b'))).toBe(false);
    expect((await sinter('build', 'nowhere.ts')).said).toMatch(/there is no file 'nowhere.ts'/);
    expect((await sinter('build', fixture('model.ts'), '-e', 'predit')).said).toMatch(/does not export 'predit'/);
    expect((await sinter('build', fixture('model.ts'), '-o', path('b'))).said).toMatch(
      /has an open batch[\s\S]*--batch 1\.\.64/,
    );
  });
});

describe('the command line', () => {
  it('explains itself', async () => {
    const help = await sinter('--help');
    expect(help.code).toBe(0);
    for (const c of ['build', 'inspect', 'run', 'bench', 'convert', 'verify']) {
      expect(help.out).toContain(c);
      const one = await sinter(c, '--help');
      expect([one.code, one.out.startsWith(`Usage: sinter ${c}`)]).toEqual([0, true]);
    }
    expect((await sinter('--version')).out).toMatch(/^\d+\.\d+\.\d+$/);
  });
  it('ends with 2 where it does not understand, and says what is near', async () => {
    const typo = await sinter('biuld');
    expect([typo.code, typo.said]).toEqual([
      2,
      expect.stringMatching(/unknown command 'biuld'[\s\S]*Did you mean build/),
    ]);
    for (const args of [
      ['build'],
      ['build', 'x', '--batch', '0'],
      ['build', 'x', '--batch', '2..4'],
      ['build', 'x', '--target', 'gpu'],
      ['bench', 'x', '-s', 'y'],
      ['build', 'x', '--bacth', '1'],
    ]) {
      const { code, said } = await sinter(...args);
      expect([args, code]).toEqual([args, 2]);
      expect(said).toMatch(/error: /);
    }
  });
});

describe('an artifact on the command line', () => {
  it('is looked at', async () => {
    const file = await built();
    const text = await sinter('inspect', file, '--kernels', '--graph', '--passes');
    expect(text.code).toBe(0);
    for (const part of [
      /WebAssembly, baseline: .* gzip/,
      /inputs +x: f32\[batch, 3\]/,
      /batch +1 to 4/,
      /arena/,
      /dot_general/,
      /func @/,
      /decompose/,
    ])
      expect(text.out).toMatch(part);
    const json = JSON.parse((await sinter('inspect', file, '--json')).out);
    const predict = json.functions.find((f: { name: string }) => f.name === 'predict');
    expect(predict.outputs.map((o: { name: string }) => o.name)).toEqual(['scores', 'size']);
    expect(predict.plan.kernels.length).toBeGreaterThan(0);
    const svg = path('g.svg');
    expect((await sinter('inspect', file, '-f', 'predict', '--svg', svg)).code).toBe(0);
    expect(readFileSync(svg, 'utf8')).toMatch(/<svg[\s\S]*dot_general[\s\S]*<\/svg>/);
  });

  it('is run with inputs from the command line and from files', async () => {
    const file = await built('-e', 'predict');
    const direct = await sinter('run', file, '-i', '1,0,0,0,1,1', '--json');
    expect(JSON.parse(direct.out)).toEqual([
      { name: 'scores', dtype: 'f32', shape: [2, 2], data: [1, 2, 8, 10] },
      { name: 'size', dtype: 'f32', shape: [], data: [3] },
    ]);
    await tf.npy.save(path('x.npy'), tf.tensor([1, 0, 0, 0, 1, 1], [2, 3]));
    writeFileSync(path('x.json'), '[[1,0,0],[0,1,1]]');
    writeFileSync(path('broken.json'), '[1,');
    writeFileSync(path('x.bin'), new Uint8Array(Float32Array.of(1, 0, 0, 0, 1, 1).buffer));
    for (const name of ['x.npy', 'x.json', 'x.bin'])
      expect((await sinter('run', file, '-i', `x=@${path(name)}`, '--json')).out).toBe(direct.out);
    await sinter('run', file, '-i', '1,0,0', '-o', path('results'));
    expect((await tf.npy.load(path('results/scores.npy'))).arraySync()).toEqual([[1, 2]]);
    expect((await sinter('run', file, '-i', 'random', '-b', '3')).out).toMatch(/scores: float32\[3,2\]/);
    const wrong: [string[], RegExp][] = [
      [[], /input 'x' is missing[\s\S]*--input x=@file/],
      [['-i', 'y=1'], /has no input 'y'/],
      [['-i', `x=@${path('broken.json')}`], /broken.json' is no JSON/],
      [['-i', 'x=one'], /is 'one'/],
      [['-i', 'x=1,2'], /3 elements for each of 1 to 4/],
      [['-f', 'other'], /no function 'other'/],
      [['-i', 'x=@nowhere.npy'], /nowhere.npy/],
    ];
    for (const [args, message] of wrong) {
      const { code, said } = await sinter('run', file, ...args);
      expect([code, said]).toEqual([1, expect.stringMatching(message)]);
    }
  });

  it('is timed', async () => {
    const file = await built('-e', 'predict');
    const { code, out } = await sinter('bench', file, '-s', '1', '--json');
    const numbers = JSON.parse(out);
    expect([code, numbers.function, numbers.batch]).toEqual([0, 'predict', 4]);
    expect(numbers.minMs).toBeGreaterThan(0);
    expect(numbers.medianMs).toBeGreaterThanOrEqual(numbers.minMs);
  });

  it('is verified, and found wrong where it is', async () => {
    const file = await built();
    const whole = await sinter('verify', file, '--against', fixture('model.ts'), '--json');
    expect([whole.code, JSON.parse(whole.out).whole]).toEqual([0, true]);
    expect(JSON.parse(whole.out).findings.length).toBeGreaterThanOrEqual(2);
    // Another weight than the module has.
    const other = path('other.ts');
    writeFileSync(other, readFileSync(fixture('model.ts'), 'utf8').replace('[1, 2, 3', '[1, 2, 4'));
    const wrong = await sinter('verify', file, '--against', other);
    expect([wrong.code, wrong.out]).toEqual([1, expect.stringMatching(/predict .*WRONG/)]);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(path('broken.sinter'), bytes);
    const broken = await sinter('verify', path('broken.sinter'));
    expect([broken.code, broken.said]).toEqual([1, expect.stringMatching(/checksum/)]);
  });
});

describe('sinter convert', () => {
  it('writes a model in other formats', async () => {
    const model = tf.sequential();
    model.add(tf.layers.dense({ units: 2, inputShape: [3], activation: 'tanh' }));
    await model.save(`file://${path('tfjs')}`);
    const x = tf.tensor([[1, -2, 0.5]]);
    const want = (model.predict(x) as tf.Tensor).dataSync();
    for (const name of ['m.sinterck', 'again/', 'm.json', 'm.yaml', 'm.safetensors', 'm.npz']) {
      const { code, said } = await sinter('convert', path('tfjs'), path(name));
      expect([name, code, said]).toEqual([name, 0, '']);
    }
    for (const name of ['m.sinterck', 'again/model.json']) {
      const loaded = await tf.loadLayersModel(path(name));
      expect((loaded.predict(x) as tf.Tensor).dataSync()).toEqual(want);
    }
    expect((await sinter('convert', path('tfjs/model.json'), path('c.sinter'))).code).toBe(0);
    const run = await sinter('run', path('c.sinter'), '-i', '1,-2,0.5', '--json');
    JSON.parse(run.out)[0].data.forEach((v: number, i: number) => void expect(v).toBeCloseTo(want[i], 6));
    expect((await sinter('inspect', path('tfjs'))).out).toMatch(/dense.*\n[\s\S]*Total params: 8/);
  });
  it('keeps the signatures of a SavedModel, and writes ONNX', async () => {
    const saved = path('saved');
    mkdirSync(join(saved, 'variables'), { recursive: true });
    writeFileSync(join(saved, 'saved_model.pb'), dense.savedModel);
    writeFileSync(join(saved, 'variables/variables.index'), dense.variables.index);
    writeFileSync(join(saved, 'variables/variables.data-00000-of-00001'), dense.variables.data[0]);
    const { code, out, said } = await sinter(
      'build',
      saved,
      '-o',
      folder,
      '--runtime',
      'x',
      '--batch',
      '1..4',
      '--json',
    );
    expect([code, said]).toEqual([0, '']);
    expect(JSON.parse(out).entries.map((e: { name: string; method: string }) => [e.name, e.method])).toEqual([
      ['serving_default', 'predict'],
      ['score', 'regress'],
    ]);
    const run = await sinter('run', path('saved.sinter'), '-f', 'score', '-i', '1,1', '--json');
    expect(JSON.parse(run.out)[0]).toMatchObject({ name: 'outputs', shape: [1, 3], data: [5.5, 7, 8.5] });
    expect((await sinter('convert', saved, path('dense.onnx'))).code).toBe(0);
    const model = await tf.loadOnnx(path('dense.onnx'));
    const [y] = [model.predict(tf.tensor([[1, 1]]))].flat();
    expect([...y.dataSync()]).toEqual([5.5, 7, 8.5]);
    // And what is of ONNX becomes an artifact.
    expect((await sinter('convert', path('dense.onnx'), path('again.sinter'))).code).toBe(0);
    const again = await sinter('run', path('again.sinter'), '-i', '1,1', '--json');
    expect(JSON.parse(again.out)[0].data).toEqual([5.5, 7, 8.5]);
    expect((await sinter('inspect', path('dense.onnx'))).out).toMatch(/onnx[\s\S]*inputs/);
  });
  it('says what it cannot convert', async () => {
    expect((await sinter('convert', 'a.txt', 'b.keras')).said).toMatch(/there is no file/);
    writeFileSync(path('a.txt'), 'x');
    expect((await sinter('convert', path('a.txt'), 'b.keras')).said).toMatch(/of no format that is known/);
    expect((await sinter('convert', path('a.txt'), 'b.txt')).said).toMatch(/of no format that can be written/);
  });
});
