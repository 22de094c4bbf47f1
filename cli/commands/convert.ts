import { basename, extname } from 'node:path';
import { Command } from 'commander';
import { portsOf } from '../../frontends/build/entries.ts';
import { writeWhole } from '../../frontends/files.ts';
import type { GraphModel } from '../../frontends/formats/graph-model.ts';
import { npz, safetensors } from '../../frontends/io/tensor-files.ts';
import { LayersModel } from '../../frontends/keras/engine/model.ts';
import { TensorSpec } from '../../frontends/trace/spec.ts';
import type { Tensor } from '../../frontends/trace/tensor.ts';
import { ArgumentError } from '../../ir/errors.ts';
import { loadModelFile } from '../model-files.ts';
import { batchOf, collect } from '../options.ts';
import { specsOf } from '../shapes.ts';
import type { Terminal } from '../terminal.ts';

interface Options {
  readonly shape?: string[];
  readonly batch?: number | [number, number];
  readonly json?: boolean;
}

type AnyModel = LayersModel | GraphModel;
/** Writes a model; gives the paths. */
type Writer = (model: AnyModel, to: string, o: Options) => Promise<void>;

const layers =
  (write: (model: LayersModel, to: string) => Promise<unknown>): Writer =>
  async (model, to) => {
    if (!(model instanceof LayersModel))
      throw new ArgumentError(`'${to}' describes layers, and the model is a graph without any`, {
        op: 'convert',
        fix: 'convert it to .onnx or .sinter, or its weights to .safetensors or .npz',
      });
    await write(model, to);
  };

/** Weights by name. */
function weightsOf(model: AnyModel): Record<string, Tensor> {
  if (model instanceof LayersModel) return Object.fromEntries(model.weights.map((w) => [w.name, w.read()]));
  return Object.fromEntries(Object.entries(model.weights).map(([name, [t]]) => [name, t]));
}

const writers: readonly (readonly [RegExp, string, Writer])[] = [
  [/\.(keras|h5|hdf5|sinterck)$/i, '.keras, .h5, .sinterck', layers((m, to) => m.save(to))],
  [/\.sinter$/i, '.sinter', writeArtifact],
  [/\.onnx$/i, '.onnx', writeOnnx],
  [/\.safetensors$/i, '.safetensors', (m, to) => safetensors.save(to, weightsOf(m))],
  [/\.npz$/i, '.npz', (m, to) => npz.save(to, weightsOf(m))],
  [/\.json$/i, '.json (the architecture)', layers(async (m, to) => writeWhole(to, m.toJSON(), 'convert'))],
  [/\.ya?ml$/i, '.yaml', layers(async (m, to) => writeWhole(to, await m.toYAML(), 'convert'))],
  [/[/\\]$|^[^.]+$|[/\\][^.]+$/, 'a folder (TensorFlow.js)', layers((m, to) => m.save(`file://${to}`))],
];

const help = `
Reads  model.json (TensorFlow.js layers and graph models), .onnx, .keras, .h5, .sinterck, .yaml, SavedModel folders.
Writes ${writers.map(([, name]) => name).join(', ')}.

Examples:
  sinter convert model.onnx model.sinter --shape input=1,3,224,224
  sinter convert model.h5 web/                     a folder with model.json and weights
  sinter convert saved_model/ model.onnx`;

export const convertCommand = (out: Terminal): Command =>
  new Command('convert')
    .description('Writes a saved model in another format, by the names of the files.')
    .argument('<from>', 'a saved model')
    .argument('<to>', 'a file, or a folder that ends with /')
    .option('-s, --shape <name=sizes>', 'the shape of an input that the file leaves open', collect)
    .option('-b, --batch <size>', 'size of an open batch, or 1..n; 1 by default', batchOf)
    .option('--json', 'says what was written as JSON')
    .addHelpText('after', help)
    .action(async (from: string, to: string, o: Options) => {
      const writer = writers.find(([ending]) => ending.test(to))?.[2];
      if (!writer)
        throw new ArgumentError(`'${to}' is of no format that can be written`, {
          op: 'convert',
          fix: `write ${writers.map(([, name]) => name).join(', ')}`,
        });
      const model = await loadModelFile(from);
      await writer(model, to, o);
      out.print(o.json ? JSON.stringify({ from, to, name: model.name }) : `${from} → ${to}`);
    });

const specs = (model: AnyModel, o: Options) => specsOf(portsOf(model).inputs, o.shape ?? []);

/** Shapes in ONNX files are fixed: an open batch is the one asked for. */
async function writeOnnx(model: AnyModel, to: string, o: Options): Promise<void> {
  const { exportModel } = await import('../../frontends/onnx/export/index.ts');
  const batch = typeof o.batch === 'number' ? o.batch : 1;
  const inputs = specs(model, o).map((s) => new TensorSpec(s.shape?.map((d) => d ?? batch) ?? [], s.dtype, s.name));
  const outputNames = model instanceof LayersModel ? model.outputNames : model.outputNodes;
  await exportModel(model, { inputs, name: model.name, outputNames }, to);
}

async function writeArtifact(model: AnyModel, to: string, o: Options): Promise<void> {
  const { buildArtifact } = await import('../../frontends/build/index.ts');
  const built = await buildArtifact(
    { predict: { model: model as LayersModel, inputs: specs(model, o) } },
    {
      name: basename(to, extname(to)).replaceAll(/[^\w-]/g, '_') || 'model',
      batch: o.batch ?? 1,
      runtime: 'sinter/runtime',
    },
  );
  await writeWhole(to, built.artifact, 'convert');
}
