// What an engine offers to the runner.

import type { Case, Operands } from './case.ts';

export interface Options {
  readonly threads: number;
  /** Whether this project times the schedules of its kernels first. */
  readonly tune?: boolean;
}

/** A case made ready to be timed. */
export interface Prepared {
  /** One run, complete when it returns or when its promise resolves. A training case takes a step. */
  run(): unknown;
  /** Resolves when all runs are complete, of engines whose `run` only hands work over. */
  settle?(): Promise<unknown>;
  /** Whether `run` returns a promise; others are called without an `await` that would cost time. */
  readonly async: boolean;
  /** The result of the latest run, in the cases' arrangement. */
  output(): Promise<Float32Array>;
  /** Figures beside the time, such as planned memory. */
  readonly notes?: Readonly<Record<string, number>>;
  /** Figures that are known when it has been timed. */
  measured?(): Readonly<Record<string, number>>;
}

export interface Engine {
  readonly name: EngineName;
  /** Why this case cannot be done, or undefined. */
  cannot(c: Case): string | undefined;
  /** Set for a case that takes so long that it is left out without `--slow`. */
  slow?(c: Case): string | undefined;
  prepare(c: Case, operands: Operands): Promise<Prepared>;
}

type CpuEngine = 'sinter' | 'jax-js' | 'tfjs-wasm' | 'ort-web' | 'ort-node' | 'limit';
export type GpuEngine = 'sinter-webgpu' | 'jax-js-webgpu' | 'ort-webgpu';
export type EngineName = CpuEngine | GpuEngine;

/** Engines a browser can run: those that this project is measured against. */
export const javascriptPeers: readonly EngineName[] = ['jax-js', 'tfjs-wasm', 'ort-web'];

const files: Record<CpuEngine, string> = {
  sinter: 'sinter',
  'jax-js': 'jax-js',
  'tfjs-wasm': 'tfjs-wasm',
  'ort-web': 'ort',
  'ort-node': 'ort',
  limit: 'limit',
};
export const engineNames = Object.keys(files) as readonly EngineName[];

const gpuFiles: Record<GpuEngine, string> = {
  'sinter-webgpu': 'sinter-webgpu',
  'jax-js-webgpu': 'jax-js',
  'ort-webgpu': 'ort',
};
/** Those that run on a GPU; `--gpu` measures them. */
export const gpuEngineNames = Object.keys(gpuFiles) as readonly GpuEngine[];

/** Loads an engine. */
export async function loadEngine(name: EngineName, options: Options): Promise<Engine> {
  // The path is computed so that the root's type check does not need the peers to be installed.
  const file = `./peers/${{ ...files, ...gpuFiles }[name]}.ts`;
  const module = (await import(file)) as { load(name: EngineName, options: Options): Promise<Engine> };
  return module.load(name, options);
}
