import type { OpCase } from '../build.ts';
import { learnedCases } from './learned.ts';
import { mathCases } from './math.ts';
import { movingCases } from './moving.ts';
import { networkCases } from './networks.ts';

export const allCases: readonly OpCase[] = [...mathCases, ...movingCases, ...networkCases, ...learnedCases];
