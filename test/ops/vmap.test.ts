// Every op batched against the op on one element after the other: for every sample, with all operands
// mapped and with each one alone.

import { describe, expect, it } from 'vitest';
import { BatchEmitter } from '../../compiler/vmap/emitter.ts';
import { type Lane, mapped, shared, spread } from '../../compiler/vmap/lane.ts';
import { Builder } from '../../ir/builder.ts';
import type { Graph } from '../../ir/graph.ts';
import { type NDArray, ndarray } from '../../ir/ndarray.ts';
import { allOps, type OpDef, type Sample } from '../../ir/op.ts';
import { tensorType } from '../../ir/types.ts';
import { checkGraph } from '../../ir/verify.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { closeness, expectClose, type OpCase, opCases, opGraph, sampleInputs } from '../helpers.ts';
import { runWasm } from '../wasm/run.ts';

/** The op on `size` elements. */
function batched(op: OpDef, s: Sample, isMapped: readonly boolean[], size: number): Graph {
  const b = new Builder('batched');
  const lanes = s.inputs.map(({ type }, i) =>
    isMapped[i]
      ? mapped(b.param(tensorType(type.dtype, [size, ...type.shape]), `p${i}`))
      : shared(b.param(type, `p${i}`)),
  );
  const out = new BatchEmitter(b, size).emit(op, lanes, s.attrs ?? {}) as Lane[];
  return b.build(out.map((x) => spread(b, size, x)));
}

/**
 * Operands of each element; shared ones are those of the first. Given values are turned, so that elements
 * differ, but for an op whose rows have to stay sorted.
 */
function elements({ op, sample: s }: OpCase, isMapped: readonly boolean[], size: number): NDArray[][] {
  const first = sampleInputs(s);
  return Array.from({ length: size }, (_, k) =>
    sampleInputs(s, k + 1).map((x, i) => {
      if (!isMapped[i]) return first[i];
      if (!s.inputs[i].values || op.name === 'search_sorted') return x;
      const at = x.data.length ? k % x.data.length : 0;
      return ndarray(x.dtype, x.shape, [...x.data.subarray(at), ...x.data.subarray(0, at)]);
    }),
  );
}

function stacked(xs: readonly NDArray[]): NDArray {
  const data = xs.flatMap((x) => Array.from(x.data));
  return ndarray(xs[0].dtype, [xs.length, ...xs[0].shape], data);
}

/** Which operands are mapped: all, then each alone, then all but each. */
function patterns(n: number): boolean[][] {
  const of = (f: (i: number) => boolean) => Array.from({ length: n }, (_, i) => f(i));
  const each = Array.from({ length: n }, (_, k) => k);
  if (n < 2) return [of(() => true)];
  return [
    of(() => true),
    ...each.map((k) => of((i) => i === k)),
    ...(n > 2 ? each.map((k) => of((i) => i !== k)) : []),
  ];
}

const size = 3;
const cases = opCases().filter((c) => c.sample.inputs.length > 0);

function inputsOf(c: OpCase, isMapped: readonly boolean[]) {
  const each = elements(c, isMapped, size);
  return { each, all: c.sample.inputs.map((_, i) => (isMapped[i] ? stacked(each.map((e) => e[i])) : each[0][i])) };
}

describe('batched', () => {
  it.each(cases.map((c) => [c.name, c] as const))('%s', (name, { op, sample }) => {
    const one = opGraph(op, sample);
    for (const isMapped of patterns(sample.inputs.length)) {
      const g = batched(op, sample, isMapped, size);
      checkGraph(g);
      const { each, all } = inputsOf({ name, op, sample }, isMapped);
      const want = each.map((inputs) => interpret(one, inputs));
      // Expansions have constants in float32.
      interpret(g, all).forEach((r, i) => {
        expectClose(r, stacked(want.map((w) => w[i])), 2e-6, 2e-6);
      });
    }
  });
});

const smallest = new Map<string, OpCase>();
for (const c of cases) if (!smallest.has(c.op.name)) smallest.set(c.op.name, c);

describe('batched and compiled', () => {
  it.each([...smallest])('%s', async (name, { op, sample }) => {
    const isMapped = sample.inputs.map(() => true);
    const g = batched(op, sample, isMapped, size);
    const { all } = inputsOf({ name, op, sample }, isMapped);
    const { outputs } = await runWasm(
      g,
      all.map((x) => x.data),
    );
    interpret(g, all).forEach((r, i) => {
      expect(closeness(outputs[i], r.data, 2e-5, 2e-5)).toBe('');
    });
  });
});

describe('without a loop', () => {
  // A random word is a function of its key and its index, and there is no operation for one word alone.
  const loops = ['rng_bits'];
  const usesLoop = (op: OpDef) => {
    const [s] = op.samples;
    return batched(
      op,
      s,
      s.inputs.map(() => true),
      size,
    ).nodes.some((n) => n.op.name === 'scan');
  };
  it.each(
    allOps()
      .filter((op) => op.samples.some((s) => s.inputs.length) && op.kind !== 'composite')
      .map((op) => [op.name, op] as const),
  )('%s', (name, op) => {
    expect(usesLoop(op)).toBe(loops.includes(name));
  });
  it('a group for each element of a convolution', () => {
    const conv = allOps().find((o) => o.name === 'conv') as OpDef;
    const g = batched(conv, conv.samples[2], [true, true], size);
    expect(g.nodes.find((n) => n.op.name === 'conv')?.attrs.groups).toBe(6);
  });
  it('no copy of what is shared: filters of all elements side by side, images in one batch', () => {
    const conv = allOps().find((o) => o.name === 'conv') as OpDef;
    for (const isMapped of [
      [true, false],
      [false, true],
    ])
      expect(batched(conv, conv.samples[0], isMapped, size).nodes.map((n) => n.op.name)).not.toContain('broadcast');
  });
});
