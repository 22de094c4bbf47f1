import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { CaseResult, Job } from './run-case.ts';

/** Runs a case in a process of its own; null (and a message) where that process dies. */
export function runInChild(job: Job): Promise<CaseResult | null> {
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), {
      execArgv: ['--disable-warning=ExperimentalWarning', '--max-old-space-size=8192'],
      // Engines greet their users on stdout; the tables should stay readable.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    let result: CaseResult | null = null;
    child.on('message', (m) => {
      result = m as CaseResult;
    });
    child.on('exit', (code, signal) => {
      if (!result) console.error(`${job.case}: the process ended early (${signal ?? `exit ${code}`})`);
      resolve(result);
    });
    child.send(job);
  });
}
