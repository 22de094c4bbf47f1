// Elements of data sets: numbers, booleans, texts, tensors and typed arrays, in lists and objects as deep
// as one likes. A list of plain values alone is one value (a row, an image), not a structure.

import { ArgumentError, DTypeError, ShapeError, valueText } from '../../ir/errors.ts';
import { arrayFor } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import { ComplexTensor } from '../trace/complex-tensor.ts';
import { makeTensor } from '../trace/convert.ts';
import { gather, stack } from '../trace/ops/complex.ts';
import { eagerTensor, Tensor } from '../trace/tensor.ts';

type Fields = Record<string, unknown>;

const isTyped = (x: unknown): boolean => ArrayBuffer.isView(x) && !(x instanceof DataView);
const isText = (x: unknown): x is string => typeof x === 'string';
const isMissing = (x: unknown): boolean => x === null || x === undefined;

/** An object of fields, not an object of some class. */
export function isFields(x: unknown): x is Fields {
  if (typeof x !== 'object' || x === null || Array.isArray(x)) return false;
  const p = Object.getPrototypeOf(x);
  return p === Object.prototype || p === null;
}

/** Which kinds of values there are in nested lists. */
interface Kinds {
  text?: true;
  boolean?: true;
  number?: true;
  missing?: true;
  /** Tensors, objects, and whatever cannot be part of a tensor. */
  other?: true;
}

function kindsIn(x: unknown, kinds: Kinds = {}): Kinds {
  if (Array.isArray(x)) for (const y of x) kindsIn(y, kinds);
  else if (typeof x === 'number' || isTyped(x)) kinds.number = true;
  else if (typeof x === 'boolean') kinds.boolean = true;
  else if (isText(x)) kinds.text = true;
  else if (isMissing(x)) kinds.missing = true;
  else kinds.other = true;
  return kinds;
}

/** Whether lists of such values are structures: they hold tensors or objects. */
export const isList = (x: unknown): x is unknown[] => Array.isArray(x) && kindsIn(x).other === true;

/** Where in an element something is, as text: `xs.image`, `[1]`. */
const pathText = (path: string): string => (path === '' ? 'the element' : `'${path}'`);
const fieldPath = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** The same structure with each value replaced by what `f` makes of it. */
export function mapValues(x: unknown, f: (value: unknown, path: string) => unknown, path = ''): unknown {
  if (isList(x)) return x.map((y, i) => mapValues(y, f, `${path}[${i}]`));
  if (isFields(x)) return Object.fromEntries(Object.keys(x).map((k) => [k, mapValues(x[k], f, fieldPath(path, k))]));
  return f(x, path);
}

/** The values of a structure with their paths, in the order of `mapValues`. */
export function valuesOf(x: unknown): { value: unknown; path: string }[] {
  const out: { value: unknown; path: string }[] = [];
  mapValues(x, (value, path) => out.push({ value, path }));
  return out;
}

/** Missing values as NaN. */
const filled = (x: unknown): unknown => (Array.isArray(x) ? x.map(filled) : isMissing(x) ? Number.NaN : x);

/**
 * A tensor of a plain value: booleans give bool, typed arrays their own kind, other numbers float32;
 * what is missing is NaN. Throws ArgumentError for text and objects, ShapeError for ragged lists.
 */
export function plainTensor(x: unknown, op: string): Tensor {
  const kinds = kindsIn(x);
  if (kinds.text)
    throw new ArgumentError(`text cannot become a tensor: ${valueText(x)}`, {
      op,
      fix: 'map it to numbers first (tf.utils.Tokenizer, a table of classes)',
    });
  const bool = kinds.boolean && !kinds.number && !kinds.missing;
  const mixed = kinds.missing || (kinds.boolean && kinds.number);
  return makeTensor(kinds.missing ? filled(x) : x, undefined, bool ? 'bool' : mixed ? 'f32' : undefined, op);
}

/** What the shape of a value is, for comparing and for errors. */
function shapeOf(x: unknown): readonly number[] {
  if (x instanceof Tensor || x instanceof ComplexTensor) return x.shape;
  if (isTyped(x)) return [(x as ArrayLike<unknown>).length];
  return Array.isArray(x) ? [x.length, ...(x.length ? shapeOf(x[0]) : [])] : [];
}

const kindOf = (x: unknown): string =>
  isFields(x) ? 'an object' : isList(x) ? 'a list of tensors' : isMissing(x) ? String(x) : valueText(x);

/** Eager tensors of one type, copied side by side, where they are. */
function stackTensors(rows: readonly Tensor[], path: string, op: string): Tensor {
  const [first] = rows;
  const { dtype } = first.type;
  const odd = rows.findIndex((r) => r.type.dtype !== dtype);
  if (odd >= 0)
    throw new DTypeError(
      `${pathText(path)} of element ${odd} of the batch is ${rows[odd].dtype}, of the first ${first.dtype}`,
      { op, fix: 'cast them to one dtype in a map' },
    );
  if (rows.some((r) => r.remote)) return stack(rows);
  const { size } = first;
  const out = arrayFor(dtype, size * rows.length, op);
  rows.forEach((r, i) => out.set(r.elements(), i * size));
  return eagerTensor(tensorType(dtype, [rows.length, ...first.shape]), out);
}

