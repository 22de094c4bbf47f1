// The state of a training in checkpoints: weights, the optimizer's state, running metrics.

import { ArgumentError, ExecutionError, valueText } from '../../../ir/errors.ts';
import { readIfThere } from '../../files.ts';
import type { Variable } from '../../trace/variable.ts';
import type { CallbackModel } from './callback.ts';
import { type Checkpoint, decodeCheckpoint, groupOf, type NamedTensor, wrongModel } from './checkpoint-file.ts';
import { textOf } from './options.ts';

const named = (group: string, variables: readonly Variable[]): NamedTensor[] =>
  variables.map((v) => ({ group, name: v.name, tensor: v.read() }));

/** The state of a model: its weights and configuration; with `all`, also what training goes on with. */
export function stateOfModel(model: CallbackModel, all: boolean): Checkpoint {
  const { optimizer } = model;
  const data: Record<string, unknown> = { model: { name: model.name, className: model.getClassName?.() } };
  const tensors = named('weights', model.weights);
  if (all) {
    data.config = model.getConfig?.();
    data.optimizer = { className: optimizer.getClassName?.(), config: optimizer.getConfig?.() };
    // A schedule follows from the iterations; a rate that somebody has set does not.
    if (ownRate(model)) data.learningRate = optimizer.learningRate;
    tensors.push(...named('optimizer', optimizer.variables ?? []), ...named('metrics', model.metricsVariables ?? []));
  }
  return { data, tensors };
}

/** Whether the optimizer's rate is a number that can be set, and no schedule. */
const ownRate = ({ optimizer }: CallbackModel): boolean =>
  typeof (optimizer.getConfig?.() ?? { learningRate: 0 }).learningRate === 'number';

/**
 * Gives a model the state of a checkpoint. Throws ArgumentError, and changes nothing, where it is of another one.
 * @param file its name, for errors
 */
export function restoreModel(model: CallbackModel, checkpoint: Checkpoint, file: string): void {
  const { optimizer } = model;
  const assignments = pairs(model.weights, groupOf(checkpoint, 'weights'), 'weights', file);
  const state = groupOf(checkpoint, 'optimizer');
  if (state.length) {
    optimizer.build?.(model.trainableWeights ?? model.weights.filter((w) => w.trainable));
    assignments.push(...pairs(optimizer.variables ?? [], state, 'variables of the optimizer', file));
  }
  for (const [v, t] of assignments) v.assign(t.tensor);
  const { learningRate } = checkpoint.data;
  if (typeof learningRate === 'number' && ownRate(model)) optimizer.learningRate = learningRate;
}

/**
 * Gives the running metrics of a model, which are there from its first batch on, those of a checkpoint. A model that
 * was compiled with other metrics keeps its own. Throws ArgumentError for variables of other shapes.
 */
export function restoreMetrics(model: CallbackModel, checkpoint: Checkpoint, file: string): void {
  const saved = groupOf(checkpoint, 'metrics');
  const running = model.metricsVariables ?? [];
  if (saved.length !== running.length) return;
  for (const [v, t] of pairs(running, saved, 'variables of metrics', file)) v.assign(t.tensor);
}

/** Variables with their tensors, which must be as many, of the same shapes and dtypes. */
function pairs(
  variables: readonly Variable[],
  tensors: readonly NamedTensor[],
  what: string,
  file: string,
): [Variable, NamedTensor][] {
  if (variables.length !== tensors.length)
    wrongModel(file, `it has ${tensors.length} ${what}, the model ${variables.length}`);
  return variables.map((v, i) => {
    const t = tensors[i];
    if (v.dtype !== t.tensor.dtype || v.shape.join() !== t.tensor.shape.join())
      wrongModel(
        file,
        `'${t.name}' is ${t.tensor.dtype}[${t.tensor.shape}], '${v.name}' of the model ${v.dtype}[${v.shape}]`,
      );
    return [v, t];
  });
}

/**
 * Gives a model the weights (and where they are in the file, the optimizer's state) that `modelCheckpoint` wrote.
 * Throws ExecutionError where there is no such file, FormatError where it is damaged, ArgumentError where it is of another model.
 */
export async function loadCheckpoint(model: CallbackModel, filepath: string): Promise<void> {
  const op = 'loadCheckpoint';
  if (!Array.isArray(model?.weights))
    throw new ArgumentError(`${valueText(model)} is no model`, { op, fix: 'give the model, then the path' });
  const bytes = await readIfThere(textOf(filepath, 'filepath', op), op);
  if (!bytes) throw new ExecutionError(`there is no file '${filepath}'`, { op, fix: 'check the path' });
  restoreModel(model, decodeCheckpoint(bytes, filepath), filepath);
}
