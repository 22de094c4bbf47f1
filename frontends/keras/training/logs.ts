// What callbacks are told: loss and metrics by name.

/** Numbers by name. */
export type Logs = Record<string, number>;

const aliases: readonly (readonly [string, string])[] = [
  ['accuracy', 'acc'],
  ['acc', 'accuracy'],
];

/**
 * Lets `acc` be read under `accuracy` and the other way round: Keras names the metric as it was asked
 * for, TensorFlow.js always `acc`. The second name is not enumerable.
 */
export function withAliases<T extends Record<string, unknown>>(logs: T): T {
  for (const key of Object.keys(logs))
    for (const [from, to] of aliases) {
      const at = key.lastIndexOf(from);
      // The whole last word: val_accuracy, out_acc, accuracy_1.
      if (at < 0 || !/^(.*_)?$/.test(key.slice(0, at)) || !/^(_\d+)?$/.test(key.slice(at + from.length))) continue;
      const alias = key.slice(0, at) + to + key.slice(at + from.length);
      if (!(alias in logs))
        Object.defineProperty(logs, alias, { get: () => logs[key], enumerable: false, configurable: true });
    }
  return logs;
}

/** Values in the order of the names as logs. */
export function logsOf(names: readonly string[], values: ArrayLike<number>, prefix = ''): Logs {
  const logs: Logs = {};
  for (let i = 0; i < names.length; i++) logs[prefix + names[i]] = values[i];
  return logs;
}
