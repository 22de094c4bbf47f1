// `npm run example -- NAME`: runs one of the examples, or lists them.

import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = fileURLToPath(import.meta.url);
const folder = dirname(here);
const [name, ...options] = process.argv.slice(2);
const file = join(folder, `${name}.js`);
if (name && file !== here && existsSync(file)) {
  // As if Node had been started with that file.
  process.argv = [process.argv[0], file, ...options];
  await import(pathToFileURL(file).href);
} else {
  const names = readdirSync(folder).flatMap((f) => (f.endsWith('.js') && f !== 'run.js' ? [f.slice(0, -3)] : []));
  console.error(
    `${name ? `there is no example '${name}'; ` : ''}npm run example -- NAME, with one of ${names.join(', ')}`,
  );
  process.exitCode = 1;
}
