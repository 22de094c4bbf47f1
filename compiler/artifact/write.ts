// Functions to the bytes of an artifact: compiled for each target, with everything that running them needs.

import { artifactVersion, headerSize, noBlob } from '../../ir/artifact/format.ts';
import {
  type ArtifactHeader,
  artifactHeaderTable,
  elementTypes,
  type FunctionEntry,
  identifier,
  type PortEntry,
  type ProgramEntry,
} from '../../ir/artifact/generated/schema.ts';
import { hashOf } from '../../ir/artifact/hash.ts';
import { ArgumentError } from '../../ir/errors.ts';
import type { Graph, Value } from '../../ir/graph.ts';
import { bytesOf, inMemory, type TypedArray } from '../../ir/literal.ts';
import type { PlanInfo, ProgramPlan } from '../../ir/plan.ts';
import type { TensorType } from '../../ir/types.ts';
import { planForWasm, type WasmPlanned } from '../index.ts';
import type { OpenBatch } from '../open/open.ts';
import { emitAlone, emitJoint } from '../wasm/emit.ts';
import { compileForGpu, type GpuCompiled } from '../wgsl/compile.ts';
import { Blobs } from './blobs.ts';
import { tableBytes } from './table.ts';

/** A function of an artifact. */
export interface ArtifactFunction {
  readonly name: string;
  /** predict, classify, regress, train, … */
  readonly method: string;
  /** Tensor parameters, then states; tensor results, then states. */
  readonly graph: Graph;
  /** Names of the tensor parameters and results. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The result is one tensor, not a structure of them. */
  readonly single: boolean;
  /** Which Variables the graph's states are. */
  readonly states: readonly number[];
  /** How its batch is open, if it is. The graph's last tensor parameter is the batch's size then. */
  readonly open?: OpenBatch;
}

/** A Variable of an artifact. */
export interface ArtifactState {
  readonly name: string;
  readonly type: TensorType;
  readonly trainable: boolean;
  readonly data: TypedArray;
}

export type ArtifactTarget = 'wasm' | 'relaxed' | 'webgpu';

/** What an artifact is made of. */
export interface ArtifactSpec {
  /** Name of the file without its ending: shards are named after it. */
  readonly name: string;
  readonly producer: string;
  readonly functions: readonly ArtifactFunction[];
  readonly states: readonly ArtifactState[];
  readonly targets: readonly ArtifactTarget[];
  /** Most bytes of a file of weights beside the artifact; by default they are in it. */
  readonly shardBytes?: number;
  /** With graphs, kernels and passes, for `sinter inspect`. */
  readonly details: boolean;
}

/** The files of an artifact. */
export interface ArtifactFiles {
  readonly artifact: Uint8Array;
  readonly shards: ReadonlyMap<string, Uint8Array>;
  /** The modules as they are in the artifact. */
  readonly modules: { readonly wasm?: Uint8Array; readonly relaxed?: Uint8Array };
}

/** The register tile of both variants: constant operands are packed for it, and are there once. Within a tenth of the best in every engine (docs/performance.md). */
const tile = { mr: 2, nr: 16, unroll: 1 };
/** What every GPU has that runs WebGPU. */
const anyGpu = { invocations: 256, sharedBytes: 16384, segment: 2 ** 27 };

/**
 * Compiles functions and writes them as an artifact. Rejects with CompileError where a target cannot do an operation.
 */
export async function writeArtifact(spec: ArtifactSpec): Promise<ArtifactFiles> {
  const blobs = new Blobs(spec.name, spec.shardBytes);
  const has = (t: ArtifactTarget) => spec.targets.includes(t);
  // Code first: an instance can be made while weights are still coming.
  const wasm = has('wasm') ? await wasmVariant(spec, false, blobs) : undefined;
  const relaxed = has('relaxed') ? await wasmVariant(spec, true, blobs) : undefined;
  const gpu = has('webgpu') ? spec.functions.map((f) => compileForGpu(f.graph, { gpu: anyGpu })) : undefined;
  const functions = spec.functions.map((f, i): FunctionEntry => {
    const first = wasm?.planned[i] ?? relaxed?.planned[i];
    const described = first?.plan.info ?? (gpu as GpuCompiled[])[i].plan.info;
    return {
      ...signature(f),
      wasm: wasm && wasmEntry(f, wasm.planned[i], blobs),
      relaxed: relaxed && wasmEntry(f, relaxed.planned[i], blobs),
      webgpu: gpu && gpuEntry(gpu[i], blobs),
      details: spec.details ? blobs.add(details(f, described)) : noBlob,
    };
  });
  const states = spec.states.map((s) => ({
    tensor: tensor(s.name, s.type),
    trainable: s.trainable,
    // As the state of optimizers is before the first step.
    blob: s.data.every((x) => Object.is(x, 0)) ? noBlob : blobs.add(inMemory(s.type.dtype, s.data), true),
  }));
  const modules = [wasm, relaxed].filter((v) => v !== undefined).map(({ relaxed: r, blob }) => ({ relaxed: r, blob }));
  const header: ArtifactHeader = {
    version: artifactVersion,
    producer: spec.producer,
    functions,
    states,
    modules,
    blobs: blobs.entries,
    shards: blobs.shards,
  };
  return {
    artifact: framed(tableBytes(header, artifactHeaderTable, identifier), blobs.data),
    shards: blobs.files,
    modules: { ...(wasm ? { wasm: wasm.bytes } : {}), ...(relaxed ? { relaxed: relaxed.bytes } : {}) },
  };
}

