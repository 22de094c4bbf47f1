// MobileNetV2 (Sandler et al., 2018), width 1: inverted residuals with relu6, the last convolution of
// each without activation. Batch normalisation is folded into filters and biases, as for inference.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import { convolve, filters, type Layer, products, weights } from './convolutions.ts';
import type { Values } from './values.ts';

/** Expansion, channels of the result, number of blocks, stride of the first (the paper's table 2). */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;
const [last, classes] = [1280, 1000];

interface Block {
  readonly expand?: Layer;
  readonly middle: Layer;
  readonly project: Layer;
  /** Whether the input is added to the result. */
  readonly residual: boolean;
}

// Large enough for some activations to reach 6.
const widening = 3;
// Back to numbers around 1; where that is a sum's new part, smaller.
const narrowing = (residual: boolean): number => (residual ? 0.25 : 0.6);

const stem: Layer = { name: 'stem', taps: 3, channels: [3, 32], stride: 2, side: 112, gain: 3 };

function makeBlocks(): readonly Block[] {
  const blocks: Block[] = [];
  let [from, side] = [32, 112];
  stages.forEach(([factor, to, count, first], stage) => {
    for (let i = 0; i < count; i++) {
      const stride = i === 0 ? first : 1;
      const wide = from * factor;
      const residual = stride === 1 && from === to;
      const name = (part: string): string => `s${stage}b${i}_${part}`;
      const flat = { taps: 1, stride: 1 };
      const expand = { ...flat, name: name('expand'), channels: [from, wide], side, gain: widening } as const;
      side /= stride;
      blocks.push({
        ...(factor > 1 ? { expand } : {}),
        middle: { name: name('middle'), taps: 3, channels: [wide, wide], stride, side, gain: 1.2, depthwise: true },
        project: { ...flat, name: name('project'), channels: [wide, to], side, gain: narrowing(residual) },
        residual,
      });
      from = to;
    }
  });
  return blocks;
}
const blocks = makeBlocks();
const head: Layer = { name: 'head', taps: 1, channels: [320, last], stride: 1, side: 7, gain: widening };
const layers = [stem, ...blocks.flatMap((b) => [...(b.expand ? [b.expand] : []), b.middle, b.project]), head];

function logits<T>(ops: Ops<T>, x: Values<T>): T {
  let h = convolve(ops, x.x, x, stem, 'relu6');
  for (const b of blocks) {
    const wide = b.expand ? convolve(ops, h, x, b.expand, 'relu6') : h;
    const narrow = convolve(ops, convolve(ops, wide, x, b.middle, 'relu6'), x, b.project);
    h = b.residual ? ops.add(h, narrow) : narrow;
  }
  return ops.dense(ops.globalAveragePool(convolve(ops, h, x, head, 'relu6')), x.w, x.b);
}

export const mobilenetV2: Case = {
  name: 'mobilenet-v2',
  about: 'MobileNetV2 (width 1, batch norm folded) of one image of 224 x 224, random weights',
  kind: 'inference',
  operands: () =>
    filters(new OperandSet(61).input('x', [1, 224, 224, 3], 'nhwc'), layers, true)
      .weight('w', [last, classes])
      .vector('b', classes)
      .done(),
  build: logits,
  result: 'plain',
  flops: 2 * (products(layers) + last * classes),
  bytes: 4 * (weights(layers) + last * classes + 224 * 224 * 3),
  tolerance: 1e-5,
};
