// ONNX Runtime: compiled to WASM (`ort-web`, what browsers run), with its WebGPU kernels (`ort-webgpu`), and native
// (`ort-node`, what the machine can do with its widest vectors). All run the same model file.

import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type { Engine, EngineName, Options } from '../adapter.ts';
import { channelsFirst, resultFrom } from '../layout.ts';
import { onnxModel } from '../onnx.ts';
import { installGpu } from './dawn.ts';

type Ort = Pick<typeof import('onnxruntime-common'), 'InferenceSession' | 'Tensor' | 'env'>;

async function start(name: EngineName, options: Options): Promise<Ort> {
  if (name === 'ort-node') return (await import('onnxruntime-node')) as unknown as Ort;
  if (name === 'ort-webgpu') {
    await installGpu();
    return (await import('onnxruntime-web/webgpu')) as unknown as Ort;
  }
  const web = await import('onnxruntime-web');
  web.env.wasm.numThreads = options.threads;
  web.env.logLevel = 'error';
  return web as unknown as Ort;
}

export async function load(name: EngineName, options: Options): Promise<Engine> {
  const ort = await start(name, options);
  const onGpu = name === 'ort-webgpu';
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [{ 'ort-node': 'cpu', 'ort-webgpu': 'webgpu' }[name as string] ?? 'wasm'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    ...(name === 'ort-node' ? { intraOpNumThreads: options.threads, interOpNumThreads: 1 } : {}),
    ...(onGpu ? { preferredOutputLocation: 'gpu-buffer' as const } : {}),
  };
  return {
    name,
    cannot: (c) => {
      if (c.half) return 'the case is of float32 products';
      return c.kind === 'train' ? 'it cannot train' : undefined;
    },
    async prepare(c, operands) {
      const model = onnxModel(c, operands);
      const session = await ort.InferenceSession.create(model.file, settings);
      const feeds: Record<string, Tensor> = {};
      for (const [k, v] of Object.entries(operands)) {
        const x = channelsFirst(v);
        if (v.role === 'input') feeds[k] = new ort.Tensor('float32', x.data, x.shape);
      }
      let latest: InferenceSession.OnnxValueMapType = {};
      return {
        run: async () => {
          if (onGpu) latest[model.output]?.dispose();
          latest = await session.run(feeds);
        },
        async: true,
        ...(onGpu ? { settle: async () => (await ort.env.webgpu.device).queue.onSubmittedWorkDone() } : {}),
        output: async () => {
          const t = latest[model.output] as Tensor;
          return resultFrom({ shape: t.dims, data: (onGpu ? await t.getData() : t.data) as Float32Array }, c.result);
        },
      };
    },
  };
}
