// Runs a graph on the WASM target and on the reference, for comparison in tests.

import { type CompileOptions, compileGraph } from '../../compiler/index.ts';
import type { Graph } from '../../ir/graph.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { staticShape } from '../../ir/types.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { StateCell } from '../../runtime/state.ts';
import { wasmDevice } from '../../runtime/wasm/device.ts';
import { WasmProgram } from '../../runtime/wasm/program.ts';

/** Results of the reference, tensors first, then the states' new contents. */
export function runReference(g: Graph, inputs: readonly ArrayLike<number>[]): Float64Array[] {
  const args = g.params.map((p, i) => ndarray(p.type.dtype, staticShape(p.type.shape), inputs[i]));
  return interpret(g, args).map((a) => a.data);
}

/** The same from a compiled program. */
export async function runWasm(
  g: Graph,
  inputs: readonly ArrayLike<number>[],
  opt: Partial<CompileOptions> = {},
): Promise<{ outputs: TypedArray[]; program: WasmProgram }> {
  const device = wasmDevice();
  const threads = opt.threads ?? 1;
  if (threads > 1) await device.preparePool(threads);
  const { plan } = await compileGraph(g, { shared: device.memory.shared, verify: true, ...opt });
  const tensors = g.params.filter((p) => !p.type.state);
  const cells = g.params.flatMap((p, i) => (p.type.state ? [new StateCell(p.type, inputs[i])] : []));
  const program = new WasmProgram(threads > 1 ? { ...plan, parallel: true } : plan, cells, device, threads);
  const data = tensors.map((p) => {
    const i = g.params.indexOf(p);
    const a = arrayFor(p.type.dtype, inputs[i].length);
    a.set(inputs[i]);
    return a;
  });
  const outputs = [...program.run(data), ...cells.map((c) => c.read())];
  return { outputs, program };
}
