// Where the tensors of a model come in.

import { ArgumentError } from '../../../ir/errors.ts';
import type { DataType } from '../../trace/dtypes.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { Layer, type LayerArgs } from './layer.ts';
import { checkOptions } from './names.ts';
import type { Config } from './serialize.ts';
import { exactlyOne, Node, type OneOrMany, type Output, type Shape, SymbolicTensor } from './symbolic.ts';

export interface InputLayerArgs {
  /** Shape without the batch. */
  inputShape?: Shape;
  batchSize?: number;
  /** Shape with the batch. */
  batchInputShape?: Shape;
  dtype?: DataType;
  name?: string;
  sparse?: boolean;
}

/** The source of one tensor of a model. */
export class InputLayer extends Layer {
  static readonly className = 'InputLayer';
  declare batchInputShape: Shape;

  /** Throws ArgumentError without a shape. */
  constructor(args: InputLayerArgs) {
    const { sparse, ...rest } = args;
    checkOptions(args, ['inputShape', 'batchSize', 'batchInputShape', 'dtype', 'name', 'sparse'], 'inputLayer');
    if (sparse)
      throw new ArgumentError('there are no sparse tensors', {
        op: 'inputLayer',
        fix: 'leave sparse out: give dense tensors',
      });
    if (!rest.inputShape && !rest.batchInputShape)
      throw new ArgumentError('the shape of the input is missing', {
        op: 'inputLayer',
        fix: 'such as {inputShape: [28, 28, 1]}, without the batch',
      });
    super(rest as LayerArgs);
    this.built = true;
    this.supportsMasking = true;
    const node = new Node(this, [], {});
    node.outputs = [new SymbolicTensor(this.batchInputShape, this.dtype, node, 0, this.name)];
  }

  override call(inputs: OneOrMany<Tensor>): Tensor {
    return exactlyOne(inputs, this.label);
  }
  override computeOutputShape(inputShape: Shape): Shape {
    return inputShape;
  }
  override getConfig(): Config {
    return { batchInputShape: this.batchInputShape, dtype: this.dtype, name: this.name };
  }
  override get output(): Output<SymbolicTensor> {
    return this.inboundNodes[0].outputs[0] as Output<SymbolicTensor>;
  }
}

export interface InputArgs {
  /** Shape without the batch. */
  shape?: Shape;
  /** Shape with the batch. */
  batchShape?: Shape;
  batchSize?: number;
  name?: string;
  dtype?: DataType;
  sparse?: boolean;
}

/**
 * An input of a model: a symbolic tensor that layers are applied to.
 * @param args `{shape}` without the batch, or `{batchShape}` with it; dtype float32 by default
 * Throws ArgumentError without a shape.
 */
export function input(args: InputArgs): SymbolicTensor {
  checkOptions(args, ['shape', 'batchShape', 'batchSize', 'name', 'dtype', 'sparse'], 'input');
  const { shape, batchShape, ...rest } = args ?? {};
  if (!shape && !batchShape)
    throw new ArgumentError('the shape of the input is missing', {
      op: 'input',
      fix: 'such as tf.input({shape: [28, 28, 1]}), without the batch',
    });
  const layer = new InputLayer({ ...rest, ...(batchShape ? { batchInputShape: batchShape } : { inputShape: shape }) });
  return layer.inboundNodes[0].outputs[0];
}
