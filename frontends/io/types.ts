// The parts of a saved model, under TensorFlow.js's names.

import type { ComplexTensor } from '../trace/complex-tensor.ts';
import type { Tensor } from '../trace/tensor.ts';

/** Whose weights they are. */
export type WeightGroup = 'model' | 'optimizer';

/** Integers or half floats that stand for weights: the weight is `value * scale + min`, of float16 the value itself. */
export interface Quantization {
  readonly scale?: number;
  readonly min?: number;
  readonly dtype: 'uint8' | 'uint16' | 'float16';
}

/** One weight as the manifest describes it. */
export interface WeightsManifestEntry {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: 'float32' | 'int32' | 'bool' | 'string' | 'complex64';
  readonly group?: WeightGroup;
  readonly quantization?: Quantization;
}

/** Weights that lie one after the other in some files, which are cut anywhere. */
export interface WeightsManifestGroupConfig {
  readonly paths: string[];
  readonly weights: WeightsManifestEntry[];
}
export type WeightsManifestConfig = WeightsManifestGroupConfig[];

/** All weights, one after the other; in one buffer or cut anywhere. */
export type WeightData = ArrayBuffer | ArrayBuffer[];

/** How a model was compiled, in Keras's spelling. */
export interface TrainingConfig {
  // biome-ignore lint/suspicious/noExplicitAny: what Keras and TensorFlow.js write differs
  optimizer_config: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  loss?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  metrics?: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  weighted_metrics?: any;
  sample_weight_mode?: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  loss_weights?: any;
}

/** What `model.json` says beside topology and weights; loaders and savers hand it on unread. */
export interface ModelMetadata {
  trainingConfig?: TrainingConfig;
  format?: string;
  generatedBy?: string;
  convertedBy?: string | null;
  signature?: object;
  userDefinedMetadata?: Record<string, unknown>;
  modelInitializer?: object;
  initializerSignature?: object;
}

/** A model in parts: what handlers save and load. */
export interface ModelArtifacts extends ModelMetadata {
  modelTopology?: object | ArrayBuffer;
  weightSpecs?: WeightsManifestEntry[];
  weightData?: WeightData;
  getWeightStream?: () => ReadableStream<ArrayBuffer>;
}

/** The contents of `model.json`. */
export interface ModelJSON extends ModelMetadata {
  modelTopology: object;
  weightsManifest: WeightsManifestConfig;
}

export interface ModelArtifactsInfo {
  dateSaved: Date;
  modelTopologyType: 'JSON' | 'GraphDef';
  modelTopologyBytes?: number;
  weightSpecsBytes?: number;
  weightDataBytes?: number;
}

export interface SaveResult {
  modelArtifactsInfo: ModelArtifactsInfo;
  responses?: Response[];
  errors?: unknown[];
}

export type SaveHandler = (artifacts: ModelArtifacts) => Promise<SaveResult>;
export type LoadHandler = () => Promise<ModelArtifacts>;
/** Where a model is saved to or loaded from. */
export interface IOHandler {
  save?: SaveHandler;
  load?: LoadHandler;
}
/** As `IOHandler`, without promises. */
export interface IOHandlerSync {
  save?: (artifacts: ModelArtifacts) => SaveResult;
  load?: () => ModelArtifacts;
}

/** Told which share of the loading is done, from 0 to 1. */
export type OnProgressCallback = (fraction: number) => void;

/** How a model is loaded. */
export interface LoadOptions {
  /** Given to `fetch`. */
  readonly requestInit?: RequestInit;
  readonly onProgress?: OnProgressCallback;
  /** Stands for `fetch`. */
  readonly fetchFunc?: typeof fetch;
  /** Whether weights that are missing, or that the model has not, are an error; true by default. */
  readonly strict?: boolean;
  /** Folder of the weight files, where it is not that of `model.json`. */
  readonly weightPathPrefix?: string;
  /** Whether the address is a module of TF Hub. */
  readonly fromTFHub?: boolean;
  /** The address of a weight file. */
  readonly weightUrlConverter?: (weightFileName: string) => Promise<string>;
  /** Accepted for TensorFlow.js code: files are read piece by piece anyway. */
  readonly streamWeights?: boolean;
}

/** Tensors by name. */
export type NamedTensorMap = Record<string, Tensor | ComplexTensor>;
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor | ComplexTensor;
}
