// The command `sinter`.

import { run } from './program.ts';

// No top-level await: the built package runs this as a script.
run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
