// WebGPU in Node for all engines: one instance of Dawn, where a page has `navigator.gpu`.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

interface Dawn {
  create(options: string[]): GPU;
  /** The classes and flags that a page has as globals. */
  readonly globals: Record<string, unknown>;
}

/** Dawn from the package `webgpu`, with what the library passes it (runtime/webgpu/gpu.ts). */
export async function installGpu(): Promise<GPU> {
  // Node 20 has no navigator.
  if (!('navigator' in globalThis)) Object.assign(globalThis, { navigator: {} });
  const { gpu } = globalThis.navigator as { gpu?: GPU };
  if (gpu) return gpu;
  // The repository's package: the benchmarks' own folder has none.
  const require = createRequire(new URL('../../../package.json', import.meta.url));
  const { create, globals } = (await import(pathToFileURL(require.resolve('webgpu')).href)) as Dawn;
  Object.assign(globalThis, globals);
  const made = create(['enable-dawn-features=disable_workgroup_init']);
  Object.defineProperty(globalThis.navigator, 'gpu', { value: made, configurable: true });
  return made;
}
