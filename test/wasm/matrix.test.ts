// Every op on the types and values that follow from its samples (conformance/matrix.ts), compiled, against its definition.
//
//   CONFORMANCE=full npx vitest run test/wasm/matrix.test.ts      all of them, not a sample

import '../../tools/relaxed-simd.ts';
import { describe, expect, it } from 'vitest';
import { CompileError } from '../../ir/errors.ts';
import { allOps } from '../../ir/op.ts';
import { caseText, matrixFailure, type Run } from '../conformance/check.ts';
import { chosenCases } from '../conformance/matrix.ts';
import { runWasm } from './run.ts';

const full = process.env.CONFORMANCE === 'full';
const seed = Number(process.env.CONFORMANCE_SEED ?? 1);
/** Cases of an op that an ordinary run takes. */
const SHARE = full ? Number.POSITIVE_INFINITY : 5;

const run: Run = async (g, inputs) => (await runWasm(g, inputs)).outputs;
const ops = allOps().filter((op) => op.kind !== 'control' && op.kind !== 'state');

describe(`the matrix of types and values, ${full ? 'in full' : `a sample of seed ${seed}`}`, () => {
  it.each(ops.map((op, i) => [op.name, op, i] as const))('%s', { timeout: 600_000 }, async (_, op, i) => {
    const found: string[] = [];
    for (const c of chosenCases(op, SHARE, seed * 1009 + i)) {
      try {
        const wrong = await matrixFailure(c, run);
        if (wrong) found.push(wrong);
      } catch (e) {
        if (!(e instanceof CompileError)) throw e;
        found.push(`${caseText(op, c)}: ${e.message.split('\n')[0]}`);
      }
    }
    expect(found).toEqual([]);
  });
});
