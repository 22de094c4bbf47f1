// Writes test/onnx/golden.json: what ONNX Runtime computes for the cases of test/onnx/cases. Run in the project's folder:
//   node bench/src/golden/onnx.mjs
// Cases that say themselves what they expect are left out; those that ONNX Runtime refuses are printed.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import ort from 'onnxruntime-node';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'onnx-golden-'));
const outfile = join(folder, 'cases.mjs');
await build({
  stdin: {
    contents: `export { allCases } from './test/onnx/cases/index.ts'; export * from './test/onnx/build.ts';`,
    resolveDir: root,
    loader: 'ts',
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile,
});
const { allCases, caseKey, givenInputs, modelOfCase } = await import(pathToFileURL(outfile).href);

const arrays = {
  float: Float32Array,
  double: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};
const names = { float: 'float32', double: 'float64' };
const tensor = ({ data, values }) =>
  data.type === 'int64'
    ? new ort.Tensor('int64', BigInt64Array.from(values.map(BigInt)), data.shape)
    : new ort.Tensor(names[data.type] ?? data.type, arrays[data.type].from(values), data.shape);

const golden = {};
let refused = 0;
for (const c of allCases) {
  if (c.want) continue;
  const key = caseKey(c);
  if (golden[key]) throw new Error(`two cases are called '${key}'`);
  try {
    const session = await ort.InferenceSession.create(modelOfCase(c), {
      logSeverityLevel: 4,
      graphOptimizationLevel: 'disabled',
    });
    const out = await session.run(Object.fromEntries(givenInputs(c).map((x) => [x.name, tensor(x)])));
    golden[key] = session.outputNames.map((n) => ({
      shape: [...out[n].dims],
      // Numbers that JSON has not are texts.
      data: Array.from(out[n].data, (x) => (Number.isFinite(Number(x)) ? Number(Number(x).toPrecision(9)) : String(x))),
    }));
  } catch (e) {
    refused++;
    console.log(`${key}: ${e.message.split('\n')[0].slice(0, 300)}`);
  }
}
const lines = Object.entries(golden).map(([k, v]) => `${JSON.stringify(k)}: ${JSON.stringify(v)}`);
await writeFile(join(root, 'test/onnx/golden.json'), `{\n${lines.join(',\n')}\n}\n`);
await rm(folder, { recursive: true });
console.log(`${lines.length} cases written, ${refused} refused`);
