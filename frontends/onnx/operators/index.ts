// All operators that can be read, by domain, name and version.

import { ArgumentError } from '../../../ir/errors.ts';
import type { Operator } from '../call.ts';
import { attentions } from './attention.ts';
import { control } from './control.ts';
import { elementwise } from './elementwise.ts';
import { generators } from './generators.ts';
import { images } from './images.ts';
import { indexing } from './indexing.ts';
import { linear } from './linear.ts';
import { fusedNorms, microsoft } from './microsoft.ts';
import { ml } from './ml.ts';
import { normalization } from './normalization.ts';
import { pooling } from './pooling.ts';
import { quantized } from './quantized.ts';
import { recurrence } from './recurrent.ts';
import { reductions } from './reductions.ts';
import { shapes } from './shapes.ts';

export const operators: readonly Operator[] = [
  ...elementwise,
  ...shapes,
  ...indexing,
  ...reductions,
  ...linear,
  ...pooling,
  ...normalization,
  ...images,
  ...recurrence,
  ...control,
  ...quantized,
  ...generators,
  ...attentions,
  ...fusedNorms,
  ...microsoft,
  ...ml,
];

const byName = new Map<string, Operator[]>();
for (const o of operators) {
  const key = `${o.domain}.${o.op}`;
  const list = byName.get(key) ?? [];
  if (list.some((p) => p.since === o.since))
    throw new ArgumentError(`the operator ${key} is defined twice since ${o.since}`);
  list.push(o);
  byName.set(key, list);
}

/** The operator for a version of its set: the newest record that is not newer. */
export function findOperator(domain: string, op: string, version: number): Operator | undefined {
  const fitting = byName.get(`${domain}.${op}`)?.filter((o) => o.since <= version) ?? [];
  return fitting.reduce<Operator | undefined>((best, o) => (best && best.since > o.since ? best : o), undefined);
}
