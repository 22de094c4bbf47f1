// DUMP=folder writes what the compiler does: each pass's graph, the kernels, the code as text, the
// memory plan.

import type { Graph } from '../ir/graph.ts';
import type { ProgramPlan } from '../ir/plan.ts';
import type { Address, ProgramStep } from '../ir/steps.ts';

interface NodeFs {
  mkdirSync(p: string, o: { recursive: boolean }): void;
  writeFileSync(p: string, d: string): void;
}

export interface Dumper {
  readonly graph: (index: number, name: string, g: Graph) => void;
  /** @param code the program's code as text, if there is any, and its file's name */
  readonly plan: (plan: ProgramPlan, steps: readonly ProgramStep[], code?: { name: string; text: string }) => void;
}

const addressText = (a: Address): string => {
  const slot = a.slot === 0 ? 'arena' : a.slot === 1 ? 'constant' : `slot${a.slot}`;
  return [`${slot}+${a.offset}`, ...(a.strides ?? []).map((s) => `${s.bytes}*i${s.loop}`)].join('+');
};

/** The steps of a module, one a line, with their addresses. */
export function stepsText(steps: readonly ProgramStep[], indent = ''): string[] {
  const inner = `${indent}  `;
  return steps.flatMap((s): string[] => {
    switch (s.kind) {
      case 'call':
        return [`${indent}${s.barrier ? 'barrier, ' : ''}kernel ${s.kernel} (${s.args.map(addressText).join(', ')})`];
      case 'branch':
        return [
          `${indent}branch by ${addressText(s.index)}`,
          ...s.branches.flatMap((x, i) => [`${inner}${i}:`, ...stepsText(x, `${inner}  `)]),
        ];
      case 'loop': {
        const most = s.trip ? `${addressText(s.trip)} of at most ${s.length}` : (s.length ?? 'unbounded');
        const how = `${s.reverse ? ', backwards' : ''}${s.count ? `, counted in ${addressText(s.count)}` : ''}`;
        const test = s.test
          ? [`${inner}while`, ...stepsText(s.test.steps, `${inner}  `), `${inner}  gives ${addressText(s.test.value)}`]
          : [];
        return [`${indent}loop i${s.loop}: ${most} runs${how}`, ...test, ...stepsText(s.body, inner)];
      }
    }
  });
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
    plan(plan, steps, code) {
      write(
        'kernels.txt',
        plan.info.kernels
          .map((k, i) => `; step ${i}: ${k.kind}, ${k.ops.join(' ')}, ${k.flops} flops, ${k.bytes} bytes\n${k.text}`)
          .join('\n\n'),
      );
      write(
        'memory.txt',
        [
          `arena ${plan.arenaBytes} bytes, lower bound ${plan.info.lowerBound}`,
          `constants ${plan.constantBytes} bytes`,
          ...stepsText(steps),
        ].join('\n'),
      );
      if (code) write(code.name, code.text);
    },
  };
}
