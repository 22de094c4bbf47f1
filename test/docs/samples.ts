// The TypeScript of a document as programs.

import { readFileSync } from 'node:fs';

/** Each block that imports something begins a program; those after it go on with it. */
export function programsOf(file: string): string[] {
  const blocks = [...readFileSync(file, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((m) => m[1]);
  const programs: string[] = [];
  for (const block of blocks) {
    if (block.startsWith('import ') || programs.length === 0) programs.push(block);
    else programs[programs.length - 1] += block;
  }
  return programs;
}
