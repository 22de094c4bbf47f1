// Batches, and the tensors that they are cut from.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import type { TypedArray } from '../../../ir/literal.ts';
import { type TensorType, tensorType } from '../../../ir/types.ts';
import type { TensorLike } from '../../trace/convert.ts';
import { toTensor } from '../../trace/convert.ts';
import { slice as sliceOf } from '../../trace/ops/indexing.ts';
import { eagerTensor, fetched, type Tensor } from '../../trace/tensor.ts';
import type { LayersModel, ModelInputs } from '../engine/model.ts';
import { didYouMean } from '../engine/names.ts';

/** What one step works on. */
export interface Batch {
  readonly x: readonly Tensor[];
  /** One an output; null where an output has no loss. */
  readonly y: readonly (Tensor | null)[];
  /** Sample weights, one an output. */
  readonly w: readonly (Tensor | null)[];
  readonly size: number;
}

/** Whole data: tensors of equally many samples. */
export interface Samples {
  readonly x: readonly Tensor[];
  readonly y: readonly (Tensor | null)[];
  readonly w: readonly (Tensor | null)[];
  readonly count: number;
}

/** A whole number from `least` on, or the default. */
export function count(x: unknown, name: string, op: string, value: number, least = 1): number {
  if (x === undefined || x === null) return value;
  if (Number.isInteger(x) && (x as number) >= least) return x as number;
  throw new ArgumentError(`${name} must be a whole number from ${least} on, not ${valueText(x)}`, {
    op,
    fix: `leave it out for ${value}`,
  });
}

const isMap = (x: unknown): x is Record<string, unknown> =>
  typeof x === 'object' && x !== null && Object.getPrototypeOf(x) === Object.prototype;

/** Values by output: one, an array, or an object by name. */
function perOutput(given: unknown, model: LayersModel, what: string, op: string): unknown[] {
  const names = model.outputNames;
  const where = `${model.name}.${op}`;
  if (isMap(given)) {
    for (const k of Object.keys(given))
      if (!names.includes(k))
        throw new ArgumentError(`${what} names the output '${k}'`, { op: where, fix: didYouMean(k, names) });
    return names.map((n) => given[n] ?? null);
  }
  const several =
    names.length > 1 ||
    (Array.isArray(given) && given.some((x) => typeof x === 'object' && x !== null && 'dtype' in x));
  const list = several && Array.isArray(given) ? given : [given];
  if (names.length > 0 && list.length !== names.length)
    throw new ArgumentError(
      `the model has ${names.length} output(s) (${names.join(', ')}), ${what} has ${list.length}`,
      {
        op: where,
        fix: 'give an array with one tensor for each output, or an object by their names',
      },
    );
  return [...list];
}

/**
 * Throws ArgumentError for a class number that is none of the output's classes: its loss would be NaN, and so
 * would be all weights after the first step.
 */
function checkClasses(model: LayersModel, y: readonly (Tensor | null)[], op: string): void {
  const classes = model.isCompiled ? model.compiled(op).classes : [];
  y.forEach((t, i) => {
    const n = classes[i];
    // On a GPU only, they are not waited for: `fit` and `trainOnBatch` fetch them before.
    if (!t || !n || t.symbol || t.remote) return;
    const data = t.elements();
    const at = data.findIndex((c: number) => !(c >= 0 && c < n));
    if (at < 0) return;
    const last = `the output '${model.outputNames[i]}' has the classes 0 to ${n - 1}`;
    throw new ArgumentError(`label ${at} is ${data[at]}, ${last}`, {
      op,
      fix: "count classes from 0, or give the last layer more units; one-hot labels go with 'categoricalCrossentropy'",
    });
  });
}

/**
 * Data of a model as tensors, with weights of samples from sample and class weights.
 * @param whole whether batches are cut from it, see `standardizeInputs`
 * Throws ArgumentError and ShapeError where something does not fit the model, or the numbers of samples differ.
 */
