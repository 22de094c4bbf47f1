// Testing and predicting.

import { ArgumentError } from '../../../ir/errors.ts';
import { arrayFor } from '../../../ir/literal.ts';
import { tensorType } from '../../../ir/types.ts';
import { prepareTarget } from '../../trace/backend.ts';
import { concat, unstack } from '../../trace/ops/shape.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { type CallbackList, type CallbacksArg, configureCallbacks } from '../callbacks/list.ts';
import type { LayersModel } from '../engine/model.ts';
import { checkOptions } from '../engine/names.ts';
import { fromList, type Output } from '../engine/symbolic.ts';
import { type Batch, batchSizeFor, slice, standardize } from './batch.ts';
import { type Logs, logsOf, withAliases } from './logs.ts';
import { arraySource, iterableSource, type Source } from './source.ts';
import { progress, verbosity } from './verbose.ts';

/** Arguments of `model.evaluate`. */
export interface EvaluateArgs {
  /** Samples a step; 32 by default. */
  batchSize?: number;
  verbose?: 0 | 1 | 2 | boolean;
  sampleWeight?: unknown;
  /** Batches, where not all of them. */
  steps?: number;
}

/** Arguments of `model.evaluateDataset`. */
export interface EvaluateDatasetArgs {
  /** Batches, where not all of them. */
  batches?: number;
  steps?: number;
  verbose?: 0 | 1 | 2 | boolean;
  callbacks?: CallbacksArg;
  signal?: AbortSignal;
}

/** Arguments of `model.predict`. */
export interface PredictArgs {
  /** Samples a step; 32 by default. */
  batchSize?: number;
  verbose?: 0 | 1 | 2 | boolean;
}

/** Loss and metrics on tensors. */
export function evaluate(model: LayersModel, x: unknown, y: unknown, args: EvaluateArgs = {}): Output<Tensor> {
  const op = `${model.name}.evaluate`;
  checkOptions(args, ['batchSize', 'verbose', 'sampleWeight', 'steps'], op);
  const c = model.compiled('evaluate');
  const s = standardize(model, { x, y, sampleWeight: args.sampleWeight }, 'evaluate', true);
  if (s.count === 0) throw new ArgumentError('there are no samples', { op, fix: 'give at least one' });
  c.resetMetrics();
  const batchSize = batchSizeFor(model, s.count, { value: args.batchSize, name: 'batchSize' }, op);
  const source = arraySource(s, { batchSize, shuffle: false, reuse: false });
  let values: Tensor | undefined;
  let step = 0;
  for (const b of { [Symbol.iterator]: () => source.open(0) as Iterator<Batch> }) {
    if (args.steps !== undefined && step++ >= args.steps) break;
    values = model.executables.test(b);
  }
  return scalars(values);
}

/** The running values, each as a scalar, where they are. */
const scalars = (values: Tensor | undefined): Output<Tensor> => fromList(values ? unstack(values) : []);

/** Loss and metrics on batches. */
export async function evaluateDataset(
  model: LayersModel,
  dataset: unknown,
  args: EvaluateDatasetArgs = {},
): Promise<Output<Tensor>> {
  const op = `${model.name}.evaluateDataset`;
  checkOptions(args, ['batches', 'steps', 'verbose', 'callbacks', 'signal'], op);
  const c = model.compiled('evaluateDataset');
  const source = iterableSource(dataset, model, 'evaluateDataset');
  const steps = args.batches ?? args.steps;
  const verbose = verbosity(args.verbose ?? 0);
  const params = { steps: steps ?? source.steps, metrics: c.names(), verbose };
  const { callbackList: list } = configureCallbacks(args.callbacks, model, params, { own: progress(verbose) });
  await prepareTarget(c.target);
  c.resetMetrics();
  await list.onTestBegin();
  const values = await testBatches(model, source, steps, list, args.signal);
  await list.onTestEnd(withAliases(logsOf(c.names(), (await values?.data()) ?? [])));
  return scalars(values);
}

/**
 * Tests on a source's batches: the last running values. Metrics are reset before.
 * Throws ArgumentError where there is no batch, or fewer than asked for.
 */
export async function testBatches(
  model: LayersModel,
  source: Source,
  steps: number | undefined,
  list: CallbackList,
  signal?: AbortSignal,
): Promise<Tensor | undefined> {
  const op = `${model.name}.evaluate`;
  const from = source.open(0);
  const heard = list.reads('onTestBatchEnd');
  let values: Tensor | undefined;
  let batch = 0;
  try {
    for (; steps === undefined || batch < steps; batch++) {
      if (signal?.aborted) return values;
      const pending = from.next();
      const next = pending instanceof Promise ? await pending : pending;
      if (next.done) break;
      const b = next.value;
      await list.onTestBatchBegin(batch, { batch, size: b.size });
      values?.dispose();
      values = model.executables.test(b);
      const logs = await batchLogs(values, batch, heard, () => model.metricsNames);
      await list.onTestBatchEnd(batch, withAliases({ batch, size: b.size, ...logs }));
    }
  } finally {
    await from.return?.();
  }
  if (batch === 0 || (steps !== undefined && batch < steps))
    throw new ArgumentError(
      batch === 0 ? 'the data gave no batch' : `the data ended after ${batch} of ${steps} batches`,
      { op, fix: 'repeat the dataset (dataset.repeat()), or ask for fewer batches' },
    );
  return values;
}

/** Most batches that a GPU is behind. */
const MOST_AHEAD = 16;

/**
 * What callbacks are told after a batch. Nobody waits for a GPU where none of them hears it, but that it must not fall
 * too far behind.
 */
export async function batchLogs(
  values: Tensor,
  batch: number,
  heard: boolean,
  names: () => readonly string[],
): Promise<Logs> {
  if (heard) return logsOf(names(), await values.data());
  if (batch % MOST_AHEAD === MOST_AHEAD - 1) await values.fetch();
  return {};
}

/** The outputs for inputs, in batches. */
export function predict(model: LayersModel, x: unknown, args: PredictArgs = {}): Output<Tensor> {
  const op = `${model.name}.predict`;
  checkOptions(args, ['batchSize', 'verbose'], op);
  const s = standardize(model, { x }, 'predict', true);
  const batchSize = batchSizeFor(model, s.count, { value: args.batchSize, name: 'batchSize' }, op);
  if (s.count <= batchSize) return fromList(model.executables.predict(s.x));
  const parts: Tensor[][] = [];
  for (let from = 0; from < s.count; from += batchSize)
    parts.push(model.executables.predict(slice(s, from, Math.min(s.count, from + batchSize)).x));
  return fromList(
    parts[0].map((_, i) =>
      joined(
        parts.map((p) => p[i]),
        s.count,
      ),
    ),
  );
}

/** Batches of results one after the other. */
function joined(parts: readonly Tensor[], count: number): Tensor {
  if (parts.some((p) => p.remote)) return concat(parts);
  const { dtype } = parts[0].type;
  const shape = [count, ...parts[0].shape.slice(1)];
  const out = arrayFor(
    dtype,
    shape.reduce((n, d) => n * d, 1),
  );
  let at = 0;
  for (const p of parts) {
    const data = p.elements();
    out.set(data, at);
    at += data.length;
  }
  return eagerTensor(tensorType(dtype, shape), out);
}
