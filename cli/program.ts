// The command line: what commands there are, and what becomes of errors.

import { Command, CommanderError } from 'commander';
import { version } from '../frontends/version.ts';
import { SinterError } from '../ir/errors.ts';
import { benchCommand } from './commands/bench.ts';
import { buildCommand } from './commands/build.ts';
import { convertCommand } from './commands/convert.ts';
import { inspectCommand } from './commands/inspect.ts';
import { runCommand } from './commands/run.ts';
import { verifyCommand } from './commands/verify.ts';
import { Failed } from './failed.ts';
import { type Terminal, terminal } from './terminal.ts';

/** Exit codes: done; something failed, or is not as it should be; the command was not understood. */
export const exitCodes = { done: 0, failed: 1, usage: 2 } as const;

/**
 * Runs the command line.
 * @param args what stands behind `sinter`
 * @param out where output goes; tests collect it
 * @returns the exit code
 */
export async function run(args: readonly string[], out: Terminal = terminal()): Promise<number> {
  const program = new Command('sinter')
    .description('Builds models ahead of time, and looks at, runs and converts what was built.')
    .version(version)
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 not understood.');
  for (const command of [buildCommand, inspectCommand, runCommand, benchCommand, convertCommand, verifyCommand])
    program.addCommand(command(out));
  for (const c of [program, ...program.commands])
    c.exitOverride()
      .configureOutput({
        writeOut: (s) => out.print(s.replace(/\n$/, '')),
        writeErr: (s) => out.complain(s.replace(/\n$/, '')),
      })
      .showHelpAfterError('(add --help for what there is)');
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCodes.done;
  } catch (e) {
    if (e instanceof CommanderError) return e.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    if (!(e instanceof Failed)) out.complain(messageOf(e));
    return exitCodes.failed;
  }
}

/** What users can act on; anything else is a fault, and its stack says where. */
function messageOf(e: unknown): string {
  if (e instanceof SinterError) return `error: ${e.message.replace(/\n {2}at your line:.*/g, '')}`;
  const { code, message, stack } = e as { code?: string; message?: string; stack?: string };
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR') return `error: ${message}`;
  return `error: ${stack ?? String(e)}`;
}
