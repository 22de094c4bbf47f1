// Scripts of the tests' pages.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import chromium from '@sparticuz/chromium';
import { type BuildOptions, build } from 'esbuild';
import { type Browser, chromium as launcher } from 'playwright-core';
import { install, type Project } from '../installed.ts';

/** A file of this folder. */
const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** Bundles modules for pages: each entry becomes `folder/NAME.js`. */
export async function bundle(entryPoints: readonly string[], folder: string, more: BuildOptions = {}): Promise<void> {
  await build({
    entryPoints: [...entryPoints],
    tsconfigRaw: {},
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    outdir: folder,
    // binaryen asks for it in Node only.
    external: ['node:module'],
    logLevel: 'error',
    ...more,
  });
}

/**
 * The package in a project of its own, and a folder with scripts of this folder that use it: the first of `files`
 * and what is named as a further entry; the rest are what these import.
 */
export async function bundlePages(
  name: string,
  entries: readonly string[],
  imported: readonly string[],
): Promise<{ project: Project; folder: string }> {
  const project = await install(name);
  const folder = join(project.folder, 'bundle');
  // In the project's folder 'sinter' is the installed package, not the sources.
  for (const file of [...entries, ...imported]) copyFileSync(here(file), join(project.folder, file));
  await bundle(
    entries.map((file) => join(project.folder, file)),
    folder,
  );
  return { project, folder };
}

/** The conformance tests' own code as `folder/ops.js`, from the sources. */
export const bundleOps = (folder: string): Promise<void> =>
  bundle([here('ops.ts')], folder, {
    alias: { vitest: here('no-vitest.ts') },
    // Those of package.json are about the built package: sources would lose their operations.
    ignoreAnnotations: true,
  });

/** Chromium's switches for WebGPU on its own software driver, whose shaders compile faster as in runtime/webgpu/gpu.ts. */
export const softwareGpu: readonly string[] = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-dawn-features=disable_workgroup_init',
];

/** A headless browser: the packed one (for Linux on x86-64), or that at CHROME. */
export const launch = async (...args: readonly string[]): Promise<Browser> =>
  launcher.launch({
    executablePath: process.env.CHROME ?? (await chromium.executablePath()),
    args: ['--no-sandbox', ...args],
  });
