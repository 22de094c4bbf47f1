// Flatten: all axes but the batch as one.

import type { DataType } from '../../trace/dtypes.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import { type DataFormat, dataFormatOption } from './data-format.ts';

export interface FlattenArgs extends LayerArgs {
  /** 'channelsFirst': the channels are moved to the end before, so that both formats give the same order. */
  dataFormat?: DataFormat;
}

/** [batch, ...] to [batch, the product of the others]. */
export class Flatten extends Layer {
  static readonly className = 'Flatten';
  readonly dataFormat: DataFormat;

  constructor(args: FlattenArgs = {}) {
    super(args, ['dataFormat']);
    this.dataFormat = dataFormatOption(args.dataFormat, this.label);
    this.inputSpec = [new InputSpec({ minNDim: 1 })];
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    const last = this.dataFormat === 'channelsFirst' && x.rank > 2;
    const t = last ? x.transpose([0, ...x.shape.slice(2).map((_, i) => i + 2), 1]) : x;
    return t.reshape([x.shape[0], x.shape.slice(1).reduce((n, d) => n * d, 1)]);
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [batch, ...rest] = oneShape(inputShape, this.label);
    return [batch, rest.includes(null) ? null : (rest as number[]).reduce((n, d) => n * d, 1)];
  }
  override outputDType([dtype]: readonly DataType[]): DataType {
    return dtype;
  }
  override getConfig(): Config {
    return { ...super.getConfig(), dataFormat: this.dataFormat };
  }
}
