// The metrics of a training over its epochs, as an SVG picture: one diagram a metric, with the lines of training
// and validation.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { writeWhole } from '../../files.ts';
import { textOf } from '../callbacks/options.ts';
import { checkOptions, didYouMean } from '../engine/names.ts';
import { element, escaped, path } from './svg.ts';
import { ticksOf, tickText } from './ticks.ts';

/** What `fit` returns, or numbers by metric. */
export type HistoryLike =
  | { readonly epoch?: readonly number[]; readonly history: Readonly<Record<string, readonly number[]>> }
  | Readonly<Record<string, readonly number[]>>;

export interface PlotHistoryOptions {
  /** Names of metrics, without `val_`; by default all. */
  metrics?: readonly string[];
  /** Of the whole picture in pixels; by default 480 a column and 320 a row of diagrams. */
  width?: number;
  height?: number;
  title?: string;
  /** What the points are of: 'epoch' by default. */
  xLabel?: string;
}

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [epoch: number, value: number])[];
}
/** Where a diagram is. */
interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const op = 'plotHistory';
/** Of training and of validation: blue and orange are told apart by everybody. */
const colours = ['#1f77b4', '#ff7f0e'] as const;
const margin = { left: 64, right: 16, top: 34, bottom: 42 };
const titleHeight = 30;

/**
 * Draws the metrics of a training: the text of an SVG file, which is written to `file` if that is given.
 * Throws ArgumentError where there are no numbers, and for a metric that there is not (with the nearest one).
 */
export async function plotHistory(
  history: HistoryLike,
  file?: string | null,
  options: PlotHistoryOptions = {},
): Promise<string> {
  checkOptions(options, ['metrics', 'width', 'height', 'title', 'xLabel'], op);
  const { epochs, numbers } = numbersOf(history);
  const metrics = metricsOf(numbers, options?.metrics);
  const columns = Math.min(metrics.length, metrics.length <= 4 ? 2 : 3);
  const rows = Math.ceil(metrics.length / columns);
  const top = options?.title ? titleHeight : 0;
  const xLabel = textOf(options?.xLabel ?? 'epoch', 'xLabel', op);
  const width = size(options?.width, 'width', columns * 480, columns * 160);
  const height = size(options?.height, 'height', rows * 320 + top, rows * 120 + top);
  const diagrams = metrics.map((metric, i) => {
    const box = {
      x: ((i % columns) * width) / columns,
      y: top + (Math.floor(i / columns) * (height - top)) / rows,
      width: width / columns,
      height: (height - top) / rows,
    };
    return diagram(metric, linesOf(metric, numbers, epochs), box, xLabel);
  });
  const title = options?.title
    ? label(textOf(options.title, 'title', op), width / 2, 22, {
        'text-anchor': 'middle',
        'font-size': 16,
        'font-weight': 'bold',
      })
    : '';
  const svg = element(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      'font-family': 'Arial, Helvetica, DejaVu Sans Condensed, sans-serif',
      'font-size': 12,
      fill: '#333',
    },
    `\n${[element('rect', { width, height, fill: '#fff' }), title, ...diagrams].filter(Boolean).join('\n')}\n`,
  );
  if (file !== undefined && file !== null) await writeWhole(textOf(file, 'file', op), svg, op);
  return svg;
}

const isNumbers = (x: unknown): x is readonly number[] => Array.isArray(x) && x.every((n) => typeof n === 'number');

/** The numbers of a history. Throws ArgumentError for what is none. */
function numbersOf(history: HistoryLike): { epochs: readonly number[]; numbers: Record<string, readonly number[]> } {
  const given = (history as { history?: unknown })?.history ?? history;
  const fix = 'give what model.fit returns, or {loss: [0.5, 0.4], val_loss: [0.6, 0.5]}';
  if (typeof given !== 'object' || given === null || !Object.values(given).every(isNumbers))
    throw new ArgumentError(`${valueText(history)} is no history`, { op, fix });
  const numbers = given as Record<string, readonly number[]>;
  const length = Math.max(0, ...Object.values(numbers).map((x) => x.length));
  if (length === 0) throw new ArgumentError('the history has no epochs', { op, fix });
  const { epoch } = history as { epoch?: unknown };
  return { epochs: isNumbers(epoch) ? epoch : Array.from({ length }, (_, i) => i), numbers };
}

/** The metrics to draw. */
function metricsOf(numbers: Readonly<Record<string, unknown>>, wanted: unknown): string[] {
  const names = [...new Set(Object.keys(numbers).map((k) => k.replace(/^val_/, '')))];
  if (wanted === undefined || wanted === null) return names;
  if (!Array.isArray(wanted) || wanted.length === 0)
    throw new ArgumentError(`metrics must be an array of names, got ${valueText(wanted)}`, {
      op,
      fix: `such as ['${names[0]}']`,
    });
  for (const m of wanted)
    if (!names.includes(m))
      throw new ArgumentError(`the history has no metric ${valueText(m)}`, { op, fix: didYouMean(String(m), names) });
  return wanted;
}

