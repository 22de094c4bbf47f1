// Einsum with what ONNX allows beyond tf.einsum: no result named, axes named twice in an operand, `...` summed.

import { b, fixed, range } from '../../formats/functions.ts';
import { einsum } from '../../trace/ops/einsum.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Call } from '../call.ts';
import { gatherAxis } from './shapes.ts';

const letters = (term: string): string[] => term.match(/[a-zA-Z]|\.{3}/g) ?? [];

/** The first axis of that name holds the diagonal of it and the second one, which is gone. */
function diagonal(x: Tensor, first: number, second: number): Tensor {
  const n = x.shape[first];
  const rest = range(x.rank).filter((i) => i !== first && i !== second);
  const front = b.transpose(x, [first, second, ...rest]);
  const flat = b.reshape(front, [n * n, ...rest.map((i) => x.shape[i])]);
  const on = gatherAxis(
    flat,
    fixed(
      range(n).map((i) => i * (n + 1)),
      [n],
      'i32',
    ),
    0,
  );
  // Back to the place of the first axis.
  const place = rest.filter((i) => i < first).length;
  return b.transpose(on, [
    ...range(place).map((i) => i + 1),
    0,
    ...range(rest.length - place).map((i) => place + 1 + i),
  ]);
}

/** An operand and its names, each once. */
function distinct(c: Call, x: Tensor, term: string): { x: Tensor; term: string } {
  let names = letters(term);
  let t = x;
  for (;;) {
    const second = names.findIndex((n, i) => names.indexOf(n) !== i);
    if (second < 0) return { x: t, term: names.join('') };
    const first = names.indexOf(names[second]);
    // Axes that `...` stands for lie between.
    const open = t.rank - (names.length - 1);
    const axis = (i: number) => (names.slice(0, i).includes('...') ? i - 1 + open : i);
    if (t.shape[axis(first)] !== t.shape[axis(second)])
      throw c.refuse(`'${term}' names axes of different sizes of [${x.shape}] alike`);
    t = diagonal(t, axis(first), axis(second));
    names = names.filter((_, i) => i !== second);
  }
}

/** Sums of products over the axes that the result does not name. */
export function einstein(c: Call): Tensor {
  const equation = c.text<string>('equation', '').replace(/\s/g, '');
  const [left, given] = equation.split('->');
  const operands = c.all();
  const texts = left.split(',');
  if (texts.length !== operands.length)
    throw c.refuse(`'${equation}' names ${texts.length} operands of ${operands.length}`);
  const terms = operands.map((x, i) => distinct(c, x, texts[i]));
  const all = letters(left);
  // Without a result: the names that stand once, in the order of the alphabet, behind `...`.
  const single = [...new Set(all)].filter((n) => n !== '...' && all.indexOf(n) === all.lastIndexOf(n)).sort();
  const dots = all.includes('...');
  const out = given ?? `${dots ? '...' : ''}${single.join('')}`;
  const full = dots && !out.includes('...') ? `...${out}` : out;
  const y = einsum(`${terms.map((t) => t.term).join()}->${full}`, ...terms.map((t) => t.x));
  const extra = y.rank - letters(out).filter((n) => n !== '...').length;
  return full === out ? y : b.sum(y, range(extra));
}
