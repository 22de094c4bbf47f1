// tf.utils: labels, sequences, texts.

import { createHash } from 'node:crypto';
import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo } from '../frontend/helpers.ts';

describe('labels', () => {
  it('one-hot rows', () => {
    const y = tf.utils.toCategorical([0, 2, 1]);
    expect(y.dtype).toBe('float32');
    equalTo(y, [
      [1, 0, 0],
      [0, 0, 1],
      [0, 1, 0],
    ]);
    equalTo(tf.utils.toCategorical([[1], [0]], 3), [
      [0, 1, 0],
      [1, 0, 0],
    ]);
    equalTo(tf.utils.toCategorical(tf.tensor([[0, 1]], [1, 2], 'int32'), 2), [
      [
        [1, 0],
        [0, 1],
      ],
    ]);
    expect(() => tf.utils.toCategorical([0, 3], 3)).toThrow(/a label is 3, where numClasses is 3[\s\S]*at least 4/);
    expect(() => tf.utils.toCategorical([-1])).toThrow(/label 0 must be a whole number from 0 on, got -1/);
    expect(() => tf.utils.toCategorical([0.5])).toThrow(/got 0.5/);
    const traced = tf.func((x: tf.Tensor) => tf.utils.toCategorical(x, 2));
    equalTo(traced(tf.tensor([1, 0], [2], 'int32')), [
      [0, 1],
      [1, 0],
    ]);
    expect(() => tf.func((x: tf.Tensor) => tf.utils.toCategorical(x))(tf.tensor([1]))).toThrow(tf.TraceError);
  });
  it('unit vectors', () => {
    close(
      tf.utils.normalize([
        [3, 4],
        [0, 0],
      ]),
      [
        [0.6, 0.8],
        [0, 0],
      ],
    );
    close(
      tf.utils.normalize(
        [
          [3, 4],
          [4, 3],
        ],
        0,
      ),
      [
        [0.6, 0.8],
        [0.8, 0.6],
      ],
    );
    close(tf.utils.normalize([1, -3], -1, 1), [0.25, -0.75]);
    close(tf.utils.normalize([1, -3], -1, Number.POSITIVE_INFINITY), [1 / 3, -1]);
    const n3 = (1 + 8) ** (1 / 3);
    close(tf.utils.normalize([1, -2], -1, 3), [1 / n3, -2 / n3]);
    expect(() => tf.utils.normalize([1], 3)).toThrow(tf.ShapeError);
    expect(() => tf.utils.normalize([1], 0, 0)).toThrow(/order must be a positive number/);
  });
  it('weights of classes', () => {
    // 6 samples, 3 classes: 6 / (3 * count).
    const want = { 0: 2 / 3, 1: 2, 4: 1 };
    expect(tf.utils.classWeights([0, 4, 0, 1, 0, 4])).toEqual(want);
    expect(tf.utils.classWeights(tf.tensor([0, 4, 0, 1, 0, 4], [6, 1]))).toEqual(want);
    expect(
      tf.utils.classWeights([
        [1, 0],
        [1, 0],
        [0, 1],
        [1, 0],
      ]),
    ).toEqual({ 0: 4 / 6, 1: 2 });
    expect(() => tf.utils.classWeights([0.5])).toThrow(tf.ArgumentError);
    expect(() => tf.utils.classWeights(tf.zeros([2, 2, 2]))).toThrow(tf.ShapeError);
  });
});

