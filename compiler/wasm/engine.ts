// What the JavaScript engine at hand can do, and the schedules that suit it.

import type { TargetOptions } from '../lower/kernel-builder.ts';

// (module (func (result v128) (f32x4.relaxed_madd …))): 0xfd 0x85 0x02
const relaxedProbe = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 17, 65, 0, 253, 17, 65,
  0, 253, 17, 253, 133, 2, 11,
]);
let relaxed: boolean | undefined;

interface Host {
  readonly versions?: { readonly v8?: string };
  getBuiltinModule?(name: string): unknown;
}
const host = (globalThis as { process?: Host }).process;

/** The engine and the processor, as far as they say what they are: what measured times hold for. */
export function engineText(): string {
  const os = host?.getBuiltinModule?.('node:os') as { cpus(): { model: string }[] } | undefined;
  const agent = (globalThis as { navigator?: { userAgent?: string } }).navigator?.userAgent;
  const engine = host?.versions?.v8 ? `V8 ${host.versions.v8}` : (agent ?? 'unknown engine');
  return `${engine}, ${os?.cpus()[0]?.model ?? 'unknown processor'}`;
}

/** Does the engine have relaxed SIMD (fused multiply-add)? */
export function hasRelaxedSimd(): boolean {
  relaxed ??= WebAssembly.validate(relaxedProbe);
  return relaxed;
}

/**
 * Register tile of contractions. V8 from 12 (Node 22) keeps 6x8 accumulators in registers with madd;
 * before, and without madd, it hoists the loads of a step and spills, and 2x16 without unrolling is
 * best (measured by bench/limits).
 */
export function contractionTile(useRelaxed: boolean): TargetOptions['tile'] {
  const v8 = host?.versions?.v8;
  const modern = v8 === undefined || Number.parseInt(v8, 10) >= 12;
  return useRelaxed && modern ? { mr: 6, nr: 8, unroll: 4 } : { mr: 2, nr: 16, unroll: 1 };
}
