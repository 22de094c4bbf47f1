// Random graphs through all passes and the WASM target against the reference.
//
//   FUZZ_RUNS=2000 FUZZ_SEED=7 npx vitest run test/fuzz      the long part
//   FUZZ_KEEP=folder                                         go on after a failure; one file for each
//
// A failure is printed as a file for test/runtests, made small; once the bug is fixed it stays there.

import '../../tools/relaxed-simd.ts';
import { it } from 'vitest';
import { fuzz } from './campaign.ts';

const seed = Number(process.env.FUZZ_SEED ?? 20240607);
const runs = Number(process.env.FUZZ_RUNS ?? 1000);

it(`${runs} random graphs of seed ${seed} (FUZZ_RUNS, FUZZ_SEED)`, { timeout: 0 }, () => fuzz({ seed, runs }));
