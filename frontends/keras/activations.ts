// Activations as objects: what layers hold, by name, with their options.

import { ArgumentError, valueText } from '../../ir/errors.ts';
import type { Tensor } from '../trace/tensor.ts';
import * as functions from './activation-functions.ts';
import {
  type Config,
  type CustomObjects,
  Registry,
  Serializable,
  type SerializableClass,
  type Serialized,
} from './engine/serialize.ts';
import { type AnyFunction, functionName, Kind, numberOption, optionsOf, tensorFrom } from './resolve.ts';

/** Base of activations: a function of a tensor that a name and a configuration describe. */
export abstract class Activation extends Serializable {
  /** The activation of x. */
  abstract apply(x: Tensor): Tensor;
  getConfig(): Config {
    return {};
  }
}

/** A function of the user's as an activation; it is saved by its name. */
class FunctionActivation extends Activation {
  readonly #f: AnyFunction;
  constructor(f: AnyFunction) {
    super();
    this.#f = f;
  }
  apply(x: Tensor): Tensor {
    return tensorFrom(this.#f(x), this.#f, 'activation');
  }
  override getClassName(): string {
    return functionName(this.#f, 'activation');
  }
}

/** The class of an activation without options. */
function simple(className: string, f: (x: Tensor) => Tensor): SerializableClass<Activation> {
  return class extends Activation {
    static readonly className = className;
    constructor(options?: object) {
      super();
      optionsOf(options, [], className);
    }
    apply(x: Tensor): Tensor {
      return f(x);
    }
  };
}

type Numbers = Readonly<Record<string, number>>;

/** The class of an activation with options that are numbers. */
function withNumbers(
  className: string,
  defaults: Numbers,
  f: (x: Tensor, options: Numbers) => Tensor,
): SerializableClass<Activation> {
  return class extends Activation {
    static readonly className = className;
    readonly #options: Numbers;
    constructor(options?: Partial<Numbers>) {
      super();
      const given = optionsOf(options, Object.keys(defaults), className);
      const entries = Object.entries(defaults).map(([k, v]) => [k, numberOption(given[k], k, className, v)]);
      this.#options = Object.freeze(Object.fromEntries(entries));
    }
    apply(x: Tensor): Tensor {
      return f(x, this.#options);
    }
    override getConfig(): Config {
      return { ...this.#options };
    }
  };
}

interface ReluOptions {
  /** Slope below the threshold; by default 0. */
  alpha?: number;
  /** The largest value; by default none. */
  maxValue?: number | null;
  /** Below it x does not pass; by default 0. */
  threshold?: number;
}

/** See `relu` of activation-functions.ts. */
class Relu extends Activation {
  static readonly className = 'relu';
  readonly #options: { alpha: number; maxValue: number | null; threshold: number };
  constructor(options?: ReluOptions) {
    super();
    const { alpha, maxValue, threshold } = optionsOf(options, ['alpha', 'maxValue', 'threshold'], 'relu');
    this.#options = {
      alpha: numberOption(alpha, 'alpha', 'relu', 0),
      maxValue: maxValue === undefined || maxValue === null ? null : numberOption(maxValue, 'maxValue', 'relu', 0),
      threshold: numberOption(threshold, 'threshold', 'relu', 0),
    };
  }
  apply(x: Tensor): Tensor {
    const { alpha, maxValue, threshold } = this.#options;
    return functions.relu(x, alpha, maxValue, threshold);
  }
  override getConfig(): Config {
    return { ...this.#options };
  }
}

/** See `gelu`; `approximate` takes tanh for the error function. */
class Gelu extends Activation {
  static readonly className = 'gelu';
  readonly #approximate: boolean;
  constructor(options?: { approximate?: boolean }) {
    super();
    const { approximate = false } = optionsOf(options, ['approximate'], 'gelu');
    if (typeof approximate !== 'boolean')
      throw new ArgumentError(`approximate must be true or false, got ${valueText(approximate)}`, {
        op: 'gelu',
        fix: 'leave it out for the exact function',
      });
    this.#approximate = approximate;
  }
  apply(x: Tensor): Tensor {
    return functions.gelu(x, this.#approximate);
  }
  override getConfig(): Config {
    return { approximate: this.#approximate };
  }
}

const kind = new Kind(
  new Registry<Activation>('activation', (x): x is Activation => x instanceof Activation),
  Activation,
  (f) => new FunctionActivation(f),
);
kind.add(
  [simple('linear', functions.linear)],
  [Relu],
  [simple('relu6', functions.relu6)],
  [simple('sigmoid', functions.sigmoid)],
  [withNumbers('hardSigmoid', { slope: 0.2 }, (x, { slope }) => functions.hardSigmoid(x, slope))],
  [simple('tanh', functions.tanh)],
  [simple('hardTanh', functions.hardTanh)],
  [withNumbers('softmax', { axis: -1 }, (x, { axis }) => functions.softmax(x, axis))],
  [withNumbers('logSoftmax', { axis: -1 }, (x, { axis }) => functions.logSoftmax(x, axis))],
  [simple('softplus', functions.softplus)],
  [simple('softsign', functions.softsign)],
  [simple('exponential', functions.exponential)],
  [withNumbers('elu', { alpha: 1 }, (x, { alpha }) => functions.elu(x, alpha))],
  [simple('selu', functions.selu)],
  [withNumbers('celu', { alpha: 1 }, (x, { alpha }) => functions.celu(x, alpha))],
  [Gelu],
  [simple('gelu_new', (x) => functions.gelu(x, true)), 'geluNew'],
  [simple('swish', functions.swish)],
  [simple('silu', functions.silu)],
  [simple('hardSwish', functions.hardSwish), 'hardSwish', 'hardSilu'],
  [simple('mish', functions.mish)],
  [withNumbers('leakyRelu', { alpha: 0.2 }, (x, { alpha }) => functions.leakyRelu(x, alpha))],
  [simple('logSigmoid', functions.logSigmoid)],
  [withNumbers('squareplus', { b: 4 }, (x, { b }) => functions.squareplus(x, b))],
);

/** What stands for an activation: nothing means linear. */
export type ActivationIdentifier = string | Activation | Serialized | ((x: Tensor) => Tensor) | null | undefined;

/**
 * The activation that a name, an object, `{className, config}` or a function of the user's stands for.
 * Throws ArgumentError for an unknown name, with the nearest known one.
 * @param objects classes and functions of the user's, by name
 */
export function getActivation(
  identifier: ActivationIdentifier,
  op = 'activations.get',
  objects?: CustomObjects,
): Activation {
  return kind.get(identifier ?? 'linear', op, objects);
}

/** The name of an activation, or `{className, config}` where its options are not the defaults. */
export function serializeActivation(activation: Activation): string | Serialized {
  const s = kind.serialize(activation, 'activations.serialize');
  if (activation instanceof FunctionActivation) return s.className;
  const plain = kind.registry.find(s.className) === activation.constructor && kind.get(s.className, 'activations');
  return plain && JSON.stringify(plain.getConfig()) === JSON.stringify(s.config) ? s.className : s;
}

/** `tf.activations`: the functions, and activations by name. */
export const activations = Object.freeze({
  ...functions,
  /** See `getActivation`. */
  get: (identifier: ActivationIdentifier): Activation => getActivation(identifier),
  /** See `serializeActivation`. */
  serialize: serializeActivation,
  /** The activation of what `serialize` gave; `objects` has classes and functions of the user's by name. */
  deserialize: (config: string | Serialized, objects?: CustomObjects): Activation =>
    getActivation(config, 'activations.deserialize', objects),
  Activation,
});
