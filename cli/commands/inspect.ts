import { gzipSync } from 'node:zlib';
import { Command } from 'commander';
import { writeWhole } from '../../frontends/files.ts';
import { svgOf } from '../../frontends/keras/plot/render.ts';
import { ArgumentError } from '../../ir/errors.ts';
import type { KernelInfo } from '../../ir/plan.ts';
import type { Artifact } from '../../runtime/artifact/load.ts';
import type { Entry, TensorInfo } from '../../runtime/artifact/model.ts';
import { artifactOf, type Details, detailsOf } from '../artifact-file.ts';
import { dotOfGraph } from '../graph-dot.ts';
import { describeModelFile, isModelFile } from '../model-files.ts';
import { bytesText, indented, type Terminal, tableText } from '../terminal.ts';

interface Options {
  readonly function?: string;
  readonly kernels?: boolean;
  readonly graph?: boolean;
  readonly passes?: boolean;
  readonly svg?: string;
  readonly json?: boolean;
}

export const inspectCommand = (out: Terminal): Command =>
  new Command('inspect')
    .description('Shows what an artifact, or a saved model, is: signatures, sizes, memory, kernels, graphs.')
    .argument('<file>', 'a .sinter file, or a saved model')
    .option('-f, --function <name>', 'only this function')
    .option('-k, --kernels', 'the kernels of each function')
    .option('-g, --graph', 'the graph of each function')
    .option('-p, --passes', 'what the compiler passes did')
    .option('--svg <file>', 'draws the graph of a function (needs @hpcc-js/wasm-graphviz)')
    .option('--json', 'everything as JSON')
    .action((file: string, o: Options) => inspect(file, o, out));

async function inspect(file: string, o: Options, out: Terminal): Promise<void> {
  if (isModelFile(file)) {
    const about = await describeModelFile(file);
    out.print(o.json ? JSON.stringify(about, null, 2) : about.text);
    return;
  }
  const { artifact, bytes } = await artifactOf(file);
  const model = await artifact.instantiate();
  const entries = Object.values(model.functions).filter((f) => o.function === undefined || f.name === o.function);
  if (!entries.length)
    throw new ArgumentError(`there is no function '${o.function}'`, {
      op: 'inspect',
      fix: `there are ${Object.keys(model.functions).join(', ')}`,
    });
  const described = entries.map((f) => ({ f, details: detailsOf(artifact, f.name) }));
  if (o.svg) await draw(o.svg, described);
  if (o.json) {
    out.print(JSON.stringify(asJson(artifact, bytes, described), null, 2));
    return;
  }
  out.print(`${file}: ${bytesText(bytes)}, format ${artifact.header.version}, ${artifact.header.producer}`);
  for (const line of sizesText(artifact)) out.print(`  ${line}`);
  for (const { f, details } of described) {
    out.print(`\n${f.name} (${f.method})`);
    out.print(indented(functionText(artifact, f, details)));
    if (o.kernels || o.graph || o.passes) out.print(indented(moreText(o, details)));
  }
  const { states } = model;
  if (states.length)
    out.print(
      `\nVariables\n${indented(tableText([['name', 'type', 'trainable'], ...states.map((s) => [s.name, `${s.type.dtype}[${s.type.shape}]`, s.trainable ? 'yes' : 'no'])]))}`,
    );
}

const tensorText = (t: TensorInfo): string => {
  const [, ...rest] = t.shape;
  const first = t.batch ? [t.batch === 1 ? 'batch' : `${t.batch} * batch`] : t.shape.slice(0, 1);
  return `${t.name}: ${t.dtype}[${[...first, ...rest].join(', ')}]`;
};

function functionText(a: Artifact, f: Entry, details: Details | undefined): string {
  const header = a.header.functions.find((x) => x.name === f.name);
  const targets = (['wasm', 'relaxed', 'webgpu'] as const).filter((t) => header?.[t] !== undefined);
  const p = header?.wasm ?? header?.relaxed ?? header?.webgpu;
  const lines = [
    `inputs   ${f.inputs.map(tensorText).join(', ') || 'none'}`,
    `outputs  ${f.outputs.map(tensorText).join(', ')}`,
    ...(f.maxBatch ? [`batch    1 to ${f.maxBatch}`] : []),
    `targets  ${targets.join(', ')}`,
    `memory   ${bytesText(p?.arena ?? 0)} arena, ${bytesText(p?.constantBytes ?? 0)} constants`,
  ];
  if (!details) return lines.join('\n');
  const { info, graph } = details;
  const flops = info.kernels.reduce((n, k) => n + k.flops, 0);
  lines.push(`         the least any plan needs is ${bytesText(info.lowerBound)}`);
  lines.push(
    `program  ${info.kernels.length} kernels of ${graph.split('\n').length - 2} operations, ${(flops / 1e6).toPrecision(3)} million floating-point operations`,
  );
  return lines.join('\n');
}

