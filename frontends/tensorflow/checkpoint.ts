// TensorFlow's checkpoints (tensor bundles, tensorflow/core/util/tensor_bundle): `name.index`, a table of what there is,
// and `name.data-00000-of-00001` … with the bytes. Tensors are read when they are asked for.

import { ArgumentError, DTypeError, FormatError, valueText } from '../../ir/errors.ts';
import { arrayFor, type TypedArray } from '../../ir/literal.ts';
import { readIfThere, readPart } from '../files.ts';
import { crc32c } from '../keras/checksum.ts';
import type { ComplexTensor } from '../trace/complex-tensor.ts';
import type { Tensor } from '../trace/tensor.ts';
import { tensorOfElements } from './constants.ts';
import { dtypeOf, elementBytes, readElements, type TfType, tfType } from './dtypes.ts';
import { decode, type Message } from './messages.ts';
import { wholeShape } from './shapes.ts';
import { placeSlice, type Slice, sliceKey, sliceOf } from './slices.ts';
import { readTable, unmasked } from './table-file.ts';
import { textElements } from './text-elements.ts';

const op = 'loadTensorFlowCheckpoint';
const damaged = (what: string): FormatError =>
  new FormatError(`the checkpoint is damaged: ${what}`, { op, fix: 'get its files again' });

/** A checkpoint's files in memory: the index, and the data files in order. */
export interface CheckpointBytes {
  readonly index: Uint8Array;
  readonly data: readonly Uint8Array[];
}

/** What the index says of a tensor. */
interface Entry {
  readonly type: TfType;
  readonly shape: readonly number[];
  readonly size: number;
  readonly shard: number;
  readonly offset: number;
  readonly bytes: number;
  readonly crc: number;
  /** The parts of a partitioned Variable; none for a whole tensor. */
  readonly slices: readonly Slice[];
}

/** A tensor of a checkpoint, not yet read. */
export interface CheckpointTensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  /** TensorFlow's name, as 'DT_FLOAT'. */
  readonly dtype: string;
}

/** An object of the program that saved the checkpoint: its children by name, and the tensors that it saved. */
export interface TrackedObject {
  /** Places of other objects in the list, by name of the attribute. */
  readonly children: Readonly<Record<string, number>>;
  /** Names of tensors in the checkpoint, by what they are of the object, mostly 'VARIABLE_VALUE'. */
  readonly tensors: Readonly<Record<string, string>>;
  /** What an optimizer keeps for a Variable: the places of both, and what it is. */
  readonly slots: readonly { readonly variable: number; readonly name: string; readonly value: number }[];
}

/** Reads a part of a data file; fewer bytes where it ends. */
type ReadShard = (shard: number, offset: number, size: number) => Promise<Uint8Array>;

const objectGraphKey = '_CHECKPOINTABLE_OBJECT_GRAPH';
/** Keys of parts begin so; names of tensors never do. */
const isPart = (key: Uint8Array): boolean => key[0] === 0;
const keyText = (key: Uint8Array): string => String.fromCharCode(...key);

/** A place or length in a file. Throws FormatError for what is none. */
function place(x: number | bigint | undefined, what: string, name: string): number {
  const n = Number(x ?? 0);
  if (Number.isSafeInteger(n) && n >= 0) return n;
  throw damaged(`the ${what} of '${name}' is ${n}`);
}

function entryOf(e: Message<'BundleEntryProto'>, name: string, shards: number): Entry {
  const type = tfType(e.dtype ?? 0, op);
  const { shape, size } = wholeShape(e.shape, `the tensor '${name}'`, op);
  const shard = e.shard_id ?? 0;
  if (!(shard >= 0 && shard < shards)) throw damaged(`'${name}' is in file ${shard} of ${shards}`);
  const bytes = place(e.size, 'size', name);
  const slices = e.slices.map((s) => sliceOf(s, shape, name, op));
  const each = elementBytes(type);
  if (each !== undefined && slices.length === 0 && size * each !== bytes)
    throw damaged(`'${name}' has ${bytes} bytes; ${type.name} of shape [${shape}] has ${size * each}`);
  return { type, shape, size, shard, offset: place(e.offset, 'place', name), bytes, crc: e.crc32c ?? 0, slices };
}

