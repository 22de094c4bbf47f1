// Attention with and without the pass `strips`, side by side: times, their ratio, and the planned memory. It uses the
// compiler itself, since the pass has no public switch.

import type * as Compiler from '../../compiler/index.ts';
import type * as Devices from '../../runtime/wasm/device.ts';
import type * as Programs from '../../runtime/wasm/program.ts';
import type { Prepared } from './adapter.ts';
import { builtModule } from './built.ts';
import type { Extra } from './extras.ts';
import { compareTimes, fullPlan, quickPlan, ratio } from './measure.ts';
import { loadSinter } from './peers/sinter.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

type Api = Awaited<ReturnType<typeof loadSinter>>;
type T = ReturnType<Api['tensor']>;
type Graph = Parameters<typeof Compiler.compileGraph>[0];

const [HEADS, FEATURES] = [4, 64];
const load = async <M>(path: string): Promise<M> => (await import(builtModule(path).href)) as M;

/** Attention of some heads over a sequence, or its gradient by queries, keys and values. */
function attention(tf: Api, length: number, gradient: boolean): Graph {
  const forward = (q: T, k: T, v: T): T =>
    tf.matMul(tf.softmax(tf.matMul(q, k, false, true).mul(1 / Math.sqrt(FEATURES))), v);
  const loss = (...xs: T[]): T => forward(xs[0], xs[1], xs[2]).square().sum();
  const f = gradient ? (...xs: T[]) => tf.grads(loss)(xs) : (...xs: T[]) => forward(xs[0], xs[1], xs[2]);
  const spec = tf.spec([1, HEADS, length, FEATURES]);
  return tf.func(f).graphFor(spec, spec, spec);
}

/** The program of a graph on random operands, with square values of `limit` bytes or more in strips. */
async function prepare(graph: Graph, threads: number, limit: number): Promise<Prepared & { arenaBytes: number }> {
  const { compileGraph } = await load<typeof Compiler>('compiler/index.js');
  const { wasmDevice } = await load<typeof Devices>('runtime/wasm/device.js');
  const { WasmProgram } = await load<typeof Programs>('runtime/wasm/program.js');
  const device = wasmDevice();
  if (threads > 1) await device.preparePool(threads);
  const { plan } = await compileGraph(graph, { shared: device.memory.shared, threads, strips: { limit } });
  const program = new WasmProgram(plan, [], device, threads);
  const size = (shape: readonly unknown[]) => (shape as number[]).reduce((n, d) => n * d, 1);
  const data = graph.params.map((p) => Float32Array.from({ length: size(p.type.shape) }, () => Math.random() - 0.5));
  let out: readonly ArrayLike<number>[] = [];
  return {
    run: () => {
      out = program.run(data);
    },
    async: false,
    output: async () => Float32Array.from(out[0]),
    arenaBytes: plan.info.arenaBytes,
  };
}

export const strips: Extra = {
  name: 'strips',
  about: 'attention (4 heads of 64 features) with whole square values and in strips, this project alone',
  async run({ engines, threads, quick }) {
    if (!engines.includes('sinter')) return undefined;
    const tf = await loadSinter();
    const table = textTable(['attention', 'whole', 'strips', 'gain', 'memory, whole', 'strips']);
    const figures: Record<string, unknown> = {};
    const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
    for (const length of quick ? [512, 1024, 2048] : [512, 1024, 2048, 4096])
      for (const gradient of [false, true]) {
        const graph = attention(tf, length, gradient);
        const entries = { whole: await prepare(graph, threads, Infinity), strips: await prepare(graph, threads, 1) };
        const times = await compareTimes(new Map(Object.entries(entries)), quick ? quickPlan : fullPlan);
        const [whole, inStrips] = [...times.values()];
        const gain = ratio(whole, inStrips);
        const name = `${length}${gradient ? ', gradient' : ''}`;
        const memory = [entries.whole.arenaBytes, entries.strips.arenaBytes];
        figures[name] = { whole, strips: inStrips, gain, memory };
        const row = [name, timeText(whole.median), timeText(inStrips.median), gain.toFixed(2)];
        table.push([...row, ...memory.map(mib)]);
      }
    console.log(table.toString());
    return figures;
  },
};
