// The device's measured limits: a shader that does nothing but fused multiply-adds in registers, and one that
// copies. What the library reaches is shown as a share of these.

import { type OpenDevice, time, type Work, work } from './device.ts';

/** Flags of GPUBufferUsage. */
const [COPY_SRC, COPY_DST, STORAGE] = [0x4, 0x8, 0x80];
/** Chains of multiply-adds that do not wait for each other, each over four lanes. */
const chains = 8;
/** Multiply-adds of every chain, one run of the loop. */
const unrolled = 4;
const threads = 256;

/** FLOP/s and bytes/s, and how they were found. */
export interface Peak {
  readonly gflops: number;
  /** With float16; only where the device has `shader-f16`. */
  readonly halfGflops?: number;
  /** Bytes read and bytes written, both counted. */
  readonly gbs: number;
  /** Bytes of the buffer that was copied. */
  readonly copied: number;
}

/** How long measurements take: less on a software driver and in tests. */
export interface Effort {
  /** Runs of the loop of multiply-adds. */
  readonly loops: number;
  readonly groups: number;
  /** Bytes to copy. */
  readonly bytes: number;
  /** Milliseconds that a measurement should take. */
  readonly ms: number;
  readonly rounds: number;
}
export const fullEffort: Effort = { loops: 2048, groups: 8192, bytes: 2 ** 28, ms: 200, rounds: 9 };
export const smallEffort: Effort = { loops: 16, groups: 8, bytes: 2 ** 20, ms: 10, rounds: 3 };

const arithmetic = (type: 'f32' | 'f16', loops: number): string => {
  const list = Array.from({ length: chains }, (_, i) => i);
  const fma = list.map((i) => `x${i} = fma(x${i}, a, b);`).join(' ');
  return `${type === 'f16' ? 'enable f16;' : ''}
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(${threads})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  // Values that no compiler knows, and that stay near one.
  let seed = out[id.x & 63u];
  let a = vec4<${type}>(${type}(1.0 - seed));
  let b = vec4<${type}>(${type}(seed));
  ${list.map((i) => `var x${i} = vec4<${type}>(${type}(seed + ${i}.0));`).join('\n  ')}
  for (var i = 0u; i < ${loops}u; i++) {
    ${Array.from({ length: unrolled }, () => fma).join('\n    ')}
  }
  let sum = ${list.map((i) => `x${i}`).join(' + ')};
  // Never true, but for a compiler to know only at run time.
  if (f32(sum.x + sum.y + sum.z + sum.w) == -1.0) { out[id.x & 63u] = 1.0; }
}`;
};

const copying = (row: number): string => `
@group(0) @binding(0) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> copy: array<vec4<f32>>;
@compute @workgroup_size(${threads})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  for (var i = id.x; i < arrayLength(&source); i += ${row}u) { copy[i] = source[i]; }
}`;

/** The shortest time of a dispatch, in milliseconds: interruptions only lengthen it. */
async function fastest(device: GPUDevice, w: Work, { ms, rounds }: Effort): Promise<number> {
  await time(device, w, 1);
  let count = 1;
  let took = await time(device, w, 1);
  while (took < ms / 2 && count < 4096) {
    count *= 2;
    took = await time(device, w, count);
  }
  const all: number[] = [];
  for (let i = 0; i < rounds; i++) all.push((await time(device, w, count)) / count);
  return Math.min(...all);
}

async function flops(device: GPUDevice, type: 'f32' | 'f16', effort: Effort): Promise<number> {
  const out = device.createBuffer({ size: 256, usage: STORAGE | COPY_DST });
  const { groups, loops } = effort;
  const w = await work(device, arithmetic(type, loops), [out], groups);
  const ms = await fastest(device, w, effort);
  out.destroy();
  return (groups * threads * loops * unrolled * chains * 4 * 2) / ms / 1e6;
}

/** Measures the device. Rejects with the shader compiler's message where it refuses one. */
export async function measurePeak({ device, machine }: OpenDevice, effort: Effort): Promise<Peak> {
  const gflops = await flops(device, 'f32', effort);
  const half = device.features.has('shader-f16') ? { halfGflops: await flops(device, 'f16', effort) } : {};
  const { maxBufferSize, maxStorageBufferBindingSize } = machine.limits;
  const copied = Math.min(effort.bytes, maxBufferSize, maxStorageBufferBindingSize);
  const buffers = [0, 1].map(() => device.createBuffer({ size: copied, usage: STORAGE | COPY_SRC | COPY_DST }));
  const groups = Math.min(effort.groups, Math.ceil(copied / 16 / threads));
  const ms = await fastest(device, await work(device, copying(groups * threads), buffers, groups), effort);
  for (const b of buffers) b.destroy();
  return { gflops, ...half, gbs: (2 * copied) / ms / 1e6, copied };
}
