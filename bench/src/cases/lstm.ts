// A recurrent layer, LSTM: a loop over its steps.

import { type Case, OperandSet } from '../case.ts';

const [steps, batch, units] = [64, 32, 128];
const size = `LSTM of ${units} units over ${steps} steps of ${units} inputs, batch ${batch}`;

function operands(labels: boolean): OperandSet {
  const set = new OperandSet(21)
    .input('x', [steps, batch, units])
    .weight('w', [units, 4 * units])
    .weight('u', [units, 4 * units])
    .vector('b', 4 * units);
  return labels ? set.label('y', [steps, batch, units]) : set;
}
const weights = 2 * units * 4 * units;
const products = steps * batch * weights;

const lstm: Case = {
  name: 'lstm',
  about: `${size}: a loop`,
  kind: 'inference',
  operands: () => operands(false).done(),
  build: (ops, x) => ops.lstm(x.x, x.w, x.u, x.b),
  result: 'plain',
  flops: 2 * products + steps * batch * 10 * 4 * units,
  bytes: 4 * (steps * batch * 2 * units + weights),
  tolerance: 1e-5,
};
const lstmTrain: Case = {
  name: 'lstm-train',
  about: `${size}, training step with Adam on a squared error of the hidden states`,
  kind: 'train',
  operands: () => operands(true).done(),
  build: (ops, x) => ops.meanSquare(ops.lstm(x.x, x.w, x.u, x.b), x.y),
  result: 'plain',
  // The input needs no gradient: its half of the products counts twice, the other three times.
  flops: 2 * 2.5 * products,
  bytes: 4 * (7 * weights + steps * batch * 3 * units),
  tolerance: 1e-4,
};

export const lstmCases: readonly Case[] = [lstm, lstmTrain];
