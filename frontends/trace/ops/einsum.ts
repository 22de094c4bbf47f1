// Einstein summation: the equation is read into lists of axis names, then operands are multiplied two by
// two from the left, each axis summed as soon as nothing later names it.

import { ArgumentError, ShapeError } from '../../../ir/errors.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import { upcast } from '../dtypes.ts';
import type { Tensor } from '../tensor.ts';
import { arg, need, to } from './common.ts';

const op = 'einsum';
/** A tensor and the name of each axis: a letter, or `.k` for the k-th of the axes that `...` stands for. */
interface Term {
  readonly t: Tensor;
  readonly s: readonly string[];
}

const pattern = /^((?:[a-zA-Z]|\.{3})*(?:,(?:[a-zA-Z]|\.{3})*)*)->((?:[a-zA-Z]|\.{3})*)$/;

/** Names of one side of a comma, `...` as `axes` of the `widest` ellipsis, right-aligned as in broadcasting. */
function namesOf(text: string, axes: number, widest: number): string[] {
  const dots = Array.from({ length: axes }, (_, i) => `.${widest - axes + i}`);
  const names = (text.match(/[a-zA-Z]|\.{3}/g) ?? []).flatMap((p) => (p === '...' ? dots : [p]));
  if (new Set(names).size !== names.length || text.split('...').length > 2)
    throw new ArgumentError(`'${text}' names one axis twice`, { op, fix: 'take the diagonal first' });
  return names;
}

/** Operands with their axes named, and the names of the result's. */
function parse(equation: string, tensors: readonly TensorLike[]): { terms: Term[]; out: string[] } {
  need(
    typeof equation === 'string',
    op,
    'the equation must be text',
    equation,
    "write it first: tf.einsum('ij,jk->ik', a, b)",
  );
  const m = pattern.exec(equation.replace(/\s/g, ''));
  if (!m)
    throw new ArgumentError(`the equation '${equation}' is not of the form 'ij,jk->ik'`, {
      op,
      fix: 'name the operands, an arrow and the result',
    });
  const texts = m[1].split(',');
  if (tensors.length !== texts.length)
    throw new ArgumentError(`'${equation}' names ${texts.length} operand(s), ${tensors.length} given`, {
      op,
      fix: 'name as many operands as there are tensors',
    });
  const ts = tensors.map((x, i) => arg(x, `tensors[${i}]`, op));
  const ellipsis = texts.map((s, i) => {
    const letters = s.replaceAll('...', '').length;
    const rest = ts[i].rank - letters;
    if (rest < 0 || (rest > 0 && !s.includes('...')))
      throw new ShapeError(`operand ${i} has shape [${ts[i].shape}], '${s}' names ${letters} axes`, {
        op,
        fix: "name every axis, or use '...'",
      });
    return rest;
  });
  const widest = Math.max(...ellipsis);
  const out = namesOf(m[2], widest, widest);
  if (widest > 0 && !m[2].includes('...'))
    throw new ArgumentError(`the result '${m[2]}' leaves out the axes of '...'`, { op, fix: "put '...' there too" });
  const terms = texts.map((s, i) => ({ t: ts[i], s: namesOf(s, ellipsis[i], widest) }));
  const missing = out.find((c) => !terms.some(({ s }) => s.includes(c)));
  if (missing)
    throw new ArgumentError(`'${missing}' of the result is in no operand`, {
      op,
      fix: 'take the letter from an operand',
    });
  return { terms: broadcastDots(terms), out };
}

/** Checks that names agree in size. Axes of `...` may have size 1 instead, and are dropped there. */
function broadcastDots(terms: readonly Term[]): Term[] {
  const size = new Map<string, number>();
  for (const { t, s } of terms)
    s.forEach((c, k) => {
      const d = t.shape[k];
      const known = size.get(c) ?? d;
      if (known !== d && !(c.startsWith('.') && (known === 1 || d === 1)))
        throw new ShapeError(`axis '${c.startsWith('.') ? '...' : c}' has sizes ${known} and ${d}`, {
          op,
          fix: 'give the axis one size, or two names',
        });
      size.set(c, known === 1 ? d : known);
    });
  return terms.map(({ t, s }) => {
    const kept = s.flatMap((c, k) => (t.shape[k] === size.get(c) ? [k] : []));
    return {
      t: b.reshape(
        t,
        kept.map((k) => t.shape[k]),
      ) as Tensor,
      s: kept.map((k) => s[k]),
    };
  });
}

/** The axes summed that `keep` does not name. */
function sumOthers({ t, s }: Term, keep: ReadonlySet<string>): Term {
  const lone = s.flatMap((c, k) => (keep.has(c) ? [] : [k]));
  return lone.length ? { t: b.sum(t, lone) as Tensor, s: s.filter((c) => keep.has(c)) } : { t, s };
}

/** The product of two terms, its axes summed that `keep` does not name. */
function multiply(left: Term, right: Term, keep: ReadonlySet<string>): Term {
  const x = sumOthers(left, new Set([...keep, ...right.s]));
  const y = sumOthers(right, new Set([...keep, ...left.s]));
  const shared = x.s.filter((c) => y.s.includes(c));
  const batch = shared.filter((c) => keep.has(c));
  const summed = shared.filter((c) => !keep.has(c));
  const at = (term: Term, names: readonly string[]) => names.map((c) => term.s.indexOf(c));
  const t = b.dot(x.t, y.t, [at(x, summed), at(y, summed)], [at(x, batch), at(y, batch)]) as Tensor;
  const own = (term: Term) => term.s.filter((c) => !shared.includes(c));
  return { t, s: [...batch, ...own(x), ...own(y)] };
}

/**
 * Einstein summation: `tf.einsum('ij,jk->ik', a, b)`. Every letter is an axis; what the right side does
 * not name is summed. `...` stands for any further axes, which broadcast and stay. Any number of operands,
 * multiplied from left to right.
 * Throws ArgumentError for an equation it does not understand, ShapeError for sizes that differ.
 */
export function einsum(equation: string, ...tensors: readonly TensorLike[]): Tensor {
  const { terms, out } = parse(equation, tensors);
  const dtype = terms.map(({ t }) => t.type.dtype).reduce((p, q) => upcast(p, q, op));
  const [first, ...rest] = terms.map(({ t, s }) => ({ t: to(t, dtype === 'bool' ? 'i32' : dtype), s }));
  const product = rest.reduce(
    (left, right, i) => multiply(left, right, new Set([...out, ...rest.slice(i + 1).flatMap(({ s }) => s)])),
    first,
  );
  const { t, s } = sumOthers(product, new Set(out));
  return b.transpose(
    t,
    out.map((c) => s.indexOf(c)),
  ) as Tensor;
}
