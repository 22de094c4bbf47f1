import { Command, Option } from 'commander';
import { arrayFor } from '../../ir/literal.ts';
import { artifactOf, functionOf } from '../artifact-file.ts';
import { allMadeUp, elementsOf } from '../inputs.ts';
import { whole } from '../options.ts';
import { type Terminal, timeText } from '../terminal.ts';

interface Options {
  readonly function?: string;
  readonly batch?: number;
  readonly seconds: number;
  readonly target: 'wasm' | 'webgpu';
  readonly json?: boolean;
}

export const benchCommand = (out: Terminal): Command =>
  new Command('bench')
    .description('Times a function of an artifact on made-up inputs: loading, the first call, and many.')
    .argument('<artifact>', 'a .sinter file')
    .option('-f, --function <name>', 'which one; needed where there are several')
    .option('-b, --batch <size>', 'size of an open batch; the largest by default', whole(1))
    .option('-s, --seconds <n>', 'how long', whole(1), 2)
    .addOption(new Option('-t, --target <target>').choices(['wasm', 'webgpu']).default('wasm'))
    .option('--json', 'prints the numbers as JSON')
    .action((file: string, o: Options) => bench(file, o, out));

async function bench(file: string, o: Options, out: Terminal): Promise<void> {
  const start = performance.now();
  const { artifact } = await artifactOf(file);
  const model = await artifact.instantiate({ target: o.target });
  const f = functionOf(Object.values(model.functions), o.function);
  const loaded = performance.now();
  const batch = o.batch ?? Math.max(1, f.maxBatch);
  const inputs = allMadeUp(f, batch);
  const byName = Object.fromEntries(f.inputs.map((t, i) => [t.name, inputs[i]]));
  const outputs = f.outputs.map((t) => arrayFor(t.dtype, elementsOf(t, f.maxBatch, batch)));
  const call = async () => {
    if (o.target === 'webgpu') await f.runAsync(byName);
    else f.runInto(inputs, outputs);
  };
  const before = performance.now();
  await call();
  const first = performance.now() - before;
  const times: number[] = [];
  const end = performance.now() + 1000 * o.seconds;
  // Short calls are timed many at a time: the clock is not exact.
  const many = Math.max(1, Math.ceil(0.2 / Math.max(first, 1e-4)));
  for (let now = performance.now(); now < end || times.length < 5; ) {
    for (let i = 0; i < many; i++) await call();
    const then = performance.now();
    times.push((then - now) / many);
    now = then;
  }
  times.sort((a, b) => a - b);
  const numbers = {
    function: f.name,
    target: o.target,
    batch: f.maxBatch ? batch : undefined,
    loadMs: loaded - start,
    firstMs: first,
    medianMs: times[times.length >> 1],
    minMs: times[0],
    p90Ms: times[Math.floor(times.length * 0.9)],
    calls: times.length * many,
  };
  if (o.json) {
    out.print(JSON.stringify(numbers, null, 2));
    return;
  }
  const { loadMs, firstMs, medianMs, minMs, p90Ms, calls } = numbers;
  out.print(`${f.name} on ${o.target}${f.maxBatch ? `, a batch of ${batch}` : ''}`);
  out.print(`  load ${timeText(loadMs)}, first call ${timeText(firstMs)}`);
  out.print(
    `  median ${timeText(medianMs)}, fastest ${timeText(minMs)}, nine of ten within ${timeText(p90Ms)} (${calls} calls)`,
  );
}
