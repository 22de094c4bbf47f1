// What a compiler target hands to the runtime: buffers, kernels, order, signatures. The compiler and
// the runtime meet only here.

export * from './artifact/format.ts';
export * from './artifact/generated/schema.ts';
export { hashOf } from './artifact/hash.ts';
export * from './artifact/table.ts';
export * from './errors.ts';
export { fromHalfBits, halfBits } from './half.ts';
export { arrayFor, type TypedArray } from './literal.ts';
export type { Address, ProgramStep } from './steps.ts';
export { byteSize, type DType, type Shape, sizeOf, type TensorType, typeBytes, typeText } from './types.ts';

import type { TypedArray } from './literal.ts';
import type { ProgramStep } from './steps.ts';
import type { TensorType } from './types.ts';

/** Where the bytes of a program's buffer live while it runs. */
export type Slot =
  /** Offset in the arena, which is dead between runs. */
  | { readonly kind: 'arena'; readonly offset: number }
  /** The index-th state (Variable) bound to the program. */
  | { readonly kind: 'state'; readonly index: number }
  /** Offset in the program's constants. */
  | { readonly kind: 'constant'; readonly offset: number }
  /** The index-th port: inputs, then outputs; each call says where they are. */
  | { readonly kind: 'port'; readonly index: number };

/** An input or output of a program. */
export interface Port {
  readonly type: TensorType;
  /** Where in the arena it is put for callers that have or want plain arrays. */
  readonly staging: number;
  /** Elements for each one of the batch, where the first dimension is the open batch's (times a constant). */
  readonly unit?: number;
}

/** One kernel of a program, as shown by `exe.plan.kernels`. */
export interface KernelInfo {
  readonly name: string;
  /** pointwise, reduction, contraction, … */
  readonly kind: string;
  /** The graph operations that it computes. */
  readonly ops: readonly string[];
  readonly flops: number;
  /** Bytes read and written, each operand once. */
  readonly bytes: number;
  /** Its loops, as kernel IR text. */
  readonly text: string;
  /** Of contractions: algorithm, register tile, blocks (see docs/performance.md). */
  readonly schedule?: string;
  /** Control flow: the kernels of its regions. */
  readonly body?: readonly KernelInfo[];
}

/** Node counts around one pass. */
export interface PassInfo {
  readonly name: string;
  readonly nodesBefore: number;
  readonly nodesAfter: number;
  readonly ms: number;
}

/** What a tuner did for a program. */
export interface TunedInfo {
  /** Kernels that were timed. */
  readonly timed: number;
  /** Kernels whose choice was known, in memory or on disk. */
  readonly found: number;
  /** Kernels left as they were for lack of time; the next compilation goes on with them. */
  readonly left: number;
  /** Milliseconds spent on timing, code generation included. */
  readonly ms: number;
}

/** What a call of a program on a GPU is, besides its work. */
export interface GpuCost {
  /** Dispatches in its command buffer; loops whose length the GPU decides count one run. */
  readonly dispatches: number;
  /** Bytes of the dispatches' arguments, written when memory has moved. */
  readonly argumentBytes: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
}

/** The static facts of a compiled program. */
export interface PlanInfo {
  /** Planned bytes of one call: temporaries, and room for every input and output. */
  readonly arenaBytes: number;
  /** Largest set of temporaries alive at once, and inputs and outputs: no plan can be smaller. */
  readonly lowerBound: number;
  readonly constantBytes: number;
  readonly stateBytes: number;
  readonly kernels: readonly KernelInfo[];
  readonly passes: readonly PassInfo[];
  /** Milliseconds spent: passes, lowering, code generation. */
  readonly compileMs: Readonly<Record<string, number>>;
  /** Of programs that were compiled with `tune: true`. */
  readonly tuned?: TunedInfo;
  /** Of programs on a GPU. */
  readonly gpu?: GpuCost;
}

/** What programs of all targets are made of. */
export interface ProgramPlan {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Types of the states, in binding order; the program updates them in place. */
  readonly states: readonly TensorType[];
  /** Steps name their memory by slot: arena, constants, states, inputs, outputs. */
  readonly constants: readonly { readonly offset: number; readonly data: TypedArray | Uint16Array }[];
  readonly constantBytes: number;
  readonly arenaBytes: number;
  /**
   * Largest size of the open batch, for programs that have one. Its size in a call follows from the inputs' lengths; the program
   * reads it from one more input, the last.
   */
  readonly bound?: number;
  readonly info: PlanInfo;
}

/** One dispatch of a kernel: a compute shader, without the declarations of memory, which depend on where that lies. */
export interface GpuShader {
  /** WGSL; the token `H3` is the heap's page in which buffer 3 lies, `GUARD` stands where a predicate is looked at. */
  readonly code: string;
  /** The kernel's buffers that it touches. */
  readonly buffers: readonly number[];
  /** Buffers of the kernel; their places are `args.a`, in elements. */
  readonly args: number;
  /** What the heap's pages are arrays of: words, atomic words, vectors of four words. */
  readonly heap: 'words' | 'atomic' | 'vectors';
  /** Extensions of WGSL that it needs. */
  readonly enables: readonly string[];
  /** Invocations of a workgroup. */
  readonly size: number;
  /** Workgroups. */
  readonly groups: number;
  readonly name: string;
}

/** A kernel on a GPU: its dispatches in order. */
export interface GpuKernel {
  readonly shaders: readonly GpuShader[];
  /** Bytes of an element of each buffer. */
  readonly units: readonly number[];
  /** Graph operations, for messages. */
  readonly ops: readonly string[];
}

/** A program for the WebGPU target. */
export interface GpuPlan extends ProgramPlan {
  readonly kernels: readonly GpuKernel[];
  readonly steps: readonly ProgramStep[];
  /** Loops among the steps. */
  readonly loops: number;
  /** Constants and temporaries may lie in blocks of so many bytes: nothing lies across their ends. */
  readonly segment: number;
}

/** A program for the WASM target. */
export interface WasmPlan extends ProgramPlan {
  readonly module: Uint8Array;
  /** How many steps the module runs in order; they can be run one by one, for profiling. */
  readonly steps: number;
  /** False where the whole program is too small to pay for waking other threads. */
  readonly parallel: boolean;
}
