// The module that loads an artifact, and what TypeScript knows of it.

import type { ArtifactFunction, ArtifactState } from '../../compiler/artifact/write.ts';
import type { Value } from '../../ir/graph.ts';
import type { DType } from '../../ir/types.ts';
import { publicDType } from '../trace/dtypes.ts';

const arrays: Readonly<Record<DType, string>> = {
  f32: 'Float32Array',
  f16: 'Float32Array',
  f64: 'Float64Array',
  i32: 'Int32Array',
  u32: 'Uint32Array',
  i8: 'Int8Array',
  u8: 'Uint8Array',
  bool: 'Uint8Array',
};

/** A tensor of a signature. */
interface Described {
  readonly name: string;
  readonly array: string;
  /** `float32[batch, 784]` */
  readonly text: string;
}

function described(values: readonly Value[], names: readonly string[], scales?: readonly number[]): Described[] {
  return names.map((name, i) => {
    const { dtype, shape } = values[i].type;
    const sizes = shape.map((d, axis) => {
      const scale = scales?.[i] ?? 0;
      return axis === 0 && scale ? (scale === 1 ? 'batch' : `${scale} * batch`) : String(d);
    });
    return { name, array: arrays[dtype], text: `${publicDType(dtype)}[${sizes.join(', ')}]` };
  });
}

/** Inputs and outputs of a function, as callers see them. */
export function signatureOf({ graph, inputs, outputs, open }: ArtifactFunction): {
  inputs: Described[];
  outputs: Described[];
} {
  return {
    inputs: described(
      graph.params.filter((p) => !p.type.state),
      inputs,
      open?.inputs,
    ),
    outputs: described(
      graph.results.filter((r) => !r.type.state),
      outputs,
      open?.outputs,
    ),
  };
}

/** `x: float32[batch, 784] → float32[batch, 10]` */
export function signatureText(f: ArtifactFunction): string {
  const { inputs, outputs } = signatureOf(f);
  const list = (all: readonly Described[]) => all.map((t) => `${t.name}: ${t.text}`).join(', ');
  const results = f.single ? outputs[0].text : `{${list(outputs)}}`;
  return `(${list(inputs)}) → ${results}${f.open ? `, batch 1 to ${f.open.bound}` : ''}`;
}

/** Text in a comment does not end it. */
const comment = (text: string): string => text.replaceAll('*/', '*\\/');
const key = (name: string): string => JSON.stringify(name);

function entryType(f: ArtifactFunction): string {
  const { inputs, outputs } = signatureOf(f);
  const fields = inputs.map((t) => `${key(t.name)}: ArrayLike<number>`).join('; ');
  const input =
    inputs.length === 1
      ? `{ ${fields} } | ArrayLike<number>`
      : inputs.length
        ? `{ ${fields} }`
        : 'Record<string, never>';
  const output = f.single ? outputs[0].array : `{ ${outputs.map((t) => `${key(t.name)}: ${t.array}`).join('; ')} }`;
  return `Entry<${input}, ${output}>`;
}

/** What a loader is made of. */
export interface LoaderOptions {
  /** Name of the artifact's file, without its ending. */
  readonly name: string;
  /** Where the runtime is imported from. */
  readonly runtime: string;
  /** Where its types are. */
  readonly types: string;
  readonly functions: readonly ArtifactFunction[];
  readonly states: readonly ArtifactState[];
}

/** The loader's JavaScript: an ES module. @param wasm the file that has the WebAssembly, where that is imported */
export function loaderText({ name, runtime }: LoaderOptions, wasm?: string): string {
  const lines = [
    '// Written by sinter build.',
    `import { load as loadArtifact } from ${JSON.stringify(runtime)};`,
    ...(wasm ? [`import module from ${JSON.stringify(`./${wasm}`)};`] : []),
    '',
    `export const artifact = new URL(${JSON.stringify(`./${name}.sinter`)}, import.meta.url);`,
    `export const load = ({ source = artifact, ...options } = {}) => loadArtifact(source, ${wasm ? '{ module, ...options }' : 'options'});`,
    '',
  ];
  return lines.join('\n');
}

/** The loader's types. */
export function typesText({ types, functions, states }: LoaderOptions): string {
  const entries = functions.map(
    (f) => `  /** ${comment(`${f.method}: ${signatureText(f)}`)} */\n  readonly ${key(f.name)}: ${entryType(f)};\n`,
  );
  const names = states.map((s) => key(s.name)).join(' | ') || 'never';
  return [
    '// Written by sinter build.',
    `import type { ArtifactSource, Entry, LoadOptions, Model as Loaded } from ${JSON.stringify(types)};`,
    '',
    `export interface Functions {\n${entries.join('')}}`,
    '',
    '/** Names of the Variables: `model.state(name)`, `model.setState(name, elements)`. */',
    `export type StateName = ${names};`,
    '',
    "export type Model = Omit<Loaded, 'functions'> & { readonly functions: Functions };",
    '',
    '/** Where the artifact is, beside this file. */',
    'export declare const artifact: URL;',
    '/** Loads the artifact and makes a model with Variables of its own. `source` is used instead of `artifact`. */',
    'export declare function load(options?: LoadOptions & { readonly source?: ArtifactSource }): Promise<Model>;',
    '',
  ].join('\n');
}
