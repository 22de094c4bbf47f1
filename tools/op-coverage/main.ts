// `npm run op-coverage`: what of TensorFlow.js is covered, left out (and why), or missing. Exits with 1
// where something is missing, or a reason stands for what is covered by now.
//   --write   writes docs/ops.md and the tables of docs/onnx.md and docs/tensorflow.md as well
//   --names   first reads the names anew from the TensorFlow.js that the benchmarks install

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusedOnGpu } from './gpu.ts';
import { writeNames } from './names.ts';
import { onnxGaps, onnxPage } from './onnx.ts';
import { page } from './page.ts';
import { compare } from './surface.ts';
import { tensorflowGaps, tensorflowPage } from './tensorflow.ts';

const root = process.cwd();
const has = (flag: string): boolean => process.argv.includes(flag);

if (has('--names')) writeNames(root);
const { version, entries, stale } = compare(root);
const of = (state: string) => entries.filter((e) => e.state === state);

console.log(`TensorFlow.js ${version}: ${entries.length} names`);
console.log(`  covered   ${of('covered').length}`);
console.log(`  left out  ${of('left out').length}`);
const reasons = new Map<string, number>();
for (const { reason } of of('left out')) reasons.set(reason as string, (reasons.get(reason as string) ?? 0) + 1);
for (const [reason, n] of reasons) console.log(`    ${String(n).padStart(4)}  ${reason}`);
console.log(`  missing   ${of('missing').length}`);
for (const { name } of of('missing')) console.log(`    ${name}`);
if (stale.length)
  console.log(`  left out without need (remove from tools/op-coverage/left-out.ts): ${stale.join(', ')}`);

/** Pages with tables of the operators of other systems, and what is missing there. */
const systems = [
  { name: 'ONNX', file: 'onnx.md', gaps: onnxGaps(root), page: onnxPage },
  { name: 'TensorFlow', file: 'tensorflow.md', gaps: tensorflowGaps(root), page: tensorflowPage },
];
for (const { name, gaps } of systems)
  console.log(`${name}: ${gaps.missing.length} operators without a reason ${gaps.missing.join(', ')}`);

if (has('--write')) {
  writeFileSync(join(root, 'docs', 'ops.md'), page(version, entries, refusedOnGpu()));
  for (const { file, page: anew } of systems) {
    const path = join(root, 'docs', file);
    writeFileSync(path, anew(root, readFileSync(path, 'utf8')));
  }
}
const wrong = systems.some(({ gaps }) => gaps.missing.length || gaps.stale.length);
if (of('missing').length || stale.length || wrong) process.exitCode = 1;