/** A checkpoint of TensorFlow; `tf.loadTensorFlowCheckpoint` opens one. */
export class TensorFlowCheckpoint {
  readonly #entries = new Map<string, Entry>();
  /** Parts of partitioned Variables by their keys. */
  readonly #parts = new Map<string, Entry>();
  readonly #read: ReadShard;
  #objects: readonly TrackedObject[] | undefined;

  /** Use `tf.loadTensorFlowCheckpoint`. */
  constructor(index: Uint8Array, readerOf: (shards: number) => ReadShard) {
    const table = readTable(index, op);
    const first = table.shift();
    if (!first || first.key.length) throw damaged('its index does not begin with a header');
    const header = decode('BundleHeaderProto', first.value, op);
    if (header.endianness)
      throw new FormatError('the checkpoint was written on a big-endian machine', {
        op,
        fix: 'save it on another machine',
      });
    const shards = header.num_shards ?? 0;
    if (shards < 1 || shards > 100_000) throw damaged(`it says that it has ${shards} data files`);
    for (const { key, value } of table) {
      const message = decode('BundleEntryProto', value, op);
      if (isPart(key)) this.#parts.set(keyText(key), entryOf(message, 'a part', shards));
      else {
        const name = textOf(key);
        this.#entries.set(name, entryOf(message, name, shards));
      }
    }
    this.#read = readerOf(shards);
  }

  /** The names of its tensors, in order. What describes the checkpoint itself is not among them. */
  get names(): string[] {
    return [...this.#entries.keys()].filter((n) => n !== objectGraphKey);
  }

  /** Whether there is a tensor of that name. */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** Shape and element type of a tensor. Throws ArgumentError for an unknown name. */
  info(name: string): CheckpointTensorInfo {
    const { shape, type } = this.#entry(name);
    return { name, shape: [...shape], dtype: type.name };
  }

  /**
   * Reads a tensor. Integers become int32, half precisions float32, float64 stays; a complex one is a ComplexTensor.
   * Throws ArgumentError for an unknown name, DTypeError for strings (see `strings`), variants, and integers that int32
   * cannot hold, FormatError where the data are damaged, ExecutionError where their file cannot be read.
   */
  async tensor(name: string): Promise<Tensor | ComplexTensor> {
    const entry = this.#entry(name);
    dtypeOf(entry.type, op);
    const elements = entry.slices.length ? await this.#joined(name, entry) : await this.#elements(name, entry);
    return tensorOfElements(entry.type, entry.shape, elements, op);
  }

  /** The elements of a tensor of strings, as bytes. Throws DTypeError for any other, else as `tensor`. */
  async strings(name: string): Promise<Uint8Array[]> {
    const { type, size, ...rest } = this.#entry(name);
    if (type.name !== 'DT_STRING')
      throw new DTypeError(`'${name}' is ${type.name}, not a tensor of strings`, {
        op,
        fix: 'read it by tensor(name)',
      });
    return textElements(await this.#bytes(name, rest), size, rest.crc, name, op);
  }

  /**
   * The objects of the program that saved it, the root first; none in checkpoints of TensorFlow 1. The tensor of an
   * attribute path, as 'model/dense/kernel', is found along `children`.
   */
  async objects(): Promise<readonly TrackedObject[]> {
    if (!this.#entries.has(objectGraphKey)) return [];
    if (!this.#objects) {
      const [bytes] = await this.strings(objectGraphKey);
      if (!bytes) throw damaged('its object graph is empty');
      const { nodes } = decode('TrackableObjectGraph', bytes, op);
      const to = (id: number | undefined): number => {
        const n = id ?? 0;
        if (n >= 0 && n < nodes.length) return n;
        throw damaged(`an object refers to object ${n} of ${nodes.length}`);
      };
      this.#objects = nodes.map((n) => ({
        children: Object.fromEntries(n.children.map((c) => [c.local_name ?? '', to(c.node_id)])),
        tensors: Object.fromEntries(n.attributes.map((a) => [a.name ?? '', a.checkpoint_key ?? ''])),
        slots: n.slot_variables.map((s) => ({
          variable: to(s.original_variable_node_id),
          name: s.slot_name ?? '',
          value: to(s.slot_variable_node_id),
        })),
      }));
    }
    return this.#objects;
  }

