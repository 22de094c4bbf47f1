// What users may give where an activation, initializer, regularizer or constraint is wanted: an object, a name,
// `{className, config}`, a class, or a plain function.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import { Tensor } from '../trace/tensor.ts';
import { checkOptions } from './engine/names.ts';
import {
  type Config,
  type CustomObjects,
  type Registry,
  Serializable,
  type SerializableClass,
  type Serialized,
  serialize,
} from './engine/serialize.ts';

// biome-ignore lint/suspicious/noExplicitAny: whatever function a user gives; its result is checked
export type AnyFunction = (...args: any[]) => any;
type Base<T> = abstract new (...args: never[]) => T;

/** One kind of object: its registry, its base class, and what makes an object of a plain function. */
export class Kind<T extends Serializable> {
  readonly registry: Registry<T>;
  readonly #base: Base<T>;
  readonly #wrap: (f: AnyFunction) => T;

  constructor(registry: Registry<T>, base: Base<T>, wrap: (f: AnyFunction) => T) {
    this.registry = registry;
    this.#base = base;
    this.#wrap = wrap;
  }

  /** Adds classes, each under its own name and the other names beside it. */
  add(...classes: readonly (readonly [SerializableClass<T>, ...string[]])[]): void {
    for (const [cls, ...aliases] of classes) this.registry.add(cls, ...aliases);
  }

  /**
   * The object that `x` stands for. Throws ArgumentError for an unknown name (with the nearest one) and for what
   * is none of the accepted forms.
   * @param op who asks: the class or function that got `x`
   */
  get(x: unknown, op: string, objects?: CustomObjects): T {
    if (typeof x === 'function') return this.#made(x as AnyFunction, {}, op);
    const s = x as Partial<Serialized> & { class_name?: string };
    const name = typeof x === 'string' ? x : x instanceof Serializable ? undefined : (s?.className ?? s?.class_name);
    if (typeof name !== 'string') return this.registry.get(x, op, objects);
    const found = this.registry.find(name, objects) as unknown;
    if (found === undefined) throw this.registry.unknown(name, op);
    if (found instanceof this.#base) return found;
    if (typeof found !== 'function')
      throw new ArgumentError(`the custom object '${name}' is ${valueText(found)}, no ${this.registry.kind}`, {
        op,
        fix: 'give a class or a function under that name',
      });
    return this.#made(found as AnyFunction, typeof x === 'string' ? {} : (s.config ?? {}), op);
  }

  /** As `get`; nothing (undefined, null) gives null. */
  optional(x: unknown, op: string, objects?: CustomObjects): T | null {
    return x === undefined || x === null ? null : this.get(x, op, objects);
  }

  /** Class and configuration; throws ArgumentError for what is no object of this kind. */
  serialize(x: unknown, op: string): Serialized {
    if (x instanceof this.#base) return serialize(x);
    throw new ArgumentError(`${valueText(x)} is no ${this.registry.kind}`, {
      op,
      fix: `make it with ${op.replace('serialize', 'get')}`,
    });
  }

  /** An object of a class, or one that calls a function. */
  #made(f: AnyFunction, config: Config, op: string): T {
    if (f.prototype instanceof this.#base) {
      const cls = f as unknown as SerializableClass<T>;
      return cls.fromConfig ? cls.fromConfig(cls, config) : new (cls as unknown as new (c: Config) => T)(config);
    }
    if (f.prototype instanceof Serializable)
      throw new ArgumentError(`${valueText(f)} is a class, but of no ${this.registry.kind}`, {
        op,
        fix: `known: ${this.registry.names.join(', ')}`,
      });
    return this.#wrap(f);
  }
}

/** The name of a user's function; throws ArgumentError where it has none to be saved under. */
export function functionName(f: AnyFunction, kind: string): string {
  if (f.name) return f.name;
  throw new ArgumentError(`this ${kind} is a function without a name, so it cannot be saved`, {
    op: 'getConfig',
    fix: 'give the function a name, and register it with tf.serialization.registerClass to load it',
  });
}

/** What a user's function gave; throws ArgumentError unless that is a tensor. */
export function tensorFrom(x: unknown, f: AnyFunction, kind: string): Tensor {
  if (x instanceof Tensor) return x;
  throw new ArgumentError(`the ${kind} ${f.name || 'function'} must return a tensor, got ${valueText(x)}`, {
    op: f.name || kind,
    fix: 'return the result of tf functions',
  });
}

/** The number that an option has, or its default; throws ArgumentError for anything else, NaN and infinities. */
export function numberOption(x: unknown, name: string, op: string, value: number): number {
  if (x === undefined || x === null) return value;
  if (typeof x === 'number' && Number.isFinite(x)) return x;
  throw new ArgumentError(`${name} must be a finite number, got ${valueText(x)}`, {
    op,
    fix: `leave it out for ${value}`,
  });
}

/** Options that only the keys `known` may be in; none given are none. */
export function optionsOf<T extends object>(
  x: T | undefined | null,
  known: readonly (keyof T & string)[],
  op: string,
): Partial<T> {
  checkOptions(x, known, op);
  return x ?? {};
}
