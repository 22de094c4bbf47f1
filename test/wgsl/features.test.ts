// Code for what only some GPUs have: float16 arithmetic, which the software driver lacks, is looked at by Dawn's
// validation alone; subgroups also run.

import * as tf from 'sinter';
import { beforeAll, expect, it } from 'vitest';
import { create } from 'webgpu';
import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import type { GpuShader } from '../../ir/plan.ts';
import { shaderText } from '../../runtime/webgpu/shader.ts';

const bare = { invocations: 256, sharedBytes: 16384 };
let gpu: GPU;
let device: GPUDevice;

beforeAll(async () => {
  gpu = create(['backend=null']);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('Dawn has no null backend');
  const requiredFeatures = ['shader-f16', 'subgroups'] as GPUFeatureName[];
  device = await adapter.requestDevice({ requiredFeatures });
});

const wholeText = (s: GpuShader): string => shaderText(s, { bindings: s.buffers.map(() => 0), predicate: 0, pages: 1 });

async function shadersOf(f: (...xs: tf.Tensor[]) => tf.Tensor, inputs: tf.TensorSpec[], gpuTarget: object) {
  const { graph } = await tf.compile(f, { inputs, target: 'reference' });
  return compileForGpu(graph, { gpu: { ...bare, ...gpuTarget } }).plan.kernels.flatMap((k) => k.shaders);
}

async function errorsOf(code: string): Promise<string[]> {
  device.pushErrorScope('validation');
  const info = await device.createShaderModule({ code }).getCompilationInfo();
  const error = await device.popErrorScope();
  return [...info.messages.filter((m) => m.type === 'error').map((m) => m.message), ...(error ? [error.message] : [])];
}

const half = tf.spec([128, 128], 'float16');
const product = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a.cast('float32'), b.cast('float32')).cast('float16');

it('keeps float16 operands as they are where the GPU computes with them', async () => {
  const shaders = await shadersOf(product, [half, half], { half: true });
  const code = shaders.map(wholeText);
  const tiled = code.find((c) => c.includes('var<workgroup> s_w0')) as string;
  expect(tiled).toContain('enable f16;');
  expect(tiled).toMatch(/var<workgroup> s_w1: array<vec4<f16>/);
  for (const c of code) expect(await errorsOf(c)).toEqual([]);
});

it('converts float16 by its bits where the GPU does not', async () => {
  for (const s of await shadersOf(product, [half, half], {})) {
    expect(s.enables).toEqual([]);
    expect(s.code).not.toContain('f16');
    expect(await errorsOf(wholeText(s))).toEqual([]);
  }
});

it('reduces over subgroups where the GPU has them, and knows which are which', async () => {
  const rows = (x: tf.Tensor) => tf.softmax(x);
  const [s] = await shadersOf(rows, [tf.spec([4, 1000])], { subgroups: true });
  expect(s.enables).toEqual(['subgroups']);
  expect(s.code).toMatch(/subgroupAdd[\s\S]*sub_group/);
  expect(await errorsOf(wholeText(s))).toEqual([]);
  const [plain] = await shadersOf(rows, [tf.spec([4, 1000])], {});
  expect(plain.code).not.toContain('subgroup');
});

it('uses what the software driver has', async () => {
  const exe = await tf.compile((x: tf.Tensor) => tf.softmax(x), { inputs: [tf.spec([4, 1000])], target: 'webgpu' });
  const x = tf.randomNormal([4, 1000], 0, 1, 'float32', 1);
  const want = tf.softmax(x).dataSync();
  const got = await (exe.run(x) as tf.Tensor).data();
  got.forEach((v, i) => void expect(v).toBeCloseTo(want[i], 7));
});
