import { basename, extname } from 'node:path';
import { Command, Option } from 'commander';
import type { BuildOptions } from '../../frontends/build/build.ts';
import { buildArtifact } from '../../frontends/build/index.ts';
import { buildableExports } from '../exports.ts';
import { loadModule } from '../load-module.ts';
import { isModelFile, modelEntries } from '../model-files.ts';
import { batchOf, collect, someOf, whole } from '../options.ts';
import { bytesText, type Terminal } from '../terminal.ts';

interface Options {
  readonly out: string;
  readonly name?: string;
  readonly entry?: string[];
  readonly shape?: string[];
  readonly target: ('wasm' | 'webgpu')[];
  readonly relaxed: boolean;
  readonly batch?: number | [number, number];
  readonly freeze: boolean;
  readonly weights: 'inline' | 'sharded';
  readonly shardBytes?: number;
  readonly wasm?: boolean;
  readonly standalone?: boolean;
  readonly runtime: string;
  readonly details: boolean;
  readonly json?: boolean;
}

const help = `
MODEL is a module (.ts, .js) or a saved model (model.json, .keras, .h5, .onnx, a SavedModel folder). Exports of a module
that are built: models, what tf.compile or tf.func with an inputSignature returned, functions with a property
\`inputs\`, and objects {fn, inputs} or {model, labels}; the default export is called 'predict'.

Examples:
  sinter build model.ts -o dist/                     one artifact, a loader and its types
  sinter build model.ts --batch 1..64                one program for batches of 1 to 64
  sinter build model.onnx --target wasm,webgpu       for GPUs too
  sinter build model.ts --weights sharded            weights in files beside the artifact
  sinter build model.ts --standalone                 also .wasm files that need no JavaScript`;

export const buildCommand = (out: Terminal): Command =>
  new Command('build')
    .description('Compiles functions and models of a module into an artifact that the runtime alone can run.')
    .argument('<model>', 'a module, or a saved model')
    .option('-o, --out <folder>', 'where the files go', 'dist')
    .option('-n, --name <name>', "name of the files; by default the model's")
    .option('-e, --entry <name>', 'builds this export only; may stand several times', collect)
    .option('-s, --shape <name=sizes>', 'the shape of an input that a saved model leaves open', collect)
    .addOption(
      new Option('-t, --target <list>', 'wasm, webgpu')
        .default(['wasm'], 'wasm')
        .argParser(someOf(['wasm', 'webgpu'] as const)),
    )
    .option('--no-relaxed', 'baseline SIMD only: the same bits in every engine')
    .option('-b, --batch <size>', 'size of an open batch, or 1..n for one program of any size', batchOf)
    .option('--no-freeze', 'weights that no entry changes stay Variables')
    .addOption(new Option('-w, --weights <how>', 'where weights are').choices(['inline', 'sharded']).default('inline'))
    .option('--shard-bytes <n>', 'most bytes of a shard (4194304)', whole(1024))
    .option('--wasm', 'the WebAssembly as a file too, with a loader that imports it')
    .option('--standalone', 'for each entry a .wasm file with functions as in C, which needs no JavaScript')
    .option('--runtime <from>', "where the loader imports the runtime from: 'copy' puts it beside", 'copy')
    .option('--no-details', 'without what only sinter inspect shows')
    .option('--json', 'says what was built as JSON')
    .addHelpText('after', help)
    .action((model: string, o: Options) => build(model, o, out));

async function build(model: string, o: Options, out: Terminal): Promise<void> {
  const started = performance.now();
  const entries = isModelFile(model)
    ? await modelEntries(model, o.shape ?? [])
    : buildableExports(await loadModule(model), model, o.entry);
  const options: BuildOptions = {
    name: o.name ?? nameOf(model),
    targets: o.target,
    relaxed: o.relaxed,
    batch: o.batch,
    freeze: o.freeze,
    weights: o.weights,
    shardBytes: o.shardBytes,
    wasmFile: o.wasm,
    standalone: o.standalone,
    runtime: o.runtime,
    details: o.details,
  };
  const built = await buildArtifact(entries, options);
  const files = await built.write(o.out);
  const sizes = [...built.files.values()].map((b) => b.length);
  if (o.json) {
    out.print(
      JSON.stringify({ entries: built.entries, files: files.map((path, i) => ({ path, bytes: sizes[i] })) }, null, 2),
    );
    return;
  }
  for (const e of built.entries) out.print(`${e.name} (${e.method}): ${e.signature}`);
  files.forEach((path, i) => void out.print(`${path}  ${bytesText(sizes[i])}`));
  out.print(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}

const nameOf = (file: string): string =>
  basename(file.replace(/[/\\]+$/, ''), extname(file)).replaceAll(/[^\w-]/g, '_') || 'model';
