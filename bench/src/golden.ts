// Losses of the first steps of the training cases in float64. `npm run golden` in bench/ computes
// them (golden-make.ts); that takes too long to do before every benchmark.

import { readFileSync } from 'node:fs';

const stored = JSON.parse(readFileSync(new URL('../golden.json', import.meta.url), 'utf8')) as Record<string, number[]>;

/** The expected losses of a training case, or null where none are stored. */
export const golden = (name: string): readonly number[] | null => stored[name] ?? null;
