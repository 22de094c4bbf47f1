// What a model was compiled to, as tables.

import Table from 'cli-table3';
import type { Outcome } from './train.ts';

/** Some names, the rest counted. */
function shortList(names: readonly string[], width: number): string {
  let text = names.join(' ');
  for (let n = names.length - 1; text.length > width && n > 0; n--)
    text = `${names.slice(0, n).join(' ')} +${names.length - n}`;
  return text;
}

const right = (n: number): ('left' | 'right')[] => Array.from({ length: n }, () => 'right');
const style = { head: [], border: [], compact: true };
const megabytes = (n: number): string => (n / 1e6).toFixed(2);

/** The passes with their node counts, the kernels with their work and time, memory, and speed. */
export function report(o: Outcome): string {
  const { plan } = o.step;
  const passes = new Table({ head: ['pass', 'nodes before', 'after'], colAligns: ['left', ...right(2)], style });
  for (const p of plan.passes) passes.push([p.name, p.nodesBefore, p.nodesAfter]);

  const head = ['kernel', 'kind', 'operations', 'GFLOP', 'MB', 'µs', 'GFLOP/s'];
  const kernels = new Table({ head, colAligns: ['left', 'left', 'left', ...right(4)], style });
  plan.kernels.forEach((k, i) => {
    const { us, gflops } = o.timings[i];
    const cells = [(k.flops / 1e9).toFixed(4), megabytes(k.bytes), us.toFixed(0), gflops.toFixed(1)];
    kernels.push([shortList(k.name.split('_'), 24).replaceAll(' ', '_'), k.kind, shortList(k.ops, 40), ...cells]);
  });

  const flops = plan.kernels.reduce((n, k) => n + k.flops, 0);
  const bytes = plan.kernels.reduce((n, k) => n + k.bytes, 0);
  const operations = plan.kernels.reduce((n, k) => n + k.ops.length, 0);
  const ms = Object.entries(plan.compileMs).map(([name, t]) => `${name} ${t.toFixed(0)}`);
  return [
    'The training step, one program:',
    passes.toString(),
    kernels.toString(),
    `${operations} operations in ${plan.kernels.length} kernels: ${(flops / 1e9).toFixed(3)} GFLOP and ${megabytes(bytes)} MB a step`,
    `compiled in ms: ${ms.join(', ')}`,
    `arena ${plan.arenaBytes} bytes, lower bound ${plan.lowerBound} (${(plan.arenaBytes / plan.lowerBound).toFixed(3)} of it)`,
    `constants ${plan.constantBytes} bytes, weights and optimizer ${plan.stateBytes} bytes`,
    `${o.microsPerStep.toFixed(0)} µs per step, ${(flops / o.microsPerStep / 1e3).toFixed(1)} GFLOP/s`,
  ].join('\n');
}
