// Tracing: func, Variables, compile.

import * as tf from 'sinter';
import { describe, expect, it, vi } from 'vitest';
import { close, equalTo, errorOf } from './helpers.ts';

describe('func', () => {
  it('traces once per signature', () => {
    const f = tf.func((x: tf.Tensor, k: number) => x.mul(k));
    equalTo(f(tf.tensor1d([1, 2]), 3), [3, 6]);
    equalTo(f(tf.tensor1d([5, 6]), 3), [15, 18]);
    expect(f.traceCount).toBe(1);
    equalTo(f(tf.tensor1d([5, 6]), 4), [20, 24]);
    f(tf.tensor1d([1]), 4);
    f(tf.tensor1d([1], 'int32'), 4);
    expect(f.traceCount).toBe(4);
  });
  it('takes and gives nested structures', () => {
    const f = tf.func((p: { w: tf.Tensor; list: tf.Tensor[] }, flag: boolean) => ({
      sum: p.w.add(p.list[0]),
      more: [p.list[1], flag, null],
    }));
    const r = f({ w: tf.scalar(1), list: [tf.scalar(2), tf.scalar(3)] }, true);
    expect(r.sum.arraySync()).toBe(3);
    expect((r.more[0] as tf.Tensor).arraySync()).toBe(3);
    expect(r.more.slice(1)).toEqual([true, null]);
    expect(String(f.graphFor({ w: tf.scalar(1), list: [tf.scalar(2), tf.scalar(3)] }, true))).toContain(
      '%x0_list_1: f32[]',
    );
  });
  it('shows its graph', () => {
    const f = tf.func((x: tf.Tensor) => x.matMul(tf.ones([3, 4])).relu(), { name: 'layer' });
    const text = String(f.graphFor(tf.spec([2, 3])));
    expect(text).toMatch(/^func @layer\(%x0: f32\[2,3\]\) -> f32\[2,4\]/);
    expect(text).toContain('dot_general');
    expect(f.traceCount).toBe(1);
    expect(f(tf.ones([2, 3])).shape).toEqual([2, 4]);
    expect(f.traceCount).toBe(1);
  });
  it('is part of the function that calls it', () => {
    const inner = tf.func((x: tf.Tensor) => x.add(1));
    const outer = tf.func((x: tf.Tensor) => inner(inner(x)).mul(2));
    expect(outer(tf.scalar(1)).arraySync()).toBe(6);
    expect(inner.traceCount).toBe(0);
  });
  it('warns once when it is traced again and again', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const f = tf.func((x: tf.Tensor, _k: number) => x, { name: 'often' });
    for (let k = 0; k < 10; k++) f(tf.scalar(1), k);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/'often' has been traced 6 times.*argument 1 differed: 4, then 5/s);
    warn.mockRestore();
  });
  it('holds to an input signature', () => {
    const f = tf.func((x: tf.Tensor) => x.sum(), { inputSignature: [tf.spec([null, 2])], name: 'sums' });
    expect(f([[1, 2]] as never).arraySync()).toBe(3);
    expect(f(tf.ones([3, 2])).arraySync()).toBe(6);
    expect(errorOf(() => f(tf.ones([3]))).message).toMatch(/sums: argument '0' must be float32\[null,2\]/);
    expect(errorOf(() => f(tf.ones([3, 2], 'int32')))).toBeInstanceOf(tf.DTypeError);
    expect(errorOf(() => (f as unknown as () => unknown)())).toBeInstanceOf(tf.ArgumentError);
  });
  it('gives concrete functions', () => {
    const f = tf.func((x: tf.Tensor) => x.add(1));
    const c = f.getConcreteFunction(tf.spec([2]));
    equalTo(c(tf.zeros([2])), [1, 1]);
    expect(c.outputTypes[0].shape).toEqual([2]);
    expect(errorOf(() => c(tf.zeros([3])))).toBeInstanceOf(tf.ShapeError);
  });
  it('refuses asynchronous functions', () => {
    expect(errorOf(() => tf.func(async (x: tf.Tensor) => x)(tf.scalar(1))).message).toMatch(/asynchronous/);
  });
});

