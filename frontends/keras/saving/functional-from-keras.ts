// Functional models as Keras and TensorFlow.js save them, as this library's configuration. Source of the layouts:
// Keras 2's `Functional.get_config` (nodes are lists of [layer, node, tensor, kwargs]) and Keras 3's (nodes are
// {args, kwargs} with tensors as {class_name: '__keras_tensor__'}).

import { valueText } from '../../../ir/errors.ts';
import { damaged, isObject, isWhole, type Place } from '../../io/format.ts';
import type { Config, ConfigValue } from '../engine/serialize.ts';
import { classOf, isSaved, type SavedObject } from './saved-object.ts';
import { camelKey } from './spelling.ts';

/** [layer, use of the layer, output] */
type Where = [string, number, number];

interface Use {
  readonly inputs: Where[];
  readonly kwargs: Record<string, unknown>;
}
interface Entry {
  readonly name: string;
  readonly operation: boolean;
  readonly saved: SavedObject;
  readonly uses: Use[];
}

const isWhere = (x: unknown): x is Where =>
  Array.isArray(x) && typeof x[0] === 'string' && isWhole(x[1]) && isWhole(x[2]) && x.length <= 4;

/** Stands in arguments for a tensor. */
class Ref {
  readonly where: Where;
  constructor(where: Where) {
    this.where = [where[0], where[1], where[2]];
  }
}

/** How layers call what they are applied to. */
const inputNames: ReadonlySet<string> = new Set([
  'inputs',
  'input',
  'query',
  'sequences',
  'sequence',
  'x',
  'images',
  'data',
]);

/** Arguments that layers take by their place, behind the inputs. */
const recurrent = ['initialState', 'mask', 'training'];
const positional: Readonly<Record<string, readonly string[]>> = {
  MultiHeadAttention: ['value', 'key', 'queryMask', 'valueMask', 'keyMask', 'attentionMask'],
  RNN: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  SimpleRNN: recurrent,
  ConvLSTM2D: recurrent,
  Bidirectional: recurrent,
};

/** References in a value of arguments; other values as they are. */
function withRefs(x: unknown): unknown {
  if (isWhere(x)) return new Ref(x);
  if (Array.isArray(x)) return x.map(withRefs);
  if (isSaved(x) && classOf(x) === '__keras_tensor__' && isObject(x.config) && isWhere(x.config.keras_history))
    return new Ref(x.config.keras_history);
  return x;
}

/** All references of a value, in order. */
function refsOf(x: unknown): Ref[] {
  if (x instanceof Ref) return [x];
  return Array.isArray(x) ? x.flatMap(refsOf) : [];
}

/** Arguments that say something. */
const argumentsOf = (entries: readonly (readonly [string, unknown])[]): Record<string, unknown> =>
  Object.fromEntries(entries.filter(([k, v]) => v !== null && v !== undefined && !(k === 'training' && v === false)));

/** A use as Keras 3 writes it. */
function newUse(node: Record<string, unknown>, className: string, layer: string, place: Place): Use {
  const named = Object.entries(isObject(node.kwargs) ? node.kwargs : {}).map(([k, x]) => [k, withRefs(x)] as const);
  const args = Array.isArray(node.args) ? node.args.map(withRefs) : [];
  // The inputs may have been given by name as well.
  const first = args.length ? undefined : named.find(([k]) => inputNames.has(k));
  const [given, ...rest] = first ? [first[1]] : args;
  const inputs = refsOf(given);
  if (inputs.length === 0 || (Array.isArray(given) && inputs.length < given.length))
    return damaged(place, `the layer '${layer}' is applied to ${valueText(given)}`);
  const names = Object.hasOwn(positional, className) ? positional[className] : [];
  if (rest.some((x, i) => x !== null && names[i] === undefined))
    damaged(place, `the layer '${layer}' (${className}) has ${rest.length} further arguments`);
  return {
    inputs: inputs.map((r) => r.where),
    kwargs: argumentsOf([
      ...rest.map((x, i) => [names[i] ?? '', x] as const),
      ...named.filter((n) => n !== first).map(([k, x]) => [camelKey(k), x] as const),
    ]),
  };
}

/** A use as Keras 2 and TensorFlow.js write it: its inputs, each perhaps with named arguments. */
function oldUse(node: unknown, layer: string, place: Place): Use {
  const list = isWhere(node) ? [node] : Array.isArray(node) ? node : [];
  if (list.length === 0 || !list.every(isWhere))
    return damaged(
      place,
      `the layer '${layer}' is applied to ${valueText(node)}`,
      'only tensors of other layers can be inputs here, no constants',
    );
  const kwargs = (list as unknown[][]).flatMap((w) => (isObject(w[3]) ? Object.entries(w[3]) : []));
  return {
    inputs: list.map((w) => [w[0], w[1], w[2]]),
    kwargs: argumentsOf(kwargs.map(([k, x]) => [camelKey(k), withRefs(x)])),
  };
}

