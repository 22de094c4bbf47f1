// The graph of layers between a model's inputs and outputs: found from the outputs, checked, put in
// order, and run.

import { ArgumentError, valueText } from '../../../ir/errors.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { maskOf } from './call-context.ts';
import type { OutputSpec } from './infer-shape.ts';
import { InputLayer } from './input-layer.ts';
import type { Kwargs, Layer } from './layer.ts';
import { type Node, type OneOrMany, replaceSymbolics, SymbolicTensor, toList } from './symbolic.ts';

/** Layers from inputs to outputs. */
export class Topology {
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  /** Uses of layers, each after those it depends on; without the inputs' own. */
  readonly nodes: readonly Node[];
  /** All layers, those farthest from the outputs first, as Keras orders them. */
  readonly layers: readonly Layer[];
  /** Uses of layers by their distance from the outputs. */
  readonly depths: ReadonlyMap<Node, number>;

  /**
   * Throws ArgumentError for what is no symbolic tensor, for outputs that depend on an input that is not
   * given, and for two layers of one name.
   */
  constructor(inputs: readonly SymbolicTensor[], outputs: readonly SymbolicTensor[], op = 'model') {
    checkEnds(inputs, 'inputs', op);
    checkEnds(outputs, 'outputs', op);
    const twice = inputs.find((t, i) => inputs.indexOf(t) < i);
    if (twice) throw new ArgumentError(`the input ${twice} is given twice`, { op, fix: 'list each input once' });
    this.inputs = inputs;
    this.outputs = outputs;
    this.nodes = nodesBetween(inputs, outputs, op);
    this.depths = depthsOf(this.nodes);
    this.layers = layersOf(inputs, this.nodes, this.depths);
    checkNames(this.layers, op);
  }

  /**
   * Computes the outputs of tensors for the inputs. Masks go along with the tensors.
   * @param visit told every tensor that a symbolic one stood for
   */
  run(values: readonly Tensor[], kwargs: Kwargs, visit?: (s: SymbolicTensor, t: Tensor) => void): Tensor[] {
    const at = new Map<SymbolicTensor, Tensor>();
    const set = (s: SymbolicTensor, t: Tensor) => {
      at.set(s, t);
      visit?.(s, t);
    };
    this.inputs.forEach((s, i) => void set(s, values[i]));
    const get = (s: SymbolicTensor) => at.get(s) as Tensor;
    for (const node of this.nodes) {
      const own = replaceSymbolics(node.kwargs, get);
      const out = toList(
        node.layer.apply(toList(node.given).map(get), { training: kwargs.training, ...own }) as OneOrMany<Tensor>,
      );
      node.outputs.forEach((s, i) => void set(s, out[i]));
    }
    return this.outputs.map(get);
  }

  /** Shapes and dtypes of the outputs for inputs of these. */
  outputSpecs(specs: readonly OutputSpec[]): OutputSpec[] {
    const at = new Map<SymbolicTensor, OutputSpec>(this.inputs.map((s, i) => [s, specs[i]]));
    const get = (s: SymbolicTensor) => at.get(s) as OutputSpec;
    for (const node of this.nodes) {
      const out = node.layer.outputSpecs(toList(node.given).map(get), node.kwargs);
      node.outputs.forEach((s, i) => void at.set(s, out[i]));
    }
    return this.outputs.map(get);
  }

  /** Masks of tensors that `run` gave, null where there is none. */
  static masks(tensors: readonly Tensor[]): (Tensor | null)[] {
    return tensors.map(maskOf);
  }
}

function checkEnds(list: readonly unknown[], what: string, op: string): void {
  if (list.length === 0)
    throw new ArgumentError(`has no ${what}`, { op, fix: `give ${what}: a symbolic tensor or an array` });
  for (const t of list)
    if (!(t instanceof SymbolicTensor))
      throw new ArgumentError(`${what} must be symbolic tensors, got ${valueText(t)}`, {
        op,
        fix: 'inputs come from tf.input({shape}), outputs from layers applied to them',
      });
}

/** Uses of layers that the outputs depend on, in order; the walk keeps its own stack, since models are deep. */
function nodesBetween(inputs: readonly SymbolicTensor[], outputs: readonly SymbolicTensor[], op: string): Node[] {
  const given = new Set(inputs);
  const order: Node[] = [];
  const done = new Set<Node>();
  const needed = (n: Node) => n.inputs.filter((t) => !given.has(t)).map((t) => t.node);
  const stack = outputs
    .filter((t) => !given.has(t))
    .map((t) => ({ node: t.node, entered: false }))
    .reverse();
  while (stack.length) {
    const top = stack[stack.length - 1];
    if (done.has(top.node)) {
      stack.pop();
    } else if (top.entered) {
      stack.pop();
      done.add(top.node);
      order.push(top.node);
    } else {
      top.entered = true;
      if (top.node.layer instanceof InputLayer) throw disconnected(top.node, op);
      for (const n of needed(top.node).reverse()) if (!done.has(n)) stack.push({ node: n, entered: false });
    }
  }
  return order;
}

const disconnected = (node: Node, op: string) =>
  new ArgumentError(`the outputs depend on the input '${node.layer.name}', which is none of the inputs`, {
    op,
    fix: 'add it to the inputs of the model',
  });

/** Distance of each use from the outputs. */
function depthsOf(order: readonly Node[]): Map<Node, number> {
  const depths = new Map<Node, number>(order.map((n) => [n, 0]));
  for (let i = order.length - 1; i >= 0; i--) {
    const d = (depths.get(order[i]) as number) + 1;
    for (const t of order[i].inputs) {
      const old = depths.get(t.node);
      if (old !== undefined && old < d) depths.set(t.node, d);
    }
  }
  return depths;
}

function layersOf(
  inputs: readonly SymbolicTensor[],
  order: readonly Node[],
  depths: ReadonlyMap<Node, number>,
): Layer[] {
  const depth = new Map<Layer, number>();
  for (const n of order) depth.set(n.layer, Math.max(depth.get(n.layer) ?? 0, depths.get(n) as number));
  // An input stands before the first that uses it.
  for (const s of inputs) {
    const uses = order.filter((n) => n.inputs.includes(s)).map((n) => (depths.get(n) as number) + 1);
    depth.set(s.sourceLayer, Math.max(depth.get(s.sourceLayer) ?? 0, ...uses));
  }
  const found = [...new Set([...inputs.map((s) => s.sourceLayer), ...order.map((n) => n.layer)])];
  return found.sort((a, b) => (depth.get(b) as number) - (depth.get(a) as number));
}

function checkNames(layers: readonly Layer[], op: string): void {
  const names = new Map<string, Layer>();
  for (const l of layers) {
    if (names.has(l.name))
      throw new ArgumentError(`two layers have the name '${l.name}'`, {
        op,
        fix: 'give each layer its own name: {name}',
      });
    names.set(l.name, l);
  }
}
