// The contraction of two tensors: matrix product, batched product, any einsum of two operands.

import type { Emitter } from '../emit.ts';
import type { Val } from '../graph.ts';
import { at, build, forEachIndex } from '../ndarray.ts';
import { defineOp, pairsAttr, sample } from '../op.ts';
import { dimEq, isFloat, shapeText, staticShape, tensorType } from '../types.ts';

const valid = (axes: readonly number[], rank: number) => axes.every((a) => Number.isInteger(a) && a >= 0 && a < rank);
const freeAxes = (rank: number, used: readonly number[]) =>
  Array.from({ length: rank }, (_, i) => i).filter((i) => !used.includes(i));

defineOp({
  name: 'dot_general',
  doc: 'Sums products over the `contract` axes, pairing the `batch` axes. Result axes: batch, then the free axes of the left, then of the right operand.',
  kind: 'contraction',
  arity: 2,
  constraints: {
    dot_general_c1: 'both operands must have one dtype, which is a float or i32',
    dot_general_c2: 'batch and contract must name distinct axes, as many of the left as of the right operand',
    dot_general_c3: 'paired dimensions must be equal',
  },
  infer: (c) => {
    const [x, y] = c.inputs;
    const [cx, cy] = pairsAttr(c.attrs, 'contract');
    const [bx, by] = pairsAttr(c.attrs, 'batch');
    c.check(
      x.dtype === y.dtype && (isFloat(x.dtype) || x.dtype === 'i32'),
      'dot_general_c1',
      `dtypes ${x.dtype} and ${y.dtype}`,
      'convert one of them',
    );
    const ux = [...bx, ...cx];
    const uy = [...by, ...cy];
    c.check(
      bx.length === by.length &&
        cx.length === cy.length &&
        valid(ux, x.shape.length) &&
        valid(uy, y.shape.length) &&
        new Set(ux).size === ux.length &&
        new Set(uy).size === uy.length,
      'dot_general_c2',
      `batch [[${bx}],[${by}]], contract [[${cx}],[${cy}]] for ranks ${x.shape.length} and ${y.shape.length}`,
    );
    ux.forEach((a, i) => {
      c.check(
        dimEq(x.shape[a], y.shape[uy[i]]),
        'dot_general_c3',
        `axis ${a} of ${shapeText(x.shape)} with axis ${uy[i]} of ${shapeText(y.shape)}`,
        'the inner dimensions of a product must match; transpose one operand?',
      );
    });
    return [
      tensorType(x.dtype, [
        ...bx.map((a) => x.shape[a]),
        ...freeAxes(x.shape.length, ux).map((a) => x.shape[a]),
        ...freeAxes(y.shape.length, uy).map((a) => y.shape[a]),
      ]),
    ];
  },
  grad: (b, n, [g]) => {
    const [x, y] = n.inputs;
    const [cx, cy] = pairsAttr(n.attrs, 'contract');
    const [bx, by] = pairsAttr(n.attrs, 'batch');
    return [
      n.needs[0] ? dotGrad(b, g, x, y, cx, cy, bx, by, true) : null,
      n.needs[1] ? dotGrad(b, g, y, x, cy, cx, by, bx, false) : null,
    ];
  },
  reference: ([x, y], attrs, [t]) => {
    const [cx, cy] = pairsAttr(attrs, 'contract');
    const [bx, by] = pairsAttr(attrs, 'batch');
    const fx = freeAxes(x.shape.length, [...bx, ...cx]);
    const fy = freeAxes(y.shape.length, [...by, ...cy]);
    const kShape = cx.map((a) => x.shape[a]);
    const ix = new Array<number>(x.shape.length).fill(0);
    const iy = new Array<number>(y.shape.length).fill(0);
    return [
      build(t.dtype, staticShape(t.shape), (o) => {
        bx.forEach((a, i) => {
          ix[a] = o[i];
          iy[by[i]] = o[i];
        });
        fx.forEach((a, i) => {
          ix[a] = o[bx.length + i];
        });
        fy.forEach((a, i) => {
          iy[a] = o[bx.length + fx.length + i];
        });
        let s = 0;
        forEachIndex(kShape, (k) => {
          cx.forEach((a, i) => {
            ix[a] = k[i];
            iy[cy[i]] = k[i];
          });
          s = t.dtype === 'i32' ? (s + Math.imul(at(x, ix), at(y, iy))) | 0 : s + at(x, ix) * at(y, iy);
        });
        return s;
      }),
    ];
  },
  samples: [
    sample(['f32[3,4]', 'f32[4,5]'], { batch: [[], []], contract: [[1], [0]] }),
    sample(['f32[4,3]', 'f32[5,4]'], { batch: [[], []], contract: [[0], [1]] }),
    sample(['f32[2,3,4]', 'f32[2,4,5]'], { batch: [[0], [0]], contract: [[2], [1]] }),
    sample(['f32[3,2,4]', 'f32[4,3,5]'], { batch: [[0], [1]], contract: [[2], [0]] }),
    sample(['f32[2,3,4]', 'f32[3,4]'], {
      batch: [[], []],
      contract: [
        [1, 2],
        [0, 1],
      ],
    }),
    sample(['f32[3]', 'f32[4]'], { batch: [[], []], contract: [[], []] }),
    sample(['f32[7]', 'f32[7]'], { batch: [[], []], contract: [[0], [0]] }),
    sample(['f32[3,0]', 'f32[0,5]'], { batch: [[], []], contract: [[1], [0]] }, false),
    sample(
      [
        ['i32[3,4]', -9, 9],
        ['i32[4,5]', -9, 9],
      ],
      { batch: [[], []], contract: [[1], [0]] },
      false,
    ),
    sample(['f32[37,65]', 'f32[65,50]'], { batch: [[], []], contract: [[1], [0]] }, false),
    sample(['f32[1,130]', 'f32[130,33]'], { batch: [[], []], contract: [[1], [0]] }, false),
    sample(['f32[70,300]', 'f32[300,19]'], { batch: [[], []], contract: [[1], [0]] }, false),
    sample(['f32[66,130]', 'f32[1,130]'], { batch: [[], []], contract: [[1], [1]] }, false),
  ],
});

/** Gradient of one operand: the cotangent contracted with the other operand over the other's free axes. */
function dotGrad(
  b: Emitter,
  g: Val,
  x: Val,
  y: Val,
  cx: readonly number[],
  cy: readonly number[],
  bx: readonly number[],
  by: readonly number[],
  left: boolean,
): Val {
  const nb = bx.length;
  const fx = freeAxes(x.type.shape.length, [...bx, ...cx]);
  const fy = freeAxes(y.type.shape.length, [...by, ...cy]);
  const gBatch = bx.map((_, i) => i);
  const gFree = fy.map((_, i) => nb + (left ? fx.length : 0) + i);
  // y's contracted axes in ascending order stand for each x's partner. Of the two operand orders the
  // one is taken whose result needs no transposition, if either does not.
  const contracted = freeAxes(y.type.shape.length, [...by, ...fy]).map((a) => cx[cy.indexOf(a)]);
  const swapped = [...bx, ...contracted, ...fx];
  if (swapped.every((a, i) => a === i)) return b.dot(y, g, [fy, gFree], [by, gBatch]);
  const r = b.dot(g, y, [gFree, fy], [gBatch, by]);
  const order = [...bx, ...fx, ...contracted];
  return b.transpose(
    r,
    x.type.shape.map((_, i) => order.indexOf(i)),
  );
}
