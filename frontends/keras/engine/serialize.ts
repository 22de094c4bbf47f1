// Objects that are made from a name or from `{className, config}`, and the registry that knows them:
// activations, initializers, layers, losses, … each kind has a registry of its own.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { canonical, didYouMean } from './names.ts';

/** What a configuration may hold: plain data, so that it can be written as JSON. */
export type ConfigValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly ConfigValue[]
  | { readonly [key: string]: ConfigValue };
export type Config = { [key: string]: ConfigValue };

/** A class and what it was made from. */
export interface Serialized {
  readonly className: string;
  readonly config: Config;
}

export type SerializableClass<T = unknown> = (abstract new (
  ...args: never[]
) => T) & {
  /** The name under which it is saved; by default the class's own. */
  readonly className?: string;
  fromConfig?(cls: SerializableClass<T>, config: Config): T;
};

/** Base of what a configuration describes: `fromConfig(getConfig())` makes an equal object. */
export abstract class Serializable {
  /** The name under which the class is saved. */
  getClassName(): string {
    return classNameOf(this.constructor as SerializableClass);
  }
  /** The arguments of the constructor, as plain data. */
  abstract getConfig(): Config;
  /** Makes an object of the class from what its `getConfig` gave. */
  // biome-ignore lint/suspicious/noExplicitAny: the class decides what it is made from
  static fromConfig(cls: SerializableClass<unknown>, config: Config): any {
    return new (cls as unknown as new (config: Config) => unknown)(config);
  }
}

/** A class that a function makes: declared, since a class without a name cannot have protected members there. */
export interface MadeClass<Options, T> {
  new (options?: Options): T;
  readonly className: string;
  readonly prototype: T;
  fromConfig(cls: SerializableClass<unknown>, config: Config): T;
}

/** The name under which a class is saved. */
export const classNameOf = (cls: SerializableClass): string =>
  Object.hasOwn(cls, 'className') && cls.className ? cls.className : cls.name;

/** Classes that users registered: found by every kind of object. */
const custom = new Map<string, SerializableClass>();

/**
 * Makes a class of the user's known, so that a saved model that has it can be made again.
 * Throws ArgumentError where it has no name to be saved under.
 */
export function registerClass(cls: SerializableClass): void {
  if (typeof cls !== 'function')
    throw new ArgumentError(`takes a class, not ${valueText(cls)}`, {
      op: 'serialization.registerClass',
      fix: 'give the class itself: registerClass(MyLayer)',
    });
  const name = classNameOf(cls);
  if (!name)
    throw new ArgumentError('the class has no name', {
      op: 'serialization.registerClass',
      fix: "give it one: static className = 'MyLayer'",
    });
  custom.set(name, cls);
}

/** Whether a user has registered a class of that name. */
export const isRegistered = (name: string): boolean => scoped.has(name) || custom.has(name);

/** Classes and functions by name, for one call. */
export type CustomObjects = Readonly<Record<string, unknown>>;

/** Those that are known while something is made by `withObjects`. */
let scoped = new Map<string, unknown>();

/** Makes something while these classes and functions are known to every kind of object. */
export function withObjects<T>(objects: CustomObjects | undefined, f: () => T): T {
  const before = scoped;
  scoped = new Map([...before, ...Object.entries(objects ?? {})]);
  try {
    return f();
  } finally {
    scoped = before;
  }
}

/** A kind of object, its classes, and the short names some of them have. */
export class Registry<T> {
  readonly kind: string;
  readonly #isInstance: (x: unknown) => x is T;
  readonly #classes = new Map<string, SerializableClass<T>>();
  readonly #names: string[] = [];

  /**
   * @param kind as errors name it: 'activation'
   * @param isInstance whether something is an object of this kind already
   */
  constructor(kind: string, isInstance: (x: unknown) => x is T) {
    this.kind = kind;
    this.#isInstance = isInstance;
  }

  /** Adds a class under its own name and under `aliases`. */
  add(cls: SerializableClass<T>, ...aliases: string[]): void {
    const names = [classNameOf(cls), ...aliases];
    for (const n of names) this.#classes.set(canonical(n), cls);
    this.#names.push(aliases[0] ?? names[0]);
  }

  /** The class of that name, if there is one. */
  find(name: string, objects?: CustomObjects): SerializableClass<T> | undefined {
    const own = objects && Object.hasOwn(objects, name) ? objects[name] : scoped.get(name);
    return (own ?? custom.get(name) ?? this.#classes.get(canonical(name))) as SerializableClass<T>;
  }

  /** The names that users write. */
  get names(): readonly string[] {
    return this.#names;
  }

  /**
   * The object that a name, a `{className, config}` or the object itself stands for.
   * Throws ArgumentError for an unknown name (with the nearest one) and for what is neither.
   * @param op who asks: the class or function that got `x`
   */
  get(x: unknown, op: string, objects?: CustomObjects): T {
    if (this.#isInstance(x)) return x;
    if (typeof x === 'string') return this.make(x, {}, op, objects);
    const s = x as Partial<Serialized> & { class_name?: string };
    const name = s?.className ?? s?.class_name;
    if (typeof name === 'string') return this.make(name, s.config ?? {}, op, objects);
    throw new ArgumentError(`${valueText(x)} is no ${this.kind}`, {
      op,
      fix: `give a name (${this.names.join(', ')}), an object of that kind, or {className, config}`,
    });
  }

  /** Makes an object of the class of that name. Throws ArgumentError for an unknown name. */
  make(name: string, config: Config, op: string, objects?: CustomObjects): T {
    const cls = this.find(name, objects);
    if (!cls) throw this.unknown(name, op);
    return cls.fromConfig ? cls.fromConfig(cls, config) : new (cls as unknown as new (c: Config) => T)(config);
  }

  /** The error for a name that means nothing. */
  unknown(name: string, op: string): ArgumentError {
    return new ArgumentError(`unknown ${this.kind} '${name}'`, {
      op,
      fix: `${didYouMean(name, this.names)}; one of your own is made known by tf.serialization.registerClass`,
    });
  }
}

/** What `Registry.get` takes back: the object's class and configuration. */
export function serialize(x: Serializable): Serialized {
  if (x instanceof Serializable) return { className: x.getClassName(), config: x.getConfig() };
  throw new ArgumentError(`${valueText(x)} has no configuration`, {
    op: 'serialize',
    fix: 'give a layer, an optimizer, an initializer or the like',
  });
}
