// Lookup tables from numbers to numbers. Strings are not supported.

import { DTypeError } from '../../../ir/errors.ts';
import { arrayFor } from '../../../ir/literal.ts';
import { tensorType } from '../../../ir/types.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { gather } from '../../trace/ops/indexing.ts';
import { cast, reshape } from '../../trace/ops/shape.ts';
import { searchSorted } from '../../trace/ops/sorting.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { done, LookupTable, Strings, type Value } from '../values.ts';
import { ints } from './shape.ts';

/** Tables of one name are one table. */
function table(c: Call): LookupTable {
  const name = c.attrs.text('shared_name', '') || c.node.name;
  return c.runtime.table(name, () => new LookupTable(name, c.attrs.dtype('key_dtype'), c.attrs.dtype('value_dtype')));
}

function imported(c: Call): typeof done {
  const t = c.table(0);
  if (c.value(1) instanceof Strings || c.value(2) instanceof Strings)
    throw new DTypeError('tables of strings are not supported', { fix: 'look words up before the model' });
  const [keys, values] = [c.numbers(1, 'the keys'), c.numbers(2, 'the values')];
  if (keys.length !== values.length)
    throw new DTypeError(`${keys.length} keys and ${values.length} values`, { fix: 'the graph is damaged' });
  keys.forEach((k, i) => void t.entries.set(k, [values[i]]));
  return done;
}

/** Keys in order and their values; missing ones give the default. */
function found(c: Call): Value {
  const t = c.table(0);
  const keys = cast(c.x(1), t.keyType === 'i32' ? 'int32' : c.x(1).dtype);
  const fallback = c.x(2);
  const shape = keys.shape;
  const order = [...t.entries].sort(([p], [q]) => p - q);
  if (order.length === 0) return b.broadcastTo(fallback, shape) as Tensor;
  const row = (dtype: typeof t.keyType, x: number[]) => {
    const host = arrayFor(dtype, x.length);
    host.set(x);
    return eagerTensor(tensorType(dtype, [x.length]), host);
  };
  const sorted = row(
    t.keyType,
    order.map(([k]) => k),
  );
  const flat = reshape(keys, [keys.size]);
  const at = b.min(searchSorted(sorted, flat), order.length - 1) as Tensor;
  const hit = b.compare('eq', gather(sorted, at), flat);
  const values = gather(
    row(
      t.valueType,
      order.map(([, v]) => v[0]),
    ),
    at,
  );
  return reshape(b.select(hit, values, b.broadcastTo(fallback, flat.shape)) as Tensor, shape);
}

const numeric = { limit: 'tables from numbers to numbers' } as const;
const impure = { ...numeric, impure: true } as const;
const size = op((c) => ints([c.table(0).entries.size], []), impure);
/** By name. */
export const tables: Operators = {
  HashTable: op(table, numeric),
  HashTableV2: op(table, numeric),
  InitializeTable: op(imported, impure),
  InitializeTableV2: op(imported, impure),
  LookupTableFind: op(found, impure),
  LookupTableFindV2: op(found, impure),
  LookupTableImport: op(imported, impure),
  LookupTableImportV2: op(imported, impure),
  LookupTableInsertV2: op(imported, impure),
  LookupTableSize: size,
  LookupTableSizeV2: size,
  MutableHashTableV2: op(table, numeric),
};
