// A loaded artifact: its functions, and the Variables that they share.

import {
  ArgumentError,
  arrayFor,
  type DType,
  type FunctionEntry,
  sizeOf,
  type TensorEntry,
  type TensorType,
  type TypedArray,
} from '../../ir/plan.ts';
import type { Program } from '../program.ts';
import type { StateCell } from '../state.ts';
import { typeOf } from './header.ts';

/** What a function runs. */
export type Runnable = Pick<Program, 'run' | 'runInto' | 'runAsync'>;

/** A tensor of a signature. */
export interface TensorInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Sizes; those of an open batch at its bound. */
  readonly shape: readonly number[];
  /** The first dimension is so many times the size of the batch, which every call chooses. */
  readonly batch?: number;
}

/** Elements by name, or the one array there is. */
type Arrays = TypedArray | Readonly<Record<string, TypedArray>>;

/**
 * A function of an artifact. Elements are row-major, in typed arrays: Float32Array for f32 and f16, Float64Array, Int32Array,
 * Uint32Array, Int8Array, Uint8Array for u8 and bool.
 */
export class Entry<I = Readonly<Record<string, ArrayLike<number>>>, O = Arrays> {
  readonly name: string;
  /** predict, classify, regress, train, or what the builder was told. */
  readonly method: string;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** Largest size of the open batch; 0 where every shape is fixed. */
  readonly maxBatch: number;
  readonly #program: Runnable;
  readonly #single: boolean;

  /** Made by `load`. */
  constructor(f: FunctionEntry, program: Runnable) {
    this.name = f.name;
    this.method = f.method;
    this.maxBatch = f.bound;
    const given = f.bound ? f.inputs.slice(0, -1) : f.inputs;
    const info = ({ tensor, scale }: FunctionEntry['inputs'][number]): TensorInfo => {
      const { dtype, shape } = typeOf(tensor as TensorEntry);
      const base = { name: (tensor as TensorEntry).name, dtype, shape: shape as number[] };
      return scale ? { ...base, batch: scale } : base;
    };
    this.inputs = given.map(info);
    this.outputs = f.outputs.map(info);
    this.#program = program;
    this.#single = f.single;
  }

  /**
   * Runs the function.
   * @param inputs an object of arrays by name; where there is one input, also the array itself
   * @returns the array of the one result, or an object of arrays by name; they are the caller's
   * Throws ArgumentError for inputs that are missing, unknown, or have another number of elements; ExecutionError where the
   * program fails. The batch, where it is open, is as large as the inputs are.
   */
  run(inputs: I): O {
    const arrays = this.#arrays(inputs);
    return this.#result(this.#program.run(arrays)) as O;
  }
  /** As `run`, for every target: on 'webgpu' the elements are waited for. */
  async runAsync(inputs: I): Promise<O> {
    const arrays = this.#arrays(inputs);
    return this.#result(await (this.#program.runAsync?.(arrays) ?? this.#program.run(arrays))) as O;
  }
  /**
   * Runs the function into arrays of the caller, in the order of `inputs` and `outputs`: nothing is allocated.
   * Throws as `run`, and where an output's length does not fit.
   */
  runInto(inputs: readonly TypedArray[], outputs: readonly TypedArray[]): void {
    this.#program.runInto(inputs, outputs);
  }

  #result(out: readonly TypedArray[]): unknown {
    if (this.#single) return out[0];
    return Object.fromEntries(this.outputs.map((o, i) => [o.name, out[i]]));
  }

  #arrays(given: unknown): TypedArray[] {
    const { inputs, name } = this;
    const fix = `call it with {${inputs.map((t) => t.name).join(', ')}}`;
    const isArray = (x: unknown): x is ArrayLike<number> =>
      typeof x === 'object' && x !== null && typeof (x as ArrayLike<number>).length === 'number';
    if (typeof given !== 'object' || given === null) {
      if (inputs.length)
        throw new ArgumentError(`takes its inputs as an object of arrays, got ${given}`, { op: name, fix });
      return [];
    }
    const byName = (isArray(given) && inputs.length === 1 ? { [inputs[0].name]: given } : given) as Record<
      string,
      unknown
    >;
    const unknown = Object.keys(byName).find((k) => !inputs.some((t) => t.name === k));
    if (unknown !== undefined) throw new ArgumentError(`has no input '${unknown.slice(0, 60)}'`, { op: name, fix });
    return inputs.map((t) => {
      const x = byName[t.name];
      if (!isArray(x)) throw new ArgumentError(`the input '${t.name}' is missing, or no array`, { op: name, fix });
      if (ArrayBuffer.isView(x)) return x as TypedArray;
      if (x.length > sizeOf(t.shape))
        throw new ArgumentError(`the input '${t.name}' has ${x.length} elements, at most ${sizeOf(t.shape)} fit`, {
          op: name,
          fix,
        });
      const out = arrayFor(t.dtype, x.length);
      out.set(x as ArrayLike<number>);
      return out;
    });
  }
}

/** A Variable of a model. */
export interface StateInfo {
  readonly name: string;
  readonly type: TensorType;
  readonly trainable: boolean;
}

/** A loaded artifact: functions that share Variables. Models are independent of each other. */
export class Model<F extends Readonly<Record<string, Entry<never, unknown>>> = Readonly<Record<string, Entry>>> {
  /** The functions by name. */
  readonly functions: F;
  /** 'wasm' or 'webgpu'. */
  readonly target: string;
  /** The Variables that a function changes, or that were not made constants. */
  readonly states: readonly StateInfo[];
  readonly #cells: readonly StateCell[];
  readonly #dispose: () => void;

  /** Made by `load`. */
  constructor(
    functions: F,
    target: string,
    states: readonly StateInfo[],
    cells: readonly StateCell[],
    dispose: () => void,
  ) {
    this.functions = functions;
    this.target = target;
    this.states = states;
    this.#cells = cells;
    this.#dispose = dispose;
  }

  #cell(name: string): StateCell {
    const i = this.states.findIndex((s) => s.name === name);
    if (i < 0)
      throw new ArgumentError(`there is no Variable '${name}'`, {
        op: 'model',
        fix: `the Variables are ${this.states.map((s) => s.name).join(', ') || 'none: weights that nothing changes are constants'}`,
      });
    return this.#cells[i];
  }
  /** A copy of a Variable's elements. Throws ArgumentError for an unknown name, DeviceError on 'webgpu': see `stateAsync`. */
  state(name: string): TypedArray {
    return this.#cell(name).read();
  }
  /** As `state`, for every target. */
  async stateAsync(name: string): Promise<TypedArray> {
    return this.#cell(name).readAsync();
  }
  /** Gives a Variable other elements. Throws ArgumentError where the name is unknown or their number is another. */
  setState(name: string, elements: ArrayLike<number>): void {
    const cell = this.#cell(name);
    const data = arrayFor(cell.type.dtype, sizeOf(cell.type.shape));
    if (elements.length !== data.length)
      throw new ArgumentError(`'${name}' has ${data.length} elements, got ${elements.length}`, { op: 'model' });
    data.set(elements);
    cell.write(data);
  }
  /** Gives back what the collector does not see: memory of a GPU. The model must not run after that. */
  dispose(): void {
    this.#dispose();
  }
}
