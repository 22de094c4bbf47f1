// This project on WebGPU.

import type { Engine, EngineName, Options, Prepared } from '../adapter.ts';
import type { Case, Operands } from '../case.ts';
import { median } from '../measure.ts';
import { installGpu } from './dawn.ts';
import { compileCase, loadSinter } from './sinter.ts';

type Api = Awaited<ReturnType<typeof loadSinter>>;
type T = InstanceType<Api['Tensor']>;

/** Elements up to which a result is read whole to wait for it. */
const small = 1024;

async function prepare(tf: Api, c: Case, operands: Operands): Promise<Prepared> {
  const { exe, feeds } = await compileCase(tf, c, operands, 1, false, 'webgpu');
  let latest: T | undefined;
  // One element is enough to wait for all work before it.
  let first: { run(x: T): unknown } | undefined;
  const handedOver: number[] = [];
  const { arenaBytes, kernels } = exe.plan;
  return {
    run: () => {
      const start = performance.now();
      latest?.dispose();
      latest = exe.run(...feeds) as T;
      handedOver.push(performance.now() - start);
    },
    async: false,
    settle: async () => {
      if (!latest) return;
      if (latest.size <= small) return latest.data();
      const inputs = [tf.spec([...latest.shape])];
      first ??= await tf.compile((x: T) => x.reshape([-1]).slice([0], [1]), { inputs, target: 'webgpu' });
      const one = first.run(latest) as T;
      await one.data();
      one.dispose();
    },
    output: async () => (latest ? ((await latest.data()) as Float32Array) : new Float32Array(1)),
    notes: { arenaBytes, kernels: kernels.length, ...exe.plan.gpu },
    // Only what JavaScript does: arguments, encoding, and handing over to the driver's queue.
    measured: () => ({ encodeMs: median(handedOver) }),
  };
}

/** The engine on a given build of this project. */
export const sinterWebGpu = (tf: Api): Engine => ({
  name: 'sinter-webgpu',
  cannot: () => undefined,
  prepare: (c, operands) => prepare(tf, c, operands),
});

export async function load(_: EngineName, __: Options): Promise<Engine> {
  await installGpu();
  return sinterWebGpu(await loadSinter());
}
