// Eager execution of one operation. Small work goes to the op's own definition at once; large work
// to a program compiled for the single operation and kept by signature.

import { Builder } from '../../ir/builder.ts';
import { MemoryError } from '../../ir/errors.ts';
import type { Attrs, Graph } from '../../ir/graph.ts';
import { arrayFor, LARGEST_BYTES, type Literal } from '../../ir/literal.ts';
import { type NDArray, ndarray } from '../../ir/ndarray.ts';
import { attrsKey, inferTypes, type OpDef, pairsAttr } from '../../ir/op.ts';
import { sizeOf, staticShape, type TensorType, typeText } from '../../ir/types.ts';
import type { Program } from '../../runtime/program.ts';
import { compilerReady, createDefaultProgram, defaultTarget, placeOf } from './backend.ts';
import { storageOf } from './storage.ts';
import { eagerTensor, sameElements, type Tensor } from './tensor.ts';

/** Elements touched (or multiplied, for a contraction) above which a compiled program pays off. */
const largeWork = 1 << 14;
/** Work interpreted in total after which the compiler is started: by then it has cost about as much time. */
const startAfter = 1 << 22;
let interpreted = 0;
/** Programs kept; the oldest goes first. Null: there is none unless the compiler is started. */
const cacheSize = 512;
const programs = new Map<string, Program | null>();

/** Throws MemoryError before anything is computed for a result that no memory holds. */
function checkSize(op: OpDef, t: TensorType): void {
  const bytes = sizeOf(t.shape) * 8;
  if (bytes > LARGEST_BYTES)
    throw new MemoryError(`the result ${typeText(t)} does not fit into memory (${bytes / 2 ** 30} GiB in float64)`, {
      op: op.name,
      fix: 'use smaller shapes, or compile what uses it: inside of a program it need not be stored',
    });
}

/** Computes an operation on eager tensors. */
export function evaluate(op: OpDef, inputs: readonly Tensor[], attrs: Attrs, regions: readonly Graph[]): Tensor[] {
  const types = inferTypes(
    op,
    inputs.map((t) => t.type),
    attrs,
    regions,
  );
  for (const t of types) checkSize(op, t);
  if (op.name === 'constant') return [eagerTensor(types[0], (attrs.value as Literal).expand(types[0]))];
  // The same elements under another shape: tensors are immutable, so they are shared.
  if (op.name === 'reshape' || op.name === 'stop_gradient') return [sameElements(types[0], inputs[0])];
  // Elements on a GPU are not waited for: the operation goes where they are.
  const program =
    regions.length || inputs.some((t) => t.remote)
      ? programFor(op, inputs, attrs, regions, true)
      : largeProgram(op, inputs, attrs, work(op, inputs, types, attrs));
  if (program) {
    const out = program.runBuffers(inputs.map((t) => storageOf(t, program.target, `an operand of ${op.name}`)));
    return types.map((t, i) => eagerTensor(t, out[i]));
  }
  const out = op.reference(
    inputs.map((t) => toNDArray(t.type, t.elements(`an operand of ${op.name}`))),
    attrs,
    types,
  );
  return types.map((t, i) => eagerTensor(t, fromNDArray(t, out[i])));
}

/** Elements of a typed array as an array of the reference interpreter. */
export const toNDArray = (t: TensorType, data: ArrayLike<number>): NDArray =>
  ndarray(t.dtype, staticShape(t.shape), data);

/** The array of a reference result, rounded to what its dtype holds. */
export function fromNDArray(t: TensorType, a: NDArray) {
  const out = arrayFor(t.dtype, a.data.length);
  out.set(a.data);
  return out;
}

/** Operations whose definitions touch each element once for every element of its row, or about as often. */
const steep = new Set(
  'fft rfft irfft search_sorted cholesky triangular_solve lu qr eigh svd solve det slogdet'.split(' '),
);

/** A rough count of the elements that an operation touches. */
function work(op: OpDef, inputs: readonly Tensor[], types: readonly TensorType[], attrs: Attrs): number {
  const out = types.reduce((n, t) => n + sizeOf(t.shape), 0);
  if (op.name === 'dot_general') {
    const [cx] = pairsAttr(attrs, 'contract');
    return out * cx.reduce((n, a) => n * inputs[0].shape[a], 1);
  }
  const read = inputs.reduce((n, t) => n + t.size, 0);
  // Every output of a convolution reads a filter's worth of inputs; a composite runs several loops.
  if (op.kind === 'contraction') return (out * inputs[1].size) / Math.max(1, inputs[1].shape.at(-1) ?? 1);
  if (steep.has(op.name)) return (read + out) * Math.max(1, inputs[0].shape.at(-1) ?? 1);
  return op.kind === 'composite' ? 4 * (read + out) : read + out;
}

/** A program where the work is large and the compiler at hand, or so much was interpreted that it should be. */
function largeProgram(op: OpDef, inputs: readonly Tensor[], attrs: Attrs, units: number): Program | null {
  if (units <= largeWork || defaultTarget() === 'reference') return null;
  interpreted += units;
  const program = programFor(op, inputs, attrs, [], interpreted > startAfter || compilerReady());
  if (program) interpreted -= units;
  return program;
}

function programFor(
  op: OpDef,
  inputs: readonly Tensor[],
  attrs: Attrs,
  regions: readonly Graph[],
  start: boolean,
): Program | null {
  const target = inputs.some((t) => t.remote) ? 'webgpu' : defaultTarget();
  const key = `${placeOf(target)} ${op.name}(${inputs.map((t) => typeText(t.type)).join()}){${attrsKey(attrs)}}${regions.map(String).join()}`;
  let p = programs.get(key);
  if (p === undefined || (p === null && start)) {
    const b = new Builder(op.name);
    const params = inputs.map((t, i) => b.param(t.type, `x${i}`));
    p = createDefaultProgram(b.build(b.emit(op, params, attrs, regions)), [], { start, target });
    if (programs.size >= cacheSize) programs.delete(programs.keys().next().value as string);
    programs.set(key, p);
  }
  return p;
}
