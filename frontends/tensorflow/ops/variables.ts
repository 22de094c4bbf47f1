// Variables: resources, and references as TensorFlow 1 has them.

import { DTypeError, ExecutionError, FormatError, ShapeError, valueText } from '../../../ir/errors.ts';
import { tensorType } from '../../../ir/types.ts';
import { add, sub } from '../../trace/ops/binary.ts';
import { gather, gatherND, tensorScatterAdd } from '../../trace/ops/indexing.ts';
import * as segments from '../../trace/ops/segments.ts';
import { broadcastTo, cast, reshape } from '../../trace/ops/shape.ts';
import { neg } from '../../trace/ops/unary.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { type Variable, variable } from '../../trace/variable.ts';
import { type Call, type Operator, type Operators, op } from '../call.ts';
import { type Value, VariableHandle } from '../values.ts';
import { ints } from './shape.ts';

/** The Variable of a name; handles of one name are one Variable's. */
function handle(c: Call): VariableHandle {
  const name = c.attrs.text('shared_name', '') || c.node.name;
  const { variables } = c.runtime;
  let h = variables.get(name);
  if (!h) {
    const dtype = c.runtime.dtypeOf(c.attrs.typeName('dtype'), c.attrs.dtype('dtype'));
    h = new VariableHandle(name, dtype, c.attrs.shape('shape'));
    variables.set(name, h);
  }
  return h;
}

/** The Variable behind a handle. Throws ExecutionError before it was initialized. */
function own(c: Call, i = 0): Variable {
  const h = c.handle(i);
  if (h.variable) return h.variable;
  throw new ExecutionError(`the Variable '${h.name}' has no value yet`, {
    fix: 'the checkpoint of the model does not have it',
  });
}

/** A value for a Variable, which is made where there is none yet. */
function assign(c: Call): Value {
  const h = c.handle(0);
  const x = c.x(1);
  if (h.variable) {
    h.variable.assign(x);
    return h;
  }
  const fits = !h.shape || (h.shape.length === x.rank && h.shape.every((d, i) => d === null || d === x.shape[i]));
  if (!fits)
    throw new ShapeError(
      `the Variable '${h.name}' of shape [${h.shape?.map((d) => d ?? 'any')}] cannot hold [${x.shape}]`,
      {
        fix: 'the checkpoint belongs to another model',
      },
    );
  if (x.type.dtype !== h.dtype)
    throw new DTypeError(`the Variable '${h.name}' is ${h.dtype}, its value ${x.type.dtype}`, {
      fix: 'the checkpoint belongs to another model',
    });
  h.variable = variable(x, c.runtime.isTrainable(h.name, c.runtime.keyOf(x)), h.name);
  return h;
}

/** Changes the value by a function of it. */
const changed = (f: (v: Tensor, c: Call) => Tensor): Operator =>
  op(
    (c) => {
      own(c).assign(f(own(c).read(), c));
      return c.handle(0);
    },
    { impure: true },
  );

/** Rows at indices. */
const rows = (f: (v: Tensor, i: Tensor, u: Tensor) => Tensor): Operator =>
  changed((v, c) => {
    const at = cast(c.x(1), 'int32');
    const rest = v.shape.slice(1);
    const updates = c.x(2);
    return f(
      v,
      reshape(at, [at.size, 1]),
      updates.rank ? reshape(updates, [at.size, ...rest]) : broadcastTo(updates, [at.size, ...rest]),
    );
  });
const impure = { impure: true } as const;
const read = op((c) => own(c).read(), impure);
const initialized = op((c) => {
  const there = c.handle(0).variable !== undefined;
  return eagerTensor(tensorType('bool', []), Uint8Array.of(Number(there)));
}, impure);
const scatterSub = (v: Tensor, i: Tensor, u: Tensor): Tensor => tensorScatterAdd(v, i, neg(u));

/** Tensors of the checkpoint by name. Slices of partitioned Variables are put together before. */
function restored(c: Call): Value[] {
  const names = c.strings(1);
  const slices = c.strings(2);
  const decoder = new TextDecoder();
  if (slices.elements.some((s) => s.length > 0))
    throw new FormatError('parts of tensors are restored', { fix: 'save the model without partitioned Variables' });
  return names.elements.map((n) => {
    const name = decoder.decode(n);
    const x = c.runtime.restored.get(name);
    if (x) return x;
    throw new FormatError(`the checkpoint has no tensor ${valueText(name)}`, {
      fix: 'it belongs to another model, or is damaged',
    });
  });
}

/** By name. */
export const variables: Operators = {
  Assign: op(assign, impure),
  AssignAdd: changed((v, c) => add(v, c.x(1))),
  AssignAddVariableOp: changed((v, c) => add(v, c.x(1))),
  AssignSub: changed((v, c) => sub(v, c.x(1))),
  AssignSubVariableOp: changed((v, c) => sub(v, c.x(1))),
  AssignVariableOp: op(assign, impure),
  IsVariableInitialized: initialized,
  ReadVariableOp: read,
  ResourceGather: op(
    (c) => gather(own(c).read(), cast(c.x(1), 'int32'), c.attrs.int('batch_dims', 0), c.attrs.int('batch_dims', 0)),
    impure,
  ),
  ResourceGatherNd: op((c) => gatherND(own(c).read(), cast(c.x(1), 'int32')), impure),
  ResourceScatterAdd: rows(tensorScatterAdd),
  ResourceScatterMax: rows(segments.tensorScatterMax),
  ResourceScatterMin: rows(segments.tensorScatterMin),
  ResourceScatterSub: rows(scatterSub),
  ResourceScatterUpdate: rows(segments.tensorScatterUpdate),
  RestoreV2: op(restored, impure),
  ScatterAdd: rows(tensorScatterAdd),
  ScatterSub: rows(scatterSub),
  ScatterUpdate: rows(segments.tensorScatterUpdate),
  VarHandleOp: op(handle),
  VarIsInitializedOp: initialized,
  Variable: op(handle),
  VariableShape: op((c) => ints(own(c).shape)),
  VariableV2: op(handle),
};
