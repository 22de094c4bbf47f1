// What the lowerings of algorithms share. Their kernels are written as kernel text over flat buffers:
// operands are read through the reader, so that views of memory cost nothing, row by row; rows are
// independent and are what threads split.

import type { Node, Value } from '../../../ir/graph.ts';
import { delinearize, type Ranges } from '../../../ir/kernel/affine.ts';
import { type Expr, mapExpr, variable } from '../../../ir/kernel/expr.ts';
import type { Stmt } from '../../../ir/kernel/kernel.ts';
import { printExpr } from '../../../ir/kernel/print.ts';
import { type DType, sizeOf } from '../../../ir/types.ts';
import type { Group } from '../../group.ts';
import { KernelBuilder, type LowerContext, type Lowered, type PackedConstant } from '../kernel-builder.ts';
import type { Axis } from '../loops.ts';
import { fixed } from '../views.ts';

/** Work below this many element-operations is not worth waking a thread for. */
const PARALLEL_WORK = 1 << 15;

/** A buffer's name and the text of the place where the row at hand starts in it. */
export interface Place {
  readonly buf: string;
  readonly at: string;
}

export class Algorithm {
  readonly k: KernelBuilder;
  readonly node: Node;
  /** Independent rows: everything but the `inner` last axes of the first operand. */
  readonly rows: number;
  readonly #batch: readonly number[];
  /** Rows are split over threads. */
  readonly parallel: boolean;
  readonly #gpu: boolean;
  /** How many rows have scratch at the same time. */
  readonly #workers: number;

  /** `inner`: axes of an operand that belong to one row; `work`: operations of a row. */
  constructor(ctx: LowerContext, g: Group, inner: number, work: number) {
    this.k = new KernelBuilder(ctx, g);
    this.node = g.nodes[0];
    const shape = fixed(this.node.inputs[0].type.shape);
    this.#batch = shape.slice(0, shape.length - inner);
    this.rows = sizeOf(this.#batch);
    this.#gpu = ctx.options.gpu !== undefined;
    this.parallel = this.rows > 1 && (this.#gpu || this.rows * work >= PARALLEL_WORK);
    // On a GPU every row is worked on at once.
    this.#workers = this.#gpu ? this.rows : this.parallel ? ctx.options.threads : 1;
  }

  get ty(): DType {
    return this.node.inputs[0].type.dtype;
  }

  /** The element of an operand in the row named `row`, at the variables of its inner axes. */
  read(operand: number, inner: readonly Axis[]): string {
    const ranges: Ranges = new Map([
      ['row', [0, Math.max(0, this.rows - 1)] as const],
      ...inner.map((a) => [a.v, [0, Math.max(0, a.n - 1)] as const] as const),
    ]);
    return this.readAt(
      operand,
      variable('row'),
      inner.map((a) => variable(a.v)),
      ranges,
    );
  }

  /** The element of an operand in any row. */
  readAt(operand: number, row: Expr, inner: readonly Expr[], ranges: Ranges): string {
    const v: Value = this.node.inputs[operand];
    const lets: Stmt[] = [];
    const idx: Expr[] = [...delinearize(row, this.#batch, ranges), ...inner];
    const e = this.k.reader(lets, ranges).read(v, idx);
    return printExpr(lets.reduceRight(inlined, e));
  }

  /** Text that copies a row's elements of an operand to `to`, densely. */
  copy(operand: number, dims: readonly number[], to: Place): string {
    const axes = dims.map((n, i) => ({ v: `c${i}`, n }));
    const flat = axes.reduce((e, a, i) => (i === 0 ? a.v : `((${e} * ${a.n}) + ${a.v})`), '0');
    const store = `${to.buf}[(${to.at} + ${flat})] = ${this.read(operand, axes)}`;
    return axes.reduceRight(
      (body, a, i) => `for ${a.v} = 0 to ${a.n}${i === axes.length - 1 ? ' vector' : ''} {\n${body}\n}`,
      store,
    );
  }

  /** A result's buffer; scratch where nobody needs the result. `size`: its elements a row. */
  out(i: number, size: number): Place {
    const v = this.node.outputs[i];
    if (this.k.group.outputs.includes(v)) return { buf: this.k.output(v), at: `(row * ${size})` };
    return this.scratch(v.type.dtype, size);
  }
  /** Is the result read by anybody? */
  needed(i: number): boolean {
    return this.k.group.outputs.includes(this.node.outputs[i]);
  }

  /** Memory of the row's own while it is worked on. */
  scratch(ty: DType, size: number): Place {
    const buf = this.k.scratch(ty, Math.max(1, size) * Math.max(1, this.#workers));
    return { buf, at: this.#workers > 1 ? `(${this.#gpu ? 'row' : 'tid'} * ${Math.max(1, size)})` : '0' };
  }

  table(p: PackedConstant): string {
    return this.k.packed(p);
  }

  /** The kernel: `body` for every row. */
  finish(body: string, flops: number): Lowered {
    const loop = `for row = 0 to ${this.rows}`;
    const how = this.#gpu ? 'grid' : 'parallel 1';
    const text = this.parallel ? `${loop} ${how} {\n${body}\n}` : `single {\n${loop} {\n${body}\n}\n}`;
    return this.k.finish(this.k.statements(text), { flops: Math.round(flops) });
  }
}

/** The expression with the value of a `let` in the place of its name. */
function inlined(e: Expr, s: Stmt): Expr {
  if (s.s !== 'let') throw new Error(`an operand that needs a statement '${s.s}' is not in memory`);
  return mapExpr(e, (x) => (x.k === 'var' && x.name === s.name ? s.value : undefined));
}

/** The element of a place. */
export const at = (p: Place, index: string): string => `${p.buf}[(${p.at} + ${index})]`;

/** A loop's text. */
export const each = (v: string, lo: string | number, hi: string | number, body: string, flags = ''): string =>
  `for ${v} = ${lo} to ${hi}${flags ? ` ${flags}` : ''} {\n${body}\n}`;
