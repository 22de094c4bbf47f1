// The tensor that users hold. It is either eager (it has its elements) or traced (it stands for a
// value of the graph being recorded). Both are immutable, plain, garbage-collected objects.

import { ArgumentError, TraceError } from '../../ir/errors.ts';
import type { Val, Value } from '../../ir/graph.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { type TensorType, typeText } from '../../ir/types.ts';
import { type DeviceBuffer, onDevice, type Storage } from '../../runtime/buffer.ts';
import { type DataType, publicDType } from './dtypes.ts';
import { formatElements } from './format.ts';
import type { TensorMethods } from './methods.ts';
import type { Site } from './site.ts';

/** Nested arrays of numbers (0 and 1 for dtype bool), or one element for rank 0. */
export type ArrayData = number | ArrayData[];

/** The trace that a traced tensor belongs to, as far as a tensor knows it. */
export interface TraceOwner {
  readonly name: string;
  /** False once the trace is over: its tensors are dead then. */
  readonly open: boolean;
  /** True for a graph built by hand, which takes up operations on its tensors. */
  readonly isStatic: boolean;
}

const fixes =
  'keep it in the graph: tf.cond or tf.where instead of if, tf.whileLoop or tf.scan instead of a loop on its value; or return it and read it outside';

let nextId = 0;

export interface Tensor extends TensorMethods {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: methods.ts puts every method of TensorMethods on the prototype
export class Tensor implements Val {
  readonly id: number = nextId++;
  /** Element type and shape in the IR's terms. */
  readonly type: TensorType;
  /** The elements of an eager tensor, once they are in JavaScript. Shared: nobody may write to it. */
  host: TypedArray | undefined;
  /** The same elements on a device. */
  device: DeviceBuffer | undefined;
  /** The graph value of a traced tensor. */
  readonly symbol: Value | undefined;
  /** The trace of a traced tensor. */
  readonly owner: TraceOwner | undefined;
  /** Where a traced tensor was made. */
  readonly site: Site | undefined;
  #disposed = false;
  /** It was an argument of some function, which may have given it back as it is. */
  lent = false;

  /** Made by `eagerTensor` and by the trace; users write `tf.tensor`. */
  constructor(type: TensorType, storage?: Storage, symbol?: Value, owner?: TraceOwner, site?: Site) {
    this.type = type;
    const there = storage !== undefined && onDevice(storage);
    this.host = there ? undefined : storage;
    this.device = there ? storage : undefined;
    this.symbol = symbol;
    this.owner = owner;
    this.site = site;
  }

  /** Element type, as 'float32'. */
  get dtype(): DataType {
    return publicDType(this.type.dtype);
  }
  get shape(): number[] {
    return this.type.shape as number[];
  }
  get rank(): number {
    return this.type.shape.length;
  }
  /** Number of elements. */
  get size(): number {
    return this.shape.reduce((n, d) => n * d, 1);
  }
  /** Whether its elements are gone: they were on a device only when it was disposed of. */
  get isDisposed(): boolean {
    return this.#disposed && !this.host;
  }

  /** The tensor that operations read: itself, or a Variable's present value. */
  operand(): Tensor {
    return this;
  }

  /** The elements without a copy: internal, read only. Throws TraceError while tracing. */
  elements(use = 'its elements'): TypedArray {
    if (this.host) return this.host;
    if (!this.device) throw this.#disposed ? disposed() : this.notConcrete(use);
    this.host = this.device.read();
    return this.host;
  }

  /** The error for a traced tensor used as if it had elements. */
  notConcrete(use: string): TraceError {
    const op = /^(\w+)\(\)$/.exec(use)?.[1] ?? 'tensor';
    if (this.owner && !this.owner.open)
      return new TraceError(
        `this tensor (${typeText(this.type)}) was made in the trace of '${this.owner.name}', at ${this.site}, and does not exist outside of it`,
        { op, fix: 'return it from the traced function instead of keeping it in an outer variable' },
      );
    return new TraceError(
      `a traced tensor (${typeText(this.type)}) has no elements yet: ${use} cannot be had while '${this.owner?.name}' is traced`,
      { op, fix: fixes },
    );
  }

  /** Whether its elements are on a device only that JavaScript cannot wait for: a GPU. */
  get remote(): boolean {
    return !this.host && this.device?.readAsync !== undefined;
  }
  /** Brings the elements to JavaScript, from where they can be read at once. */
  async fetch(): Promise<void> {
    if (this.remote) this.host ??= await this.device?.readAsync?.();
  }

