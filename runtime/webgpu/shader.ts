// A shader as the device takes it: the compiler's text with declarations of the memory that it touches.

import type { GpuShader } from '../../ir/plan.ts';

/** Where the buffers of a dispatch lie: for each the number of its binding, the same for those of one page. */
export interface Layout {
  /** Per buffer of `shader.buffers`. */
  readonly bindings: readonly number[];
  /** The binding of the predicate, where it runs only under one. */
  readonly predicate: number | null;
  /** Bindings of pages. */
  readonly pages: number;
}

/** Words of the arguments: places of the kernel's buffers, that of the predicate, and a zero (compiler/wgsl/values.ts, `opaque`). */
export const argumentWords = (shader: GpuShader): number => shader.args + 2;

/** A shader's whole text. */
export function shaderText(shader: GpuShader, layout: Layout): string {
  const binding = new Map(shader.buffers.map((b, i) => [b, layout.bindings[i]]));
  const body = shader.code.replace(/\bH(\d+)\b/g, (_, b: string) => `heap${binding.get(Number(b))}`);
  const word = { words: 'u32', atomic: 'atomic<u32>', vectors: 'vec4<u32>' }[shader.heap];
  const rows = Math.ceil(argumentWords(shader) / 4);
  const at = `args.a[${shader.args >> 2}].${'xyzw'[shader.args & 3]}`;
  const guarded = layout.predicate !== null;
  const heap = `heap${layout.predicate}`;
  const read = {
    words: `${heap}[${at}]`,
    atomic: `atomicLoad(&${heap}[${at}])`,
    vectors: `${heap}[${at} >> 2u][${at} & 3u]`,
  }[shader.heap];
  // All invocations of a workgroup must be seen to take the same way before they meet at barriers.
  const guard = guarded
    ? `if (lid == 0u) { guard = ${read}; }\n  if (workgroupUniformLoad(&guard) == 0u) { return; }`
    : '';
  return [
    ...shader.enables.map((e) => `enable ${e};`),
    ...(shader.enables.includes('subgroups') ? ['requires subgroup_id;'] : []),
    `struct Args { a: array<vec4<u32>, ${rows}> }`,
    '@group(0) @binding(0) var<uniform> args: Args;',
    ...Array.from(
      { length: layout.pages },
      (_, i) => `@group(0) @binding(${i + 1}) var<storage, read_write> heap${i}: array<${word}>;`,
    ),
    ...(guarded ? ['var<workgroup> guard: u32;'] : []),
    body.replace('GUARD', guard),
  ].join('\n');
}