describe('Variables', () => {
  it('are tensors that can be assigned', () => {
    const v = tf.variable(tf.tensor1d([1, 2]), true, 'w');
    equalTo(v.add(1), [2, 3]);
    const before = v.read();
    v.assign(tf.tensor1d([5, 6]))
      .assignAdd([1, 1])
      .assignSub(tf.scalar(1));
    equalTo(v, [5, 6]);
    equalTo(before, [1, 2]);
    expect([v.name, v.dtype, v.trainable]).toEqual(['w', 'float32', true]);
    expect(tf.variable(1, true, undefined, 'int32').dtype).toBe('int32');
  });
  it('keep shape and dtype', () => {
    const v = tf.variable(tf.zeros([2]), true, 'fixed');
    const e = errorOf(() => v.assign(tf.zeros([3])));
    expect(e).toBeInstanceOf(tf.ShapeError);
    expect(e.message).toMatch(/'fixed' has shape \[2\], the new value \[3\]/);
    expect(errorOf(() => v.assign(tf.zeros([2], 'int32')))).toBeInstanceOf(tf.DTypeError);
    equalTo(v, [0, 0]);
  });
  it('are state of a traced function', () => {
    const v = tf.variable(1);
    const f = tf.func((x: tf.Tensor) => {
      const old = v.mul(1);
      v.assign(v.add(x));
      v.assignAdd(v);
      return [old, v.mul(10), v];
    });
    expect(f(tf.scalar(2)).map((t) => t.arraySync())).toEqual([1, 60, 6]);
    expect(v.arraySync()).toBe(6);
    expect(f(tf.scalar(4)).map((t) => t.arraySync())).toEqual([6, 200, 20]);
    v.assign(0);
    expect(f(tf.scalar(1))[1].arraySync()).toBe(20);
    expect(f.traceCount).toBe(1);
    expect(String(f.graphFor(tf.scalar(1)))).toContain('state<f32[]>');
  });
  it('may be created in the first trace only', () => {
    let v: tf.Variable | undefined;
    const f = tf.func((x: tf.Tensor) => {
      v ??= tf.variable(tf.fill([2], 2).mul(3), true, 'made');
      return v.add(x);
    });
    equalTo(f(tf.scalar(1)), [7, 7]);
    equalTo(v as tf.Variable, [6, 6]);
    equalTo(f(tf.tensor1d([1, 2])), [7, 8]);
    const g = tf.func((x: tf.Tensor) => tf.variable(0).add(x), { name: 'greedy' });
    g(tf.scalar(1));
    const e = errorOf(() => g(tf.tensor1d([1, 2])));
    expect(e).toBeInstanceOf(tf.TraceError);
    expect(e.message).toMatch(/'greedy' creates a Variable each time/);
    expect(errorOf(() => tf.func((x: tf.Tensor) => tf.variable(x))(tf.scalar(1))).message).toMatch(
      /depends on the argument 'x0'/,
    );
  });
  it('stay as they were when a trace or a run fails', () => {
    const v = tf.variable(1);
    const f = tf.func((x: tf.Tensor) => {
      v.assign(2);
      return x.matMul(x);
    });
    errorOf(() => f(tf.ones([2, 3])));
    expect(v.arraySync()).toBe(1);
  });
  it('draw new random numbers in every call', () => {
    const f = tf.func(() => tf.randomUniform([3]));
    const [a, b] = [f().arraySync(), f().arraySync()];
    expect(a).not.toEqual(b);
    expect(f.traceCount).toBe(1);
    const g = tf.func(() => tf.randomUniform([3], 0, 1, 'float32', 5));
    equalTo(g(), g().arraySync());
    equalTo(g(), tf.randomUniform([3], 0, 1, 'float32', 5).arraySync());
    tf.setRandomSeed(1);
    const eager = tf.randomUniform([3]).arraySync();
    tf.setRandomSeed(1);
    equalTo(f(), eager);
  });
  it('can be initialised by random numbers in a trace', () => {
    let v: tf.Variable | undefined;
    const f = tf.func(() => {
      v ??= tf.variable(tf.randomNormal([4]));
      return v.mul(1);
    });
    equalTo(f(), (v as unknown as tf.Variable).arraySync());
    equalTo(f(), f().arraySync());
  });
});

