// Models out of saved descriptions.

import { FormatError, SinterError } from '../../../ir/errors.ts';
import { damaged, isObject, type Place } from '../../io/format.ts';
import { getLayer } from '../engine/layer-registry.ts';
import type { LayersModel } from '../engine/model.ts';
import { type CustomObjects, type Serialized, withObjects } from '../engine/serialize.ts';
import { withBudget } from '../engine/weights.ts';
import { nativeObject } from './from-keras.ts';
import { isModel } from './is-model.ts';
import { isSaved } from './saved-object.ts';

/** How a model is made of its description. */
export interface BuildOptions {
  /** Classes and functions of the user's by name, beside registered ones. */
  readonly customObjects?: CustomObjects;
  /** How many elements its weights may have together; without it, they begin as their initializers say. */
  readonly elements?: number;
}

/**
 * Runs what makes objects of a file's description: what such an object's constructor did not expect is the file's
 * fault. Throws FormatError for that; typed errors stay.
 */
export function guarded<T>(place: Place, f: () => T): T {
  try {
    return f();
  } catch (e) {
    if (e instanceof SinterError) throw e;
    const error = new FormatError(`'${place.file}' describes what cannot be made: ${(e as Error).message}`, {
      op: place.op,
      fix: 'the file is damaged, or the constructor of a registered class does not take what its getConfig gave',
    });
    error.cause = e;
    throw error;
  }
}

/** The class and configuration of a model, whatever they are wrapped in; in Keras's dialects or this library's. */
export function modelObject(x: unknown, place: Place): Serialized {
  const inner = isObject(x) && isObject(x.model_config) ? x.model_config : x;
  const found = isObject(inner) && isObject(inner.modelTopology) ? inner.modelTopology : inner;
  const topology = isObject(found) && isObject(found.model_config) ? found.model_config : found;
  if (!isSaved(topology))
    return damaged(place, 'it describes no model', 'give what model.toJSON() gives: {class_name, config}');
  // Keras 3 alone writes policies as objects.
  const keras = place.keras ?? (JSON.stringify(topology).includes('"DTypePolicy"') ? 3 : 2);
  const native = nativeObject(topology, { ...place, keras });
  return isObject(native) ? (native as unknown as Serialized) : damaged(place, 'it describes no model');
}

/** The model of a class and configuration. Throws FormatError for what is none, ArgumentError for unknown classes. */
export function buildModel(serialized: Serialized, place: Place, options: BuildOptions = {}): LayersModel {
  const make = () => withObjects(options.customObjects, () => getLayer(serialized, place.op));
  const model = guarded(place, () => (options.elements === undefined ? make() : withBudget(options.elements, make)));
  if (isModel(model)) return model;
  return damaged(place, `it describes a ${serialized.className}, which is no model`);
}
