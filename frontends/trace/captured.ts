// Tensors in GPU memory that a traced function takes from outside. Their elements cannot be waited for while it is
// traced, so they are no constants of the graph, but states that nobody assigns.

import { StateCell } from '../../runtime/state.ts';
import { Tensor } from './tensor.ts';

const known = new WeakMap<Tensor, Captured>();

/** A remote tensor as a state: it has what `Concrete` asks of a Variable. */
export class Captured extends Tensor {
  readonly name = 'captured';
  readonly cell: StateCell;
  readonly #tensor: Tensor;

  /** Use `Captured.of`. */
  private constructor(t: Tensor) {
    super(t.type);
    this.#tensor = t;
    this.cell = new StateCell(t.type, t.device as NonNullable<Tensor['device']>);
  }

  /** The state of a remote tensor; the same at every call. */
  static of(t: Tensor): Captured {
    let c = known.get(t);
    if (!c) {
      c = new Captured(t);
      known.set(t, c);
    }
    return c;
  }

  override operand(): Tensor {
    return this.#tensor;
  }
  /** Nothing assigns it. */
  changed(): void {}
}
