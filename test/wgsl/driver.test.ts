// The software driver that all GPU tests run on is there: what cannot run says so and fails.

import { expect, it } from 'vitest';
import { create } from 'webgpu';

it('finds a GPU adapter', async () => {
  const adapter = await create([]).requestAdapter();
  expect(adapter, 'Dawn found no Vulkan driver: see .ci/software-vulkan.mjs').not.toBeNull();
  console.log(`adapter: ${adapter?.info.vendor} ${adapter?.info.architecture} ${adapter?.info.description}`);
});
