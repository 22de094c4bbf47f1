// Eager values of the element-wise, reducing, moving and multiplying functions.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { close, equalTo } from './helpers.ts';

describe('element-wise', () => {
  it('adds with broadcasting, by function and by method', () => {
    const a = tf.tensor2d([
      [1, 2],
      [3, 4],
    ]);
    equalTo(tf.add(a, tf.tensor1d([10, 20])), [
      [11, 22],
      [13, 24],
    ]);
    equalTo(
      a
        .add(1)
        .sub([[1], [2]])
        .mul(2),
      [
        [2, 4],
        [4, 6],
      ],
    );
    expect(tf.add(1, 2).arraySync()).toBe(3);
    equalTo(
      tf
        .ones([2, 1, 3])
        .add(tf.ones([4, 1]))
        .sum(),
      48,
    );
  });
  it('promotes dtypes as TensorFlow.js does', () => {
    const [b, i, f, d] = [tf.scalar(true), tf.scalar(2, 'int32'), tf.scalar(0.5), tf.scalar(0.1, 'float64')];
    expect(tf.add(i, i).dtype).toBe('int32');
    expect(tf.add(i, f).dtype).toBe('float32');
    expect(tf.add(b, i).dtype).toBe('int32');
    expect(tf.add(f, d).dtype).toBe('float64');
    expect(tf.add(i, 2).dtype).toBe('float32');
    expect(tf.mul(d, 0.1).arraySync()).toBe(0.1 * 0.1);
    expect(tf.upcastType('bool', 'float32')).toBe('float32');
  });
  it('divides', () => {
    equalTo(tf.div(7, 2), 3.5);
    const [x, y] = [tf.tensor1d([7, -7, 7, -7, 6], 'int32'), tf.tensor1d([2, 2, -2, -2, 3], 'int32')];
    equalTo(tf.div(x, y), [3, -4, -4, 3, 2]);
    expect(tf.div(x, y).dtype).toBe('int32');
    equalTo(tf.mod(x, y), [1, 1, -1, -1, 0]);
    equalTo(tf.floorDiv([7, -7.5], [2, 2]), [3, -4]);
    equalTo(tf.mod([5.5, -5.5], 2), [1.5, 0.5]);
    equalTo(tf.divNoNan([1, 2], [0, 4]), [0, 0.5]);
  });
  it('raises to powers', () => {
    equalTo(tf.pow([2, 3], [3, 2]), [8, 9]);
    const p = tf.pow(tf.scalar(10, 'int32'), tf.scalar(8, 'int32'));
    expect([p.dtype, p.arraySync()]).toEqual(['int32', 100000000]);
  });
  it('compares and combines', () => {
    const a = tf.tensor1d([1, 2, 3]);
    equalTo(a.less(2), [1, 0, 0]);
    expect(a.less(2).dtype).toBe('bool');
    equalTo(a.greaterEqual([1, 3, 3]), [1, 0, 1]);
    equalTo(a.notEqual(2), [1, 0, 1]);
    equalTo(tf.logicalAnd(a.less(3), a.greater(1)), [0, 1, 0]);
    equalTo(tf.logicalXor([true, true], [true, false]), [0, 1]);
    equalTo(tf.logicalNot([true, false]), [0, 1]);
    equalTo(tf.where([true, false, true], a, 0), [1, 0, 3]);
    equalTo(a.where([[true], [false]], -1), [
      [1, 2, 3],
      [-1, -1, -1],
    ]);
    equalTo(tf.maximum(a, 2), [2, 2, 3]);
    equalTo(tf.minimum(tf.tensor1d([true, false]), tf.scalar(true)), [1, 0]);
    equalTo(tf.squaredDifference(a, 3), [4, 1, 0]);
  });
  it('computes unary functions as Math does', () => {
    const xs = [0.1, 0.5, 0.9];
    for (const name of [
      'sin',
      'cos',
      'tan',
      'asin',
      'acos',
      'atan',
      'sinh',
      'cosh',
      'tanh',
      'asinh',
      'atanh',
      'exp',
      'expm1',
      'log',
      'log1p',
      'sqrt',
      'abs',
      'sign',
      'floor',
      'ceil',
    ] as const)
      close(
        // biome-ignore lint/performance/noDynamicNamespaceImportAccess: one test for many functions
        tf[name](xs),
        xs.map((x) => Math[name](x)),
      );
    close(tf.acosh([1.5]), [Math.acosh(1.5)]);
    close(tf.atan2([1, -1], [2, -2]), [Math.atan2(1, 2), Math.atan2(-1, -2)]);
    equalTo(tf.round([0.5, 1.5, 2.5, -0.4]), [0, 2, 2, -0]);
    close(
      tf.sigmoid(xs),
      xs.map((x) => 1 / (1 + Math.exp(-x))),
    );
    close(
      tf.logSigmoid(xs),
      xs.map((x) => -Math.log1p(Math.exp(-x))),
    );
    close(tf.erf([0.5]), [0.5204998778]);
    close(tf.rsqrt(4), 0.5);
    close(tf.reciprocal(4), 0.25);
    equalTo(tf.square(tf.tensor1d([2, -3], 'int32')), [4, 9]);
    equalTo(tf.step([-1, 0, 2], 0.25), [0.25, 0.25, 1]);
    equalTo(tf.clipByValue([-5, 0, 5], -1, 2), [-1, 0, 2]);
    equalTo(tf.neg([1, -2]), [-1, 2]);
    equalTo(tf.isNaN([1, Number.NaN]), [0, 1]);
    equalTo(tf.isInf([Infinity, 1]), [1, 0]);
    equalTo(tf.isFinite(tf.scalar(3, 'int32')), 1);
  });
  it('computes activations', () => {
    equalTo(tf.relu([-1, 0, 2]), [0, 0, 2]);
    equalTo(tf.relu(tf.tensor1d([-1, 2], 'int32')), [0, 2]);
    equalTo(tf.relu6([-1, 3, 8]), [0, 3, 6]);
    close(tf.leakyRelu([-1, 2]), [-0.2, 2]);
    close(tf.elu([-1, 2]), [Math.expm1(-1), 2]);
    close(tf.selu([-1, 2]), [1.05070098 * 1.67326324 * Math.expm1(-1), 2.10140197]);
    close(tf.silu([1]), [1 / (1 + Math.exp(-1))]);
    close(tf.gelu([1]), [0.8413447]);
    close(tf.gelu([1], true), [0.841192]);
    close(tf.prelu([-2, 3], [0.5, 0.5]), [-1, 3]);
    close(tf.softplus([0]), [Math.LN2]);
    const e = [1, 2, 3].map(Math.exp);
    const s = e.reduce((a, x) => a + x);
    close(
      tf.softmax([1, 2, 3]),
      e.map((x) => x / s),
    );
    close(tf.logSoftmax([[1, 2, 3]]), [[1, 2, 3].map((x) => x - Math.log(s))]);
    close(
      tf.softmax(
        [
          [1, 5],
          [1, 5],
        ],
        0,
      ),
      [
        [0.5, 0.5],
        [0.5, 0.5],
      ],
    );
  });
});

