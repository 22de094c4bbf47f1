// Small pieces of WebAssembly text, for kernels written by hand.

import binaryen from 'binaryen';

export const repeat = (n: number, f: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => f(i)).join('\n');
export const get = (name: string): string => `(local.get $${name})`;
export const set = (name: string, value: string): string => `(local.set $${name} ${value})`;
export const i32 = (value: number): string => `(i32.const ${value})`;
export const advance = (name: string, bytes: string): string => set(name, `(i32.add ${get(name)} ${bytes})`);
export const load = (pointer: string, offset: number): string => `(v128.load offset=${offset} ${get(pointer)})`;
export const store = (pointer: string, offset: number, value: string): string =>
  `(v128.store offset=${offset} ${get(pointer)} ${value})`;
export const locals = (type: string, names: readonly string[]): string =>
  names.map((n) => `(local $${n} ${type})`).join(' ');
export const params = (...names: string[]): string => names.map((n) => `(param $${n} i32)`).join(' ');

/** Runs `body` and takes `step` from the counter until it is zero; the counter must start above. */
export const countDown = (counter: string, step: number, body: string): string =>
  `(loop $each_${counter} ${body}
    (br_if $each_${counter} (local.tee $${counter} (i32.sub ${get(counter)} ${i32(step)}))))`;

export interface HandWritten {
  readonly memory: WebAssembly.Memory;
  readonly [name: string]: unknown;
}

/** Compiles the functions of a module with a memory of so many bytes. */
export function instantiate(functions: string, bytes: number): HandWritten {
  const pages = Math.ceil(bytes / 65536);
  const module = binaryen.parseText(`(module (memory (export "memory") ${pages}) ${functions})`);
  module.setFeatures(binaryen.Features.All);
  const binary = module.emitBinary();
  module.dispose();
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary as Uint8Array<ArrayBuffer>));
  return instance.exports as unknown as HandWritten;
}
