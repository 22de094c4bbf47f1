// Buffers, utilities and the calls by which TensorFlow.js code prepares and measures.

import * as tf from 'sinter';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { equalTo, errorOf } from './helpers.ts';

afterEach(() => void vi.restoreAllMocks());

describe('buffers', () => {
  it('are set, read and made into tensors', async () => {
    const b = tf.buffer([2, 3]);
    b.set(5, 1, 2);
    b.set(3, 0, 1);
    const t = b.toTensor();
    b.set(9, 0, 0);
    equalTo(t, [
      [0, 3, 0],
      [0, 0, 5],
    ]);
    expect([b.get(0, 0), b.rank, b.size, b.strides]).toEqual([9, 2, 6, [3]]);
    expect([b.locToIndex([1, 2]), b.indexToLoc(4)]).toEqual([5, [1, 1]]);
    expect(tf.buffer([], 'int32', Int32Array.of(7)).get()).toBe(7);
    expect(errorOf(() => b.get(2, 0)).message).toMatch(/no element at \(2, 0\) in shape \[2,3\]/);
    expect(() => b.set(1, 0)).toThrow(/2 whole numbers/);
    expect(() => tf.buffer([2], 'float32', Float32Array.of(1))).toThrow(/1 values for the 2 elements/);
    expect(() => tf.buffer([1], 'float32', Int32Array.of(1))).toThrow(/Float32Array, not a Int32Array/);
    expect(() => tf.buffer([-1])).toThrow(/shape/);
    const copy = await t.buffer();
    copy.set(1, 0, 0);
    expect([copy.get(1, 2), t.bufferSync().get(0, 0)]).toEqual([5, 0]);
    expect(await tf.tensor1d([1], 'int32').bytes()).toEqual(Uint8Array.of(1, 0, 0, 0));
  });
  it('are not to be had of traced tensors', () => {
    const f = tf.func((t: tf.Tensor) => t.bufferSync().toTensor());
    expect(errorOf(() => f(tf.scalar(1)))).toBeInstanceOf(tf.TraceError);
  });
  it('come with other methods', () => {
    const v = tf.tensor1d([1, 2]).variable(false, 'counted');
    expect([v.trainable, v.name, v instanceof tf.Variable]).toEqual([false, 'counted', true]);
    expect(tf.scalar(1.5).asType('int32').arraySync()).toBe(1);
    expect(tf.scalar(1).throwIfDisposed()).toBeUndefined();
  });
});

describe('the environment', () => {
  it('keeps flags', async () => {
    expect([tf.env().getBool('IS_NODE'), tf.env().getBool('IS_BROWSER')]).toEqual([true, false]);
    tf.enableProdMode();
    tf.enableDebugMode();
    expect([tf.env().get('PROD'), tf.env().getFlags().DEBUG]).toEqual([true, true]);
    tf.env().setFlags({ ANY: 3 });
    expect([tf.env().getNumber('ANY'), await tf.env().getAsync('ANY')]).toEqual([3, 3]);
    expect([tf.env().get('NONE'), tf.env().getBool('NONE')]).toEqual([undefined, false]);
    tf.disposeVariables();
  });
  it('prints and warns', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    tf.print([1, 2]);
    expect(log.mock.calls[0][0]).toMatch(/\[1, *2\]/);
    tf.deprecationWarn('old');
    tf.disableDeprecationWarnings();
    tf.deprecationWarn('older');
    expect(warn.mock.calls).toEqual([['old']]);
  });
  it('measures', async () => {
    const t = await tf.time(() => new Promise((done) => setTimeout(done, 20)));
    expect(t.wallMs).toBeGreaterThan(15);
    const p = await tf.profile(() => tf.add([1, 2], [3, 4]).square());
    expect(p.kernelNames).toEqual(['add', 'square']);
    expect(p.kernels[0]).toEqual({ name: 'add', inputShapes: [[2], [2]], outputShapes: [[2]], bytesAdded: 8 });
    expect([p.newTensors, p.newBytes]).toEqual([2, 16]);
    equalTo(p.result, [16, 36]);
    // What came after is not seen any more.
    tf.add(1, 2);
    expect(p.kernels.length).toBe(2);
  });
});

