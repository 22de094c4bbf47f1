// What the webgpu target refuses to compile: every op in every dtype that its inference accepts is tried.

import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import { Builder } from '../../ir/builder.ts';
import { CompileError, SinterError } from '../../ir/errors.ts';
import type { Graph } from '../../ir/graph.ts';
import { allOps, type OpDef, type Sample } from '../../ir/op.ts';
import { type DType, isFloat, staticShape, tensorType } from '../../ir/types.ts';

const dtypes: readonly DType[] = ['f32', 'f64', 'i32', 'u32', 'bool', 'i8', 'u8', 'f16'];
/** The limits that every WebGPU device has. */
const gpu = { invocations: 256, sharedBytes: 16384 };

/** The sample's graph with operands of dtype `from` in `to`, or null where the op does not take them. */
function graphOf(op: OpDef, s: Sample, from: DType, to: DType): Graph | null {
  const b = new Builder(op.name);
  const swap = (d: DType): DType => (d === from ? to : d);
  try {
    const params = s.inputs.map((x, i) => b.param(tensorType(swap(x.type.dtype), staticShape(x.type.shape)), `p${i}`));
    const attrs = s.attrs?.dtype === from ? { ...s.attrs, dtype: to } : (s.attrs ?? {});
    return b.build(b.emit(op, params, attrs));
  } catch (e) {
    if (e instanceof SinterError) return null;
    throw e;
  }
}

/** An operation in a dtype. */
export interface Refusal {
  readonly op: string;
  readonly dtype: DType;
}

/** The op's graphs, one for each dtype that it takes or gives. */
function graphsOf(op: OpDef): Map<DType, Graph> {
  const found = new Map<DType, Graph>();
  for (const s of op.samples)
    for (const to of dtypes) {
      // Keys, predicates and indices keep their dtype beside floats.
      const types = s.inputs.map((x) => x.type.dtype);
      const from = types.find(isFloat) ?? types[0] ?? 'f32';
      const g = found.has(to) ? null : graphOf(op, s, from, to);
      const has = g && [...g.params, ...g.results].some((v) => v.type.dtype === to);
      // Other dtypes in the graph would hide what is tried.
      const other = g && to !== 'f64' && [...g.params, ...g.results].some((v) => v.type.dtype === 'f64');
      if (g && has && !other) found.set(to, g);
    }
  return found;
}

/** Every operation in every dtype that it has elsewhere and that the target refuses, by its CompileError. */
export function refusedOnGpu(): Refusal[] {
  const refused: Refusal[] = [];
  for (const op of allOps())
    for (const [dtype, g] of graphsOf(op)) {
      try {
        compileForGpu(g, { gpu, verify: false });
      } catch (e) {
        if (!(e instanceof CompileError)) throw e;
        refused.push({ op: op.name, dtype });
      }
    }
  return refused;
}
