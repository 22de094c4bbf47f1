// Conformance of the operations in a page: the same cases and the same comparison with the definitions as in Node.

import { openGpu } from '../../runtime/webgpu/device.ts';
import { sampleCases, sampleFailure } from '../conformance/check.ts';
import { opGraph, randomFrom } from '../helpers.ts';
import { runGpu } from '../wgsl/run.ts';

/** What ran, and what was wrong with it. */
export interface Conformance {
  readonly ran: readonly string[];
  readonly failed: readonly string[];
}

/** Runs `count` samples, chosen by a seed among all that have no float64. */
async function conformance(count: number, seed: number): Promise<Conformance> {
  await openGpu('test');
  const all = sampleCases().filter((c) => !opGraph(c.op, c.sample).results.some((r) => r.type.dtype === 'f64'));
  const random = randomFrom(seed);
  const chosen = Array.from({ length: Math.min(count, all.length) }, () => {
    const [c] = all.splice(Math.floor(random() * all.length), 1);
    return c;
  });
  const failed: string[] = [];
  for (const c of chosen) {
    const wrong = await sampleFailure(c, runGpu).catch((e: Error) => e.message);
    if (wrong) failed.push(`${c.name}: ${wrong}`);
  }
  return { ran: chosen.map((c) => c.name), failed };
}

const page = { conformance };
export type OpsPage = typeof page;
(globalThis as unknown as { page: OpsPage }).page = page;
