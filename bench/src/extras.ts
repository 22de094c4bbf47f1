import type { EngineName } from './adapter.ts';

export interface ExtraOptions {
  readonly engines: readonly EngineName[];
  readonly threads: number;
  readonly quick: boolean;
}
/** A measurement that is not a repeated run of a program. It prints its table and returns figures. */
export interface Extra {
  readonly name: string;
  readonly about: string;
  run(options: ExtraOptions): Promise<unknown>;
}

export const extras: readonly Extra[] = [];
