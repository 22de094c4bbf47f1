// The GPU as a device: what is known of it, what its clock says, how its errors look, and what is left when it is lost.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import * as tf from 'sinter';
import { afterEach, describe, expect, it } from 'vitest';
import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import { Builder } from '../../ir/builder.ts';
import type { GpuPlan } from '../../ir/plan.ts';
import { tensorType } from '../../ir/types.ts';
import type { GpuBuffer } from '../../runtime/webgpu/buffer.ts';
import { GpuDevice, gpuDevice, openGpu } from '../../runtime/webgpu/device.ts';
import { GpuProgram } from '../../runtime/webgpu/program.ts';

afterEach(async () => {
  await tf.setBackend('wasm');
});

const root = fileURLToPath(new URL('../..', import.meta.url));

const vector = tensorType('f32', [4]);
/** A plan of exp(x). */
function plan(size = 4): GpuPlan {
  const b = new Builder('f');
  const x = b.param(tensorType('f32', [size]), 'x');
  const gpu = { invocations: 256, sharedBytes: 16384 };
  return compileForGpu(b.build([b.call('exp', [x])]), { gpu }).plan;
}
const errorOf = async (f: () => unknown): Promise<Error> => {
  try {
    await f();
  } catch (e) {
    return e as Error;
  }
  throw new Error('nothing was thrown');
};

describe('devices', () => {
  it('tells adapter, features and limits', async () => {
    await tf.setBackend('webgpu');
    const [gpu] = tf.listDevices().filter((d) => d.target === 'webgpu');
    expect(gpu).toMatchObject({ name: '/device:GPU:0/webgpu', type: 'GPU' });
    expect(gpu.gpu?.features).toContain('timestamp-query');
    expect(gpu.gpu?.limits.maxStorageBufferBindingSize).toBeGreaterThan(2 ** 20);
    expect(await tf.listDevicesAsync()).toEqual(tf.listDevices());
  });

  /** What opening a GPU in a process of its own says: in this folder, with this environment. */
  async function openingSays(folder: string, env: NodeJS.ProcessEnv): Promise<string> {
    const file = join(folder, `.tmp-open-${process.pid}.mjs`);
    const contents = `
      import { openGpu } from './runtime/webgpu/device.ts';
      import { listDevicesAsync } from './frontends/trace/devices.ts';
      await openGpu('setBackend').catch((e) => console.log(e.name + ': ' + e.message));
      console.log((await listDevicesAsync()).map((d) => d.target).join());`;
    await build({
      stdin: { contents, resolveDir: root, loader: 'ts' },
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
      external: ['webgpu', 'binaryen'],
      logLevel: 'error',
    });
    try {
      return String(execFileSync(process.execPath, [file], { env: { ...process.env, ...env } }));
    } finally {
      rmSync(file);
    }
  }

  it('says what to install where there is no adapter, and lists none', async () => {
    const nowhere = { VK_ICD_FILENAMES: '/nowhere.json', VK_DRIVER_FILES: '/nowhere.json' };
    expect(await openingSays(root, nowhere)).toMatch(
      /^DeviceError: setBackend: no GPU adapter was found\n\s+fix: install the GPU's driver.*\nwasm,reference\n$/s,
    );
  });
  it('says what to install where Node has no WebGPU', async () => {
    expect(await openingSays(tmpdir(), {})).toMatch(
      /^DeviceError: setBackend: Node has no WebGPU of its own.*fix: npm install webgpu.*\nwasm,reference\n$/s,
    );
  });
});