  /**
   * A copy of the elements in row-major order. Throws TraceError on a traced tensor, DeviceError on one in GPU memory,
   * unless `data()` has been awaited.
   */
  dataSync(): TypedArray {
    return this.elements('dataSync()').slice();
  }
  /** A copy of the elements in row-major order. Throws TraceError on a traced tensor, at once. */
  data(): Promise<TypedArray> {
    if (!this.remote) return Promise.resolve(this.elements('data()').slice());
    return this.fetch().then(() => this.elements().slice());
  }
  /** The elements as nested arrays, a plain number for rank 0. Errors as `dataSync`. */
  // biome-ignore lint/suspicious/noExplicitAny: the nesting depends on the rank, as in TensorFlow.js
  arraySync(): any {
    return nested(this.elements('arraySync()'), this.shape);
  }
  /** The elements as nested arrays. Rejects with TraceError on a traced tensor. */
  // biome-ignore lint/suspicious/noExplicitAny: the nesting depends on the rank, as in TensorFlow.js
  async array(): Promise<any> {
    return nested(await this.data(), this.shape);
  }

  /**
   * The elements as text, long axes shortened. A traced tensor is described instead, and one in GPU memory whose
   * `data()` was not awaited.
   * @param verbose also dtype, rank and shape
   */
  toString(verbose = false): string {
    if (this.symbol) return `Tensor(traced ${typeText(this.type)} in '${this.owner?.name}')`;
    if (this.remote) return `Tensor(${typeText(this.type)} in GPU memory: await its data() to see it)`;
    const lines = formatElements(this.elements(), this.shape, this.type.dtype);
    if (!verbose) return `Tensor\n${lines}`;
    return `Tensor\n  dtype: ${this.dtype}\n  rank: ${this.rank}\n  shape: [${this.shape}]\n  values:\n${lines}`;
  }
  /** Writes `toString()` to the console. */
  print(verbose = false): void {
    console.log(this.toString(verbose));
  }

  /**
   * Gives memory on the device back at once. Never needed, since tensors are garbage-collected; but a
   * loop over large results runs faster with it. What was disposed of need not be readable any more.
   */
  dispose(): void {
    // What another name may stand for is left to the collector.
    if (this.#disposed || this.lent) return;
    this.#disposed = true;
    this.device?.release();
    this.device = undefined;
  }

  /** The number of an eager scalar; a traced tensor throws TraceError, a larger one ArgumentError. */
  valueOf(): unknown {
    // Frameworks compare and print objects through valueOf: a larger eager tensor stays an object.
    if (!this.symbol) return this;
    throw this.notConcrete('a JavaScript number');
  }
  [Symbol.toPrimitive](hint: 'number' | 'string' | 'default'): number | string {
    if (this.symbol)
      throw this.notConcrete(hint === 'string' ? 'a string or property key' : 'a JavaScript number or boolean');
    if (hint === 'string' || (hint === 'default' && this.rank > 0)) return this.toString();
    if (this.size !== 1)
      throw new ArgumentError(`a tensor of shape [${this.shape}] is not one number`, {
        fix: 'use tf.add, tf.less etc. for arithmetic and comparison, or read its elements: (await x.data())[0]',
      });
    return this.elements()[0];
  }
  /** What `console.log` shows in Node. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

const disposed = () =>
  new ArgumentError('this tensor was disposed of', {
    fix: 'read it before tensor.dispose(), or do not dispose: tensors are garbage-collected',
  });

/** An eager tensor on elements that nobody will write to again. */
export const eagerTensor = (type: TensorType, storage: Storage): Tensor => new Tensor(type, storage);

/** Brings elements that are on a GPU only to JavaScript, where `x` is a tensor; gives `x`. */
export async function fetched<T>(x: T): Promise<T> {
  if (x instanceof Tensor && !x.symbol) await x.fetch();
  return x;
}

/** The elements of another eager tensor under another type: they are shared. */
export function sameElements(type: TensorType, t: Tensor): Tensor {
  if (t.host || !t.device) return new Tensor(type, t.elements());
  t.device.retain();
  return new Tensor(type, t.device);
}

function nested(data: TypedArray, shape: readonly number[]): ArrayData {
  let at = 0;
  const walk = (axis: number): ArrayData => {
    if (axis === shape.length) return data[at++];
    return Array.from({ length: shape[axis] }, () => walk(axis + 1));
  };
  return walk(0);
}
