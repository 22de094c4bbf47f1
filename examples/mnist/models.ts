// The two networks. A model is its Variables and a function from images [n, 784] to logits [n, 10].

import * as tf from 'sinter';
import { classes, side } from './data.ts';

export interface Model {
  readonly title: string;
  readonly learningRate: number;
  readonly weights: readonly tf.Variable[];
  logits(images: tf.Tensor): tf.Tensor;
}

/** Normal numbers with the deviation that keeps the size of activations behind a ReLU (He et al. 2015). */
function he(shape: number[], name: string): tf.Variable {
  const fanIn = shape.slice(0, -1).reduce((n, d) => n * d, 1);
  return tf.variable(tf.randomNormal(shape, 0, Math.sqrt(2 / fanIn)), true, name);
}

const zeros = (n: number, name: string): tf.Variable => tf.variable(tf.zeros([n]), true, name);

/** A perceptron: 784, 512, 512, 10. */
export function mlp(): Model {
  const sizes = [side * side, 512, 512, classes];
  const layers = sizes.slice(1).map((n, i) => ({ w: he([sizes[i], n], `w${i}`), b: zeros(n, `b${i}`) }));
  return {
    title: `perceptron ${sizes.join('-')}`,
    learningRate: 1e-3,
    weights: layers.flatMap(({ w, b }) => [w, b]),
    logits: (images) =>
      layers.reduce((x, { w, b }, i) => {
        const y = tf.matMul(x, w).add(b);
        return i < layers.length - 1 ? tf.relu(y) : y;
      }, images),
  };
}

/** Two convolutions, a maximum over 2x2, two dense layers. */
export function cnn(): Model {
  const [c1, c2, dense] = [32, 64, 128];
  const pooled = (side - 4) / 2;
  const filter1 = he([3, 3, 1, c1], 'filter1');
  const filter2 = he([3, 3, c1, c2], 'filter2');
  const w1 = he([pooled * pooled * c2, dense], 'w1');
  const w2 = he([dense, classes], 'w2');
  const [f1, f2, b1, b2] = [zeros(c1, 'bias1'), zeros(c2, 'bias2'), zeros(dense, 'b1'), zeros(classes, 'b2')];
  return {
    title: `convolutional network 3x3x${c1}, 3x3x${c2}, pool 2, ${dense}, ${classes}`,
    learningRate: 1e-3,
    weights: [filter1, f1, filter2, f2, w1, b1, w2, b2],
    logits(images) {
      const n = images.shape[0];
      let x = images.reshape([n, side, side, 1]);
      x = tf.relu(tf.conv2d(x, filter1, 1, 'valid').add(f1));
      x = tf.relu(tf.conv2d(x, filter2, 1, 'valid').add(f2));
      x = tf.maxPool(x, 2, 2, 'valid').reshape([n, pooled * pooled * c2]);
      return tf.matMul(tf.relu(tf.matMul(x, w1).add(b1)), w2).add(b2);
    },
  };
}

/** The models by the name that `--model` takes. */
export const models = { mlp, cnn } as const;
export type ModelName = keyof typeof models;
