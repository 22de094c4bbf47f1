// NumPy's indexing, written as text and values: x.at('..., 1:, ::-1'), x.at(0, ':', tf.newaxis, indices).

import { ArgumentError, DTypeError, ShapeError, type SinterError } from '../../../ir/errors.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { Tensor } from '../tensor.ts';
import { arg } from './common.ts';
import { gather, rangeOf } from './indexing.ts';

/** In `at`: an axis of size 1. */
export const newaxis = null;

/** Text (entries separated by commas), an index, `tf.newaxis`, or an int32 tensor of indices. */
export type IndexSpec = string | number | null | Tensor;

/** One entry of a specification, and where its text stands. */
type Entry = { readonly from: number; readonly text: string } & (
  | { readonly kind: 'slice'; readonly begin: number | null; readonly end: number | null; readonly step: number }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'indices'; readonly indices: Tensor }
  | { readonly kind: 'ellipsis' | 'newaxis' }
);

/** The specification as written, for errors to point into. */
class Spec {
  readonly text: string;
  readonly entries: Entry[] = [];

  constructor(parts: readonly IndexSpec[]) {
    const texts = parts.map((p) =>
      typeof p === 'string'
        ? p
        : p === null
          ? 'newaxis'
          : p instanceof Tensor
            ? `<${p.dtype} [${p.shape}]>`
            : String(p),
    );
    this.text = texts.join(', ');
    let from = 0;
    parts.forEach((p, i) => {
      if (typeof p === 'string') this.#parse(p, from);
      else this.#value(p, from, texts[i]);
      from += texts[i].length + 2;
    });
    const dots = this.entries.filter((e) => e.kind === 'ellipsis');
    if (dots.length > 1)
      throw this.error(ArgumentError, dots[1], "a second '...'", 'one stands for all axes not named');
    const tensors = this.entries.filter((e) => e.kind === 'indices');
    if (tensors.length > 1)
      throw this.error(
        ArgumentError,
        tensors[1],
        'a second tensor of indices',
        'index one axis after the other, or use tf.gatherND',
      );
  }

  /** The error with the specification below, the entry marked. */
  error(
    Err: new (message: string, info: object) => SinterError,
    at: { from: number; text: string },
    message: string,
    fix?: string,
  ): SinterError {
    const mark = ' '.repeat(at.from) + '^'.repeat(Math.max(1, at.text.length));
    return new Err(`${message}\n    ${this.text}\n    ${mark}`, { op: 'at', fix });
  }

  #value(p: number | null | Tensor, from: number, text: string): void {
    const at = { from, text };
    if (p === null) this.entries.push({ ...at, kind: 'newaxis' });
    else if (p instanceof Tensor) {
      if (p.type.dtype !== 'i32')
        throw this.error(
          DTypeError,
          at,
          `indices must be int32, got ${p.dtype}`,
          p.dtype === 'bool' ? 'tf.booleanMask takes a mask' : "cast them: indices.cast('int32')",
        );
      this.entries.push({ ...at, kind: 'indices', indices: p });
    } else if (Number.isInteger(p)) this.entries.push({ ...at, kind: 'index', index: p });
    else
      throw this.error(
        ArgumentError,
        at,
        'an entry must be text, a whole number, tf.newaxis or an int32 tensor',
        "such as x.at('1:, ::-1')",
      );
  }

  /** Entries of a text, which commas separate; one may stand at the end. */
  #parse(source: string, from: number): void {
    const pieces = source.split(',');
    if (pieces.length > 1 && pieces[pieces.length - 1].trim() === '') pieces.pop();
    let offset = from;
    for (const piece of pieces) {
      const text = piece.trim();
      this.#entry(text, offset + piece.length - piece.trimStart().length);
      offset += piece.length + 1;
    }
  }

  #entry(text: string, from: number): void {
    const at = { from, text };
    if (text === '...') this.entries.push({ ...at, kind: 'ellipsis' });
    else if (text === 'newaxis' || text === 'None') this.entries.push({ ...at, kind: 'newaxis' });
    else if (/^[+-]?\d+$/.test(text)) this.entries.push({ ...at, kind: 'index', index: Number(text) });
    else {
      const m = /^([+-]?\d+)?\s*:\s*([+-]?\d+)?\s*(?::\s*([+-]?\d+)?)?$/.exec(text);
      if (!m)
        throw this.error(
          ArgumentError,
          at,
          text === '' ? 'an empty entry' : `'${text}' is no index`,
          "write a number, 'begin:end:step', '...' or 'newaxis'",
        );
      const [begin, end, step] = m.slice(1).map((s) => (s === undefined ? null : Number(s)));
      if (step === 0)
        throw this.error(ArgumentError, at, 'a step of 0', 'steps are at least 1, or at most -1 to go backwards');
      this.entries.push({ ...at, kind: 'slice', begin, end, step: step ?? 1 });
    }
  }
}

