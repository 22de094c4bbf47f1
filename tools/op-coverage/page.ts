// docs/ops.md: every operation of the IR, and every name of TensorFlow.js.

import { allOps, type OpDef } from '../../ir/op.ts';
import type { Entry } from './surface.ts';

const row = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

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
    ops.map((op) => [`\`${op.name}\``, op.kind, op.doc, gradient(op), 'wasm, reference', tested(op)]),
  );
}

const label = (e: Entry): string => (e.state === 'left out' ? `left out: ${e.reason}` : e.state);

/** The page's text. */
export function page(version: string, entries: readonly Entry[]): string {
  const count = (state: Entry['state']) => entries.filter((e) => e.state === state).length;
  return `# Operations

Written by \`npm run op-coverage -- --write\`; do not edit.

## Operations of the graph IR

One record each in \`ir/ops/\` ([add an op](add-an-op.md)). A composite expands to other operations before
it is compiled; an operation with the gradient "its parts'" is differentiated through its expansion. Each
sample is a test of the compiled operation against its definition, of the gradient where it has one, and
of the expansion.

${opTable()}

## Names of TensorFlow.js ${version}

${count('covered')} covered, ${count('left out')} left out, ${count('missing')} missing.

${table(
  ['name', 'state'],
  entries.map((e) => [`\`${e.name}\``, label(e)]),
)}
`;
}