function entryOf(x: unknown, place: Place): Entry {
  if (!isSaved(x)) return damaged(place, `it has the layer ${valueText(x)}`);
  const config = isObject(x.config) ? x.config : {};
  const name = x.name ?? config.name;
  if (typeof name !== 'string') return damaged(place, `a layer (${classOf(x)}) has no name`);
  const nodes = x.inbound_nodes ?? x.inboundNodes ?? [];
  if (!Array.isArray(nodes)) return damaged(place, `the layer '${name}' has the nodes ${valueText(nodes)}`);
  const operation = isOperation(x);
  const uses = nodes.map((n) => {
    // What an operation is applied to is no matter unless something needs it.
    if (operation) return { inputs: refsOf(isObject(n) ? withRefs(n.args) : []).map((r) => r.where), kwargs: {} };
    return isObject(n) && 'args' in n ? newUse(n, classOf(x) as string, name, place) : oldUse(n, name, place);
  });
  return { name, saved: x, uses, operation };
}

/** The places in `input_layers` and `output_layers`: one, or several in arrays or by name. */
function endsOf(x: unknown, what: string, place: Place): Where[] {
  if (isWhere(x)) return [[x[0], x[1], x[2]]];
  if (Array.isArray(x)) return x.flatMap((y) => endsOf(y, what, place));
  if (isObject(x)) return Object.values(x).flatMap((y) => endsOf(y, what, place));
  return damaged(place, `its ${what} are ${valueText(x)}`);
}

/** Operations of Keras 3 that compute masks: here masks travel by themselves. */
const isOperation = (x: SavedObject): boolean =>
  classOf(x) === 'NotEqual' || (typeof x.module === 'string' && /\.ops\b/.test(x.module));

/** Without masks that Keras 3 computed by operations, and these. */
function withoutMasks(entries: readonly Entry[]): Entry[] {
  const operations = new Set(entries.filter((e) => e.operation).map((e) => e.name));
  if (operations.size === 0) return [...entries];
  const computed = (x: unknown) => refsOf(x).some((r) => operations.has(r.where[0]));
  const kept = entries.map((e) => ({
    ...e,
    uses: e.uses.map((u) => ({
      inputs: u.inputs,
      kwargs: Object.fromEntries(Object.entries(u.kwargs).filter(([k, x]) => !(k === 'mask' && computed(x)))),
    })),
  }));
  // Operations that only other operations need go, the last first.
  const read = new Set(kept.filter((e) => !e.operation).flatMap((e) => e.uses.flatMap(placesOf).map((w) => w[0])));
  return kept.filter((e) => !e.operation || read.has(e.name));
}

const placesOf = (u: Use): Where[] => [
  ...u.inputs,
  ...Object.values(u.kwargs).flatMap((x) => refsOf(x).map((r) => r.where)),
];

/**
 * For each layer, the number of its first use: Keras counts the use that made a nested model, which is none here.
 * Every use in a model is one that something refers to, so the smallest number that is referred to is the first.
 */
function firstUses(all: readonly Where[]): Map<string, number> {
  const first = new Map<string, number>();
  for (const [name, use] of all) first.set(name, Math.min(use, first.get(name) ?? use));
  return first;
}

const isFunctional = (x: SavedObject): boolean => isObject(x.config) && 'input_layers' in x.config;

/**
 * The configuration of a functional model as this library's. Throws FormatError for what is none.
 * @param nativeObject what makes the configurations of its layers
 */
export function nativeFunctional(
  config: Record<string, unknown>,
  nativeObject: (x: SavedObject, place: Place) => ConfigValue,
  place: Place,
): Config {
  if (!Array.isArray(config.layers)) return damaged(place, `its layers are ${valueText(config.layers)}`);
  const entries = withoutMasks(config.layers.map((l) => entryOf(l, place)));
  const inputs = endsOf(config.input_layers ?? config.inputLayers, 'input_layers', place);
  const outputs = endsOf(config.output_layers ?? config.outputLayers, 'output_layers', place);
  const inside = entries.flatMap((e) => e.uses.flatMap(placesOf));
  const first = place.keras === 3 ? new Map<string, number>() : firstUses([...inputs, ...outputs, ...inside]);
  const functional = new Set(entries.filter((e) => isFunctional(e.saved)).map((e) => e.name));
  const at = ([name, use, output]: Where): Where => [name, use - (first.get(name) ?? 0), output];
  // Keras 3 counts the use that made a nested model in these lists alone.
  const end = ([name, use, output]: Where): Where =>
    place.keras === 3 && functional.has(name) ? [name, Math.max(0, use - 1), output] : at([name, use, output]);
  const argument = (x: unknown): unknown =>
    x instanceof Ref ? { tensor: at(x.where) } : Array.isArray(x) ? x.map(argument) : x;
  const layers = entries.map((e) => ({
    name: e.name,
    ...(nativeObject(e.saved, place) as { className: string; config: Config }),
    inboundNodes: e.uses.map((u) => ({
      inputs: u.inputs.map(at),
      kwargs: Object.fromEntries(Object.entries(u.kwargs).map(([k, x]) => [k, argument(x)])),
    })),
  }));
  return {
    name: (typeof config.name === 'string' ? config.name : undefined) as ConfigValue,
    trainable: config.trainable !== false,
    layers: layers as unknown as ConfigValue,
    inputLayers: inputs.map(end),
    outputLayers: outputs.map(end),
  };
}
