// Fusion groups: the sets of nodes that become one kernel each.

import type { Node, Value } from '../ir/graph.ts';

export type GroupKind =
  /** Element-wise nodes over one domain. */
  | 'pointwise'
  /** Reductions whose innermost axis is reduced, with what is computed on the same rows. */
  | 'rows'
  /** Reductions that keep the innermost axis. */
  | 'columns'
  /** dotGeneral or convolution with what is computed on its result. */
  | 'contraction'
  /** Window reductions and their gradients, with what is computed on their result. */
  | 'window'
  | 'scatter'
  | 'argreduce'
  /** One operation that is an algorithm: cumulative sums, sorting, Fourier transforms, factorizations. */
  | 'algorithm'
  /** Several pointwise groups of different domains side by side. */
  | 'update'
  /** A node with regions: a loop or a choice of kernels. */
  | 'control'
  /** Computes nothing: what reads its outputs runs after what its operands come from. */
  | 'barrier';

export interface Group {
  readonly id: number;
  kind: GroupKind;
  /** Shape that the group iterates over: of its result, or of the reduced operand. */
  readonly domain: readonly number[];
  /** Reduced axes of the domain (rows, columns). */
  axes: readonly number[];
  /** Nodes computed here, in topological order. */
  nodes: Node[];
  /** Values that others need: written to memory. */
  outputs: Value[];
  /** Values that another group stores but this one computes for itself. */
  readonly own: Set<Value>;
  /** Pointwise groups merged side by side (update). */
  parts: readonly Group[];
}