describe('exe on webgpu', () => {
  const compiled = (w: tf.Variable) =>
    tf.compile(
      (x: tf.Tensor) => {
        w.assignAdd(1);
        return tf.softmax(x.matMul(w)).sum(1);
      },
      { inputs: [tf.spec([32, 16])], target: 'webgpu' },
    );

  it('is profiled by the GPU’s clock, and puts Variables back', async () => {
    const w = tf.variable(tf.ones([16, 8]));
    const exe = await compiled(w);
    const x = tf.ones([32, 16]);
    expect((await errorOf(() => exe.profile(x))).message).toMatch(/await exe.profileAsync/);
    const profile = await exe.profileAsync(x, { repeats: 3 });
    expect(profile.steps.map((s) => s.name)).toEqual(exe.plan.kernels.map((k) => k.name));
    expect(profile.totalUs).toBeGreaterThan(1);
    expect(profile.totalUs).toBeLessThan(1e6);
    expect(String(profile)).toContain('total');
    expect(
      JSON.parse(profile.toChromeTrace()).traceEvents.filter((e: { name: string }) => e.name === 'run'),
    ).toHaveLength(3);
    expect((await w.data())[0]).toBe(1);
    expect(exe.plan.gpu?.dispatches).toBeGreaterThanOrEqual(exe.plan.kernels.length);
    expect(exe.plan.gpu).toMatchObject({ inputBytes: 32 * 16 * 4, outputBytes: 32 * 4 });
    // On every target.
    const cpu = await tf.compile((y: tf.Tensor) => y.add(1), { inputs: [tf.spec([4])] });
    expect((await cpu.profileAsync([1, 2, 3, 4])).steps).toHaveLength(1);
  });

  it('profiles loops whose end the GPU decides', async () => {
    const exe = await tf.compile(
      (x: tf.Tensor) =>
        tf.whileLoop(
          (y: tf.Tensor) => y.sum().less(1000),
          (y: tf.Tensor) => [y.mul(2)],
          [x],
        )[0],
      { inputs: [tf.spec([4])], target: 'webgpu' },
    );
    const profile = await exe.profileAsync(tf.ones([4]), { repeats: 2 });
    expect(profile.totalUs).toBeGreaterThan(0);
    expect(await exe.run(tf.ones([4])).data()).toEqual(Float32Array.of(256, 256, 256, 256));
  });

  it('writes into arrays asynchronously', async () => {
    const exe = await compiled(tf.variable(tf.ones([16, 8])));
    const out = new Float32Array(32);
    expect((await errorOf(() => exe.runInto([out], tf.ones([32, 16])))).message).toMatch(/await exe.runIntoAsync/);
    await exe.runIntoAsync([out], tf.ones([32, 16]));
    expect(Math.abs(out[31] - 1)).toBeLessThan(1e-5);
    await expect(exe.runIntoAsync([new Float32Array(3)], tf.ones([32, 16]))).rejects.toBeInstanceOf(tf.ArgumentError);
    const cpu = await tf.compile((y: tf.Tensor) => y.add(1), { inputs: [tf.spec([4])] });
    await cpu.runIntoAsync([out.subarray(0, 4)], [1, 2, 3, 4]);
    expect(out[3]).toBe(5);
  });

  it('refuses the profile where the clock is not to be read', async () => {
    const device = await openGpu('test');
    const p = new GpuProgram(plan(), [], device);
    const has = device.has;
    device.has = () => false;
    try {
      expect((await errorOf(() => p.profileAsync([Float32Array.of(1, 2, 3, 4)]))).message).toMatch(/timestamp-query/);
    } finally {
      device.has = has;
    }
  });
});

describe('errors', () => {
  /** The plan with something in its shaders replaced. */
  const faulty = (p: GpuPlan): GpuPlan => ({
    ...p,
    kernels: p.kernels.map((k) => ({
      ...k,
      shaders: k.shaders.map((s) => ({ ...s, code: `${s.code}\nfn oops() { let a: f32 = 1u; }` })),
    })),
  });

  it('shows a shader that the driver refuses, its line, and what it is for', async () => {
    const device = await openGpu('test');
    const p = new GpuProgram(faulty(plan()), [], device);
    const e = await errorOf(() => p.prepare());
    expect(e).toBeInstanceOf(tf.CompileError);
    expect(e.message).toMatch(/exp.*\d+:\d+: .*let a: f32 = 1u.*--- WGSL ---/s);
    // Not prepared, the failure is told with the result.
    const q = new GpuProgram(faulty(plan(8)), [], device);
    expect(await errorOf(() => q.runAsync([new Float32Array(8)]))).toBeInstanceOf(tf.CompileError);
    const fine = new GpuProgram(plan(), [], device);
    expect((await fine.runAsync([new Float32Array(4)]))[0]).toEqual(Float32Array.of(1, 1, 1, 1));
  });

  it('tells the sizes where a tensor is over the maximum binding size', async () => {
    const device = await GpuDevice.open('test', { maxStorageBufferBindingSize: 2 ** 27, maxBufferSize: 2 ** 28 });
    expect(device.heap.largest).toBe(2 ** 27);
    const e = await errorOf(() => device.buffer('f32', 2 ** 25 + 64));
    expect(e).toBeInstanceOf(tf.MemoryError);
    expect(e.message).toMatch(/a tensor needs 134217984 bytes, and a buffer of this GPU has at most 134217728/);
    const p = new GpuProgram(plan(2 ** 25 + 64), [], device);
    expect(await errorOf(() => p.runBuffers([new Float32Array(2 ** 25 + 64)]))).toBeInstanceOf(tf.MemoryError);
    device.gpu.destroy();
  });

  it('refuses float64 by the name of the operation, and disposed tensors', async () => {
    const f64 = tf.compile((x: tf.Tensor) => tf.exp(x), { inputs: [tf.spec([2], 'float64')], target: 'webgpu' });
    await expect(f64).rejects.toBeInstanceOf(tf.CompileError);
    await tf.setBackend('webgpu');
    const t = tf.variable(tf.ones([40000])).add(1);
    t.dispose();
    expect((await errorOf(() => t.dataSync())).message).toMatch(/disposed/);
    expect((await errorOf(() => t.add(1))).message).toMatch(/disposed/);
    const b = (await openGpu('test')).upload('f32', Float32Array.of(1));
    b.release();
    expect((await errorOf(() => b.readAsync())).message).toMatch(/disposed/);
    const p = new GpuProgram(plan(), [], await openGpu('test'));
    p.dispose();
    expect((await errorOf(() => p.runBuffers([new Float32Array(4)]))).message).toMatch(/disposed/);
  });
});

