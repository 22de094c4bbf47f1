// The evaluator of kernel expressions against compiled code without fused multiply-add: the same bits for
// every scalar rule, on numbers of all magnitudes and at the edges.

import { describe, expect, it } from 'vitest';
import '../../ir/ops/index.ts';
import { Builder } from '../../ir/builder.ts';
import type { Attrs } from '../../ir/graph.ts';
import { compileExpr } from '../../ir/kernel/evaluate.ts';
import { add, call, type Expr, konst, mul, rare, variable } from '../../ir/kernel/expr.ts';
import { kernelFunction } from '../../ir/kernel/functions.ts';
import { roundTo } from '../../ir/literal.ts';
import { allOps, inferTypes, opByName } from '../../ir/op.ts';
import { type DType, type TensorType, tensorType } from '../../ir/types.ts';
import { randomFrom } from '../helpers.ts';
import { runWasm } from '../wasm/run.ts';
import { compileScalar } from './scalar-evaluate.ts';

const N = 600;
const edges: Readonly<Record<string, readonly number[]>> = {
  f32: [0, -0, 1, -1, 0.5, 1.5, 2.5, NaN, Infinity, -Infinity, 1e-45, -1e-40, 3.4e38, 1e5, -3e7, 2147483648, 8388609],
  f64: [0, -0, 1, -1, 0.5, 1.5, 2.5, NaN, Infinity, -Infinity, 5e-324, -1e-310, 1.7e308, 1e9, -3e25, 2 ** 52 + 1],
  i32: [0, 1, -1, 2147483647, -2147483648, 7, -7, 31],
  u32: [0, 1, 4294967295, 2147483648, 7, 31],
  bool: [0, 1],
};

function numbers(dtype: DType, seed: number): number[] {
  const random = randomFrom(seed);
  const draw = () => {
    if (dtype === 'bool') return random() < 0.5 ? 0 : 1;
    if (dtype === 'i32' || dtype === 'u32') return random() < 0.5 ? random() * 100 : (random() - 0.5) * 2 ** 32;
    return random() < 0.5 ? 8 * random() - 4 : (random() - 0.5) * 2 ** (60 * random() - 30);
  };
  const list = edges[dtype];
  // Edges meet each other: with a stride of their own for every operand.
  return Array.from({ length: N }, (_, i) =>
    roundTo(dtype, i < 300 ? list[(i * ((seed % 5) + 1)) % list.length] : draw()),
  );
}

const types: readonly DType[] = ['f32', 'f64', 'i32', 'u32', 'bool'];
const cases = allOps()
  .filter((op) => op.scalar && op.name !== 'convert' && op.name !== 'bitcast')
  .flatMap((op) =>
    types.flatMap((dtype) => {
      const first = op.name === 'select' ? 'bool' : dtype;
      const rest = op.name === 'int_below' || op.name === 'gamma_element' ? 'u32' : dtype;
      const inputs = Array.from({ length: op.arity }, (_, i) => tensorType(i === 0 ? first : rest, [N]));
      const attrs: Attrs = op.name === 'scale_shift' ? { scale: 0.7, shift: -3 } : {};
      try {
        inferTypes(op, inputs, attrs);
      } catch {
        return [];
      }
      return [{ name: `${op.name} on ${dtype}`, op, inputs: inputs as readonly TensorType[], attrs }];
    }),
  );

