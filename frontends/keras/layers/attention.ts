// Multi-head attention (Vaswani and others 2017).

import { ArgumentError } from '../../../ir/errors.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { dropout } from '../../trace/ops/nn.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { maskOf } from '../engine/call-context.ts';
import { type Kwargs, Layer, type LayerArgs } from '../engine/layer.ts';
import type { Config } from '../engine/serialize.ts';
import { type OneOrMany, type Output, type Shape, type SymbolicTensor, shapeList, toList } from '../engine/symbolic.ts';
import type { LayerVariable } from '../engine/weights.ts';
import { countOption, knownAxis, rateOption } from './options.ts';
import { type WeightOptionArgs, WeightOptions, weightKeys } from './weight-options.ts';

export interface MultiHeadAttentionArgs extends LayerArgs, WeightOptionArgs<'kernel' | 'bias'> {
  numHeads: number;
  /** Features of queries and keys in each head. */
  keyDim: number;
  /** Features of values in each head; keyDim by default. */
  valueDim?: number;
  /** Share of the attention that is dropped while training. */
  dropout?: number;
  useBias?: boolean;
  /** Features of the output; those of the query by default. */
  outputShape?: number | null;
  seed?: number;
}

/**
 * Attention of several heads. Applied to [query, value] or [query, value, key], or to the query with
 * `{value, key}`: query [batch, T, features], value and key [batch, S, features]; gives [batch, T, features].
 * Further arguments: `attentionMask` [batch, T, S] (or [batch, 1, T, S]; true is seen), `useCausalMask`,
 * `returnAttentionScores` (a second output, [batch, heads, T, S]). Masks of the inputs are respected.
 * Weights: kernel and bias of query, key, value, and of the output.
 */
export class MultiHeadAttention extends Layer {
  static readonly className = 'MultiHeadAttention';
  readonly numHeads: number;
  readonly keyDim: number;
  readonly valueDim: number;
  readonly dropout: number;
  readonly useBias: boolean;
  readonly outputFeatures: number | null;
  readonly seed: number | null;
  readonly #kernel: WeightOptions;
  readonly #bias: WeightOptions;
  readonly #kernels: LayerVariable[] = [];
  readonly #biases: LayerVariable[] = [];

  constructor(args: MultiHeadAttentionArgs) {
    super(args, [
      'numHeads',
      'keyDim',
      'valueDim',
      'dropout',
      'useBias',
      'outputShape',
      'seed',
      ...weightKeys('kernel', 'bias'),
    ]);
    const op = this.label;
    this.numHeads = countOption(args.numHeads, 'numHeads', op);
    this.keyDim = countOption(args.keyDim, 'keyDim', op);
    this.valueDim = countOption(args.valueDim ?? args.keyDim, 'valueDim', op);
    this.dropout = rateOption(args.dropout ?? 0, 'dropout', op);
    this.useBias = args.useBias ?? true;
    this.outputFeatures =
      args.outputShape === undefined || args.outputShape === null
        ? null
        : countOption(args.outputShape, 'outputShape', op);
    this.seed = args.seed ?? null;
    this.useSeed(args.seed);
    this.#kernel = new WeightOptions(args, 'kernel', 'glorotUniform', op);
    this.#bias = new WeightOptions(args, 'bias', 'zeros', op);
    this.supportsMasking = true;
  }

  override apply(inputs: OneOrMany<SymbolicTensor>, kwargs?: Kwargs): Output<SymbolicTensor>;
  override apply(inputs: OneOrMany<Tensor>, kwargs?: Kwargs): Output<Tensor>;
  override apply(
    inputs: OneOrMany<SymbolicTensor> | OneOrMany<Tensor>,
    kwargs: Kwargs = {},
  ): Output<SymbolicTensor> | Output<Tensor> {
    const { value, key, ...rest } = kwargs;
    const list = toList(inputs as OneOrMany<Tensor>);
    const all = value ? [list[0], value as Tensor, ...(key ? [key as Tensor] : [])] : list;
    if (all.length < 2 || all.length > 3)
      throw new ArgumentError(`takes query and value, and perhaps a key; got ${all.length} input(s)`, {
        op: this.label,
        fix: 'apply([query, value]) or apply(query, {value, key}); for self-attention, both are the same tensor',
      });
    return super.apply(all, rest);
  }

  override build(inputShape: Shape | Shape[]): void {
    const [query, value, key = value] = shapeList(inputShape);
    const [h, op] = [this.numHeads, this.label];
    const features = (s: Shape) => knownAxis(s, -1, op);
    const out = this.outputFeatures ?? features(query);
    const parts: [string, number[], number[]][] = [
      ['query', [features(query), h, this.keyDim], [h, this.keyDim]],
      ['key', [features(key), h, this.keyDim], [h, this.keyDim]],
      ['value', [features(value), h, this.valueDim], [h, this.valueDim]],
      ['attention_output', [h, this.valueDim, out], [out]],
    ];
    for (const [name, kernel, bias] of parts) {
      this.#kernels.push(this.#kernel.add(this, `${name}/kernel`, kernel));
      if (this.useBias) this.#biases.push(this.#bias.add(this, `${name}/bias`, bias));
    }
    this.built = true;
  }

