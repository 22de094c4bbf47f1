// Dropout: while training, a share of the elements is 0 (Srivastava et al. 2014).

import { dropout } from '../../trace/ops/nn.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { exactlyOne, type OneOrMany, oneShape, type Shape } from '../engine/symbolic.ts';
import { rateOption } from './options.ts';

export interface DropoutArgs extends LayerArgs {
  /** Share of the elements that become 0 while training. */
  rate: number;
  /** Shape of the mask, with the batch; 1 or null for axes that share it. */
  noiseShape?: (number | null)[];
  /** Makes the numbers the same in each run. */
  seed?: number;
}

/** While training, sets a share of the elements to 0 and scales the others by 1 / (1 - rate). */
export class Dropout extends Layer {
  static readonly className: string = 'Dropout';
  readonly rate: number;
  readonly noiseShape: readonly (number | null)[] | null;
  readonly seed: number | null;

  /** Throws ArgumentError for a rate that is no share. */
  constructor(args: DropoutArgs, known: readonly string[] = []) {
    super(args, ['rate', 'noiseShape', 'seed', ...known]);
    this.rate = rateOption(args.rate, 'rate', this.label);
    this.noiseShape = args.noiseShape ?? null;
    this.seed = args.seed ?? null;
    this.useSeed(args.seed);
    this.supportsMasking = true;
  }

  /** Shape of the mask for an input of this shape. */
  protected maskShape(shape: readonly number[]): number[] | undefined {
    return this.noiseShape?.map((d, i) => d ?? shape[i]);
  }

  override call(inputs: OneOrMany<Tensor>, { training }: Kwargs): Tensor {
    const x = exactlyOne(inputs, this.label);
    if (!training || this.rate === 0) return x;
    return this.randomly(() => dropout(x, this.rate, this.maskShape(x.shape)));
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    return oneShape(inputShape, this.label);
  }
  override getConfig(): Config {
    return { ...super.getConfig(), rate: this.rate, noiseShape: this.noiseShape, seed: this.seed };
  }
}
