// Writes a case as an ONNX model: weights become initializers, inputs stay inputs.

import type { Case, Operands } from './case.ts';
import { channelsFirst } from './layout.ts';
import { type Activation, type AlgorithmOps, type ImageOps, type Ops, unwritten, type Window } from './ops.ts';
import { Message } from './protobuf.ts';

type Attribute = number | string | readonly number[];
const dataTypes = { float: 1, int64: 7 } as const;

/** A float attribute is marked, because a number alone reads as an integer. */
const float = (value: number): { readonly float: number } => ({ float: value });

class GraphWriter {
  private readonly graph = new Message().text(2, 'case');
  private next = 0;

  /** Adds a node and gives the name of its first result. */
  node(
    op: string,
    inputs: readonly string[],
    attributes: Record<string, Attribute | { float: number }> = {},
    results = 1,
  ): string {
    const name = `t${this.next++}`;
    const node = new Message();
    for (const i of inputs) node.text(1, i);
    node.text(2, name);
    for (let i = 1; i < results; i++) node.text(2, `${name}_${i}`);
    node.text(3, `${op}_${name}`).text(4, op);
    for (const [key, value] of Object.entries(attributes)) node.message(5, attribute(key, value));
    this.graph.message(1, node);
    return name;
  }
  floats(name: string, shape: readonly number[], data: Float32Array): string {
    return this.initializer(name, 'float', shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  /** A vector of 64-bit integers: shapes and axes. */
  integers(values: readonly number[]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
    return this.initializer(`i${this.next++}`, 'int64', [values.length], bytes);
  }
  number(value: number): string {
    return this.floats(`n${this.next++}`, [], Float32Array.of(value));
  }
  private initializer(name: string, type: keyof typeof dataTypes, shape: readonly number[], raw: Uint8Array): string {
    this.graph.message(5, new Message().ints(1, shape).int(2, dataTypes[type]).text(8, name).bytes(9, raw));
    return name;
  }
  input(name: string, shape: readonly number[]): void {
    const dims = new Message();
    for (const d of shape) dims.message(1, new Message().int(1, d));
    this.value(11, name, new Message().int(1, dataTypes.float).message(2, dims));
  }
  output(name: string): void {
    this.value(12, name, new Message().int(1, dataTypes.float));
  }
  private value(field: number, name: string, tensor: Message): void {
    this.graph.message(field, new Message().text(1, name).message(2, new Message().message(1, tensor)));
  }
  /** The model file: format version 9, operator set 20 (the first that has Gelu). */
  model(): Uint8Array {
    return new Message().int(1, 9).text(2, 'bench').message(7, this.graph).message(8, new Message().int(2, 20)).done();
  }
}

function attribute(name: string, value: Attribute | { float: number }): Message {
  const m = new Message().text(1, name);
  if (typeof value === 'string') return m.text(4, value).int(20, 3);
  if (typeof value === 'number') return m.int(3, value).int(20, 2);
  if ('float' in value) return m.float(2, value.float).int(20, 1);
  return m.ints(8, value).int(20, 7);
}

type SizeOf = (name: string) => readonly number[];

/** Filters and images are channels first. */
function imageOps(g: GraphWriter, filterSize: SizeOf): ImageOps<string> {
  const padding = { same: 'SAME_UPPER', valid: 'VALID' } as const;
  const conv = (filters: readonly string[], { pad, stride = 1 }: Window, group: number, activation?: Activation) => {
    const kernel_shape = filterSize(filters[1]).slice(0, 2);
    const strides = [stride, stride];
    const y = g.node('Conv', filters, { kernel_shape, strides, auto_pad: padding[pad], group });
    if (activation === undefined) return y;
    return activation === 'relu' ? g.node('Relu', [y]) : g.node('Clip', [y, g.number(0), g.number(6)]);
  };
  return {
    conv2d: (x, filter, window, bias, activation) =>
      conv(bias ? [x, filter, bias] : [x, filter], window, 1, activation),
    depthwise: (x, filter, window, bias, activation) =>
      conv(bias ? [x, filter, bias] : [x, filter], window, filterSize(filter)[2], activation),
    maxPool: (x, size) =>
      g.node('MaxPool', [x], { kernel_shape: [size, size], strides: [2, 2], auto_pad: padding.same }),
    globalAveragePool: (x) => g.node('Flatten', [g.node('GlobalAveragePool', [x])], { axis: 1 }),
    // Only training cases have it.
    batchNorm: unwritten,
    resizeBilinear: unwritten,
    resizeNearest: unwritten,
  };
}

function algorithmOps(g: GraphWriter, sizeOf: SizeOf): AlgorithmOps<string> {
  return {
    lstm: (x, w, u, b) => {
      const front = g.integers([0]);
      const rows = (v: string) => g.node('Unsqueeze', [g.node('Transpose', [v], { perm: [1, 0] }), front]);
      // Its second half are biases of the hidden state.
      const biases = g.node('Unsqueeze', [g.node('Concat', [b, g.node('Sub', [b, b])], { axis: 0 }), front]);
      return g.node('Squeeze', [
        g.node('LSTM', [x, rows(w), rows(u), biases], { hidden_size: sizeOf(u)[0] }),
        g.integers([1]),
      ]);
    },
    gatherRows: (x, i) => g.node('Gather', [x, g.node('Cast', [i], { to: dataTypes.int64 })]),
    scatterAdd: unwritten,
    cumsum: (x, axis) => g.node('CumSum', [x, g.integers([axis])]),
    sort: (x, n) => g.node('TopK', [x, g.integers([n])], { largest: 0, sorted: 1, axis: -1 }, 2),
    topk: (x, k) => g.node('TopK', [x, g.integers([k])], { largest: 1, sorted: 1, axis: -1 }, 2),
    fft: (re, im) => {
      const last = g.integers([-1]);
      const column = (v: string) => g.node('Unsqueeze', [v, last]);
      // Complex numbers are a last axis of two.
      const y = g.node('DFT', [g.node('Concat', [column(re), column(im)], { axis: -1 })]);
      return g.node('ReduceSum', [y, last], { keepdims: 0 });
    },
  };
}

/** Operations on names of values. */
function onnxOps(g: GraphWriter, sizeOf: SizeOf): Ops<string> {
  const relu = (x: string, yes: boolean | undefined) => (yes ? g.node('Relu', [x]) : x);
  const mean = (x: string) => g.node('ReduceMean', [x], { keepdims: 0 });
  return {
    ...imageOps(g, sizeOf),
    ...algorithmOps(g, sizeOf),
    add: (a, b) => g.node('Add', [a, b]),
    sub: (a, b) => g.node('Sub', [a, b]),
    mul: (a, b) => g.node('Mul', [a, b]),
    scale: (a, factor) => g.node('Mul', [a, g.number(factor)]),
    relu: (x) => relu(x, true),
    gelu: (x) => g.node('Gelu', [x], { approximate: 'none' }),
    softmax: (x) => g.node('Softmax', [x], { axis: -1 }),
    layerNorm: (x, gamma, beta) => g.node('LayerNormalization', [x, gamma, beta], { axis: -1, epsilon: float(1e-5) }),
    sum: (x, axis) => g.node('ReduceSum', [x, g.integers([axis])], { keepdims: 0 }),
    matMul: (a, b) => g.node('MatMul', [a, b]),
    matMulTransposed: (a, b) => g.node('MatMul', [a, g.node('Transpose', [b], { perm: [0, 2, 1] })]),
    dense: (x, w, b, yes) => relu(g.node('Gemm', [x, w, b]), yes),
    reshape: (x, shape) => g.node('Reshape', [x, g.integers(shape)]),
    transpose: (x, perm) => g.node('Transpose', [x], { perm }),
    flatten: (x) => g.node('Flatten', [x], { axis: 1 }),
    crossEntropy: (labels, logits) => g.node('SoftmaxCrossEntropyLoss', [logits, labels]),
    meanSquare: (a, b) => {
      const d = g.node('Sub', [a, b]);
      return mean(g.node('Mul', [d, d]));
    },
  };
}

/** The model file of an inference case, and the name of its result. */
export function onnxModel(c: Case, operands: Operands): { readonly file: Uint8Array; readonly output: string } {
  const g = new GraphWriter();
  for (const [name, v] of Object.entries(operands)) {
    const x = channelsFirst(v);
    // A depthwise filter is channels x 1 in ONNX; its elements stand in the same order.
    const shape = v.layout === 'hwio' && v.shape[3] === 1 ? [x.shape[1], 1, ...x.shape.slice(2)] : x.shape;
    if (v.role === 'weight' || v.role === 'constant') g.floats(name, shape, x.data);
    else g.input(name, x.shape);
  }
  const names = Object.fromEntries(Object.keys(operands).map((k) => [k, k]));
  const output = c.build(
    onnxOps(g, (name) => operands[name].shape),
    names,
  );
  g.output(output);
  return { file: g.model(), output };
}
