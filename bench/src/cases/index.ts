import type { Case } from '../case.ts';
import { algorithmCases } from './algorithms.ts';
import { kernelCases } from './kernels.ts';
import { modelCases } from './models.ts';

export const cases: readonly Case[] = [...kernelCases, ...algorithmCases, ...modelCases];

/** Cases whose name matches one of the patterns; `*` stands for anything, and a prefix is enough. */
export function selectCases(patterns: readonly string[]): readonly Case[] {
  if (patterns.length === 0) return cases;
  const tests = patterns.map((p) => matcher(p));
  return cases.filter((c) => tests.some((test) => test(c.name)));
}

/** The same matching for measurements that are not cases. */
export function matcher(pattern: string): (name: string) => boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  const regex = new RegExp(`^${escaped}($|-)`);
  return (name) => name === pattern || regex.test(name);
}