function moreText(o: Options, details: Details | undefined): string {
  if (!details) return 'it was built without details: sinter build without --no-details';
  const parts: string[] = [];
  if (o.kernels)
    parts.push(
      tableText([
        ['kernel', 'kind', 'flops', 'bytes', 'schedule'],
        ...details.info.kernels.map((k: KernelInfo) => [k.name, k.kind, k.flops, k.bytes, k.schedule ?? '']),
      ]),
    );
  if (o.passes)
    parts.push(
      tableText([
        ['pass', 'nodes before', 'after'],
        ...details.info.passes.map((x) => [x.name, x.nodesBefore, x.nodesAfter]),
      ]),
    );
  if (o.graph) parts.push(details.graph);
  return parts.join('\n\n');
}

/** What the bytes are. */
function sizesOf(a: Artifact) {
  const { blobs, modules, functions, states, shards } = a.header;
  const code = new Map(
    modules.map((m) => [m.blob, m.relaxed ? 'WebAssembly, fused multiply-add' : 'WebAssembly, baseline']),
  );
  const weights = new Set([
    ...states.map((s) => s.blob),
    ...functions.flatMap((f) => [f.wasm, f.relaxed, f.webgpu].flatMap((p) => p?.constants.map((c) => c.blob) ?? [])),
  ]);
  const plans = new Set(functions.flatMap((f) => (f.webgpu ? [f.webgpu.plan] : [])));
  const total = (keep: (i: number) => boolean) => blobs.reduce((n, b, i) => n + (keep(i) ? b.size : 0), 0);
  return {
    code: [...code].map(([i, what]) => ({
      what,
      bytes: blobs[i].size,
      gzip: gzipSync(a.blob(i), { level: 9 }).length,
    })),
    weights: total((i) => weights.has(i)),
    webgpu: total((i) => plans.has(i)),
    details: total((i) => functions.some((f) => f.details === i)),
    shards,
  };
}

function sizesText(a: Artifact): string[] {
  const s = sizesOf(a);
  return [
    ...s.code.map((c) => `${c.what}: ${bytesText(c.bytes)} (${bytesText(c.gzip)} gzip)`),
    `weights and constants: ${bytesText(s.weights)}`,
    ...(s.webgpu ? [`WebGPU: ${bytesText(s.webgpu)}`] : []),
    ...(s.details ? [`details: ${bytesText(s.details)}`] : []),
    ...s.shards.map((x) => `shard ${x.name}: ${bytesText(x.size)}`),
  ];
}

type Described = readonly { readonly f: Entry; readonly details: Details | undefined }[];

const asJson = (a: Artifact, bytes: number, list: Described) => ({
  bytes,
  version: a.header.version,
  producer: a.header.producer,
  sizes: sizesOf(a),
  states: a.header.states.map((s) => ({ name: s.tensor?.name, shape: s.tensor?.shape, trainable: s.trainable })),
  functions: list.map(({ f, details }) => ({
    name: f.name,
    method: f.method,
    inputs: f.inputs,
    outputs: f.outputs,
    maxBatch: f.maxBatch,
    ...(details ? { graph: details.graph, plan: details.info } : {}),
  })),
});

async function draw(file: string, list: Described): Promise<void> {
  const [{ f, details }] = list;
  if (list.length > 1)
    throw new ArgumentError('one graph is drawn', { op: 'inspect', fix: `choose it: --function ${f.name}` });
  if (!details)
    throw new ArgumentError('the artifact was built without details', {
      op: 'inspect',
      fix: 'sinter build without --no-details',
    });
  await writeWhole(file, await svgOf(dotOfGraph(details.graph), 'inspect'), 'inspect');
}
