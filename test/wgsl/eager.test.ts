// Tensors, Variables, tapes, control flow and tf.func on the backend 'webgpu': the same as on others, and nothing is
// read back that nobody asks for.

import * as tf from 'sinter';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

beforeEach(async () => {
  await tf.setBackend('webgpu');
});
afterEach(async () => {
  await tf.setBackend('wasm');
});

/** A tensor in GPU memory only. */
const onGpu = (data: tf.TensorLike): tf.Tensor => {
  const t = tf.func((x: tf.Tensor) => x.add(0))(tf.tensor(data as number[]));
  expect(t.remote).toBe(true);
  return t;
};
/** What reads back, the name of the reader. */
async function close(t: tf.Tensor, want: ArrayLike<number>, to = 1e-5) {
  const data = await t.data();
  expect(data.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) expect(Math.abs(data[i] - want[i])).toBeLessThan(to * (1 + Math.abs(want[i])));
}

describe('tensors', () => {
  it('stay on the GPU from one operation to the next', async () => {
    const y = onGpu([1, 2, 3])
      .mul(2)
      .sub([1, 1, 1])
      .reshape([3, 1])
      .matMul(onGpu([[1, 2]]));
    expect(y.remote).toBe(true);
    expect(String(y)).toMatch(/f32\[3,2\] in GPU memory: await its data/);
    expect(() => y.dataSync()).toThrow(tf.DeviceError);
    expect(() => y.arraySync()).toThrow(/await tensor.data/);
    expect(await y.array()).toEqual([
      [1, 2],
      [3, 6],
      [5, 10],
    ]);
    // From here on they are in JavaScript as well.
    expect(y.remote).toBe(false);
    expect(Array.from(y.dataSync())).toEqual([1, 2, 3, 6, 5, 10]);
  });

  it('have booleans, integers and complex numbers', async () => {
    const x = onGpu([-1, 0, 2]);
    expect(await x.greater(0).array()).toEqual([0, 0, 1]);
    // The least number that is not 0 is not 0, though GPUs may compute with it as if it was.
    expect(
      await tf
        .func((t: tf.Tensor) => t.cast('bool'))(tf.tensor([1e-45, 0, -0]))
        .array(),
    ).toEqual([1, 0, 0]);
    expect(await x.cast('int32').add(tf.scalar(3, 'int32')).array()).toEqual([2, 3, 5]);
    const z = tf.mul(tf.complex(x, x), tf.complex(x, tf.neg(x)));
    await close(z as never, [2, 0, 0, 0, 8, 0]);
    const f = tf.fft(tf.complex(onGpu([1, 2, 3, 4]), onGpu([0, 0, 0, 0])));
    expect(String(f)).toContain('in GPU memory');
    await close(f as never, [10, 0, -2, 2, -2, 0, -2, -2]);
  });

  it('are waited for where shapes depend on elements', async () => {
    const x = onGpu([3, -1, 4, -1]);
    expect(() => tf.booleanMask(x, x.greater(0))).toThrow(tf.DeviceError);
    expect(await (await tf.booleanMaskAsync(x, x.greater(0))).array()).toEqual([3, 4]);
    expect(await (await tf.whereAsync(x.greater(0))).array()).toEqual([[0], [2]]);
    const [values] = await tf.setdiff1dAsync(x, onGpu([-1]));
    expect(await values.array()).toEqual([3, 4]);
    const boxes = onGpu([
      [0, 0, 1, 1],
      [0, 0, 1, 1],
      [2, 2, 3, 3],
    ]);
    const kept = await tf.image.nonMaxSuppressionAsync(boxes, onGpu([0.5, 0.9, 0.1]), 3);
    expect(await kept.array()).toEqual([1, 2]);
  });

  it('draw the numbers that wasm draws, and none twice', async () => {
    const draw = async (backend: string) => {
      await tf.setBackend(backend);
      tf.setRandomSeed(11);
      const f = tf.func(() => tf.randomUniform([5]));
      const parts = [f(), tf.randomUniform([3]), f(), tf.randomUniform([150, 150]).slice([0, 0], [1, 2])];
      return (await Promise.all(parts.map(async (t) => Array.from(await t.data())))).flat();
    };
    const gpu = await draw('webgpu');
    expect(gpu).toEqual(await draw('wasm'));
    expect(new Set(gpu).size).toBe(gpu.length);
  });

  it('refuse float64 by the name of the operation where the work is the GPU’s', () => {
    const x = tf.ones([200, 200], 'float64');
    expect(() => tf.exp(x)).toThrow(tf.CompileError);
    expect(() => tf.exp(x)).toThrow(/exp.*float64/s);
  });
});

