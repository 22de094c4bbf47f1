// What training goes on with, beside weights: the optimizer's Variables and the states of random numbers.

import { damaged, isObject, isWhole, type Place } from '../../io/format.ts';
import { tensor } from '../../trace/creation.ts';
import { globalRandomState } from '../../trace/generator.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { Variable } from '../../trace/variable.ts';
import type { LayersModel } from '../engine/model.ts';
import type { Assignment } from './assign.ts';

/** The optimizer's Variables, made where no step has been taken so far. */
export function optimizerVariables(model: LayersModel): Variable[] {
  const compiled = model.compiled('save');
  if (model.built) compiled.optimizer.build(compiled.trainableWeights);
  return compiled.optimizer.variables;
}

/**
 * The places of an optimizer's Variables one kind after the other, as TensorFlow.js and Keras 2 save them: first what
 * there is once, then all first moments, then all second ones, …; here those of one weight stand together.
 * @param total how many Variables there are
 * @param weights of how many weights
 */
export function byKind(total: number, weights: number): number[] {
  const kinds = weights === 0 ? 0 : Math.floor((total - 1) / weights);
  const single = total - kinds * weights;
  const places = Array.from({ length: single }, (_, i) => i);
  for (let k = 0; k < kinds; k++) for (let w = 0; w < weights; w++) places.push(single + w * kinds + k);
  return places;
}

/** Variables with the tensors of a file, in order. Throws FormatError where these are not as many. */
export function optimizerAssignments(
  variables: readonly Variable[],
  saved: readonly { name: string; tensor: unknown }[],
  place: Place,
): Assignment[] {
  if (saved.length !== variables.length)
    damaged(
      place,
      `it has ${saved.length} Variables of the optimizer, this one has ${variables.length}`,
      'the file is of another model or optimizer',
    );
  return variables.map((variable, i) => ({ variable, ...saved[i] }));
}

/** States of random numbers: everybody's, then those of layers with seeds. */
const randomStates = (model: LayersModel): Variable[] => [globalRandomState(), ...model.randomVariables];

/** What is no tensor of weights and no configuration: the rate that somebody has set, and where random numbers are. */
export interface Progress {
  readonly learningRate?: number;
  readonly random: readonly (readonly number[])[];
}

/** What training goes on with; rejects with TraceError while tracing. */
export async function progressOf(model: LayersModel): Promise<Progress> {
  const { optimizer } = model;
  await optimizer.fetchRate();
  const random = await Promise.all(randomStates(model).map(async (v) => [...(await v.read().data())]));
  // A schedule follows from the iterations; a rate that somebody has set does not.
  const own = typeof optimizer.getConfig().learningRate === 'number';
  return { ...(own ? { learningRate: optimizer.learningRate } : {}), random };
}

/** What a file says of the progress, checked. Throws FormatError for what is none. */
export function checkedProgress(x: unknown, place: Place): Progress {
  const state = (s: unknown): boolean =>
    Array.isArray(s) && s.length === 2 && s.every((w) => isWhole(w) && w < 2 ** 32);
  if (!isObject(x) || !Array.isArray(x.random) || !x.random.every(state))
    return damaged(place, 'its states of random numbers are none');
  const { learningRate } = x;
  if (learningRate !== undefined && !(typeof learningRate === 'number' && learningRate >= 0))
    return damaged(place, 'its learning rate is none');
  return x as unknown as Progress;
}

/** Takes the progress up. A model with other layers keeps its random numbers. */
export function restoreProgress(model: LayersModel, { learningRate, random }: Progress): void {
  const { optimizer } = model;
  if (learningRate !== undefined && typeof optimizer.getConfig().learningRate === 'number')
    optimizer.learningRate = learningRate;
  const states = randomStates(model);
  if (states.length !== random.length) return;
  states.forEach((v, i) => void v.assign(stateTensor(random[i])));
}
const stateTensor = (words: readonly number[]): Tensor => tensor([...words], [2], 'uint32');
