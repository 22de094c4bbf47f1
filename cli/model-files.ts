// Saved models of other formats, for the commands that take them.

import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Buildable, portsOf } from '../frontends/build/entries.ts';
import type { GraphModel } from '../frontends/formats/graph-model.ts';
import { LayersModel } from '../frontends/keras/engine/model.ts';
import { loadLayersModel, modelFromJSON, modelFromYAML } from '../frontends/keras/saving/load.ts';
import { ArgumentError } from '../ir/errors.ts';
import { specsOf } from './shapes.ts';
import { tableText } from './terminal.ts';

/** Formats of whole models that are read. */
type Format = 'onnx' | 'keras' | 'h5' | 'native' | 'tfjs' | 'saved-model' | 'yaml';

const endings: readonly (readonly [RegExp, Format])[] = [
  [/\.onnx$/i, 'onnx'],
  [/\.keras$/i, 'keras'],
  [/\.(h5|hdf5)$/i, 'h5'],
  [/\.sinterck$/i, 'native'],
  [/\.json$/i, 'tfjs'],
  [/\.ya?ml$/i, 'yaml'],
];

/** The format of a file, by its name and, of folders, by what is in them. */
export function formatOf(file: string): Format | undefined {
  const known = endings.find(([ending]) => ending.test(file))?.[1];
  if (known || !existsSync(file) || !statSync(file).isDirectory()) return known;
  if (existsSync(join(file, 'saved_model.pb'))) return 'saved-model';
  return existsSync(join(file, 'model.json')) ? 'tfjs' : undefined;
}

export const isModelFile = (file: string): boolean => formatOf(file) !== undefined;

/** A folder of TensorFlow.js stands for the model.json in it. */
const jsonOf = (file: string): string =>
  existsSync(file) && statSync(file).isDirectory() ? join(file, 'model.json') : file;

/**
 * The model of a file: what layers are made of, or a graph. Rejects with ArgumentError where the file is not there or of no known
 * format, and with what its reader says.
 */
export async function loadModelFile(file: string): Promise<LayersModel | GraphModel> {
  if (!existsSync(file)) throw new ArgumentError(`there is no file '${file}'`, { op: 'load', fix: 'check the path' });
  switch (formatOf(file)) {
    case 'onnx':
      return (await import('../frontends/onnx/load.ts')).load(file);
    case 'saved-model':
      return (await import('../frontends/tensorflow/index.ts')).loadSavedModel(file);
    case 'tfjs':
      return loadJson(jsonOf(file));
    case 'yaml':
      return modelFromYAML(await readFile(file, 'utf8'));
    case undefined:
      throw new ArgumentError(`'${file}' is of no format that is known`, {
        op: 'load',
        fix: 'known are model.json, .onnx, .keras, .h5, .sinterck, .yaml and SavedModel folders',
      });
    default:
      return loadLayersModel(file);
  }
}

/** TensorFlow.js says in the file which kind of model it is; a configuration alone has neither. */
async function loadJson(file: string): Promise<LayersModel | GraphModel> {
  const text = await readFile(file, 'utf8');
  let json: { format?: string; modelTopology?: { node?: unknown } } | undefined;
  try {
    json = JSON.parse(text);
  } catch {
    // Its reader says what is wrong.
  }
  if (json?.format === 'graph-model' || json?.modelTopology?.node)
    return (await import('../frontends/tensorflow/index.ts')).loadGraphModel(file);
  return json && !json.modelTopology ? modelFromJSON(text) : loadLayersModel(file);
}

/**
 * What of a saved model is built: its prediction, or of a SavedModel each of its signatures under its name. They share weights.
 * @param shapes of inputs that the file leaves open, `name=1,3,224,224`; of several signatures those that have the input
 * Errors as `loadModelFile`; ArgumentError where a shape is not known.
 */
export async function modelEntries(file: string, shapes: readonly string[]): Promise<Record<string, Buildable>> {
  if (formatOf(file) !== 'saved-model') {
    const model = await loadModelFile(file);
    return {
      predict: model instanceof LayersModel ? model : { model, inputs: specsOf(portsOf(model).inputs, shapes) },
    };
  }
  const { SavedModelReader } = await import('../frontends/tensorflow/saved-model.ts');
  const reader = await SavedModelReader.open(file, ['serve'], 'build');
  const entries = reader.signatures.map((name): [string, Buildable] => {
    const model = reader.model(name);
    const { inputs } = portsOf(model);
    const own = shapes.filter((s) => inputs.some((t) => s.startsWith(`${t.name}=`)));
    return [name, { model, inputs: specsOf(inputs, own) }];
  });
  return Object.fromEntries(entries);
}

/** What a model's file is. */
export interface ModelDescription {
  readonly format: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: number;
  readonly text: string;
}

const shapeText = (name: string, dtype: string | undefined, shape: readonly (number | null)[] | undefined): string =>
  `${name}: ${dtype ?? 'unknown'}[${shape?.map((d) => d ?? 'any').join(', ') ?? '…'}]`;

/** A model's signature and layers, or weights. Errors as `loadModelFile`. */
export async function describeModelFile(file: string): Promise<ModelDescription> {
  const model = await loadModelFile(file);
  const format = formatOf(file) as string;
  const ports = portsOf(model);
  const [inputs, outputs] = [ports.inputs, ports.outputs].map((l) => l.map((t) => shapeText(t.name, t.dtype, t.shape)));
  if (model instanceof LayersModel) {
    const lines: string[] = [];
    model.summary(undefined, undefined, (line) => void lines.push(String(line)));
    return { format, name: model.name, inputs, outputs, parameters: model.countParams(), text: lines.join('\n') };
  }
  const weights = Object.entries(model.weights).map(([name, [t]]) => [name, `${t.dtype}[${t.shape}]`, t.size] as const);
  const parameters = weights.reduce((n, [, , size]) => n + size, 0);
  const text = [
    `${file}: ${format}, ${model.name}`,
    `inputs   ${inputs.join(', ')}`,
    `outputs  ${outputs.join(', ')}`,
    `weights  ${weights.length}, ${parameters} elements`,
    ...(weights.length ? [tableText([['name', 'type', 'elements'], ...weights])] : []),
  ].join('\n');
  return { format, name: model.name, inputs, outputs, parameters, text };
}
