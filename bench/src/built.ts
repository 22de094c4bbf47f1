import { existsSync } from 'node:fs';

/** A module of the built package. */
export const builtModule = (path: string): URL => new URL(`../../dist/${path}`, import.meta.url);

/** What to do where the package is not built; undefined where it is. */
export const notBuilt = (path = 'bundle/index.js'): string | undefined =>
  existsSync(builtModule(path))
    ? undefined
    : `sinter is not built (dist/${path} is missing): run 'npm run build' first`;
