// Sequences of different lengths as tensors, and the word pairs that embeddings are learnt from.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import { arrayFor } from '../../../ir/literal.ts';
import { Random, seedOr } from '../../data/random.ts';
import { inferShape, makeTensor } from '../../trace/convert.ts';
import { type DataType, irDType } from '../../trace/dtypes.ts';
import { listArg, need, numberArg } from '../../trace/ops/common.ts';
import { Tensor } from '../../trace/tensor.ts';
import { checkOptions } from '../engine/names.ts';

type Side = 'pre' | 'post';

/** How `padSequences` brings sequences to one length. */
export interface PadOptions {
  /** The length; the longest sequence's by default. */
  readonly maxlen?: number | null;
  /** 'int32' by default. */
  readonly dtype?: DataType;
  /** Whether short sequences are filled before their first or behind their last step, 'pre' by default. */
  readonly padding?: Side;
  /** Whether long sequences lose their first or their last steps, 'pre' by default. */
  readonly truncating?: Side;
  /** What fills them, 0 by default. */
  readonly value?: number;
}

const isSide = (x: unknown): x is Side => x === 'pre' || x === 'post';
const isRow = (x: unknown): x is ArrayLike<unknown> => Array.isArray(x) || (ArrayBuffer.isView(x) && 'length' in x);

/**
 * Sequences (lists of numbers, or of equally shaped arrays) as one tensor [sequences, maxlen, ...]: short ones
 * are filled, long ones cut. Throws ShapeError where steps have different shapes, DTypeError for numbers that
 * the dtype does not hold.
 */
export function padSequences(sequences: readonly ArrayLike<unknown>[], options: PadOptions = {}): Tensor {
  const op = 'utils.padSequences';
  listArg(sequences, 'sequences', op);
  checkOptions(options, ['maxlen', 'dtype', 'padding', 'truncating', 'value'], op);
  const { dtype = 'int32', padding = 'pre', truncating = 'pre', value = 0 } = options ?? {};
  need(isSide(padding), op, "padding must be 'pre' or 'post'", padding);
  need(isSide(truncating), op, "truncating must be 'pre' or 'post'", truncating);
  numberArg(value, 'value', op);
  const rows = sequences.map((s, i) => {
    const row = s instanceof Tensor && s.rank > 0 ? (s.arraySync() as unknown[]) : s;
    need(isRow(row), op, `sequence ${i} must be a list`, s);
    return row;
  });
  const length = options?.maxlen ?? rows.reduce((n, r) => Math.max(n, r.length), 0);
  need(Number.isInteger(length) && length >= 0, op, 'maxlen must be a whole number from 0 on', length);
  const first = rows.find((r) => r.length > 0);
  const step = first ? inferShape(first[0], op) : [];
  const size = step.reduce((n, d) => n * d, 1);
  const type = irDType(dtype, op);
  const shape = [rows.length, length, ...step];
  const out = arrayFor(type, rows.length * length * size, op).fill(makeTensor(value, [], type, op).elements()[0]);
  rows.forEach((row, i) => {
    const n = Math.min(row.length, length);
    if (n === 0) return;
    const kept = Array.from({ length: n }, (_, k) => row[truncating === 'pre' ? row.length - n + k : k]);
    const t = makeTensor(kept, undefined, type, op);
    if (t.shape.slice(1).join() !== step.join())
      throw new ShapeError(`the steps of sequence ${i} have shape [${t.shape.slice(1)}], those before [${step}]`, {
        op,
        fix: 'give all steps one shape',
      });
    out.set(t.elements(), (i * length + (padding === 'pre' ? length - n : 0)) * size);
  });
  return makeTensor(out, shape, type, op);
}

/**
 * The probability of keeping the word of each rank (1 is the most frequent), so that frequent words are drawn
 * less often (Mikolov et al. 2013); frequencies are taken to follow Zipf's law.
 */
