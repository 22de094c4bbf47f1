// TensorFlow.js's weights: elements of all weights one after the other, described by a manifest. Files cut them
// anywhere. Source of the layout: TensorFlow.js's WeightsManifestConfig.

import { ArgumentError, DTypeError, valueText } from '../../ir/errors.ts';
import { fromHalfBits } from '../../ir/half.ts';
import { arrayFor } from '../../ir/literal.ts';
import { tensorType } from '../../ir/types.ts';
import { concatBytes } from '../bytes.ts';
import { irDType } from '../trace/dtypes.ts';
import { eagerTensor } from '../trace/tensor.ts';
import { type AnyTensor, bytesOfStored, checkTensor, readTensor, type Stored, writeTensor } from './elements.ts';
import { bufferOf, bytesOf, checkedShape, damaged, isObject, type Place, sizeOfShape } from './format.ts';
import type {
  NamedTensor,
  NamedTensorMap,
  Quantization,
  WeightData,
  WeightGroup,
  WeightsManifestConfig,
  WeightsManifestEntry,
} from './types.ts';

/** How elements of the manifest's dtypes are stored; strings have no fixed size. */
const storedAs: Readonly<Record<string, Stored>> = { float32: 'f32', int32: 'i32', bool: 'bool', complex64: 'c64' };
const quantizedAs: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, float16: 2 };
const groups: readonly unknown[] = [undefined, 'model', 'optimizer'];

/** A weight that is described and there. */
export interface WeightPart {
  readonly spec: WeightsManifestEntry;
  /** Its number of elements. */
  readonly size: number;
  readonly bytes: Uint8Array;
}

/** The entry of a manifest. Throws FormatError for what is none. */
function checkedSpec(x: unknown, place: Place): WeightsManifestEntry {
  if (!isObject(x) || typeof x.name !== 'string') return damaged(place, `its manifest has the entry ${valueText(x)}`);
  const what = `the weight '${x.name}'`;
  checkedShape(x.shape, what, place);
  if (x.dtype !== 'string' && !(typeof x.dtype === 'string' && Object.hasOwn(storedAs, x.dtype)))
    damaged(
      place,
      `${what} has the dtype ${valueText(x.dtype)}`,
      `known are ${Object.keys(storedAs).join(', ')}, string`,
    );
  if (!groups.includes(x.group)) damaged(place, `${what} is of the group ${valueText(x.group)}`);
  if (x.quantization !== undefined && x.quantization !== null) checkQuantization(x.quantization, x.dtype, what, place);
  return x as unknown as WeightsManifestEntry;
}

function checkQuantization(q: unknown, dtype: string, what: string, place: Place): void {
  if (!isObject(q)) damaged(place, `${what} has the quantization ${valueText(q)}`);
  if (typeof q.dtype !== 'string' || !Object.hasOwn(quantizedAs, q.dtype))
    damaged(place, `${what} is quantized to ${valueText(q.dtype)}`);
  const half = q.dtype === 'float16';
  if (dtype !== 'float32' && (half || dtype !== 'int32'))
    damaged(place, `${what} is ${dtype}, quantized to ${q.dtype}`);
  if (!half && !(Number.isFinite(q.scale) && Number.isFinite(q.min)))
    damaged(place, `${what} is quantized with the scale ${valueText(q.scale)} and the minimum ${valueText(q.min)}`);
}

/** All entries of a manifest's groups in order. Throws FormatError for a manifest that is none. */
export function getWeightSpecs(manifest: WeightsManifestConfig): WeightsManifestEntry[] {
  return checkedManifest(manifest, { op: 'io.getWeightSpecs', file: 'weightsManifest' }).flatMap((g) => g.weights);
}

/** A manifest that is one. Throws FormatError for anything else. */
export function checkedManifest(x: unknown, place: Place): WeightsManifestConfig {
  if (!Array.isArray(x)) return damaged(place, `its weightsManifest is ${valueText(x)}`);
  for (const g of x) {
    if (!isObject(g) || !Array.isArray(g.paths) || !g.paths.every((p) => typeof p === 'string'))
      return damaged(place, 'a group of its weightsManifest has no paths');
    if (!Array.isArray(g.weights)) return damaged(place, 'a group of its weightsManifest has no weights');
    for (const w of g.weights) checkedSpec(w, place);
  }
  return x;
}

/** Bytes of the strings that begin at `at`: of each its length (uint32), then that many bytes. */
function lengthOfStrings(bytes: Uint8Array, at: number, size: number, what: string, place: Place): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let end = at;
  for (let i = 0; i < size; i++) {
    if (end + 4 > bytes.length) damaged(place, `${what} is cut off`);
    end += 4 + view.getUint32(end, true);
  }
  return end - at;
}

/** Bytes that a weight takes; undefined for strings, whose lengths stand between them. */
function lengthOf(spec: WeightsManifestEntry, size: number): number | undefined {
  if (spec.quantization) return size * quantizedAs[spec.quantization.dtype];
  return spec.dtype === 'string' ? undefined : size * bytesOfStored(storedAs[spec.dtype]);
}

