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

- sin, cos and tan reduce the angle with pi/2 in four parts, which are exact up to abs(x) = 10,000. Beyond,
  measured once on every 101st float: the absolute error of sin and cos stays below 1e-6 up to 10^5; up to
  10^6 it is 1e-6 relaxed and 0.04 baseline, and beyond 3·10^6 nothing of the angle is left. Every finite
  angle gives a finite result, sin and cos one within [-1, 1].
- pow carries log2(x) in two floats. Its error grows with the exponent y·log2(x): at most 1.4 ulp was
  measured for results between 1e-10 and 1e10, the rest at the ends of the float range.
- The sign of a zero result is not counted as an error.
- Operations that are one instruction (add, mul, div, sqrt, floor …) round correctly.
`,
);
