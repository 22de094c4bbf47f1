// A model as TensorBoard's graph (GraphDef): a node for each use of a layer.

import { type DrawnModel, type LayerUse, usesOf } from '../model-graph.ts';
import { Message } from './protobuf.ts';

/** Shapes as an attribute; a size that is not known is -1. */
function shapes(list: LayerUse['outputShapes']): Message {
  const all = new Message();
  for (const shape of list)
    all.message(
      7,
      shape.reduce((m: Message, d) => m.message(2, new Message().int(1, d ?? -1)), new Message()),
    );
  return new Message().string(1, '_output_shapes').message(2, new Message().message(1, all));
}

/** The graph of a model's layers. */
export function graphOf(model: DrawnModel): Message {
  const graph = new Message();
  for (const use of usesOf(model).uses) {
    const node = new Message().string(1, use.name).string(2, use.layer.getClassName());
    for (const { from, index } of use.inputs) node.string(3, index ? `${from}:${index}` : from);
    if (use.outputShapes.length) node.message(5, shapes(use.outputShapes));
    graph.message(1, node);
  }
  return graph.message(4, new Message().int(1, 1));
}
