// All operators by name, and why others are not there.

import { FormatError, valueText } from '../../ir/errors.ts';
import type { Operator, Operators } from './call.ts';
import { leftOut } from './left-out.ts';
import { arithmetic } from './ops/arithmetic.ts';
import { control, flows } from './ops/control.ts';
import { convolution } from './ops/convolution.ts';
import { creation } from './ops/creation.ts';
import { evaluation } from './ops/evaluation.ts';
import { basics } from './ops/graph.ts';
import { images } from './ops/image.ts';
import { lists } from './ops/lists.ts';
import { logic } from './ops/logic.ts';
import { math } from './ops/math.ts';
import { matrices } from './ops/matrix.ts';
import { normalization } from './ops/normalization.ts';
import { reductions } from './ops/reduction.ts';
import { shapes } from './ops/shape.ts';
import { slices } from './ops/slices.ts';
import { sparse } from './ops/sparse.ts';
import { spectral } from './ops/spectral.ts';
import { tables } from './ops/tables.ts';
import { variables } from './ops/variables.ts';

/** Operators by family. */
export const families: Readonly<Record<string, Operators>> = {
  arithmetic,
  math,
  logic,
  reduction: reductions,
  matrices,
  convolution,
  normalization,
  shape: shapes,
  'slices and joins': slices,
  creation,
  evaluation,
  image: images,
  spectral,
  sparse,
  control,
  lists,
  variables,
  tables,
  graph: basics,
};

const all: ReadonlyMap<string, Operator> = new Map(
  [...Object.values(families), flows].flatMap((family) => Object.entries(family)),
);

/** The operator of a name. Throws FormatError with the reason where there is none. */
export function operatorOf(name: string, op: string): Operator {
  const found = all.get(name);
  if (found) return found;
  throw new FormatError(`the operation ${valueText(name)} is not supported: ${whyNot(name)}`, {
    op,
    fix: 'docs/tensorflow.md lists what is supported',
  });
}

/** Whether there is an operator of that name. */
export const isSupported = (name: string): boolean => all.has(name);

/** Why there is no operator of that name. */
export function whyNot(name: string): string {
  return (
    leftOut.find(({ names }) => names.some((n) => n === name || (n.endsWith('*') && name.startsWith(n.slice(0, -1)))))
      ?.reason ?? 'it is not known here'
  );
}

/** Names of the results of an operation that has several. */
export const resultsOf = (name: string): readonly string[] | undefined => all.get(name)?.results;
