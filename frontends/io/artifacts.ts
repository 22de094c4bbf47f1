// A model in parts, and as `model.json` with files of weights.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { concatBytes } from '../bytes.ts';
import { bufferOf, bytesOf, damaged, isObject, type Place, parseJsonObject } from './format.ts';
import type {
  ModelArtifacts,
  ModelArtifactsInfo,
  ModelJSON,
  ModelMetadata,
  SaveResult,
  WeightsManifestConfig,
} from './types.ts';
import { checkedManifest, joinedData } from './weights.ts';

/** What is handed on unread. */
const metadataKeys = [
  'format',
  'generatedBy',
  'convertedBy',
  'signature',
  'userDefinedMetadata',
  'modelInitializer',
  'initializerSignature',
  'trainingConfig',
] as const satisfies readonly (keyof ModelMetadata)[];

const metadataOf = (from: ModelMetadata): ModelMetadata =>
  Object.fromEntries(metadataKeys.flatMap((k) => (from[k] === undefined || from[k] === null ? [] : [[k, from[k]]])));

const textBytes = (x: unknown): number => new TextEncoder().encode(JSON.stringify(x) ?? '').length;

/** When a model was saved, and the bytes of its parts. */
export function getModelArtifactsInfoForJSON(artifacts: ModelArtifacts): ModelArtifactsInfo {
  if (!isObject(artifacts))
    throw new ArgumentError(`takes the parts of a model, not ${valueText(artifacts)}`, {
      op: 'io.getModelArtifactsInfoForJSON',
      fix: 'give {modelTopology, weightSpecs, weightData}',
    });
  const { modelTopology, weightSpecs, weightData } = artifacts as ModelArtifacts;
  const binary = modelTopology instanceof ArrayBuffer;
  return {
    dateSaved: new Date(),
    modelTopologyType: binary ? 'GraphDef' : 'JSON',
    modelTopologyBytes: binary ? modelTopology.byteLength : textBytes(modelTopology),
    weightSpecsBytes: textBytes(weightSpecs),
    weightDataBytes: weightData ? byteLengthOf(weightData) : 0,
  };
}

const byteLengthOf = (data: ArrayBuffer | ArrayBuffer[]): number =>
  Array.isArray(data) ? data.reduce((n, d) => n + d.byteLength, 0) : data.byteLength;

/** What a handler answers that has saved. */
export const saved = (artifacts: ModelArtifacts): SaveResult => ({
  modelArtifactsInfo: getModelArtifactsInfoForJSON(artifacts),
});

/** All bytes, one after the other. */
export function concatenateArrayBuffers(buffers: ArrayBuffer[] | ArrayBuffer): ArrayBuffer {
  return bufferOf(joinedData(buffers, 'io.concatenateArrayBuffers'));
}

/** The contents of `model.json`. Throws ArgumentError for a topology in binary, which no handler takes. */
export function modelJsonOf(artifacts: ModelArtifacts, manifest: WeightsManifestConfig, op: string): ModelJSON {
  const { modelTopology } = artifacts;
  if (!isObject(modelTopology) || modelTopology instanceof ArrayBuffer)
    throw new ArgumentError(`the modelTopology is ${valueText(modelTopology)}`, {
      op,
      fix: 'a topology to be saved is plain data, as model.toJSON(null, false) gives it',
    });
  return { ...metadataOf(artifacts), modelTopology, weightsManifest: manifest };
}

/** The contents of `model.json` out of its text. Throws FormatError for anything else. */
export function parseModelJson(text: string, place: Place): ModelJSON {
  const json = parseJsonObject(text, place);
  if (!isObject(json.modelTopology) && json.weightsManifest === undefined)
    damaged(place, 'it has neither modelTopology nor weightsManifest', 'give the model.json of TensorFlow.js');
  if (json.weightsManifest !== undefined && json.weightsManifest !== null) checkedManifest(json.weightsManifest, place);
  return json as unknown as ModelJSON;
}

/** Gives the bytes of the files of one group of weights, in order. */
export type ReadFiles = (paths: readonly string[]) => Promise<readonly Uint8Array[]>;

/** The parts of a model from its `model.json` and whoever reads its files. */
export async function artifactsOf(json: ModelJSON, read: ReadFiles): Promise<ModelArtifacts> {
  const artifacts: ModelArtifacts = { ...metadataOf(json), modelTopology: json.modelTopology };
  if (!json.weightsManifest) return artifacts;
  const files = await read(json.weightsManifest.flatMap((g) => g.paths));
  artifacts.weightSpecs = json.weightsManifest.flatMap((g) => g.weights);
  artifacts.weightData = bufferOf(concatBytes(files));
  return artifacts;
}

/** The weights of saved parts, however they come. Throws ArgumentError for what are no bytes. */
export async function weightBytes(artifacts: ModelArtifacts, op: string): Promise<Uint8Array> {
  const { weightData, getWeightStream } = artifacts;
  if (weightData !== undefined && weightData !== null) return joinedData(weightData, op);
  if (!getWeightStream) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  const reader = getWeightStream().getReader();
  for (let r = await reader.read(); !r.done; r = await reader.read()) parts.push(bytesOf(r.value, 'weightData', op));
  return concatBytes(parts);
}
