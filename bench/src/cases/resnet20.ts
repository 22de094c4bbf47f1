// ResNet-20 for images of 32 x 32 (He et al., 2015, section 4.2) as a training step: batch statistics,
// no biases, and where a stage begins a 1 x 1 convolution with its own normalisation as the shortcut.

import { type Case, OperandSet } from '../case.ts';
import type { Ops } from '../ops.ts';
import { convolve, filters, type Layer, products, weights } from './convolutions.ts';
import type { Values } from './values.ts';

const [batch, classes] = [32, 10];

interface Block {
  readonly first: Layer;
  readonly second: Layer;
  readonly shortcut?: Layer;
}

const layer = (name: string, taps: number, channels: readonly [number, number], stride: number, side: number) =>
  ({ name, taps, channels, stride, side, gain: Math.SQRT2 }) satisfies Layer;

const stem = layer('stem', 3, [3, 16], 1, 32);

function makeBlocks(): readonly Block[] {
  const blocks: Block[] = [];
  let from = 16;
  [16, 32, 64].forEach((to, stage) => {
    const side = 32 >> stage;
    for (let i = 0; i < 3; i++) {
      const name = `s${stage}b${i}`;
      const stride = from === to ? 1 : 2;
      blocks.push({
        first: layer(`${name}_first`, 3, [from, to], stride, side),
        second: layer(`${name}_second`, 3, [to, to], 1, side),
        ...(from === to ? {} : { shortcut: layer(`${name}_shortcut`, 1, [from, to], stride, side) }),
      });
      from = to;
    }
  });
  return blocks;
}
const blocks = makeBlocks();
const layers = [stem, ...blocks.flatMap((b) => [b.first, b.second, ...(b.shortcut ? [b.shortcut] : [])])];

function operands(): OperandSet {
  const set = filters(new OperandSet(62).input('x', [batch, 32, 32, 3], 'nhwc'), layers, false);
  for (const l of layers) set.vector(`${l.name}_gamma`, l.channels[1], 1).vector(`${l.name}_beta`, l.channels[1]);
  return set.weight('w', [64, classes]).vector('b', classes).oneHot('y', batch, classes);
}

function logits<T>(ops: Ops<T>, x: Values<T>): T {
  const normal = (h: T, l: Layer): T =>
    ops.batchNorm(convolve(ops, h, x, l), x[`${l.name}_gamma`], x[`${l.name}_beta`]);
  let h = ops.relu(normal(x.x, stem));
  for (const b of blocks) {
    const inner = normal(ops.relu(normal(h, b.first)), b.second);
    h = ops.relu(ops.add(inner, b.shortcut ? normal(h, b.shortcut) : h));
  }
  return ops.dense(ops.globalAveragePool(h), x.w, x.b);
}

const perImage = products(layers) + 64 * classes;
const matrices = weights(layers) + 64 * classes;
/** Elements of all convolutions' results, each read and written at least once on the way there and back. */
const results = layers.reduce((n, l) => n + l.side ** 2 * l.channels[1], 0);

export const resnet20Train: Case = {
  name: 'resnet20-train',
  about: `ResNet-20 for 32 x 32, training step with Adam and batch norm, batch ${batch}`,
  kind: 'train',
  operands: () => operands().done(),
  build: (ops, x) => ops.crossEntropy(x.y, logits(ops, x)),
  result: 'plain',
  // The input needs no gradient, so the first layer costs two products and the others three.
  flops: 2 * batch * (3 * perImage - products([stem])),
  bytes: 4 * (7 * matrices + 4 * batch * results),
  tolerance: 1e-4,
};
