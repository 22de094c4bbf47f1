// Which exports of a module can be built.

import type { Buildable, EntryOptions } from '../frontends/build/entries.ts';
import { ArgumentError } from '../ir/errors.ts';

/**
 * The exports that can be built, or those of the given names; the default export is called 'predict', where no other is.
 * Throws ArgumentError where there are none, or one of the names is not exported.
 */
export function buildableExports(
  module: Record<string, unknown>,
  file: string,
  wanted?: readonly string[],
): Record<string, Buildable> {
  const unnamed = 'predict' in module ? 'default' : 'predict';
  const named = Object.entries(module).map(([name, x]) => [name === 'default' ? unnamed : name, x] as const);
  const names = named.map(([name]) => name).join(', ');
  const missing = wanted?.find((w) => !named.some(([name]) => name === w));
  if (missing !== undefined)
    throw new ArgumentError(`'${file}' does not export '${missing}'`, {
      op: 'build',
      fix: `it exports ${names || 'nothing'}`,
    });
  const chosen = named.filter(([name, x]) => (wanted ? wanted.includes(name) : isBuildable(x)));
  if (!chosen.length)
    throw new ArgumentError(`'${file}' exports nothing that can be built (${names || 'no exports'})`, {
      op: 'build',
      fix: 'export a model, a function with its inputs {fn, inputs: [tf.spec(…)]}, or what tf.compile returned',
    });
  return Object.fromEntries(chosen) as Record<string, Buildable>;
}

/** Other exports (constants, helpers) are left alone, unless they are asked for by name. */
function isBuildable(x: unknown): boolean {
  if (typeof x === 'function') {
    const { inputs, inputSignature } = x as EntryOptions & { inputSignature?: unknown };
    return Array.isArray(inputs) || Array.isArray(inputSignature);
  }
  if (typeof x !== 'object' || x === null) return false;
  const { asFunction, parts, fn, model } = x as EntryOptions & { asFunction?: unknown; parts?: unknown };
  return typeof asFunction === 'function' || parts !== undefined || typeof fn === 'function' || model !== undefined;
}