function size(x: unknown, name: string, value: number, least: number): number {
  if (x === undefined || x === null) return value;
  if (typeof x === 'number' && Number.isFinite(x) && x >= least) return x;
  throw new ArgumentError(`${name} must be a number from ${least} on, got ${valueText(x)}`, {
    op,
    fix: `leave it out for ${value}`,
  });
}

/** A line's numbers belong to the last epochs, where there are fewer of them. */
function linesOf(
  metric: string,
  numbers: Readonly<Record<string, readonly number[]>>,
  epochs: readonly number[],
): Line[] {
  return [metric, `val_${metric}`].flatMap((key, i) => {
    const values = numbers[key];
    if (!values) return [];
    const first = epochs.length - values.length;
    const points = values.map((v, k) => [(epochs[first + k] ?? k) + 1, v] as const);
    return [{ name: i ? 'validation' : 'training', colour: colours[i], points }];
  });
}

const label = (text: string, x: number, y: number, attributes: Record<string, string | number> = {}): string =>
  element('text', { x, y, ...attributes }, escaped(text));

function diagram(metric: string, lines: readonly Line[], box: Box, xLabel: string): string {
  const inner = {
    x: box.x + margin.left,
    y: box.y + margin.top,
    width: box.width - margin.left - margin.right,
    height: box.height - margin.top - margin.bottom,
  };
  const points = lines.flatMap((l) => l.points);
  const values = points.map(([, v]) => v).filter(Number.isFinite);
  const [low, high] = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
  const space = (high - low || Math.abs(high) || 1) * 0.05;
  const epochs = points.map(([e]) => e);
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  const side = first === last ? 0.5 : 0;
  const x = (e: number) => inner.x + ((e - first + side) / (last - first + 2 * side)) * inner.width;
  const y = (v: number) => inner.y + inner.height - ((v - low + space) / (high - low + 2 * space)) * inner.height;
  const parts = [
    label(metric, inner.x + inner.width / 2, box.y + 20, {
      'text-anchor': 'middle',
      'font-size': 14,
      'font-weight': 'bold',
    }),
    ...verticalAxis(inner, low - space, high + space, y),
    ...horizontalAxis(inner, first, last, x, xLabel),
    element('rect', { ...inner, fill: 'none', stroke: '#999' }),
    ...lines.map((l) => drawn(l, x, y)),
    ...legend(lines, inner),
  ];
  return element('g', {}, `\n${parts.join('\n')}\n`);
}

function verticalAxis(inner: Box, low: number, high: number, y: (v: number) => number): string[] {
  const { values, step } = ticksOf(low, high, Math.max(2, Math.floor(inner.height / 40)));
  return values.flatMap((v) => [
    element('line', { x1: inner.x, x2: inner.x + inner.width, y1: y(v), y2: y(v), stroke: '#e5e5e5' }),
    label(tickText(v, step), inner.x - 8, y(v) + 4, { 'text-anchor': 'end' }),
  ]);
}

function horizontalAxis(inner: Box, first: number, last: number, x: (e: number) => number, xLabel: string): string[] {
  const bottom = inner.y + inner.height;
  const { values } = ticksOf(first, last, Math.max(2, Math.floor(inner.width / 50)), 1);
  return [
    ...values.flatMap((e) => [
      element('line', { x1: x(e), x2: x(e), y1: bottom, y2: bottom + 5, stroke: '#999' }),
      label(String(e), x(e), bottom + 18, { 'text-anchor': 'middle' }),
    ]),
    label(xLabel, inner.x + inner.width / 2, bottom + 34, { 'text-anchor': 'middle' }),
  ];
}

/** A line, and the points that have no neighbour to draw a line to. */
function drawn(line: Line, x: (e: number) => number, y: (v: number) => number): string {
  const at = line.points.map(([e, v]) => (Number.isFinite(v) ? ([x(e), y(v)] as const) : undefined));
  const lonely = at.filter((p, i) => p && !at[i - 1] && !at[i + 1]) as (readonly [number, number])[];
  const dots = lonely.map(([cx, cy]) => element('circle', { cx, cy, r: 3, fill: line.colour }));
  const stroke = { fill: 'none', stroke: line.colour, 'stroke-width': 2, 'stroke-linejoin': 'round' };
  return [element('path', { d: path(at), ...stroke }), ...dots].join('');
}

/** Which colour is which, in the corner that has the most room: where curves of losses are low at the end. */
function legend(lines: readonly Line[], inner: Box): string[] {
  const values = lines[0].points.map(([, v]) => v).filter(Number.isFinite);
  const falls = (values.at(-1) ?? 0) <= (values[0] ?? 0);
  const width = 104;
  const height = 18 * lines.length + 6;
  const x = inner.x + inner.width - width - 8;
  const y = falls ? inner.y + 8 : inner.y + inner.height - height - 8;
  return [
    element('rect', { x, y, width, height, fill: '#fff', 'fill-opacity': 0.85, stroke: '#ccc' }),
    ...lines.flatMap((l, i) => {
      const middle = y + 12 + 18 * i;
      return [
        element('line', { x1: x + 8, x2: x + 28, y1: middle, y2: middle, stroke: l.colour, 'stroke-width': 2 }),
        label(l.name, x + 34, middle + 4),
      ];
    }),
  ];
}
