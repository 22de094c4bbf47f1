// Tables of the GPU benchmark.

import { timeText } from '../src/report.ts';
import type { CaseResult, EngineResult } from '../src/run-case.ts';
import { textTable } from '../src/table.ts';
import type { Machine } from './device.ts';
import type { Peak } from './peak.ts';

const number = (x: number): string =>
  x < 10 ? x.toFixed(2) : x < 1000 ? x.toFixed(0) : x.toLocaleString('en', { maximumFractionDigits: 0 });
const bytes = (n: number | undefined): string =>
  n === undefined ? '' : n < 10_000 ? `${n} B` : n < 1e7 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(0)} MB`;

/** Said wherever figures of a software driver are shown. */
export const softwareWarning = `
*** This is a SOFTWARE driver: the processor plays the GPU.                 ***
*** Times, GFLOP/s and shares of it say NOTHING about speed on a GPU.       ***
*** Dispatches and bytes are those of any GPU with the same features.       ***`;

export function printMachine(m: Machine): void {
  const name = m.description || m.device || 'unnamed';
  console.log(
    `adapter: ${name} (vendor ${m.vendor || '?'}, architecture ${m.architecture || '?'}, device ${m.device || '?'})`,
  );
  console.log(`features: ${m.features.join(', ')}`);
  console.log(
    `limits: ${Object.entries(m.limits)
      .map(([k, v]) => `${k} ${v}`)
      .join(', ')}`,
  );
  if (m.software) console.log(softwareWarning);
}

export function printPeak(p: Peak): void {
  const half = p.halfGflops === undefined ? 'no shader-f16' : `float16 ${number(p.halfGflops)} GFLOP/s`;
  console.log(
    `\nmeasured peak: float32 ${number(p.gflops)} GFLOP/s, ${half}, copying ${number(p.gbs)} GB/s (${bytes(p.copied)})`,
  );
}

/** The least time that arithmetic and memory allow, over the measured one: the roofline model. */
function shares(r: CaseResult, ms: number, peak: Peak): [string, string] {
  const compute = r.flops / peak.gflops / 1e6;
  const memory = r.bytes / peak.gbs / 1e6;
  const percent = (x: number) => `${((100 * x) / ms).toFixed(1)} %`;
  return [percent(compute), percent(Math.max(compute, memory))];
}

function row(r: CaseResult, e: EngineResult, peak: Peak): string[] {
  const { dispatches, argumentBytes, inputBytes, outputBytes, encodeMs } = e.notes ?? {};
  const costs = [
    dispatches === undefined ? '' : String(dispatches),
    bytes(argumentBytes),
    bytes(inputBytes),
    bytes(outputBytes),
    encodeMs === undefined ? '' : timeText(encodeMs),
  ];
  if (!e.timing) {
    const why = e.skipped ?? `WRONG: error ${e.error?.toExponential(1)}, not timed`;
    return [r.case, e.engine, why, '', '', '', ...costs, ''];
  }
  const ms = e.timing.median;
  const error = e.error === undefined ? '' : e.error.toExponential(0);
  return [r.case, e.engine, timeText(ms), number(r.flops / ms / 1e6), ...shares(r, ms, peak), ...costs, error];
}

/** All cases of a group. */
export function printCases(title: string, results: readonly CaseResult[], peak: Peak): void {
  const table = textTable(
    [
      title,
      'engine',
      'median',
      'GFLOP/s',
      'of peak',
      'of roofline',
      'dispatches',
      'arguments',
      'inputs',
      'results',
      'call, CPU',
      'error',
    ],
    [1],
  );
  for (const r of results) for (const e of r.engines) table.push(row(r, e, peak));
  console.log(`\n${table.toString()}`);
}
