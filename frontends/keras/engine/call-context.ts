// What layers learn of the call they are part of without being told: whether it trains, and where
// losses that they add go. Masks go with the tensors.

import type { Tensor } from '../../trace/tensor.ts';

interface CallContext {
  /** Whether the model learns from this call; undefined where nobody said so. */
  training: boolean | undefined;
  /** Losses that layers add; undefined where nobody collects them. */
  losses: Tensor[] | undefined;
}

const call: CallContext = { training: undefined, losses: undefined };

/** What holds for calls that nobody told whether they train. */
let phase = false;
export function setLearningPhase(training: boolean): void {
  phase = training;
}

/** Whether the present call trains, unless the layer is told otherwise. */
export const callTraining = (): boolean => call.training ?? phase;
/** Where a layer's own losses go. */
export const callLosses = (): Tensor[] | undefined => call.losses;

/** Runs `f` as a part of a call that trains or not; layers inside inherit it. */
export function withTraining<T>(training: boolean, f: () => T): T {
  const old = call.training;
  call.training = training;
  try {
    return f();
  } finally {
    call.training = old;
  }
}

/** Runs `f`, and gives what its layers added to the loss. */
export function collectLosses<T>(f: () => T): { result: T; losses: Tensor[] } {
  const old = call.losses;
  const losses: Tensor[] = [];
  call.losses = losses;
  try {
    return { result: f(), losses };
  } finally {
    call.losses = old;
  }
}

/** Which time steps of a tensor count; a bool tensor [batch, time]. */
const masks = new WeakMap<Tensor, Tensor>();

/** The mask that a layer gave a tensor. */
export const maskOf = (t: Tensor): Tensor | null => masks.get(t) ?? null;

/** Gives a tensor its mask. */
export function setMask(t: Tensor, mask: Tensor): void {
  masks.set(t, mask);
}

/** The logits from which an activation made probabilities: losses computed from them are exact. */
const logits = new WeakMap<Tensor, { kind: 'softmax' | 'sigmoid'; logits: Tensor }>();

export function setLogits(probabilities: Tensor, kind: 'softmax' | 'sigmoid', x: Tensor): void {
  logits.set(probabilities, { kind, logits: x });
}
/** The logits of probabilities that the activation of that kind gave, if it did. */
export function logitsOf(probabilities: Tensor, kind: 'softmax' | 'sigmoid'): Tensor | undefined {
  const known = logits.get(probabilities);
  return known?.kind === kind ? known.logits : undefined;
}
