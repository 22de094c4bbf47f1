// Ahead-of-time builds. What builds is loaded on use.

import type { BuildOptions, Built } from './build.ts';
import type { Buildable } from './entries.ts';

export type { BuildOptions, Built } from './build.ts';
export type { Buildable, EntryOptions } from './entries.ts';

/**
 * Compiles functions and models ahead of time: one artifact, which `sinter/runtime` runs without compiler, a loader and
 * its types. `await (await tf.buildArtifact({predict: model}, {batch: [1, 64]})).write('dist')`.
 *
 * @param entries by name: models, functions with their inputs, what `tf.func` or `tf.compile` returned; training steps too. Variables
 *   that an entry changes are shared by all, the others become constants
 * Rejects with ArgumentError for entries and options that are none, CompileError where a target cannot do an operation or
 * the batch cannot be open.
 */
export async function buildArtifact(
  entries: Readonly<Record<string, Buildable>>,
  options: BuildOptions = {},
): Promise<Built> {
  const { build } = await import('./build.ts');
  return build(entries, options);
}