describe('a lost device', () => {
  it('is told in the middle of fit; training goes on from assigned weights', async () => {
    await tf.setBackend('webgpu');
    const first = gpuDevice() as GpuDevice;
    tf.setRandomSeed(4);
    const model = tf.sequential({
      layers: [
        tf.layers.dense({ units: 3, inputShape: [5] }),
        tf.layers.dropout({ rate: 0.1 }),
        tf.layers.dense({ units: 1 }),
      ],
    });
    const compile = () => model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
    compile();
    const x = tf.randomNormal([32, 5]);
    const y = x.sum(1, true);
    await model.fit(x, y, { epochs: 1, verbose: 0 });
    const there = model.weights[0].mul(2);
    expect(there.remote).toBe(true);
    const saved = await Promise.all(model.getWeights().map(async (w) => tf.tensor(await w.data(), w.shape)));
    const compiledBefore = await tf.compile((a: tf.Tensor) => a.mul(2), {
      inputs: [tf.spec([32, 5])],
      target: 'webgpu',
    });
    const onEpochBegin = async (epoch: number) => {
      if (epoch !== 1) return;
      first.gpu.destroy();
      await first.gpu.lost;
    };
    const e = await errorOf(() => model.fit(x, y, { epochs: 4, verbose: 0, callbacks: { onEpochBegin } }));
    expect(e).toBeInstanceOf(tf.DeviceError);
    expect(e.message).toMatch(/the GPU device was lost.*Variables in its memory are lost.*fix: await tf.setBackend/s);
    expect(await errorOf(() => there.data())).toBeInstanceOf(tf.DeviceError);
    expect(await errorOf(() => there.add(1))).toBeInstanceOf(tf.DeviceError);

    await tf.setBackend('webgpu');
    expect(gpuDevice()).not.toBe(first);
    // The Variables are lost, and nobody pretends otherwise.
    expect((await errorOf(() => model.weights[0].data())).message).toMatch(/was lost/);
    expect((await errorOf(() => compiledBefore.run(x))).message).toMatch(/was lost.*compile again/s);
    model.setWeights(saved);
    compile();
    const { history } = await model.fit(x, y, { epochs: 3, verbose: 0 });
    expect(history.loss[2]).toBeLessThan(history.loss[0] as number);
    expect(model.weights[0].cell.remote).toBe(true);
    expect((await tf.variable(x).mul(2).data())[0]).toBeCloseTo(2 * (await x.data())[0]);
  });

  it('is told where it is lost while something is read', async () => {
    const device = await GpuDevice.open('test');
    const b: GpuBuffer = device.upload('f32', Float32Array.of(1, 2, 3, 4));
    const pending = errorOf(() => b.readAsync());
    device.gpu.destroy();
    expect((await pending).message).toMatch(/was lost/);
    expect(vector.shape).toEqual([4]);
  });
});
