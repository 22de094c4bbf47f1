// The one door of every operation, eager or traced; tapes listen here. `emitter` lets gradient rules
// and composites, which are written against the IR's Emitter, run on tensors.

import { type Arg, Emitter } from '../../ir/emit.ts';
import type { Attrs, Graph, Val } from '../../ir/graph.ts';
import type { OpDef } from '../../ir/op.ts';
import { context, withTrace } from './context.ts';
import { evaluate } from './eager.ts';
import type { Tensor } from './tensor.ts';
import type { Trace } from './trace.ts';

const none: readonly Graph[] = [];

/**
 * Applies an operation: adds it to the trace under way, or computes it at once.
 * Throws the op's own ShapeError or DTypeError, and TraceError for a tensor of a finished trace.
 */
export function applyOp(
  op: OpDef,
  inputs: readonly Tensor[],
  attrs: Attrs = {},
  regions: readonly Graph[] = none,
): Tensor[] {
  if (!context.trace && inputs.some((t) => t.owner?.isStatic))
    return inStaticGraph(inputs, () => applyOp(op, inputs, attrs, regions));
  const operands = inputs.map(operandOf);
  const { trace } = context;
  const outputs = trace ? trace.emit(op, operands, attrs, regions) : evaluate(op, operands, attrs, regions);
  if (context.recorders.length)
    for (const r of context.recorders) r.record({ op, inputs: operands, outputs, attrs, regions });
  return outputs;
}

/** What an operation reads of a tensor; tapes learn of Variables here. */
export function operandOf(t: Tensor): Tensor {
  const s = t.operand();
  if (s !== t) for (const r of context.recorders) r.accessed(t, s);
  return s;
}

/** Writes operations as calls on tensors. */
export class TensorEmitter extends Emitter {
  override emit(op: OpDef, inputs: readonly Val[], attrs: Attrs = {}, regions: readonly Graph[] = none): Tensor[] {
    return applyOp(op, inputs as readonly Tensor[], attrs, regions);
  }
  // A Variable that is broadcast to a placeholder's shape is read when the graph runs, not now.
  override align(x: Arg, y: Arg, op?: string): [Val, Val] {
    return inStaticGraph([x, y], () => super.align(x, y, op));
  }
}

/** Runs `f` in the graph built by hand that one of the operands belongs to, if there is one. */
export function inStaticGraph<T>(operands: readonly unknown[], f: () => T): T {
  if (context.trace) return f();
  const owner = operands.map((t) => (t as Partial<Tensor> | null | undefined)?.owner).find((o) => o?.isStatic);
  return owner ? withTrace(owner as Trace, f) : f();
}

/** The emitter that all functions on tensors share; it has no state. */
export const emitter = new TensorEmitter();
