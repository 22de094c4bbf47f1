// How long this project compiles, how that grows with the graph, and what memory it plans.

import { cases } from './cases/index.ts';
import type { Extra } from './extras.ts';
import { median } from './measure.ts';
import { compileCase, loadSinter, loadSinterNode } from './peers/sinter.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

type Api = Awaited<ReturnType<typeof loadSinter>>;

const say = (e: unknown): void => console.log(`  sinter: ${String(e instanceof Error ? e.message : e).split('\n')[0]}`);

/** Milliseconds that a compilation takes. */
async function timed<T>(f: () => Promise<T>): Promise<{ ms: number; value: T }> {
  forget();
  const start = performance.now();
  const value = await f();
  return { ms: performance.now() - start, value };
}

/** Forgets the modules of earlier runs: the second of two equal programs would not be compiled. */
let forget: () => void = () => {};

/** Without a cache on disk. */
async function withoutCache(): Promise<Api> {
  process.env.SINTER_CACHE = 'off';
  forget = (await loadSinterNode()).clearCache;
  const tf = await loadSinter();
  // The first program pays for loading binaryen.
  await tf.compile((x: ReturnType<Api['tensor']>) => tf.add(x, 1), { inputs: [tf.spec([4], 'float32')] });
  return tf;
}

async function compileModels(tf: Api, repeats: number) {
  const names = [
    ...['mlp-64', 'mlp-train', 'cnn-64', 'cnn-train', 'encoder', 'encoder-train'],
    ...['resnet-50', 'mobilenet-v2', 'resnet20-train', 'gpt', 'gpt-train', 'lstm-train'],
  ];
  const figures: Record<string, unknown> = {};
  const table = textTable(['compile', 'median', 'min', 'nodes', 'kernels', 'of which'], [5]);
  for (const c of cases.filter((x) => names.includes(x.name))) {
    const times: number[] = [];
    let plan: Awaited<ReturnType<typeof compileCase>>['exe']['plan'] | undefined;
    const operands = c.operands();
    for (let i = 0; i < repeats; i++) {
      const { ms, value } = await timed(() => compileCase(tf, c, operands, 1));
      times.push(ms);
      plan = value.exe.plan;
    }
    const phases = Object.entries(plan?.compileMs ?? {}).map(([k, ms]) => `${k} ${timeText(ms)}`);
    const nodes = plan?.passes[0]?.nodesBefore;
    const row = [
      c.name,
      timeText(median(times)),
      timeText(Math.min(...times)),
      nodes ?? '',
      plan?.kernels.length ?? '',
    ];
    table.push([...row, phases.join(', ')]);
    figures[c.name] = { rounds: times, nodes, kernels: plan?.kernels.length, phases: plan?.compileMs };
  }
  console.log(table.toString());
  return figures;
}

/** A chain of `n` additions and multiplications that no rewrite can shorten. */
async function compileChain(tf: Api, n: number): Promise<number> {
  type T = ReturnType<Api['tensor']>;
  const chain = (x: T): T => {
    let y = x;
    for (let i = 0; i < n / 2; i++) y = tf.add(tf.mul(y, x), 1 / (i + 2)) as T;
    return y;
  };
  return (await timed(() => tf.compile(chain, { inputs: [tf.spec([1024], 'float32')], threads: 1 }))).ms;
}

async function growth(tf: Api, repeats: number) {
  const figures: Record<number, number> = {};
  const table = textTable(['nodes', 'compile', 'µs a node']);
  for (const n of [100, 1000, 10000]) {
    const times: number[] = [];
    for (let i = 0; i < repeats; i++) times.push(await compileChain(tf, n));
    figures[n] = median(times);
    table.push([n, timeText(figures[n]), ((figures[n] * 1000) / n).toFixed(1)]);
  }
  console.log(table.toString());
  const slope = Math.log10(figures[10000] / figures[100]) / 2;
  console.log(`growth: time ~ nodes^${slope.toFixed(2)} from 100 to 10,000`);
  return { ...figures, slope };
}

export const compileTime: Extra = {
  name: 'compile',
  about: 'compile time: trace, passes and code generation, binaryen loaded, no cache',
  async run({ engines, quick }) {
    if (!engines.includes('sinter')) return undefined;
    try {
      const tf = await withoutCache();
      const repeats = quick ? 2 : 5;
      return { models: await compileModels(tf, repeats), chain: await growth(tf, repeats) };
    } catch (e) {
      say(e);
      return undefined;
    }
  },
};

export const memoryPlan: Extra = {
  name: 'memory',
  about: 'planned memory of every case against the largest set of bytes alive at once',
  async run({ engines, threads }) {
    if (!engines.includes('sinter')) return undefined;
    const table = textTable(['memory', 'arena', 'lower bound', 'ratio', 'constants', 'state', 'kernels']);
    const figures: Record<string, unknown> = {};
    const kilobytes = (n: number): string => `${(n / 1024).toFixed(1)} KB`;
    try {
      const tf = await loadSinter();
      for (const c of cases) {
        const { exe } = await compileCase(tf, c, c.operands(), threads);
        const { arenaBytes, lowerBound, constantBytes, stateBytes, kernels } = exe.plan;
        figures[c.name] = { arenaBytes, lowerBound, constantBytes, stateBytes, kernels: kernels.length };
        const ratio = lowerBound ? (arenaBytes / lowerBound).toFixed(3) : '';
        const bytes = [arenaBytes, lowerBound].map(kilobytes);
        table.push([c.name, ...bytes, ratio, kilobytes(constantBytes), kilobytes(stateBytes), kernels.length]);
      }
    } catch (e) {
      say(e);
    }
    if (table.length) console.log(table.toString());
    return figures;
  },
};
