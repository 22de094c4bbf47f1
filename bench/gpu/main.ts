// The GPU benchmark: `npm run bench -- --gpu [options]`, or `node bench/gpu/run.mjs`. Options:
//   --case a,b     only these models or products (`*` stands for anything); none at all: `--case -`
//   --sizes a,b    sides of the matrices (1024,2048,4096,8192; of a software driver 128,256)
//   --peers        jax-js and ONNX Runtime on the same GPU too
//   --software     on the software driver of the tests: to see that this works where there is no GPU
//   --quick        fewer and shorter rounds
//   --json FILE    where the figures go (default bench/results/gpu.json)

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gpuEngineNames } from '../src/adapter.ts';
import { runInChild } from '../src/child.ts';
import { type Choice, measureGpu } from './measure.ts';

const split = (text: string): string[] => text.split(',').filter(Boolean);

function chosen(): { choice: Choice; json: string } {
  const { values } = parseArgs({
    options: {
      gpu: { type: 'boolean' },
      software: { type: 'boolean' },
      case: { type: 'string' },
      sizes: { type: 'string' },
      peers: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'string', default: 'bench/results/gpu.json' },
    },
  });
  const choice: Choice = {
    engines: values.peers ? gpuEngineNames : ['sinter-webgpu'],
    quick: values.quick,
    ...(values.case === undefined ? {} : { cases: split(values.case) }),
    ...(values.sizes === undefined ? {} : { sizes: split(values.sizes) }),
  };
  return { choice, json: values.json };
}

try {
  const { choice, json } = chosen();
  const figures = await measureGpu(choice, runInChild);
  const file = resolve(json);
  mkdirSync(dirname(file), { recursive: true });
  const head = { node: process.versions.node, date: new Date().toISOString(), quick: choice.quick };
  writeFileSync(file, `${JSON.stringify({ ...head, ...figures }, null, 1)}\n`);
  console.log(`\nwritten: ${json}`);
  if (figures.failed > 0) process.exitCode = 1;
} catch (e) {
  console.error(`bench: ${e instanceof Error ? e.message : e}`);
  process.exitCode = 2;
}
// Dawn keeps the process alive.
process.exit();
