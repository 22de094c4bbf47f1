// The functions of the front end, compiled, against the same functions run eagerly by the definitions of
// their operations; and their gradients. Sizes are no multiples of four.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';

type Fn = (...xs: tf.Tensor[]) => tf.Tensor;
interface Case {
  readonly f: Fn;
  readonly inputs: readonly tf.Tensor[];
  /** Operands to differentiate by; none where the function is not differentiable. */
  readonly by: readonly number[];
}

let seed = 0;
const floats = (...shape: number[]) => tf.randomUniform(shape, -2, 2, 'float32', ++seed);
const ints = (low: number, high: number, ...shape: number[]) => tf.randomUniformInt(shape, low, high, ++seed);
const of = (f: Fn, inputs: tf.Tensor[], by: number[] = [0]): Case => ({ f, inputs, by });

const image = () => floats(2, 7, 5, 3);
const cases: Record<string, Case> = {
  resizeBilinear: of((x) => tf.image.resizeBilinear(x, [11, 9]), [image()]),
  'resizeBilinear, many channels': of((x) => tf.image.resizeBilinear(x, [3, 9], true), [floats(1, 5, 4, 19)]),
  resizeNearestNeighbor: of((x) => tf.image.resizeNearestNeighbor(x, [4, 13], false, true), [image()]),
  'resize bicubic': of((x) => tf.image.resize(x, [9, 3], { method: 'bicubic', antialias: true }), [image()]),
  'resize area': of((x) => tf.image.resize(x, [3, 4], { method: 'area' }), [image()]),
  cropAndResize: of(
    (x, boxes, i) => tf.image.cropAndResize(x, boxes, i, [3, 5]),
    [image(), tf.randomUniform([5, 4], 0.05, 0.95, 'float32', 9), ints(0, 2, 5)],
    [0, 1],
  ),
  transform: of((x, t) => tf.image.transform(x, t.mul(0.3), 'bilinear', 'reflect'), [image(), floats(2, 8)], [0]),
  rotateWithOffset: of((x) => tf.image.rotateWithOffset(x, 0.7, [1, 2, 3]), [image()]),
  rgbToGrayscale: of((x) => tf.image.rgbToGrayscale(x), [image()]),
  sobelEdges: of((x) => tf.image.sobelEdges(x), [image()]),
  'threshold otsu': of((x) => tf.image.threshold(x.mul(60).add(120), 'otsu').toFloat(), [floats(9, 7, 1)], []),
  dilation2d: of((x, f) => tf.dilation2d(x, f, [2, 1], 'same', [1, 2]), [image(), floats(2, 3, 3)], [0, 1]),
  localResponseNormalization: of((x) => x.localResponseNormalization(1, 2, 0.3, 0.75), [image()]),
  'pool max, dilated': of((x) => tf.pool(x, 2, 'max', 'same', [2, 3]), [image()]),
  'pool avg, dilated': of((x) => tf.pool(x, 2, 'avg', 'same', [2, 3]), [image()]),
  maxPoolWithArgmax: of((x) => tf.maxPoolWithArgmax(x, 2, 2, 'same').result, [image()]),
  'maxPoolWithArgmax, the indexes': of(
    (x) => tf.maxPoolWithArgmax(x, [3, 2], 2, 'same', true).indexes.toFloat(),
    [image()],
    [],
  ),
  'avgPool, rounded up': of((x) => tf.avgPool(x, 3, 3, 1, 'ceil'), [image()]),
  conv3dTranspose: of(
    (x, w) => tf.conv3dTranspose(x, w, [1, 4, 6, 5, 2], 2, 'same'),
    [floats(1, 2, 3, 3, 3), floats(2, 3, 2, 2, 3)],
    [0, 1],
  ),
  spaceToBatchND: of(
    (x) =>
      tf.spaceToBatchND(
        x,
        [2, 3],
        [
          [1, 0],
          [0, 1],
        ],
      ),
    [image()],
  ),
  batchToSpaceND: of(
    (x) =>
      tf.batchToSpaceND(
        x,
        [2, 1],
        [
          [1, 2],
          [0, 1],
        ],
      ),
    [image()],
  ),
  depthToSpace: of((x) => tf.depthToSpace(x, 2), [floats(2, 3, 3, 8)]),
  roll: of((x) => x.roll([3, -1], [1, 3]), [image()]),
  at: of((x) => x.at('..., 4:0:-2, newaxis, ::-1'), [image()]),
  'at, by a tensor': of((x, i) => x.at(1, i, '1:'), [image(), ints(-7, 7, 2, 3)]),
  frame: of((x) => tf.signal.frame(x, 5, 3, true, 0.5), [floats(17)]),
  unsortedSegmentSum: of((x, i) => tf.unsortedSegmentSum(x, i, 4), [floats(9, 5), ints(-1, 5, 9)]),
  bincount: of((w, i) => tf.bincount(i, w, 6), [floats(19), ints(-1, 8, 19)]),
  denseBincount: of((w, i) => tf.denseBincount(i, w, 6, true), [floats(3, 19), ints(-1, 8, 3, 19)], []),
  tensorScatterUpdate: of(
    (x, u, i) => tf.tensorScatterUpdate(x, i, u),
    [floats(6, 5), floats(9, 5), ints(-1, 7, 9, 1)],
    [0, 1],
  ),
  tensorScatterMax: of(
    (x, u, i) => tf.tensorScatterMax(x, i, u),
    [floats(6, 5), floats(9, 5), ints(-1, 7, 9, 1)],
    [0, 1],
  ),
  tensorScatterMin: of(
    (x, u, i) => tf.tensorScatterMin(x, i, u),
    [floats(6, 5), floats(9, 5), ints(-1, 7, 9, 1)],
    [0, 1],
  ),
  sparseToDense: of((v, i) => tf.sparseToDense(i, v, [4, 3], 0.5), [floats(5), ints(0, 3, 5, 2)]),
  inTopK: of((p, t) => tf.inTopK(p, t, 2).toFloat(), [floats(9, 5), ints(-1, 6, 9)], []),
  basicLSTMCell: of(
    (k, b, x, c, h) => tf.concat(tf.basicLSTMCell(1, k, b, x, c, h)),
    [floats(5, 8), floats(8), floats(3, 3), floats(3, 2), floats(3, 2)],
    [0, 1, 2, 3, 4],
  ),
  'fused.conv2d': of(
    (x, w, b) => tf.fused.conv2d({ x, filter: w, strides: 1, pad: 'same', bias: b, activation: 'leakyrelu' }),
    [image(), floats(2, 2, 3, 5), floats(5)],
    [0, 1, 2],
  ),
  'norm of matrices': of((x) => tf.norm(x, 1, [1, 3]), [image()]),
};

