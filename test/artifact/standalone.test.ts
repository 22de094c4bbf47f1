// Modules that need nothing of their host.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { load } from '../../runtime/index.ts';
import { batchOf, built } from './samples.ts';

type Abi = Record<string, (...args: number[]) => number> & { memory: WebAssembly.Memory };

/** The functions of a file of the sample's build. */
async function instance(name: string): Promise<{ abi: Abi; file: Uint8Array; artifact: Uint8Array }> {
  const b = await built({ standalone: true, relaxed: false });
  const file = b.files.get(`model.${name}.standalone.wasm`) as Uint8Array;
  const { instance: made, module } = await WebAssembly.instantiate(file as BufferSource, {});
  expect(WebAssembly.Module.imports(module)).toEqual([]);
  return { abi: made.exports as unknown as Abi, file, artifact: b.artifact };
}

const at = ({ memory }: Abi, pointer: number, n: number) => new Float32Array(memory.buffer, pointer, n);
function text({ memory }: Abi, pointer: number): string {
  const bytes = new Uint8Array(memory.buffer, pointer, 100);
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

it('says what it takes and gives, and computes it', async () => {
  const { abi, artifact } = await instance('predict');
  expect([abi.sinter_input_count(), abi.sinter_output_count()]).toEqual([1, 1]);
  expect(text(abi, abi.sinter_input_name(0))).toBe('x');
  expect([abi.sinter_input_rank(0), abi.sinter_input_dim(0, 0), abi.sinter_input_dim(0, 1)]).toEqual([2, 8, 6]);
  expect([abi.sinter_input_size(0), abi.sinter_input_dtype(0)]).toEqual([8 * 6 * 4, 0]);
  // Numbers that stand for nothing.
  expect([
    abi.sinter_input_ptr(1),
    abi.sinter_input_ptr(-1),
    abi.sinter_input_dim(0, 8),
    abi.sinter_output_name(7),
  ]).toEqual([0, 0, 0, 0]);
  expect([abi.sinter_set_batch(0), abi.sinter_set_batch(9), abi.sinter_set_batch(-1)]).toEqual([0, 0, 0]);
  const model = await load(artifact);
  for (const n of [8, 3, 1]) {
    const x = batchOf(n, 6, n);
    at(abi, abi.sinter_input_ptr(0), x.length).set(x);
    expect(abi.sinter_set_batch(n)).toBe(1);
    abi.sinter_run();
    expect([...at(abi, abi.sinter_output_ptr(0), 3 * n)]).toEqual([
      ...(model.functions.predict.run({ x }) as Float32Array),
    ]);
  }
});

it('keeps its Variables from run to run', async () => {
  const { abi, artifact } = await instance('train');
  const model = await load(artifact);
  const [x, y] = [batchOf(4, 6), batchOf(4, 3)];
  at(abi, abi.sinter_input_ptr(0), 24).set(x);
  at(abi, abi.sinter_input_ptr(1), 12).set(y);
  abi.sinter_set_batch(4);
  for (let i = 0; i < 5; i++) {
    abi.sinter_run();
    const { loss } = model.functions.train.run({ x, y }) as Record<string, Float32Array>;
    expect(at(abi, abi.sinter_output_ptr(0), 1)[0]).toBe(loss[0]);
  }
  expect(abi.sinter_state_count()).toBe(model.states.length);
  model.states.forEach(({ name, type }, i) => {
    expect(text(abi, abi.sinter_state_name(i))).toBe(name);
    if (type.dtype === 'f32')
      expect([...at(abi, abi.sinter_state_ptr(i), abi.sinter_state_size(i) / 4)]).toEqual([...model.state(name)]);
  });
});

/** Wasmtime for Python: pip install wasmtime. */
const hasWasmtime = (() => {
  try {
    execFileSync('python3', ['-c', 'import wasmtime'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

it.skipIf(!hasWasmtime)(
  'runs in Wasmtime, which knows no JavaScript (needs python3 with the package wasmtime)',
  async () => {
    const { file, artifact } = await instance('predict');
    const folder = mkdtempSync(join(tmpdir(), 'sinter-standalone-'));
    try {
      writeFileSync(join(folder, 'm.wasm'), file);
      const x = batchOf(2, 6);
      const script = fileURLToPath(new URL('run_standalone.py', import.meta.url));
      const out = execFileSync('python3', [script, join(folder, 'm.wasm'), '2', x.join(',')], { encoding: 'utf8' });
      const want = (await load(artifact)).functions.predict.run({ x }) as Float32Array;
      expect(JSON.parse(out)).toEqual([...want]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
