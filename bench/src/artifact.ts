// The perceptron built ahead of time: sizes of what ships, and the time from loading it to its first result.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { builtModule, notBuilt } from './built.ts';
import { cases } from './cases/index.ts';
import type { Extra } from './extras.ts';
import { median } from './measure.ts';
import { timeText } from './report.ts';
import { textTable } from './table.ts';

type Sinter = typeof import('../../frontends/index.ts');

const gzip = (b: Uint8Array): number => gzipSync(b, { level: 9 }).length;

/** Builds the perceptron into a folder, for one batch size or several. */
async function build(folder: string, batch: number | [number, number]): Promise<void> {
  const tf = (await import(builtModule('bundle/index.js').href)) as Sinter;
  const operands = cases.find((c) => c.name === 'mlp-1')?.operands();
  if (!operands) throw new Error('the case mlp-1 is gone');
  const w = Object.fromEntries(
    Object.entries(operands).map(([k, v]) => [k, tf.tensor(v.data as Float32Array, v.shape as number[])]),
  );
  const layer = (h: InstanceType<Sinter['Tensor']>, i: number) => tf.add(tf.matMul(h, w[`w${i}`]), w[`b${i}`]);
  const fn = (x: InstanceType<Sinter['Tensor']>) => layer(tf.relu(layer(tf.relu(layer(x, 0)), 1)), 2);
  const inputs = [tf.spec([null, 784])];
  const built = await tf.buildArtifact({ predict: { fn: fn as never, inputs } }, { batch, details: false });
  await built.write(folder);
}

/** Everything in the artifact but its weights. */
function sizesOf(folder: string): { code: number; runtime: number } {
  const file = readFileSync(join(folder, 'model.sinter'));
  const runtime = readFileSync(join(folder, 'sinter-runtime.js'));
  const header = Math.ceil((file.readUInt32LE(0) + 8) / 64) * 64;
  const rest: Buffer[] = [file.subarray(0, header)];
  // Code is found by what every module begins with; weights lie between and behind.
  for (let at = file.indexOf('\0asm', 0, 'latin1'); at >= 0; at = file.indexOf('\0asm', at + 4, 'latin1')) {
    const bytes = file.subarray(at);
    for (let end = 64; end <= bytes.length; end += 64) {
      const part = trimmed(bytes.subarray(0, end));
      if (!WebAssembly.validate(part as BufferSource)) continue;
      rest.push(Buffer.from(part));
      break;
    }
  }
  return { code: gzip(Buffer.concat(rest)), runtime: gzip(runtime) };
}

/** Without the zeros that fill up to the next part; a module of them at its end would not be valid. */
function trimmed(b: Uint8Array): Uint8Array {
  let n = b.length;
  while (n > 0 && b[n - 1] === 0) n--;
  return b.subarray(0, n);
}

export const artifact: Extra = {
  name: 'artifact',
  about: 'the perceptron built ahead of time: sizes, and load to first result',
  async run({ quick }) {
    const missing = notBuilt('embed/sinter-runtime.js');
    if (missing) {
      console.log(`  ${missing}`);
      return {};
    }
    const program = fileURLToPath(new URL('./start/artifact.mjs', import.meta.url));
    const table = textTable(['batch', 'code and header, gzip', 'runtime, gzip', 'load to result, median', 'min']);
    const figures: Record<string, unknown> = {};
    for (const batch of [1, [1, 64]] as const) {
      const folder = mkdtempSync(join(tmpdir(), 'sinter-artifact-'));
      try {
        await build(folder, batch as number);
        const { code, runtime } = sizesOf(folder);
        const times = Array.from({ length: quick ? 7 : 21 }, () =>
          Number.parseFloat(execFileSync(process.execPath, [program, folder], { encoding: 'utf8' })),
        ).slice(1);
        const label = typeof batch === 'number' ? String(batch) : '1 to 64';
        figures[label] = { code, runtime, median: median(times), rounds: times };
        table.push([label, `${code} B`, `${runtime} B`, timeText(median(times)), timeText(Math.min(...times))]);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    console.log(table.toString());
    return figures;
  },
};
