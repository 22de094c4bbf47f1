// A model in the language of Graphviz (https://graphviz.org/doc/info/lang.html).

import type { CallbackLayer } from '../callbacks/callback.ts';
import { type DrawnModel, type LayerUse, type ModelUses, type Source, usesOf } from '../model-graph.ts';
import { escaped } from './svg.ts';

export type Rankdir = 'TB' | 'LR' | 'BT' | 'RL';

/** What the boxes show. */
export interface DotOptions {
  readonly rankdir: Rankdir;
  readonly shapes: boolean;
  readonly dtypes: boolean;
  readonly names: boolean;
  readonly activations: boolean;
  readonly trainable: boolean;
  readonly expand: boolean;
}

/** What a layer may have beside what callbacks see. */
type AnyLayer = CallbackLayer & {
  readonly activation?: { getClassName?(): string } | string | null;
  readonly trainable?: boolean;
};

const shapeText = (shape: readonly (number | null)[]): string => `(${shape.map((d) => d ?? 'None').join(', ')})`;
/** A name in quotes. */
const quoted = (name: string): string => `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

const cell = (text: string): string => `<td bgcolor="white">${escaped(text)}</td>`;

/** A box: class and name, and a row for each thing that is to be seen. */
function box(use: LayerUse, o: DotOptions): string {
  const layer = use.layer as AnyLayer;
  const kind = layer.getClassName();
  const rows: string[][] = [];
  const activation = typeof layer.activation === 'object' ? layer.activation?.getClassName?.() : layer.activation;
  if (o.activations && activation) rows.push([cell(`Activation: ${activation}`)]);
  if (o.shapes && use.outputShapes.length) {
    const input = use.inputShapes.length ? [cell(`Input: ${use.inputShapes.map(shapeText).join(', ')}`)] : [];
    rows.push([...input, cell(`Output: ${use.outputShapes.map(shapeText).join(', ')}`)]);
  }
  if (o.dtypes && use.dtypes.length) rows.push([cell(`Output dtype: ${[...new Set(use.dtypes)].join(', ')}`)]);
  if (o.trainable && layer.weights.length) rows.push([cell(layer.trainable ? 'Trainable' : 'Not trainable')]);
  const columns = Math.max(1, ...rows.map((r) => r.length));
  const spread = (r: string[]) => (r.length < columns ? r.map((c) => c.replace('<td', `<td colspan="${columns}"`)) : r);
  const title = o.names ? `${use.name} (${kind})` : kind;
  const head = `<td colspan="${columns}" bgcolor="#dce9f7"><b>${escaped(title)}</b></td>`;
  const lines = [[head], ...rows.map(spread)].map((r) => `<tr>${r.join('')}</tr>`).join('');
  return `<<table border="0" cellborder="1" cellspacing="0" cellpadding="8" color="#446688">${lines}</table>>`;
}

/** A model whose layers are drawn, and where arrows to and from it end. */
interface Drawn {
  readonly lines: readonly string[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

const hasTopology = (layer: CallbackLayer): layer is CallbackLayer & DrawnModel =>
  'layers' in layer && (layer as unknown as DrawnModel).topology !== undefined;

/** The boxes and arrows of a model; names are made unique by a prefix. */
function drawn(model: DrawnModel, prefix: string, o: DotOptions): Drawn {
  const all: ModelUses = usesOf(model);
  const inside = new Map<string, Drawn>();
  const lines: string[] = [];
  /** Where an arrow from a tensor begins: at the box that it comes out of. */
  const end = ({ from, index }: Source): string => inside.get(from)?.outputs[index] ?? prefix + from;
  for (const use of all.uses) {
    const id = prefix + use.name;
    if (o.expand && hasTopology(use.layer)) {
      const inner = drawn(use.layer, `${id}/`, o);
      inside.set(use.name, inner);
      const title = `label=${quoted(use.name)}; style="rounded,dashed"; color="#888888"; fontcolor="#555555";`;
      lines.push(`subgraph ${quoted(`cluster_${id}`)} { ${title}`, ...inner.lines, '}');
    } else lines.push(`${quoted(id)} [label=${box(use, o)}];`);
    use.inputs.forEach((source, i) => {
      const target = inside.get(use.name)?.inputs[i] ?? id;
      lines.push(`${quoted(end(source))} -> ${quoted(target)};`);
    });
  }
  // Inputs of a model are its input layers, so never those of a model inside.
  return { lines, inputs: all.inputs.map(({ from }) => prefix + from), outputs: all.outputs.map(end) };
}

/** The text for Graphviz. */
export function dotOf(model: DrawnModel, options: DotOptions): string {
  const head = [
    'digraph model {',
    `rankdir=${options.rankdir}; concentrate=false; bgcolor="white"; fontname="Arial"; fontsize=11;`,
    'node [shape=plaintext, fontname="Arial", fontsize=11, margin=0]; edge [color="#555555", arrowsize=0.7];',
  ];
  return [...head, ...drawn(model, '', options).lines, '}'].join('\n');
}
