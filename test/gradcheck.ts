// Gradient graphs against central differences of the definition, in float64.

import { expect } from 'vitest';
import { gradGraph } from '../compiler/autodiff/backprop.ts';
import type { Graph } from '../ir/graph.ts';
import { type NDArray, ndarray } from '../ir/ndarray.ts';
import { isFloat } from '../ir/types.ts';
import { checkGraph } from '../ir/verify.ts';
import { interpret } from '../runtime/reference/interpreter.ts';
import { closeness } from './helpers.ts';

const step = 1e-4;

/** Derivatives of a graph's one scalar result by every element of one parameter. */
function numericGrad(g: Graph, inputs: readonly NDArray[], param: number): number[] {
  const x = inputs[param];
  const at = (i: number, h: number) => {
    const data = x.data.slice();
    data[i] += h;
    return interpret(g, inputs.with(param, ndarray(x.dtype, x.shape, data)))[0].data[0];
  };
  // Fourth order, so that steep functions need no looser tolerance.
  return Array.from(
    x.data,
    (_, i) => (8 * (at(i, step) - at(i, -step)) - (at(i, 2 * step) - at(i, -2 * step))) / (12 * step),
  );
}

const floatParams = (g: Graph) => g.params.flatMap((p, i) => (isFloat(p.type.dtype) ? [i] : []));

/** Compares the gradient graph of the scalar graph `g` with differences; returns it. */
export function checkGrad(g: Graph, inputs: readonly NDArray[]): Graph {
  const wrt = floatParams(g);
  const back = gradGraph(g, 0, wrt);
  checkGraph(back);
  const grads = interpret(back, inputs).slice(1);
  wrt.forEach((p, k) => {
    const where = `by operand ${p}`;
    expect(grads[k].shape, where).toEqual(inputs[p].shape);
    expect(closeness(grads[k].data, numericGrad(g, inputs, p), 1e-5, 1e-6), where).toBe('');
  });
  return back;
}
