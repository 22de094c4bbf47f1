// The order of axes. ONNX has channels before space, convolutions here have them last. In a trace, a value that came out of a
// convolution is known in both orders; what works element by element, and pools, go on in the order that convolutions take,
// and the other one is dropped by the compiler where nobody uses it.

import { b, product, range } from '../formats/functions.ts';
import { context } from '../trace/context.ts';
import { Tensor } from '../trace/tensor.ts';

/** Traced values with their channels last, by the same ones with the channels at axis 1. */
const lasts = new WeakMap<Tensor, Tensor>();

/** The same value with its channels last, where that is there already. */
export const knownLast = (x: Tensor): Tensor | undefined => lasts.get(x);
/** [N, C, space] as [N, space, C]. */
export const channelsLast = (x: Tensor): Tensor =>
  knownLast(x) ?? b.transpose(x, [0, ...range(x.rank - 2).map((i) => i + 2), 1]);

/** [N, space, C] as [N, C, space]. */
export function channelsFirst(y: Tensor): Tensor {
  const x = b.transpose(y, [0, y.rank - 1, ...range(y.rank - 2).map((i) => i + 1)]);
  if (context.trace) lasts.set(x, y);
  return x;
}

/** How much smaller an operand must be to be brought into the other order. */
const smaller = 4;

/**
 * Operands of something that works element by element, with the channels last: where one of them is known so, and the others
 * are too, or small. Undefined where that is not so.
 */
export function allLast(operands: readonly unknown[]): unknown[] | undefined {
  if (!context.trace) return undefined;
  const tensors = operands.filter((x) => x instanceof Tensor);
  const rank = Math.max(0, ...tensors.map((t) => t.rank));
  const lead = tensors.find((t) => t.rank === rank && knownLast(t));
  if (!lead) return undefined;
  const moved = operands.map((x) => {
    if (!(x instanceof Tensor) || x.size === 1) return x;
    const known = x.rank === rank ? knownLast(x) : undefined;
    if (known) return known;
    if (x.size * smaller > product(lead.shape)) return undefined;
    return channelsLast(b.reshape(x, [...new Array(rank - x.rank).fill(1), ...x.shape]));
  });
  return moved.every((x, i) => x !== undefined || operands[i] === undefined) ? moved : undefined;
}