export function standardize(
  model: LayersModel,
  given: { x: unknown; y?: unknown; sampleWeight?: unknown; classWeight?: unknown },
  op: string,
  whole = false,
): Samples {
  const x = model.standardizeInputs(given.x as ModelInputs, op, whole);
  const where = `${model.name}.${op}`;
  const tensorOrNull = (v: unknown, name: string) =>
    v === null || v === undefined ? null : toTensor(v as TensorLike, name, op);
  const y =
    given.y === undefined || given.y === null
      ? []
      : perOutput(given.y, model, 'y', op).map((v, i) => tensorOrNull(v, `y[${i}]`));
  const w =
    given.sampleWeight === undefined || given.sampleWeight === null
      ? y.map(() => null)
      : perOutput(given.sampleWeight, model, 'sampleWeight', op).map((v, i) => tensorOrNull(v, `sampleWeight[${i}]`));
  const [first] = x;
  if (first.rank === 0)
    throw new ShapeError('the data is a single number; its first axis must count the samples', {
      op: where,
      fix: 'give an array of samples: tf.tensor([[1, 2]])',
    });
  const count = first.shape[0];
  checkClasses(model, y, where);
  const all: [string, Tensor | null][] = [
    ...x.map((t, i): [string, Tensor] => [model.inputNames[i] ?? `x[${i}]`, t]),
    ...y.map((t, i): [string, Tensor | null] => [`y${y.length > 1 ? `[${i}]` : ''}`, t]),
    ...w.map((t, i): [string, Tensor | null] => [`sampleWeight${w.length > 1 ? `[${i}]` : ''}`, t]),
  ];
  for (const [name, t] of all)
    if (t && t.shape[0] !== count)
      throw new ShapeError(
        `${all[0][0]} has ${count} samples, ${name} has ${t.rank ? t.shape[0] : 'no axis of samples'}: [${t.shape}]`,
        {
          op: where,
          fix: 'inputs, labels and weights must have one entry for each sample along their first axis',
        },
      );
  return withClasses({ x, y, w, count }, given.classWeight, model, where);
}

/** The samples with their weights times the weights of their classes. */
export function withClasses(samples: Samples, classWeight: unknown, model: LayersModel, op: string): Samples {
  const { y, w } = samples;
  if (classWeight === undefined || classWeight === null) return samples;
  const byOutput = Array.isArray(classWeight)
    ? classWeight
    : isMap(classWeight) && model.outputNames.some((n) => n in classWeight)
      ? model.outputNames.map((n) => classWeight[n])
      : y.length === 1
        ? [classWeight]
        : undefined;
  if (!byOutput)
    throw new ArgumentError('classWeight must say which output it is for', {
      op,
      fix: `give an object by output name: ${model.outputNames.join(', ')}`,
    });
  const weighted = w.map((own, i) => {
    const weights = byOutput[i] as Record<string, number> | undefined;
    const labels = y[i];
    if (!weights || !labels) return own;
    return multiply(own, classWeights(labels, weights, op));
  });
  return { ...samples, w: weighted };
}

/** The class of each sample: the label itself, or the place of the largest of one-hot labels. */
function classesOf(labels: Tensor): Int32Array {
  const count = labels.shape[0];
  const data = labels.dataSync();
  const width = count ? data.length / count : 1;
  return Int32Array.from({ length: count }, (_, i) => {
    if (width === 1) return data[i];
    let best = 0;
    for (let k = 1; k < width; k++) if (data[i * width + k] > data[i * width + best]) best = k;
    return best;
  });
}

function classWeights(labels: Tensor, weights: Record<string, number>, op: string): Tensor {
  if (labels.rank > 2)
    throw new ShapeError(`classWeight needs one label for each sample, the labels have the shape [${labels.shape}]`, {
      op,
      fix: 'give sampleWeight instead',
    });
  const out = Float32Array.from(classesOf(labels), (c) => {
    const w = weights[c];
    if (w !== undefined) return w;
    throw new ArgumentError(`classWeight has no weight for class ${c}`, {
      op,
      fix: `give a number for each class; it has ${Object.keys(weights).join(', ') || 'none'}`,
    });
  });
  return eagerTensor(tensorType('f32', [out.length]), out);
}

/** Weights of samples times weights of their classes; sample weights may have a weight for each time step. */
function multiply(own: Tensor | null, classes: Tensor): Tensor {
  if (!own) return classes;
  return own.mul(classes.reshape([classes.size, ...own.shape.slice(1).map(() => 1)]));
}

/**
 * Samples a step: what was asked for, else what the inputs say, else the default. Throws ArgumentError and
 * ShapeError where inputs of a fixed size of the batch would get another one.
 */