  /** [batch, time, features] to [batch, heads, time, features of a head]. */
  #project(x: Tensor, i: number): Tensor {
    const kernel = this.#kernels[i].read();
    const y = b.dot(x.cast(this.dtype), kernel, [[2], [0]]) as Tensor;
    const biased = this.useBias ? y.add(this.#biases[i].read()) : y;
    return biased.transpose([0, 2, 1, 3]);
  }

  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor> {
    const [query, value, key = value] = toList(inputs);
    const [q, k, v] = [this.#project(query, 0), this.#project(key, 1), this.#project(value, 2)];
    const scaled = q.mul(1 / Math.sqrt(this.keyDim));
    const scores = b.dot(
      scaled,
      k,
      [[3], [3]],
      [
        [0, 1],
        [0, 1],
      ],
    ) as Tensor;
    const seen = this.#mask(toList(inputs), kwargs, scores.shape);
    // A row in which nothing is seen sees all alike.
    const open = seen ? (b.select(b.broadcastTo(seen, scores.shape), scores, -1e9) as Tensor) : scores;
    const weights = open.softmax(-1);
    const dropped = kwargs.training && this.dropout > 0 ? this.randomly(() => dropout(weights, this.dropout)) : weights;
    const heads = b.dot(
      dropped,
      v,
      [[3], [2]],
      [
        [0, 1],
        [0, 1],
      ],
    ) as Tensor;
    const joined = b.dot(heads, this.#kernels[3].read(), [
      [1, 3],
      [0, 1],
    ]) as Tensor;
    const out = this.useBias ? joined.add(this.#biases[3].read()) : joined;
    return kwargs.returnAttentionScores ? [out, weights] : out;
  }

  /** What each query sees, as a bool tensor that broadcasts to [batch, heads, T, S]. */
  #mask([query, value, key = value]: Tensor[], kwargs: Kwargs, shape: readonly number[]): Tensor | undefined {
    const [, , t, s] = shape;
    const given = toList((kwargs.mask ?? null) as OneOrMany<Tensor | null>);
    const of = (name: string, i: number, x: Tensor): Tensor | null => kwargs[name] ?? given[i] ?? maskOf(x);
    const parts: Tensor[] = [];
    const qm = of('queryMask', 0, query);
    const vm = of('valueMask', 1, value);
    const km = key === value ? null : of('keyMask', 2, key);
    if (qm) parts.push(qm.cast('bool').reshape([qm.shape[0], 1, t, 1]));
    for (const m of [vm, km]) if (m) parts.push(m.cast('bool').reshape([m.shape[0], 1, 1, s]));
    const { attentionMask, useCausalMask } = kwargs as { attentionMask?: Tensor; useCausalMask?: boolean };
    if (attentionMask) {
      const m = attentionMask.cast('bool');
      parts.push(
        m.rank === 2
          ? m.reshape([1, 1, ...m.shape])
          : m.rank === 3
            ? m.reshape([m.shape[0], 1, ...m.shape.slice(1)])
            : m,
      );
    }
    if (useCausalMask) parts.push(b.compare('ge', b.iota([1, 1, t, s], 2), b.iota([1, 1, t, s], 3)) as Tensor);
    return parts.length ? parts.reduce((p, q) => p.logicalAnd(q)) : undefined;
  }

  override outputSpecs(inputs: Parameters<Layer['outputSpecs']>[0], kwargs: Kwargs) {
    const [query, value] = inputs;
    const out = { shape: this.computeOutputShape(inputs.map((x) => x.shape)), dtype: this.dtype };
    if (!kwargs.returnAttentionScores) return [out];
    return [out, { shape: [query.shape[0], this.numHeads, query.shape[1], value.shape[1]], dtype: this.dtype }];
  }
  override computeOutputShape(inputShape: Shape | Shape[]): Shape {
    const [query] = shapeList(inputShape);
    return [...query.slice(0, -1), this.outputFeatures ?? query[query.length - 1]];
  }
  override computeMask(_inputs: OneOrMany<Tensor>, mask?: OneOrMany<Tensor | null> | null): Tensor | null {
    return toList(mask ?? null)[0] ?? null;
  }

  override getConfig(): Config {
    return {
      ...super.getConfig(),
      numHeads: this.numHeads,
      keyDim: this.keyDim,
      valueDim: this.valueDim,
      dropout: this.dropout,
      useBias: this.useBias,
      outputShape: this.outputFeatures,
      seed: this.seed,
      ...this.#kernel.config(),
      ...this.#bias.config(),
    };
  }
}
