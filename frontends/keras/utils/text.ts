// Text as numbers: words, their indices by frequency, and matrices of what texts hold.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { makeTensor } from '../../trace/convert.ts';
import { listArg, need } from '../../trace/ops/common.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { checkOptions } from '../engine/names.ts';
import type { Config } from '../engine/serialize.ts';
import { md5 } from './md5.ts';

/** What stands between words. */
const FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n';

/** How text becomes words. */
export interface WordOptions {
  /** Characters that are left out: punctuation, tabs and line ends by default. */
  readonly filters?: string;
  /** Whether all letters become small, true by default. */
  readonly lower?: boolean;
  /** What stands between words, a space by default. */
  readonly split?: string;
}

const wordOptions = ['filters', 'lower', 'split'] as const;

function textArg(x: unknown, name: string, op: string): asserts x is string {
  need(typeof x === 'string', op, `${name} must be text`, x);
}

/** The words of a text. */
export function textToWordSequence(text: string, options: WordOptions = {}): string[] {
  const op = 'utils.textToWordSequence';
  textArg(text, 'text', op);
  checkOptions(options, wordOptions, op);
  const { filters = FILTERS, lower = true, split = ' ' } = options ?? {};
  textArg(filters, 'filters', op);
  textArg(split, 'split', op);
  need(split !== '', op, 'split must be text of a character or more', split);
  const left = new Set(filters);
  const clean = Array.from(lower ? text.toLowerCase() : text, (c) => (left.has(c) ? split : c)).join('');
  return clean.split(split).filter((w) => w !== '');
}

/** How `hashingTrick` numbers words. */
export interface HashOptions extends WordOptions {
  /** A number for each word; FNV-1a over its UTF-8 bytes by default; 'md5' gives the numbers of Keras's. */
  readonly hashFunction?: 'md5' | ((word: string) => number);
}

