// All programs.

import type { Program } from './program.ts';
import { controlPrograms } from './programs-control.ts';
import { valuePrograms } from './programs-values.ts';

export const programs: readonly Program[] = [...controlPrograms, ...valuePrograms];
