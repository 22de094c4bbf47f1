// What each folder of filetests runs on the graph of a file, and how the outcome is written.

import { stepsText } from '../../compiler/dump.ts';
import type { Group } from '../../compiler/group.ts';
import { type Pass, runPasses } from '../../compiler/pass-runner.ts';
import { type Fusion, fuse } from '../../compiler/passes/fuse.ts';
import { type Schedule, schedule } from '../../compiler/passes/schedule.ts';
import { mergeUpdates } from '../../compiler/passes/updates.ts';
import { forTile, pipeline } from '../../compiler/pipeline.ts';
import { planProgram } from '../../compiler/target.ts';
import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import type { Graph, Node, Value } from '../../ir/graph.ts';
import type { KernelInfo } from '../../ir/plan.ts';
import { printGraph } from '../../ir/print.ts';
import { shapeText, typeText } from '../../ir/types.ts';

/** A stage's outcome on a graph, as text. */
export type Stage = (g: Graph) => string;

const optimized = (g: Graph): Graph => runPasses(g, pipeline, { verify: true }).graph;

/** All passes; those that know the register tile get one of 6 x 8. */
const passes: readonly Pass[] = [...pipeline, ...forTile({ mr: 6, nr: 8, unroll: 4 })];

/** One pass alone. */
function passStage(name: string): Stage {
  const pass = passes.find((p) => p.name === name);
  if (!pass) throw new Error(`the pipeline has no pass '${name}'`);
  return (g) => printGraph(runPasses(g, [pass], { verify: true }).graph);
}

/** The optimized graph; each node with the kernel that computes it, and whether its value is stored. */
function fuseStage(g: Graph): string {
  const f = fuse(optimized(g));
  const number = new Map<Group, number>(f.groups.map((x, i) => [x, i]));
  const note = (n: Node): string | undefined => {
    const mine = f.groups.find((x) => x.nodes.includes(n));
    if (!mine) return n.op.kind === 'state' ? undefined : 'computed where it is read';
    const stored = n.outputs.some((o) => mine.outputs.includes(o));
    return `kernel ${number.get(mine)}${stored ? ', stored' : ''}`;
  };
  return [printGraph(f.graph, { comment: note }), ...f.groups.map((x, i) => `; kernel ${i}: ${groupText(x)}`)].join(
    '\n',
  );
}
function groupText(g: Group): string {
  const axes = g.axes.length ? ` reducing [${g.axes}]` : '';
  const domain =
    g.kind === 'update' ? ` of ${g.parts.map((p) => shapeText(p.domain)).join(', ')}` : ` over ${shapeText(g.domain)}`;
  return `${g.kind}${domain}${axes}: ${g.nodes.map((n) => n.op.name).join(' ')}`;
}

/** The order of kernels, and where Variables take their new values. */
function scheduleStage(g: Graph): string {
  const f: Fusion = fuse(optimized(g));
  const s: Schedule = mergeUpdates(f, schedule(f));
  const writes = s.writes.map(
    (w) => `%${w.param.name} <- ${sourceText(w.value)}${w.direct ? ', stored in place' : ', copied at the end'}`,
  );
  return [...s.order.map((x, i) => `${i}: ${groupText(x)}`), ...writes].join('\n');
}
function sourceText(v: Value): string {
  return v.node ? v.node.op.name : `%${v.name}`;
}

const options = { tile: { mr: 2, nr: 16, unroll: 1 }, threads: 1 } as const;

/** Where every buffer lies. */
function memoryStage(g: Graph): string {
  const { plan, kernels, steps } = planProgram(optimized(g), options, []);
  const slotName = (slot: number) => {
    const [state, input] = [slot - 2, slot - 2 - plan.states.length];
    if (slot < 2) return slot === 0 ? 'arena' : 'constant';
    if (input < 0) return `variable ${state}`;
    return input < plan.inputs.length ? `input ${input}` : `output ${input - plan.inputs.length}`;
  };
  const lines = [
    `arena ${plan.arenaBytes} bytes, lower bound ${plan.info.lowerBound}, constants ${plan.constantBytes}, variables ${plan.info.stateBytes}`,
    ...plan.inputs.map((p, i) => `input ${i} ${typeText(p.type)}: staged at arena+${p.staging}`),
    ...plan.outputs.map((p, i) => `output ${i} ${typeText(p.type)}: staged at arena+${p.staging}`),
  ];
  steps.forEach((s, i) => {
    lines.push(`step ${i}: ${plan.info.kernels[i].name}${s.kind === 'call' && s.barrier ? ' after a barrier' : ''}`);
    if (s.kind !== 'call') {
      lines.push(...stepsText([s], '  '));
      return;
    }
    const k = kernels[s.kernel];
    k.buffers.forEach((b, j) => {
      const a = s.args[j];
      lines.push(`  ${b.role} ${b.ty}[${b.size}]: ${slotName(a.slot)}${a.slot < 2 ? `+${a.offset}` : ''}`);
    });
  });
  return lines.join('\n');
}

/** The kernels' loops; a kernel that is called twice stands once. */
function lowerStage(g: Graph): string {
  const { plan, steps } = planProgram(optimized(g), options, []);
  const first = new Map<string, string>();
  const visit = (k: KernelInfo, at: string): string[] => {
    const head = `; step ${at}: ${k.kind}, ${k.flops} flops, ${k.bytes} bytes`;
    if (k.body) return [`${head}: ${k.name}`, ...k.body.flatMap((x, i) => visit(x, `${at}.${i}`))];
    const before = first.get(k.text);
    if (before !== undefined) return [`${head}, the kernel of step ${before}`];
    first.set(k.text, at);
    return [`${head}\n${k.text}`];
  };
  return steps.flatMap((_, i) => visit(plan.info.kernels[i], `${i}`)).join('\n');
}

/** A GPU of the least that WebGPU guarantees. */
const gpu = { invocations: 256, sharedBytes: 16384 } as const;

/** The kernels' loops for a GPU. */
const gpuLowerStage = (g: Graph): string =>
  compileForGpu(g, { gpu })
    .plan.info.kernels.map((k, i) => `; step ${i}: ${k.kind}${k.schedule ? `, ${k.schedule}` : ''}\n${k.text}`)
    .join('\n');

/** The shaders, in the order in which they run. */
const wgslStage = (g: Graph): string =>
  compileForGpu(g, { gpu })
    .plan.kernels.flatMap((k, i) =>
      k.shaders.map(
        (s, j) => `; kernel ${i}, dispatch ${j}: ${s.groups} workgroups of ${s.size}, heap of ${s.heap}\n${s.code}`,
      ),
    )
    .join('\n');

/** By folder. */
export const stages: Readonly<Record<string, Stage>> = {
  ...Object.fromEntries(
    [
      'merge-loops',
      'decompose',
      'fold',
      'control',
      'loop-sums',
      'algebra',
      'convolution',
      'conv-phases',
      'conv-padding',
      'views',
      'strips',
      'loop-panels',
      'cse',
      'dce',
    ].map((n) => [n, passStage(n)]),
  ),
  fuse: fuseStage,
  schedule: scheduleStage,
  memory: memoryStage,
  lower: lowerStage,
  'lower-gpu': gpuLowerStage,
  wgsl: wgslStage,
};
