// Cells of recurrent networks, and the moving average of training statistics.

import { DTypeError, ShapeError } from '../../../ir/errors.ts';
import type { TensorLike } from '../convert.ts';
import { emitter as b } from '../dispatch.ts';
import type { Tensor } from '../tensor.ts';
import { add, div, mul, pow, sub } from './binary.ts';
import { arg, checkRank, floatArg, listArg, need } from './common.ts';
import { matMul } from './linalg.ts';
import { concat, split } from './shape.ts';
import { sigmoid, tanh } from './unary.ts';

/**
 * One step of an LSTM (Hochreiter, Schmidhuber 1997) on a batch: `[newC, newH]`.
 * @param lstmKernel [inputs + units, 4 * units]: input gate, candidate, forget gate, output gate
 * @param data [batch, inputs]
 * @param c the cell's state, @param h its last output, [batch, units]
 * Throws ShapeError where these do not fit.
 */
export function basicLSTMCell(
  forgetBias: TensorLike,
  lstmKernel: TensorLike,
  lstmBias: TensorLike,
  data: TensorLike,
  c: TensorLike,
  h: TensorLike,
): [Tensor, Tensor] {
  const op = 'basicLSTMCell';
  const [x, state, output] = [data, c, h].map((t, i) => floatArg(t, ['data', 'c', 'h'][i], op));
  for (const [t, name] of [
    [x, 'data'],
    [state, 'c'],
    [output, 'h'],
  ] as const)
    checkRank(t, [2], name, op);
  const kernel = floatArg(lstmKernel, 'lstmKernel', op);
  const units = output.shape[1];
  if (kernel.shape[0] !== x.shape[1] + units || kernel.shape[1] !== 4 * units)
    throw new ShapeError(
      `lstmKernel [${kernel.shape}] must be [${x.shape[1] + units},${4 * units}] for data [${x.shape}] and h [${output.shape}]`,
      { op, fix: 'the kernel takes the inputs and the last output, and makes four gates' },
    );
  const gates = add(matMul(concat([x, output], 1), kernel), lstmBias);
  const [input, candidate, forget, out] = split(gates, 4, 1);
  const newC = add(mul(sigmoid(input), tanh(candidate)), mul(state, sigmoid(add(forgetBias, forget))));
  return [newC, mul(tanh(newC), sigmoid(out))];
}

/** A cell as `multiRNNCell` calls it: data, state and last output to new state and output. */
export type LSTMCellFunc = (data: Tensor, c: Tensor, h: Tensor) => [Tensor, Tensor];

/** Cells on top of each other, each fed with the output of the one before: `[states, outputs]`. */
export function multiRNNCell(
  lstmCells: readonly LSTMCellFunc[],
  data: TensorLike,
  c: readonly TensorLike[],
  h: readonly TensorLike[],
): [Tensor[], Tensor[]] {
  const op = 'multiRNNCell';
  need(
    Array.isArray(lstmCells) && lstmCells.every((f) => typeof f === 'function'),
    op,
    'lstmCells must be an array of functions',
    lstmCells,
  );
  listArg(c, 'c', op);
  listArg(h, 'h', op);
  need(c.length === lstmCells.length && h.length === lstmCells.length, op, 'c and h must have one entry a cell', [
    lstmCells.length,
    c.length,
    h.length,
  ]);
  let input = arg(data, 'data', op);
  const steps = lstmCells.map((cell, i) => {
    const step = cell(input, arg(c[i], `c[${i}]`, op), arg(h[i], `h[${i}]`, op));
    input = step[1];
    return step;
  });
  return [steps.map((s) => s[0]), steps.map((s) => s[1])];
}

/**
 * v + (x - v) * (1 - decay), the next value of an exponential moving average. With `zeroDebias` the
 * update is divided by 1 - decay^step, so that an average that began at 0 is unbiased (Kingma, Ba 2014);
 * it needs the step, counted from 1.
 */
export function movingAverage(
  v: TensorLike,
  x: TensorLike,
  decay: TensorLike,
  step?: TensorLike,
  zeroDebias = true,
): Tensor {
  const op = 'movingAverage';
  const [old, now] = [arg(v, 'v', op), arg(x, 'x', op)];
  if (old.type.dtype !== now.type.dtype)
    throw new DTypeError(`v is ${old.dtype}, x is ${now.dtype}`, { op, fix: 'cast one of them' });
  if (old.rank !== now.rank || old.shape.some((d, i) => d !== now.shape[i]))
    throw new ShapeError(`v [${old.shape}] and x [${now.shape}] must have one shape`, {
      op,
      fix: 'broadcast one of them first: tf.broadcastTo',
    });
  const update = mul(sub(now, old), sub(1, decay));
  if (!zeroDebias) return b.add(old, update) as Tensor;
  need(step !== undefined && step !== null, op, 'zeroDebias needs the step', step, 'count the calls from 1');
  arg(step as TensorLike, 'step', op);
  return add(old, div(update, sub(1, pow(decay, step as TensorLike))));
}
