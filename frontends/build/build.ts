// Functions and models to files that the runtime alone can run.

import {
  type ArtifactFiles,
  type ArtifactFunction,
  type ArtifactSpec,
  type ArtifactTarget,
  writeArtifact,
  writeStandalone,
} from '../../compiler/artifact/write.ts';
import { ArgumentError, DeviceError, valueText } from '../../ir/errors.ts';
import { joinPath, writeWhole } from '../files.ts';
import { nodeModule } from '../platform.ts';
import { producer } from '../version.ts';
import { type Buildable, entriesOf } from './entries.ts';
import { type LoaderOptions, loaderText, signatureText, typesText } from './loader.ts';

/** How an artifact is built. */
export interface BuildOptions {
  /** Name of the files; 'model' by default. */
  readonly name?: string;
  /** 'wasm': baseline SIMD and, where engines have it, fused multiply-add; 'webgpu'. By default WASM. */
  readonly targets?: readonly ('wasm' | 'webgpu')[];
  /** False: only baseline SIMD, the same bits in every engine. */
  readonly relaxed?: boolean;
  /** The size of open batches, or [1, largest]: one program then takes any size in between. */
  readonly batch?: number | readonly [number, number];
  /** False: Variables that no entry changes stay Variables, which the model's users can set; by default they are constants, which is faster. */
  readonly freeze?: boolean;
  /** 'inline' (default): weights are in the artifact; 'sharded': in files beside it, of at most `shardBytes` (4 MiB). */
  readonly weights?: 'inline' | 'sharded';
  readonly shardBytes?: number;
  /** Writes the WebAssembly as a file too, with a loader for environments that only import it. */
  readonly wasmFile?: boolean;
  /** For each entry a .wasm file that needs nothing of its host, with functions as in C. */
  readonly standalone?: boolean;
  /** Where the loader takes the runtime from: 'copy' (default) puts it beside, anything else is imported as it is written. */
  readonly runtime?: string;
  /** False: without graphs and kernels, which only `sinter inspect` shows. */
  readonly details?: boolean;
}

const op = 'buildArtifact';
const names: readonly (keyof BuildOptions)[] = [
  'name',
  'targets',
  'relaxed',
  'batch',
  'freeze',
  'weights',
  'shardBytes',
  'wasmFile',
  'standalone',
  'runtime',
  'details',
];
const mostBatch = 65536;

/** An artifact with what belongs to it, in memory. */
export class Built {
  /** Files by name: the artifact, its shards, loader, types. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Name, method and signature of each entry. */
  readonly entries: readonly { readonly name: string; readonly method: string; readonly signature: string }[];

  /** Made by `buildArtifact`. */
  constructor(files: ReadonlyMap<string, Uint8Array>, functions: readonly ArtifactFunction[]) {
    this.files = files;
    this.entries = functions.map((f) => ({ name: f.name, method: f.method, signature: signatureText(f) }));
  }

  /** The artifact itself. */
  get artifact(): Uint8Array {
    return [...this.files].find(([name]) => name.endsWith('.sinter'))?.[1] as Uint8Array;
  }

  /**
   * Writes the files into a folder, each of them whole or not at all; what the artifact refers to is there before it.
   * Rejects with ExecutionError where the folder cannot be written to, DeviceError where there is no file system.
   */
  async write(folder: string): Promise<string[]> {
    const paths: string[] = [];
    for (const [name, bytes] of this.files) {
      const path = await joinPath(op, folder, name);
      await writeWhole(path, bytes, op);
      paths.push(path);
    }
    return paths;
  }
}

function refuse(what: string, x: unknown, fix: string): never {
  throw new ArgumentError(`${what}, not ${valueText(x)}`, { op, fix });
}

