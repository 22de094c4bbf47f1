// What a program gets of an eager tensor: its elements where they are, on the device once they have
// been there or are used again.

import { byteSize } from '../../ir/types.ts';
import type { Storage } from '../../runtime/buffer.ts';
import { wasmDevice } from '../../runtime/wasm/device.ts';
import { context } from './context.ts';
import type { Tensor } from './tensor.ts';

/** Bytes from which a second use pays for a copy on the device. */
const large = 2 ** 15;
/** Large tensors that a program has read from JavaScript once. */
const usedOnce = new WeakSet<Tensor>();

/** The elements of an eager tensor for a program. Throws TraceError for a traced one. */
export function storageOf(t: Tensor, use?: string): Storage {
  if (t.device) return t.device;
  const host = t.elements(use);
  if (host.length * byteSize(t.type.dtype) < large || context.target !== 'wasm') return host;
  const variable = t.operand();
  if (variable !== t) return host;
  if (!usedOnce.has(t)) {
    usedOnce.add(t);
    return host;
  }
  t.device = wasmDevice().buffers.upload(t.type.dtype, host) ?? undefined;
  return t.device ?? host;
}