/** The values at one place of all elements, as one tensor; texts stay a list. */
function stackColumn(rows: readonly unknown[], path: string, op: string): unknown {
  const shape = shapeOf(rows.find((r) => !isMissing(r)));
  const odd = rows.findIndex((r) => !isMissing(r) && shapeOf(r).join() !== shape.join());
  if (odd >= 0)
    throw new ShapeError(
      `${pathText(path)} of element ${odd} of the batch has shape [${shapeOf(rows[odd])}], before it [${shape}]`,
      { op, fix: 'bring all to one shape first: tf.image.resize, tf.utils.padSequences, or a batch of 1' },
    );
  if (rows.every((r) => r instanceof Tensor)) return stackTensors(rows as Tensor[], path, op);
  if (rows.some((r) => r instanceof ComplexTensor)) return stack(rows as ComplexTensor[]);
  const plain = rows.map((r) => (r instanceof Tensor ? r.arraySync() : r));
  const kinds = kindsIn(plain);
  if (kinds.other)
    throw new ArgumentError(
      `${pathText(path)} is ${kindOf(plain.find((r) => kindsIn(r).other))}, which cannot be part of a batch`,
      { op, fix: 'use numbers, booleans, tensors, typed arrays, and lists or objects of these' },
    );
  return kinds.text && !kinds.number && !kinds.boolean ? plain : plainTensor(plain, op);
}

/**
 * Elements of one structure as one element: each value of them becomes a tensor with a new first axis, in
 * which the elements lie one after the other. Texts stay lists of texts.
 * Throws ShapeError, DTypeError or ArgumentError, naming the place, where elements do not fit together.
 */
export function stackElements(rows: readonly unknown[], op: string, path = ''): unknown {
  const [first] = rows;
  const differs = (i: number, what: string) =>
    new ArgumentError(`${pathText(path)} of element ${i} of the batch is ${kindOf(rows[i])}, ${what}`, {
      op,
      fix: 'give all elements one structure',
    });
  if (isFields(first)) {
    const keys = Object.keys(first);
    rows.forEach((r, i) => {
      if (!isFields(r) || Object.keys(r).length !== keys.length || keys.some((k) => !Object.hasOwn(r, k)))
        throw differs(i, `the first has ${keys.map((k) => `'${k}'`).join(', ') || 'no fields'}`);
    });
    const column = (k: string) => rows.map((r) => (r as Fields)[k]);
    return Object.fromEntries(keys.map((k) => [k, stackElements(column(k), op, fieldPath(path, k))]));
  }
  if (isList(first)) {
    rows.forEach((r, i) => {
      if (!Array.isArray(r) || r.length !== first.length) throw differs(i, `the first has ${first.length} items`);
    });
    return first.map((_, k) =>
      stackElements(
        rows.map((r) => (r as unknown[])[k]),
        op,
        `${path}[${k}]`,
      ),
    );
  }
  return stackColumn(rows, path, op);
}

/** Row i of a tensor along its first axis; eager elements are shared, not copied. */
function rowOf(t: Tensor, i: number): Tensor {
  const shape = t.shape.slice(1);
  if (t.remote) return gather(t, i);
  const size = shape.reduce((n, d) => n * d, 1);
  return eagerTensor(tensorType(t.type.dtype, shape), t.elements().subarray(i * size, (i + 1) * size));
}

/**
 * What a structure of tensors (or what becomes tensors) holds along the first axis of all of them.
 * Throws ShapeError where one is a scalar or the first axes differ.
 */
export function slicesOf(x: unknown, op: string): { size: number; at: (i: number) => unknown } {
  const whole = mapValues(x, (v) => {
    if (v instanceof Tensor) return v.operand();
    const kinds = kindsIn(v);
    return kinds.text && !kinds.number && !kinds.boolean ? v : plainTensor(v, op);
  });
  const lengths = valuesOf(whole).map(({ value, path }) => ({ path, shape: shapeOf(value) }));
  const scalar = lengths.find((l) => l.shape.length === 0);
  if (scalar)
    throw new ShapeError(`${pathText(scalar.path)} is a scalar, which has no first axis to be cut along`, {
      op,
      fix: 'give it an axis, or use Dataset.fromTensors for one element',
    });
  if (lengths.length === 0) throw new ArgumentError('there is nothing to cut', { op, fix: 'give tensors' });
  const [first] = lengths;
  const odd = lengths.find((l) => l.shape[0] !== first.shape[0]);
  if (odd)
    throw new ShapeError(
      `${pathText(odd.path)} has ${odd.shape[0]} rows ([${odd.shape}]), ${pathText(first.path)} ${first.shape[0]} ([${first.shape}])`,
      { op, fix: 'give all of them first axes of one size' },
    );
  const cut = (v: unknown, i: number) => (v instanceof Tensor ? rowOf(v, i) : (v as unknown[])[i]);
  // A structure once known is walked without asking again which lists are structures.
  const walk = (y: unknown): ((i: number) => unknown) => {
    if (isList(y)) {
      const parts = y.map(walk);
      return (i) => parts.map((p) => p(i));
    }
    if (isFields(y)) {
      const parts = Object.entries(y).map(([k, v]) => [k, walk(v)] as const);
      return (i) => Object.fromEntries(parts.map(([k, p]) => [k, p(i)]));
    }
    return (i) => cut(y, i);
  };
  return { size: first.shape[0], at: walk(whole) };
}
