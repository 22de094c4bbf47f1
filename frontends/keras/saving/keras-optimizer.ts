// An optimizer's state between this library and Keras's files.

import type { AnyTensor } from '../../io/elements.ts';
import { isObject } from '../../io/format.ts';
import { scalar } from '../../trace/creation.ts';
import type { Variable } from '../../trace/variable.ts';
import type { LayersModel } from '../engine/model.ts';
import { type Assignment, fits } from './assign.ts';
import { byKind, optimizerVariables } from './training-state.ts';

/** A tensor of a file's optimizer. */
export interface StateTensor {
  readonly name: string;
  readonly tensor: AnyTensor;
}

/** What is kept for each weight, by the last part of its name. */
const slots = [
  'gradient_accumulator',
  'average_gradient',
  'average',
  'velocity_hat',
  'velocity',
  'momentum',
  'm',
  'u',
  'accumulated_grad',
  'accumulated_delta_var',
  'accumulator',
  'linear',
];

/** Whether Keras 3 keeps one kind for all weights, and when: before 5 the kinds that stand together for each weight. */
function phase(slot: string | undefined, className: string): number {
  if (slot === undefined) return 9;
  if (slot === 'average') return 1;
  if (slot === 'gradient_accumulator') return 2;
  if (className === 'RMSprop') return 5 + ['velocity', 'momentum', 'average_gradient'].indexOf(slot);
  return slot === 'velocity_hat' ? 5 : 4;
}

/** The optimizer's Variables in Keras 3's order, without how many gradients are waiting, which it does not keep. */
function kerasOrder(model: LayersModel): Variable[] {
  const [iterations, ...rest] = optimizerVariables(model);
  const className = model.optimizer.getClassName();
  const kept = rest.filter((v) => !v.name.endsWith('/accumulated'));
  const placed = kept.map((variable, i) => {
    const slot = slots.find((s) => variable.name.endsWith(`_${s}`));
    return { variable, phase: phase(/product$/.test(variable.name) ? undefined : slot, className), i };
  });
  return [iterations, ...placed.sort((a, b) => a.phase - b.phase || a.i - b.i).map((p) => p.variable)];
}

/** The state in Keras 3's order: the steps, the learning rate, then what is kept for each weight. */
export function kerasState(model: LayersModel): { name: string; tensor: AnyTensor }[] {
  const [iterations, ...rest] = kerasOrder(model);
  const { optimizer } = model;
  return [
    { name: `${optimizer.name}/iteration`, tensor: iterations.read() },
    // A schedule follows from the steps.
    ...(isObject(optimizer.getConfig().learningRate)
      ? []
      : [{ name: `${optimizer.name}/learning_rate`, tensor: scalar(optimizer.learningRate) }]),
    ...rest.map((v) => ({ name: v.name, tensor: v.read() })),
  ];
}

/** Keras 2 before 2.11: all first moments, then all second ones. */
const kindLast = /\/(m|v|vhat|momentum|rms|mg|accumulator|accum_grad|accum_var|linear)(:0)?$/;

/** Where the learning rate stands: Keras 3 keeps it behind the steps. */
function rateIndex(saved: readonly StateTensor[], count: number): number {
  const named = saved.findIndex((s) => /(^|\/)learning_rate(:0)?$/.test(s.name));
  return named >= 0 || saved.length !== count + 1 ? named : 1;
}

/** What is read out of a file's optimizer state. */
export interface FoundState {
  readonly assignments: readonly Assignment[];
  readonly learningRate?: number;
}

/**
 * The optimizer's Variables with what a file has for them; undefined where that is the state of another kind of
 * optimizer, which Keras then leaves out as well.
 */
export function matchState(model: LayersModel, saved: readonly StateTensor[]): FoundState | undefined {
  const variables = kerasOrder(model);
  const at = rateIndex(saved, variables.length);
  const rate = at >= 0 && saved[at].tensor.size === 1 ? saved[at].tensor.dataSync()[0] : undefined;
  const state = saved.filter((_, i) => i !== at);
  // An optimizer that has taken no step may have been saved without its slots.
  if (state.length === 1) return { assignments: pairs(variables.slice(0, 1), state), learningRate: rate };
  if (state.length !== variables.length) return undefined;
  const old = state.length > 1 && kindLast.test(state[1].name);
  const order = old ? byKind(variables.length, model.compiled('load').trainableWeights.length) : undefined;
  const all = optimizerVariables(model);
  const targets = order ? order.map((k) => all[k]) : variables;
  if (!state.every((s, i) => fits(s.tensor, targets[i]))) return undefined;
  return { assignments: pairs(targets, state), learningRate: rate };
}

const pairs = (variables: readonly Variable[], state: readonly StateTensor[]): Assignment[] =>
  variables.map((variable, i) => ({ variable, ...state[i] }));

/** Sets a rate that is a number; a schedule follows from the steps. */
export function setRate(model: LayersModel, rate: number | undefined): void {
  const { learningRate } = model.optimizer.getConfig();
  // The configuration's rate has all digits, the file's is float32.
  if (rate === undefined || isObject(learningRate) || Math.fround(learningRate as number) === rate) return;
  model.optimizer.learningRate = rate;
}

/** Says that a file's state was left out. */
export const warnState = (file: string, saved: number): void =>
  console.warn(
    `sinter: '${file}' has an optimizer state of ${saved} tensors, which is of another kind of optimizer: ` +
      'the optimizer begins anew.',
  );
