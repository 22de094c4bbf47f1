// Convolutional networks as lists of layers: their weights, cost, and one layer's computation.

import { type OperandSet, size } from '../case.ts';
import type { Activation, Ops } from '../ops.ts';
import type { Values } from './values.ts';

/** A convolution, padded as `same`. */
export interface Layer {
  readonly name: string;
  /** Height and width of the filter. */
  readonly taps: number;
  readonly channels: readonly [number, number];
  readonly stride: number;
  /** Height and width of the result. */
  readonly side: number;
  /** See `OperandSet.weight`; counted by what one result is summed of. */
  readonly gain: number;
  /** One filter a channel. */
  readonly depthwise?: boolean;
}

const filterShape = ({ taps, channels: [from, to], depthwise }: Layer): readonly number[] => [
  taps,
  taps,
  from,
  depthwise ? 1 : to,
];

/** Filters, and a bias each where normalisation is folded into them. */
export function filters(set: OperandSet, layers: readonly Layer[], biases: boolean): OperandSet {
  for (const l of layers) {
    // A depthwise filter sums over no channels.
    const gain = l.depthwise ? l.gain * Math.sqrt(l.channels[0]) : l.gain;
    set.weight(`${l.name}_w`, filterShape(l), 'hwio', gain);
    if (biases) set.vector(`${l.name}_b`, l.channels[1]);
  }
  return set;
}

export const products = (layers: readonly Layer[]): number =>
  layers.reduce((n, l) => n + l.side ** 2 * size(filterShape(l)), 0);
export const weights = (layers: readonly Layer[]): number => layers.reduce((n, l) => n + size(filterShape(l)), 0);

/** A layer with its bias, if it has one. */
export function convolve<T>(ops: Ops<T>, h: T, x: Values<T>, l: Layer, activation?: Activation): T {
  const [filter, bias] = [x[`${l.name}_w`], x[`${l.name}_b`]];
  const window = { pad: 'same', stride: l.stride } as const;
  if (l.depthwise) return ops.depthwise(h, filter, window, bias, activation);
  return ops.conv2d(h, filter, window, bias, activation);
}
