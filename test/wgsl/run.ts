// Runs a graph on the WebGPU target, for comparison in tests. All graphs of a process share its one device.

import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import type { Graph } from '../../ir/graph.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { StateCell } from '../../runtime/state.ts';
import { openGpu } from '../../runtime/webgpu/device.ts';
import { GpuProgram } from '../../runtime/webgpu/program.ts';
import type { Config } from '../fuzz/check.ts';

/** Results of a compiled program, tensors first, then the states' new contents. */
export async function runGpu(g: Graph, inputs: readonly ArrayLike<number>[]): Promise<TypedArray[]> {
  const device = await openGpu('test');
  const { plan } = compileForGpu(g, { gpu: device.target, verify: true });
  const cells = g.params.flatMap((p, i) => (p.type.state ? [new StateCell(p.type, inputs[i])] : []));
  const program = new GpuProgram(plan, cells, device);
  try {
    await program.prepare();
    const data = g.params.flatMap((p, i) => {
      if (p.type.state) return [];
      const a = arrayFor(p.type.dtype, inputs[i].length);
      a.set(inputs[i]);
      return [a];
    });
    return [...(await program.runAsync(data)), ...(await Promise.all(cells.map((c) => c.readAsync())))];
  } finally {
    program.dispose();
  }
}

/** As a configuration of the fuzz. */
export const onGpu: readonly Config[] = [{ name: 'webgpu', kind: 'webgpu', run: runGpu }];
