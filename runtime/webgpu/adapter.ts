// What the machine has for a GPU.

import { DeviceError } from '../../ir/plan.ts';
import { findGpu } from './gpu.ts';

/** What is known of an adapter. */
export interface GpuInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Features of WebGPU that the adapter has. */
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
}

/** Limits that are asked for as far as the adapter has them. */
export const wanted = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;
const shown = [...wanted, 'maxComputeWorkgroupsPerDimension', 'minUniformBufferOffsetAlignment'] as const;
/** Features that programs use where they are. */
export const useful: readonly GPUFeatureName[] = ['timestamp-query', 'shader-f16', 'subgroups' as GPUFeatureName];

export function infoOf(adapter: GPUAdapter): GpuInfo {
  const { vendor, architecture, device, description } = adapter.info;
  return {
    vendor,
    architecture,
    device,
    description,
    features: [...adapter.features].sort(),
    limits: Object.fromEntries(shown.map((n) => [n, adapter.limits[n] as number])),
  };
}

/** The machine's adapter, and the features of the WGSL language there. Rejects with DeviceError where there is none. */
export async function findAdapter(op: string): Promise<{ adapter: GPUAdapter; language: ReadonlySet<string> }> {
  const gpu = await findGpu(op);
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (adapter) return { adapter, language: gpu.wgslLanguageFeatures as ReadonlySet<string> };
  throw new DeviceError('no GPU adapter was found', {
    op,
    fix: "install the GPU's driver (on Linux its Vulkan driver and libvulkan1: `vulkaninfo --summary` lists what is there); in a page, look at chrome://gpu; or target wasm",
  });
}

/** The adapter that programs would run on. Rejects with DeviceError where there is none. */
export async function gpuInfo(op: string): Promise<GpuInfo> {
  return infoOf((await findAdapter(op)).adapter);
}