/** 32 bits of a text's UTF-8 bytes (Fowler, Noll, Vo). */
function fnv1a(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** The words of a text as numbers from 1 to n - 1, by a hash: different words may get one number. */
export function hashingTrick(text: string, n: number, options: HashOptions = {}): number[] {
  const op = 'utils.hashingTrick';
  need(Number.isInteger(n) && n >= 2, op, 'n must be a whole number from 2 on', n);
  checkOptions(options, [...wordOptions, 'hashFunction'], op);
  const { hashFunction = fnv1a, ...words } = options ?? {};
  const byMd5 = hashFunction === 'md5';
  need(byMd5 || typeof hashFunction === 'function', op, "hashFunction must be a function or 'md5'", hashFunction);
  return textToWordSequence(text, words).map((w) => {
    if (byMd5) return Number(md5(w) % BigInt(n - 1)) + 1;
    const h = (hashFunction as (word: string) => number)(w);
    need(Number.isInteger(h), op, 'hashFunction must give whole numbers', h);
    return (((h % (n - 1)) + n - 1) % (n - 1)) + 1;
  });
}

/** As `hashingTrick` with the usual hash: Keras's `one_hot`. */
export const oneHot = (text: string, n: number, options: WordOptions = {}): number[] => hashingTrick(text, n, options);

/** How a `Tokenizer` works. */
export interface TokenizerOptions extends WordOptions {
  /** Only the words of indices below this are used: the most frequent ones. */
  readonly numWords?: number | null;
  /** Whether each character is a word. */
  readonly charLevel?: boolean;
  /** Stands for unknown words, and has the index 1. */
  readonly oovToken?: string | null;
  /** Makes words of a text, in the place of the options above. */
  readonly analyzer?: (text: string) => string[];
  /** How many texts were counted before. */
  readonly documentCount?: number;
}

/** A text, or the words of one. */
export type Text = string | readonly string[];
export type MatrixMode = 'binary' | 'count' | 'tfidf' | 'freq';

const options = [...wordOptions, 'numWords', 'charLevel', 'oovToken', 'analyzer', 'documentCount'];
const modes: readonly MatrixMode[] = ['binary', 'count', 'tfidf', 'freq'];
const count = <K>(counts: Map<K, number>, key: K): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/**
 * Gives words numbers by how frequent they are in the texts it has seen (1 is the most frequent; 0 is none), and
 * makes lists or matrices of numbers of texts. Works and is saved as Keras's.
 */
export class Tokenizer {
  readonly numWords: number | null;
  readonly filters: string;
  readonly lower: boolean;
  readonly split: string;
  readonly charLevel: boolean;
  readonly oovToken: string | null;
  /** How often each word was seen. */
  wordCounts = new Map<string, number>();
  /** In how many texts each word was seen. */
  wordDocs = new Map<string, number>();
  /** The same by index. */
  indexDocs = new Map<number, number>();
  /** The index of each word. */
  wordIndex: Record<string, number> = Object.create(null);
  /** The word of each index. */
  indexWord: Record<number, string> = {};
  /** How many texts were seen. */
  documentCount: number;
  readonly #analyzer: ((text: string) => string[]) | undefined;

  constructor(settings: TokenizerOptions = {}) {
    const op = 'utils.Tokenizer';
    checkOptions(settings, options, op);
    const { numWords = null, filters = FILTERS, lower = true, split = ' ', charLevel = false } = settings ?? {};
    const { oovToken = null, analyzer, documentCount = 0 } = settings ?? {};
    need(
      numWords === null || (Number.isInteger(numWords) && numWords >= 1),
      op,
      'numWords must be a whole number from 1 on',
      numWords,
    );
    textArg(filters, 'filters', op);
    textArg(split, 'split', op);
    if (oovToken !== null) textArg(oovToken, 'oovToken', op);
    need(
      analyzer === undefined || analyzer === null || typeof analyzer === 'function',
      op,
      'analyzer must be a function',
      analyzer,
    );
    [this.numWords, this.filters, this.lower, this.split] = [numWords, filters, lower, split];
    [this.charLevel, this.oovToken, this.documentCount] = [charLevel, oovToken, documentCount];
    this.#analyzer = analyzer ?? undefined;
  }

  #words(text: Text): readonly string[] {
    if (Array.isArray(text) && text.every((w) => typeof w === 'string'))
      return this.lower ? text.map((w) => w.toLowerCase()) : text;
    if (typeof text !== 'string')
      throw new ArgumentError(`a text must be a string or a list of words, not ${valueText(text)}`, {
        op: 'Tokenizer',
        fix: "such as ['a text', 'another']",
      });
    if (this.charLevel) return Array.from(this.lower ? text.toLowerCase() : text);
    if (this.#analyzer) return this.#analyzer(text);
    const { filters, lower, split } = this;
    return textToWordSequence(text, { filters, lower, split });
  }

  /** Counts the words of texts and numbers all words anew. */
  fitOnTexts(texts: Iterable<Text>): void {
    for (const text of this.#texts(texts, 'fitOnTexts')) {
      this.documentCount++;
      const words = this.#words(text);
      for (const w of words) count(this.wordCounts, w);
      for (const w of new Set(words)) count(this.wordDocs, w);
    }
    this.#number();
  }

  /** Counts in how many sequences each index is, for the mode 'tfidf'. */
  fitOnSequences(sequences: readonly (readonly number[])[]): void {
    listArg(sequences, 'sequences', 'Tokenizer.fitOnSequences');
    this.documentCount += sequences.length;
    for (const s of sequences) for (const i of new Set(s)) count(this.indexDocs, i);
  }

  #texts(texts: Iterable<Text>, name: string): Iterable<Text> {
    const ok = typeof texts === 'object' && texts !== null && Symbol.iterator in texts;
    need(ok, `Tokenizer.${name}`, 'texts must be a list of texts', texts);
    return texts;
  }

  /** Indices by falling counts; words of one count in the order in which they came. */
  #number(): void {
    const byCount = [...this.wordCounts].sort((a, b) => b[1] - a[1]).map(([w]) => w);
    const all = this.oovToken === null ? byCount : [this.oovToken, ...byCount];
    this.wordIndex = Object.create(null);
    this.indexWord = {};
    all.forEach((w, i) => {
      this.wordIndex[w] = i + 1;
      this.indexWord[i + 1] = w;
    });
    for (const [w, n] of this.wordDocs) this.indexDocs.set(this.wordIndex[w], n);
  }

  get #oov(): number | undefined {
    return this.oovToken === null ? undefined : this.wordIndex[this.oovToken];
  }
  /** The index that is used in the place of one that is unknown or too large, if any. */
  #used(i: number | undefined): number | undefined {
    return i === undefined || (this.numWords !== null && i >= this.numWords) ? this.#oov : i;
  }

  /** The indices of each text's words; unknown words are left out, or become that of `oovToken`. */
  textsToSequences(texts: Iterable<Text>): number[][] {
    return Array.from(this.#texts(texts, 'textsToSequences'), (text) =>
      this.#words(text).flatMap((w) => this.#used(this.wordIndex[w]) ?? []),
    );
  }

  /** The words of indices, with spaces between them. */
  sequencesToTexts(sequences: readonly (readonly number[])[]): string[] {
    listArg(sequences, 'sequences', 'Tokenizer.sequencesToTexts');
    return sequences.map((s) =>
      s.flatMap((i) => this.indexWord[this.#used(i in this.indexWord ? i : undefined) as number] ?? []).join(' '),
    );
  }

  /** `sequencesToMatrix` of the texts' sequences. */
  textsToMatrix(texts: Iterable<Text>, mode: MatrixMode = 'binary'): Tensor {
    return this.sequencesToMatrix(this.textsToSequences(texts), mode);
  }

  /**
   * float32 [sequences, numWords or all words and 1]: whether a sequence holds each index ('binary'), how often
   * ('count'), the share of it ('freq'), or (1 + log count) * log(1 + texts / (1 + texts with it)) ('tfidf').
   */
  sequencesToMatrix(sequences: readonly (readonly number[])[], mode: MatrixMode = 'binary'): Tensor {
    const op = 'Tokenizer.sequencesToMatrix';
    listArg(sequences, 'sequences', op);
    need(modes.includes(mode), op, `mode must be one of ${modes.join(', ')}`, mode);
    const known = Object.keys(this.wordIndex).length;
    need(this.numWords !== null || known > 0, op, 'numWords must be given before texts are seen', this.numWords);
    if (mode === 'tfidf' && this.documentCount === 0)
      throw new ArgumentError("mode 'tfidf' needs to know in how many texts words are", {
        op,
        fix: 'fitOnTexts first',
      });
    const width = this.numWords ?? known + 1;
    const x = new Float32Array(sequences.length * width);
    sequences.forEach((s, row) => {
      const counts = new Map<number, number>();
      for (const i of s) if (i < width) count(counts, i);
      for (const [i, n] of counts) x[row * width + i] = this.#entry(mode, n, s.length, i);
    });
    return makeTensor(x, [sequences.length, width], 'f32', op);
  }

  #entry(mode: MatrixMode, n: number, length: number, index: number): number {
    if (mode === 'binary') return 1;
    if (mode === 'count') return n;
    if (mode === 'freq') return n / length;
    return (1 + Math.log(n)) * Math.log(1 + this.documentCount / (1 + (this.indexDocs.get(index) ?? 0)));
  }

  /** The settings and all counts, as plain data. */
  getConfig(): Config {
    const { numWords, filters, lower, split, charLevel, oovToken, documentCount } = this;
    return {
      numWords,
      filters,
      lower,
      split,
      charLevel,
      oovToken,
      documentCount,
      wordCounts: Object.fromEntries(this.wordCounts),
      wordDocs: Object.fromEntries(this.wordDocs),
      indexDocs: Object.fromEntries(this.indexDocs),
      indexWord: { ...this.indexWord },
      wordIndex: { ...this.wordIndex },
    };
  }

  /** What `JSON.stringify` writes: the file that Keras's `to_json` gives. */
  toJSON(): { class_name: 'Tokenizer'; config: Config } {
    const c = this.getConfig();
    const text = (k: string) => JSON.stringify(c[k]);
    return {
      class_name: 'Tokenizer',
      config: {
        num_words: c.numWords,
        filters: c.filters,
        lower: c.lower,
        split: c.split,
        char_level: c.charLevel,
        oov_token: c.oovToken,
        document_count: c.documentCount,
        word_counts: text('wordCounts'),
        word_docs: text('wordDocs'),
        index_docs: text('indexDocs'),
        index_word: text('indexWord'),
        word_index: text('wordIndex'),
      },
    };
  }
}

/** The tokenizer of a JSON text that it, or Keras's, was saved as. Throws ArgumentError for any other text. */
export function tokenizerFromJSON(json: string): Tokenizer {
  const op = 'utils.tokenizerFromJSON';
  textArg(json, 'json', op);
  try {
    const { config: c } = JSON.parse(json);
    const table = (k: string): Record<string, never> => JSON.parse(c[k]);
    const t = new Tokenizer({
      numWords: c.num_words,
      filters: c.filters,
      lower: c.lower,
      split: c.split,
      charLevel: c.char_level,
      oovToken: c.oov_token,
      documentCount: c.document_count,
    });
    t.wordCounts = new Map(Object.entries(table('word_counts')));
    t.wordDocs = new Map(Object.entries(table('word_docs')));
    t.indexDocs = new Map(Object.entries(table('index_docs')).map(([k, v]) => [Number(k), v]));
    t.indexWord = table('index_word');
    t.wordIndex = Object.assign(Object.create(null), table('word_index'));
    return t;
  } catch (e) {
    throw new ArgumentError(`the text is no saved Tokenizer: ${(e as Error).message}`, {
      op,
      fix: 'give what JSON.stringify(tokenizer) wrote',
    });
  }
}
