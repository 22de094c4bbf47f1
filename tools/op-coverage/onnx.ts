// The tables of docs/onnx.md: operators that are read, and operations that are written; with the reason for each no.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exported } from '../../frontends/onnx/export/index.ts';
import { structure } from '../../frontends/onnx/export/structure.ts';
import { operators } from '../../frontends/onnx/operators/index.ts';
import { reasons } from '../../frontends/onnx/operators/unsupported.ts';
import { allOps, type OpDef } from '../../ir/op.ts';

const begin = '<!-- written by `npm run op-coverage -- --write`; do not edit below -->';
const row = (cells: readonly string[]): string => `| ${cells.map((c) => c.replaceAll('|', '\\|')).join(' | ')} |`;
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

/** Names of ONNX's own operators by domain, as its specification lists them. */
function listed(root: string): { version: number; names: Map<string, string[]> } {
  const text = readFileSync(join(root, 'tools/op-coverage/onnx-names.json'), 'utf8');
  const { version, ...domains } = JSON.parse(text) as { version: number } & Record<string, string>;
  return { version, names: new Map(Object.entries(domains).map(([d, list]) => [d, list.split(' ')])) };
}

const key = (domain: string) => (domain === 'ai.onnx' ? '' : domain);
/** What is said of an operator that is read. */
function said(domain: string, op: string): string | undefined {
  const own = operators.filter((o) => o.domain === key(domain) && o.op === op);
  if (own.length === 0) return undefined;
  return own.some((o) => o.dynamic)
    ? 'yes; its shape depends on elements, so a model with it runs node by node'
    : 'yes';
}

/** Operators of ONNX that are neither read nor have a reason; and reasons for what is read. */
export function gaps(root: string): { missing: string[]; stale: string[] } {
  const all = [...listed(root).names].flatMap(([d, list]) => list.map((op) => ({ d, op, why: reasons[key(d)]?.[op] })));
  return {
    missing: all.filter(({ d, op, why }) => !said(d, op) && !why).map(({ d, op }) => `${d}.${op}`),
    stale: all.filter(({ d, op, why }) => said(d, op) && why).map(({ d, op }) => `${d}.${op}`),
  };
}

function importTable(root: string): string {
  const rows = [...listed(root).names].flatMap(([domain, list]) =>
    list.map((op) => [domain, `\`${op}\``, said(domain, op) ?? `no: ${reasons[key(domain)]?.[op]}`]),
  );
  const others = operators.filter(
    (o) =>
      !listed(root)
        .names.get(o.domain || 'ai.onnx')
        ?.includes(o.op),
  );
  const more = [...new Set(others.map((o) => `${o.domain || 'ai.onnx'} ${o.op}`))].sort().map((k) => {
    const [domain, op] = k.split(' ');
    return [domain, `\`${op}\``, said(domain, op) ?? ''];
  });
  return table(['set', 'operator', 'read'], [...rows, ...more]);
}

/** Why an operation of the IR is not written, or undefined. */
function refusal(op: OpDef): string | undefined {
  if (!exported(op.name)) return undefined;
  const writer = structure[op.name];
  try {
    writer?.(undefined as never, { op } as never, []);
  } catch (e) {
    return /has no equivalent of '\w+': (.*)/.exec((e as Error).message)?.[1];
  }
  return undefined;
}
function exportTable(): string {
  const ops = [...allOps()].sort((a, b) => a.name.localeCompare(b.name));
  const how = (op: OpDef) => {
    const no = refusal(op);
    if (no) return `no: ${no}`;
    return exported(op.name) ? 'yes' : 'as what it expands to';
  };
  return table(
    ['operation', 'written'],
    ops.map((op) => [`\`${op.name}\``, how(op)]),
  );
}

/** docs/onnx.md with its tables made anew. */
export function onnxPage(root: string, page: string): string {
  const { version } = listed(root);
  return `${page.slice(0, page.indexOf(begin))}${begin}

## Operators that are read

Those of operator set ${version}, and what ONNX Runtime adds (com.microsoft).

${importTable(root)}

## Operations that are written

${exportTable()}
`;
}
