// The evaluator of kernel expressions against compiled code without fused multiply-add: the same bits for
// every scalar rule, on numbers of all magnitudes and at the edges.

import { describe, expect, it } from 'vitest';
import '../../ir/ops/index.ts';
import { Builder } from '../../ir/builder.ts';
import type { Attrs } from '../../ir/graph.ts';
import { compileExpr } from '../../ir/kernel/evaluate.ts';
import { variable } from '../../ir/kernel/expr.ts';
import { roundTo } from '../../ir/literal.ts';
import { allOps, inferTypes } from '../../ir/op.ts';
import { type DType, type TensorType, tensorType } from '../../ir/types.ts';
import { randomFrom } from '../helpers.ts';
import { runWasm } from '../wasm/run.ts';

const N = 512;
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
    const f = compileExpr(e, names);
    const text = (x: number) => (Object.is(x, -0) ? '-0' : String(x));
    for (let i = 0; i < N; i++) {
      const xs = data.map((d) => d[i]);
      expect(text(outputs[0][i]), `of ${xs}`).toBe(text(f(...xs)));
    }
  });
});
