// `npm run golden` in bench/: computes golden.json in float64. Of every training case the losses of the
// first Adam steps, by reverse-mode differentiation of the reference operations; of inference cases
// whose reference takes long, the result. Nothing is shared with any engine that is compared to it.

import { writeFileSync } from 'node:fs';
import { adam, type Case, checkedSteps, size } from '../case.ts';
import { cases } from '../cases/index.ts';
import { reference } from '../reference/index.ts';
import { Basics } from './basics.ts';
import { tapeOps } from './ops.ts';
import type { Node } from './tape.ts';

/** The losses before each of the first Adam steps. */
function losses(c: Case): number[] {
  const operands = c.operands();
  const weights = Object.entries(operands)
    .filter(([, v]) => v.role === 'weight')
    .map(([name, v]) => {
      const n = size(v.shape);
      return { name, shape: v.shape, w: Float64Array.from(v.data), m: new Float64Array(n), v: new Float64Array(n) };
    });
  const out: number[] = [];
  for (let step = 1; step <= checkedSteps; step++) {
    const tape = new Basics();
    const nodes: Record<string, Node> = {};
    for (const [k, v] of Object.entries(operands))
      nodes[k] = tape.leaf({ shape: v.shape, data: Float64Array.from(v.data) });
    for (const w of weights) nodes[w.name] = tape.leaf({ shape: w.shape, data: w.w });
    const loss = c.build(tapeOps(tape), nodes);
    out.push(loss.value.data[0]);
    tape.backward(loss);
    for (const w of weights)
      for (let i = 0; i < w.w.length; i++) {
        const g = nodes[w.name].grad[i];
        w.m[i] += (1 - adam.beta1) * (g - w.m[i]);
        w.v[i] += (1 - adam.beta2) * (g * g - w.v[i]);
        const m = w.m[i] / (1 - adam.beta1 ** step);
        w.w[i] -= (adam.rate * m) / (Math.sqrt(w.v[i] / (1 - adam.beta2 ** step)) + adam.epsilon);
      }
  }
  return out;
}

/** The result of an inference case, to nine digits: a hundred times finer than what is compared to it. */
function result(c: Case): number[] {
  const exact = Object.entries(c.operands()).map(([k, v]) => [k, { shape: v.shape, data: Float64Array.from(v.data) }]);
  return Array.from(c.build(reference, Object.fromEntries(exact)).data, (v) => Number(v.toPrecision(9)));
}

const stored = cases.filter((c) => c.kind === 'train' || c.storedReference);
const lines = stored.map((c) => {
  const numbers = c.kind === 'train' ? losses(c) : result(c);
  console.log(c.name, numbers.slice(0, checkedSteps).join(' '));
  return `  ${JSON.stringify(c.name)}: ${JSON.stringify(numbers)}`;
});
writeFileSync(new URL('../../golden.json', import.meta.url), `{\n${lines.join(',\n')}\n}\n`);
