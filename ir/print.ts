// Graph text. Printing renumbers values densely, sorts attributes, writes splat operands in place
// and names large constants by hash, so that parse(print(g)) prints the same text again.

import { type AttrValue, Graph, type Node, type Value } from './graph.ts';
import { Literal } from './literal.ts';
import { type Dim, dimText, type TensorType, typeEq, typeText } from './types.ts';

/** Constants of more elements than this are printed as `#hash`. */
export const inlineLimit = 16;

export function numText(x: number): string {
  if (Number.isNaN(x)) return 'nan';
  if (x === Infinity) return 'inf';
  if (x === -Infinity) return '-inf';
  return Object.is(x, -0) ? '-0' : String(x);
}

function literalText(l: Literal): string {
  if (l.splat !== undefined) return numText(l.splat);
  const data = l.data as ArrayLike<number>;
  if (data.length > inlineLimit) return `#${l.hash}`;
  return `[${Array.from(data, numText).join(',')}]`;
}

function attrText(v: AttrValue): string {
  if (v instanceof Literal) return literalText(v);
  if (typeof v === 'number') return numText(v);
  if (typeof v === 'string') return /^(?!(?:true|false|nan|inf)$)[A-Za-z_]\w*$/.test(v) ? v : JSON.stringify(v);
  if (typeof v === 'boolean') return String(v);
  return listText(v as readonly unknown[]);
}
const listText = (v: readonly unknown[]): string =>
  `[${v.map((x) => (Array.isArray(x) ? listText(x) : typeof x === 'object' ? dimText(x as Dim) : numText(x as number))).join(',')}]`;

/** The literal that may stand in place of the operand: a splat constant among same-typed operands. */
function inlineSplat(n: Node, i: number): string | undefined {
  const group = n.op.sameType;
  if (!group?.includes(i)) return undefined;
  const v = n.inputs[i];
  const lit = splatOf(v);
  if (lit === undefined) return undefined;
  const other = group.some((j) => splatOf(n.inputs[j]) === undefined && typeEq(n.inputs[j].type, v.type));
  return other ? numText(lit) : undefined;
}
function splatOf(v: Value): number | undefined {
  if (v.node?.op.name !== 'constant') return undefined;
  return (v.node.attrs.value as Literal).splat;
}

export interface PrintOptions {
  /** Indentation of the whole text. */
  indent?: string;
  /** Text to append to a node's line, as a comment. */
  comment?: (n: Node) => string | undefined;
  /** Text of lines to put under a node (errors). */
  under?: (n: Node) => readonly string[];
}

export function printGraph(g: Graph, opt: PrintOptions = {}, head = 'func'): string {
  const ind = opt.indent ?? '';
  const name = new Map<number, string>();
  for (const p of g.params) name.set(p.id, `%${p.name}`);
  // A constant that is only ever printed in place needs no line and no number.
  const shown = new Set<Value>(g.results);
  for (const n of g.nodes) n.inputs.forEach((v, i) => inlineSplat(n, i) === undefined && shown.add(v));
  let next = 0;
  const lines: string[] = [];
  const params = g.params.map((p) => `%${p.name}: ${typeText(p.type)}`).join(', ');
  const out = typesText(g.results.map((r) => r.type));
  lines.push(`${ind}${head} @${g.name}(${params}) -> ${out} {`);
  for (const n of g.nodes) {
    if (n.op.name === 'constant' && !shown.has(n.outputs[0])) continue;
    for (const o of n.outputs) name.set(o.id, `%${next++}`);
    lines.push(`${ind}  ${nodeText(n, name, opt, ind)}`);
    for (const u of opt.under?.(n) ?? []) lines.push(`${ind}  ${u}`);
  }
  lines.push(`${ind}  return ${g.results.map((r) => ref(r, name)).join(', ')}`.trimEnd());
  lines.push(`${ind}}`);
  return lines.join('\n');
}

const ref = (v: Value, name: Map<number, string>) => name.get(v.id) ?? `%undefined${v.id}`;
const typesText = (ts: readonly TensorType[]) =>
  ts.length === 1 ? typeText(ts[0]) : `(${ts.map(typeText).join(', ')})`;

function nodeText(n: Node, name: Map<number, string>, opt: PrintOptions, ind: string): string {
  const outs = n.outputs.map((o) => name.get(o.id)).join(', ');
  const ins = n.inputs.map((v, i) => inlineSplat(n, i) ?? ref(v, name)).join(', ');
  const keys = Object.keys(n.attrs)
    .filter((k) => !(n.op.name === 'constant' && k !== 'value'))
    .sort();
  const attrs = keys.length ? ` {${keys.map((k) => `${k}=${attrText(n.attrs[k])}`).join(', ')}}` : '';
  const regions = n.regions.map((r) => ` ${printGraph(r, { indent: `${ind}  ` }, 'region').trimStart()}`).join('');
  const note = opt.comment?.(n);
  return `${outs} : ${n.outputs.map((o) => typeText(o.type)).join(', ')} = ${n.op.name}${ins ? ` ${ins}` : ''}${attrs}${regions}${note ? `  ; ${note}` : ''}`;
}

Graph.printer = (g) => printGraph(g);
