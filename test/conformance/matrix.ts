// Samples that follow from an op's own: its operands with leading axes added up to rank 6, with each axis
// emptied, in its other dtypes, and with numbers at the ends of what the dtype holds. An op's inference
// decides which of them are well-typed; the others are not cases.

import type { Attrs } from '../../ir/graph.ts';
import { inferTypes, type OpDef, type Sample, type SampleInput } from '../../ir/op.ts';
import { type DType, isFloat, isInt, type TensorType, tensorType } from '../../ir/types.ts';
import { randomFrom } from '../helpers.ts';

const SPECIAL: readonly number[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  0,
  -0,
  1e38,
  -1e38,
  1e-40,
  -1e-40,
  2 ** -126,
  3.4e38,
  0.5,
  -2.5,
  1,
  -1,
  16777217,
];
const EXTREME: readonly number[] = [-2147483648, 2147483647, -1, 0, 1, 65536, -65536, 46341, 31, 32, -7, 12345];
const UNSIGNED: readonly number[] = [0, 1, 4294967295, 2147483648, 65535, 31, 32, 7];

const sizes = (t: TensorType): readonly number[] => t.shape as readonly number[];
const typed = (input: SampleInput, dtype: DType, shape: readonly number[]): SampleInput => ({
  type: tensorType(dtype, shape),
  ...(input.range ? { range: input.range } : {}),
});

/** The sample on other types, or null where the op refuses them. */
function accepted(op: OpDef, inputs: readonly SampleInput[], attrs: Attrs): Sample | null {
  try {
    inferTypes(
      op,
      inputs.map((i) => i.type),
      attrs,
    );
    return { inputs, attrs, grad: false };
  } catch {
    return null;
  }
}

const elementwise = (op: OpDef, s: Sample): boolean =>
  s.inputs.length > 0 &&
  (op.kind === 'elementwise' || op.kind === 'composite') &&
  s.inputs.every((i) => sizes(i.type).join() === sizes(s.inputs[0].type).join()) &&
  !('shape' in (s.attrs ?? {})) &&
  !('axis' in (s.attrs ?? {})) &&
  !('axes' in (s.attrs ?? {}));

const SHAPES: readonly (readonly number[])[] = [
  [],
  [7],
  [2, 5],
  [3, 1, 4],
  [2, 1, 3, 2],
  [1, 2, 1, 3, 2],
  [2, 1, 2, 1, 3, 2],
  [0],
  [0, 3],
  [3, 0],
  [2, 0, 3],
  [1, 2, 0, 3, 1, 2],
];

/** Leading axes in front of every operand; attributes that name axes move along. */
function raised(op: OpDef, s: Sample, lead: readonly number[]): Sample | null {
  const by = lead.length;
  const attrs: Record<string, Attrs[string]> = { ...s.attrs };
  if (typeof attrs.axis === 'number') attrs.axis += by;
  if (Array.isArray(attrs.axes)) attrs.axes = (attrs.axes as number[]).map((a) => a + by);
  const inputs = s.inputs.map((i) => typed(i, i.type.dtype, [...lead, ...sizes(i.type)]));
  return inputs.some((i) => i.type.shape.length > 6) ? null : accepted(op, inputs, attrs);
}

/** The same operands with the k-th axis of each empty. */
function emptied(op: OpDef, s: Sample, axis: number): Sample | null {
  if (!s.inputs.some((i) => axis < i.type.shape.length)) return null;
  const inputs = s.inputs.map((i) =>
    axis < i.type.shape.length ? typed(i, i.type.dtype, sizes(i.type).with(axis, 0)) : i,
  );
  return accepted(op, inputs, s.attrs ?? {});
}

function inDType(op: OpDef, s: Sample, from: DType, to: DType): Sample | null {
  const swap = (d: DType) => (d === from ? to : d);
  const inputs = s.inputs.map((i) => typed(i, swap(i.type.dtype), sizes(i.type)));
  const attrs = s.attrs?.dtype === from ? { ...s.attrs, dtype: to } : (s.attrs ?? {});
  return accepted(op, inputs, attrs);
}

/** Ops whose results at the ends of the numbers are not defined to the bit, with the reason. */
const NO_SPECIAL: Readonly<Record<string, string>> = {
  polygamma: 'at its poles it is NaN or infinite',
  exp_falling: 'it is for operands up to 88; softmax tries the special ones (test/wasm/softmax.test.ts)',
};

/** Every pair of special values, for one and two operands. */
function special(op: OpDef, s: Sample, dtype: DType): Sample | null {
  const values = isFloat(dtype) ? SPECIAL : dtype === 'u32' ? UNSIGNED : EXTREME;
  const n = values.length * values.length;
  const inputs = s.inputs.map((i, k) => {
    const type = tensorType(i.type.dtype === 'bool' ? 'bool' : dtype, [n]);
    const pick = Array.from(
      { length: n },
      (_, j) => values[k === 0 ? j % values.length : Math.floor(j / values.length)],
    );
    return i.type.dtype === 'bool' ? { type } : { type, values: pick };
  });
  return accepted(op, inputs, s.attrs ?? {});
}

export interface MatrixCase {
  readonly op: OpDef;
  readonly sample: Sample;
  /** Which part of the matrix it is in. */
  readonly part: 'rank' | 'empty' | 'dtype' | 'special';
}

const LEADS: readonly (readonly number[])[] = [[2], [1, 3], [2, 1, 2], [1, 2, 1, 2], [2, 1, 1, 2, 1]];
const DTYPES: readonly DType[] = ['f32', 'f64', 'i32', 'u32', 'bool', 'i8', 'u8', 'f16'];

/** The cases of one op. */
function matrixOf(op: OpDef): MatrixCase[] {
  const out = new Map<string, MatrixCase>();
  const put = (part: MatrixCase['part'], sample: Sample | null) => {
    if (sample) out.set(JSON.stringify([part, sample.inputs.map((i) => i.type), sample.attrs]), { op, sample, part });
  };
  // Operands of given values (keys, indices, matrices) mean something only as they are.
  const free = op.samples.filter((s) => s.inputs.length > 0 && s.inputs.every((i) => !i.values));
  for (const s of free) {
    const [{ type }] = s.inputs;
    for (let axis = 0; axis < 6; axis++) put('empty', emptied(op, s, axis));
    if (type.shape.length <= 2) for (const lead of LEADS) put('rank', raised(op, s, lead));
    for (const to of DTYPES) if (to !== type.dtype) put('dtype', inDType(op, s, type.dtype, to));
  }
  const model = free.find((s) => elementwise(op, s));
  if (model) {
    for (const shape of SHAPES)
      put(
        'rank',
        accepted(
          op,
          model.inputs.map((i) => typed(i, i.type.dtype, shape)),
          model.attrs ?? {},
        ),
      );
    for (const dtype of DTYPES)
      if ((isFloat(dtype) || isInt(dtype)) && !(op.name in NO_SPECIAL)) put('special', special(op, model, dtype));
  }
  return [...out.values()];
}

/** All cases of an op, or the special ones and `share` others that the seed chooses. */
export function chosenCases(op: OpDef, share: number, seed: number): MatrixCase[] {
  const all = matrixOf(op);
  const random = randomFrom(seed);
  const special = all.filter((c) => c.part === 'special');
  const others = all.filter((c) => c.part !== 'special');
  while (others.length > share) others.splice(Math.floor(random() * others.length), 1);
  return [...special, ...others];
}