export function makeSamplingTable(size: number, samplingFactor = 1e-5): Float64Array {
  const op = 'utils.makeSamplingTable';
  need(Number.isInteger(size) && size >= 1, op, 'size must be a whole number from 1 on', size);
  need(
    Number.isFinite(samplingFactor) && samplingFactor > 0,
    op,
    'samplingFactor must be a positive number',
    samplingFactor,
  );
  const gamma = 0.577;
  return (arrayFor('f64', size, op) as Float64Array).map((_, i) => {
    const rank = Math.max(1, i);
    // The sum of 1/k up to rank, as Euler and Maclaurin approximate it, times the rank.
    const inverse = rank * (Math.log(rank) + gamma) + 0.5 - 1 / (12 * rank);
    return Math.min(1, Math.sqrt(samplingFactor * inverse));
  });
}

/** How `skipgrams` makes pairs. */
export interface SkipgramOptions {
  /** How far from a word its neighbours may be, 4 by default. */
  readonly windowSize?: number;
  /** Random pairs for each true one, 1 by default. */
  readonly negativeSamples?: number;
  /** Whether pairs come in a random order, true by default. */
  readonly shuffle?: boolean;
  /** Whether labels are [1, 0] and [0, 1] instead of 0 and 1. */
  readonly categorical?: boolean;
  /** The probability of keeping each word, as `makeSamplingTable` gives it. */
  readonly samplingTable?: ArrayLike<number> | null;
  /** The same seed gives the same pairs; without one `tf.setRandomSeed` determines them. */
  readonly seed?: number | string;
}

/**
 * Pairs [word, word beside it] with the label 1, and [word, random word] with the label 0. Words are whole
 * numbers below `vocabularySize`; 0 stands for none and is left out.
 * Throws ArgumentError for what is no such sequence.
 */
export function skipgrams(
  sequence: ArrayLike<number>,
  vocabularySize: number,
  options: SkipgramOptions = {},
): { couples: [number, number][]; labels: (number | [number, number])[] } {
  const op = 'utils.skipgrams';
  need(isRow(sequence), op, 'sequence must be a list of whole numbers', sequence);
  checkOptions(options, ['windowSize', 'negativeSamples', 'shuffle', 'categorical', 'samplingTable', 'seed'], op);
  const {
    windowSize = 4,
    negativeSamples = 1,
    shuffle = true,
    categorical = false,
    samplingTable,
    seed,
  } = options ?? {};
  need(
    Number.isInteger(vocabularySize) && vocabularySize >= 2 && vocabularySize <= 2 ** 32,
    op,
    'vocabularySize must be a whole number from 2 to 2^32',
    vocabularySize,
  );
  need(Number.isInteger(windowSize) && windowSize >= 0, op, 'windowSize must be a whole number from 0 on', windowSize);
  need(
    Number.isFinite(negativeSamples) && negativeSamples >= 0,
    op,
    'negativeSamples must be a number from 0 on',
    negativeSamples,
  );
  const random = new Random(seedOr(seed));
  const words = Array.from(sequence);
  const bad = words.find((w) => !Number.isInteger(w) || w < 0 || w >= vocabularySize);
  if (bad !== undefined)
    throw new ArgumentError(`the sequence holds ${valueText(bad)}, which is no word`, {
      op,
      fix: `words are whole numbers from 0 to vocabularySize - 1 = ${vocabularySize - 1}`,
    });
  const couples: [number, number][] = [];
  words.forEach((w, i) => {
    if (w === 0 || (samplingTable && samplingTable[w] < random.next())) return;
    const around = words.slice(Math.max(0, i - windowSize), i).concat(words.slice(i + 1, i + windowSize + 1));
    for (const other of around) if (other !== 0) couples.push([w, other]);
  });
  const positive = couples.length;
  const centres = couples.map(([w]) => w);
  random.shuffle(centres);
  const negative = Math.floor(positive * negativeSamples);
  for (let i = 0; i < negative; i++) couples.push([centres[i % positive], 1 + random.below(vocabularySize - 1)]);
  const order = couples.map((_, i) => i);
  if (shuffle) random.shuffle(order);
  const label = (i: number): number | [number, number] => {
    const hit = i < positive ? 1 : 0;
    return categorical ? [1 - hit, hit] : hit;
  };
  return { couples: order.map((i) => couples[i]), labels: order.map(label) };
}
