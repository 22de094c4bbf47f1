// Graphs of ONNX files as graphs that can be run: nodes with their operators, constants, subgraphs, functions.

import { FormatError } from '../../ir/errors.ts';
import { type Dialect, GraphFunction } from '../formats/graph-function.ts';
import { Tensor } from '../trace/tensor.ts';
import {
  type AttributeValue,
  Call,
  type OnnxGraph,
  type OnnxNode,
  type OnnxValue,
  type Operator,
  Optional,
} from './call.ts';
import { allLast, channelsFirst } from './layout.ts';
import { findOperator } from './operators/index.ts';
import { unsupportedReason } from './operators/unsupported.ts';
import { AttributeKind, type Message } from './schema.ts';
import { type ExternalFiles, readSparse, readTensor } from './tensors.ts';

const text = new TextDecoder();

/** The tensors in a value. */
const tensorsOf = (v: OnnxValue): readonly Tensor[] =>
  v instanceof Tensor
    ? [v]
    : v instanceof Optional
      ? v.value === undefined
        ? []
        : tensorsOf(v.value)
      : v.flatMap(tensorsOf);

const impure = (n: OnnxNode): boolean =>
  n.operator.impure === true || [...n.attributes.values()].some((a) => isGraph(a) && a.body.nodes.some(impure));
const isGraph = (a: AttributeValue): a is OnnxGraph => typeof a === 'object' && 'body' in a;

const dialect: Dialect<OnnxNode, OnnxValue> = {
  run(node, operands, scope) {
    const moved = node.operator.pointwise ? allLast(operands) : undefined;
    if (moved) return [channelsFirst(node.operator.run(new Call(node, moved as OnnxValue[], scope)) as Tensor)];
    const out = node.operator.run(new Call(node, operands, scope));
    if (node.operator.list || (Array.isArray(out) && !(out instanceof Tensor)))
      return out as readonly (OnnxValue | undefined)[];
    return [out as OnnxValue | undefined];
  },
  tensorsOf,
  isImpure: impure,
};

/** Versions of operator sets by domain; '' is ai.onnx. */
type Versions = ReadonlyMap<string, number>;

/** All nodes of a model with its functions written out: no file of honest size has more. */
const mostNodes = 250_000;

/** Reads the graphs of one model. */
export class GraphReader {
  readonly #op: string;
  readonly #files: ExternalFiles;
  readonly #functions = new Map<string, Message<'Function'>>();
  /** Functions that are being written out. */
  readonly #open: string[] = [];
  #nodes = 0;
  /** Why operators cannot be read, by their name. */
  readonly unsupported = new Map<string, string>();
  /** Nodes of operators whose results' shapes depend on elements. */
  dynamic = false;

  constructor(functions: readonly Message<'Function'>[], files: ExternalFiles, op: string) {
    this.#op = op;
    this.#files = files;
    for (const f of functions) this.#functions.set(key(f.domain, f.name, f.overload), f);
  }

