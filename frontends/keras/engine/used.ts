// Where a layer is used: the nodes that it makes when it is applied to symbolic tensors.

import { ArgumentError } from '../../../ir/errors.ts';
import type { Node } from './symbolic.ts';
import { fromList, type Output, type Shape, type SymbolicTensor, shapeText, toList } from './symbolic.ts';
import { Weighted } from './weighted.ts';

/** A part of models. */
export abstract class Used extends Weighted {
  readonly inboundNodes: Node[] = [];
  readonly outboundNodes: Node[] = [];

  /** The input of the layer's only use. Throws ArgumentError where it was not used, or several times. */
  get input(): Output<SymbolicTensor> {
    return fromList([...toList(this.#onlyNode('input').given)]);
  }
  /** The output of the layer's only use. Errors as `input`. */
  get output(): Output<SymbolicTensor> {
    return fromList([...this.#onlyNode('output').outputs]);
  }
  /** Shapes of the output of the layer's uses, which must agree. Errors as `input`. */
  get outputShape(): Shape | Shape[] {
    const shapes = this.inboundNodes.map((n) => n.outputShapes);
    if (shapes.length === 0) this.#onlyNode('outputShape');
    const texts = new Set(shapes.map((s) => s.map(shapeText).join()));
    if (texts.size > 1)
      throw new ArgumentError(`is used ${shapes.length} times, with different output shapes`, {
        op: `${this.name}.outputShape`,
        fix: 'look at getOutputAt(i).shape',
      });
    return fromList(shapes[0]);
  }
  /** The input of the layer's use number `i`. */
  getInputAt(i: number): Output<SymbolicTensor> {
    return fromList([...toList(this.#nodeAt(i).given)]);
  }
  /** The output of the layer's use number `i`. */
  getOutputAt(i: number): Output<SymbolicTensor> {
    return fromList([...this.#nodeAt(i).outputs]);
  }
  #nodeAt(i: number): Node {
    const node = this.inboundNodes[i];
    if (!node)
      throw new ArgumentError(`has ${this.inboundNodes.length} use(s), there is no number ${i}`, {
        op: this.name,
        fix: 'the first use is number 0',
      });
    return node;
  }
  #onlyNode(what: string): Node {
    if (this.inboundNodes.length === 1) return this.inboundNodes[0];
    throw new ArgumentError(
      this.inboundNodes.length === 0
        ? 'has not been applied to a symbolic tensor so far'
        : `is used ${this.inboundNodes.length} times`,
      {
        op: `${this.name}.${what}`,
        fix:
          this.inboundNodes.length === 0
            ? 'apply it, or add it to a model with an inputShape'
            : 'use getInputAt(i) or getOutputAt(i)',
      },
    );
  }
}