  #entry(name: string): Entry {
    const e = this.#entries.get(name);
    if (e) return e;
    const some = this.names.slice(0, 5).map(valueText).join(', ');
    throw new ArgumentError(`the checkpoint has no tensor ${valueText(name)}`, {
      op,
      fix: `it has ${this.#entries.size}: ${some}${this.#entries.size > 5 ? ', …' : ''}; see its names`,
    });
  }

  async #bytes(name: string, { shard, offset, bytes }: Pick<Entry, 'shard' | 'offset' | 'bytes'>): Promise<Uint8Array> {
    const data = await this.#read(shard, offset, bytes);
    if (data.length === bytes) return data;
    throw damaged(`the data of '${name}' end after ${data.length} of ${bytes} bytes`);
  }

  async #elements(name: string, entry: Entry): Promise<TypedArray> {
    const data = await this.#bytes(name, entry);
    if (crc32c(data) !== unmasked(entry.crc)) throw damaged(`the data of '${name}' have another checksum`);
    return readElements(entry.type, data, `'${name}'`, op);
  }

  /** The whole of a partitioned Variable. */
  async #joined(name: string, { type, shape, size, slices }: Entry): Promise<TypedArray> {
    const width = type.complex ? 2 : 1;
    const parts = slices.map((slice) => {
      const entry = this.#parts.get(keyText(sliceKey(name, slice)));
      if (!entry || entry.type !== type || entry.size !== slice.length.reduce((n, d) => n * d, 1))
        throw damaged(`a part of '${name}' is not there, or of another shape or type`);
      return { slice, entry };
    });
    // As many elements as the tensor has: nothing is taken on trust but what is in the files.
    if (parts.reduce((n, p) => n + p.entry.size, 0) !== size) throw damaged(`the parts of '${name}' are not the whole`);
    const read = [];
    for (const { slice, entry } of parts) read.push({ slice, elements: await this.#elements(name, entry) });
    const whole = arrayFor(dtypeOf(type, op), size * width, op);
    for (const { slice, elements } of read) placeSlice(whole, shape, elements, slice, width);
    return whole;
  }
}

/** A name as text. Throws FormatError where it is no UTF-8. */
function textOf(key: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(key);
  } catch {
    throw damaged('a name is not UTF-8');
  }
}

/** Opens a checkpoint: see `tf.loadTensorFlowCheckpoint`. */
export async function openCheckpoint(source: string | CheckpointBytes): Promise<TensorFlowCheckpoint> {
  if (typeof source === 'string') {
    const prefix = source.replace(/\.index$|\.data-\d{5,}-of-\d{5,}$/, '');
    const index = await readIfThere(`${prefix}.index`, op);
    if (!index)
      throw new ArgumentError(`there is no checkpoint ${valueText(prefix)}: no file '${prefix}.index'`, {
        op,
        fix: "give the path without '.index'",
      });
    const number = (n: number) => String(n).padStart(5, '0');
    return new TensorFlowCheckpoint(
      index,
      (shards) => (shard, offset, size) =>
        readPart(`${prefix}.data-${number(shard)}-of-${number(shards)}`, offset, size, op),
    );
  }
  const given = source as Partial<CheckpointBytes> | null;
  if (
    !(
      given?.index instanceof Uint8Array &&
      Array.isArray(given.data) &&
      given.data.every((d) => d instanceof Uint8Array)
    )
  )
    throw new ArgumentError(`takes a path or the files' bytes, not ${valueText(source)}`, {
      op,
      fix: 'pass {index, data: [bytes of each data file]}',
    });
  const { index, data } = given as CheckpointBytes;
  return new TensorFlowCheckpoint(index, (shards) => {
    if (data.length !== shards) throw damaged(`it has ${shards} data files, ${data.length} were given`);
    return async (shard, offset, size) => data[shard].subarray(offset, offset + size);
  });
}
