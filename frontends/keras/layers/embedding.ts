// Embedding and Masking: sequences of class numbers, and steps that do not count.

import { ArgumentError } from '../../../ir/errors.ts';
import { notEqual } from '../../trace/ops/binary.ts';
import { gather } from '../../trace/ops/complex.ts';
import { any } from '../../trace/ops/reduce.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { InputSpec } from '../engine/input-spec.ts';
import { Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { numberOption } from '../resolve.ts';
import { countOption } from './options.ts';
import { UnaryLayer } from './unary-layer.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from './weight-options.ts';

export interface EmbeddingArgs extends LayerArgs, WeightOptionArgs<'embeddings'> {
  /** Number of classes: inputs are 0 to inputDim - 1. */
  inputDim: number;
  /** Features of a class. */
  outputDim: number;
  /** Whether 0 means that there is nothing: such steps are masked. */
  maskZero?: boolean;
  /** Length of the sequences; short for inputShape. */
  inputLength?: number | number[];
}

/**
 * Rows of a table by class number: [batch, steps] to [batch, steps, outputDim]. Weights: embeddings
 * [inputDim, outputDim] (uniform -0.05 to 0.05).
 */
export class Embedding extends Layer {
  static readonly className = 'Embedding';
  readonly inputDim: number;
  readonly outputDim: number;
  readonly maskZero: boolean;
  readonly inputLength: readonly number[] | null;
  readonly #embeddings: WeightOptions;
  embeddings: LayerVariable | undefined;

  constructor(args: EmbeddingArgs) {
    const { inputLength, ...rest } = args;
    const length = inputLength === undefined || inputLength === null ? null : [inputLength].flat();
    if (!rest.inputShape && !rest.batchInputShape) rest.inputShape = length ?? [null];
    super({ ...rest, inputDType: rest.inputDType ?? 'int32' }, [
      'inputDim',
      'outputDim',
      'maskZero',
      ...weightKeys('embeddings'),
    ]);
    const op = this.label;
    this.inputDim = countOption(args.inputDim, 'inputDim', op);
    this.outputDim = countOption(args.outputDim, 'outputDim', op);
    this.maskZero = args.maskZero ?? false;
    this.inputLength = length;
    this.supportsMasking = this.maskZero;
    this.#embeddings = new WeightOptions(args, 'embeddings', 'randomUniform', op);
  }
  override build(): void {
    this.embeddings = this.#embeddings.add(this, 'embeddings', [this.inputDim, this.outputDim]);
    this.built = true;
  }
  override call(inputs: OneOrMany<Tensor>): Tensor {
    const x = exactlyOne(inputs, this.label);
    return gather((this.embeddings as LayerVariable).read(), x.cast('int32'));
  }
  override computeMask(inputs: OneOrMany<Tensor>): Tensor | null {
    return this.maskZero ? notEqual(exactlyOne(inputs, this.label), 0) : null;
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const shape = oneShape(inputShape, this.label);
    const lengths = this.inputLength;
    if (
      lengths &&
      (lengths.length !== shape.length - 1 || lengths.some((n, i) => shape[i + 1] !== null && shape[i + 1] !== n))
    )
      throw new ArgumentError(`inputLength is [${lengths}], the input has the shape [${shape.map(String)}]`, {
        op: this.label,
        fix: 'leave inputLength out, or give sequences of that length',
      });
    return [shape[0], ...(lengths ?? shape.slice(1)), this.outputDim];
  }
  override getConfig(): Config {
    return {
      ...super.getConfig(),
      inputDim: this.inputDim,
      outputDim: this.outputDim,
      maskZero: this.maskZero,
      ...(this.inputLength ? { inputLength: this.inputLength } : {}),
      ...this.#embeddings.config(),
    };
  }
}

export interface MaskingArgs extends LayerArgs {
  /** Steps whose features all have this value do not count; 0 by default. */
  maskValue?: number;
}

/** Masks the steps whose features all are `maskValue`, and sets them to 0. */
export class Masking extends UnaryLayer {
  static readonly className = 'Masking';
  readonly maskValue: number;
  constructor(args: MaskingArgs = {}) {
    super(args, ['maskValue']);
    this.maskValue = numberOption(args.maskValue, 'maskValue', this.label, 0);
    this.inputSpec = [new InputSpec({ minNDim: 2 })];
  }
  #counts(x: Tensor, keep: boolean): Tensor {
    return any(notEqual(x, this.maskValue), -1, keep);
  }
  protected override map(x: Tensor): Tensor {
    return x.mul(this.#counts(x, true).cast(x.dtype));
  }
  override computeMask(inputs: OneOrMany<Tensor>): Tensor {
    return this.#counts(exactlyOne(inputs, this.label), false);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), maskValue: this.maskValue };
  }
}
