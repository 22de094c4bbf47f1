// Tables of the figures.

import { type EngineName, javascriptPeers } from './adapter.ts';
import { ratio, type Timing } from './measure.ts';
import type { CaseResult, EngineResult } from './run-case.ts';
import { textTable } from './table.ts';

/** A time with the unit that suits it. */
export function timeText(ms: number): string {
  if (ms < 0.1) return `${(ms * 1000).toPrecision(3)} µs`;
  return ms < 1000 ? `${ms.toPrecision(3)} ms` : `${(ms / 1000).toPrecision(3)} s`;
}

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
  const table = textTable([r.case, 'median', 'min', rate, 'GB/s', versus, 'first run', `error vs ${r.comparedTo}`]);
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
        // The limit tries several kernels first: its first run says nothing.
        e.firstRun === undefined || e.engine === 'limit' ? '' : timeText(e.firstRun),
        errorText(e, r.tolerance),
      ]);
  }
  console.log(`\n${r.about}`);
  if (table.length) console.log(table.toString());
  for (const s of skipped) console.log(s);
  for (const e of r.engines.filter((x) => x.notes)) console.log(`  ${e.engine}: ${notesText(e.notes ?? {})}`);
}

const notesText = (notes: Readonly<Record<string, number>>): string =>
  Object.entries(notes)
    .map(([k, v]) => `${k} ${Number.isInteger(v) ? v.toLocaleString('en') : v.toFixed(1)}`)
    .join(', ');

/** All cases: a column an engine, and this project against the fastest JavaScript peer. */
export function printSummary(results: readonly CaseResult[]): void {
  const engines = [...new Set(results.flatMap((r) => r.engines.filter((e) => e.timing).map((e) => e.engine)))];
  if (results.length < 2 || engines.length === 0) return;
  const table = textTable(['median', ...engines, 'speed-up']);
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
  if (ratios.length > 0) {
    const mean = Math.exp(ratios.reduce((s, x) => s + Math.log(x), 0) / ratios.length);
    const least = Math.min(...ratios).toFixed(2);
    console.log(`speed-up over the fastest JavaScript peer: geometric mean ${mean.toFixed(2)}, least ${least}`);
  }
  printOwnRatios(results);
}

/** This project against itself and against the hand-written limit. */
function printOwnRatios(results: readonly CaseResult[]): void {
  const ours = (name: string): Timing | undefined => {
    const r = results.find((x) => x.case === name);
    return r && timingOf(r, 'sinter');
  };
  for (const r of results) {
    const [limit, own] = [timingOf(r, 'limit'), timingOf(r, 'sinter')];
    if (limit && own) console.log(`${r.case}: ${ratio(limit, own).toFixed(2)} of the hand-written limit`);
  }
  for (const [training, inference] of [
    ['mlp-train', 'mlp-64'],
    ['cnn-train', 'cnn-64'],
    ['encoder-train', 'encoder'],
    ['lstm-train', 'lstm'],
  ]) {
    const [step, run] = [ours(training), ours(inference)];
    if (step && run) console.log(`${training}: ${(step.median / run.median).toFixed(2)} times ${inference}`);
  }
}
