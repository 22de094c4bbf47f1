// The optimizers by name: TensorFlow.js's functions with positional arguments, and Keras's with options.

import { Registry, type Serialized, serialize as serializeObject } from '../keras/engine/serialize.ts';
import {
  Adam,
  Adamax,
  AdamaxOptimizer,
  AdamOptimizer,
  type AdamOptions,
  AdamW,
  type MomentsOptions,
  Nadam,
} from './adam.ts';
import {
  Adadelta,
  AdadeltaOptimizer,
  type AdadeltaOptions,
  Adagrad,
  AdagradOptimizer,
  type AdagradOptions,
  Ftrl,
  type FtrlOptions,
  RMSPropOptimizer,
  RMSprop,
  type RMSpropOptions,
} from './adaptive.ts';
import { Optimizer } from './optimizer.ts';
import type { RateOption } from './rate.ts';
import * as schedules from './schedules.ts';
import { MomentumOptimizer, SGD, SGDOptimizer, type SGDOptions } from './sgd.ts';

const registry = new Registry<Optimizer>('optimizer', (x): x is Optimizer => x instanceof Optimizer);
for (const cls of [SGD, RMSprop, Adagrad, Adadelta, Adam, AdamW, Adamax, Nadam, Ftrl])
  registry.add(cls, cls.className.toLowerCase());
registry.add(MomentumOptimizer, 'momentum');
for (const cls of [SGDOptimizer, RMSPropOptimizer, AdagradOptimizer, AdadeltaOptimizer, AdamOptimizer, AdamaxOptimizer])
  registry.add(cls);

/**
 * The optimizer that a name ('adam', with Keras's defaults), a `{className, config}` or an optimizer
 * stands for. Throws ArgumentError for an unknown name and for what is none of these.
 */
export const getOptimizer = (identifier: unknown): Optimizer => registry.get(identifier, 'optimizers.get');

/** An optimizer as plain data. */
function serialize(optimizer: Optimizer): Serialized {
  return serializeObject(registry.get(optimizer, 'optimizers.serialize'));
}

/** TensorFlow.js's optimizers. All throw ArgumentError for numbers that cannot be. */
export const train = Object.freeze({
  /** Stochastic gradient descent. */
  sgd: (learningRate: RateOption): SGDOptimizer => new SGDOptimizer(learningRate),
  /** Gradient descent with momentum. */
  momentum: (learningRate: RateOption, momentum: number, useNesterov = false): MomentumOptimizer =>
    new MomentumOptimizer(learningRate, momentum, useNesterov),
  /** RMSprop. */
  rmsprop: (
    learningRate: RateOption,
    decay?: number,
    momentum?: number,
    epsilon?: number | null,
    centered?: boolean,
  ): RMSPropOptimizer => new RMSPropOptimizer(learningRate, decay, momentum, epsilon, centered),
  /** Adam. */
  adam: (learningRate?: RateOption, beta1?: number, beta2?: number, epsilon?: number | null): AdamOptimizer =>
    new AdamOptimizer(learningRate, beta1, beta2, epsilon),
  /** Adadelta. */
  adadelta: (learningRate?: RateOption, rho?: number, epsilon?: number | null): AdadeltaOptimizer =>
    new AdadeltaOptimizer(learningRate, rho, epsilon),
  /** Adamax. */
  adamax: (
    learningRate?: RateOption,
    beta1?: number,
    beta2?: number,
    epsilon?: number | null,
    decay?: number,
  ): AdamaxOptimizer => new AdamaxOptimizer(learningRate, beta1, beta2, epsilon, decay),
  /** Adagrad. */
  adagrad: (learningRate: RateOption, initialAccumulatorValue?: number): AdagradOptimizer =>
    new AdagradOptimizer(learningRate, initialAccumulatorValue),
});

/** Keras's optimizers, with its defaults. All throw ArgumentError for unknown options and numbers that cannot be. */
export const optimizers = Object.freeze({
  /** Gradient descent, with momentum if that is given. */
  sgd: (options?: SGDOptions): SGD => new SGD(options),
  /** RMSprop. */
  rmsprop: (options?: RMSpropOptions): RMSprop => new RMSprop(options),
  /** Adagrad. */
  adagrad: (options?: AdagradOptions): Adagrad => new Adagrad(options),
  /** Adadelta. */
  adadelta: (options?: AdadeltaOptions): Adadelta => new Adadelta(options),
  /** Adam. */
  adam: (options?: AdamOptions): Adam => new Adam(options),
  /** Adam with decoupled weight decay. */
  adamw: (options?: AdamOptions): AdamW => new AdamW(options),
  /** Adamax. */
  adamax: (options?: MomentsOptions): Adamax => new Adamax(options),
  /** Nadam. */
  nadam: (options?: MomentsOptions): Nadam => new Nadam(options),
  /** Follow the regularized leader. */
  ftrl: (options?: FtrlOptions): Ftrl => new Ftrl(options),
  get: getOptimizer,
  serialize,
  /** What `serialize` gave, as an optimizer again. Errors as `get`. */
  deserialize: (serialized: Serialized): Optimizer => registry.get(serialized, 'optimizers.deserialize'),
  schedules: Object.freeze({ ...schedules }),
  ...{ Optimizer, SGD, RMSprop, Adagrad, Adadelta, Adam, AdamW, Adamax, Nadam, Ftrl },
});
