// What every op record must have, checked for all ops at once.

import { describe, expect, it } from 'vitest';
import { allOps, inferTypes } from '../../ir/op.ts';
import { typeText } from '../../ir/types.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { opCases, opGraph, sampleInputs } from '../helpers.ts';

// No sample can hold what these work on: literal data, regions, states. They have tests of their own.
const unsampled = (kind: string, name: string) => name === 'constant' || kind === 'control' || kind === 'state';

describe.each(allOps().map((op) => [op.name, op] as const))('%s', (name, op) => {
  it('has a doc that is a sentence', () => {
    expect(op.doc).toMatch(/^\S.*\.$/s);
  });

  it('has labelled constraints, numbered from 1', () => {
    const labels = Object.keys(op.constraints);
    expect(labels).toEqual(labels.map((_, i) => `${name}_c${i + 1}`));
    for (const text of Object.values(op.constraints)) expect(text.length).toBeGreaterThan(10);
    if (name !== 'stop_gradient') expect(labels.length).toBeGreaterThan(0);
  });

  it('has samples', () => {
    if (unsampled(op.kind, name)) expect(op.samples).toEqual([]);
    else expect(op.samples.length).toBeGreaterThan(0);
  });

  it('has a gradient or a reason', () => {
    if (typeof op.grad === 'object') expect(op.grad.none).toMatch(/\w+ \w+/);
    else if (op.grad === 'expand') expect(op.expand).toBeTypeOf('function');
    else
      expect(
        op.samples.some((s) => s.grad !== false) ||
          unsampled(op.kind, name) ||
          ['convert', 'with_gradient_of'].includes(name),
      ).toBe(true);
  });

  it('has what its kind needs', () => {
    expect(op.kind === 'composite').toBe(op.expand !== undefined);
    expect(op.kind === 'elementwise').toBe(op.scalar !== undefined);
  });
});

describe('reference and inference agree in', () => {
  it.each(opCases().map((c) => [c.name, c] as const))('%s', (_, { op, sample }) => {
    const types = inferTypes(
      op,
      sample.inputs.map((x) => x.type),
      sample.attrs ?? {},
    );
    const results = interpret(opGraph(op, sample), sampleInputs(sample));
    expect(results.map((r) => `${r.dtype}[${r.shape}]`)).toEqual(types.map(typeText));
    for (const r of results) expect(r.data.length).toBe(r.shape.reduce((n, d) => n * d, 1));
  });
});
