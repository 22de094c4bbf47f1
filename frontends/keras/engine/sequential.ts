// A model of layers one after the other.

import { ArgumentError, ShapeError, valueText } from '../../../ir/errors.ts';
import type { Tensor } from '../../trace/tensor.ts';
import type { OutputSpec } from './infer-shape.ts';
import { InputLayer, input } from './input-layer.ts';
import { type Kwargs, Layer } from './layer.ts';
import { getLayer } from './layer-registry.ts';
import { LayersModel } from './model.ts';
import { checkOptions } from './names.ts';
import type { Config, ConfigValue, SerializableClass } from './serialize.ts';
import { exactlyOne, type OneOrMany, type Shape, type SymbolicTensor, toList } from './symbolic.ts';

export interface SequentialArgs {
  layers?: Layer[];
  name?: string;
  trainable?: boolean;
}

/**
 * A stack of layers, each with one input and one output. It is built when its first layer has an
 * inputShape, by `build`, or by the first data that it sees.
 */
export class Sequential extends LayersModel {
  static override readonly className = 'Sequential';
  readonly #stack: Layer[] = [];
  #source: SymbolicTensor | undefined;
  #end: SymbolicTensor | undefined;

  constructor(args: SequentialArgs = {}) {
    checkOptions(args, ['layers', 'name', 'trainable'], 'sequential');
    const { layers, ...rest } = args ?? {};
    super(rest);
    if (layers !== undefined && !Array.isArray(layers))
      throw new ArgumentError(`layers must be an array, not ${valueText(layers)}`, {
        op: 'sequential',
        fix: 'such as layers: [tf.layers.dense({units: 10})]',
      });
    for (const l of layers ?? []) this.#push(l);
    this.#connectEnds();
  }

  /** Adds a layer at the end. Throws ShapeError where it does not fit, ArgumentError for what is no layer with one output. */
  add(layer: Layer): void {
    this.#push(layer);
    this.#connectEnds();
  }

  #push(layer: Layer): void {
    if (!(layer instanceof Layer))
      throw new ArgumentError(`${valueText(layer)} is no layer`, {
        op: `${this.name}.add`,
        fix: 'add what tf.layers.… gives, such as tf.layers.dense({units: 10})',
      });
    if (this.#stack.includes(layer) || this.#stack.some((l) => l.name === layer.name))
      throw new ArgumentError(`there is a layer '${layer.name}' already`, {
        op: `${this.name}.add`,
        fix: 'make another layer, or give it another name',
      });
    this.#stack.push(layer);
    try {
      this.#append(layer);
    } catch (e) {
      this.#stack.pop();
      throw e;
    }
  }

