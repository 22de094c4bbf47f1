// Reverse-mode differentiation in float64: values with gradients, and the tape that they stand on.

import type { Exact } from '../reference/index.ts';

/** A value with its gradient, and how that gradient flows on. */
export interface Node {
  readonly value: Exact;
  readonly grad: Float64Array;
  readonly back: () => void;
}
type Flow = (grad: Float64Array) => void;

export class Tape {
  private readonly nodes: Node[] = [];

  leaf(value: Exact): Node {
    return { value, grad: new Float64Array(value.data.length), back: () => {} };
  }
  record(value: Exact, flow: Flow): Node {
    const grad = new Float64Array(value.data.length);
    const node = { value, grad, back: () => flow(grad) };
    this.nodes.push(node);
    return node;
  }
  /** Gradients of a scalar with respect to all that it was computed from. */
  backward(loss: Node): void {
    loss.grad[0] = 1;
    for (const n of this.nodes.reverse()) n.back();
  }
}

/** Adds into a gradient; a shorter one was broadcast and takes the sum. */
export function into(target: Node, f: (i: number) => number, length: number): void {
  const n = target.grad.length;
  for (let i = 0; i < length; i++) target.grad[i % n] += f(i);
}
