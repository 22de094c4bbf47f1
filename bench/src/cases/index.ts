import type { Case } from '../case.ts';
import { algorithmCases } from './algorithms.ts';
import { cnnCases } from './cnn.ts';
import { encoderCases } from './encoder.ts';
import { gemmCases } from './gemm.ts';
import { gptCases } from './gpt.ts';
import { kernelCases } from './kernels.ts';
import { lstmCases } from './lstm.ts';
import { mlpCases } from './mlp.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { resnet20Train } from './resnet20.ts';
import { resnet50 } from './resnet50.ts';

export const modelCases: readonly Case[] = [
  ...mlpCases,
  ...cnnCases,
  resnet50,
  mobilenetV2,
  resnet20Train,
  ...encoderCases,
  ...gptCases,
  ...lstmCases,
];

export { gemmCases };
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