export function batchSizeFor(
  model: LayersModel,
  samples: number,
  given: { readonly value: unknown; readonly name: string; readonly standard?: number },
  op: string,
): number {
  const fixed = model.topology?.inputs.find((s) => s.shape[0] !== null)?.shape[0] ?? null;
  const size = count(given.value, given.name, op, fixed ?? given.standard ?? 32);
  if (fixed !== null && samples % fixed !== 0)
    throw new ShapeError(`${samples} samples are no whole number of batches of ${fixed}, which the inputs take`, {
      op,
      fix: 'give other samples or another validationSplit, or leave the size of the batch open',
    });
  if (fixed === null || size === fixed) return size;
  if (samples === fixed) return fixed;
  throw new ArgumentError(`${given.name} is ${size}, the inputs of the model take batches of ${fixed}`, {
    op,
    fix: `leave it out for ${fixed}, or leave the size of the batch open`,
  });
}

/** Brings the tensors of a model's data, by themselves, in arrays or by name, from a GPU to JavaScript. */
export async function fetchData(...data: readonly unknown[]): Promise<void> {
  const parts = data.flatMap((x): unknown[] => (isMap(x) ? Object.values(x) : Array.isArray(x) ? x : [x]));
  await Promise.all(parts.map(fetched));
}

/** Rows from..to of a tensor, without a copy where they are in JavaScript. */
function rows(t: Tensor, from: number, to: number): Tensor {
  if (t.remote) return sliceOf(t, from, to - from);
  const row = t.shape[0] ? t.size / t.shape[0] : 0;
  return eagerTensor(
    tensorType(t.type.dtype, [to - from, ...t.shape.slice(1)]),
    t.elements().subarray(from * row, to * row),
  );
}

/** Part of the samples. */
export function slice(s: Samples, from: number, to: number): Samples {
  const part = (t: Tensor | null) => t && rows(t, from, to);
  return { x: s.x.map((t) => rows(t, from, to)), y: s.y.map(part), w: s.w.map(part), count: to - from };
}

/** The first samples, and the last `share` of them for validation. */
export function split(s: Samples, share: number, op: string): [Samples, Samples] {
  if (!(share > 0 && share < 1))
    throw new ArgumentError(`validationSplit must lie between 0 and 1, not ${valueText(share)}`, {
      op,
      fix: 'it is the share of samples that are kept for validation: 0.2',
    });
  const at = Math.floor(s.count * (1 - share));
  if (at === 0 || at === s.count)
    throw new ArgumentError(
      `validationSplit ${share} of ${s.count} samples leaves none for ${at ? 'validation' : 'training'}`,
      {
        op,
        fix: 'give more data, or validationData',
      },
    );
  return [slice(s, 0, at), slice(s, at, s.count)];
}

/** Cuts batches out of samples; the arrays of a batch are written over by the next one. */
export class Cutter {
  readonly #samples: Samples;
  readonly #reuse: boolean;
  readonly #room = new Map<Tensor, TypedArray>();
  readonly #types = new Map<Tensor, TensorType>();

  /** @param reuse whether nobody keeps a batch: its arrays are used again */
  constructor(samples: Samples, reuse: boolean) {
    this.#samples = samples;
    this.#reuse = reuse;
  }

  /** The samples order[from..to], or from..to themselves without an order. */
  batch(order: Uint32Array | null, from: number, to: number): Batch {
    const s = this.#samples;
    const cut = (t: Tensor) => (order ? this.#gather(t, order, from, to) : rows(t, from, to));
    const maybe = (t: Tensor | null) => t && cut(t);
    return { x: s.x.map(cut), y: s.y.map(maybe), w: s.w.map(maybe), size: to - from };
  }

  #gather(t: Tensor, order: Uint32Array, from: number, to: number): Tensor {
    const n = to - from;
    const row = t.size / t.shape[0];
    const from0 = t.elements();
    let room = this.#room.get(t);
    let type = this.#types.get(t);
    if (!room || !type || !this.#reuse || room.length !== n * row) {
      room = new (from0.constructor as new (n: number) => TypedArray)(n * row);
      type = tensorType(t.type.dtype, [n, ...t.shape.slice(1)]);
      this.#room.set(t, room);
      this.#types.set(t, type);
    }
    if (row === 1) for (let i = 0; i < n; i++) room[i] = from0[order[from + i]];
    else
      for (let i = 0; i < n; i++) {
        const k = order[from + i] * row;
        room.set(from0.subarray(k, k + row), i * row);
      }
    return eagerTensor(type, room);
  }
}
