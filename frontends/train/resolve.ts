// Which Variable each given gradient belongs to.

import { ArgumentError, DTypeError, ShapeError, valueText } from '../../ir/errors.ts';
import { isFloat } from '../../ir/types.ts';
import { emitter as b } from '../trace/dispatch.ts';
import { variablesOfGradients } from '../trace/gradients.ts';
import { Tensor } from '../trace/tensor.ts';
import type { TensorMap } from '../trace/types.ts';
import { Variable, variablesNamed } from '../trace/variable.ts';

/** Gradients to apply: by Variable name, as `{name, tensor}`, or as [gradient, Variable] pairs. */
export type GradientsToApply =
  | TensorMap
  | readonly { name: string; tensor: Tensor | null }[]
  | readonly (readonly [Tensor | null, Variable])[];

/** A gradient, in its Variable's dtype, and the Variable. */
export type Pair = readonly [Tensor, Variable];

const op = 'applyGradients';

/**
 * The gradients that are there, each with its Variable. Throws ArgumentError for a name that means no
 * Variable or several, ShapeError for a gradient that has not its Variable's shape, and DTypeError for a
 * Variable that is not of floats.
 */
export function resolve(gradients: GradientsToApply): Pair[] {
  if (typeof gradients !== 'object' || gradients === null)
    throw new ArgumentError(`takes gradients, not ${valueText(gradients)}`, {
      op,
      fix: 'give {name: gradient}, or pairs [gradient, Variable]',
    });
  return (Array.isArray(gradients) ? ofList(gradients) : ofMap(gradients as TensorMap)).map(checked);
}

type Entry = { name: string; tensor: Tensor | null } | readonly [Tensor | null, Variable];

function ofList(list: readonly Entry[]): Pair[] {
  return list.flatMap((e): Pair[] => {
    if (typeof e === 'object' && e !== null && 'name' in e) return e.tensor ? [[e.tensor, named(e.name)]] : [];
    if (!Array.isArray(e) || !(e[1] instanceof Variable))
      throw new ArgumentError('a pair must be [gradient, Variable]', {
        op,
        fix: 'give gradients by name, or in pairs',
      });
    return e[0] ? [[e[0], e[1]]] : [];
  });
}

function ofMap(map: TensorMap): Pair[] {
  const known = variablesOfGradients(map);
  return Object.entries(map).flatMap(([name, g]): Pair[] =>
    g instanceof Tensor ? [[g, known?.get(name) ?? named(name)]] : [],
  );
}

function named(name: string): Variable {
  const found = variablesNamed(name);
  if (found.length === 1) return found[0];
  throw new ArgumentError(`${found.length || 'no'} Variable(s) named '${name}'`, {
    op,
    fix: found.length ? 'give [gradient, Variable] pairs' : 'use the names of the Variables',
  });
}

function checked([g, v]: Pair): Pair {
  if (!(g instanceof Tensor))
    throw new ArgumentError(`the gradient of '${v.name}' is ${valueText(g)}`, { op, fix: 'give a tensor' });
  if (g.rank !== v.rank || g.shape.some((d, i) => d !== v.shape[i]))
    throw new ShapeError(`the gradient of '${v.name}' has shape [${g.shape}], the Variable [${v.shape}]`, {
      op,
      fix: "give a gradient of the Variable's shape",
    });
  if (!isFloat(v.type.dtype))
    throw new DTypeError(`the Variable '${v.name}' is ${v.dtype}: a step along a gradient is no whole number`, {
      op,
      fix: "train float Variables: tf.variable(x, true, name, 'float32')",
    });
  return [b.convert(g, v.type.dtype) as Tensor, v];
}