describe('traced tensors are no values', () => {
  const traced = (use: (x: tf.Tensor) => unknown) =>
    errorOf(() =>
      tf.func(
        (x: tf.Tensor) => {
          use(x);
          return x;
        },
        { name: 'model' },
      )(tf.scalar(1)),
    );
  const cases: [string, (x: tf.Tensor) => unknown][] = [
    ['compared', (x) => (x as unknown as number) > 0],
    ['added', (x) => (x as unknown as number) + 1],
    ['a number', (x) => +x],
    ['a string', (x) => `${x}`],
    ['a property key', (x) => ({})[x as unknown as string]],
    ['dataSync', (x) => x.dataSync()],
    ['arraySync', (x) => x.arraySync()],
  ];
  it.each(cases)('%s', (_, use) => {
    const e = traced(use);
    expect(e).toBeInstanceOf(tf.TraceError);
    expect(e.message).toMatch(/'model' is traced/);
    for (const fix of ['tf.cond', 'tf.whileLoop', 'tf.scan', 'tf.where', 'func.test.ts'])
      expect(e.message).toContain(fix);
  });
  it('data() throws at once: a plain function could not await a rejection', () => {
    const f = tf.func((x: tf.Tensor) => {
      x.data();
      return x;
    });
    expect(() => f(tf.scalar(1))).toThrow(tf.TraceError);
  });
  it('describes itself without elements', () => {
    let text = '';
    tf.func(
      (x: tf.Tensor) => {
        text = x.toString();
        return x;
      },
      { name: 'model' },
    )(tf.scalar(1));
    expect(text).toBe("Tensor(traced f32[] in 'model')");
  });
  it('says where a leaked tensor was made', () => {
    let leak: tf.Tensor | undefined;
    tf.func(
      (x: tf.Tensor) => {
        leak = x.add(1);
        return x;
      },
      { name: 'leaky' },
    )(tf.scalar(1));
    for (const use of [
      () => leak?.add(1),
      () => leak?.dataSync(),
      () => tf.func((x: tf.Tensor) => x.add(leak as tf.Tensor))(tf.scalar(1)),
    ]) {
      const e = errorOf(use);
      expect(e).toBeInstanceOf(tf.TraceError);
      expect(e.message).toMatch(/made in the trace of 'leaky', at .*func\.test\.ts:\d+/);
      expect(e.message).toMatch(/return it from the traced function/);
    }
  });
});

describe('compile', () => {
  const target = 'reference';
  it('runs what it traced', async () => {
    const w = tf.tensor2d([[1], [2]]);
    const exe = await tf.compile((x: tf.Tensor) => x.matMul(w).add(1), { inputs: [tf.spec([3, 2])], target });
    equalTo(exe.run(tf.ones([3, 2])), [[4], [4], [4]]);
    equalTo(
      exe.run([
        [1, 0],
        [0, 1],
        [0, 0],
      ]),
      [[2], [3], [1]],
    );
    expect(String(exe.graph)).toMatch(/^func @/);
    expect(exe.plan.kernels.length).toBeGreaterThan(0);
    expect(exe.target).toBe(target);
    expect(exe.profile(tf.ones([3, 2])).kernels[0].us).toBeGreaterThan(0);
  });
  it('keeps Variables as state and structures as they were', async () => {
    const n = tf.variable(0);
    const exe = await tf.compile(
      tf.func(({ a, b }: { a: tf.Tensor; b: tf.Tensor[] }) => {
        n.assignAdd(1);
        return { total: a.add(b[0]), n: n.mul(1) };
      }),
      { inputs: [{ a: tf.spec([]), b: [tf.spec([])] }], target },
    );
    exe.run({ a: tf.scalar(1), b: [tf.scalar(2)] });
    const r = exe.run({ a: tf.scalar(1), b: [tf.scalar(2)] }) as { total: tf.Tensor; n: tf.Tensor };
    expect([r.total.arraySync(), r.n.arraySync(), n.arraySync()]).toEqual([3, 2, 2]);
    n.assign(10);
    expect((exe.run({ a: tf.scalar(1), b: [tf.scalar(2)] }) as { n: tf.Tensor }).n.arraySync()).toBe(11);
  });
  it('refuses wrong inputs by name', async () => {
    const exe = await tf.compile((x: tf.Tensor, y: tf.Tensor) => x.add(y), {
      inputs: [tf.spec([2], 'float32', 'image'), tf.spec([2])],
      target,
    });
    expect(errorOf(() => exe.run(tf.zeros([2]))).message).toMatch(/takes 2 argument\(s\).*got 1/);
    const e = errorOf(() => exe.run(tf.zeros([3]), tf.zeros([2])));
    expect(e).toBeInstanceOf(tf.ShapeError);
    expect(e.message).toMatch(/argument 'image' must be float32\[2\], got float32\[3\]/);
    expect(errorOf(() => exe.run(tf.zeros([2]), tf.zeros([2], 'int32')))).toBeInstanceOf(tf.DTypeError);
    expect(errorOf(() => exe.run(tf.zeros([2]), null)).message).toMatch(/argument 'x1'/);
  });
  it('refuses unknown targets and bad inputs', async () => {
    await expect(tf.compile((x: tf.Tensor) => x, { inputs: [tf.spec([1])], target: 'tpu' })).rejects.toThrow(
      /no target 'tpu'.*wasm, webgpu, reference/s,
    );
    await expect(tf.compile(3 as never, { target })).rejects.toBeInstanceOf(tf.ArgumentError);
    await expect(tf.setBackend('webgl')).rejects.toBeInstanceOf(tf.DeviceError);
    expect(errorOf(() => tf.spec([-1])).message).toMatch(/\[-1\]/);
    await expect(tf.compile((x: tf.Tensor) => x, { inputs: [tf.spec([null])], target })).rejects.toThrow(/not fixed/);
  });
  it('refuses to run inside a trace', async () => {
    const exe = await tf.compile((x: tf.Tensor) => x, { inputs: [tf.spec([])], target });
    expect(errorOf(() => tf.func((x: tf.Tensor) => exe.run(x))(tf.scalar(1)))).toBeInstanceOf(tf.TraceError);
  });
});

