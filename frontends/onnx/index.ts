// ONNX: models of other systems, read and written. What does it is loaded on use.

import type { GraphModel } from '../formats/graph-model.ts';
import type { ExportOnnxOptions, OnnxExportable } from './export/index.ts';
import type { LoadOnnxOptions } from './load.ts';
import type { OnnxSource } from './source.ts';

export type { GraphModel } from '../formats/graph-model.ts';
export type { ExportOnnxOptions, LoadOnnxOptions, OnnxExportable, OnnxSource };

/**
 * Reads an ONNX model (operator sets 7 to 26 of ai.onnx, and common ones of com.microsoft and ai.onnx.ml): from a path (in
 * Node), a URL, or bytes; tensors in files beside the model are read too, or given as `externalData`. The model can be
 * run, called in traced functions and under tapes, and with `trainable` be trained further. 64-bit integers are int32,
 * float16 and bfloat16 are float32.
 * Rejects with FormatError for a file that is damaged, of another version, or has operators that cannot be read (all are
 * named, with reasons); with ArgumentError for arguments, ExecutionError where a file cannot be had.
 * Format: https://onnx.ai/onnx/intro/concepts.html
 */
export async function loadOnnx(source: OnnxSource, options?: LoadOnnxOptions): Promise<GraphModel> {
  const { load } = await import('./load.ts');
  return load(source, options);
}

/**
 * The ONNX file (operator set 18, IR version 8) of a compiled function, of a function with `inputs`, or of a model: its
 * graph, with Variables that it only reads as initializers. In Node it is written to `path` too, whole or not at all.
 * Rejects with ArgumentError for what is no function of tensors, CompileError where ONNX has no equivalent of an operation,
 * or where the function assigns Variables.
 */
export async function exportOnnx(
  what: OnnxExportable,
  options?: ExportOnnxOptions,
  path?: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { exportModel } = await import('./export/index.ts');
  return exportModel(what, options, path);
}