  /** A graph; `initializers` may replace the tensors that stand in it. */
  graph(g: Message<'Graph'>, versions: Versions, constants = this.constants(g)): OnnxGraph {
    const body = {
      name: g.name ?? '',
      nodes: g.node.map((n, i) => this.#node(n, i, versions, new Map())),
      // Constants may be listed as inputs too: their default values are what counts.
      inputs: g.input.map((v) => v.name ?? '').filter((x) => !constants.has(x)),
      outputs: g.output.map((v) => v.name ?? ''),
      constants,
    };
    return new GraphFunction(body, dialect, this.#op);
  }

  /** The tensors that stand in a graph, by name. */
  constants(g: Message<'Graph'>): Map<string, OnnxValue> {
    const all = new Map<string, OnnxValue>();
    for (const t of g.initializer) all.set(t.name ?? '', readTensor(t, this.#files, this.#op));
    for (const s of g.sparseInitializer) all.set(s.values?.name ?? '', readSparse(s, this.#files, this.#op));
    return all;
  }

  #node(n: Message<'Node'>, i: number, versions: Versions, given: ReadonlyMap<string, AttributeValue>): OnnxNode {
    if (++this.#nodes > mostNodes)
      throw new FormatError(`the model has more than ${mostNodes} nodes, its functions written out`, { op: this.#op });
    const domain = plainDomain(n.domain);
    const op = n.opType ?? '';
    const attributes = new Map<string, AttributeValue>();
    const captures = new Set<string>();
    for (const a of n.attribute) {
      const value = a.refAttrName ? given.get(a.refAttrName) : this.#attribute(a, versions, given);
      if (value === undefined) continue;
      attributes.set(a.name ?? '', value);
      if (isGraph(value)) for (const x of value.captures) captures.add(x);
    }
    const version = versions.get(domain) ?? 0;
    const base = { name: n.name || `#${i}`, op: domain ? `${domain}.${op}` : op, inputs: n.input, outputs: n.output };
    const operator = this.#function(n, domain, op, attributes) ?? this.#operator(domain, op, version);
    if (operator.dynamic) this.dynamic = true;
    return { ...base, captures: [...captures], operator, attributes, version };
  }

  #operator(domain: string, op: string, version: number): Operator {
    const found = findOperator(domain, op, version);
    if (found) return found;
    const name = domain ? `${domain}.${op}` : op;
    if (!this.unsupported.has(name)) this.unsupported.set(name, unsupportedReason(domain, op, version));
    return { op, domain, since: version, run: () => undefined };
  }

  /** A use of a function of the model, written out with its attributes. */
  #function(
    n: Message<'Node'>,
    domain: string,
    op: string,
    attributes: ReadonlyMap<string, AttributeValue>,
  ): Operator | undefined {
    const id = key(n.domain, op, n.overload);
    const f = this.#functions.get(id);
    if (!f) return undefined;
    if (this.#open.includes(id)) throw new FormatError(`the function '${id}' calls itself`, { op: this.#op });
    this.#open.push(id);
    const versions = versionsOf(f.opsetImport);
    const given = new Map<string, AttributeValue>();
    for (const a of f.attributeProto) {
      const value = this.#attribute(a, versions, new Map());
      if (value !== undefined) given.set(a.name ?? '', value);
    }
    for (const [name, value] of attributes) given.set(name, value);
    const nodes = f.node.map((m, i) => this.#node(m, i, versions, given));
    this.#open.pop();
    const graph: OnnxGraph = new GraphFunction(
      { name: f.name ?? '', nodes, inputs: f.input, outputs: f.output, constants: new Map() },
      dialect,
      this.#op,
    );
    const isImpure = nodes.some(impure);
    return { op, domain, since: 0, list: true, impure: isImpure, run: (c) => runFunction(c, graph) };
  }

  #attribute(
    a: Message<'Attribute'>,
    versions: Versions,
    given: ReadonlyMap<string, AttributeValue>,
  ): AttributeValue | undefined {
    switch (a.type || kindOf(a)) {
      case AttributeKind.float:
        return a.f ?? 0;
      case AttributeKind.int:
        return clamped(a.i ?? 0);
      case AttributeKind.string:
        return text.decode(a.s);
      case AttributeKind.tensor:
        // A tensor of texts is an error only where somebody asks for it.
        return a.t && a.t.dataType !== 8 ? readTensor(a.t, this.#files, this.#op) : undefined;
      case AttributeKind.floats:
        return a.floats;
      case AttributeKind.ints:
        return a.ints.map(clamped);
      case AttributeKind.strings:
        return a.strings.map((s) => text.decode(s));
      case AttributeKind.graph:
        return a.g && this.#subgraph(a.g, versions, given);
      default:
        return a.sparseTensor && readSparse(a.sparseTensor, this.#files, this.#op);
    }
  }

  /** A graph inside of a node: of a function it may use the function's attributes. */
  #subgraph(g: Message<'Graph'>, versions: Versions, given: ReadonlyMap<string, AttributeValue>): OnnxGraph {
    const constants = this.constants(g);
    return new GraphFunction(
      {
        name: g.name ?? '',
        nodes: g.node.map((n, i) => this.#node(n, i, versions, given)),
        inputs: g.input.map((v) => v.name ?? '').filter((x) => !constants.has(x)),
        outputs: g.output.map((v) => v.name ?? ''),
        constants,
      },
      dialect,
      this.#op,
    );
  }
}

function runFunction(c: Call, graph: OnnxGraph): OnnxValue[] {
  const inputs = new Map<string, OnnxValue>();
  graph.body.inputs.forEach((x, i) => {
    const v = c.operands[i];
    if (v !== undefined) inputs.set(x, v);
  });
  return graph.run(inputs, graph.body.outputs.slice(0, Math.max(1, c.outputs)));
}

const key = (domain: string | undefined, name: string | undefined, overload: string | undefined) =>
  `${plainDomain(domain)}.${name ?? ''}:${overload ?? ''}`;
/** 'ai.onnx' is the empty domain. */
const plainDomain = (domain: string | undefined): string => (!domain || domain === 'ai.onnx' ? '' : domain);

/** Versions of operator sets, as a model or function says. */
export const versionsOf = (sets: readonly Message<'OperatorSet'>[]): Map<string, number> =>
  new Map(sets.map((s) => [plainDomain(s.domain), Number(s.version ?? 1)]));

/** The kind of an attribute whose type was not written (IR version 1). */
function kindOf(a: Message<'Attribute'>): number {
  const found = (['f', 'i', 's', 't', 'g'] as const).findIndex((k) => a[k] !== undefined);
  if (found >= 0) return found + 1;
  if (a.floats.length) return AttributeKind.floats;
  return a.strings.length ? AttributeKind.strings : a.ints.length ? AttributeKind.ints : 0;
}

/** 64-bit attributes: what goes to the end of int64 goes to that of int32. */
const clamped = (x: number | bigint): number => Math.min(Math.max(Number(x), -(2 ** 31)), 2 ** 31 - 1);