describe('util', () => {
  const { util } = tf;
  it('asserts', () => {
    expect(() => util.assert(false, () => 'no')).toThrow(/^no/);
    expect(() => util.assert(true, 'no')).not.toThrow();
    expect(() => util.assertShapesMatch([1], [2], 'here:')).toThrow(/here: shapes \[1\] and \[2\]/);
    expect(() => util.assertNonNull(null)).toThrow(tf.ArgumentError);
    expect(() => util.assertNonNegativeIntegerDimensions([1, -1])).toThrow(/-1/);
  });
  it('shuffles', () => {
    const a = Array.from({ length: 50 }, (_, i) => i);
    const b = a.map((v) => v * 2);
    util.shuffleCombo(a, b);
    expect(b).toEqual(a.map((v) => v * 2));
    expect(a).not.toEqual(a.slice().sort((p, q) => p - q));
    const c = Array.from(util.createShuffledIndices(50));
    util.shuffle(c);
    expect(c.sort((p, q) => p - q)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(() => util.shuffleCombo([1], [])).toThrow(/1 and 0/);
  });
  it('knows shapes', () => {
    expect([util.sizeFromShape([2, 3]), util.sizeFromShape([]), util.isScalarShape([])]).toEqual([6, 1, true]);
    expect(util.computeStrides([2, 3, 4])).toEqual([12, 4]);
    expect(util.locToIndex([1, 2, 3], 3, [12, 4])).toBe(23);
    expect(util.indexToLoc(23, 3, [12, 4])).toEqual([1, 2, 3]);
    expect(util.inferFromImplicitShape([2, -1], 6)).toEqual([2, 3]);
    for (const shape of [[-1, -1], [4, -1], [5], [-2], [0, -1]])
      expect(() => util.inferFromImplicitShape(shape, 6)).toThrow(tf.ShapeError);
    expect(util.parseAxisParam(-1, [2, 3])).toEqual([1]);
    expect(util.squeezeShape([1, 2, 1])).toEqual({ newShape: [2], keptDims: [1] });
    expect(util.squeezeShape([1, 2, 1], [2])).toEqual({ newShape: [1, 2], keptDims: [0, 1] });
    expect(() => util.squeezeShape([1, 2], [1])).toThrow(/2 elements/);
  });
  it('knows arrays and numbers', () => {
    expect(util.flatten([[1, [2]], Float32Array.of(3)])).toEqual([1, 2, 3]);
    expect(util.toNestedArray([2, 2], [1, 2, 3, 4])).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(util.toNestedArray([], [7])).toBe(7);
    expect(util.toTypedArray([[1], [2]], 'int32')).toEqual(Int32Array.of(1, 2));
    const own = Float32Array.of(1);
    expect(util.toTypedArray(own, 'float32')).toBe(own);
    expect(util.makeOnesTypedArray(2, 'bool')).toEqual(Uint8Array.of(1, 1));
    expect(util.makeZerosNestedTypedArray([1, 2], 'float32')).toEqual([[0, 0]]);
    expect([util.getArrayFromDType('int32', 1), util.makeZerosTypedArray(1, 'int32')]).toEqual([
      Int32Array.of(0),
      Int32Array.of(0),
    ]);
    expect([util.bytesPerElement('float64'), util.inferDtype([[true]]), util.inferDtype(1)]).toEqual([
      8,
      'bool',
      'float32',
    ]);
    expect([util.arraysEqual([1], [1]), util.arraysEqual([1], [2]), util.arraysEqual(null, [])]).toEqual([
      true,
      false,
      false,
    ]);
    expect(util.arraysEqualWithNull([null, 2], [1, 2])).toBe(true);
    expect([util.clamp(0, 5, 3), util.nearestDivisor(12, 5), util.nearestLargerEven(3), util.sum([1, 2])]).toEqual([
      3, 6, 4, 3,
    ]);
    expect([util.distSquared([1, 2], [4, 6]), util.tanh(0), util.rightPad('a', 3)]).toEqual([25, 0, 'a  ']);
    const r = util.randUniform(2, 3);
    expect(r >= 2 && r < 3).toBe(true);
    expect([util.isInt(2), util.isInt(2.5), util.isNumber(1), util.isString('a'), util.isBoolean(0)]).toEqual([
      true,
      false,
      true,
      true,
      false,
    ]);
    expect([
      util.isFunction(() => 0),
      util.isPromise(Promise.resolve()),
      util.isPromise(null),
      util.isTypedArray(own),
    ]).toEqual([true, true, false, true]);
    expect([util.isValidDtype('float32'), util.isValidDtype('float1')]).toEqual([true, false]);
    expect(util.now()).toBeGreaterThan(0);
    expect(typeof util.fetch).toBe('function');
  });
});
