// Configurations as Keras 2, Keras 3 and TensorFlow.js write them, as this library's own.

import { valueText } from '../../../ir/errors.ts';
import { damaged, isObject, type Place } from '../../io/format.ts';
import type { Config, ConfigValue } from '../engine/serialize.ts';
import { nativeFunctional } from './functional-from-keras.ts';
import { withoutNeutral } from './neutral.ts';
import { classOf, isSaved, type SavedObject } from './saved-object.ts';
import { camelKey, renamed } from './spelling.ts';

/** Kinds of values that Keras writes as if they were classes. */
const special: Readonly<Record<string, (x: SavedObject, place: Place) => ConfigValue>> = {
  __tuple__: (x, place) => nativeValue(x.items ?? x.config, place),
  TensorShape: (x, place) => nativeValue(x.items ?? x.config, place),
  __numpy__: (x, place) => elementsOf(x, place),
  __tensor__: (x, place) => elementsOf(x, place),
  DTypePolicy: (x, place) => policyDType(x, place),
  Policy: (x, place) => policyDType(x, place),
  FloatDTypePolicy: (x, place) => policyDType(x, place),
  function: (x, place) => functionName(x, place),
  __lambda__: (_, place) =>
    damaged(place, 'it has a Python lambda', 'make it a class, and register one of that name here'),
  Lambda: (_, place) =>
    damaged(
      place,
      'it has a Lambda layer, whose function is Python',
      'make it a class, and register one of that name here',
    ),
};

const elementsOf = (x: SavedObject, place: Place): ConfigValue =>
  isObject(x.config) ? nativeValue(x.config.value, place) : damaged(place, `it has the array ${valueText(x.config)}`);

function functionName(x: SavedObject, place: Place): string {
  const { config } = x;
  const name = isObject(config) ? config.function_name : config;
  return typeof name === 'string' ? name : damaged(place, `it has the function ${valueText(name)}`);
}

/** The dtype of weights under a policy: of mixed precision, float32, in which everything is computed here. */
function policyDType(x: SavedObject, place: Place): string {
  const name = isObject(x.config) ? x.config.name : undefined;
  if (typeof name !== 'string') return damaged(place, `it has the dtype policy ${valueText(x.config)}`);
  return name.startsWith('mixed_') ? 'float32' : name;
}

/** A value of a configuration: objects in it become this library's. */
export function nativeValue(x: unknown, place: Place): ConfigValue {
  if (Array.isArray(x)) return x.map((y) => nativeValue(y, place));
  if (isSaved(x)) return nativeObject(x, place);
  if (!isObject(x)) return x as ConfigValue;
  return Object.fromEntries(Object.entries(x).map(([k, y]) => [k, nativeValue(y, place)]));
}

/** An object's class and configuration as this library's; what is no class becomes the value it stands for. */
export function nativeObject(x: SavedObject, place: Place): ConfigValue {
  const name = classOf(x) as string;
  if (Object.hasOwn(special, name)) return special[name](x, place);
  return { className: nativeName(x, name), config: nativeConfig(name, x.config, place) };
}

/** A registered class of Keras 3 is `package>Name`. */
function nativeName(x: SavedObject, name: string): string {
  const registered = typeof x.registered_name === 'string' ? x.registered_name : undefined;
  return registered?.includes('>') ? registered.slice(registered.lastIndexOf('>') + 1) : name;
}

/** TensorFlow.js writes the options of an RNN's cell beside those of the RNN as well. */
function withoutCells(className: string, config: Config): Config {
  const cell = isObject(config.cell) ? config.cell.config : undefined;
  if (className !== 'RNN' || !isObject(cell)) return config;
  const both = new Set(Object.keys(cell).filter((k) => !['name', 'trainable', 'dtype'].includes(k)));
  return Object.fromEntries(Object.entries(config).filter(([k]) => !both.has(k)));
}

/** A value that one Keras means in another way than this library; undefined for all others. */
function own(key: string, x: unknown, { keras }: Place): ConfigValue {
  const hard = keras === 3 && key.endsWith('activation') && x === 'hard_sigmoid';
  if (hard) return { className: 'hardSigmoid', config: { slope: 1 / 6 } };
  // Features of the output, of which there is one axis here.
  return key === 'output_shape' && Array.isArray(x) && x.length === 1 ? (x[0] as ConfigValue) : undefined;
}

/** What is meant where an option is not there: who wrote the file did not have it. */
const whereAbsent: Readonly<Record<string, Config>> = {
  GRU: { resetAfter: false },
  GRUCell: { resetAfter: false },
};

/** The configuration of a class as this library's. Throws FormatError for what is none. */
export function nativeConfig(className: string, config: unknown, place: Place): Config {
  // Keras before 2.2 wrote a Sequential as the array of its layers.
  if (Array.isArray(config)) return { layers: nativeValue(config, place) };
  if (config === null || config === undefined) return {};
  if (!isObject(config)) return damaged(place, `the configuration of '${className}' is ${valueText(config)}`);
  if ('layers' in config && ('input_layers' in config || 'inputLayers' in config))
    return nativeFunctional(config, nativeObject, place);
  const names = Object.hasOwn(renamed, className) ? renamed[className] : {};
  const back = new Map(Object.entries(names).map(([ours, theirs]) => [theirs, ours]));
  const entries = Object.entries(config).map(([k, v]): [string, ConfigValue] => [
    back.get(k) ?? camelKey(k),
    own(k, v, place) ?? nativeValue(v, place),
  ]);
  const absent = Object.hasOwn(whereAbsent, className) ? whereAbsent[className] : {};
  const all = withoutCells(className, Object.fromEntries(entries));
  const native = { ...absent, ...withoutNeutral(className, all, place) };
  // TensorFlow 2 chose the reduction by the context; it was always this one.
  if (native.reduction === 'auto') native.reduction = 'sumOverBatchSize';
  return native;
}