describe('reductions', () => {
  const x = tf.tensor2d([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  it('reduces over axes', () => {
    equalTo(x.sum(), 21);
    equalTo(x.sum(0), [5, 7, 9]);
    equalTo(x.sum(-1, true), [[6], [15]]);
    equalTo(x.sum([0, 1]), 21);
    equalTo(x.mean(1), [2, 5]);
    equalTo(x.max(0), [4, 5, 6]);
    equalTo(x.min(), 1);
    equalTo(x.prod(1), [6, 120]);
    equalTo(
      tf.any(
        [
          [true, false],
          [false, false],
        ],
        1,
      ),
      [1, 0],
    );
    equalTo(
      tf.all(
        [
          [true, false],
          [true, true],
        ],
        1,
      ),
      [0, 1],
    );
    const count = tf.sum([true, true, false]);
    expect([count.dtype, count.arraySync()]).toEqual(['int32', 2]);
    expect(tf.mean(tf.tensor1d([1, 2], 'int32')).dtype).toBe('float32');
  });
  it('finds extremes, norms, moments, running sums', () => {
    equalTo(tf.argMax([3, 9, 9]), 1);
    equalTo(x.argMax(1), [2, 2]);
    equalTo(x.argMin(-1), [0, 0]);
    expect(x.argMax().dtype).toBe('int32');
    close(x.logSumExp(1), [
      3 + Math.log(1 + Math.exp(-1) + Math.exp(-2)),
      6 + Math.log(1 + Math.exp(-1) + Math.exp(-2)),
    ]);
    equalTo(tf.logSumExp([-Infinity, -Infinity]), -Infinity);
    close(tf.norm([3, 4]), 5);
    close(tf.norm([3, -4], 1), 7);
    close(tf.norm([3, -4], Infinity), 4);
    close(
      tf.norm(
        [
          [1, -2],
          [3, 4],
        ],
        1,
        [0, 1],
      ),
      6,
    );
    close(
      tf.norm(
        [
          [1, -2],
          [3, 4],
        ],
        Infinity,
        [0, 1],
      ),
      7,
    );
    const { mean, variance } = tf.moments(x, 0);
    close(mean, [2.5, 3.5, 4.5]);
    close(variance, [2.25, 2.25, 2.25]);
    equalTo(tf.moments(x, 1, true).variance.shape.length, 2);
    equalTo(tf.cumsum([1, 2, 3]), [1, 3, 6]);
    equalTo(tf.cumsum([1, 2, 3], 0, true), [0, 1, 3]);
    equalTo(tf.cumsum([1, 2, 3], 0, false, true), [6, 5, 3]);
  });
});

describe('moving elements', () => {
  const x = tf.tensor2d([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  it('reshapes', () => {
    expect(x.reshape([3, -1]).shape).toEqual([3, 2]);
    expect(x.flatten().arraySync()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(x.expandDims(-1).shape).toEqual([2, 3, 1]);
    expect(tf.ones([1, 2, 1]).squeeze().shape).toEqual([2]);
    expect(tf.ones([1, 2, 1]).squeeze([0]).shape).toEqual([2, 1]);
    expect(tf.scalar(5).as1D().shape).toEqual([1]);
    expect(tf.tensor1d([5]).asScalar().shape).toEqual([]);
  });
  it('transposes, reverses, tiles, stretches', () => {
    equalTo(x.transpose(), [
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(tf.ones([2, 3, 4]).transpose([2, 0, 1]).shape).toEqual([4, 2, 3]);
    equalTo(x.reverse(-1), [
      [3, 2, 1],
      [6, 5, 4],
    ]);
    equalTo(x.reverse(), [
      [6, 5, 4],
      [3, 2, 1],
    ]);
    equalTo(tf.tile([[1, 2]], [2, 2]), [
      [1, 2, 1, 2],
      [1, 2, 1, 2],
    ]);
    equalTo(tf.broadcastTo([1, 2], [2, 2]), [
      [1, 2],
      [1, 2],
    ]);
  });
  it('joins and cuts', () => {
    equalTo(tf.concat([x, [[7, 8, 9]]]), [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    equalTo(x.concat([x], 1), [
      [1, 2, 3, 1, 2, 3],
      [4, 5, 6, 4, 5, 6],
    ]);
    equalTo(tf.stack([tf.tensor1d([1, 2]), tf.tensor1d([3, 4])], 1), [
      [1, 3],
      [2, 4],
    ]);
    expect(tf.unstack(x, 1).map((t) => t.arraySync())).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(tf.split(x, [1, -1], 1).map((t) => t.shape)).toEqual([
      [2, 1],
      [2, 2],
    ]);
    expect(tf.split(x, 2).map((t) => t.arraySync())).toEqual([[[1, 2, 3]], [[4, 5, 6]]]);
  });
  it('slices', () => {
    equalTo(x.slice([0, 1], [2, 2]), [
      [2, 3],
      [5, 6],
    ]);
    equalTo(x.slice(1), [[4, 5, 6]]);
    equalTo(x.slice([1, 0], [-1, 2]), [[4, 5]]);
    const v = tf.range(0, 10);
    equalTo(tf.stridedSlice(v, [1], [8], [3]), [1, 4, 7]);
    equalTo(tf.stridedSlice(v, [-1], [2], [-3]), [9, 6, 3]);
    equalTo(tf.stridedSlice(v, [3], [0], [-1], 0, 1), [3, 2, 1, 0]);
    equalTo(tf.stridedSlice(x, [1, 0], [2, 2], [1, 1], 0, 0, 0, 0, 1), [4, 5]);
    equalTo(tf.stridedSlice(x, [0, 0], [0, 1], [1, 1], 0, 0, 1), [[1], [4]]);
    expect(tf.stridedSlice(x, [0, 0], [0, 2], [1, 1], 0, 0, 0, 1).shape).toEqual([1, 2, 3]);
  });
  it('pads', () => {
    equalTo(
      tf.pad(
        [[1]],
        [
          [0, 1],
          [1, 0],
        ],
        9,
      ),
      [
        [9, 1],
        [9, 9],
      ],
    );
    equalTo(tf.mirrorPad([1, 2, 3], [[2, 1]], 'reflect'), [3, 2, 1, 2, 3, 2]);
    equalTo(tf.mirrorPad([1, 2, 3], [[2, 1]], 'symmetric'), [2, 1, 1, 2, 3, 3]);
  });
  it('gathers and scatters', () => {
    equalTo(tf.gather([10, 20, 30], [2, 0]), [30, 10]);
    equalTo(tf.gather(x, tf.tensor2d([[0, 2]], [1, 2], 'int32'), 1), [[[1, 3]], [[4, 6]]]);
    equalTo(tf.gather(x, tf.tensor2d([[0], [2]], [2, 1], 'int32'), 1, 1), [[1], [6]]);
    equalTo(
      tf.gatherND(
        x,
        tf.tensor2d(
          [
            [1, 2],
            [0, 0],
          ],
          [2, 2],
          'int32',
        ),
      ),
      [6, 1],
    );
    equalTo(tf.scatterND(tf.tensor2d([[1], [1]], [2, 1], 'int32'), [5, 6], [3]), [0, 11, 0]);
    equalTo(tf.oneHot(tf.tensor1d([1, 3], 'int32'), 3), [
      [0, 1, 0],
      [0, 0, 0],
    ]);
    equalTo(tf.diag([1, 2]), [
      [1, 0],
      [0, 2],
    ]);
    equalTo(tf.bandPart(tf.ones([3, 3]), 0, 1), [
      [1, 1, 0],
      [0, 1, 1],
      [0, 0, 1],
    ]);
  });
  it('casts', () => {
    equalTo(tf.cast([1.9, -1.9], 'int32'), [1, -1]);
    expect(tf.cast([0, 2], 'bool').dtype).toBe('bool');
    expect(x.toInt().dtype).toBe('int32');
  });
});

describe('products', () => {
  const a = tf.tensor2d([
    [1, 2],
    [3, 4],
  ]);
  it('multiplies matrices', () => {
    equalTo(tf.matMul(a, a), [
      [7, 10],
      [15, 22],
    ]);
    equalTo(a.matMul(a, true, false), [
      [10, 14],
      [14, 20],
    ]);
    equalTo(a.matMul(a, false, true), [
      [5, 11],
      [11, 25],
    ]);
    equalTo(a.matMul(a, true, true), [
      [7, 15],
      [10, 22],
    ]);
    expect(tf.matMul(tf.ones([5, 1, 2, 3]), tf.ones([4, 3, 6])).shape).toEqual([5, 4, 2, 6]);
    expect(tf.matMul(tf.ones([5, 2, 3]), tf.ones([3, 6])).shape).toEqual([5, 2, 6]);
    const batch = tf.stack([a, a.mul(2)]);
    equalTo(tf.matMul(batch, a, true), [
      [
        [10, 14],
        [14, 20],
      ],
      [
        [20, 28],
        [28, 40],
      ],
    ]);
    equalTo(tf.matMul(a, batch, true, true), [
      [
        [7, 15],
        [10, 22],
      ],
      [
        [14, 30],
        [20, 44],
      ],
    ]);
  });
  it('multiplies vectors', () => {
    equalTo(tf.dot([1, 2], [3, 4]), 11);
    equalTo(tf.dot(a, [1, 1]), [3, 7]);
    equalTo(tf.outerProduct([1, 2], [3, 4]), [
      [3, 4],
      [6, 8],
    ]);
  });
  it('sums as Einstein', () => {
    equalTo(tf.einsum('ij,jk->ik', a, a), [
      [7, 10],
      [15, 22],
    ]);
    equalTo(tf.einsum('ij,kj->ki', a, a), [
      [5, 11],
      [11, 25],
    ]);
    equalTo(tf.einsum('ij->ji', a), [
      [1, 3],
      [2, 4],
    ]);
    equalTo(tf.einsum('ij,ij->', a, a), 30);
    equalTo(tf.einsum('bij,bjk->bk', tf.ones([2, 3, 4]), tf.ones([2, 4, 5])).shape.length, 2);
    equalTo(tf.einsum('i,j->ji', [1, 2], [3, 4]), [
      [3, 6],
      [4, 8],
    ]);
  });
});
