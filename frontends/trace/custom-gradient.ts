// tf.customGrad: a function whose gradient is given. Eagerly a tape records it as one operation; in a trace
// it is one, with both functions as regions.

import { GradientError, TraceError } from '../../ir/errors.ts';
import { type OpDef, opByName } from '../../ir/op.ts';
import { isFloat, typeEq, typeText } from '../../ir/types.ts';
import { assignAll, type Body, type Role, regionOf, sharedBy, traceBody, valuesOf } from './body.ts';
import { context } from './context.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { applyOp, inStaticGraph, operandOf } from './dispatch.ts';
import { checkFunction } from './gradients.ts';
import { sameElements, Tensor } from './tensor.ts';

const op = 'customGrad';

/** What a function with its own gradient returns. */
export interface CustomGradient {
  readonly value: Tensor;
  /** Gradients of the inputs, from the gradient of the value and what was saved. */
  readonly gradFunc: (dy: Tensor, saved: Tensor[]) => Tensor | Tensor[];
}
type CustomFunction = (...args: never[]) => CustomGradient;

/**
 * A function whose gradient is given: `f(...inputs, save)` returns `{value, gradFunc}`; `save(tensors)`
 * keeps tensors for gradFunc, which may as well use them from `f`. Gradients do not look at how `f` computes
 * its value, so what it uses beside its inputs has none. Traced (in `tf.func`, in the bodies of loops and
 * branches), both functions are traced at once and become part of the graph.
 * Throws GradientError where gradFunc does not return one gradient per input, of the input's dtype and shape.
 */
export function customGrad(f: CustomFunction): (...inputs: TensorLike[]) => Tensor {
  checkFunction(f, op);
  return (...args) => {
    const inputs = args.map((x, i) => operandOf(toTensor(x, `inputs[${i}]`, op)));
    return inStaticGraph(inputs, () => (context.trace ? traced(f, inputs) : eager(f, inputs)));
  };
}

/** Calls it: the value, and the gradients of the inputs as a function of the value's. */
function run(f: CustomFunction, inputs: readonly Tensor[]): { value: Tensor; gradients: (dy: Tensor) => Tensor[] } {
  const saved: Tensor[] = [];
  const save = (ts: readonly Tensor[]) => void saved.push(...ts);
  const { value, gradFunc } = (f as unknown as (...a: unknown[]) => CustomGradient)(...inputs, save);
  if (!(value instanceof Tensor) || typeof gradFunc !== 'function')
    throw new GradientError('the function must return {value, gradFunc}', {
      op,
      fix: 'return the value, a tensor, and the function of its gradient',
    });
  const gradients = (dy: Tensor) => {
    const back = gradFunc(dy, saved);
    const list = Array.isArray(back) ? back : [back];
    if (list.length !== inputs.length)
      throw new GradientError(`gradFunc returned ${list.length} gradient(s) for ${inputs.length} input(s)`, {
        op,
        fix: 'return an array with one gradient per input, zeros where there is none',
      });
    list.forEach((g, i) => void checkGradient(g, inputs[i], i));
    return list;
  };
  return { value: operandOf(value), gradients };
}

function checkGradient(g: unknown, x: Tensor, i: number): void {
  if (!(g instanceof Tensor))
    throw new GradientError(`gradFunc returned no tensor for input ${i}`, {
      op,
      fix: 'return tf.zerosLike of the input',
    });
  if (isFloat(x.type.dtype) && !typeEq(g.type, x.type))
    throw new GradientError(`the gradient of input ${i} is ${typeText(g.type)}, the input ${typeText(x.type)}`, {
      op,
      fix: 'a gradient has the dtype and shape of its input: sum what was broadcast',
    });
}

/** What `f` computes inside is recorded too: the gradient's own gradient goes through what it uses of it. */
function eager(f: CustomFunction, inputs: readonly Tensor[]): Tensor {
  const { value, gradients } = run(f, inputs);
  // Another tensor of the same value, whose gradient is the given one.
  const result = sameElements(value.type, value);
  const record = { op: recordedOp(gradients, inputs.length), inputs, outputs: [result], attrs: {}, regions: [] };
  for (const r of context.recorders) r.record(record);
  return result;
}

const recordedOp = (gradients: (dy: Tensor) => Tensor[], count: number): OpDef => ({
  name: op,
  doc: 'A function with its own gradient, as a tape sees it.',
  kind: 'composite',
  arity: count,
  constraints: {},
  infer: (c) => c.inputs,
  grad: (_b, _n, [g]) => gradients(g as Tensor),
  reference: (inputs) => inputs,
  samples: [],
});

/** The operation `custom_gradient`: what the backward uses of the forward, or of outside, is saved. */
function traced(f: CustomFunction, inputs: readonly Tensor[]): Tensor {
  let backward!: Body;
  const forward = traceBody(
    f.name || 'forward',
    inputs.map((x) => x.type),
    (xs) => {
      const { value, gradients } = run(f, xs);
      backward = traceBody('backward', [value.type], ([dy]) =>
        gradients(dy).filter((_, i) => isFloat(inputs[i].type.dtype)),
      );
      return [value, ...backward.captures.keys(), ...valuesOf([...backward.states.keys()])];
    },
  );
  const [assigned] = sharedBy([backward]).assigned;
  if (assigned)
    throw new TraceError(`gradFunc assigns the Variable '${assigned.name}'`, {
      op,
      fix: 'a gradient may be computed never or more than once; assign outside of it',
    });
  const s = sharedBy([forward]);
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const saved = [...backward.captures.keys(), ...backward.states.keys()];
  const roles: Role[] = [...range(inputs.length), ...s.captures, ...s.read, ...s.assigned];
  const regions = [
    regionOf(forward, roles, [...range(forward.given), ...s.assigned]),
    regionOf(backward, [...saved, ...s.assigned, 0], range(backward.given)),
  ];
  const operands = [...inputs, ...s.captures, ...valuesOf(s.read), ...valuesOf(s.assigned)];
  const out = applyOp(opByName('custom_gradient'), operands, { inputs: inputs.length, values: 1 }, regions);
  assignAll(s.assigned, out.slice(forward.given));
  return out[0];
}
