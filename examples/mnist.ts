// Trains a perceptron and a convolutional network on the MNIST digits, each training step as one
// compiled program, and shows these programs. `npm start`; `npm start -- --help` lists the options.

import * as tf from 'sinter';
import { loadDigits } from './mnist/data.ts';
import { models } from './mnist/models.ts';
import { parseOptions, swallowedByNpm, usage } from './mnist/options.ts';
import { progressView } from './mnist/progress.ts';
import { report } from './mnist/report.ts';
import { trainModel } from './mnist/train.ts';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (!options) {
    console.log(usage);
    return;
  }
  const hint = swallowedByNpm(process.env);
  if (hint) console.warn(hint);
  const train = loadDigits('train', options.samples);
  const test = loadDigits('t10k', options.samples);
  // The same numbers in every run.
  tf.setRandomSeed(1);
  for (const name of options.models) {
    const model = models[name]();
    const parameters = model.weights.reduce((n, w) => n + w.size, 0);
    console.log(`\n${model.title}: ${parameters} weights, ${train.count} digits, ${options.threads} thread(s)`);
    const outcome = await trainModel(model, train, test, {
      epochs: options.epochs,
      threads: options.threads,
      onProgress: progressView(process.stdout.isTTY === true),
    });
    console.log(`test accuracy ${(outcome.testAccuracy * 100).toFixed(2)} % of ${test.count} digits\n`);
    console.log(report(outcome));
  }
}

main().catch((e: Error) => {
  // A wrong option needs no stack trace; anything else does.
  const usageError = (e as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS') || e.message.startsWith('--');
  console.error(usageError ? `${e.message}\n\n${usage}` : e);
  process.exitCode = 1;
});
