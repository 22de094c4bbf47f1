// The uses of layers in a model, for those who draw it: a shared layer is there once for each use.

import type { CallbackLayer } from './callbacks/callback.ts';

type Shape = readonly (number | null)[];

/** A tensor: which output of which use. */
export interface Source {
  readonly from: string;
  readonly index: number;
}

/** One use of a layer. */
export interface LayerUse {
  /** The layer's name, with a number from the second use on. */
  readonly name: string;
  readonly layer: CallbackLayer;
  readonly inputs: readonly Source[];
  /** Empty where the model was not drawn: shapes are not known then. */
  readonly inputShapes: readonly Shape[];
  readonly outputShapes: readonly Shape[];
  readonly dtypes: readonly string[];
}

/** A symbolic tensor, as far as it is needed here. */
interface Symbolic {
  readonly shape: Shape;
  readonly dtype?: string;
  readonly node: SymbolicNode;
  readonly tensorIndex?: number;
}
interface SymbolicNode {
  readonly layer: CallbackLayer;
  readonly inputs: readonly Symbolic[];
  readonly outputs: readonly Symbolic[];
}

/** A model, as far as it is needed here. */
export interface DrawnModel {
  readonly layers: readonly CallbackLayer[];
  readonly topology?: {
    readonly inputs: readonly Symbolic[];
    readonly outputs: readonly Symbolic[];
    readonly nodes: readonly SymbolicNode[];
  };
}

export interface ModelUses {
  readonly uses: readonly LayerUse[];
  /** The model's inputs and outputs, in their order. */
  readonly inputs: readonly Source[];
  readonly outputs: readonly Source[];
}

/**
 * All uses, inputs first. Without symbolic tensors, the layers of a stack follow one another; how those of a
 * subclassed model do is not known.
 */
export function usesOf(model: DrawnModel): ModelUses {
  const { topology, layers } = model;
  // Only a stack of layers has a last one to take away.
  if (!topology) return listed(layers, typeof (model as { pop?: unknown }).pop === 'function');
  const names = new Map<SymbolicNode, string>();
  const taken = new Map<CallbackLayer, number>();
  const all = [...new Set([...topology.inputs.map((t) => t.node), ...topology.nodes])];
  for (const node of all) {
    const n = taken.get(node.layer) ?? 0;
    taken.set(node.layer, n + 1);
    names.set(node, n === 0 ? node.layer.name : `${node.layer.name}_${n}`);
  }
  const sourceOf = (t: Symbolic): Source => ({ from: names.get(t.node) as string, index: t.tensorIndex ?? 0 });
  const uses = all.map((node) => ({
    name: names.get(node) as string,
    layer: node.layer,
    inputs: node.inputs.map(sourceOf),
    inputShapes: node.inputs.map((t) => t.shape),
    outputShapes: node.outputs.map((t) => t.shape),
    dtypes: node.outputs.map((t) => t.dtype ?? ''),
  }));
  return { uses, inputs: topology.inputs.map(sourceOf), outputs: topology.outputs.map(sourceOf) };
}

function listed(layers: readonly CallbackLayer[], chain: boolean): ModelUses {
  const uses = layers.map((layer, i) => ({
    name: layer.name,
    layer,
    inputs: chain && i ? [{ from: layers[i - 1].name, index: 0 }] : [],
    inputShapes: [],
    outputShapes: [],
    dtypes: [],
  }));
  const source = (u: LayerUse): Source => ({ from: u.name, index: 0 });
  return { uses, inputs: uses.slice(0, 1).map(source), outputs: uses.slice(-1).map(source) };
}
