// Tables of the figures.

import Table from 'cli-table3';
import { type EngineName, javascriptPeers } from './adapter.ts';
import { ratio, type Timing } from './measure.ts';
import type { CaseResult, EngineResult } from './worker.ts';

/** A time with the unit that suits it. */
export function timeText(ms: number): string {
  if (ms < 0.1) return `${(ms * 1000).toPrecision(3)} µs`;
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

const plain = { head: [], border: [] };
const timingOf = (r: CaseResult, e: EngineName): Timing | undefined => r.engines.find((x) => x.engine === e)?.timing;

/** The fastest of the engines that a browser can run. */
function fastestPeer(r: CaseResult): EngineResult | undefined {
  return r.engines
    .filter((e) => javascriptPeers.includes(e.engine) && e.timing)
    .sort((a, b) => (a.timing as Timing).median - (b.timing as Timing).median)[0];
}

function errorText(e: EngineResult, tolerance: number): string {
  if (e.error === undefined) return '';
  const text = e.error.toExponential(1);
  if (e.wrong) return `${text} WRONG, not timed`;
  return e.error > tolerance ? `${text} > ${tolerance.toExponential(0)}` : text;
}

/** One case: a row an engine. */
export function printCase(r: CaseResult): void {
  const base = timingOf(r, 'sinter') ?? fastestPeer(r)?.timing;
  const versus = timingOf(r, 'sinter') ? 'x sinter' : 'x fastest JS peer';
  const rate = r.flops >= 1e6 ? 'GFLOP/s' : '';
  const table = new Table({
    head: [r.case, 'median', 'min', rate, 'GB/s', versus, 'first run', `error vs ${r.comparedTo}`],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: plain,
  });
  const skipped: string[] = [];
  for (const e of r.engines) {
    if (!e.timing) skipped.push(`  ${e.engine}: ${e.skipped ?? `wrong result (error ${e.error?.toExponential(1)})`}`);
    else
      table.push([
        e.engine,
        timeText(e.timing.median),
        timeText(e.timing.min),
        rate && (r.flops / e.timing.median / 1e6).toFixed(1),
        (r.bytes / e.timing.median / 1e6).toFixed(1),
        base ? ratio(e.timing, base).toFixed(2) : '',
        e.firstRun === undefined ? '' : timeText(e.firstRun),
        errorText(e, r.tolerance),
      ]);
  }
  console.log(`\n${r.about}`);
  if (table.length) console.log(table.toString());
  for (const s of skipped) console.log(s);
}

/** All cases: a column an engine, and this project against the fastest JavaScript peer. */
export function printSummary(results: readonly CaseResult[]): void {
  const engines = [...new Set(results.flatMap((r) => r.engines.filter((e) => e.timing).map((e) => e.engine)))];
  if (results.length < 2 || engines.length === 0) return;
  const table = new Table({
    head: ['median', ...engines, 'speed-up'],
    colAligns: ['left', ...engines.map(() => 'right' as const), 'right'],
    style: plain,
  });
  const ratios: number[] = [];
  for (const r of results) {
    const ours = timingOf(r, 'sinter');
    const peer = fastestPeer(r);
    const gain = ours && peer?.timing ? ratio(peer.timing, ours) : undefined;
    if (gain) ratios.push(gain);
    const cells = engines.map((e) => {
      const t = timingOf(r, e);
      return t ? timeText(t.median) : '-';
    });
    table.push([r.case, ...cells, gain ? `${gain.toFixed(2)} (${peer?.engine})` : '']);
  }
  console.log(`\n${table.toString()}`);
  if (ratios.length === 0) return;
  const mean = Math.exp(ratios.reduce((s, x) => s + Math.log(x), 0) / ratios.length);
  console.log(`speed-up over the fastest JavaScript peer: geometric mean ${mean.toFixed(2)}, least ${Math.min(...ratios).toFixed(2)}`);
}
