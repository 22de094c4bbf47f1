// What a whole shader shares: its buffers, and the functions and extensions that its texts use.

import type { DType } from '../../ir/types.ts';

/** A buffer as the shader reaches it. */
export interface ShaderBuffer {
  readonly ty: DType;
  /** The name of a workgroup's array; else the buffer is memory of the heap. */
  readonly shared?: string;
  /** Its elements may be loaded four at a time: it starts at a multiple of four, and its array is one of vectors. */
  readonly four?: boolean;
  /** Its number among the kernel's buffers: the token `H3` stands for the heap page that it lies in. */
  readonly index: number;
}

export interface ShaderKind {
  readonly atomic: boolean;
  readonly vectors: boolean;
  readonly exact: boolean;
  readonly half: boolean;
}

/** What a whole shader shares: functions used, buffers touched. */
export class ShaderParts {
  /** Helpers, functions on doubles and kernel functions that texts use. */
  readonly used = new Set<string>();
  /** Kernel functions called. */
  readonly calls = new Set<string>();
  readonly touched = new Set<number>();
  readonly buffers: ReadonlyMap<string, ShaderBuffer>;
  /** The heap is declared as atomic words. */
  readonly atomic: boolean;
  /** The heap is declared as vectors of four words. */
  readonly vectors: boolean;
  /** Every operation rounds as it is written: the bits are the same on every machine. */
  readonly exact: boolean;
  #names = 0;

  /** Conversions of float16 by the GPU are there, and whether they were used. */
  readonly #half: boolean;
  halves = false;

  constructor(buffers: ReadonlyMap<string, ShaderBuffer>, how: ShaderKind) {
    this.#half = how.half;
    this.buffers = buffers;
    this.atomic = how.atomic;
    this.vectors = how.vectors;
    this.exact = how.exact;
  }
  /** Whether the GPU's own float16 is there; it then counts as used. */
  useHalf(): boolean {
    this.halves ||= this.#half;
    return this.#half;
  }
  readonly use = (name: string): string => {
    this.used.add(name);
    return name;
  };
  fresh(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }
}

/** A kernel's name in WGSL, where it cannot meet a keyword. */
export const nameText = (name: string): string => `v_${name.replaceAll('$', '_S')}`;

/** A tile's name, which may be a variable's too. */
export const tileText = (name: string): string => `x_${name.replaceAll('$', '_S')}`;
