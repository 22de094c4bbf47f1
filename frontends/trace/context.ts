// What is going on right now: the trace being recorded, the tapes that listen, the chosen backend.
// One place of mutable state, so that nothing else in the front end keeps any.

import type { Attrs, Graph } from '../../ir/graph.ts';
import type { OpDef } from '../../ir/op.ts';
import type { Tensor } from './tensor.ts';
import type { Trace } from './trace.ts';

/** One executed or traced operation, as a tape keeps it. */
export interface OpRecord {
  readonly op: OpDef;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly attrs: Attrs;
  readonly regions: readonly Graph[];
}

/** A tape that listens to operations. */
export interface Recorder {
  record(r: OpRecord): void;
  /** `snapshot` is what an operation saw of `variable`. */
  accessed(variable: Tensor, snapshot: Tensor): void;
  /** Whether the tape would record something computed from these tensors and Variables. */
  interested(tensors: readonly Tensor[]): boolean;
}

export type Target = 'wasm' | 'webgpu' | 'reference';

export const context: {
  trace: Trace | undefined;
  recorders: readonly Recorder[];
  target: Target;
} = { trace: undefined, recorders: [], target: 'wasm' };

/** Runs `f` with another trace (or none), and puts the old one back. */
export function withTrace<T>(trace: Trace | undefined, f: () => T): T {
  const old = context.trace;
  context.trace = trace;
  try {
    return f();
  } finally {
    context.trace = old;
  }
}

/** Runs `f` while only these tapes listen. */
export function withRecorders<T>(recorders: readonly Recorder[], f: () => T): T {
  const old = context.recorders;
  context.recorders = recorders;
  try {
    return f();
  } finally {
    context.recorders = old;
  }
}
