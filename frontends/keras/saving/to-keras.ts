// This library's configurations as Keras writes them: as Keras 2 and TensorFlow.js do, and as Keras 3 does.

import { isObject } from '../../io/format.ts';
import type { Config, ConfigValue, Serialized } from '../engine/serialize.ts';
import { kerasFunctional, type NativeModel } from './functional-to-keras.ts';
import { kerasName, renamed, snakeKey, snakeWord, wordKeys } from './spelling.ts';

/** Which Keras reads it; TensorFlow.js reads what Keras 2 does. */
export type Dialect = 2 | 3;
/** What kind of object it is: Keras 3 has a module for each. */
export type ObjectKind =
  | 'layers'
  | 'initializers'
  | 'regularizers'
  | 'constraints'
  | 'activations'
  | 'losses'
  | 'metrics'
  | 'optimizers'
  | 'optimizers.schedules';

type Plain = Record<string, unknown>;

/** The kind of object that an option holds. */
function kindOf(key: string): ObjectKind {
  for (const kind of ['initializer', 'regularizer', 'constraint', 'activation'] as const)
    if (key.toLowerCase().endsWith(kind)) return `${kind}s`;
  return key === 'learningRate' ? 'optimizers.schedules' : 'layers';
}

const isSerialized = (x: unknown): x is Serialized =>
  isObject(x) && typeof x.className === 'string' && isObject(x.config);

/** Options that Keras does not have: dropped, since they repeat what is said elsewhere or are without effect. */
const dropped: Readonly<Record<string, readonly string[]>> = {
  '': ['inputDType', 'inputLength'],
  BatchNormalization: [
    'movingMeanRegularizer',
    'movingMeanConstraint',
    'movingVarianceRegularizer',
    'movingVarianceConstraint',
  ],
};
const isDropped = (className: string, key: string, value: unknown): boolean =>
  dropped[''].includes(key) ||
  (key === 'trainable' && value === true && className.startsWith('SpatialDropout')) ||
  (value === null && (dropped[className] ?? []).includes(key));

/** Whether a class is one of a user's own. */
export type IsCustom = (className: string) => boolean;

/** JSON for Python: a momentum that is no float is refused there. */
export const pythonJson = (x: unknown): string => JSON.stringify(x).replace(/("momentum":-?\d+)(?=[,}])/g, '$1.0');

export class KerasWriter {
  readonly dialect: Dialect;
  readonly #isCustom: IsCustom;

  constructor(dialect: Dialect, isCustom: IsCustom) {
    this.dialect = dialect;
    this.#isCustom = isCustom;
  }

  /** A class with its configuration. */
  object({ className, config }: Serialized, kind: ObjectKind): Plain {
    const name = kerasName(className);
    const object = { class_name: name, config: this.config(className, config) };
    return this.dialect === 2 ? object : { ...object, ...this.#origin(className, kind) };
  }

  #origin(className: string, kind: ObjectKind): Plain {
    if (this.#isCustom(className)) return { module: 'custom', registered_name: `Custom>${className}` };
    if (className === 'Model') return { module: 'keras.src.models.functional', registered_name: 'Functional' };
    return { module: className === 'Sequential' ? 'keras' : `keras.${kind}`, registered_name: null };
  }

  /** The configuration of a class. */
  config(className: string, config: Config): Plain {
    if ('inputLayers' in config) return kerasFunctional(config as unknown as NativeModel, this);
    if (className === 'Sequential') return this.#sequential(config);
    const names = this.dialect === 3 && Object.hasOwn(renamed, className) ? renamed[className] : {};
    const entries = Object.entries(config).flatMap(([key, value]): [string, unknown][] => {
      if (value === undefined || isDropped(className, key, value)) return [];
      const theirs = names[key] ?? snakeKey(key);
      if (this.dialect === 3 && key === 'batchInputShape' && className !== 'InputLayer') return [];
      return [[theirs, this.#value(key, value, className)]];
    });
    return Object.fromEntries(entries);
  }

  #value(key: string, x: ConfigValue, className: string): unknown {
    if (Array.isArray(x)) return x.map((y) => this.#value(key, y as ConfigValue, className));
    if (key.toLowerCase().endsWith('activation')) return this.#activation(x);
    if (isSerialized(x)) return this.object(x, kindOf(key));
    if (typeof x === 'string' && wordKeys.has(key)) return snakeWord(x);
    const policy = key === 'dtype' && this.dialect === 3 && !/^(InputLayer|SpatialDropout.*)$/.test(className);
    return policy ? { module: 'keras', class_name: 'DTypePolicy', config: { name: x }, registered_name: null } : x;
  }

  /** An activation by its name; with options of its own, and where the dialect means another function, as an object. */
  #activation(x: ConfigValue): unknown {
    const hard = (slope: number): Serialized => ({ className: 'hardSigmoid', config: { slope } });
    const object = x === 'hardSigmoid' ? hard(0.2) : x;
    if (!isSerialized(object)) return typeof object === 'string' ? snakeWord(object) : object;
    const slope = this.dialect === 3 ? 1 / 6 : 0.2;
    if (object.className === 'hardSigmoid' && object.config.slope === slope) return 'hard_sigmoid';
    return this.object(object, 'activations');
  }

  /** A stack; its input is a layer of its own, whose dtype need not be that of the weights. */
  #sequential(config: Config): Plain {
    const layers = (config.layers ?? []) as unknown as Serialized[];
    const [first] = layers;
    const shape = first?.config.batchInputShape ?? config.buildInputShape;
    const explicit = first?.className === 'InputLayer' || shape === undefined;
    const dtype = first?.config.inputDType ?? first?.config.dtype ?? 'float32';
    const source: Serialized = {
      className: 'InputLayer',
      config: { batchInputShape: shape, dtype, name: `${String(first?.config.name)}_input` },
    };
    // Behind an input, a shape of one's own says nothing.
    const behind = (l: Serialized): Serialized => {
      const { batchInputShape, ...rest } = l.config;
      return { className: l.className, config: rest };
    };
    const all =
      shape === undefined
        ? layers
        : explicit
          ? [first, ...layers.slice(1).map(behind)]
          : [source, ...layers.map(behind)];
    return {
      name: config.name,
      ...(this.dialect === 3 ? { trainable: config.trainable, dtype: this.#value('dtype', 'float32', '') } : {}),
      layers: all.map((l) => this.object(l, 'layers')),
      ...(shape === undefined ? {} : { build_input_shape: shape }),
    };
  }
}
