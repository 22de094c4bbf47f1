// Functional models as configurations and back: layers, each with what it is applied to.

import { ArgumentError } from '../../../ir/errors.ts';
import type { Layer } from './layer.ts';
import { getLayer } from './layer-registry.ts';
import type { LayersModel, ModelArgs } from './model.ts';
import type { Config, ConfigValue, CustomObjects } from './serialize.ts';
import { fromList, type Node, type OneOrMany, SymbolicTensor, toList } from './symbolic.ts';

/** [layer, use of the layer in this model, output] */
type Place = [string, number, number];

/** Stands in named arguments for a symbolic tensor. */
const isPlace = (x: unknown): x is { tensor: Place } => typeof x === 'object' && x !== null && 'tensor' in x;

/** The configuration of a functional model: its layers in order, their uses, its inputs and outputs. */
export function functionalConfig(model: LayersModel): Config {
  const { topology } = model;
  if (!topology)
    throw new ArgumentError(`the class ${model.getClassName()} has no configuration`, {
      op: `${model.name}.getConfig`,
      fix: 'override getConfig in a subclassed model',
    });
  // Uses are counted within the model: a layer may have others outside.
  const uses = new Map<Layer, Node[]>();
  for (const n of topology.nodes) uses.set(n.layer, [...(uses.get(n.layer) ?? []), n]);
  const place = (t: SymbolicTensor): Place => [
    t.sourceLayer.name,
    Math.max(0, uses.get(t.sourceLayer)?.indexOf(t.node) ?? 0),
    t.tensorIndex,
  ];
  const saved = (x: unknown): ConfigValue =>
    x instanceof SymbolicTensor ? { tensor: place(x) } : Array.isArray(x) ? x.map(saved) : (x as ConfigValue);
  const layers = topology.layers.map((l) => ({
    name: l.name,
    className: l.getClassName(),
    config: l.getConfig(),
    inboundNodes: (uses.get(l) ?? []).map((n) => ({
      inputs: toList(n.given).map(place),
      kwargs: Object.fromEntries(Object.entries(n.kwargs).map(([k, x]) => [k, saved(x)])),
      outputs: n.outputs.map(({ shape, dtype }) => ({ shape, dtype })),
    })),
  }));
  return {
    name: model.name,
    trainable: model.trainable,
    layers: layers as unknown as ConfigValue,
    inputLayers: topology.inputs.map(place),
    outputLayers: topology.outputs.map(place),
  };
}

interface SavedUse {
  readonly inputs: readonly Place[];
  readonly kwargs: Record<string, unknown>;
}
interface SavedLayer {
  readonly name: string;
  readonly className: string;
  readonly config: Config;
  readonly inboundNodes: readonly SavedUse[];
}

/** A use that waits for what it is applied to. */
interface Pending extends SavedUse {
  readonly layer: Layer;
  readonly name: string;
  readonly index: number;
  /** How many of the uses that it needs are not there yet. */
  missing: number;
}

/** The uses that a value of arguments refers to. */
function placesIn(x: unknown): Place[] {
  if (isPlace(x)) return [x.tensor];
  return Array.isArray(x) ? x.flatMap(placesIn) : [];
}

/** Applies the layers of a saved model to each other, each as soon as its inputs are there. */
class Assembly {
  readonly #layers = new Map<string, Layer>();
  readonly #uses = new Map<string, Node[]>();
  readonly #waiting = new Map<string, Pending[]>();
  readonly #ready: Pending[] = [];
  #left = 0;
  readonly #op: string;

  constructor(saved: readonly SavedLayer[], op: string, objects: CustomObjects | undefined) {
    this.#op = op;
    for (const s of saved) {
      if (this.#layers.has(s.name)) throw this.#damaged(`two layers have the name '${s.name}'`);
      const layer = getLayer({ className: s.className, config: { ...s.config, name: s.name } }, op, objects);
      this.#layers.set(s.name, layer);
      // An input is there when its layer is; other layers have no uses in this model so far.
      this.#uses.set(s.name, s.inboundNodes.length === 0 ? layer.inboundNodes.slice(0, 1) : []);
    }
    for (const s of saved) s.inboundNodes.forEach((n, index) => void this.#add(s, n, index));
  }

  #damaged(why: string): ArgumentError {
    return new ArgumentError(why, { op: this.#op, fix: 'the configuration is damaged: make it with getConfig()' });
  }

  #add(s: SavedLayer, n: SavedUse, index: number): void {
    const use: Pending = { ...n, layer: this.#layers.get(s.name) as Layer, name: s.name, index, missing: 0 };
    this.#left++;
    const needs = [...n.inputs, ...Object.values(n.kwargs ?? {}).flatMap(placesIn)].map(([name, k]) => [name, k]);
    // Uses of one layer are made in their order.
    if (index > 0) needs.push([s.name, index - 1]);
    for (const [name, k] of needs as [string, number][]) {
      if (this.#uses.get(name)?.[k]) continue;
      const key = `${k}/${name}`;
      use.missing++;
      const others = this.#waiting.get(key);
      if (others) others.push(use);
      else this.#waiting.set(key, [use]);
    }
    if (use.missing === 0) this.#ready.push(use);
  }

  /** Throws ArgumentError for uses that depend on each other in a circle, or on what is not there. */
  run(): void {
    // Grows while it is walked through.
    for (const next of this.#ready) this.#apply(next);
    if (this.#left === 0) return;
    const [stuck] = [...this.#waiting.values()].flat().filter((u) => u.missing > 0);
    throw this.#damaged(`the layer '${stuck?.name}' depends on what is not there`);
  }

  #apply(use: Pending): void {
    const given = (x: unknown): unknown => (isPlace(x) ? this.at(x.tensor) : Array.isArray(x) ? x.map(given) : x);
    const kwargs = Object.fromEntries(Object.entries(use.kwargs ?? {}).map(([k, x]) => [k, given(x)]));
    use.layer.apply(fromList(use.inputs.map((p) => this.at(p))) as OneOrMany<SymbolicTensor>, kwargs);
    const made = this.#uses.get(use.name) as Node[];
    made.push(use.layer.inboundNodes[use.layer.inboundNodes.length - 1]);
    this.#left--;
    const key = `${use.index}/${use.name}`;
    for (const w of this.#waiting.get(key) ?? []) if (--w.missing === 0) this.#ready.push(w);
    this.#waiting.delete(key);
  }

  /** The symbolic tensor of a place. Throws ArgumentError where there is none. */
  at([name, use, output]: Place): SymbolicTensor {
    const found = this.#uses.get(name)?.[use]?.outputs[output];
    if (found) return found;
    throw this.#damaged(`there is no output ${output} of use ${use} of the layer '${name}'`);
  }
}

/**
 * What `functionalConfig` gave as arguments of a model. Throws ArgumentError for unknown classes and for
 * uses that depend on each other in a circle.
 */
export function functionalFrom(config: Config, objects?: CustomObjects): ModelArgs {
  const assembly = new Assembly(
    config.layers as unknown as readonly SavedLayer[],
    `model ${String(config.name)}`,
    objects,
  );
  assembly.run();
  const ends = (list: unknown) => (list as readonly Place[]).map((p) => assembly.at(p));
  return {
    name: config.name as string,
    trainable: config.trainable as boolean,
    inputs: ends(config.inputLayers),
    outputs: ends(config.outputLayers),
  };
}