  /** Removes the last layer. Throws ArgumentError where there is none. */
  pop(): void {
    const last = this.#stack.pop();
    if (!last)
      throw new ArgumentError('there is no layer to remove', { op: `${this.name}.pop`, fix: 'add one before' });
    if (!this.#source) return;
    const node = last.inboundNodes.findIndex((n) => n.outputs[0] === this.#end);
    const [removed] = node >= 0 ? last.inboundNodes.splice(node, 1) : [];
    if (this.#stack.length === 0 || !removed) {
      this.#source = undefined;
      this.#end = undefined;
      this.disconnect();
      return;
    }
    const end = removed.inputs[0];
    const { outboundNodes } = end.sourceLayer;
    outboundNodes.splice(outboundNodes.indexOf(removed), 1);
    this.#end = end;
    this.connect([this.#source], [end]);
  }

  #append(layer: Layer): void {
    if (!this.#source) {
      const first = this.#stack[0];
      if (first !== layer) return;
      const start = startOf(layer);
      if (!start) return;
      this.#source = start;
      this.#end = start;
      if (layer instanceof InputLayer) return;
    }
    const end = layer.apply(this.#end as SymbolicTensor);
    if (Array.isArray(end))
      throw new ArgumentError(`the layer '${layer.name}' gives ${(end as unknown[]).length} outputs`, {
        op: `${this.name}.add`,
        fix: 'use tf.model for layers with several outputs',
      });
    this.#end = end;
  }

  /** The model is the one from its input to its last layer, once both are known and there is more than an input. */
  #connectEnds(): void {
    if (this.#source && this.#end && this.#end !== this.#source) this.connect([this.#source], [this.#end]);
  }

  override get layers(): Layer[] {
    return this.#stack.filter((l) => !(l instanceof InputLayer));
  }
  override sublayers(): Layer[] {
    return [...(this.#stack ?? [])];
  }

  /** Makes the weights for inputs of that shape (with the batch). */
  override build(inputShape?: Shape | Shape[]): void {
    if (this.built) return;
    if (this.#stack.length === 0)
      throw new ArgumentError('the model has no layers', { op: `${this.name}.build`, fix: 'add one before' });
    if (inputShape === undefined)
      throw new ArgumentError('the shape of the input is not known', {
        op: `${this.name}.build`,
        fix: 'give inputShape to the first layer, or call build([null, …])',
      });
    const shape = (Array.isArray(inputShape[0]) ? inputShape[0] : inputShape) as Shape;
    this.buildFor([{ shape, dtype: this.#stack[0].inputDType ?? 'float32' }]);
  }

  override buildFor([{ shape, dtype }]: readonly OutputSpec[]): void {
    if (this.built) return;
    if (this.#stack.length === 0)
      throw new ArgumentError('the model has no layers', { op: this.name, fix: 'add one before' });
    const source = input({ batchShape: [null, ...shape.slice(1)], dtype });
    let end = source;
    for (const l of this.#stack) end = l.apply(end);
    this.#source = source;
    this.#end = end;
    this.connect([source], [end]);
  }

  override outputSpecs(inputs: readonly OutputSpec[], kwargs: Kwargs): OutputSpec[] {
    this.buildFor(inputs);
    return super.outputSpecs(inputs, kwargs);
  }

  override getConfig(): Config {
    const layers = this.#stack.map((l) => ({ className: l.getClassName(), config: l.getConfig() }));
    const buildShape = this.#source && !this.#stack[0].batchInputShape ? { buildInputShape: this.#source.shape } : {};
    return { name: this.name, trainable: this.trainable, layers: layers as unknown as ConfigValue, ...buildShape };
  }
  static override fromConfig(cls: SerializableClass, config: Config): Sequential {
    const { layers, buildInputShape, ...rest } = config as Config & { layers?: ConfigValue[]; buildInputShape?: Shape };
    const made = (layers ?? []).map((l) => getLayer(l, 'sequential'));
    const model = new (cls as unknown as new (args: SequentialArgs) => Sequential)({ ...rest, layers: made });
    if (buildInputShape) model.build(buildInputShape);
    return model;
  }

  override call(inputs: OneOrMany<Tensor>, kwargs: Kwargs): OneOrMany<Tensor> {
    const x = exactlyOne(toList(inputs), this.label);
    if (!this.built) {
      if (x.rank === 0)
        throw new ShapeError('the input is a single number', {
          op: this.name,
          fix: 'give a batch: tf.tensor([[1, 2]])',
        });
      this.buildFor([{ shape: [...x.shape], dtype: x.dtype }]);
    }
    return super.call(inputs, kwargs);
  }
}

/** The input of a model that begins with this layer, where its shape is known. */
function startOf(layer: Layer): SymbolicTensor | undefined {
  if (layer instanceof InputLayer) return layer.inboundNodes[0].outputs[0];
  if (layer.batchInputShape)
    return input({
      batchShape: layer.batchInputShape,
      dtype: layer.inputDType ?? layer.dtype,
      name: `${layer.name}_input`,
    });
  if (!(layer instanceof LayersModel) || !layer.topology) return undefined;
  const [s] = layer.inputs;
  return input({ batchShape: s.shape, dtype: s.dtype, name: `${layer.name}_input` });
}