const near = (got: tf.Tensor, want: tf.Tensor): void => {
  expect([got.dtype, got.shape]).toEqual([want.dtype, want.shape]);
  const w = want.dataSync();
  got.dataSync().forEach((v, i) => {
    const ok = Object.is(v, w[i]) || Math.abs(v - w[i]) <= 2e-5 * (1 + Math.abs(w[i]));
    expect(ok, `element ${i} is ${v} instead of ${w[i]}`).toBe(true);
  });
};

describe('compiled', () => {
  it.each(Object.entries(cases))('%s', async (_, { f, inputs, by }) => {
    const specs = inputs.map((x) => tf.spec(x.shape, x.dtype));
    const exe = await tf.compile((...xs: tf.Tensor[]) => f(...xs), { inputs: specs, target: 'wasm' });
    const want = f(...inputs);
    near(exe.run(...inputs) as tf.Tensor, want);
    // Every element of the result weighs differently, so that none can stand for another.
    const weights = tf.randomUniform(want.shape, 0.5, 1.5, 'float32', 77);
    for (const k of by) {
      const gradient: Fn = (...xs) =>
        tf.grad((x) => f(...xs.map((v, i) => (i === k ? (x as tf.Tensor) : v))).mul(weights))(xs[k]);
      const back = await tf.compile((...xs: tf.Tensor[]) => gradient(...xs), { inputs: specs, target: 'wasm' });
      near(back.run(...inputs) as tf.Tensor, gradient(...inputs));
    }
  });
});
