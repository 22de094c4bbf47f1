// The data for a model's inputs: one tensor, several, or an object by name.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { toTensor } from '../../trace/convert.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { didYouMean } from './names.ts';
import type { SymbolicTensor } from './symbolic.ts';

/** Tensors for the inputs of a model: one, an array in their order, or an object by their names. */
export type ModelInputs = TensorLike | readonly TensorLike[] | { readonly [name: string]: TensorLike };

/** What the data is for. */
interface Target {
  readonly names: readonly string[];
  /** The inputs; undefined where the model does not know them. */
  readonly symbols: readonly SymbolicTensor[] | undefined;
  readonly model: string;
  readonly op: string;
  /** Whether batches are cut from it: then a fixed size of the batch must divide the number of samples. */
  readonly whole: boolean;
}

/** The tensors in the order of the inputs. Throws ArgumentError and ShapeError where they do not fit. */
export function inputTensors(given: ModelInputs, target: Target): Tensor[] {
  const tensors = listInputs(given, target).map((x, i) =>
    toTensor(x as TensorLike, target.names[i] ?? `inputs[${i}]`, target.op),
  );
  target.symbols?.forEach((s, i) => void checkShape(tensors[i].shape, s, target.names[i], target));
  return tensors;
}

function checkShape(shape: readonly number[], s: SymbolicTensor, name: string, { model, op, whole }: Target): void {
  const where = `${model}.${op}`;
  const [batch] = s.shape;
  const fits = (d: number | null, k: number) => d === null || d === shape[k] || (whole && k === 0);
  if (shape.length !== s.shape.length || !s.shape.every(fits))
    throw new ShapeError(`the input '${name}' must have the shape [${s.shape.map(String)}], got [${shape}]`, {
      op: where,
      fix:
        shape.length === s.shape.length - 1
          ? 'is the axis of the batch missing? tf.expandDims(x, 0) adds one'
          : 'reshape the data, or give the first layer the inputShape of the data',
    });
  if (batch !== null && shape[0] % batch !== 0)
    throw new ShapeError(`the input '${name}' takes batches of ${batch}, which does not divide ${shape[0]} samples`, {
      op: where,
      fix: `give ${shape[0] - (shape[0] % batch)} samples, or leave the size of the batch open`,
    });
}

function listInputs(given: ModelInputs, { names, symbols, model, op }: Target): unknown[] {
  const where = `${model}.${op}`;
  const isTensor = typeof given === 'object' && given !== null && 'dtype' in given;
  if (typeof given === 'object' && given !== null && !Array.isArray(given) && !isTensor && !ArrayBuffer.isView(given)) {
    const byName = given as Record<string, TensorLike>;
    for (const k of Object.keys(byName))
      if (!names.includes(k))
        throw new ArgumentError(`there is no input '${k}'`, { op: where, fix: didYouMean(k, names) });
    return names.map((n) => {
      if (n in byName) return byName[n];
      throw new ArgumentError(`the input '${n}' is missing`, {
        op: where,
        fix: `give an object with ${names.join(', ')}`,
      });
    });
  }
  const list = Array.isArray(given) && (names.length > 1 || isTensorList(given)) ? given : [given];
  const wanted = symbols?.length;
  if (wanted !== undefined && list.length !== wanted)
    throw new ArgumentError(`takes ${wanted} input(s) (${names.join(', ')}), got ${list.length}`, {
      op: where,
      fix: 'give an array with one tensor for each input, or an object by their names',
    });
  return [...list];
}

const isTensorList = (x: readonly unknown[]): boolean =>
  x.length > 0 && x.every((t) => typeof t === 'object' && t !== null && 'dtype' in t);
