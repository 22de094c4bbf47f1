// A graph whose batch is open, from the same function traced at several sizes of it.
//
// Sizes that differ between the traces follow from the batch. The graph is written again at the bound, where memory
// is planned, with the size of the batch as one more input: what counts or divides by it reads that input, and
// what would mix elements of the batch with those behind it gets neutral elements there (rules.ts).

import { Builder } from '../../ir/builder.ts';
import { CompileError } from '../../ir/errors.ts';
import type { Attrs, AttrValue, Graph, Node, Value } from '../../ir/graph.ts';
import { Literal, roundTo } from '../../ir/literal.ts';
import { type DType, type TensorType, tensorType, typeText } from '../../ir/types.ts';
import { runPasses } from '../pass-runner.ts';
import { pipeline } from '../pipeline.ts';
import { constantLaw, type Law, wholeLaw } from './fit.ts';
import type { OpenBatch } from './open.ts';
import { type Mask, masksOf, type OpenAxes } from './rules.ts';

/** A graph at the bound, and what is open of it. */
export interface Opened {
  readonly graph: Graph;
  readonly open: OpenBatch;
}

const differs = 'it computes something else for different sizes of the batch';
const fixes = 'build it for one size, batch: n; or take what is in the way out of the function';

/**
 * The graph of a function with an open batch.
 * @param graphs the function traced at each of `sizes`: different ones, the first three of them primes
 * @param bound the largest batch
 * @param name of the function, for errors
 * Throws CompileError with the operation's name where something cannot follow from the batch.
 */
export function openGraph(graphs: readonly Graph[], sizes: readonly number[], bound: number, name: string): Opened {
  const passes = pipeline.slice(0, pipeline.findIndex((p) => p.name === 'decompose') + 1);
  const primitive = graphs.map((g) => runPasses(g, passes, { verify: false }).graph);
  return new Opener(primitive, { sizes, bound, name }).write();
}

/** What is to be opened, and for errors the operation whose body it is. */
interface About {
  readonly sizes: readonly number[];
  readonly bound: number;
  readonly name: string;
  readonly inside?: string;
}

class Opener {
  readonly #graphs: readonly Graph[];
  readonly #about: About;
  readonly #b: Builder;
  /** By the id of a value of the first graph. */
  readonly #at: Value[] = [];
  readonly #open: OpenAxes[] = [];
  readonly #masked = new Map<string, Value>();
  #batch: Value | undefined;

  constructor(graphs: readonly Graph[], about: About) {
    this.#graphs = graphs;
    this.#about = about;
    this.#b = new Builder(graphs[0].name);
  }

