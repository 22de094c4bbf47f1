// Control flow and states in the reference interpreter, and open batch sizes.

import { describe, expect, it } from 'vitest';
import { Builder } from '../../ir/builder.ts';
import type { Graph, Val } from '../../ir/graph.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { opByName } from '../../ir/op.ts';
import { openDim, stateType, type TensorType, tensorType } from '../../ir/types.ts';
import { checkGraph } from '../../ir/verify.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import '../../ir/ops/index.ts';

const f32 = (...shape: number[]) => tensorType('f32', shape);
const i32 = tensorType('i32', []);
const bool = tensorType('bool', []);

function region(name: string, types: readonly TensorType[], f: (b: Builder, ...xs: Val[]) => Val[]): Graph {
  const b = new Builder(name);
  return b.build(f(b, ...types.map((t, i) => b.param(t, `x${i}`))));
}
function graph(types: readonly TensorType[], op: string, attrs: Record<string, number>, regions: Graph[]): Graph {
  const b = new Builder('f');
  const g = b.build(
    b.emit(
      opByName(op),
      types.map((t, i) => b.param(t, `p${i}`)),
      attrs,
      regions,
    ),
  );
  checkGraph(g);
  return g;
}
const data = (g: Graph, ...xs: number[][]) =>
  interpret(
    g,
    g.params.map((p, i) => ndarray(p.type.dtype, p.type.shape as number[], xs[i])),
  ).map((r) => Array.from(r.data));

describe('cond', () => {
  const then = region('then', [f32(2)], (b, x) => [b.mul(x, 2), b.un('neg', x)]);
  const other = region('else', [f32(2)], (b, x) => [b.add(x, 1), x]);
  const g = graph([bool, f32(2)], 'cond', {}, [then, other]);

  it('runs the region that the predicate chooses', () => {
    expect(data(g, [1], [3, 4])).toEqual([
      [6, 8],
      [-3, -4],
    ]);
    expect(data(g, [0], [3, 4])).toEqual([
      [4, 5],
      [3, 4],
    ]);
  });
  it('refuses regions that take or give other types', () => {
    const wrong = region('wrong', [f32(3)], (_b, x) => [x, x]);
    const fewer = region('fewer', [f32(2)], (_b, x) => [x]);
    expect(() => graph([bool, f32(2)], 'cond', {}, [then, wrong])).toThrow(/cond_c3/);
    expect(() => graph([bool, f32(2)], 'cond', {}, [then, fewer])).toThrow(/cond_c4/);
    expect(() => graph([bool, f32(2)], 'cond', {}, [then])).toThrow(/cond_c2/);
    expect(() => graph([f32(), f32(2)], 'cond', {}, [then, other])).toThrow(/cond_c1/);
  });
});

describe('while', () => {
  const below = region('below', [i32, f32(2)], (b, i) => [b.compare('lt', i, 5)]);
  const body = region('body', [i32, f32(2)], (b, i, x) => [b.add(i, 1), b.mul(x, 2)]);

  it('carries values until the condition fails, also not at all', () => {
    const g = graph([i32, f32(2)], 'while', {}, [below, body]);
    expect(data(g, [0], [1, 3])).toEqual([[5], [32, 96]]);
    expect(data(g, [9], [1, 3])).toEqual([[9], [1, 3]]);
  });
  it('refuses a body that changes a carried shape, and a condition that is no bool', () => {
    const grows = region('grows', [i32, f32(2)], (b, i, x) => [i, b.concat([x, x], 0)]);
    const number = region('number', [i32, f32(2)], (_b, i) => [i]);
    expect(() => graph([i32, f32(2)], 'while', {}, [below, grows])).toThrow(/while_c4/);
    expect(() => graph([i32, f32(2)], 'while', {}, [number, body])).toThrow(/while_c3/);
    expect(() => graph([i32, f32(3)], 'while', {}, [below, body])).toThrow(/while_c2/);
    expect(() => graph([i32, f32(2)], 'while', {}, [below])).toThrow(/while_c1/);
  });
});

