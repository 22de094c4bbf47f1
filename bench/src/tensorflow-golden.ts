// What TensorFlow.js gives for the cases of test/tensorflow, written into test/tensorflow/golden.json:
//   npx esbuild src/tensorflow-golden.ts --bundle --platform=node --format=esm --packages=external --outfile=golden.mjs
//   node golden.mjs

import { writeFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { modelOf, nameOf } from '../../test/tensorflow/case.ts';
import { cases } from '../../test/tensorflow/cases.ts';

await tf.setBackend('cpu');
const dynamic = new Set([
  'NonMaxSuppressionV2',
  'NonMaxSuppressionV3',
  'NonMaxSuppressionV4',
  'NonMaxSuppressionV5',
  'Where',
  'Unique',
  'UniqueV2',
  'ListDiff',
  'SparseReshape',
]);
console.warn = () => undefined;
const golden: Record<string, { shape: number[]; values: number[] }[]> = {};
for (const c of cases.filter((x) => !x.want)) {
  const parts = modelOf(c);
  const model = await tf.loadGraphModel(tf.io.fromMemory(parts as unknown as tf.io.ModelArtifacts));
  const feeds = Object.fromEntries(
    c.inputs.flatMap((x, i) =>
      x.constant ? [] : [[`in${i}`, tf.tensor([...x.values], [...x.shape], x.dtype)] as const],
    ),
  );
  const names = Array.from({ length: c.outputs ?? 1 }, (_, k) => `op:${k}`);
  try {
    const out = await (dynamic.has(c.op) ? model.executeAsync(feeds, names) : model.execute(feeds, names));
    const list = Array.isArray(out) ? out : [out];
    golden[nameOf(c)] = list.map((t) => ({
      shape: t.shape,
      values: Array.from(t.dataSync(), (x) => Number(x.toPrecision(9))),
    }));
  } catch (e) {
    console.error(`${c.op}: ${(e as Error).message.slice(0, 300)}`);
    process.exitCode = 1;
  }
}
writeFileSync('test/tensorflow/golden.json', `${JSON.stringify(golden)}\n`);
