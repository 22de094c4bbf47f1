// How Keras and TensorFlow.js spell in configurations what this library spells in camel case.

/** Keys whose words are not where the capitals are. */
const oddKeys: Readonly<Record<string, string>> = {
  beta1: 'beta_1',
  beta2: 'beta_2',
  keepDims: 'keepdims',
  inputDType: 'input_dtype',
};
const oddBack = new Map(Object.entries(oddKeys).map(([k, v]) => [v, k]));

/** `batchInputShape` for `batch_input_shape`. */
export const camelKey = (key: string): string =>
  oddBack.get(key) ?? key.replace(/([a-z0-9])_+([a-z0-9])/gi, (_, a: string, b: string) => a + b.toUpperCase());

/** `batch_input_shape` for `batchInputShape`; a key that would not come back is left as it is. */
export function snakeKey(key: string): string {
  const odd = Object.hasOwn(oddKeys, key) ? oddKeys[key] : undefined;
  const snake = odd ?? key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
  return camelKey(snake) === key ? snake : key;
}

/** `channels_last` for `channelsLast`. */
export const snakeWord = (word: string): string =>
  /^[a-z]+(?:[A-Z][a-z]+)+$/.test(word) ? word.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`) : word;

/** Options whose value is one of some words. */
export const wordKeys: ReadonlySet<string> = new Set([
  'dataFormat',
  'mode',
  'distribution',
  'reduction',
  'outputMode',
  'activation',
  'recurrentActivation',
  'summationMethod',
]);

/** Classes under Keras's name, where that is another. */
const kerasNames: Readonly<Record<string, string>> = {
  Model: 'Functional',
  LeCunNormal: 'LecunNormal',
  LeCunUniform: 'LecunUniform',
  AdamOptimizer: 'Adam',
  AdamaxOptimizer: 'Adamax',
  AdagradOptimizer: 'Adagrad',
  AdadeltaOptimizer: 'Adadelta',
  RMSPropOptimizer: 'RMSprop',
  SGDOptimizer: 'SGD',
};

/** A class's name in Keras's files. */
export const kerasName = (className: string): string =>
  Object.hasOwn(kerasNames, className) ? kerasNames[className] : className;

/** Options under other names in Keras 3, by class; the key is this library's. */
export const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  LeakyReLU: { alpha: 'negative_slope' },
  InputLayer: { batchInputShape: 'batch_shape' },
};
