// A function of one element on many at once: a graph transformation, one rule for each kind of
// operation (as jax.vmap). What depends on no element is computed once.

import { Emitter } from '../../ir/emit.ts';
import type { Attrs, Graph, Val } from '../../ir/graph.ts';
import type { OpDef } from '../../ir/op.ts';
import { axisShifted, firstShifted, leading, views, windows } from './axes.ts';
import { convRule, dotRule, filterGradRule } from './contraction.ts';
import { control } from './control.ts';
import { gatherRule, scatterRule } from './gather.ts';
import { type Batching, type BatchNode, type BatchRule, type Lane, shared } from './lane.ts';
import { loop } from './loop.ts';

const byName: Readonly<Record<string, BatchRule>> = {
  ...views,
  ...control,
  dot_general: dotRule,
  conv: convRule,
  conv_filter_grad: filterGradRule,
};

/** By the expansion, which is batched in turn. */
const expanded: BatchRule = (c, n) =>
  (n.op.expand as NonNullable<OpDef['expand']>)(c.each, n.inputs, n.attrs) as Lane[];

function ruleOf(op: OpDef): BatchRule {
  const rest = op.expand ? expanded : loop;
  switch (op.batching) {
    case 'leading':
      return leading;
    case 'axis':
      return axisShifted;
    case 'first':
      return (c, n) => firstShifted(c, n) ?? rest(c, n);
    default:
  }
  switch (op.kind) {
    case 'elementwise':
      return leading;
    case 'reduce':
      return axisShifted;
    case 'window':
      return windows;
    case 'gather':
      return gatherRule;
    case 'scatter':
      return scatterRule;
    default:
      return byName[op.name] ?? rest;
  }
}

/**
 * Writes the operations of a function of one element on all of them. Its operands and results are lanes:
 * those that are mapped have a first axis of `size` elements.
 */
export class BatchEmitter extends Emitter {
  readonly #context: Batching;

  constructor(whole: Emitter, size: number) {
    super();
    this.#context = { size, whole, each: this, within: (b) => new BatchEmitter(b, size).#context };
  }

  override emit(op: OpDef, inputs: readonly Val[], attrs: Attrs = {}, regions: readonly Graph[] = []): readonly Val[] {
    const n: BatchNode = { op, inputs: inputs as readonly Lane[], attrs, regions };
    if (n.inputs.some((x) => x.mapped)) return ruleOf(op)(this.#context, n);
    return this.#context.whole
      .emit(
        op,
        n.inputs.map((x) => x.val),
        attrs,
        regions,
      )
      .map(shared);
  }
}
