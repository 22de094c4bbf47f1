// Where batches come from: arrays, in an order of their own each epoch, or a Dataset, iterable or generator.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { LayersModel } from '../engine/model.ts';
import { type Batch, Cutter, fetchData, type Samples, standardize } from './batch.ts';
import { shuffled } from './shuffle.ts';

/** Batches, epoch by epoch. */
export interface Source {
  /** Batches an epoch, where that is known. */
  readonly steps: number | null;
  /** Samples an epoch, where that is known. */
  readonly samples: number | null;
  /** The batches from here on; after the last of them, an epoch is over. `seed` decides about their order. */
  open(seed: number): Iterator<Batch> | AsyncIterator<Batch>;
}

export interface ArraySourceOptions {
  readonly batchSize: number;
  /** true: samples in random order; 'batch': batches in random order. */
  readonly shuffle: boolean | 'batch';
  /** Whether nobody keeps a batch. */
  readonly reuse: boolean;
}

/** Batches of samples; the last one may be smaller. */
export function arraySource(samples: Samples, { batchSize, shuffle, reuse }: ArraySourceOptions): Source {
  const { count } = samples;
  const steps = Math.ceil(count / batchSize);
  const cutter = new Cutter(samples, reuse);
  return {
    steps,
    samples: count,
    *open(seed) {
      const order = shuffle === true ? shuffled(count, seed) : null;
      const batches = shuffle === 'batch' ? shuffled(steps, seed) : null;
      for (let i = 0; i < steps; i++) {
        const from = (batches ? batches[i] : i) * batchSize;
        yield cutter.batch(order, from, Math.min(count, from + batchSize));
      }
    },
  };
}

type Iterates = Iterable<unknown> | AsyncIterable<unknown>;
type Opens = { iterator(): Promise<AsyncIterator<unknown>> };

/** Whether something gives batches one after the other, and is no tensor or array of tensors. */
export function isIterable(x: unknown): x is Iterates | Opens | (() => Iterator<unknown> | AsyncIterator<unknown>) {
  if (typeof x === 'function') return true;
  if (typeof x !== 'object' || x === null || Array.isArray(x) || ArrayBuffer.isView(x)) return false;
  return Symbol.asyncIterator in x || Symbol.iterator in x || 'iterator' in x;
}

/** Batches `{xs, ys, sampleWeight?}` or `[xs, ys, sampleWeight?]` of what can be iterated. */
export function iterableSource(data: unknown, model: LayersModel, op: string, classWeight?: unknown): Source {
  if (!isIterable(data) && !Array.isArray(data))
    throw new ArgumentError(
      `the data must be a Dataset, a generator or something that can be iterated, not ${valueText(data)}`,
      {
        op: `${model.name}.${op}`,
        fix: 'such as tf.data.zip({xs, ys}).batch(32); tensors go to fit and evaluate',
      },
    );
  const size = (data as { size?: unknown }).size;
  return {
    steps: typeof size === 'number' && Number.isFinite(size) ? size : null,
    samples: null,
    async *open() {
      const from = await opened(data);
      try {
        for (;;) {
          const next = await from.next();
          if (next.done) return;
          // Their classes are looked at.
          await fetchData(partsOf(next.value)?.y);
          yield batchOf(next.value, model, op, classWeight);
        }
      } finally {
        await from.return?.();
      }
    },
  };
}

async function opened(data: unknown): Promise<Iterator<unknown> | AsyncIterator<unknown>> {
  const d = (typeof data === 'function' ? data() : data) as Partial<Opens> &
    Partial<AsyncIterable<unknown>> &
    Partial<Iterable<unknown>>;
  if (typeof d.iterator === 'function') return d.iterator();
  return (d[Symbol.asyncIterator]?.() ?? d[Symbol.iterator]?.()) as Iterator<unknown>;
}

/** Inputs, labels and weights of an element of a Dataset, as far as they are there. */
function partsOf(element: unknown): { x: unknown; y: unknown; sampleWeight: unknown } | undefined {
  if (typeof element !== 'object' || element === null) return undefined;
  const e = element as { xs?: unknown; ys?: unknown; sampleWeight?: unknown; sampleWeights?: unknown };
  const [x, y, sampleWeight] =
    'xs' in e ? [e.xs, e.ys, e.sampleWeight ?? e.sampleWeights] : Array.isArray(element) ? element : [];
  return { x, y, sampleWeight };
}

/** An element of a Dataset as a batch of the model. */
export function batchOf(element: unknown, model: LayersModel, op: string, classWeight?: unknown): Batch {
  const where = `${model.name}.${op}`;
  const fix = 'each element must be {xs, ys} or [xs, ys], of whole batches: dataset.batch(32) makes them';
  if (typeof element !== 'object' || element === null)
    throw new ArgumentError(`the data gave ${valueText(element)}`, { op: where, fix });
  const parts = partsOf(element);
  if (parts?.x === undefined || parts.y === undefined)
    throw new ArgumentError(`the data gave ${valueText(element)}`, { op: where, fix });
  const s = standardize(model, { ...parts, classWeight }, op);
  return { ...s, size: s.count };
}
