// A small training step that page and test both run: a perceptron with Adam on fixed numbers.

import * as tf from 'sinter';

const [batch, inputs, hidden, classes] = [64, 96, 64, 10];

/** Numbers from -1 to 1 that look random, the same in every engine. */
function numbers(n: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: n }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 8) / 2 ** 23 - 1;
  });
}

export interface Trained {
  readonly losses: number[];
  readonly weights: number[];
  readonly kernels: number;
  readonly graph: string;
}

/** Trains for some steps on a target; losses and final weights. */
export async function trainOn(
  target: 'wasm' | 'webgpu' | 'reference',
  threads: number,
  steps: number,
): Promise<Trained> {
  const weight = (shape: number[], seed: number) =>
    tf.variable(tf.tensor(numbers(shape[0] * shape[1], seed), shape).mul(0.2), true, `w${seed}`);
  const [w1, w2] = [weight([inputs, hidden], 1), weight([hidden, classes], 2)];
  const b1 = tf.variable(tf.zeros([hidden]), true, 'b1');
  const optimizer = tf.train.adam(0.01);
  function step(x: tf.Tensor, labels: tf.Tensor) {
    return optimizer.minimize(() => {
      const h = tf.relu(tf.matMul(x, w1).add(b1));
      return tf.losses.sparseSoftmaxCrossEntropy(labels, tf.matMul(h, w2));
    }, true) as tf.Tensor;
  }
  const exe = await tf.compile(step, {
    inputs: [tf.spec([batch, inputs]), tf.spec([batch], 'int32')],
    target,
    threads,
    // The page's engine may have fused multiply-add where the test's has not.
    deterministic: true,
  });
  const x = tf.tensor(numbers(batch * inputs, 3), [batch, inputs]);
  const labels = tf.tensor(
    Array.from({ length: batch }, (_, i) => (i * 7) % classes),
    [batch],
    'int32',
  );
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) losses.push((await exe.run(x, labels).data())[0]);
  const weights = await Promise.all([w1, b1, w2].map((w) => w.data()));
  return {
    losses,
    weights: weights.flatMap((w) => [...w]),
    kernels: exe.plan.kernels.length,
    graph: String(exe.graph).slice(0, 10),
  };
}
