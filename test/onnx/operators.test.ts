// Every operator against what ONNX Runtime computes (golden.json, written by bench/src/golden/onnx.mjs), or against what
// the case itself says: node by node, and compiled.

import { readFileSync } from 'node:fs';
import * as tf from 'sinter';
import { beforeAll, describe, expect, test } from 'vitest';
import { load } from '../../frontends/onnx/load.ts';
import { operators } from '../../frontends/onnx/operators/index.ts';
import { caseKey, givenInputs, modelOfCase, type OpCase } from './build.ts';
import { allCases } from './cases/index.ts';

type Expected = readonly { readonly shape: readonly number[]; readonly data: readonly (number | string)[] }[];
const golden: Record<string, Expected> = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8'));

/** Dtypes that test data of a type has here. */
const dtypes: Record<string, tf.DataType> = {
  float: 'float32',
  double: 'float64',
  uint32: 'uint32',
  uint8: 'uint8',
  int8: 'int8',
  bool: 'bool',
};

function compare(key: string, got: readonly tf.Tensor[], want: Expected, tolerance: number): void {
  expect(got.length, key).toBe(want.length);
  got.forEach((t, k) => {
    const { shape, data } = want[k];
    expect(t.shape, `${key}, shape of result ${k}`).toEqual(shape);
    const largest = data.reduce(
      (m: number, x) => (Number.isFinite(Number(x)) ? Math.max(m, Math.abs(Number(x))) : m),
      1,
    );
    const elements = t.dataSync();
    data.forEach((x, i) => {
      const [a, b] = [elements[i], Number(x)];
      const near = Object.is(a, b) || a === b || Math.abs(a - b) <= tolerance * largest;
      if (!near)
        throw new Error(
          `${key}: result ${k}, element ${i} is ${a}, not ${b}: [${Array.from(elements).slice(0, 12)}] for [${data.slice(0, 12)}]`,
        );
    });
  });
}

async function check(c: OpCase): Promise<void> {
  const key = caseKey(c);
  const want = c.want ?? golden[key];
  expect(want, `golden.json has no '${key}': run node bench/src/golden/onnx.mjs`).toBeDefined();
  const model = await load(modelOfCase(c));
  const inputs = givenInputs(c).map(({ data, values }) =>
    tf.tensor(values, [...data.shape], dtypes[data.type] ?? 'int32'),
  );
  const list = (x: tf.Tensor | tf.Tensor[]) => (Array.isArray(x) ? x : [x]);
  compare(`${key}, eager`, list(model.call(...inputs)), want, c.tolerance ?? 1e-5);
  compare(`${key}, compiled`, list(model.predict(inputs)), want, c.tolerance ?? 1e-5);
}

const families = new Map<string, OpCase[]>();
for (const c of allCases) {
  const name = `${c.domain ? `${c.domain}.` : ''}${c.op}`;
  families.set(name, [...(families.get(name) ?? []), c]);
}

describe('operators', () => {
  beforeAll(() => tf.ready());
  test.each([...families])('%s', async (_, cases) => {
    for (const c of cases) await check(c);
  });

  // Random numbers, sequences and control flow have tests of their own.
  const elsewhere = new Set(
    'RandomUniform RandomUniformLike RandomNormal RandomNormalLike Bernoulli Multinomial If Loop Scan SequenceEmpty SequenceConstruct SequenceLength SequenceAt SequenceInsert SequenceErase ConcatFromSequence SplitToSequence SequenceMap Optional OptionalHasElement OptionalGetElement'.split(
      ' ',
    ),
  );
  test('every operator has a case', () => {
    const without = operators
      .map((o) => `${o.domain ? `${o.domain}.` : ''}${o.op}`)
      .filter((o) => !families.has(o) && !elsewhere.has(o));
    expect(without).toEqual([]);
  });
});