/** What is left of the axes: where slices begin, how many elements they have, which run backwards. */
class Selection {
  readonly begin: number[] = [];
  readonly size: number[] = [];
  readonly step: number[] = [];
  readonly backwards: number[] = [];
  readonly shape: number[] = [];
  /** The axis of the result (before the tensor's own axes take its place) that a tensor indexes. */
  gathered: { axis: number; indices: Tensor } | undefined;
  readonly #t: Tensor;

  constructor(t: Tensor) {
    this.#t = t;
  }

  keep(): void {
    const n = this.#t.shape[this.begin.length];
    this.#take(0, n, 1);
    this.shape.push(n);
  }

  #take(begin: number, size: number, step: number): void {
    this.begin.push(begin);
    this.size.push(size);
    this.step.push(step);
  }

  add(e: Entry, spec: Spec): void {
    const axis = this.begin.length;
    const n = this.#t.shape[axis];
    if (e.kind === 'newaxis') this.shape.push(1);
    else if (e.kind === 'index') {
      if (e.index < -n || e.index >= n)
        throw spec.error(
          ShapeError,
          e,
          `index ${e.index} is outside of axis ${axis} of [${this.#t.shape}]`,
          n === 0 ? 'the axis is empty' : `use an index from ${-n} to ${n - 1}`,
        );
      this.#take(e.index < 0 ? e.index + n : e.index, 1, 1);
    } else if (e.kind === 'slice') {
      const r = rangeOf(this.#t, axis, e.begin ?? 0, e.end ?? 0, e.step, e.begin === null, e.end === null, false);
      this.#take(r.low, r.count, Math.abs(r.step));
      if (r.step < 0) this.backwards.push(axis);
      this.shape.push(r.count);
    } else if (e.kind === 'indices') {
      this.gathered = { axis: this.shape.length, indices: e.indices };
      this.keep();
    }
  }
}

/**
 * Parts of a tensor as NumPy indexes them. Entries, as arguments or separated by commas in text:
 * `begin:end:step` (each may be missing; negative positions count from the end, negative steps go
 * backwards), a whole number (which drops its axis), `...` (all axes not named), `newaxis`, and one int32
 * tensor, whose axes take the place of the axis that it indexes (a position outside of it gives zeros).
 *
 * `x.at('..., 1:, ::-1')`, `x.at(0, ':', tf.newaxis)`, `x.at(tf.tensor1d([2, 0], 'int32'), '-1')`
 *
 * Throws ArgumentError for text that is no index, ShapeError for positions and for more entries than
 * axes, DTypeError for a tensor that is not int32; each marks the entry.
 */
export function at(x: TensorLike, ...spec: IndexSpec[]): Tensor {
  const t = arg(x, 'x', 'at');
  const s = new Spec(spec);
  const axes = s.entries.filter((e) => e.kind !== 'newaxis' && e.kind !== 'ellipsis');
  if (axes.length > t.rank)
    throw s.error(
      ShapeError,
      axes[t.rank],
      `${axes.length} entries for the ${t.rank} axes of [${t.shape}]`,
      'leave entries away, or add axes with newaxis',
    );
  const sel = new Selection(t);
  for (const e of s.entries)
    if (e.kind === 'ellipsis') for (let k = axes.length; k < t.rank; k++) sel.keep();
    else sel.add(e, s);
  while (sel.begin.length < t.rank) sel.keep();
  const whole = t.shape.every((d, i) => sel.size[i] === d && sel.step[i] === 1);
  const cut = whole ? t : b.slice(t, sel.begin, sel.size, sel.step);
  const y = b.reshape(b.reverse(cut, sel.backwards), sel.shape) as Tensor;
  if (!sel.gathered) return y;
  const { axis, indices } = sel.gathered;
  const positive = b.select(b.compare('lt', indices, 0), b.add(indices, y.shape[axis]), indices) as Tensor;
  return gather(y, positive, axis);
}
