// `npm run accuracy`: measures the elementary functions over the whole float range, prints the table
// and writes docs/accuracy.md. ACCURACY_STEP=n takes every n-th float (default 1009).

import './relaxed-simd.ts';
import { writeFileSync } from 'node:fs';
import { measureAll, type Row } from './measure.ts';
import type { Worst } from './ulp.ts';
import { bounds64, measure64 } from './ulp64.ts';

const step = Number(process.env.ACCURACY_STEP ?? 1009);
const pairs = 2_000_000;

const at = (w: Worst) => w.at.map((x) => Number(x.toPrecision(7))).join(', ');
const cells = (r: Row): string[] => [
  r.name,
  r.range,
  r.relaxed.ulp.toFixed(2),
  at(r.relaxed),
  r.baseline.ulp.toFixed(2),
  at(r.baseline),
  String(r.bound),
];
const line = (c: readonly string[]) => `| ${c.join(' | ')} |`;

const rows = await measureAll(step, pairs, (r) => {
  const over = Math.max(r.relaxed.ulp, r.baseline.ulp) > r.bound ? '  OVER ITS BOUND' : '';
  console.log(
    `${r.name.padEnd(9)} ${r.range.padEnd(32)} relaxed ${r.relaxed.ulp.toFixed(3)}  baseline ${r.baseline.ulp.toFixed(3)}  bound ${r.bound}${over}`,
  );
});

const samples64 = 20_000;
const lines64: string[] = [];
for (const u of bounds64) {
  const w = await measure64(u, samples64);
  const over = w.ulp > u.bound ? '  OVER ITS BOUND' : '';
  console.log(`${u.name.padEnd(9)} ${u.dtype} ${u.label.padEnd(28)} ${w.ulp.toFixed(3)}  bound ${u.bound}${over}`);
  lines64.push(
    line([u.name, u.dtype, u.label + (u.absolute ? ' \\*' : ''), w.ulp.toFixed(2), w.at.join(', '), String(u.bound)]),
  );
}

const samples = rows.reduce((n, r) => n + r.relaxed.samples, 0);
const head = ['function', 'inputs', 'relaxed', 'worst at', 'baseline', 'worst at', 'bound'];
writeFileSync(
  'docs/accuracy.md',
  `# Accuracy of the elementary functions

Written by \`npm run accuracy\`; do not edit. The compiled float32 functions (\`ir/kernel/math.ts\`) against
float64: the largest error in units in the last place (ulp) of the exact result, where 0.5 is correct
rounding. Every ${step}th of the 2^32 float32 bit patterns, denormals, infinities and NaN included, 400
neighbours of each point where a formula changes, and ${pairs.toLocaleString('en')} random pairs a set for two operands:
${samples.toLocaleString('en')} samples.

*relaxed* uses the engine's fused multiply-add, *baseline* (\`deterministic: true\`, and scalar loop
remainders) multiplies and adds. \`test/accuracy\` asserts the bounds of the last column
(\`tools/bounds.ts\`).

${line(head)}
${line(head.map(() => '---'))}
${rows.map((r) => line(cells(r))).join('\n')}

- sin, cos and tan reduce the angle with pi/2 in four parts, which are exact up to abs(x) = 10,000. Lanes
  with a larger angle call the float64 function.
- pow carries log2(x) in two floats. Its error grows with the exponent y·log2(x): at most 1.4 ulp was
  measured for results between 1e-10 and 1e10, the rest at the ends of the float range.
- Operations that are one instruction (add, mul, div, sqrt, floor …) round correctly.

## float64

The compiled float64 functions (\`ir/kernel/math64.ts\`, \`trig64.ts\`, \`gamma64.ts\`), and those of float32 that
compute in float64, against arithmetic of 256 bits (\`tools/bigfloat.ts\`), on ${samples64.toLocaleString('en')} random inputs
a row. They use no fused multiply-add: their bits are the same on every engine.

${line(['function', 'dtype', 'inputs', 'error', 'worst at', 'bound'])}
${line(['---', '---', '---', '---', '---', '---'])}
${lines64.join('\n')}

\\* Errors in ulp of the result, or of 1 where that is larger: between the poles below 0 the functions have
zeros, near which only the absolute error is small.

- Angles from 10^5 on are multiplied by as many bits of 2/pi as their exponent asks for (Payne, Hanek), so
  every finite angle has its correct sine.
- pow carries log x in two doubles.
`,
);
