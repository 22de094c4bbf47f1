// The helper thread of blocking.ts: the code generator, for a main thread that waits. It runs in Node
// only, from the built package.

import { workerData } from 'node:worker_threads';
import binaryen from 'binaryen';
import type { EmitJob } from './module.ts';
import { emitModule } from './module.ts';

/** What the helper answers: the module, or what went wrong. */
export type Answer = { readonly bytes: Uint8Array } | { readonly error: string };

const { port, answered } = workerData as { port: import('node:worker_threads').MessagePort; answered: Int32Array };

function answer(job: EmitJob): Answer {
  try {
    const m = emitModule(binaryen, job);
    try {
      return { bytes: m.emitBinary() };
    } finally {
      m.dispose();
    }
  } catch (e) {
    return { error: (e as Error).message };
  }
}

/** Counts up, which wakes the main thread. */
function wake(): void {
  Atomics.add(answered, 0, 1);
  Atomics.notify(answered, 0);
}

port.on('message', (job: EmitJob) => {
  port.postMessage(answer(job));
  wake();
});
// The first count says that the helper is up.
wake();
