// tf.vmap: functions of one element on many, against running them one by one.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';

const rows = (...xs: number[][]) => tf.tensor2d(xs);
const list = (t: tf.Tensor): number[] => Array.from(t.dataSync());
const close = (a: tf.Tensor, want: tf.Tensor) => {
  expect(a.shape).toEqual(want.shape);
  expect(a.dtype).toBe(want.dtype);
  const [x, y] = [list(a), list(want)];
  x.forEach((v, i) => void expect(v).toBeCloseTo(y[i], 4));
};

/** `f` on each slice along the first axis of the arguments, stacked. */
const oneByOne = (f: (...xs: tf.Tensor[]) => tf.Tensor, ...args: tf.Tensor[]): tf.Tensor => {
  const parts = args.map((a) => tf.unstack(a));
  return tf.stack(parts[0].map((_, i) => f(...parts.map((p) => p[i]))));
};
const random = (shape: number[], seed = 1) => tf.randomUniform(shape, -1, 1, 'float32', seed);

/** Both ways of running it: eagerly and as part of a program. */
function both(name: string, f: (...xs: tf.Tensor[]) => tf.Tensor, ...args: tf.Tensor[]): void {
  it(name, () => {
    const want = oneByOne(f, ...args);
    close(tf.vmap(f)(...args), want);
    close(tf.func((...xs: tf.Tensor[]) => tf.vmap(f)(...xs))(...args) as tf.Tensor, want);
  });
}

describe('vmap of', () => {
  const w = random([4, 3], 7);
  both('a dense layer', (x) => tf.relu(tf.matMul(x.expandDims(0), w).squeeze([0])), random([5, 4]));
  both('a matrix times vectors', (x) => tf.matMul(w.transpose(), x.reshape([4, 1])).reshape([3]), random([5, 4]));
  both('a product of matrices', (a, b) => tf.matMul(a, b), random([5, 2, 3]), random([5, 3, 4], 2));
  both('a convolution', (x, f) => tf.conv2d(x, f, 1, 'same'), random([3, 2, 5, 6, 2]), random([3, 3, 3, 2, 4], 2));
  both('softmax and a reduction', (x) => tf.softmax(x).mul(x).sum(), random([5, 2, 7]));
  both(
    'a linear system',
    (a, x) => tf.linalg.solve(a.add(tf.eye(3).mul(4)), x),
    random([5, 3, 3]),
    random([5, 3, 2], 2),
  );
  both('an index from data', (x, i) => tf.gather(x, i.abs().mul(3).toInt()), random([5, 4]), random([5, 6], 2));
  both('what does not depend on the element', () => tf.scalar(2), random([5, 4]));
  both('vmap', (x) => tf.vmap((r) => r.mul(tf.vmap((v) => v.square())(r)).sum())(x), random([3, 4, 5]));
});