function checked(o: BuildOptions) {
  if (typeof o !== 'object' || o === null) refuse('the options must be an object', o, 'such as {batch: [1, 64]}');
  const unknown = Object.keys(o).find((k) => !(names as readonly string[]).includes(k));
  if (unknown !== undefined)
    throw new ArgumentError(`there is no option '${unknown}'`, { op, fix: `the options are ${names.join(', ')}` });
  const { name = 'model', targets = ['wasm'], weights = 'inline', shardBytes = 2 ** 22, batch } = o;
  if (!/^[A-Za-z0-9][\w-]{0,99}$/.test(name))
    refuse('name must be one that a file can have', name, "use letters, digits, '-' and '_'");
  if (!Array.isArray(targets) || !targets.length || targets.some((t) => t !== 'wasm' && t !== 'webgpu'))
    refuse("targets must be some of 'wasm' and 'webgpu'", targets, "targets: ['wasm']");
  if (weights !== 'inline' && weights !== 'sharded')
    refuse("weights must be 'inline' or 'sharded'", weights, 'leave it out for inline');
  if (!Number.isInteger(shardBytes) || shardBytes < 1024)
    refuse('shardBytes must be a whole number from 1024 on', shardBytes, 'leave it out for 4 MiB');
  for (const flag of ['relaxed', 'freeze', 'wasmFile', 'standalone', 'details'] as const)
    if (o[flag] !== undefined && typeof o[flag] !== 'boolean')
      refuse(`${flag} must be true or false`, o[flag], 'leave it out for the default');
  const size = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= 1 && (n as number) <= mostBatch;
  const isRange = Array.isArray(batch) && batch.length === 2 && batch[0] === 1 && size(batch[1]);
  if (batch !== undefined && !size(batch) && !isRange)
    refuse(`batch must be a size, or a range [1, n], of at most ${mostBatch}`, batch, 'batch: 1, or batch: [1, 64]');
  const wasm: ArtifactTarget[] = o.relaxed === false ? ['wasm'] : ['wasm', 'relaxed'];
  return {
    name,
    targets: targets.flatMap((t): ArtifactTarget[] => (t === 'wasm' ? wasm : ['webgpu'])),
    shardBytes: weights === 'sharded' ? shardBytes : undefined,
    bound: isRange ? (batch as readonly number[])[1] : null,
    fixed: typeof batch === 'number' ? batch : null,
  };
}

/** What `buildArtifact` of this package's entry does. */
export async function build(given: Readonly<Record<string, Buildable>>, o: BuildOptions): Promise<Built> {
  if (typeof given !== 'object' || given === null || !Object.keys(given).length)
    refuse('takes an object of functions and models by name', given, 'buildArtifact({predict: model})');
  const c = checked(o);
  const { functions, states } = await entriesOf(given, { bound: c.bound, fixed: c.fixed, freeze: o.freeze !== false });
  const spec: ArtifactSpec = {
    name: c.name,
    producer,
    functions,
    states,
    targets: c.targets,
    shardBytes: c.shardBytes,
    details: o.details !== false,
  };
  const written = await writeArtifact(spec);
  const files = new Map<string, Uint8Array>(written.shards);
  const { runtime = 'copy' } = o;
  if (runtime === 'copy')
    for (const [name, bytes] of await runtimeFiles(c.targets.includes('webgpu'))) files.set(name, bytes);
  await addStandalone(files, o, spec);
  addWasm(files, o, c.name, written);
  files.set(`${c.name}.sinter`, written.artifact);
  const copied = runtime === 'copy';
  const loader: LoaderOptions = {
    name: c.name,
    runtime: copied ? './sinter-runtime.js' : runtime,
    types: copied ? 'sinter/runtime' : runtime,
    functions,
    states,
  };
  const text = (s: string) => new TextEncoder().encode(s);
  files.set(`${c.name}.d.ts`, text(typesText(loader)));
  files.set(`${c.name}.js`, text(loaderText(loader)));
  if (o.wasmFile) {
    files.set(`${c.name}.import.d.ts`, text(typesText(loader)));
    files.set(`${c.name}.import.js`, text(loaderText(loader, `${c.name}.wasm`)));
  }
  return new Built(files, functions);
}

function addWasm(files: Map<string, Uint8Array>, o: BuildOptions, name: string, { modules }: ArtifactFiles): void {
  if (!o.wasmFile) return;
  if (!modules.wasm) refuse('wasmFile needs the target wasm', o.targets, "targets: ['wasm']");
  files.set(`${name}.wasm`, modules.wasm);
}

async function addStandalone(files: Map<string, Uint8Array>, o: BuildOptions, spec: ArtifactSpec): Promise<void> {
  if (!o.standalone) return;
  for (const f of spec.functions)
    files.set(`${spec.name}.${f.name}.standalone.wasm`, await writeStandalone(f, spec.states));
}

/** The runtime as it is beside the built package. */
async function runtimeFiles(gpu: boolean): Promise<[string, Uint8Array][]> {
  const { existsSync, readFileSync } = await nodeModule('fs', op);
  // From dist/bundle, from dist/frontends/build, and from the sources.
  const folder = ['../embed/', '../../embed/', '../../dist/embed/']
    .map((p) => new URL(p, import.meta.url))
    .find((u) => existsSync(u));
  if (!folder)
    throw new DeviceError('the runtime that is copied beside artifacts is only in the built package', {
      op,
      fix: "run npm run build first, or let the loader import it: runtime: 'sinter/runtime'",
    });
  const wanted = ['sinter-runtime.js', ...(gpu ? ['sinter-runtime-gpu.js'] : [])];
  return wanted.map((name) => [name, new Uint8Array(readFileSync(new URL(name, folder)))]);
}
