// Artifacts that the tests take apart.

import * as tf from '../../frontends/index.ts';

/** A perceptron with fixed weights, and a step of training that shares them. */
export function perceptron(): { predict: tf.EntryOptions; train: tf.EntryOptions; weights: tf.Variable[] } {
  const numbers = (shape: number[], seed: number) => {
    const n = shape.reduce((a, b) => a * b, 1);
    return tf.variable(
      tf.tensor(
        Float32Array.from({ length: n }, (_, i) => Math.sin(seed + i * 1.3) / 2),
        shape as [number],
      ),
    );
  };
  const weights = [numbers([6, 8], 1), numbers([8], 2), numbers([8, 3], 3)];
  const [w0, b0, w1] = weights;
  const forward = (x: tf.Tensor) => tf.relu(x.matMul(w0 as never).add(b0)).matMul(w1 as never);
  const optimizer = tf.train.sgd(0.1);
  const step = (x: tf.Tensor, y: tf.Tensor) => {
    const { value, grads } = tf.variableGrads(() => tf.mean(tf.square(forward(x).sub(y))), weights);
    optimizer.applyGradients(grads as never);
    return { loss: value };
  };
  return {
    predict: { fn: forward as never, inputs: [tf.spec([null, 6], 'float32', 'x')] },
    train: {
      fn: step as never,
      inputs: [tf.spec([null, 6], 'float32', 'x'), tf.spec([null, 3], 'float32', 'y')],
      method: 'train',
    },
    weights,
  };
}

/** The sample as an artifact. */
export const built = (options: tf.BuildOptions = {}): Promise<tf.Built> => {
  const { predict, train } = perceptron();
  return tf.buildArtifact({ predict, train }, { batch: [1, 8], runtime: 'sinter/runtime', ...options });
};

export const batchOf = (n: number, width: number, seed = 0): Float32Array =>
  Float32Array.from({ length: n * width }, (_, i) => Math.cos(seed + i * 0.7));
