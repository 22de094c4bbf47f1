// A model as a picture: boxes for layers, arrows for tensors, laid out by Graphviz.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import { writeWhole } from '../../files.ts';
import { flagOf, numberOf, textOf } from '../callbacks/options.ts';
import { checkOptions } from '../engine/names.ts';
import type { DrawnModel } from '../model-graph.ts';
import { dotOf, type Rankdir } from './dot.ts';
import { pngOf, svgOf } from './render.ts';

export interface PlotModelOptions {
  /** Shapes of inputs and outputs; by default left out. */
  showShapes?: boolean;
  /** dtypes of the outputs; by default left out. */
  showDtype?: boolean;
  /** Names of the layers; by default their classes only. */
  showLayerNames?: boolean;
  /** Activations; by default left out. */
  showLayerActivations?: boolean;
  /** Whether the weights are trained; by default left out. */
  showTrainable?: boolean;
  /** 'TB' from top to bottom (the default), 'LR' from left to right, or one of 'BT' and 'RL'. */
  rankdir?: Rankdir;
  /** Whether the layers of models inside are drawn; by default such a model is one box. */
  expandNested?: boolean;
  /** Dots an inch of a PNG; 96 are as large as the SVG, 200 are the default. */
  dpi?: number;
  /** A font file for a PNG; by default the package dejavu-fonts-ttf, or a font of the system. */
  fontFile?: string;
}

const op = 'plotModel';
const names =
  'showShapes showDtype showLayerNames showLayerActivations showTrainable rankdir expandNested dpi fontFile'.split(' ');
const directions = ['TB', 'LR', 'BT', 'RL'];

/**
 * Draws a model: the text of an SVG file. With a `file` it is also written there, as SVG or PNG by the ending of
 * its name. Needs the package @hpcc-js/wasm-graphviz, for PNG @resvg/resvg-wasm as well: where one is missing, a
 * DeviceError names the command that installs it. Throws ArgumentError for what is no model, for a file of another
 * kind, and for an unknown option.
 */
export async function plotModel(
  model: DrawnModel,
  file?: string | null,
  options: PlotModelOptions = {},
): Promise<string> {
  checkOptions(options, names, op);
  const o = options ?? {};
  if (!Array.isArray(model?.layers))
    throw new ArgumentError(`${valueText(model)} is no model`, { op, fix: 'give a model, then the file' });
  const target = file === undefined || file === null ? undefined : textOf(file, 'file', op);
  const kind = target === undefined ? 'svg' : /\.(svg|png)$/i.exec(target)?.[1].toLowerCase();
  if (!kind)
    throw new ArgumentError(`the file '${target}' is neither an SVG nor a PNG`, {
      op,
      fix: "end its name in '.svg' or '.png'",
    });
  const rankdir = o.rankdir ?? 'TB';
  if (!directions.includes(rankdir))
    throw new ArgumentError(`rankdir must be one of ${directions.join(', ')}, got ${valueText(rankdir)}`, {
      op,
      fix: "'TB' is from top to bottom",
    });
  const dpi = numberOf(o.dpi, 'dpi', op, 200, 1);
  const dot = dotOf(model, {
    rankdir,
    shapes: flagOf(o.showShapes, 'showShapes', op, false),
    dtypes: flagOf(o.showDtype, 'showDtype', op, false),
    names: flagOf(o.showLayerNames, 'showLayerNames', op, false),
    activations: flagOf(o.showLayerActivations, 'showLayerActivations', op, false),
    trainable: flagOf(o.showTrainable, 'showTrainable', op, false),
    expand: flagOf(o.expandNested, 'expandNested', op, false),
  });
  const svg = await svgOf(dot, op);
  if (target !== undefined) await writeWhole(target, kind === 'png' ? await pngOf(svg, dpi, o.fontFile, op) : svg, op);
  return svg;
}