/** The weights that `specs` describe, in order, without a copy. Throws FormatError where lengths do not match. */
export function weightParts(bytes: Uint8Array, specs: readonly unknown[], place: Place): WeightPart[] {
  let at = 0;
  const parts = specs.map((x): WeightPart => {
    const spec = checkedSpec(x, place);
    const what = `the weight '${spec.name}'`;
    const size = sizeOfShape(spec.shape, what, place);
    const length = lengthOf(spec, size) ?? lengthOfStrings(bytes, at, size, what, place);
    if (at + length > bytes.length)
      damaged(place, `${what} of shape [${spec.shape}] takes ${length} bytes, ${bytes.length - at} are left`);
    at += length;
    return { spec, size, bytes: bytes.subarray(at - length, at) };
  });
  if (at !== bytes.length) damaged(place, `its weights take ${at} bytes, there are ${bytes.length}`);
  return parts;
}

/** The number that quantized bits stand for. */
function dequantizer(q: Quantization, round: boolean): (bits: number) => number {
  if (q.dtype === 'float16') return fromHalfBits;
  const { scale = 1, min = 0 } = q;
  return round ? (x) => Math.round(x * scale + min) : (x) => x * scale + min;
}

/** The tensor of a weight. Throws FormatError for strings, which no tensor holds. */
export function tensorOfPart({ spec, size, bytes }: WeightPart, place: Place): AnyTensor {
  const { name, shape, dtype, quantization } = spec;
  if (dtype === 'string')
    return damaged(place, `the weight '${name}' is of strings`, 'there are no tensors of strings here');
  if (!quantization) return readTensor(storedAs[dtype], bytes, shape, `the weight '${name}'`, place);
  const type = tensorType(irDType(dtype, place.op), shape);
  const out = arrayFor(type.dtype, size, place.op);
  const value = dequantizer(quantization, dtype === 'int32');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = quantizedAs[quantization.dtype] === 2;
  for (let i = 0; i < size; i++) out[i] = value(wide ? view.getUint16(2 * i, true) : view.getUint8(i));
  return eagerTensor(type, out);
}

/** The bytes of weights, which may be cut anywhere. Throws ArgumentError for what are none. */
export const joinedData = (data: WeightData | Uint8Array, op: string): Uint8Array =>
  Array.isArray(data)
    ? concatBytes(Array.from(data, (d) => bytesOf(d, 'weightData', op)))
    : bytesOf(data, 'weightData', op);

/** As `decodeWeights`. @param place the file and the function, for errors */
export function decodeParts(bytes: Uint8Array, specs: readonly unknown[], place: Place): NamedTensorMap {
  const parts = weightParts(bytes, specs, place);
  const names = new Set(parts.map((p) => p.spec.name));
  if (names.size < parts.length) {
    const twice = parts.find((p, i) => parts.findIndex((q) => q.spec.name === p.spec.name) < i);
    damaged(place, `two weights have the name '${twice?.spec.name}'`);
  }
  return Object.fromEntries(parts.map((p) => [p.spec.name, tensorOfPart(p, place)]));
}

/**
 * Tensors out of the bytes of weights, which `specs` describe in order; quantized ones as what they stand for.
 * Throws FormatError where bytes are missing or left over, and for strings.
 */
export function decodeWeights(weightData: WeightData, specs: WeightsManifestEntry[]): NamedTensorMap {
  const op = 'io.decodeWeights';
  if (!Array.isArray(specs))
    throw new ArgumentError(`specs must be an array, not ${valueText(specs)}`, { op, fix: 'give weightSpecs' });
  return decodeParts(joinedData(weightData, op), specs, { op, file: 'weightData' });
}

/**
 * The bytes of tensors one after the other, and their descriptions. Rejects with DTypeError for a dtype that the
 * format has not (it has float32, int32, bool and complex64), TraceError for traced tensors.
 * @param group whose weights they are
 */
export async function encodeWeights(
  tensors: NamedTensorMap | readonly NamedTensor[],
  group?: WeightGroup,
): Promise<{ data: ArrayBuffer; specs: WeightsManifestEntry[] }> {
  const op = 'io.encodeWeights';
  if (typeof tensors !== 'object' || tensors === null)
    throw new ArgumentError(`takes tensors by name, not ${valueText(tensors)}`, {
      op,
      fix: 'such as {kernel: tensor}',
    });
  const list: [string, AnyTensor][] = Array.isArray(tensors)
    ? tensors.map((t: NamedTensor) => [t.name, t.tensor])
    : Object.entries(tensors as NamedTensorMap);
  const specs = list.map(([name, t]): WeightsManifestEntry => {
    const { dtype, shape } = checkTensor(t, `the weight '${name}'`, op);
    if (!Object.hasOwn(storedAs, dtype))
      throw new DTypeError(`the weight '${name}' is ${dtype}, which TensorFlow.js's format does not have`, {
        op,
        fix: 'cast it to float32 or int32, or save as .keras or .sinterck',
      });
    return { name, shape: [...shape], dtype: dtype as 'float32', ...(group ? { group } : {}) };
  });
  const parts = await Promise.all(list.map(([, t]) => writeTensor(t)));
  return { data: bufferOf(concatBytes(parts)), specs };
}
