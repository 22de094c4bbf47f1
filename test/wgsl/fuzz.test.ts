// Random graphs on the GPU target against the reference.
//
//   FUZZ_RUNS=500 FUZZ_SEED=7 npx vitest run test/wgsl/fuzz.test.ts      the long part
//   FUZZ_KEEP=folder                                                     go on after a failure; one file for each

import { it } from 'vitest';
import { fuzz } from '../fuzz/campaign.ts';
import { onGpu } from './run.ts';

const seed = Number(process.env.FUZZ_SEED ?? 20260107);
const runs = Number(process.env.FUZZ_RUNS ?? 60);

it(`${runs} random graphs of seed ${seed} (FUZZ_RUNS, FUZZ_SEED)`, { timeout: 0 }, () =>
  fuzz({ seed, runs, configs: onGpu }),
);
