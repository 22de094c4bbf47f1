// What a program gets of an eager tensor: its elements where they are, on the device once they have
// been there or are used again.

import { byteSize } from '../../ir/types.ts';
import type { Storage } from '../../runtime/buffer.ts';
import { wasmDevice } from '../../runtime/wasm/device.ts';
import { gpuDevice } from '../../runtime/webgpu/device.ts';
import type { Tensor } from './tensor.ts';

/** Bytes from which a second use pays for a copy on the device. */
const large = 2 ** 15;
/** Large tensors that a program has read from JavaScript once. */
const usedOnce = new WeakSet<Tensor>();

/**
 * The elements of an eager tensor for a program of that target. Throws TraceError for a traced one, DeviceError for one
 * in GPU memory that a program elsewhere would have to wait for.
 */
export function storageOf(t: Tensor, target: string, use?: string): Storage {
  const x = t.operand();
  const { device } = x;
  if (device && ((device.target === target && !device.lost) || !x.host)) return device;
  const host = x.elements(use);
  if (x !== t || host.length * byteSize(t.type.dtype) < large) return host;
  if (!usedOnce.has(t)) {
    usedOnce.add(t);
    return host;
  }
  const upload = { wasm: () => wasmDevice().buffers, webgpu: gpuDevice }[target];
  const there = upload?.()?.upload(t.type.dtype, host);
  if (!there) return host;
  device?.release();
  t.device = there;
  return there;
}