describe('axes', () => {
  const x = tf.range(0, 24).reshape([2, 3, 4]);
  /** Axis 1 at another place. */
  const moved = (t: tf.Tensor, axis: number) =>
    t.transpose(axis === 0 ? [1, 0, 2] : axis === 1 ? [0, 1, 2] : [0, 2, 1]);
  it('in front, in the middle, from the end; and out', () => {
    for (const axis of [0, 1, 2, -1, -3]) {
      const sums = tf.vmap((m: tf.Tensor) => m.sum(), { inAxes: axis })(x);
      const others = [0, 1, 2].filter((a) => a !== (axis + 3) % 3);
      close(sums, x.sum(others));
    }
    for (const axis of [0, 1, 2, -1])
      close(tf.vmap((m: tf.Tensor) => m.add(1), { inAxes: 1, outAxes: axis })(x), moved(x.add(1), axis));
  });
  it('null for what all share, in arguments and results', () => {
    const [y, z] = tf.vmap((a: tf.Tensor, b: tf.Tensor) => [a.mul(b), b.add(1)], {
      inAxes: [0, null],
      outAxes: [1, null],
    })(
      tf.tensor2d([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
      tf.tensor1d([10, 100]),
    ) as tf.Tensor[];
    expect(y.arraySync()).toEqual([
      [10, 30, 50],
      [200, 400, 600],
    ]);
    expect(list(z)).toEqual([11, 101]);
  });
  it('structures, numbers and strings', () => {
    const f = ({ a, b }: { a: tf.Tensor; b: tf.Tensor[] }, k: number, how: string) => {
      expect([k, how]).toEqual([3, 'x']);
      return { sum: a.add(b[0]).mul(k), first: b[1] };
    };
    const r = tf.vmap(f, { inAxes: [{ a: 1, b: [0, null] }, null, null], outAxes: { sum: 0, first: null } })(
      { a: rows([1, 2], [3, 4]), b: [rows([10, 20], [30, 40]), tf.scalar(7)] },
      3,
      'x',
    );
    expect(r.sum.arraySync()).toEqual([
      [33, 69],
      [96, 132],
    ]);
    expect(r.first.dataSync()[0]).toBe(7);
  });
  it('complex tensors', () => {
    const z = tf.complex(rows([1, 2], [3, 4]), rows([0, 1], [1, 0]));
    const r = tf.vmap((c: tf.ComplexTensor) => tf.mul(c, c) as tf.ComplexTensor)(z);
    expect(tf.real(r).arraySync()).toEqual([
      [1, 3],
      [8, 16],
    ]);
    expect(tf.imag(r).arraySync()).toEqual([
      [0, 4],
      [6, 0],
    ]);
  });
  it('no elements', () => {
    expect(tf.vmap((v: tf.Tensor) => tf.matMul(v, v.transpose()).sum())(tf.zeros([0, 2, 3])).shape).toEqual([0]);
    const f = tf.vmap((v: tf.Tensor, k: tf.Tensor) => tf.conv2d(v, k, 1, 'same'));
    expect(f(tf.zeros([0, 1, 4, 4, 2]), tf.zeros([0, 3, 3, 2, 5])).shape).toEqual([0, 1, 4, 4, 5]);
  });
});

describe('control flow', () => {
  const xs = random([6, 3]);
  both(
    'a branch that each element takes for itself',
    (x) =>
      tf.cond(
        tf.greater(x.sum(), 0),
        () => x.mul(2),
        () => x.sub(1),
      ),
    xs,
  );
  both(
    'a branch that all take',
    (x) => {
      const c = tf.tensor1d([1]).sum();
      return tf.cond(
        tf.greater(c, 0),
        () => x.mul(2),
        () => tf.ones([3]),
      );
    },
    xs,
  );
  both(
    'a choice of several',
    (x) =>
      tf.switchCase(x.slice([0], [1]).sum().mul(3).add(1).floor().toInt(), [() => x, () => x.neg(), () => x.mul(0)]),
    xs,
  );
  both(
    'a loop of fixed length',
    (x) => tf.scanLoop((c: tf.Tensor, e: tf.Tensor) => [c.mul(0.5).add(e), c.sub(e)], tf.scalar(1), x)[1] as tf.Tensor,
    xs,
  );
  both(
    'a loop over what is shared, backwards',
    (x) => {
      const ys = tf.scan((c: tf.Tensor, e: tf.Tensor) => c.mul(e).add(x), tf.tensor1d([1, 2, 3]), tf.zeros([3]), {
        reverse: true,
      });
      return ys;
    },
    xs,
  );
  both(
    'a carried value that becomes an element of its own',
    (x) => tf.forRange(0, 4, (i, _v, u) => [u, u.add(x).add(i.toFloat())], [tf.zeros([3]), tf.zeros([3])])[0],
    xs,
  );
  both(
    'a loop that ends for each element when it is done',
    (x) =>
      tf.whileLoop(
        (v, _n) => tf.less(v.square().sum(), 50),
        (v, n) => [v.mul(1.5), n.add(1)],
        [x, tf.scalar(0)],
      )[0],
    xs.add(2),
  );
  both(
    'a loop that all run equally often',
    (x) =>
      tf.whileLoop(
        (_v, n) => tf.less(n, 5),
        (v, n) => [v.mul(1.5), n.add(1)],
        [x, tf.scalar(0)],
      )[0],
    xs,
  );
  it('keeps a branch that all take a branch', () => {
    const f = tf.func((p: tf.Tensor, x: tf.Tensor) =>
      tf.vmap((v: tf.Tensor) =>
        tf.cond(
          tf.greater(p, 0),
          () => v.exp(),
          () => v.neg(),
        ),
      )(x),
    );
    const names = f.graphFor(tf.spec([]), tf.spec([6, 3])).nodes.map((n) => n.op.name);
    expect(names).toContain('cond');
    expect(names).not.toContain('select');
  });
});

describe('gradients', () => {
  const xs = random([5, 3]);
  const w = random([3, 3], 3);
  const f = (x: tf.Tensor) =>
    tf
      .tanh(tf.matMul(x.reshape([1, 3]), w))
      .square()
      .sum();

  it('of vmap by its argument and by what the function captures', () => {
    const loss = (x: tf.Tensor, m: tf.Tensor) =>
      tf
        .vmap((r: tf.Tensor) =>
          tf
            .tanh(tf.matMul(r.reshape([1, 3]), m))
            .square()
            .sum(),
        )(x)
        .sum();
    const plain = (x: tf.Tensor, m: tf.Tensor) => tf.tanh(tf.matMul(x, m)).square().sum();
    const [dx, dw] = tf.grads(loss)([xs, w]);
    const [ex, ew] = tf.grads(plain)([xs, w]);
    close(dx, ex);
    close(dw, ew);
    const compiled = tf.func((x: tf.Tensor, m: tf.Tensor) => tf.grads(loss)([x, m]))(xs, w);
    close(compiled[0], ex);
    close(compiled[1], ew);
  });
  it('under vmap: one for each example', () => {
    const one = tf.grad(f as (x: tf.Tensor) => tf.Tensor);
    close(
      tf.vmap((x: tf.Tensor) => one(x))(xs),
      oneByOne((x) => one(x), xs),
    );
  });
  it('of filters, one for each example', () => {
    const image = random([4, 1, 6, 6, 2]);
    const k = random([3, 3, 2, 3], 5);
    const one = (x: tf.Tensor) =>
      tf.grad((v) =>
        tf
          .maxPool(tf.relu(tf.conv2d(x, v, 1, 'same')), 2, 2, 'valid')
          .square()
          .sum(),
      )(k);
    close(tf.vmap(one)(image), oneByOne(one, image));
  });
  it('a Jacobian as vmap of directional derivatives, and the Hessian as vmap of gradients of gradients', () => {
    const g = (x: tf.Tensor) => tf.tanh(tf.matMul(x.reshape([1, 3]), w)).reshape([3]);
    const x = random([3], 9);
    const columns = tf.vmap((t: tf.Tensor) => tf.jvp(g as never, [x], [t]).tangent, { outAxes: 1 })(tf.eye(3));
    close(columns, tf.jacobian(g)(x));
    const h = tf.vmap((t: tf.Tensor) => tf.grad((v) => tf.grad(f)(v).mul(t).sum())(x))(tf.eye(3));
    close(h, tf.hessian(f)(x));
  });
  it('through loops and branches', () => {
    const step = (x: tf.Tensor) => {
      const [y] = tf.whileLoop(
        (v, _n) => tf.less(v.square().sum(), 5),
        (v, n) => [v.mul(1.5), n.add(1)],
        [x, tf.scalar(0)],
        { maximumIterations: 8 },
      );
      return tf.cond(
        tf.greater(x.sum(), 0.5),
        () => y.square().sum(),
        () => y.sum(),
      );
    };
    const all = (x: tf.Tensor) => tf.vmap(step)(x).sum();
    const want = oneByOne((x) => tf.grad(step)(x), xs);
    close(tf.grad(all)(xs), want);
    close(tf.func((x: tf.Tensor) => tf.grad(all)(x))(xs), want);
    close(tf.func((x: tf.Tensor) => tf.vmap((v: tf.Tensor) => tf.grad(step)(v))(x))(xs), want);
  });
  it('by a Variable that the function reads', () => {
    const v = tf.variable(w);
    const g = tf.variableGrads(
      () =>
        tf
          .vmap((x: tf.Tensor) =>
            tf
              .matMul(x.reshape([1, 3]), v)
              .square()
              .sum(),
          )(xs)
          .sum(),
      [v],
    );
    close(Object.values(g.grads)[0], tf.grad((m) => tf.matMul(xs, m).square().sum())(w));
  });
  it('by a watched tensor that the body of an operation uses', () => {
    const scale = tf.scalar(3);
    const d = tf.grad((s) =>
      tf.func((x: tf.Tensor) => x)(tf.recomputeGrad((x: tf.Tensor) => x.mul(s).square().sum())(xs)),
    )(scale);
    expect(list(d)[0]).toBeCloseTo(6 * list(xs.square().sum())[0], 4);
  });
});

describe('what the function does beside', () => {
  it('assigns a Variable what all elements share', () => {
    const v = tf.variable(tf.scalar(1));
    const y = tf.vmap((x: tf.Tensor) => {
      v.assign(v.add(1));
      return x.add(v);
    })(tf.tensor1d([10, 20]));
    expect(list(y)).toEqual([12, 22]);
    expect(list(v)).toEqual([2]);
    expect(() => tf.vmap((x: tf.Tensor) => void v.assign(x))(tf.tensor1d([10, 20]))).toThrow(tf.TraceError);
    expect(list(v)).toEqual([2]);
  });
  it('draws numbers: of its own for each key, the same without', () => {
    const keys = tf.tensor2d(
      [
        [1, 2],
        [3, 4],
        [1, 2],
      ],
      undefined,
      'int32',
    );
    const draw = (k: tf.Tensor) => tf.random.statelessUniform([4], k);
    const r = tf.vmap(draw)(keys).arraySync() as number[][];
    expect(r[0]).toEqual(r[2]);
    expect(r[0]).not.toEqual(r[1]);
    expect(r[1]).toEqual(tf.random.statelessUniform([4], [3, 4]).arraySync());
    const same = tf
      .vmap((x: tf.Tensor) => tf.randomUniform([2], 0, 1, 'float32', 5).add(x.mul(0)))(tf.zeros([3]))
      .arraySync() as number[][];
    expect(same[1]).toEqual(same[0]);
  });
});

describe('refuses', () => {
  const id = (x: tf.Tensor) => x;
  it('axes of different sizes', () => {
    expect(() => tf.vmap((a: tf.Tensor, b: tf.Tensor) => a.add(b))(tf.zeros([2, 3]), tf.zeros([3, 3]))).toThrow(
      /vmap: the sizes of the mapped axes differ: input 0, f32\[2,3\], has 2 along axis 0, input 1, f32\[3,3\], has 3/,
    );
  });
  it('axes out of range', () => {
    expect(() => tf.vmap(id, { inAxes: 2 })(tf.zeros([2, 3]))).toThrow(tf.ShapeError);
    expect(() => tf.vmap(id)(tf.scalar(1))).toThrow(/a scalar has no axis to map over/);
    expect(() => tf.vmap(id, { outAxes: 3 })(tf.zeros([2, 3]))).toThrow(/out axis of result 0 is 3/);
    expect(() => tf.vmap(id, { inAxes: 0.5 })(tf.zeros([2, 3]))).toThrow(tf.ArgumentError);
  });
  it('nothing mapped, and structures that do not fit', () => {
    expect(() => tf.vmap(id, { inAxes: null })(tf.zeros([2]))).toThrow(/no tensor among the arguments is mapped/);
    expect(() => tf.vmap(id)([[1, 2]] as never)).toThrow(/plain arrays are structures/);
    expect(() => tf.vmap(id, { inAxes: [0, 0] })(tf.zeros([2]))).toThrow(/a list of 1/);
    expect(() => tf.vmap(id, { inAxes: [{ a: 0 }] })(tf.zeros([2]))).toThrow(/one tensor/);
    expect(() => tf.vmap((x: { a: tf.Tensor }) => x.a, { inAxes: [{ b: 0 }] as never })({ a: tf.zeros([2]) })).toThrow(
      /the keys a/,
    );
    expect(() => tf.vmap(id, { outAxes: null })(tf.zeros([2]))).toThrow(/differs between elements/);
    expect(() => tf.vmap(3 as never)).toThrow(tf.ArgumentError);
  });
});
