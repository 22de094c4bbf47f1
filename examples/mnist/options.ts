// What the command line may say.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type ModelName, models } from './models.ts';

export interface Options {
  readonly models: readonly ModelName[];
  readonly epochs: number;
  /** How many digits to train on; as many, at most 10,000, are tested. */
  readonly samples: number;
  readonly threads: number;
}

export const usage = `Trains networks on the MNIST digits and shows what they were compiled to.

  npm start -- [options]
  --model mlp|cnn   only one of them (both, one after the other)
  --epochs N        passes over the training digits (3)
  --samples N       train on the first N digits only (60000)
  --threads N       threads that share the work (2, or 1 on one core)
  --help            this text`;

function whole(text: string | undefined, name: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new Error(`--${name} takes a whole number from 1 on, not '${text}'`);
  return n;
}

/** The options that npm took for its own because `--` was missing in front of them. */
export function swallowedByNpm(env: Record<string, string | undefined>): string | null {
  const names = ['model', 'epochs', 'samples', 'threads'].filter((n) => env[`npm_config_${n}`] !== undefined);
  return names.length ? `npm kept --${names.join(' and --')} for itself: write npm start -- --${names[0]} …` : null;
}

/** Reads the command line; null where it asks for help. Throws an Error that says what is wrong. */
export function parseOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: { type: 'string' },
      epochs: { type: 'string' },
      samples: { type: 'string' },
      threads: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  const names = Object.keys(models) as ModelName[];
  const model = names.find((n) => n === values.model);
  if (values.model !== undefined && !model)
    throw new Error(`--model takes ${names.join(' or ')}, not '${values.model}'`);
  return {
    models: model ? [model] : names,
    epochs: whole(values.epochs, 'epochs', 3),
    samples: Math.min(60_000, whole(values.samples, 'samples', 60_000)),
    threads: whole(values.threads, 'threads', Math.min(2, availableParallelism())),
  };
}
