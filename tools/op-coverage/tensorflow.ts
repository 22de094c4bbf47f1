// The tables of docs/tensorflow.md: operations of TensorFlow's graphs, and the reason for each that is not there.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operator } from '../../frontends/tensorflow/call.ts';
import { leftOut } from '../../frontends/tensorflow/left-out.ts';
import { families, isSupported, whyNot } from '../../frontends/tensorflow/operators.ts';

const begin = '<!-- written by `npm run op-coverage -- --write`; do not edit below -->';
const row = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/** The operations that TensorFlow.js's converter knows, by its own families. */
function listed(root: string): { version: string; names: string[] } {
  const text = readFileSync(join(root, 'tools/op-coverage/tfjs-graph-ops.json'), 'utf8');
  const { version, ...lists } = JSON.parse(text) as Record<string, string>;
  return { version, names: Object.values(lists).flatMap((list) => list.split(' ')) };
}

const plain = leftOut.flatMap((l) => l.names).filter((name) => !name.endsWith('*'));

/** Operations of TensorFlow.js that are neither there nor have a reason; and reasons for what is there. */
export function tensorflowGaps(root: string): { missing: string[]; stale: string[] } {
  const { names } = listed(root);
  return {
    missing: names.filter((name) => !isSupported(name) && whyNot(name) === 'it is not known here'),
    stale: plain.filter(isSupported),
  };
}

function said(o: Operator): string {
  const notes = [
    ...(o.dynamic ? ['its shape depends on elements, so a model with it runs node by node'] : []),
    ...(o.limit ? [o.limit] : []),
  ];
  return ['yes', ...notes].join('; ');
}

function supportedTable(): string {
  const rows = Object.entries(families).flatMap(([family, all]) =>
    Object.keys(all)
      .sort()
      .map((name) => [family, `\`${name}\``, said(all[name])]),
  );
  return table(['family', 'operation', 'supported'], rows);
}

function leftOutTable(): string {
  return table(
    ['operations', 'supported'],
    leftOut.map(({ names, reason }) => [names.map((n) => `\`${n}\``).join(', '), `no: ${reason}`]),
  );
}

/** docs/tensorflow.md with its tables made anew. */
export function tensorflowPage(root: string, page: string): string {
  const { version, names } = listed(root);
  const there = names.filter(isSupported).length;
  return `${page.slice(0, page.indexOf(begin))}${begin}

## Operations

Of the ${names.length} operations that TensorFlow.js ${version} reads, ${there} are supported, and others of TensorFlow beside.

${supportedTable()}

## Operations that are not supported

A name with \`*\` stands for all that begin so. What is in neither table is refused when a model is loaded, by name.

${leftOutTable()}
`;
}