/** Size, table, hash, then the data. */
function framed(table: Uint8Array, data: Uint8Array): Uint8Array {
  const start = headerSize(table.length);
  const file = new Uint8Array(start + data.length);
  const view = new DataView(file.buffer);
  view.setUint32(0, table.length, true);
  file.set(table, 4);
  view.setUint32(4 + table.length, hashOf(table), true);
  file.set(data, start);
  return file;
}

interface Variant {
  readonly relaxed: boolean;
  readonly planned: readonly WasmPlanned[];
  readonly blob: number;
  readonly bytes: Uint8Array;
}

async function wasmVariant(spec: ArtifactSpec, relaxed: boolean, blobs: Blobs): Promise<Variant> {
  const planned = spec.functions.map((f) => planForWasm(f.graph, { relaxed, shared: false, tile, open: f.open }));
  const bytes = await emitJoint(planned.map(({ job }, i) => ({ name: runName(spec.functions[i]), job })));
  return { relaxed, planned, bytes, blob: blobs.add(bytes) };
}

/** The name of a function's program in the module. */
const runName = (f: ArtifactFunction): string => `run:${f.name}`;

function wasmEntry(f: ArtifactFunction, { plan, job }: WasmPlanned, blobs: Blobs): ProgramEntry {
  return { ...program(plan, blobs), run: runName(f), steps: job.steps.length, plan: 0 };
}

function gpuEntry({ plan }: GpuCompiled, blobs: Blobs): ProgramEntry {
  const { kernels, steps, loops, segment } = plan;
  const text = JSON.stringify({ kernels, steps, loops, segment });
  return { ...program(plan, blobs), run: '', steps: 0, plan: blobs.add(new TextEncoder().encode(text)) };
}

function program(plan: ProgramPlan, blobs: Blobs): Omit<ProgramEntry, 'run' | 'steps' | 'plan'> {
  return {
    inputs: plan.inputs.map((p) => p.staging),
    outputs: plan.outputs.map((p) => p.staging),
    arena: plan.arenaBytes,
    constants: plan.constants.map(({ offset, data }) => ({ offset, blob: blobs.add(data, true) })),
    constantBytes: plan.constantBytes,
  };
}

const tensor = (name: string, { dtype, shape }: TensorType) => ({
  name,
  type: elementTypes.indexOf(dtype),
  shape: shape as readonly number[],
});

function signature(f: ArtifactFunction) {
  const port = (v: Value, name: string, scale = 0): PortEntry => ({ tensor: tensor(name, v.type), scale });
  const { name, method, single, states, graph, open } = f;
  const params = graph.params.filter((p) => !p.type.state);
  const results = graph.results.filter((r) => !r.type.state);
  return {
    name,
    method,
    single,
    states,
    bound: open?.bound ?? 0,
    inputs: params.map((p, i) => port(p, f.inputs[i] ?? 'batch', open?.inputs[i])),
    outputs: results.map((r, i) => port(r, f.outputs[i], open?.outputs[i])),
  };
}

/** What tools show of a function. */
function details({ graph }: ArtifactFunction, info: PlanInfo): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ graph: String(graph), info }));
}

/**
 * One function as a WebAssembly module that needs nothing of its host: see `emitStandalone`. Baseline SIMD.
 * Rejects with CompileError where WASM cannot do an operation.
 */
export async function writeStandalone(f: ArtifactFunction, states: readonly ArtifactState[]): Promise<Uint8Array> {
  const { plan, job } = planForWasm(f.graph, { relaxed: false, shared: false, tile, open: f.open });
  if (plan.inputs.some((p) => p.type.shape.length > 8))
    throw new ArgumentError(`'${f.name}' has a tensor of more than 8 axes`, { op: 'standalone', fix: 'reshape it' });
  return emitAlone({
    job,
    plan,
    inputs: f.inputs,
    outputs: f.outputs,
    states: f.states.map((i) => {
      const { name, type, data } = states[i];
      return { name, data: bytesOf(inMemory(type.dtype, data)) };
    }),
    bound: f.open?.bound ?? 0,
  });
}
