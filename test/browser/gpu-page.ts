// WebGPU in a page and in its worker; the test calls it.

import * as tf from 'sinter';
import { type Trained, trainOn } from './model.ts';

/** The GPU before and after it is opened. */
async function devices(): Promise<{
  has: boolean;
  before: tf.DeviceInfo[];
  found: tf.DeviceInfo[];
  after: tf.DeviceInfo[];
}> {
  const before = tf.listDevices();
  const found = await tf.listDevicesAsync();
  await tf.setBackend('webgpu');
  return { has: 'gpu' in navigator, before, found, after: tf.listDevices() };
}

/** Name and message of what is thrown, or ''. */
async function refusal(f: () => Promise<unknown>): Promise<string> {
  return f().then(
    () => '',
    (e: Error) => `${e.name}: ${e.message}`,
  );
}

/** What a page without WebGPU is told. */
async function refusals(): Promise<{ backend: string; compile: string; targets: string[]; still: number }> {
  const backend = await refusal(() => tf.setBackend('webgpu'));
  const compile = await refusal(() =>
    tf.compile((x: tf.Tensor) => x.add(1), { inputs: [tf.spec([2])], target: 'webgpu' }),
  );
  const targets = (await tf.listDevicesAsync()).map((d) => d.target);
  return { backend, compile, targets, still: tf.scalar(1).add(1).dataSync()[0] };
}

/** The same training in a dedicated worker. */
function inWorker(steps: number): Promise<Trained> {
  const worker = new Worker(new URL('gpu-worker.js', import.meta.url), { type: 'module' });
  return new Promise<Trained>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (e) => reject(new Error(e.message));
    worker.postMessage(steps);
  }).finally(() => worker.terminate());
}

const page = { devices, refusals, inWorker, trainOn };
export type GpuPage = typeof page;
(globalThis as unknown as { page: GpuPage }).page = page;
