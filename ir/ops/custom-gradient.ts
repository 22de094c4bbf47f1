// A function whose gradient is given. Forward and backward are regions, so that a graph keeps the gradient.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { defineOp, type GradCtx, type GradRule, numAttr, type RunRegion } from '../op.ts';
import { inlineGraph } from '../region.ts';
import { isFloat } from '../types.ts';
import { checkCount, checkParams, checkResults, countRule, isCount, listText, resultTypes } from './control.ts';
import { vjpRegion } from './control-grad.ts';

/** Gradients that the backward region gives, by operand. */
function given(b: Emitter, n: GradCtx, grads: readonly Val[]): Map<number, Val> {
  const own = n.inputs.slice(0, numAttr(n.attrs, 'inputs'));
  const values = numAttr(n.attrs, 'values');
  const found = inlineGraph(b, n.regions[1], [...n.outputs.slice(values), ...grads.slice(0, values)]);
  const floats = own.flatMap((v, i) => (isFloat(v.type.dtype) ? [i] : []));
  return new Map(floats.map((i, k) => [i, found[k]]));
}

/**
 * The operands' gradients are what the backward region gives; captured ones have none. What is saved is
 * differentiated as it was computed: second derivatives go through it.
 */
const grad: GradRule = (b, n, grads) => {
  const values = numAttr(n.attrs, 'values');
  const isSaved = (i: number) => i >= values;
  const out: (Val | null)[] = n.inputs.map(() => null);
  if (n.given.some((g, i) => g && !isSaved(i))) for (const [i, g] of given(b, n, grads)) if (n.needs[i]) out[i] = g;
  const seeded = n.outputs.map((o, i) => isSaved(i) && n.given[i] && isFloat(o.type.dtype));
  if (seeded.includes(true)) {
    const wrt = n.needs.flatMap((need, i) => (need ? [i] : []));
    const seeds = grads.filter((_, i) => seeded[i]);
    const found = inlineGraph(b, vjpRegion(n.walk, n.regions[0], wrt, seeded), [...n.inputs, ...seeds]);
    wrt.forEach((i, k) => {
      const g = out[i];
      out[i] = g ? b.add(g, found[k]) : found[k];
    });
  }
  return out;
};

defineOp({
  name: 'custom_gradient',
  doc: 'Runs its first region on the operands. Of its results the first `values` are what it is for, the others are saved for the second region, the backward: from what was saved and the gradients of the values it gives the gradient of each of the first `inputs` operands that is a float. Other operands have none.',
  kind: 'control',
  arity: 0,
  variadic: true,
  constraints: {
    custom_gradient_c1: countRule(2, 'forward and backward'),
    custom_gradient_c2: 'the forward must take the types of the operands',
    custom_gradient_c3: 'inputs must count operands, and values results of the forward',
    custom_gradient_c4: 'the backward must take the types of what is saved, then those of the values',
    custom_gradient_c5: 'the backward must give the types of those of the first `inputs` operands that are floats',
  },
  infer: (c) => {
    checkCount(c, 'custom_gradient_c1', 2);
    const [forward, backward] = c.regions;
    checkParams(c, 'custom_gradient_c2', forward, c.inputs);
    const results = resultTypes(forward);
    const { inputs, values } = c.attrs;
    const counts = (n: unknown, of: number) => isCount(n as number) && (n as number) <= of;
    c.check(
      counts(inputs, c.inputs.length) && counts(values, results.length),
      'custom_gradient_c3',
      `inputs ${inputs} and values ${values} for ${listText(c.inputs)} and ${listText(results)}`,
    );
    const own = c.inputs.slice(0, inputs as number);
    const n = values as number;
    checkParams(c, 'custom_gradient_c4', backward, [...results.slice(n), ...results.slice(0, n)]);
    checkResults(
      c,
      'custom_gradient_c5',
      backward,
      own.filter((t) => isFloat(t.dtype)),
    );
    return results;
  },
  grad,
  reference: (inputs, _, __, run) => (run as RunRegion)(0, inputs),
  samples: [],
});
