// ResNet-50 (He et al., 2015) in its version 1.5: the 3 x 3 convolution of a block has the stride.
// Batch normalisation is folded into filters and biases, as for inference.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import { convolve, filters, type Layer, products, weights } from './convolutions.ts';
import type { Values } from './values.ts';

/** Blocks and inner channels of the stages; a block's result has four times as many. */
const stages = [
  [3, 64],
  [4, 128],
  [6, 256],
  [3, 512],
] as const;
const classes = 1000;

interface Block {
  readonly reduce: Layer;
  readonly middle: Layer;
  readonly expand: Layer;
  /** Of a stage's first block: brings the input to the shape of the result. */
  readonly shortcut?: Layer;
}

// Behind a relu, half of the squares are left.
const behindRelu = Math.SQRT2;
// Sixteen blocks add to the same sum.
const branch = 0.35 * Math.SQRT2;

const stem: Layer = { name: 'stem', taps: 7, channels: [3, 64], stride: 2, side: 112, gain: 2 };

function makeBlocks(): readonly Block[] {
  const blocks: Block[] = [];
  let [from, side] = [64, 56];
  stages.forEach(([count, inner], stage) => {
    for (let i = 0; i < count; i++) {
      const name = `s${stage}b${i}`;
      const stride = stage > 0 && i === 0 ? 2 : 1;
      const before = side;
      side /= stride;
      const to = 4 * inner;
      const layer = (part: string, taps: number, channels: readonly [number, number], gain: number): Layer => ({
        name: `${name}_${part}`,
        taps,
        channels,
        stride: 1,
        side,
        gain,
      });
      blocks.push({
        reduce: { ...layer('reduce', 1, [from, inner], behindRelu), side: before },
        middle: { ...layer('middle', 3, [inner, inner], behindRelu), stride },
        expand: layer('expand', 1, [inner, to], branch),
        ...(i === 0 ? { shortcut: { ...layer('shortcut', 1, [from, to], behindRelu), stride } } : {}),
      });
      from = to;
    }
  });
  return blocks;
}
const blocks = makeBlocks();
const layers = [stem, ...blocks.flatMap((b) => [b.reduce, b.middle, b.expand, ...(b.shortcut ? [b.shortcut] : [])])];

function logits<T>(ops: Ops<T>, x: Values<T>): T {
  let h = ops.maxPool(convolve(ops, x.x, x, stem, 'relu'), 3);
  for (const b of blocks) {
    const inner = convolve(ops, convolve(ops, h, x, b.reduce, 'relu'), x, b.middle, 'relu');
    const past = b.shortcut ? convolve(ops, h, x, b.shortcut) : h;
    h = ops.relu(ops.add(convolve(ops, inner, x, b.expand), past));
  }
  return ops.dense(ops.globalAveragePool(h), x.w, x.b);
}

const image = [1, 224, 224, 3];
export const resnet50: Case = {
  name: 'resnet-50',
  about: 'ResNet-50 (v1.5, batch norm folded) of one image of 224 x 224, random weights',
  kind: 'inference',
  operands: () =>
    filters(new OperandSet(60).input('x', image, 'nhwc'), layers, true)
      .weight('w', [2048, classes])
      .vector('b', classes)
      .done(),
  build: logits,
  result: 'plain',
  flops: 2 * (products(layers) + 2048 * classes),
  bytes: 4 * (weights(layers) + 2048 * classes + 224 * 224 * 3),
  tolerance: 1e-5,
  storedReference: true,
};
