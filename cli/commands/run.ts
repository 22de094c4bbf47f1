import { join } from 'node:path';
import { Command, Option } from 'commander';
import { writeWhole } from '../../frontends/files.ts';
import { npy } from '../../frontends/io/tensor-files.ts';
import { tensor } from '../../frontends/trace/creation.ts';
import { publicDType } from '../../frontends/trace/dtypes.ts';
import type { TypedArray } from '../../ir/literal.ts';
import type { TensorInfo } from '../../runtime/artifact/model.ts';
import { artifactOf, functionOf } from '../artifact-file.ts';
import { givenInputs } from '../inputs.ts';
import { collect, whole } from '../options.ts';
import type { Terminal } from '../terminal.ts';

interface Options {
  readonly function?: string;
  readonly input?: string[];
  readonly batch: number;
  readonly target: 'wasm' | 'webgpu';
  readonly output?: string;
  readonly json?: boolean;
}

export const runCommand = (out: Terminal): Command =>
  new Command('run')
    .description('Runs a function of an artifact once.')
    .argument('<artifact>', 'a .sinter file')
    .option('-f, --function <name>', 'which one; needed where there are several')
    .option(
      '-i, --input <name=value>',
      'an input: @file (.npy, .json, raw elements), numbers with commas, or random',
      collect,
    )
    .option('-b, --batch <size>', 'size of the batch for random inputs', whole(1), 1)
    .addOption(new Option('-t, --target <target>').choices(['wasm', 'webgpu']).default('wasm'))
    .option('-o, --output <folder>', 'writes results there as .npy')
    .option('--json', 'prints all results as JSON')
    .action((file: string, o: Options) => runFunction(file, o, out));

async function runFunction(file: string, o: Options, out: Terminal): Promise<void> {
  const { artifact } = await artifactOf(file);
  const model = await artifact.instantiate({ target: o.target });
  const f = functionOf(Object.values(model.functions), o.function);
  const inputs = await givenInputs(f, o.input ?? [], o.batch);
  const result = await f.runAsync(inputs);
  const arrays = ArrayBuffer.isView(result)
    ? [result as TypedArray]
    : f.outputs.map((t) => (result as Record<string, TypedArray>)[t.name]);
  const results = f.outputs.map((t, i) => ({
    info: t,
    shape: shapeOf(t, f.maxBatch, arrays[i].length),
    data: arrays[i],
  }));
  if (o.output)
    for (const { info, shape, data } of results) {
      const path = join(o.output, `${info.name}.npy`);
      await writeWhole(path, await npy.encode(tensor(data, shape as never, publicDType(info.dtype))), 'run');
      if (!o.json) out.print(path);
    }
  if (o.json) {
    const list = results.map(({ info, shape, data }) => ({
      name: info.name,
      dtype: info.dtype,
      shape,
      data: Array.from(data),
    }));
    out.print(JSON.stringify(list));
  } else if (!o.output)
    for (const { info, shape, data } of results)
      out.print(`${info.name}: ${publicDType(info.dtype)}[${shape}]\n${dataText(data)}`);
}

/** The shape in this call. */
function shapeOf(t: TensorInfo, maxBatch: number, size: number): number[] {
  if (!t.batch) return [...t.shape];
  const rest = t.shape.slice(1).reduce((n, d) => n * d, 1);
  return [rest ? size / rest : maxBatch, ...t.shape.slice(1)];
}

/** The first elements of an array. */
function dataText(data: TypedArray): string {
  const shown = Array.from(data.subarray(0, 64), (x) => (Number.isInteger(x) ? String(x) : x.toPrecision(7)));
  return `  ${shown.join(', ')}${data.length > shown.length ? `, … (${data.length} in all; --json or --output for all)` : ''}`;
}
