// One GPU device for a test file, and small compute shaders on it.

import { create } from 'webgpu';

export type Words = Uint32Array<ArrayBuffer>;

// The flags of GPUBufferUsage and GPUMapMode, which Node has no globals for.
const storage = 0x80;
const copyFrom = 0x4;
const copyTo = 0x8;
const mapRead = 0x1;

// Kept: the process ends when it is collected before its devices.
let gpu: GPU;
let device: GPUDevice;

export async function openGpu(): Promise<void> {
  gpu = create([]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('Dawn found no Vulkan driver: see .ci/software-vulkan.mjs');
  device = await adapter.requestDevice();
}

export const closeGpu = (): void => device.destroy();

/**
 * Runs WGSL statements for every i below `count`: `xs` are the words given, in pairs; `out[i]`, a pair of words too,
 * comes back. Whatever the device complains about is thrown.
 */
export async function runOnGpu(declarations: string, statements: string, xs: Words, count: number): Promise<Words> {
  const code = `${declarations}
@group(0) @binding(0) var<storage, read> xs: array<vec2<u32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec2<u32>>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let i = id.x;
  if (i < arrayLength(&out)) {
    ${statements}
  }
}`;
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const size = 8 * count;
  const input = device.createBuffer({ size: xs.byteLength, usage: storage | copyTo });
  const out = device.createBuffer({ size, usage: storage | copyFrom });
  const back = device.createBuffer({ size, usage: copyTo | mapRead });
  device.queue.writeBuffer(input, 0, xs);
  const entries = [input, out].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(count / 64));
  pass.end();
  encoder.copyBufferToBuffer(out, 0, back, 0, size);
  device.queue.submit([encoder.finish()]);
  const error = await device.popErrorScope();
  if (error) throw new Error(error.message);
  await back.mapAsync(mapRead);
  const words = new Uint32Array(back.getMappedRange().slice(0));
  for (const buffer of [input, out, back]) buffer.destroy();
  return words;
}
