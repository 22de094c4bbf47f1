// A model as TensorBoard's graph (GraphDef): a node a layer, or several where it is used several times.

import type { CallbackLayer, CallbackModel } from '../callbacks/callback.ts';
import { Message } from './protobuf.ts';

/** The uses of a layer, as functional models know them. */
interface LayerNode {
  readonly index: number;
  readonly inputs: readonly { readonly node: { readonly layer: CallbackLayer; readonly index: number } }[];
  readonly outputShapes: readonly (readonly (number | null)[])[];
}

const nodesOf = (layer: CallbackLayer): readonly LayerNode[] =>
  (layer as { inboundNodes?: readonly LayerNode[] }).inboundNodes ?? [];

const nodeName = (layer: CallbackLayer, index: number): string => (index === 0 ? layer.name : `${layer.name}_${index}`);

/** Shapes as an attribute; a size that is not known is -1. */
function shapes(list: readonly (readonly (number | null)[])[]): Message {
  const all = new Message();
  for (const shape of list)
    all.message(
      7,
      shape.reduce((m: Message, d) => m.message(2, new Message().int(1, d ?? -1)), new Message()),
    );
  return new Message().string(1, '_output_shapes').message(2, new Message().message(1, all));
}

/** The graph of a model's layers. Layers of a model that was not drawn stand one after the other. */
export function graphOf(model: CallbackModel): Message {
  const graph = new Message();
  let before: string | undefined;
  const inModel = new Set(model.layers);
  for (const layer of model.layers) {
    const drawn = nodesOf(layer).filter((n) => n.inputs.every((t) => inModel.has(t.node.layer)));
    const write = (name: string, inputs: readonly string[], attribute?: Message) => {
      const node = new Message().string(1, name).string(2, layer.getClassName());
      for (const i of inputs) node.string(3, i);
      graph.message(1, attribute ? node.message(5, attribute) : node);
      before = name;
    };
    if (drawn.length === 0) write(layer.name, before === undefined ? [] : [before]);
    for (const n of drawn)
      write(
        nodeName(layer, n.index),
        n.inputs.map((t) => nodeName(t.node.layer, t.node.index)),
        shapes(n.outputShapes),
      );
  }
  return graph.message(4, new Message().int(1, 1));
}
