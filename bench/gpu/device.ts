// The GPU by itself, without the library: what it is, and how fast small shaders of one's own run there.

import type { GpuInfo } from '../../frontends/index.ts';
import { installGpu } from '../src/peers/dawn.ts';

/** What the figures were measured on. */
export interface Machine extends GpuInfo {
  /** Set where a processor plays the GPU: nothing that is measured there says anything about speed. */
  readonly software: boolean;
}

const shownLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render/i;

export interface OpenDevice {
  readonly machine: Machine;
  readonly device: GPUDevice;
}

/** Opens the adapter that the library would take. Rejects with what to install where there is none. */
export async function openDevice(): Promise<OpenDevice> {
  const gpu = await installGpu();
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter)
    throw new Error(
      'no GPU adapter was found: the Vulkan loader or the driver is missing, see bench/gpu/README.md (`vulkaninfo --summary` lists what is there)',
    );
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  const names = [vendor, architecture, device, description].join(' ');
  const requiredLimits = Object.fromEntries(shownLimits.map((n) => [n, adapter.limits[n] as number]));
  const requiredFeatures = (['shader-f16'] as const).filter((f) => adapter.features.has(f));
  const machine: Machine = {
    vendor,
    architecture,
    device,
    description,
    software: isFallbackAdapter === true || softwareNames.test(names),
    features: [...adapter.features].sort(),
    limits: requiredLimits,
  };
  return { machine, device: await adapter.requestDevice({ requiredLimits, requiredFeatures }) };
}

/** A compute shader with its buffers, and how many workgroups run. */
export interface Work {
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly groups: number;
}

/** Bytes from the GPU's `buffers` on are bound in order. Rejects with the compiler's message. */
export async function work(device: GPUDevice, code: string, buffers: GPUBuffer[], groups: number): Promise<Work> {
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  return { pipeline, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }), groups };
}

/** Milliseconds that `count` dispatches take, from handing them over to the end of the last one. */
export async function time(device: GPUDevice, { pipeline, group, groups }: Work, count: number): Promise<number> {
  const start = performance.now();
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  for (let i = 0; i < count; i++) pass.dispatchWorkgroups(groups);
  pass.end();
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  return performance.now() - start;
}
