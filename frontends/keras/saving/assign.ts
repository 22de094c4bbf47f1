// Gives Variables the tensors of a file: all of them, or, where one does not fit, none.

import { damaged, type Place } from '../../io/format.ts';
import { ComplexTensor } from '../../trace/complex-tensor.ts';
import { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import { outside } from '../engine/weights.ts';

/** A Variable and what it gets. */
export interface Assignment {
  readonly variable: Variable;
  readonly tensor: unknown;
  /** How the file calls it. */
  readonly name: string;
}

/** The tensor in the Variable's dtype. Throws FormatError where it does not fit. */
function fitting({ variable, tensor, name }: Assignment, place: Place): Tensor {
  const { shape, dtype } = variable;
  if (!(tensor instanceof Tensor) || tensor instanceof ComplexTensor)
    return damaged(place, `'${name}' is complex, '${variable.name}' is ${dtype}`);
  if (tensor.shape.length !== shape.length || tensor.shape.some((d, i) => d !== shape[i]))
    return damaged(
      place,
      `'${name}' has the shape [${tensor.shape}], '${variable.name}' of the model [${shape}]`,
      'the file is of another model',
    );
  return tensor.dtype === dtype ? tensor : outside(() => tensor.cast(dtype));
}

/** Assigns all. Throws FormatError, and assigns nothing, where one does not fit. */
export function assignAll(assignments: readonly Assignment[], place: Place): void {
  const values = assignments.map((a) => fitting(a, place));
  outside(() => assignments.forEach((a, i) => void a.variable.assign(values[i])));
}

/** Whether a tensor fits a Variable. */
export const fits = (tensor: { readonly shape: readonly number[] }, variable: Variable): boolean =>
  tensor.shape.length === variable.shape.length && tensor.shape.every((d, i) => d === variable.shape[i]);
