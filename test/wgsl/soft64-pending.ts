// Operations that need float64 arithmetic inside, which WGSL does not have.

import { decompose } from '../../compiler/passes/decompose.ts';
import type { Graph } from '../../ir/graph.ts';
import { isFloat } from '../../ir/types.ts';

export const names = new Set<string>([
  'sin',
  'cos',
  'tan',
  'erfc',
  'lgamma',
  'digamma',
  'polygamma',
  'gamma_element',
  'rem',
]);

const uses = (g: Graph): boolean =>
  g.nodes.some((n) => (names.has(n.op.name) && isFloat(n.outputs[0].type.dtype)) || n.regions.some(uses));

export const needsSoft64 = (g: Graph): boolean => uses(decompose(g));
