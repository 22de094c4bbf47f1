// All cases.

import type { Case } from './case.ts';
import { elementwise } from './cases-elementwise.ts';
import { neural } from './cases-nn.ts';
import { shaped } from './cases-shape.ts';

export const cases: readonly Case[] = [...elementwise, ...neural, ...shaped];