describe('the same bits', () => {
  it('are looked for in many places', () => expect(cases.length).toBeGreaterThan(90));
  it.each(cases)('$name', async ({ op, inputs, attrs }) => {
    const b = new Builder('f');
    const params = inputs.map((t, i) => b.param(t, `x${i}`));
    const g = b.build(b.emit(op, params, attrs));
    const data = inputs.map((t, i) => numbers(t.dtype, 11 + i));
    const { outputs } = await runWasm(g, data, { relaxed: false });
    const scalar = op.scalar as NonNullable<typeof op.scalar>;
    const names = inputs.map((_, i) => `x${i}`);
    const e = scalar(
      inputs.map((t, i) => variable(names[i], t.dtype)),
      attrs,
      g.results[0].type,
    );
    const out = new Float64Array(N);
    compileExpr(e, names)(
      data.map((d) => Float64Array.from(d)),
      N,
      out,
    );
    for (let i = 0; i < N; i++) expect(text(outputs[0][i]), `of ${data.map((d) => d[i])}`).toBe(text(out[i]));
  });
});

const text = (x: number) => (Object.is(x, -0) ? '-0' : String(x));
/** Both evaluators on the same arguments. */
function agree(e: Expr, names: readonly string[], args: readonly Float64Array[], n: number): void {
  const out = new Float64Array(n + 1).fill(77);
  compileExpr(e, names)(args, n, out);
  const one = compileScalar(e, names);
  for (let i = 0; i < n; i++) {
    const xs = args.map((a) => a[i]);
    if (!Object.is(out[i], one(...xs))) expect.fail(`element ${i} of ${n}, ${xs}: ${out[i]}, not ${one(...xs)}`);
  }
  expect(out[n]).toBe(77);
}

describe('many elements at a time are as one by one', () => {
  const words = (n: number, seed: number) => {
    const random = randomFrom(seed);
    return Float64Array.from({ length: n }, (_, i) => (i < 6 ? edges.u32[i] : Math.floor(random() * 2 ** 32)));
  };
  const ofWord = ['normal_of_bits', 'truncated_normal_of_bits', 'exponential_of_bits', 'gumbel_of_bits'];
  it.each(ofWord)('%s, sizes around that of a block', (name) => {
    const op = opByName(name);
    const e = (op.scalar as NonNullable<typeof op.scalar>)([variable('w', 'u32')], {}, tensorType('f32', [N]));
    for (const n of [0, 1, 7, 511, 512, 513, 1024, 1025, 3000]) agree(e, ['w'], [words(n, n + 1)], n);
  });

  it.each([
    ['int_below', [1, 3 * 2 ** 30, 2 ** 31 + 1, 7]],
    ['gamma_sample', [0.05, 1, 3.5, 1000, Number.NaN, 0, -1]],
    ['sin', [0, -0, 1e22, -3e5, Number.POSITIVE_INFINITY, 0.5]],
    ['exp', [0, -0, 710, -800, Number.NaN, 1e-320]],
  ])('%s, which draws again or calls for what is rare', (fn, values) => {
    const { params, body } = kernelFunction(fn) as NonNullable<ReturnType<typeof kernelFunction>>;
    const n = 1100;
    const first = Float64Array.from({ length: n }, (_, i) => values[i % values.length]);
    const args = params.map((p, i) => (i === 0 ? first : p.name === 'x4' ? new Float64Array(n).fill(1) : words(n, i)));
    agree(
      body,
      params.map((p) => p.name),
      args,
      n,
    );
  });

  it('all, some or none of the elements make a rare call', () => {
    const [c, x] = [variable('c', 'bool'), variable('x', 'f64')];
    const e = rare(c, call('log', x), x);
    for (const every of [1, 3, Number.POSITIVE_INFINITY]) {
      const some = Float64Array.from({ length: 600 }, (_, i) => +(i % every === 0 && every < 600));
      agree(e, ['c', 'x'], [some, Float64Array.from({ length: 600 }, (_, i) => i / 7)], 600);
    }
  });

  it('an argument alone, a constant alone, and a value used twice', () => {
    const x = variable('x', 'f32');
    const args = [Float64Array.from(numbers('f32', 5))];
    agree(x, ['x'], args, N);
    const once = mul(x, x);
    agree(add(once, add(once, konst('f32', 0.5))), ['x'], args, N);
    agree(konst('f32', -0), ['x'], args, N);
  });
});
