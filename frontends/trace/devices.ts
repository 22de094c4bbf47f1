// What programs can run on.

import { DeviceError } from '../../ir/errors.ts';
import { type GpuInfo, gpuInfo } from '../../runtime/webgpu/adapter.ts';
import { gpuDevice } from '../../runtime/webgpu/device.ts';
import { targets } from './backend.ts';
import type { Target } from './context.ts';

/** A device that programs can run on. */
export interface DeviceInfo {
  readonly name: string;
  readonly type: 'CPU' | 'GPU';
  readonly target: Target;
  /** Adapter, driver, features and limits of a GPU; in `listDevices` only once it was opened. */
  readonly gpu?: GpuInfo;
}

const device = (target: Target, gpu?: GpuInfo): DeviceInfo => {
  const type = target === 'webgpu' ? 'GPU' : 'CPU';
  return { name: `/device:${type}:0/${target}`, type, target, ...(gpu ? { gpu } : {}) };
};

/**
 * The targets. Whether there is a GPU is known, and its details are told, once `tf.setBackend('webgpu')` or a
 * compilation has opened it; `listDevicesAsync` looks.
 */
export const listDevices = (): DeviceInfo[] =>
  targets.map((t) => device(t, t === 'webgpu' ? gpuDevice()?.info : undefined));

/** The devices that are there: a GPU, with its details, only where an adapter is found. */
export async function listDevicesAsync(): Promise<DeviceInfo[]> {
  const found = targets.map(async (t) => {
    if (t !== 'webgpu') return [device(t)];
    try {
      return [device(t, gpuDevice()?.info ?? (await gpuInfo('listDevicesAsync')))];
    } catch (e) {
      if (e instanceof DeviceError) return [];
      throw e;
    }
  });
  return (await Promise.all(found)).flat();
}