describe('scan', () => {
  const body = region('body', [f32(2), f32(2)], (b, sum, x) => [b.add(sum, x), b.mul(sum, 10)]);

  it('carries, slices and stacks', () => {
    const g = graph([f32(2), f32(3, 2)], 'scan', { length: 3, carry: 1 }, [body]);
    expect(g.results.map((r) => r.type.shape)).toEqual([[2], [3, 2]]);
    expect(data(g, [0, 0], [1, 2, 3, 4, 5, 6])).toEqual([
      [9, 12],
      [0, 0, 10, 20, 40, 60],
    ]);
  });
  it('runs no times, and without operands', () => {
    const none = graph([f32(2), f32(0, 2)], 'scan', { length: 0, carry: 1 }, [body]);
    expect(data(none, [7, 8], [])).toEqual([[7, 8], []]);
    const ones = region('ones', [], (b) => [b.splat(f32(), 1)]);
    expect(data(graph([], 'scan', { length: 3, carry: 0 }, [ones]))).toEqual([[1, 1, 1]]);
  });
  it('refuses wrong lengths, carries and bodies', () => {
    const scan =
      (types: TensorType[], attrs: Record<string, number>, r: Graph[] = [body]) =>
      () =>
        graph(types, 'scan', attrs, r);
    expect(scan([f32(2), f32(3, 2)], { length: 3, carry: 1 }, [])).toThrow(/scan_c1/);
    expect(scan([f32(2), f32(3, 2)], { length: 3, carry: 4 })).toThrow(/scan_c2/);
    expect(scan([f32(2), f32(4, 2)], { length: 3, carry: 1 })).toThrow(/scan_c3/);
    expect(scan([f32(3), f32(3, 2)], { length: 3, carry: 1 })).toThrow(/scan_c4/);
    const drops = region('drops', [f32(2), f32(2)], (b, s) => [b.sum(s)]);
    expect(scan([f32(2), f32(3, 2)], { length: 3, carry: 1 }, [drops])).toThrow(/scan_c5/);
    const states = region('states', [stateType(f32(2))], (_b, s) => [s, s]);
    expect(scan([stateType(f32(2))], { length: 3, carry: 1 }, [states])).toThrow(/scan_c6/);
  });
});

describe('call', () => {
  it('runs its function, nested ones too', () => {
    const inner = region('inner', [f32(2)], (b, x) => [b.mul(x, x)]);
    const outer = region('outer', [f32(2)], (b, x) => [b.add(b.emit(opByName('call'), [x], {}, [inner])[0], 1)]);
    expect(data(graph([f32(2)], 'call', {}, [outer]), [3, 4])).toEqual([[10, 17]]);
    expect(() => graph([f32(3)], 'call', {}, [outer])).toThrow(/call_c2/);
    expect(() => graph([f32(3)], 'call', {}, [])).toThrow(/call_c1/);
  });
});

describe('states', () => {
  it('reads give the version that they name', () => {
    const b = new Builder('update');
    const s = b.param(stateType(f32(2)), 's');
    const before = b.call('read', [s]);
    const next = b.call('assign', [s, b.mul(before, 2)]);
    const g = b.build([before, b.call('read', [next]), next]);
    checkGraph(g);
    expect(data(g, [3, 4])).toEqual([
      [3, 4],
      [6, 8],
      [6, 8],
    ]);
  });
  it('refuses tensors for states and other types', () => {
    const b = new Builder('bad');
    const s = b.param(stateType(f32(2)), 's');
    expect(() => b.call('read', [b.param(f32(2), 'x')])).toThrow(/read_c1/);
    expect(() => b.call('assign', [s, s])).toThrow(/assign_c1/);
    expect(() => b.call('assign', [s, b.param(f32(3), 'y')])).toThrow(/assign_c2/);
  });
});

describe('the interpreter', () => {
  const batch = openDim(64);
  const open = (() => {
    const b = new Builder('open');
    const x = b.param(tensorType('f32', [batch, 3]), 'x');
    const w = b.param(f32(3, 2), 'w');
    const y = b.add(b.matMul(x, w), b.broadcast(b.splat(f32(2), 1), [batch, 2], [1]));
    return b.build([y, b.sum(y, [0]), b.reshape(y, [openDim(64, 2)])]);
  })();

  it('takes the open batch size from the inputs', () => {
    for (const n of [1, 5, 64]) {
      const x = ndarray('f32', [n, 3], new Array(3 * n).fill(1));
      const [y, sum, flat] = interpret(open, [x, ndarray('f32', [3, 2], [1, 2, 3, 4, 5, 6])]);
      expect([y.shape, sum.shape, flat.shape]).toEqual([[n, 2], [2], [2 * n]]);
      expect(Array.from(sum.data)).toEqual([10 * n, 13 * n]);
    }
  });
  it('refuses a batch beyond the bound, wrong shapes, dtypes and counts', () => {
    const w = ndarray('f32', [3, 2]);
    expect(() => interpret(open, [ndarray('f32', [65, 3]), w])).toThrow(/axis 0 of input %x is 65/);
    expect(() => interpret(open, [ndarray('f32', [2, 4]), w])).toThrow(
      /input %x must be f32\[B:64,3\], got f32\[2,4\]/,
    );
    expect(() => interpret(open, [ndarray('i32', [2, 3]), w])).toThrow(/got i32/);
    expect(() => interpret(open, [w])).toThrow(/takes 2 input\(s\), got 1/);
  });
});
