// A model as a table: layers, output shapes, numbers of weights, as Keras prints it.

import type { Variable } from '../../trace/variable.ts';
import type { Layer } from './layer.ts';
import type { LayersModel } from './model.ts';
import type { Shape } from './symbolic.ts';

const shapeOf = (shape: Shape): string =>
  `(${shape.map((d) => (d === null ? 'None' : d)).join(', ')}${shape.length === 1 ? ',' : ''})`;

const bytes = (weights: readonly Variable[]): string => {
  const perElement = { float64: 8, bool: 1, int8: 1, uint8: 1, float16: 2 } as Record<string, number>;
  let n = weights.reduce((sum, w) => sum + w.size * (perElement[w.dtype] ?? 4), 0);
  for (const unit of ['B', 'KB', 'MB']) {
    if (n < 1024) return `${n.toFixed(2)} ${unit}`;
    n /= 1024;
  }
  return `${n.toFixed(2)} GB`;
};

const grouped = (n: number): string => n.toLocaleString('en-US');

function outputShape(layer: Layer): string {
  if (layer.inboundNodes.length === 0) return '?';
  const nodes = layer.inboundNodes.map((n) => n.outputShapes.map(shapeOf).join(', '));
  return new Set(nodes).size === 1 ? nodes[0] : 'multiple';
}

/** The layers that the layer's inputs come from, as in a functional model. */
function connected(layer: Layer, model: LayersModel): string {
  const inModel = new Set(model.topology?.nodes ?? []);
  return (
    layer.inboundNodes
      .filter((n) => inModel.has(n))
      .flatMap((n) => n.inputs.map((t) => `${t.sourceLayer.name}[${t.nodeIndex}][${t.tensorIndex}]`))
      .join(', ') || '-'
  );
}

/** Whether every layer has one input and one output, so that who is connected to whom goes without saying. */
function isChain(model: LayersModel): boolean {
  return (model.topology?.nodes ?? []).every(
    (n, i, all) => n.inputs.length === 1 && (i === 0 || all[i - 1].outputs.includes(n.inputs[0])),
  );
}

/** Text in lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (rest.length > width) {
    const cut = rest.lastIndexOf(' ', width);
    const at = cut > width / 4 ? cut : width;
    lines.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  return [...lines, rest];
}

/** One table of box-drawing characters. */
function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  widths: readonly number[],
  right: readonly boolean[],
): string[] {
  const rule = (a: string, line: string, b: string, c: string) => a + widths.map((w) => line.repeat(w + 2)).join(b) + c;
  const row = (cells: readonly string[], bar: string, head: boolean): string[] => {
    const lines = cells.map((c, i) => wrap(c, widths[i]));
    const height = Math.max(...lines.map((l) => l.length));
    return Array.from({ length: height }, (_, k) => {
      const padded = lines.map((l, i) => {
        const text = l[k] ?? '';
        return right[i] && !head ? text.padStart(widths[i]) : text.padEnd(widths[i]);
      });
      return `${bar} ${padded.join(` ${bar} `)} ${bar}`;
    });
  };
  return [
    rule('┏', '━', '┳', '┓'),
    ...row(header, '┃', true),
    rule('┡', '━', '╇', '┩'),
    ...rows.flatMap((r, i) => [...(i ? [rule('├', '─', '┼', '┤')] : []), ...row(r, '│', false)]),
    rule('└', '─', '┴', '┘'),
  ];
}

/**
 * Gives `print` the lines of a table of the model.
 * @param lineLength characters a line; 80 by default, 98 with connections
 * @param positions where the columns end: as shares of the line, or as columns
 */
export function summary(
  model: LayersModel,
  lineLength: number | undefined,
  positions: readonly number[] | undefined,
  print: (line: string) => void,
): void {
  const chain = isChain(model);
  const width = lineLength ?? (chain ? 80 : 98);
  const share = positions ?? (chain ? [0.45, 0.8, 1] : [0.28, 0.53, 0.7, 1]);
  const ends = share.map((p) => (p <= 1 ? Math.floor(p * width) : p));
  const columns = chain ? 3 : 4;
  const widths = Array.from({ length: columns }, (_, i) => Math.max(8, ends[i] - (ends[i - 1] ?? 0) - 3));
  const rows = model.layers.map((l) => {
    const weights = l.built ? grouped(l.countParams()) : '0 (unbuilt)';
    const cells = [`${l.name} (${l.getClassName()})`, outputShape(l), weights];
    return chain ? cells : [...cells, connected(l, model)];
  });
  const header = ['Layer (type)', 'Output Shape', 'Param #', ...(chain ? [] : ['Connected to'])];
  print(`Model: "${model.name}"`);
  for (const line of table(header, rows, widths, [false, false, true, false])) print(line);
  for (const line of totals(model)) print(line);
}

function totals(model: LayersModel): string[] {
  const { weights } = model;
  const trained = new Set(model.trainableWeights);
  const parts: [string, Variable[]][] = [
    ['Total', weights],
    ['Trainable', weights.filter((w) => trained.has(w))],
    ['Non-trainable', weights.filter((w) => !trained.has(w))],
  ];
  const optimizer = model.isCompiled ? model.optimizer.variables : [];
  if (optimizer.length > 1) {
    parts[0][1] = [...weights, ...optimizer];
    parts.push(['Optimizer', [...optimizer]]);
  }
  const count = (list: readonly Variable[]) => grouped(list.reduce((n, w) => n + w.size, 0));
  return parts.map(([name, list]) => ` ${name} params: ${count(list)} (${bytes(list)})`);
}
