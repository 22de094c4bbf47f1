// docs/ops.md: every operation of the IR, and every name of TensorFlow.js.

import { allOps, type OpDef } from '../../ir/op.ts';
import type { Refusal } from './gpu.ts';
import type { Entry } from './surface.ts';
import { table } from './table.ts';

function gradient(op: OpDef): string {
  if (op.grad === 'expand') return "its parts'";
  return typeof op.grad === 'function' ? 'yes' : `no: ${op.grad.none}`;
}

/** Operations whose operands no sample can hold have tests of their own. */
const tested = (op: OpDef): string => (op.samples.length ? String(op.samples.length) : 'by hand');

function opTable(): string {
  const ops = [...allOps()].sort((a, b) => a.name.localeCompare(b.name));
  return table(
    ['operation', 'kind', 'what it gives', 'gradient', 'targets', 'samples'],
    ops.map((op) => [`\`${op.name}\``, op.kind, op.doc, gradient(op), 'wasm, webgpu, reference', tested(op)]),
  );
}

/** What the webgpu target refuses, in words; float64 alone is what it should. */
function refusedText(refused: readonly Refusal[]): string {
  const doubles = refused.filter((r) => r.dtype === 'f64').length;
  const others = refused.filter((r) => r.dtype !== 'f64').map((r) => `- \`${r.op}\` in ${r.dtype}`);
  return `WGSL has no 64-bit floats: \`target: 'webgpu'\` refuses every value of float64, with a CompileError that names the
operation. That concerns ${doubles} of the operations above, in float64 only. Beside them it refuses ${others.length ? `\n\n${others.join('\n')}` : 'nothing.'}`;
}

const label = (e: Entry): string => (e.state === 'left out' ? `left out: ${e.reason}` : e.state);

/** The page's text. */
export function page(version: string, entries: readonly Entry[], refused: readonly Refusal[]): string {
  const count = (state: Entry['state']) => entries.filter((e) => e.state === state).length;
  return `# Operations

Written by \`npm run op-coverage -- --write\`; do not edit.

## Operations of the graph IR

One record each in \`ir/ops/\` ([add an op](add-an-op.md)). A composite expands to other operations before
it is compiled; an operation with the gradient "its parts'" is differentiated through its expansion. Each
sample is a test of the compiled operation against its definition, of the gradient where it has one, and
of the expansion.

${opTable()}

## What GPUs do not run

${refusedText(refused)}

## Names of TensorFlow.js ${version}

${count('covered')} covered, ${count('left out')} left out, ${count('missing')} missing.

${table(
  ['name', 'state'],
  entries.map((e) => [`\`${e.name}\``, label(e)]),
)}
`;
}
