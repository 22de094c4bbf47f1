// Cases of single operations that are algorithms.

import { type Case, OperandSet, size } from '../case.ts';

function fft(name: string, shape: readonly [number, number]): Case {
  return {
    name: `fft-${name}`,
    about: `Fourier transform of ${shape[0]} x ${shape[1]} complex numbers`,
    kind: 'inference',
    operands: () => new OperandSet(20).input('re', shape).input('im', shape).done(),
    build: (ops, x) => ops.fft(x.re, x.im),
    result: 'plain',
    flops: 5 * size(shape) * Math.log2(shape[1]),
    bytes: 12 * size(shape),
    tolerance: 1e-5,
  };
}

function sort(name: string, shape: readonly [number, number]): Case {
  return {
    name: `sort-${name}`,
    about: `sorting ${shape[0]} row(s) of ${shape[1]}`,
    kind: 'inference',
    operands: () => new OperandSet(21).input('x', shape).done(),
    build: (ops, x) => ops.sort(x.x, shape[1]),
    result: 'plain',
    flops: size(shape) * Math.log2(shape[1]),
    bytes: 8 * size(shape),
    tolerance: 1e-7,
  };
}

const topk: Case = {
  name: 'topk',
  about: 'the 10 largest of each of 64 rows of 32768',
  kind: 'inference',
  operands: () => new OperandSet(22).input('x', [64, 32768]).done(),
  build: (ops, x) => ops.topk(x.x, 10),
  result: 'plain',
  flops: 64 * 32768,
  bytes: 4 * 64 * 32768,
  tolerance: 1e-7,
};

function cumsum(axis: 0 | 1): Case {
  const shape = [1024, 1024];
  return {
    name: `cumsum-axis${axis}`,
    about: `running sums of 1024 x 1024 along axis ${axis}`,
    kind: 'inference',
    operands: () => new OperandSet(23).input('x', shape).done(),
    build: (ops, x) => ops.cumsum(x.x, axis),
    result: 'plain',
    flops: size(shape),
    bytes: 8 * size(shape),
    tolerance: 1e-5,
  };
}

export const algorithmCases: readonly Case[] = [
  fft('rows', [64, 1024]),
  fft('long', [1, 2 ** 16]),
  // A prime: no radix fits.
  fft('prime', [64, 1009]),
  sort('long', [1, 1_000_000]),
  sort('rows', [1024, 1024]),
  sort('short', [65536, 16]),
  topk,
  cumsum(0),
  cumsum(1),
];
