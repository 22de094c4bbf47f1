// Starts an example from the command line: its settings are the options.

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from 'sinter';

/** Numbers that say how much an example does. */
export type Settings = Readonly<Record<string, number>>;

/** The settings with those of the command line in their place. Throws an Error that says what is wrong. */
export function readSettings<S extends Settings>(defaults: S, args: readonly string[]): S {
  const names = Object.keys(defaults);
  const options = Object.fromEntries(names.map((n) => [n, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options });
  const given = Object.entries(values).map(([name, text]) => {
    const x = Number(text);
    if (!Number.isFinite(x) || x <= 0) throw new Error(`--${name} takes a positive number, not '${text}'`);
    return [name, x];
  });
  return { ...defaults, ...Object.fromEntries(given) };
}

/**
 * Runs the example if its file is what Node was started with: `--NAME NUMBER` changes a setting, `--backend webgpu`
 * runs it on the GPU, `--help` lists them.
 * @param url import.meta.url of the file
 */
export async function main<S extends Settings>(
  url: string,
  run: (settings: S) => Promise<unknown>,
  defaults: S,
): Promise<void> {
  if (!process.argv[1] || realpathSync(process.argv[1]) !== fileURLToPath(url)) return;
  const args = process.argv.slice(2);
  const usage = Object.entries(defaults).map(([name, x]) => `  --${name} NUMBER   (${x})`);
  usage.push('  --backend NAME   (wasm)');
  if (args.includes('--help')) return console.log(['Options:', ...usage].join('\n'));
  try {
    const at = args.indexOf('--backend');
    if (at >= 0) await tf.setBackend(args.splice(at, 2)[1]);
    await run(readSettings(defaults, args));
  } catch (e) {
    // A wrong option needs no stack trace; anything else does.
    const { code, message } = e as NodeJS.ErrnoException;
    const wrongOption = code?.startsWith('ERR_PARSE_ARGS') || message.startsWith('--');
    console.error(wrongOption ? [message, 'Options:', ...usage].join('\n') : e);
    process.exitCode = 1;
  }
}