describe('sequences', () => {
  it('padded and cut on either side', () => {
    const s = [[1], [2, 3], [4, 5, 6]];
    const t = tf.utils.padSequences(s);
    expect(t.dtype).toBe('int32');
    equalTo(t, [
      [0, 0, 1],
      [0, 2, 3],
      [4, 5, 6],
    ]);
    equalTo(tf.utils.padSequences(s, { maxlen: 2 }), [
      [0, 1],
      [2, 3],
      [5, 6],
    ]);
    equalTo(tf.utils.padSequences(s, { maxlen: 2, truncating: 'post', padding: 'post', value: -1 }), [
      [1, -1],
      [2, 3],
      [4, 5],
    ]);
    const wide = tf.utils.padSequences(
      [
        [[1, 2]],
        [
          [3, 4],
          [5, 6.5],
        ],
        [],
      ],
      { dtype: 'float32', maxlen: 2, value: 0.5 },
    );
    equalTo(wide, [
      [
        [0.5, 0.5],
        [1, 2],
      ],
      [
        [3, 4],
        [5, 6.5],
      ],
      [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
    ]);
    equalTo(tf.utils.padSequences([Int32Array.of(1, 2)], { maxlen: 1 }), [[2]]);
    expect(tf.utils.padSequences([]).shape).toEqual([0, 0]);
  });
  it('refuse what does not fit', () => {
    expect(() => tf.utils.padSequences([[1.5]])).toThrow(tf.DTypeError);
    expect(() => tf.utils.padSequences([[[1, 2]], [[1]]])).toThrow(
      /steps of sequence 1 have shape \[1\], those before \[2\]/,
    );
    expect(() => tf.utils.padSequences([[1]], { padding: 'left' as never })).toThrow(
      /padding must be 'pre' or 'post', got 'left'/,
    );
    expect(() => tf.utils.padSequences([[1]], { maxLen: 3 } as never)).toThrow(/did you mean 'maxlen'/);
    expect(() => tf.utils.padSequences([3 as never])).toThrow(/sequence 0 must be a list, got 3/);
  });
  it('sampling tables', () => {
    const table = tf.utils.makeSamplingTable(3, 1e-3);
    // sqrt(t * (r (ln r + 0.577) + 1/2 - 1/(12 r))), r = 1, 1, 2.
    const p = (r: number) => Math.sqrt(1e-3 * (r * (Math.log(r) + 0.577) + 0.5 - 1 / (12 * r)));
    [p(1), p(1), p(2)].forEach((x, i) => void expect(table[i]).toBeCloseTo(x, 12));
    expect(tf.utils.makeSamplingTable(2, 100)[1]).toBe(1);
  });
  it('skip-grams', () => {
    const r = tf.utils.skipgrams([1, 0, 2, 3], 4, { windowSize: 1, negativeSamples: 0, shuffle: false });
    expect(r).toEqual({
      couples: [
        [2, 3],
        [3, 2],
      ],
      labels: [1, 1],
    });
    const all = tf.utils.skipgrams([1, 2, 3], 10, {
      windowSize: 2,
      negativeSamples: 2,
      shuffle: false,
      categorical: true,
      seed: 1,
    });
    expect(all.couples.slice(0, 6)).toEqual([
      [1, 2],
      [1, 3],
      [2, 1],
      [2, 3],
      [3, 1],
      [3, 2],
    ]);
    expect(all.labels).toEqual([...new Array(6).fill([0, 1]), ...new Array(12).fill([1, 0])]);
    const negative = all.couples.slice(6);
    expect(negative.map(([w]) => w).sort()).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    for (const [, w] of negative) expect(w >= 1 && w < 10).toBe(true);
    const s = Array.from({ length: 50 }, (_, i) => i % 7);
    const draw = (seed: number) => tf.utils.skipgrams(s, 7, { seed });
    expect(draw(3)).toEqual(draw(3));
    expect(draw(3)).not.toEqual(draw(4));
    // Shuffled together: whatever stands beside its label was made for it.
    const near = (a: number, b: number) =>
      s.some(
        (x, i) => x === a && s.slice(Math.max(0, i - 4), i + 5).some((y, k) => y === b && Math.max(0, i - 4) + k !== i),
      );
    const { couples, labels } = draw(3);
    couples.forEach(([a, b], i) => {
      if (labels[i] === 1) expect(near(a, b)).toBe(true);
    });
    expect(labels.filter((l) => l === 1).length).toBe(labels.length / 2);
    const never = tf.utils.skipgrams(s, 7, { samplingTable: new Array(7).fill(0) });
    expect(never.couples).toEqual([]);
    expect(() => tf.utils.skipgrams([1, 9], 9)).toThrow(/holds 9, which is no word[\s\S]*0 to vocabularySize - 1 = 8/);
  });
});

describe('texts', () => {
  it('words', () => {
    expect(tf.utils.textToWordSequence('The cat, the DOG!\tA\ncow  ')).toEqual([
      'the',
      'cat',
      'the',
      'dog',
      'a',
      'cow',
    ]);
    expect(tf.utils.textToWordSequence('A-b;c', { filters: ';', lower: false, split: '-' })).toEqual(['A', 'b', 'c']);
    const ones = tf.utils.oneHot('red green red', 50);
    expect(ones[0]).toBe(ones[2]);
    // FNV-1a of 'a' is 0xe40c292c, as its authors list it.
    expect(tf.utils.hashingTrick('a', 1001)).toEqual([(0xe40c292c % 1000) + 1]);
    const digest = (w: string) => BigInt(`0x${createHash('md5').update(w).digest('hex')}`);
    const long = 'ä'.repeat(60);
    expect(tf.utils.hashingTrick(`cat ${long} 日本`, 1000, { hashFunction: 'md5' })).toEqual(
      ['cat', long, '日本'].map((w) => Number(digest(w) % 999n) + 1),
    );
    expect(tf.utils.hashingTrick('a bb', 10, { hashFunction: (w) => -w.length })).toEqual([9, 8]);
    expect(() => tf.utils.hashingTrick('a', 1)).toThrow(/n must be a whole number from 2 on/);
    expect(() => tf.utils.textToWordSequence(3 as never)).toThrow(/text must be text, got 3/);
  });
  const texts = ['the cat sat on the mat', 'the dog ate the cat', 'dogs'];
  it('a tokenizer numbers by frequency', () => {
    const t = new tf.utils.Tokenizer();
    t.fitOnTexts(texts);
    expect({ ...t.wordIndex }).toEqual({ the: 1, cat: 2, sat: 3, on: 4, mat: 5, dog: 6, ate: 7, dogs: 8 });
    expect(t.wordDocs.get('the')).toBe(2);
    expect(t.documentCount).toBe(3);
    expect(t.textsToSequences(['the dogs bark', ['MAT', 'toString']])).toEqual([[1, 8], [5]]);
    expect(t.sequencesToTexts([[1, 8, 99], []])).toEqual(['the dogs', '']);
    expect(t.textsToMatrix(['x']).shape).toEqual([1, 9]);
  });
  it('a tokenizer with few words and a token for the others', () => {
    const t = new tf.utils.Tokenizer({ numWords: 4, oovToken: '?' });
    t.fitOnTexts(texts);
    // '?' is 1, 'the' 2, 'cat' 3; what is from 4 on becomes 1.
    expect(t.textsToSequences(['the cat sat unknown'])).toEqual([[2, 3, 1, 1]]);
    expect(t.sequencesToTexts([[2, 3, 4, 77]])).toEqual(['the cat ? ?']);
    equalTo(t.textsToMatrix(['the cat sat the'], 'count'), [[0, 1, 2, 1]]);
    close(t.textsToMatrix(['the cat sat the'], 'freq'), [[0, 0.25, 0.5, 0.25]]);
    equalTo(t.textsToMatrix(['the the', ''], 'binary'), [
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ]);
    const idf = (docs: number) => Math.log(1 + 3 / (1 + docs));
    close(t.textsToMatrix(['the the cat zzz'], 'tfidf'), [[0, idf(0), (1 + Math.log(2)) * idf(2), idf(2)]]);
  });
  it('characters, analyzers, sequences', () => {
    const c = new tf.utils.Tokenizer({ charLevel: true });
    c.fitOnTexts(['aab', 'Ab']);
    expect(c.textsToSequences(['ba'])).toEqual([[2, 1]]);
    const a = new tf.utils.Tokenizer({ analyzer: (text) => text.split('|') });
    a.fitOnTexts(['x y|z']);
    expect({ ...a.wordIndex }).toEqual({ 'x y': 1, z: 2 });
    const s = new tf.utils.Tokenizer({ numWords: 3 });
    s.fitOnSequences([[1, 1, 2], [1]]);
    close(s.sequencesToMatrix([[1, 2]], 'tfidf'), [[0, Math.log(1 + 2 / 3), Math.log(1 + 2 / 2)]]);
  });
  it('is saved as Keras saves it', () => {
    const t = new tf.utils.Tokenizer({ oovToken: '<oov>', numWords: 6 });
    t.fitOnTexts([...texts, '2001 1984 __proto__ constructor']);
    const text = JSON.stringify(t);
    const saved = JSON.parse(text);
    expect(saved.class_name).toBe('Tokenizer');
    expect(JSON.parse(saved.config.word_index)['<oov>']).toBe(1);
    const again = tf.utils.tokenizerFromJSON(text);
    expect(again.getConfig()).toEqual(t.getConfig());
    expect(again.textsToSequences([...texts, 'constructor'])).toEqual(t.textsToSequences([...texts, 'constructor']));
    // In the form that Keras writes, of Tokenizer(num_words=3) after fit_on_texts(["b a b"]).
    const keras =
      '{"class_name": "Tokenizer", "config": {"num_words": 3, "filters": "!", "lower": true, "split": " ", "char_level": false, "oov_token": null, "document_count": 1, "word_counts": "{\\"b\\": 2, \\"a\\": 1}", "word_docs": "{\\"a\\": 1, \\"b\\": 1}", "index_docs": "{\\"2\\": 1, \\"1\\": 1}", "index_word": "{\\"1\\": \\"b\\", \\"2\\": \\"a\\"}", "word_index": "{\\"b\\": 1, \\"a\\": 2}"}}';
    expect(tf.utils.tokenizerFromJSON(keras).textsToSequences(['a b c'])).toEqual([[2, 1]]);
    for (const bad of ['', '{}', '[1]', '{"config": 3}'])
      expect(() => tf.utils.tokenizerFromJSON(bad)).toThrow(/no saved Tokenizer/);
  });
  it('refuses bad arguments', () => {
    const t = new tf.utils.Tokenizer();
    expect(() => new tf.utils.Tokenizer({ num_words: 3 } as never)).toThrow(/did you mean 'numWords'/);
    expect(() => t.textsToMatrix(['a'])).toThrow(/numWords must be given before texts are seen/);
    expect(() => t.fitOnTexts('text' as never)).toThrow(/texts must be a list/);
    expect(() => t.fitOnTexts([3 as never])).toThrow(/must be a string or a list of words, not 3/);
    expect(() => new tf.utils.Tokenizer({ numWords: 3 }).sequencesToMatrix([[1]], 'tf' as never)).toThrow(
      /mode must be one of/,
    );
  });
});
