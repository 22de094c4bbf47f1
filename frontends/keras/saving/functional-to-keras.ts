// Functional models as Keras saves them: see functional-from-keras.ts for the layouts.

import { isObject } from '../../io/format.ts';
import type { Serialized } from '../engine/serialize.ts';
import { snakeKey } from './spelling.ts';
import type { KerasWriter } from './to-keras.ts';

type Where = readonly [string, number, number];
interface NativeUse {
  readonly inputs: readonly Where[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly outputs?: readonly { shape: readonly (number | null)[]; dtype: string }[];
}
interface NativeLayer extends Serialized {
  readonly name: string;
  readonly inboundNodes: readonly NativeUse[];
}
/** What `functionalConfig` gives. */
export interface NativeModel {
  readonly name: string;
  readonly trainable: boolean;
  readonly layers: readonly NativeLayer[];
  readonly inputLayers: readonly Where[];
  readonly outputLayers: readonly Where[];
}

/** Layers whose second input stands in a place of its own in Keras 3. */
const spread: ReadonlySet<string> = new Set(['MultiHeadAttention']);

const isFunctional = (l: NativeLayer): boolean => 'inputLayers' in l.config;
const hasInput = ({ className, config: { layers, buildInputShape } }: NativeLayer): boolean => {
  const [first] = (className === 'Sequential' ? (layers ?? []) : []) as unknown as Serialized[];
  const given = first?.className === 'InputLayer' || first?.config.batchInputShape !== undefined;
  return given || (className === 'Sequential' && buildInputShape !== undefined);
};

const isTensor = (x: unknown): boolean => Array.isArray(x) && typeof x[0] === 'string';

class Functional {
  readonly #writer: KerasWriter;
  readonly #layers: ReadonlyMap<string, NativeLayer>;
  constructor(model: NativeModel, writer: KerasWriter) {
    this.#writer = writer;
    this.#layers = new Map(model.layers.map((l) => [l.name, l]));
  }

  /**
   * A place as Keras numbers it. It counts the use that made a nested model, so that its first use in another one is
   * number 1: Keras 2 everywhere, Keras 3 only in what is listed as the model's inputs and outputs.
   */
  #place([name, use, output]: Where, end: boolean): Where {
    const layer = this.#layers.get(name);
    const old = this.#writer.dialect === 2;
    const counted = layer && (old || end) && (isFunctional(layer) || (old && hasInput(layer)));
    return [name, use + (counted ? 1 : 0), output];
  }

  /** An input or output of the model. */
  end(where: Where): Where {
    return this.#place(where, true);
  }

  /** A tensor in arguments. */
  #tensor(where: Where): unknown {
    const history = this.#place(where, false);
    if (this.#writer.dialect === 2) return history;
    const [name, use, output] = where;
    const layer = this.#layers.get(name);
    const known = layer?.inboundNodes[use]?.outputs?.[output];
    const shape = known?.shape ?? layer?.config.batchInputShape ?? [null];
    const dtype = known?.dtype ?? layer?.config.dtype ?? 'float32';
    return { class_name: '__keras_tensor__', config: { shape, dtype, keras_history: history } };
  }

  #argument(x: unknown): unknown {
    if (Array.isArray(x)) return x.map((y) => this.#argument(y));
    return isObject(x) && 'tensor' in x ? this.#tensor(x.tensor as Where) : x;
  }

  use(u: NativeUse, className: string): unknown {
    const kwargs = Object.fromEntries(Object.entries(u.kwargs).map(([k, x]) => [snakeKey(k), this.#argument(x)]));
    const inputs = u.inputs.map((w) => this.#tensor(w));
    if (this.#writer.dialect === 3) {
      if (spread.has(className)) return { args: inputs, kwargs };
      return { args: inputs.length === 1 ? inputs : [inputs], kwargs };
    }
    // The query has the others as arguments: as Keras 2 calls the layer.
    if (spread.has(className)) {
      const [query, value, key] = inputs as Where[];
      return [[...query, { ...kwargs, value, ...(key ? { key } : {}) }]];
    }
    // Initial states stand behind the input, as Keras 2 and TensorFlow.js have them.
    const { initial_state: states, ...others } = kwargs;
    const behind = states === undefined ? [] : ((isTensor(states) ? [states] : states) as Where[]);
    return [...(inputs as Where[]), ...behind].map((w, i) => [...w, i === 0 ? others : {}]);
  }
}

/** The configuration of a functional model in Keras's dialect. */
export function kerasFunctional(model: NativeModel, writer: KerasWriter): Record<string, unknown> {
  const f = new Functional(model, writer);
  return {
    name: model.name,
    trainable: model.trainable,
    layers: model.layers.map((l) => ({
      ...writer.object(l, 'layers'),
      name: l.name,
      inbound_nodes: l.inboundNodes.map((u) => f.use(u, l.className)),
    })),
    input_layers: model.inputLayers.map((w) => f.end(w)),
    output_layers: model.outputLayers.map((w) => f.end(w)),
  };
}
