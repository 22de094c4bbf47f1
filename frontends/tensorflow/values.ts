// What flows along the edges of TensorFlow's graphs: tensors, and what no operation of ours takes.

import type { DType } from '../../ir/types.ts';
import type { ComplexTensor } from '../trace/complex-tensor.ts';
import { Tensor } from '../trace/tensor.ts';
import type { Variable } from '../trace/variable.ts';
import type { PartialShape } from './shapes.ts';

/** A tensor of strings: it is only handed on, and compared by its bytes. */
export class Strings {
  readonly shape: readonly number[];
  readonly elements: readonly Uint8Array[];
  constructor(shape: readonly number[], elements: readonly Uint8Array[]) {
    this.shape = shape;
    this.elements = elements;
  }
}

/** A Variable's handle; the Variable is there once it was initialized. */
export class VariableHandle {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: PartialShape;
  variable: Variable | undefined;
  constructor(name: string, dtype: DType, shape: PartialShape) {
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
  }
}

/** A table from numbers to numbers. */
export class LookupTable {
  readonly name: string;
  readonly keyType: DType;
  readonly valueType: DType;
  /** Value rows by key. */
  readonly entries = new Map<number, readonly number[]>();
  constructor(name: string, keyType: DType, valueType: DType) {
    this.name = name;
    this.keyType = keyType;
    this.valueType = valueType;
  }
}

/**
 * A list of tensors (TensorList, TensorArray). It never changes: what writes gives another list. Inside of a traced loop
 * it is one tensor, `dense`, with an axis over the elements in front.
 */
export class TensorList {
  readonly dtype: DType;
  /** What is known of the elements' shape. */
  readonly elementShape: PartialShape;
  /** The elements, undefined where none was set; undefined where it is dense. */
  readonly items: readonly (Tensor | undefined)[] | undefined;
  readonly dense: Tensor | undefined;

  constructor(
    dtype: DType,
    elementShape: PartialShape,
    items: readonly (Tensor | undefined)[] | undefined,
    dense?: Tensor,
  ) {
    this.dtype = dtype;
    this.elementShape = elementShape;
    this.items = dense ? undefined : items;
    this.dense = dense;
  }

  get length(): number {
    return this.dense ? this.dense.shape[0] : (this.items as readonly unknown[]).length;
  }
}

/** Says that a node has run: what control edges hand on. */
export const done = Symbol('done');

/** A value of a graph. */
export type Value = Tensor | ComplexTensor | Strings | VariableHandle | LookupTable | TensorList | typeof done;

/** The tensors that a value is made of. */
export function tensorsOf(v: Value): readonly Tensor[] {
  if (v instanceof Tensor) return [v];
  if (v instanceof TensorList)
    return v.dense ? [v.dense] : (v.items as readonly (Tensor | undefined)[]).filter((t) => t !== undefined);
  if (typeof v === 'object' && 're' in v) return [v.re, v.im];
  return [];
}

/** A value in words, for errors. */
export function kindOf(v: Value | undefined): string {
  if (v === undefined) return 'nothing';
  if (v instanceof Tensor) return `${v.dtype}[${v.shape}]`;
  if (v instanceof Strings) return 'a tensor of strings';
  if (v instanceof VariableHandle) return `the Variable '${v.name}'`;
  if (v instanceof LookupTable) return `the table '${v.name}'`;
  if (v instanceof TensorList) return 'a list of tensors';
  return v === done ? 'a control edge' : 'a complex tensor';
}
