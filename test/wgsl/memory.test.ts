// Memory on a GPU that binds little at once: temporaries and constants in several blocks, and what is too large refused.

import * as tf from 'sinter';
import { expect, it } from 'vitest';
import { compileForGpu } from '../../compiler/wgsl/compile.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { openGpu } from '../../runtime/webgpu/device.ts';
import { GpuProgram } from '../../runtime/webgpu/program.ts';

const wide = tf.randomNormal([64, 64], 0, 1, 'float32', 1);

/** Values of 16 KB, several alive at once, and constants. */
function body(x: tf.Tensor): tf.Tensor {
  const layers = [1, 2, 3].map((k) => tf.tanh(tf.matMul(x, wide.mul(k))));
  return layers.reduce((a, b) => tf.matMul(a, b)).add(tf.softmax(layers[1]));
}

it('lies in several blocks where a device binds no more', async () => {
  const exe = await tf.compile(body, { inputs: [tf.spec([64, 64])], target: 'reference' });
  const device = await openGpu('test');
  const segment = 2 ** 15;
  const { plan } = compileForGpu(exe.graph, { gpu: { ...device.target, segment } });
  expect(plan.arenaBytes).toBeGreaterThan(2 * segment);
  expect(plan.constantBytes).toBeGreaterThan(segment);
  const program = new GpuProgram(plan, [], device);
  await program.prepare();
  const x = tf.randomNormal([64, 64], 0, 1, 'float32', 2).dataSync();
  const [got] = await program.runAsync([x]);
  const [want] = interpret(exe.graph, [ndarray('f32', [64, 64], x)]);
  const largest = want.data.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  got.forEach((v, i) => void expect(Math.abs(v - want.data[i]) / largest).toBeLessThan(1e-5));
});

it('refuses a tensor that is larger than what can be bound', async () => {
  const exe = await tf.compile((x: tf.Tensor) => x.add(1), { inputs: [tf.spec([64, 64])], target: 'reference' });
  const { target } = await openGpu('test');
  expect(() => compileForGpu(exe.graph, { gpu: { ...target, segment: 8192 } })).toThrow(
    /f32\[64,64\] has 16384 bytes, and this GPU binds at most 8192 at once[\s\S]*fix: use smaller batches/,
  );
});

it('stops workgroups that only fill up a second dimension', async () => {
  const codeFor = async (n: number) => {
    const { graph } = await tf.compile((x: tf.Tensor) => x.add(1), { inputs: [tf.spec([n])], target: 'reference' });
    const { target } = await openGpu('test');
    return compileForGpu(graph, { gpu: target }).plan.kernels[0].shaders[0];
  };
  // All workgroups are whole; one more than fit into one dimension, and as many as do.
  const [beyond, within] = [await codeFor(64 * 65536), await codeFor(64 * 65535)];
  expect(beyond).toMatchObject({ size: 64, groups: 65536 });
  expect(beyond.code).toContain(`if (item >= ${64 * 65536}u) { return; }`);
  expect(within).toMatchObject({ size: 64, groups: 65535 });
  expect(within.code).not.toContain('if (item >=');
});
