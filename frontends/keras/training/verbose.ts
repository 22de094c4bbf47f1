// How much training prints.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { Callback } from '../callbacks/callback.ts';
import { ProgbarLogger } from '../callbacks/progbar.ts';

/** 0 silent, 1 a progress bar, 2 a line an epoch, from what users may write. Throws ArgumentError for anything else. */
export function verbosity(x: unknown): 0 | 1 | 2 {
  if (x === undefined || x === null || x === 'auto' || x === true || x === 1 || x === 3) return 1;
  if (x === false || x === 0) return 0;
  if (x === 2) return 2;
  throw new ArgumentError(`verbose must be 0, 1 or 2, not ${valueText(x)}`, {
    op: 'fit',
    fix: '0 is silent, 1 shows a progress bar, 2 prints a line an epoch',
  });
}

/** What prints the progress. */
export const progress = (verbose: 0 | 1 | 2): Callback[] => (verbose ? [new ProgbarLogger()] : []);
