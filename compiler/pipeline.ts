// The ordered list of graph passes, and nothing else. Fusion, scheduling and the memory plan follow
// on the result (see target.ts).

import type { Tile } from './lower/kernel-builder.ts';
import type { Pass } from './pass-runner.ts';
import { simplifyControl } from './passes/control.ts';
import { type ConvOptions, convPadding } from './passes/conv-padding.ts';
import { convPhases } from './passes/conv-phases.ts';
import { cse } from './passes/cse.ts';
import { dce } from './passes/dce.ts';
import { decompose } from './passes/decompose.ts';
import { fold } from './passes/fold.ts';
import { loopPanels } from './passes/loop-panels.ts';
import { loopSums } from './passes/loop-sums.ts';
import { mergeLoops } from './passes/merge-loops.ts';
import type { StripOptions } from './passes/strip-chains.ts';
import { strips } from './passes/strips.ts';
import { algebra } from './rewrite/algebra.ts';
import { convolution } from './rewrite/convolution.ts';
import { applyRules } from './rewrite/rules.ts';
import { shapes } from './rewrite/shapes.ts';

/** Measured on attention of 4 heads of 64 (docs/decisions.md): below the limit the plain form is as fast. */
const stripDefaults: StripOptions = { limit: 4 * 2 ** 20, strip: 2 ** 20, rows: 64 };

export interface PipelineOptions {
  /** Bounds of `strips`, which tests lower. */
  readonly strips?: Partial<StripOptions>;
  readonly conv?: ConvOptions;
}

/** What `conv-padding` leaves to simplify. */
const cleanUp: readonly Pass[] = [
  { name: 'fold-again', run: fold },
  { name: 'control-again', run: simplifyControl },
  { name: 'cse', run: cse },
  { name: 'dce', run: dce },
];
const views: Pass = { name: 'views', run: (g) => applyRules(g, shapes) };

/** The passes in order. */
export const pipelineWith = (options: PipelineOptions = {}): readonly Pass[] => [
  { name: 'merge-loops', run: mergeLoops },
  { name: 'decompose', run: decompose },
  { name: 'fold', run: fold },
  { name: 'control', run: simplifyControl },
  { name: 'loop-sums', run: loopSums },
  // Rules leave what they replaced behind, and a replaced assign would be a second one of its state.
  { name: 'algebra', run: (g) => dce(applyRules(g, algebra)) },
  { name: 'conv-phases', run: convPhases },
  { name: 'convolution', run: (g) => applyRules(g, convolution) },
  { name: 'conv-padding', run: (g) => convPadding(g, options.conv) },
  views,
  { name: 'strips', run: (g) => strips(g, { ...stripDefaults, ...options.strips }) },
  ...cleanUp,
];

/** What follows where schedules were chosen after the pipeline, with convolutions `undecided`. */
export const afterTuning: readonly Pass[] = [
  { name: 'conv-padding-again', run: (g) => convPadding(g) },
  { ...views, name: 'views-again' },
  ...cleanUp,
];

/** The last passes, which know the register tile of the engine. */
export const forTile = (tile: Tile): readonly Pass[] => [{ name: 'loop-panels', run: (g) => loopPanels(g, tile) }];

export const pipeline = pipelineWith();