describe('around them', () => {
  it('data sets cut and stack them there', async () => {
    const x = onGpu([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    const batches: tf.Tensor[] = [];
    await tf.data.Dataset.fromTensorSlices(x)
      .batch(2)
      .forEachAsync((b) => void batches.push(b as tf.Tensor));
    expect(batches.map((b) => b.remote)).toEqual([true, true]);
    expect(await Promise.all(batches.map((b) => b.array()))).toEqual([
      [
        [1, 2],
        [3, 4],
      ],
      [[5, 6]],
    ]);
  });

  it('times and pixels wait for them', async () => {
    const x = onGpu([
      [0, 1],
      [1, 0],
    ]);
    expect(Array.from(await tf.browser.toPixels(x)).slice(0, 5)).toEqual([0, 0, 0, 255, 255]);
    const { wallMs, kernelMs } = await tf.time(() => x.matMul(x));
    expect(wallMs).toBeGreaterThan(0);
    expect(kernelMs).toBe(wallMs);
  });
});

describe('Variables', () => {
  it('are assigned, read and made on the GPU', async () => {
    const v = tf.variable(onGpu([1, 2, 3]));
    expect(v.cell.remote).toBe(true);
    const before = v.read();
    v.assign(onGpu([4, 5, 6]));
    v.assignAdd(1);
    const doubled = v.mul(2);
    v.assign([0, 0, 0]);
    expect(await before.array()).toEqual([1, 2, 3]);
    expect(await doubled.array()).toEqual([10, 12, 14]);
    expect(await v.array()).toEqual([0, 0, 0]);
    // A tensor that was assigned stays what it is.
    const t = onGpu([7, 8, 9]);
    v.assign(t);
    tf.func(() => void v.assignAdd(1))();
    expect(await t.array()).toEqual([7, 8, 9]);
    expect(await v.array()).toEqual([8, 9, 10]);
    expect(() => v.assign(onGpu([1]))).toThrow(tf.ShapeError);
  });

  it('stay where they are until a program runs', async () => {
    const v = tf.variable([1, 2]);
    const doubled = (target: 'wasm' | 'webgpu') =>
      tf.compile((x: tf.Tensor) => v.mul(2).add(x), { inputs: [tf.spec([2])], target });
    const [cpu, gpu] = [await doubled('wasm'), await doubled('webgpu')];
    expect((cpu.run([0, 1]) as tf.Tensor).arraySync()).toEqual([2, 5]);
    expect(v.cell.remote).toBe(false);
    expect(await (gpu.run([0, 1]) as tf.Tensor).array()).toEqual([2, 5]);
    expect(v.cell.remote).toBe(true);
  });

  it('go with the backend, there and back', async () => {
    const v = tf.variable([1, 2]);
    const add = tf.func(() => v.assignAdd(1).read());
    await close(add(), [2, 3]);
    expect(v.cell.remote).toBe(true);
    await tf.setBackend('wasm');
    expect(v.cell.remote).toBe(false);
    expect(Array.from(add().dataSync())).toEqual([3, 4]);
    expect(Array.from(v.mul(2).dataSync())).toEqual([6, 8]);
    await tf.setBackend('webgpu');
    await close(add(), [4, 5]);
    await tf.setBackend('reference');
    expect(Array.from(add().dataSync())).toEqual([5, 6]);
  });

  it('are large, of every storage type, and many', async () => {
    const big = tf.variable(tf.range(0, 5_000_000, 1));
    const plus = tf.func((k: tf.Tensor) => void big.assign(big.add(k)));
    plus(tf.scalar(1));
    const seen = big.read();
    big.assign(seen.mul(2));
    const data = await big.data();
    expect([data[0], data[1], data[4_999_999]]).toEqual([2, 4, 10_000_000]);
    for (const dtype of ['int32', 'bool', 'uint8', 'float16'] as const) {
      const v = tf.variable(tf.tensor([1, 0, 1], [3], dtype as 'int32'));
      tf.func(() => void v.assign(v.read()))();
      const w = tf.variable(v.read());
      w.assign(v);
      expect(await w.array()).toEqual([1, 0, 1]);
    }
  });
});

describe('gradients', () => {
  it('of tapes, of functions, and of gradients', async () => {
    const v = tf.variable(onGpu([1, 2, 3]));
    const tape = new tf.GradientTape({ persistent: true });
    const y = v.mul(v).mul(v).sum();
    const g = tape.gradient(y, v) as tf.Tensor;
    const h = tape.gradient(g, v) as tf.Tensor;
    expect(g.remote).toBe(true);
    await close(g, [3, 12, 27]);
    await close(h, [6, 12, 18]);
    const cube = tf.func((x: tf.Tensor) => x.mul(x).mul(v).sum());
    const x = onGpu([1, 1, 2]);
    await close(tf.grad(cube)(x), [2, 4, 12]);
  });

  it('by hand and by optimizers lead where wasm leads', async () => {
    const run = async (backend: string) => {
      await tf.setBackend(backend);
      const w = tf.variable([[1], [2]]);
      const x = tf.tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
      const loss = () => x.matMul(w).sub(1).square().mean() as tf.Tensor;
      const adam = tf.train.adam(0.1);
      const step = tf.func(() => adam.minimize(loss, true, [w]) as tf.Tensor);
      step();
      adam.minimize(loss, false, [w]);
      adam.learningRate = 0.05;
      const last = step();
      expect(adam.learningRate).toBe(0.05);
      return [...(await w.data()), ...(await last.data())];
    };
    const [gpu, cpu] = [await run('webgpu'), await run('wasm')];
    gpu.forEach((x, i) => expect(Math.abs(x - cpu[i])).toBeLessThan(1e-4 * (1 + Math.abs(cpu[i]))));
  });
});

describe('control flow', () => {
  it('takes conditions that are on the GPU', async () => {
    const x = onGpu([1, 2]);
    const n = tf.variable(0);
    const f = () =>
      tf.cond(
        x.sum().greater(2),
        () => {
          n.assignAdd(1);
          return x.mul(10);
        },
        () => x,
      );
    const y = f();
    expect(y.remote).toBe(true);
    await close(y, [10, 20]);
    await close(n, [1]);
    await close(tf.switchCase(x.sum().cast('int32').sub(tf.scalar(2, 'int32')), [() => x, () => x.add(5)]), [6, 7]);
    const [z, count] = tf.whileLoop(
      (a: tf.Tensor, _: tf.Tensor) => a.sum().less(100),
      (a: tf.Tensor, i: tf.Tensor) => [a.mul(2), i.add(1)],
      [x, tf.scalar(0)],
    );
    await close(z, [64, 128]);
    await close(count, [6]);
    const [some] = tf.whileLoop(
      (a: tf.Tensor) => a.sum().less(100),
      (a: tf.Tensor) => [a.mul(2)],
      [x],
      { maximumIterations: 2 },
    );
    await close(some, [4, 8]);
  });

  it('has gradients through them', async () => {
    const x = onGpu([1, 2]);
    const f = (a: tf.Tensor) =>
      tf.cond(
        a.sum().greater(2),
        () => a.mul(a).sum(),
        () => a.sum(),
      );
    await close(tf.grad(f)(x), [2, 4]);
    const g = (a: tf.Tensor) =>
      tf
        .whileLoop(
          (b: tf.Tensor) => b.sum().less(20),
          (b: tf.Tensor) => [b.mul(2)],
          [a],
          { maximumIterations: 8 },
        )[0]
        .sum();
    await close(tf.grad(g)(x), [8, 8]);
  });

  it('takes choices in JavaScript after they were waited for', async () => {
    const p = onGpu([3]).sum().greater(2);
    await p.data();
    expect(
      tf.cond(
        p,
        () => 'yes',
        () => 'no',
      ),
    ).toBe('yes');
  });
});

describe('functions', () => {
  it('take tensors on the GPU from outside, on any target', async () => {
    const x = onGpu([1, 2, 3]);
    const f = tf.func((a: tf.Tensor) => tf.scanLoop((c: tf.Tensor, e: tf.Tensor) => [c.add(e.mul(x)), e], a, x)[0]);
    await close(f(onGpu([0, 0, 0])), [6, 12, 18]);
    const wasm = await tf.compile((a: tf.Tensor) => a.add(x), { inputs: [tf.spec([3])] });
    expect(Array.from(wasm.run([1, 1, 1]).dataSync())).toEqual([2, 3, 4]);
    const frozen = tf.variable(onGpu([2, 2, 2]));
    const exe = await tf.compile((a: tf.Tensor) => a.mul(frozen), { inputs: [tf.spec([3])], freeze: true });
    expect(Array.from(exe.run([1, 2, 3]).dataSync())).toEqual([2, 4, 6]);
    // A program elsewhere would have to wait for what it is given.
    expect(() => exe.run(x)).toThrow(/GPU memory.*await tensor.data/s);
    await x.data();
    expect(Array.from(exe.run(x).dataSync())).toEqual([2, 4, 6]);
  });

  it('run where they say', async () => {
    await tf.setBackend('wasm');
    const v = tf.variable([1, 2]);
    const f = tf.func((x: tf.Tensor) => x.mul(v).sum(), { target: 'webgpu' });
    const y = f(tf.tensor([3, 4]));
    expect(y.remote).toBe(true);
    await close(y, [11]);
    await close(tf.grad(f)(tf.tensor([1, 1])), [1, 2]);
    // Operations at once go where the elements are.
    await close(y.add(1), [12]);
    expect(() => tf.func((x: tf.Tensor) => x, { target: 'gpu' })).toThrow(/no target 'gpu'/);
  });
});
