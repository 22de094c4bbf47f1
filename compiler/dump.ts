// DUMP=folder writes what the compiler does: each pass's graph, the kernels, the module's text, the
// memory plan.

import type { Graph } from '../ir/graph.ts';
import type { WasmPlan } from '../ir/plan.ts';
import { binaryenReady, type EmitJob, emitText } from './wasm/emit.ts';

interface NodeFs {
  mkdirSync(p: string, o: { recursive: boolean }): void;
  writeFileSync(p: string, d: string): void;
}

export interface Dumper {
  readonly graph: (index: number, name: string, g: Graph) => void;
  readonly plan: (plan: Omit<WasmPlan, 'module'>, job: EmitJob) => void;
}

let runs = 0;

/** A writer into `folder`, one sub-folder a compilation; null without a folder or a file system. */
export function dumper(folder: string | undefined): Dumper | null {
  const proc = (globalThis as { process?: { getBuiltinModule?(n: string): unknown } }).process;
  const fs = proc?.getBuiltinModule?.('node:fs') as NodeFs | undefined;
  if (!folder || !fs) return null;
  let dir = '';
  const write = (name: string, text: string) => fs.writeFileSync(`${dir}/${name}`, `${text}\n`);
  return {
    graph(index, name, g) {
      if (index === 0) {
        dir = `${folder}/${String(++runs).padStart(3, '0')}-${g.name}`;
        fs.mkdirSync(dir, { recursive: true });
      }
      write(`${String(index).padStart(2, '0')}-${name}.ir`, String(g));
    },
    plan(plan, job) {
      write(
        'kernels.txt',
        plan.info.kernels
          .map((k, i) => `; step ${i}: ${k.kind}, ${k.ops.join(' ')}, ${k.flops} flops, ${k.bytes} bytes\n${k.text}`)
          .join('\n\n'),
      );
      const slots = job.steps.map(
        (s, i) =>
          `step ${i}${s.barrier ? ' (barrier)' : ''}: kernel ${s.kernel} (${s.args.map((a) => `${a.slot === 0 ? 'arena' : a.slot === 1 ? 'constant' : `state${a.slot - 2}`}+${a.offset}`).join(', ')})`,
      );
      write(
        'memory.txt',
        [
          `arena ${plan.arenaBytes} bytes, lower bound ${plan.info.lowerBound}`,
          `constants ${plan.constantBytes} bytes`,
          ...slots,
        ].join('\n'),
      );
      if (binaryenReady()) write('module.wat', emitText(job));
    },
  };
}
