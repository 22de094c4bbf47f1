import { Command } from 'commander';
import type { ArtifactFunction, ArtifactState } from '../../compiler/artifact/write.ts';
import { type Buildable, entriesOf } from '../../frontends/build/entries.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { ndarray } from '../../ir/ndarray.ts';
import type { Artifact } from '../../runtime/artifact/load.ts';
import type { Entry } from '../../runtime/artifact/model.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { artifactOf } from '../artifact-file.ts';
import { buildableExports } from '../exports.ts';
import { Failed } from '../failed.ts';
import { allMadeUp } from '../inputs.ts';
import { loadModule } from '../load-module.ts';
import { positive } from '../options.ts';
import { type Terminal, tableText } from '../terminal.ts';

interface Options {
  readonly against?: string;
  readonly tolerance: number;
  readonly webgpu?: boolean;
  readonly json?: boolean;
}

/** One comparison of two ways to compute a function. */
interface Finding {
  readonly function: string;
  readonly what: string;
  /** Largest difference, relative to the largest element of its tensor; NaN where one has a NaN and the other has not. */
  readonly error: number;
  readonly ok: boolean;
}

export const verifyCommand = (out: Terminal): Command =>
  new Command('verify')
    .description('Checks that an artifact is whole, and that its programs compute the same on made-up inputs.')
    .argument('<artifact>', 'a .sinter file')
    .option(
      '-a, --against <model>',
      'the module it was built from: its functions are interpreted in float64, and compared',
    )
    .option('--tolerance <x>', 'largest difference, relative to the largest element', positive, 1e-3)
    .option('--webgpu', 'runs the programs for GPUs, too')
    .option('--json', 'prints what was found as JSON')
    .action((file: string, o: Options) => verify(file, o, out));

type Results = ReadonlyMap<string, readonly TypedArray[]>;

async function verify(file: string, o: Options, out: Terminal): Promise<void> {
  const { artifact } = await artifactOf(file);
  const { modules, functions } = artifact.header;
  const ways = new Map<string, Results>();
  for (const { relaxed } of modules) {
    const name = relaxed ? 'wasm, fused multiply-add' : 'wasm, baseline';
    const r = await resultsOf(artifact, { relaxed }).catch((e: Error) => (relaxed ? undefined : Promise.reject(e)));
    // An engine without fused multiply-add has one variant less to compare.
    if (r) ways.set(name, r);
    else out.complain(`not compared: ${name}, which this engine does not have`);
  }
  if (o.webgpu || !modules.length) ways.set('webgpu', await resultsOf(artifact, { target: 'webgpu' }));
  if (o.against) ways.set('interpreted', await interpreted(o.against, artifact));
  const [[first, base], ...others] = [...ways].reverse();
  const findings = others.flatMap(([name, results]) =>
    [...base].map(([f, want]): Finding => {
      const error = worst(want, results.get(f) ?? []);
      return { function: f, what: `${name} and ${first}`, error, ok: error <= o.tolerance };
    }),
  );
  if (o.json) out.print(JSON.stringify({ whole: true, findings }, null, 2));
  else {
    out.print(`${file} is whole: ${functions.length} function(s), ${artifact.header.blobs.length} parts`);
    if (findings.length)
      out.print(
        tableText([
          ['function', 'compared', 'largest difference', ''],
          ...findings.map((f) => [f.function, f.what, f.error.toExponential(2), f.ok ? 'ok' : 'WRONG']),
        ]),
      );
    else out.print('nothing was compared: there is one program of each function; give --against the module');
  }
  if (findings.some((f) => !f.ok)) throw new Failed();
}

const batchOf = (f: Entry): number => Math.max(1, f.maxBatch);

async function resultsOf(a: Artifact, how: { relaxed?: boolean; target?: 'webgpu' }): Promise<Results> {
  const out = new Map<string, readonly TypedArray[]>();
  for (const { name } of a.header.functions) {
    // A model of its own for each: functions may change Variables.
    const f = (await a.instantiate(how)).functions[name];
    const inputs = allMadeUp(f, batchOf(f));
    const r = await f.runAsync(Object.fromEntries(f.inputs.map((t, i) => [t.name, inputs[i]])));
    out.set(
      name,
      ArrayBuffer.isView(r) ? [r as TypedArray] : f.outputs.map((t) => (r as Record<string, TypedArray>)[t.name]),
    );
  }
  return out;
}

/** The functions of a module, by the definition of every operation. */
async function interpreted(module: string, a: Artifact): Promise<Results> {
  const model = await a.instantiate();
  const entries = buildableExports(
    await loadModule(module),
    module,
    a.header.functions.map((f) => f.name),
  );
  const out = new Map<string, readonly TypedArray[]>();
  for (const { name, bound, inputs } of a.header.functions) {
    const f = model.functions[name];
    const open = inputs.find((p) => p.scale > 0);
    const fixed = bound ? null : (inputs[0]?.tensor?.shape[0] ?? 1);
    const made = await entriesOf(
      { [name]: entries[name] as Buildable },
      { bound: open ? bound : null, fixed, freeze: false },
    );
    out.set(name, interpretOne(made.functions[0], made.states, allMadeUp(f, batchOf(f)), bound));
  }
  return out;
}

function interpretOne(
  f: ArtifactFunction,
  states: readonly ArtifactState[],
  inputs: readonly TypedArray[],
  bound: number,
): TypedArray[] {
  const given = bound ? [...inputs, Int32Array.of(bound)] : inputs;
  let [input, state] = [0, 0];
  const args = f.graph.params.map((p) => {
    const data = p.type.state ? states[f.states[state++]].data : given[input++];
    return ndarray(p.type.dtype, p.type.shape as number[], data);
  });
  const results = interpret(f.graph, args);
  return results.filter((_, i) => !f.graph.results[i].type.state).map((r) => r.data as unknown as TypedArray);
}

function worst(want: readonly TypedArray[], got: readonly TypedArray[]): number {
  let error = 0;
  want.forEach((w, i) => {
    const g = got[i];
    let most = 1e-30;
    for (const x of w) most = Math.max(most, Math.abs(x));
    w.forEach((x: number, k: number) => {
      const d = Object.is(x, g[k]) || (Number.isNaN(x) && Number.isNaN(g[k])) ? 0 : Math.abs(x - g[k]) / most;
      // NaN compares with nothing: it has to stay.
      if (!(d <= error)) error = d;
    });
  });
  return error;
}
