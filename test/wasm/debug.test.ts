import { it } from 'vitest';
import { planProgram } from '../../compiler/target.ts';
import { fuse } from '../../compiler/passes/fuse.ts';
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
    const f = fuse(r.graph);
    for (const g of f.groups) console.log(g.id, g.kind, g.domain, g.axes, g.nodes.map((n) => `%${n.id}:${n.op.name}`).join(' '), '->', g.outputs.map((o) => o.node!.id), 'deps', [...f.deps.get(g)!].map((d) => d.id));
    const p = planProgram(r.graph, { tile: { mr: 2, nr: 16, unroll: 1 }, threads: 1 }, r.passes);
    if (process.env.K) for (const k of p.kernels) console.log(printKernel(k));
  }
});
