import { it } from 'vitest';
import { planProgram } from '../../compiler/target.ts';
import { runPasses } from '../../compiler/pass-runner.ts';
import { pipeline } from '../../compiler/pipeline.ts';
import { opCases, opGraph } from '../helpers.ts';
import { printKernel } from '../../ir/kernel/print.ts';
it('x', () => {
  for (const name of (process.env.CASES ?? '').split(';')) {
    const c = opCases().find((x) => x.name.startsWith(name))!;
    const g = opGraph(c.op, c.sample);
    const r = runPasses(g, pipeline, {});
    console.log(String(r.graph));
    const p = planProgram(r.graph, { tile: { mr: 2, nr: 16, unroll: 1 }, threads: 1 }, r.passes);
    for (const k of p.kernels) console.log(printKernel(k));
  }
});
