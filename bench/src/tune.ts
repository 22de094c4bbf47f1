// What the autotuner gains: the same programs as the shapes suggest and as it chose, side by side.

import type { Prepared } from './adapter.ts';
import type { Case } from './case.ts';
import { cases } from './cases/index.ts';
import type { Extra } from './extras.ts';
import { compareTimes, fullPlan, quickPlan, ratio } from './measure.ts';
import { compileCase, loadSinter } from './peers/sinter.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

const models = [
  ...['matmul-256', 'matmul-512', 'matmul-1024', 'conv-3x3', 'conv-1x1', 'mlp-1', 'mlp-64', 'mlp-train'],
  ...['cnn-1', 'cnn-64', 'cnn-train', 'encoder', 'encoder-train', 'resnet-50', 'mobilenet-v2'],
  ...['resnet20-train', 'gpt', 'gpt-train', 'lstm', 'lstm-train'],
];

type Api = Awaited<ReturnType<typeof loadSinter>>;
type Executable = Awaited<ReturnType<typeof compileCase>>['exe'];
type Kernels = Executable['plan']['kernels'];

/** The schedules of a program's kernels, those in loops too. */
const schedules = (kernels: Kernels): string[] =>
  kernels.flatMap((k) => [...(k.schedule ? [k.schedule] : []), ...schedules(k.body ?? [])]);

async function prepare(tf: Api, c: Case, threads: number, tuned: boolean): Promise<Prepared & { exe: Executable }> {
  const { exe, feeds } = await compileCase(tf, c, c.operands(), threads, tuned);
  let latest: ReturnType<typeof exe.run> | undefined;
  return {
    exe,
    run: () => {
      (latest as { dispose(): void } | undefined)?.dispose();
      latest = exe.run(...feeds);
    },
    async: false,
    output: async () => new Float32Array(),
  };
}

interface Spent {
  readonly compilations: number;
  readonly timed: number;
  readonly ms: number;
}

/** The program once no kernel is left to be timed, which large ones take several compilations for. */
async function prepareTuned(tf: Api, c: Case, threads: number) {
  let [compilations, timed, ms] = [0, 0, 0];
  for (;;) {
    const p = await prepare(tf, c, threads, true);
    const info = p.exe.plan.tuned;
    compilations++;
    timed += info?.timed ?? 0;
    ms += info?.ms ?? 0;
    // Nothing timed: what is left takes too long to be timed at all.
    if (!info?.left || !info.timed) return { ...p, spent: { compilations, timed, ms } satisfies Spent };
  }
}

export const tune: Extra = {
  name: 'tune',
  about: 'as shapes suggest and as the autotuner chose, this project alone',
  async run({ engines, threads, quick }) {
    if (!engines.includes('sinter')) return undefined;
    // What an earlier run has found out is not used: the time that it takes is a part of the table.
    process.env.SINTER_CACHE = 'off';
    const tf = await loadSinter();
    const table = textTable(['tune', 'default', 'tuned', 'gain', 'kernels changed', 'timed', 'compilations', 'spent']);
    const figures: Record<string, unknown> = {};
    for (const c of cases.filter((x) => models.includes(x.name))) {
      const entries = { plain: await prepare(tf, c, threads, false), tuned: await prepareTuned(tf, c, threads) };
      const plan = { ...(quick ? quickPlan : fullPlan), restMs: threads > 1 ? 100 : 0 };
      const [plain, tuned] = [...(await compareTimes(new Map(Object.entries(entries)), plan)).values()];
      const before = schedules(entries.plain.exe.plan.kernels);
      const after = schedules(entries.tuned.exe.plan.kernels);
      const changed = after.filter((s, i) => s !== before[i]).length;
      const { spent } = entries.tuned;
      const gain = ratio(plain, tuned);
      figures[c.name] = { plain, tuned, gain, changed, kernels: before.length, spent };
      const counts = [spent.timed, spent.compilations].map(String);
      const times = [timeText(plain.median), timeText(tuned.median), gain.toFixed(2)];
      table.push([c.name, ...times, `${changed} of ${before.length}`, ...counts, timeText(spent.ms)]);
    }
    console.log(table.toString());
    return figures;
  },
};
