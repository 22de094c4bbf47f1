// The steps of a compiled program: kernels with their buffers' addresses, loops and branches around them.

/** An address while the program runs: entry of the binding table, bytes to add, and bytes for each run of loops around. */
export interface Address {
  readonly slot: number;
  readonly offset: number;
  readonly strides?: readonly { readonly loop: number; readonly bytes: number }[];
}

/** What a program does, in order. */
export type ProgramStep =
  | {
      readonly kind: 'call';
      readonly kernel: number;
      /** Wait for all threads before this step. */
      readonly barrier: boolean;
      /** Per kernel buffer. */
      readonly args: readonly Address[];
    }
  | {
      readonly kind: 'loop';
      /** Number of its counter. */
      readonly loop: number;
      /** Most runs; null for as many as the condition wants. */
      readonly length: number | null;
      /** Where the number of runs is read, if it is less. */
      readonly trip?: Address;
      /** The counter goes down to 0. */
      readonly reverse?: boolean;
      /** Runs before each run; where its value (32 bits) is zero the loop ends. */
      readonly test?: { readonly steps: readonly ProgramStep[]; readonly value: Address };
      /** Where the number of runs is stored. */
      readonly count?: Address;
      readonly body: readonly ProgramStep[];
    }
  | {
      readonly kind: 'branch';
      /** Where the number of the branch is read; the last one is taken for every other number. */
      readonly index: Address;
      readonly branches: readonly (readonly ProgramStep[])[];
    };
