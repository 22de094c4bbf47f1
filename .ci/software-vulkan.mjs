// A Vulkan driver that needs no GPU: SwiftShader, which comes with the packed browser of the tests. Without root it
// is found through two environment variables, which must be there when a process starts.

import { delimiter, dirname, join } from 'node:path';
import chromium from '@sparticuz/chromium';

/** The environment in which Dawn finds the driver. SINTER_VULKAN=system leaves the machine's own drivers. */
export async function softwareVulkan(env = process.env) {
  if (env.SINTER_VULKAN === 'system' || process.platform !== 'linux') return {};
  const folder = dirname(await chromium.executablePath());
  return {
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
    LD_LIBRARY_PATH: [folder, ...(env.LD_LIBRARY_PATH ?? '').split(delimiter)].filter(Boolean).join(delimiter),
  };
}
