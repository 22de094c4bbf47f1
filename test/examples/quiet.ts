// Examples print what they do; their tests keep what they print.

import { afterEach, beforeEach, vi } from 'vitest';

/** What the example of the present test printed, line by line. */
export const printed: string[] = [];

beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((...parts) => void printed.push(parts.join(' ')));
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
});
afterEach(() => void vi.restoreAllMocks());
