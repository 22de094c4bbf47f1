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

interface SavedLayer {
  readonly name: string;
  readonly className: string;
  readonly config: Config;
  readonly inboundNodes: readonly { inputs: readonly Place[]; kwargs: Record<string, unknown> }[];
}

/**
 * What `functionalConfig` gave as arguments of a model. Throws ArgumentError for unknown classes and for
 * uses that depend on each other in a circle.
 */
export function functionalFrom(config: Config, objects?: CustomObjects): ModelArgs {
  const op = `model ${String(config.name)}`;
  const saved = config.layers as unknown as readonly SavedLayer[];
  const made = new Map<string, Layer>();
  const uses = new Map<Layer, Node[]>();
  for (const s of saved) {
    const layer = getLayer({ className: s.className, config: { ...s.config, name: s.name } }, op, objects);
    made.set(s.name, layer);
    // An input is there when its layer is; other layers have no uses in this model so far.
    uses.set(layer, s.inboundNodes.length === 0 ? [layer.inboundNodes[0]] : []);
  }
  const find = ([name, use, output]: Place): SymbolicTensor | undefined =>
    uses.get(made.get(name) as Layer)?.[use]?.outputs[output];
  const pending = saved.flatMap((s) =>
    s.inboundNodes.map((n, index) => ({ ...n, layer: made.get(s.name) as Layer, index })),
  );
  const ready = (x: unknown): boolean =>
    isPlace(x) ? find(x.tensor) !== undefined : !Array.isArray(x) || x.every(ready);
  const given = (x: unknown): unknown => (isPlace(x) ? find(x.tensor) : Array.isArray(x) ? x.map(given) : x);
  while (pending.length) {
    const k = pending.findIndex(
      (n) =>
        (uses.get(n.layer) as Node[]).length === n.index &&
        n.inputs.every((p) => find(p)) &&
        Object.values(n.kwargs ?? {}).every(ready),
    );
    if (k < 0)
      throw new ArgumentError(`the layer '${pending[0].layer.name}' depends on what is not there`, {
        op,
        fix: 'the configuration is damaged: make it with getConfig()',
      });
    const [n] = pending.splice(k, 1);
    const kwargs = Object.fromEntries(Object.entries(n.kwargs ?? {}).map(([key, x]) => [key, given(x)]));
    n.layer.apply(fromList(n.inputs.map((p) => find(p) as SymbolicTensor)) as OneOrMany<SymbolicTensor>, kwargs);
    (uses.get(n.layer) as Node[]).push(n.layer.inboundNodes[n.layer.inboundNodes.length - 1]);
  }
  const ends = (list: unknown) => (list as readonly Place[]).map((p) => find(p) as SymbolicTensor);
  return {
    name: config.name as string,
    trainable: config.trainable as boolean,
    inputs: ends(config.inputLayers),
    outputs: ends(config.outputLayers),
  };
}
