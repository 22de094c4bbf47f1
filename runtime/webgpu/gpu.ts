// Where WebGPU comes from: the page's or worker's own, or in Node the package `webgpu` (Dawn).

import { DeviceError } from '../../ir/plan.ts';
import { inNode } from '../in-node.ts';

/** WebGPU's entry point. Rejects with DeviceError, which says what to install or to switch on. */
export async function findGpu(op: string): Promise<GPU> {
  const own = (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
  if (own) return own;
  if (!inNode())
    throw new DeviceError('this browser, or this page, has no WebGPU', {
      op,
      fix: 'use a browser with WebGPU (Chrome or Edge 113, Firefox 141, Safari 26, or later) and serve the page by https or from localhost; or target wasm',
    });
  // Not a literal: bundlers for pages would look for it, and types would need it installed.
  const name = ['web', 'gpu'].join('');
  let dawn: { create(options: string[]): GPU };
  try {
    dawn = (await import(/* @vite-ignore */ name)) as typeof dawn;
  } catch (e) {
    throw new DeviceError(
      `Node has no WebGPU of its own, and the package webgpu cannot be loaded: ${(e as Error).message}`,
      {
        op,
        fix: 'npm install webgpu@0.6.2; or target wasm',
      },
    );
  }
  // Dawn's instance must outlive everything that comes from it.
  created ??= dawn.create(options);
  return created;
}
let created: GPU | undefined;
/** Shaders write what workgroups share before they read it; clearing it first makes some drivers' code twenty times as long. */
const options = ['enable-dawn-features=disable_workgroup_init'];
