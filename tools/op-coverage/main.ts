// `npm run op-coverage`: what of TensorFlow.js is covered, left out (and why), or missing. Exits with 1
// where something is missing, or a reason stands for what is covered by now.
//   --write   writes docs/ops.md and the tables of docs/onnx.md and docs/tensorflow.md as well
//   --names   first reads the names anew from the TensorFlow.js that the benchmarks install

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { refusedOnGpu } from './gpu.ts';
import { writeNames } from './names.ts';
import { gaps as onnxGaps, onnxPage } from './onnx.ts';
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

const formats = [
  { name: 'ONNX', file: 'onnx.md', found: onnxGaps(root), page: onnxPage },
  { name: 'TensorFlow', file: 'tensorflow.md', found: tensorflowGaps(root), page: tensorflowPage },
];
for (const { name, found } of formats)
  console.log(`${name}: ${found.missing.length} operators without a reason ${found.missing.join(', ')}`);

if (has('--write')) {
  writeFileSync(join(root, 'docs', 'ops.md'), page(version, entries, refusedOnGpu()));
  for (const f of formats) {
    const file = join(root, 'docs', f.file);
    writeFileSync(file, f.page(root, readFileSync(file, 'utf8')));
  }
}
const open = formats.some(({ found }) => found.missing.length || found.stale.length);
if (of('missing').length || stale.length || open) process.exitCode = 1;
