// Handlers in memory.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { isObject } from './format.ts';
import type {
  IOHandler,
  IOHandlerSync,
  ModelArtifacts,
  SaveResult,
  TrainingConfig,
  WeightData,
  WeightsManifestEntry,
} from './types.ts';

/** A handler that gives the parts of a model to a function. Throws ArgumentError for what is no function. */
export function withSaveHandler(saveHandler: (artifacts: ModelArtifacts) => Promise<SaveResult>): IOHandler {
  return { save: callable(saveHandler, 'io.withSaveHandler') };
}
/** As `withSaveHandler`, without promises. */
export function withSaveHandlerSync(saveHandler: (artifacts: ModelArtifacts) => SaveResult): IOHandlerSync {
  return { save: callable(saveHandler, 'io.withSaveHandlerSync') };
}

function callable<T>(f: T, op: string): T {
  if (typeof f === 'function') return f;
  throw new ArgumentError(`takes a function of the parts of a model, not ${valueText(f)}`, {
    op,
    fix: 'such as async (artifacts) => …',
  });
}

function artifactsFrom(
  x: object,
  weightSpecs: WeightsManifestEntry[] | undefined,
  weightData: WeightData | undefined,
  trainingConfig: TrainingConfig | undefined,
  op: string,
): ModelArtifacts {
  if (!isObject(x))
    throw new ArgumentError(`takes the parts of a model, not ${valueText(x)}`, {
      op,
      fix: 'give {modelTopology, weightSpecs, weightData}',
    });
  // TensorFlow.js's older form: topology, specs and data one by one.
  if (!('modelTopology' in x) && !('weightSpecs' in x))
    return { modelTopology: x, weightSpecs, weightData, trainingConfig };
  return x as ModelArtifacts;
}

/** A handler that loads a model from its parts. Throws ArgumentError for what are none. */
export function fromMemory(
  modelArtifacts: object,
  weightSpecs?: WeightsManifestEntry[],
  weightData?: WeightData,
  trainingConfig?: TrainingConfig,
): IOHandler {
  const artifacts = artifactsFrom(modelArtifacts, weightSpecs, weightData, trainingConfig, 'io.fromMemory');
  return { load: async () => artifacts };
}
/** As `fromMemory`, without promises. */
export function fromMemorySync(
  modelArtifacts: object,
  weightSpecs?: WeightsManifestEntry[],
  weightData?: WeightData,
  trainingConfig?: TrainingConfig,
): IOHandlerSync {
  const artifacts = artifactsFrom(modelArtifacts, weightSpecs, weightData, trainingConfig, 'io.fromMemorySync');
  return { load: () => artifacts };
}
