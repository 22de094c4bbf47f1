// Compute pipelines: one for each shader text, made once and shared by all programs of a device.

import { CompileError, type GpuShader } from '../../ir/plan.ts';
import { type Layout, shaderText } from './shader.ts';

/** Failures that are known only later go here. */
export type Report = (e: unknown) => void;

interface Entry {
  pipeline: GPUComputePipeline | undefined;
  making: Promise<GPUComputePipeline> | undefined;
  /** Why there is none. */
  error: CompileError | undefined;
}

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #report: Report;
  readonly #byText = new Map<string, Entry>();
  readonly #layouts: { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }[] = [];

  /** Shaders that the driver has refused. */
  faults = 0;
  readonly #checks = new Set<Promise<void>>();

  constructor(device: GPUDevice, report: Report) {
    this.#device = device;
    this.#report = report;
  }

  /** The layout of bind groups with so many pages. */
  layout(pages: number): { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout } {
    this.#layouts[pages] ??= this.#makeLayout(pages);
    return this.#layouts[pages];
  }
  #makeLayout(pages: number) {
    const COMPUTE = 4;
    const group = this.#device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } },
        ...Array.from({ length: pages }, (_, i) => ({
          binding: i + 1,
          visibility: COMPUTE,
          buffer: { type: 'storage' as const },
        })),
      ],
    });
    return { group, pipeline: this.#device.createPipelineLayout({ bindGroupLayouts: [group] }) };
  }

  #descriptor(shader: GpuShader, layout: Layout, code: string): GPUComputePipelineDescriptor {
    const module = this.#device.createShaderModule({ label: shader.name, code });
    return { label: shader.name, layout: this.layout(layout.pages).pipeline, compute: { module, entryPoint: 'main' } };
  }

  /** Resolves when the faults of all pipelines so far are reported. */
  async checked(): Promise<void> {
    await Promise.all(this.#checks);
  }

  /** The pipeline at once. Where its shader is faulty, that is reported later, and thrown from then on. */
  get(shader: GpuShader, layout: Layout, ops: readonly string[]): GPUComputePipeline {
    const code = shaderText(shader, layout);
    const entry = this.#entry(code);
    if (entry.error) throw entry.error;
    if (entry.pipeline) return entry.pipeline;
    this.#device.pushErrorScope('validation');
    const descriptor = this.#descriptor(shader, layout, code);
    entry.pipeline = this.#device.createComputePipeline(descriptor);
    const { module } = descriptor.compute;
    const check = this.#device
      .popErrorScope()
      .then(async (e) => {
        if (!e) return;
        this.faults++;
        entry.error = await shaderError(shader, module, code, ops, e.message);
        this.#report(entry.error);
      })
      // A device that is lost has no errors to tell of.
      .catch(() => undefined)
      .then(() => void this.#checks.delete(check));
    this.#checks.add(check);
    return entry.pipeline;
  }

  /** The pipeline, made beside others. Rejects with CompileError. */
  async prepare(shader: GpuShader, layout: Layout, ops: readonly string[]): Promise<void> {
    const code = shaderText(shader, layout);
    const entry = this.#entry(code);
    if (entry.pipeline) return;
    entry.making ??= this.#make(shader, layout, code, ops);
    try {
      entry.pipeline = await entry.making;
    } catch (e) {
      if (e instanceof CompileError) entry.error = e;
      throw e;
    }
  }
  async #make(shader: GpuShader, layout: Layout, code: string, ops: readonly string[]): Promise<GPUComputePipeline> {
    this.#device.pushErrorScope('validation');
    const descriptor = this.#descriptor(shader, layout, code);
    const moduleError = this.#device.popErrorScope();
    try {
      return await this.#device.createComputePipelineAsync(descriptor);
    } catch (e) {
      const why = (await moduleError.catch(() => null))?.message ?? (e as Error).message;
      throw await shaderError(shader, descriptor.compute.module, code, ops, why);
    }
  }

  #entry(code: string): Entry {
    let e = this.#byText.get(code);
    if (!e) {
      e = { pipeline: undefined, making: undefined, error: undefined };
      this.#byText.set(code, e);
    }
    return e;
  }
}

/** What is wrong with a shader: the compiler's messages, the graph operations it is for, and its text. */
async function shaderError(
  shader: GpuShader,
  module: GPUShaderModule,
  code: string,
  ops: readonly string[],
  why: string,
): Promise<CompileError> {
  const info = await module.getCompilationInfo().catch(() => ({ messages: [] as GPUCompilationMessage[] }));
  const lines = code.split('\n');
  const said = info.messages
    .filter((m) => m.type === 'error')
    .map((m) => `${m.lineNum}:${m.linePos}: ${m.message}\n    ${lines[m.lineNum - 1] ?? ''}`);
  const what = said.length ? said.join('\n') : why;
  return new CompileError(
    `the GPU's driver refuses the shader of kernel ${shader.name} (${ops.join(', ')}):\n${what}\n--- WGSL ---\n${code}`,
    { op: ops[0] ?? shader.name, fix: 'report this with the text above; target wasm computes the same' },
  );
}
