// `npm run accuracy`: measures the elementary functions over the whole float range, prints the table
// and writes docs/accuracy.md. ACCURACY_STEP=n takes every n-th float (default 1009).

import './relaxed-simd.ts';
import { writeFileSync } from 'node:fs';
import { measureAll, type Row } from './measure.ts';
import type { Worst } from './ulp.ts';

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

- sin, cos and tan reduce the angle with pi/2 in four parts. Beyond |x| = 10,000 the angle loses digits
  (half of them at 10^5), and beyond 6·10^6 nothing of it is left: the result then is some number in range,
  never NaN.
- pow carries log2(x) in two floats. Its error grows with the exponent y·log2(x): below 2 ulp for results
  between 1e-10 and 1e10, up to the bound at the ends of the float range.
- The sign of a zero result is not counted as an error.
- Operations that are one instruction (add, mul, div, sqrt, floor …) round correctly.
`,
);
