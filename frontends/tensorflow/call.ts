// One node being run, as operators see it: its operands as what they need, and errors that say which one is not.

import { DTypeError, FormatError, valueText } from '../../ir/errors.ts';
import { known, type Scope } from '../formats/graph-function.ts';
import { ComplexTensor } from '../trace/complex-tensor.ts';
import { Tensor } from '../trace/tensor.ts';
import type { Attributes } from './attributes.ts';
import type { TfNode } from './graph.ts';
import type { Runtime } from './runtime.ts';
import { kindOf, LookupTable, Strings, TensorList, type Value, VariableHandle } from './values.ts';

/** A run of one node. */
export class Call {
  readonly node: TfNode;
  readonly operands: readonly (Value | undefined)[];
  readonly scope: Scope<Value>;
  readonly runtime: Runtime;

  constructor(node: TfNode, operands: readonly (Value | undefined)[], scope: Scope<Value>, runtime: Runtime) {
    this.node = node;
    this.operands = operands;
    this.scope = scope;
    this.runtime = runtime;
  }

  get attrs(): Attributes {
    return this.node.attrs;
  }
  /** How many operands there are. */
  get count(): number {
    return this.operands.length;
  }

  /** An operand, whatever it is. Throws FormatError where there is none. */
  value(i: number): Value {
    const v = this.operands[i];
    if (v !== undefined) return v;
    throw new FormatError(`has no operand ${i}`, { fix: 'the graph is damaged: get it again' });
  }
  #kind(i: number, want: string): DTypeError {
    return new DTypeError(`operand ${i} must be ${want}, got ${kindOf(this.value(i))}`, {
      fix: 'this operation computes with numbers and booleans only',
    });
  }

  /** A tensor; a reference to a Variable, as TensorFlow 1 has them, is read. Throws DTypeError for anything else. */
  x(i: number): Tensor {
    const v = this.value(i);
    if (v instanceof Tensor) return v;
    if (v instanceof VariableHandle && v.variable) return v.variable.read();
    throw this.#kind(i, 'a tensor');
  }
  /** A real or complex tensor. */
  z(i: number): Tensor | ComplexTensor {
    const v = this.value(i);
    return v instanceof ComplexTensor ? v : this.x(i);
  }
  /** A complex tensor. Throws DTypeError for anything else; so do the next four. */
  complex(i: number): ComplexTensor {
    const v = this.value(i);
    if (v instanceof ComplexTensor) return v;
    throw this.#kind(i, 'a complex tensor');
  }
  /** Tensors from one operand to before another. */
  xs(from = 0, to = this.count): Tensor[] {
    return Array.from({ length: Math.max(0, to - from) }, (_, i) => this.x(from + i));
  }
  list(i: number): TensorList {
    const v = this.value(i);
    if (v instanceof TensorList) return v;
    throw this.#kind(i, 'a list of tensors');
  }
  handle(i: number): VariableHandle {
    const v = this.value(i);
    if (v instanceof VariableHandle) return v;
    throw this.#kind(i, 'a Variable');
  }
  table(i: number): LookupTable {
    const v = this.value(i);
    if (v instanceof LookupTable) return v;
    throw this.#kind(i, 'a lookup table');
  }
  strings(i: number): Strings {
    const v = this.value(i);
    if (v instanceof Strings) return v;
    throw this.#kind(i, 'a tensor of strings');
  }

  /**
   * The elements of an operand that must be known before the program runs: shapes, axes, paddings. Throws TraceError
   * where they depend on an input.
   */
  numbers(i: number, why: string): number[] {
    return Array.from(known(this.x(i), this.node, i, why));
  }
  /** The one number of such an operand. Throws FormatError where it has another number of elements. */
  number(i: number, why: string): number {
    const list = this.numbers(i, why);
    if (list.length === 1) return list[0];
    throw new FormatError(`operand ${i} (${why}) must be one number, got ${valueText(list)}`, {
      fix: 'the graph is damaged',
    });
  }
  /** Numbers that are shapes: whole, -1 only where allowed. */
  shape(i: number, why = 'the shape of the result'): number[] {
    return this.numbers(i, why);
  }
}

/** What an operator gives: one result, or all of them. */
export type Results = Value | readonly (Value | undefined)[];

/** An operator. */
export interface Operator {
  readonly run: (c: Call) => Results;
  /** Names of its results in function bodies, where it has several. */
  readonly results?: readonly string[];
  /** It gives something else each time, or changes something. */
  readonly impure?: true;
  /** The shape of what it gives depends on elements: inside of traced functions it does not work. */
  readonly dynamic?: true;
  /** What of it is not done. */
  readonly limit?: string;
}

/** Operators by name. */
export type Operators = Readonly<Record<string, Operator>>;

/** An operator of one result that is a function of its operands. */
export const op = (run: (c: Call) => Results, more: Omit<Operator, 'run'> = {}): Operator => ({ run, ...more });