describe('TensorFlow.js leftovers', () => {
  it('are accepted', async () => {
    expect(tf.tidy(() => tf.keep(tf.scalar(2)).add(1)).arraySync()).toBe(3);
    expect(tf.tidy('named', () => 4)).toBe(4);
    tf.dispose([tf.scalar(1)]);
    expect(tf.memory().numTensors).toBe(0);
    await tf.nextFrame();
    await tf.ready();
    expect(tf.listDevices().map((d) => d.target)).toContain('reference');
    const old = tf.getBackend();
    await tf.setBackend('reference');
    expect(tf.getBackend()).toBe('reference');
    await tf.setBackend(old);
    close(tf.scalar(1), 1);
  });
});

describe('func as a method', () => {
  class Layer {
    readonly w: tf.Variable;
    constructor(k: number) {
      this.w = tf.variable(k);
    }
    readonly own = tf.func((x: tf.Tensor) => x.mul(this.w));
    shared(_x: tf.Tensor): tf.Tensor {
      throw new Error('replaced below');
    }
  }
  Layer.prototype.shared = tf.func(function (this: Layer, x: tf.Tensor) {
    return x.mul(this.w);
  });
  it('is traced for each object', () => {
    const [a, b] = [new Layer(2), new Layer(3)];
    for (const f of ['own', 'shared'] as const) {
      expect(a[f](tf.scalar(5)).arraySync()).toBe(10);
      expect(b[f](tf.scalar(5)).arraySync()).toBe(15);
      a.w.assign(4);
      expect(a[f](tf.scalar(5)).arraySync()).toBe(20);
      a.w.assign(2);
    }
    expect(a.own.traceCount).toBe(1);
  });
  it('works as a decorator does', () => {
    const method = function (this: Layer, x: tf.Tensor) {
      return x.add(this.w);
    };
    const decorated = tf.func(method, { kind: 'method', name: 'plus' } as ClassMethodDecoratorContext);
    expect(decorated.functionName).toBe('plus');
    expect(decorated.call(new Layer(7), tf.scalar(1)).arraySync()).toBe(8);
  });
});

it('keeps a bounded number of signatures, those used last', () => {
  const f = tf.func((x: tf.Tensor) => x.sum(), { maxSignatures: 2, inputSignature: [tf.spec([null])] });
  for (const n of [1, 2, 1, 3, 1]) f(tf.ones([n]));
  expect([f.traceCount, f.signatureCount]).toEqual([3, 2]);
  f(tf.ones([2]));
  expect(f.traceCount).toBe(4);
  expect(errorOf(() => tf.func((x: tf.Tensor) => x, { maxSignatures: 0 }))).toBeInstanceOf(tf.ArgumentError);
});

it('refuses what can have no trace', () => {
  const cyclic: Record<string, unknown> = {};
  cyclic.self = cyclic;
  expect(errorOf(() => tf.func((x: tf.Tensor, _p: unknown) => x)(tf.scalar(1), cyclic))).toBeInstanceOf(
    tf.ArgumentError,
  );
  const again: (x: tf.Tensor) => tf.Tensor = tf.func((x: tf.Tensor): tf.Tensor => again(x), { name: 'again' });
  expect(errorOf(() => again(tf.scalar(1)))).toBeInstanceOf(tf.TraceError);
  const generator = tf.func(function* (x: tf.Tensor) {
    yield x;
  });
  expect(errorOf(() => generator(tf.scalar(1))).message).toMatch(/is a generator/);
});

it('an optimizer makes its slots where it is first used, in a body too', () => {
  const w = tf.variable(5);
  const adam = tf.train.adam(0.1);
  const f = tf.func((n: tf.Tensor) => {
    tf.forRange(
      0,
      3,
      (_i, x) => {
        adam.minimize(() => w.square() as never);
        return [x];
      },
      [n],
    );
    return w.read();
  });
  expect(f(tf.scalar(0)).arraySync()).toBeCloseTo(4.7, 2);
});
