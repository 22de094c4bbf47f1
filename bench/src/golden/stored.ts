// What takes too long to compute before every benchmark, in float64: losses of the first steps of the
// training cases, and the results of large models. `npm run golden` in bench/ computes them (make.ts).

import { readFileSync } from 'node:fs';

const stored = JSON.parse(readFileSync(new URL('../../golden.json', import.meta.url), 'utf8')) as Record<
  string,
  number[]
>;

/** The expected losses of a training case or result of an inference case, or null where none are stored. */
export const golden = (name: string): readonly number[] | null => stored[name] ?? null;
