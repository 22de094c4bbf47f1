// Products and convolutions. Where both operands are mapped the elements are one more batch axis, or
// groups; where one is, they are free: rows of a product, images or filters of a convolution.

import type { Emitter } from '../../ir/emit.ts';
import type { Val } from '../../ir/graph.ts';
import { numAttr, pairsAttr } from '../../ir/op.ts';
import { dimMul, type Shape } from '../../ir/types.ts';
import { type Batching, type BatchRule, type Lane, mapped, spreadAll, toFront } from './lane.ts';
import { loop } from './loop.ts';

const axesOf = (x: Lane, axes: readonly number[]): number[] => axes.map((a) => (x.mapped ? a + 1 : a));

export const dotRule: BatchRule = (c, n) => {
  const [x, y] = n.inputs;
  const [cx, cy] = pairsAttr(n.attrs, 'contract');
  const [bx, by] = pairsAttr(n.attrs, 'batch');
  const contract = [axesOf(x, cx), axesOf(y, cy)];
  const batch = [axesOf(x, bx), axesOf(y, by)];
  const dot = (u: Val, v: Val, cs: number[][], bs: number[][]) => c.whole.dot(u, v, cs, bs);
  if (x.mapped && y.mapped)
    return [
      mapped(
        dot(x.val, y.val, contract, [
          [0, ...batch[0]],
          [0, ...batch[1]],
        ]),
      ),
    ];
  const free = x.type.shape.length - bx.length - cx.length;
  const freeRight = y.type.shape.length - by.length - cy.length;
  // A matrix times mapped vectors: the vectors as rows of the left operand need no transposition.
  if (y.mapped && bx.length === 0 && freeRight === 0)
    return [mapped(dot(y.val, x.val, contract.toReversed(), batch.toReversed()))];
  const r = dot(x.val, y.val, contract, batch);
  return [mapped(toFront(c.whole, r, bx.length + (x.mapped ? 0 : free)))];
};

/** [B, ..., g * p] as [..., g * B * p]: the elements side by side within each group of channels. */
function intoChannels(b: Emitter, v: Val, groups: number): Val {
  const [size, ...rest] = v.type.shape;
  const k = rest.length - 1;
  const channels = rest[k] as number;
  const split = b.reshape(v, [size, ...rest.slice(0, k), groups, channels / groups]);
  const others = rest.slice(0, k).map((_, i) => i + 1);
  const moved = b.transpose(split, [...others, k + 1, 0, k + 2]);
  return b.reshape(moved, [...rest.slice(0, k), channels * (size as number)]);
}

/** The way back. */
function outOfChannels(b: Emitter, v: Val, groups: number, size: number): Val {
  const { shape } = v.type;
  const k = shape.length - 1;
  const channels = (shape[k] as number) / size;
  const split = b.reshape(v, [...shape.slice(0, k), groups, size, channels / groups]);
  const others = shape.slice(0, k).map((_, i) => i);
  const moved = b.transpose(split, [k + 1, ...others, k, k + 2]);
  return b.reshape(moved, [size, ...shape.slice(0, k), channels]);
}

/** Both operands mapped: each element has groups of its own. */
function grouped(c: Batching, n: Parameters<BatchRule>[1]): readonly Lane[] {
  const b = c.whole;
  const [x, y] = spreadAll(c, n.inputs).map((v) => intoChannels(b, v, 1));
  const r = b.emit(n.op, [x, y], { ...n.attrs, groups: numAttr(n.attrs, 'groups') * c.size })[0];
  return [mapped(outOfChannels(b, r, 1, c.size))];
}

/** `conv` and, with the first operand shared, `conv_filter_grad`: the second operand's output channels. */
function wider(c: Batching, n: Parameters<BatchRule>[1]): readonly Lane[] {
  const [x, y] = n.inputs;
  const groups = numAttr(n.attrs, 'groups');
  const r = c.whole.emit(n.op, [x.val, intoChannels(c.whole, y.val, groups)], n.attrs)[0];
  return [mapped(outOfChannels(c.whole, r, groups, c.size))];
}

const merged = ([n, ...rest]: Shape, size: number): Shape => [dimMul(size, n), ...rest];

export const convRule: BatchRule = (c, n) => {
  const [x, w] = n.inputs;
  // No elements would be no channels, which a convolution does not have.
  if (c.size === 0) return loop(c, n);
  if (x.mapped && w.mapped) return grouped(c, n);
  if (w.mapped) return wider(c, n);
  const all = c.whole.reshape(x.val, merged(x.type.shape, c.size));
  const r = c.whole.emit(n.op, [all, w.val], n.attrs)[0];
  return [mapped(c.whole.reshape(r, [c.size, x.type.shape[0], ...r.type.shape.slice(1)]))];
};

export const filterGradRule: BatchRule = (c, n) => {
  if (c.size === 0) return loop(c, n);
  return n.inputs[0].mapped ? grouped(c, n) : wider(c, n);
};