  get sizes(): readonly number[] {
    return this.#about.sizes;
  }
  /** The input that tells the size of the batch. */
  #batchSize(op: string): Value {
    return this.#batch ?? this.#refuse(`${op} needs its size inside of ${this.#about.inside}`, op);
  }

  #refuse(why: string, op?: string): never {
    throw new CompileError(`the batch of '${this.#about.name}' cannot be open: ${why}`, { op, fix: fixes });
  }

  write(): Opened {
    const [first] = this.#graphs;
    const { params } = first;
    params.forEach((p, i) => void (p.type.state || this.#param(p, i)));
    this.#batch = this.#b.param(tensorType('i32', []), 'batch');
    params.forEach((p, i) => void (p.type.state && this.#param(p, i)));
    const graph = this.#nodes();
    const tensors = <T extends Value>(list: readonly T[]) => list.filter((v) => !v.type.state);
    return {
      graph,
      open: {
        bound: this.#about.bound,
        inputs: [...tensors(first.params).map((p) => this.#leading(p, `the input '${p.name}'`)), 0],
        outputs: tensors(first.results).map((r, i) => this.#leading(r, `result ${i}`)),
      },
    };
  }

  /** The graph as the body of an operation. */
  body(): Graph {
    this.#graphs[0].params.forEach((p, i) => void this.#param(p, i));
    return this.#nodes();
  }

  #param(p: Value, i: number): void {
    if (this.#graphs.some((g) => i >= g.params.length)) this.#refuse(differs);
    const { type, open } = this.#typeAt(this.#graphs.map((g) => g.params[i].type));
    if (type.state && open.some((s) => s)) this.#refuse(`the Variable '${p.name}' has the size of the batch`);
    this.#at[p.id] = this.#b.param(type, p.name);
    this.#open[p.id] = open;
  }
  #nodes(): Graph {
    const [first, ...others] = this.#graphs;
    for (const g of others) {
      const alike =
        g.nodes.length === first.nodes.length &&
        g.params.length === first.params.length &&
        g.results.length === first.results.length &&
        g.results.every((r, i) => r.id === first.results[i].id);
      if (!alike) this.#refuse(differs);
    }
    first.nodes.forEach((n, i) => {
      this.#node(
        n,
        this.#graphs.map((g) => g.nodes[i]),
      );
    });
    return this.#b.build(first.results.map((r) => this.#at[r.id]));
  }

  /** How many times the batch the first dimension is. */
  #leading(v: Value, what: string): number {
    const [scale = 0, ...rest] = this.#open[v.id];
    if (rest.some((s) => s)) this.#refuse(`${what} has the batch in another than the first dimension`, v.node?.op.name);
    return scale;
  }

  /** A type at the bound, and its open axes. */
  #typeAt(types: readonly TensorType[]): { type: TensorType; open: OpenAxes } {
    const [{ dtype, shape, state }] = types;
    if (types.some((t) => t.dtype !== dtype || t.shape.length !== shape.length)) this.#refuse(differs);
    const laws = shape.map((_, axis) => this.#size(types.map((t) => t.shape[axis] as number)));
    const type = tensorType(
      dtype,
      laws.map((l) => this.#atBound(l)),
    );
    return { type: state ? Object.freeze({ ...type, state }) : type, open: laws.map((l) => l.times) };
  }
  #size(values: readonly number[]): Law {
    const law = wholeLaw(values, this.sizes);
    if (!law || (law.times !== 0 && law.plus !== 0) || law.times < 0)
      return this.#refuse(
        `for batches of ${this.sizes.join(', ')} a size is ${values.join(', ')}, which is no multiple of it`,
      );
    return law;
  }
  #atBound({ times, plus }: Law): number {
    return times * this.#about.bound + plus;
  }

  #node(n: Node, all: readonly Node[]): void {
    const { op } = n;
    const alike = all.every(
      (m) => m.op === op && m.inputs.length === n.inputs.length && m.inputs.every((v, i) => v.id === n.inputs[i].id),
    );
    if (!alike) this.#refuse(differs, op.name);
    const types = n.outputs.map((_, i) => this.#typeAt(all.map((m) => m.outputs[i].type)));
    n.outputs.forEach((o, i) => {
      this.#open[o.id] = types[i].open;
    });
    if (op.name === 'constant') {
      this.#at[n.outputs[0].id] = this.#constant(
        all.map((m) => m.attrs.value as Literal),
        types[0].type,
      );
      return;
    }
    // A loop over the batch would be one of a length that is not known.
    const attrs = this.#attrs(
      all.map((m) => m.attrs),
      op.name,
      op.kind === 'control',
    );
    const regions = n.regions.map((_, r) =>
      this.#region(
        all.map((m) => m.regions[r]),
        op.name,
      ),
    );
    const inputs = n.inputs.map((v) => this.#at[v.id]);
    const site = {
      op,
      attrs,
      inputs: n.inputs.map((v, i) => ({ type: inputs[i].type, open: this.#open[v.id] })),
      outputs: types,
    };
    const masks = masksOf(site);
    if (typeof masks === 'string') this.#refuse(`${op.name} ${masks}`, op.name);
    for (const m of masks as readonly Mask[])
      inputs[m.operand] = this.#mask(inputs[m.operand], m, this.#open[n.inputs[m.operand].id], op.name);
    this.#b.emit(op, inputs, attrs, regions).forEach((v, i) => {
      if (typeText(v.type) !== typeText(types[i].type))
        this.#refuse(`${op.name} gives ${typeText(v.type)} where ${typeText(types[i].type)} was expected`, op.name);
      this.#at[n.outputs[i].id] = v;
    });
  }

  /** The value with neutral elements behind the batch. */
  #mask(x: Value, { axes, value }: Mask, open: OpenAxes, op: string): Value {
    const key = `${x.id} ${axes} ${value}`;
    const known = this.#masked.get(key);
    if (known) return known;
    const b = this.#b;
    let out = x;
    const batch = this.#batchSize(op);
    for (const axis of axes) {
      const end = open[axis] === 1 ? batch : b.mul(batch, open[axis]);
      const inside = b.compare('lt', b.iota(x.type.shape, axis), b.broadcastTo(end, x.type.shape));
      out = b.select(inside, out, b.splat(x.type, value)) as Value;
    }
    this.#masked.set(key, out);
    return out;
  }

  /** A constant: the same for all sizes, or one number that follows from the batch. */
  #constant(values: readonly Literal[], type: TensorType): Value {
    const b = this.#b;
    const [first] = values;
    if (values.every((v) => v.hash === first.hash)) return b.constant(first, type) as Value;
    const splats = values.map((v) => v.splat);
    if (splats.some((s) => s === undefined))
      return this.#refuse(
        'it has a table of constants that is another one for each size: make it by operations on a range',
      );
    const { dtype } = type;
    const law = constantLaw(splats as number[], this.sizes, (x) => roundTo(dtype, x));
    if (!law)
      return this.#refuse(
        `for batches of ${this.sizes.join(', ')} a constant is ${splats.join(', ')}, and no simple law says how it follows`,
      );
    return b.broadcastTo(this.#lawful(law, dtype), type.shape) as Value;
  }
  #lawful({ times, plus, inverse }: Law, dtype: DType): Value {
    const b = this.#b;
    const n = b.convert(this.#batchSize('a constant'), dtype);
    if (inverse) return b.div(times, n) as Value;
    const product = times === 1 ? n : b.mul(n, times);
    return (plus ? b.add(product, plus) : product) as Value;
  }

  #attrs(all: readonly Attrs[], op: string, controls: boolean): Attrs {
    const [first] = all;
    return Object.fromEntries(
      Object.keys(first).map((key) => [
        key,
        this.#attr(
          all.map((a) => a[key]),
          op,
          controls,
        ),
      ]),
    );
  }
  #attr(values: readonly AttrValue[], op: string, controls: boolean): AttrValue {
    const [first] = values;
    if (typeof first === 'number') {
      if (values.every((v) => v === first)) return first;
      const law = controls ? null : wholeLaw(values as number[], this.sizes);
      return law
        ? this.#atBound(law)
        : this.#refuse(`an attribute is ${values.join(', ')} for batches of ${this.sizes.join(', ')}`, op);
    }
    if (Array.isArray(first)) {
      if (values.some((v) => (v as readonly unknown[])?.length !== first.length))
        this.#refuse('an attribute differs', op);
      return first.map((_, i) =>
        this.#attr(
          values.map((v) => (v as readonly AttrValue[])[i]),
          op,
          controls,
        ),
      ) as never;
    }
    const same =
      first instanceof Literal
        ? values.every((v) => (v as Literal).hash === first.hash)
        : values.every((v) => v === first);
    return same ? first : this.#refuse('an attribute differs', op);
  }

  /** The body of a loop or a branch: it may work on the batch, but nothing in it may need to know its size. */
  #region(all: readonly Graph[], op: string): Graph {
    return new Opener(all, { ...this.#about, inside: op }).body();
  }
}
