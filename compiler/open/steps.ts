// The kernels of a program with an open batch: from the last to the first, each computes what is needed of it.

import type { Value } from '../../ir/graph.ts';
import type { Buffer } from '../../ir/kernel/kernel.ts';
import { sizeOf } from '../../ir/types.ts';
import type { Binding } from '../lower/kernel-builder.ts';
import { aliasSource } from '../passes/fusion-groups.ts';
import { isKernel, type KernelStep, type Placement, type Step } from '../placement.ts';
import { samplesOf } from './bounds.ts';
import { joined, limitKernel, type Need } from './limit.ts';
import type { OpenBatch } from './open.ts';

/** Name of the buffer that a limited kernel reads the size of the batch from. */
const BATCH = 'batch';

/** Replaces the kernels of a plan's steps by such that end where the batch does. */
export function limitSteps(level: Placement, steps: Step[], open: OpenBatch): void {
  const batch = level.graph.params.filter((p) => !p.type.state).at(-1) as Value;
  const needs = new Map<Value, Need>();
  const results = level.tensorResults;
  const samples = samplesOf(open.bound);
  const ofResult = (i: number): Need => {
    const unit = sizeOf(results[i].type.shape) / open.bound;
    return open.outputs[i] ? samples.map((n) => n * unit) : null;
  };
  /** What is needed of what a kernel stores. */
  const stored = (b: Binding): Need => {
    if ('result' in b) return ofResult(b.result);
    if (!('value' in b) || b.saved || b.value.type.state) return null;
    const v = aliasSource(b.value);
    if (level.directState.has(v)) return null;
    const given = level.given.get(v);
    const need = needs.get(v);
    // All of it, where nobody is known to read it.
    return given === undefined ? (need ?? null) : joined(need, ofResult(given));
  };
  const read = (v: Value, need: Need) => {
    const s = aliasSource(v);
    needs.set(s, joined(needs.get(s), need));
  };
  for (let i = steps.length - 1; i >= 0; i--) {
    const s = steps[i];
    if (!isKernel(s)) {
      for (const v of s.node.inputs) read(v, null);
      continue;
    }
    const { kernel } = s.lowered;
    const outs = kernel.buffers.flatMap((b, k) => (b.role === 'out' ? [[b.name, stored(s.bindings[k])] as const] : []));
    const limited = limitKernel(kernel, new Map(outs), BATCH, samples);
    kernel.buffers.forEach((b, k) => {
      const from = s.bindings[k];
      if (b.role !== 'in' && b.role !== 'inout') return;
      if (from && 'value' in from) read(from.value, b.role === 'in' ? (limited.needs.get(b.name) ?? null) : null);
    });
    if (limited.kernel !== kernel) steps[i] = withBatch(s, limited.kernel, batch);
  }
}

/** The step with one more buffer: the size of the batch. */
function withBatch(s: KernelStep, kernel: KernelStep['lowered']['kernel'], batch: Value): KernelStep {
  const buffer: Buffer = { name: BATCH, ty: 'i32', size: 1, role: 'in' };
  const bindings = [...s.bindings, { value: batch }];
  const lowered = { ...s.lowered, kernel: { ...kernel, buffers: [...kernel.buffers, buffer] }, bindings };
  return { lowered, bindings };
}
