// Shapes of inputs that a model's file leaves open, as the command line gives them.

import type { DataType } from '../frontends/trace/dtypes.ts';
import { TensorSpec } from '../frontends/trace/spec.ts';
import { ArgumentError } from '../ir/errors.ts';

/** An input as far as the file says. */
interface Known {
  readonly name: string;
  readonly dtype?: DataType | undefined;
  readonly shape?: readonly (number | null)[] | undefined;
}

/** `x=1,3,224,224`, where `any` as the first size is the open batch. */
function parse(text: string): [string, (number | null)[]] {
  const at = text.lastIndexOf('=');
  const sizes = text
    .slice(at + 1)
    .split(',')
    .filter(Boolean);
  const shape = sizes.map((s) => (s === 'any' ? null : Number(s)));
  if (at < 0 || shape.some((d) => d !== null && (!Number.isInteger(d) || d < 0)))
    throw new ArgumentError(`'${text}' is no shape`, {
      op: 'shape',
      fix: 'write --shape name=1,3,224,224; any stands for the open batch',
    });
  return [text.slice(0, at), shape];
}

/** Specs of a model's inputs. Throws ArgumentError where a shape is not known, or belongs to no input. */
export function specsOf(inputs: readonly Known[], given: readonly string[]): TensorSpec[] {
  const shapes = new Map(given.map(parse));
  const stray = [...shapes.keys()].find((name) => !inputs.some((t) => t.name === name));
  if (stray !== undefined)
    throw new ArgumentError(`there is no input '${stray}'`, {
      op: 'shape',
      fix: `the inputs are ${inputs.map((t) => t.name).join(', ')}`,
    });
  return inputs.map((t) => {
    const shape = shapes.get(t.name) ?? t.shape;
    const open = shape?.findIndex((d, i) => i > 0 && d === null) ?? -1;
    if (!shape || open > 0)
      throw new ArgumentError(
        `the shape of the input '${t.name}' is not fixed: [${shape?.map((d) => d ?? 'any').join(', ') ?? '…'}]`,
        {
          op: 'shape',
          fix: `say what it is: --shape ${t.name}=${shape?.map((d, i) => d ?? (i ? 'N' : 'any')).join(',') ?? '1,N'}`,
        },
      );
    return new TensorSpec(shape, t.dtype ?? 'float32', t.name);
  });
}
