// The process of one case: a process each keeps one case's heap and compiled code from slowing the next.

import { type Job, runCase } from './run-case.ts';

process.once('message', async (job: Job) => {
  try {
    process.send?.(await runCase(job));
  } catch (e) {
    console.error(e);
    process.exitCode = 1;
  }
  // Engines leave workers behind that would keep the process alive.
  process.disconnect?.();
  setTimeout(() => process.exit(), 50).unref();
});
