// What an operation is: one record per op, in one place (ir/ops/*). The record drives inference,
// lowering, differentiation, the reference interpreter, the docs and the generated tests.

import type { Emitter } from './emit.ts';
import { ArgumentError, DTypeError, ShapeError, type SinterError } from './errors.ts';
import type { Attrs, AttrValue, Graph, Val } from './graph.ts';
import type { Expr } from './kernel/expr.ts';
import { Literal } from './literal.ts';
import type { NDArray } from './ndarray.ts';
import { type DType, type Shape, type TensorType, typeText } from './types.ts';

/** What the compiler may do with an op: how it is fused and lowered. */
export type OpKind =
  | 'elementwise' // one scalar expression per element (`scalar`)
  | 'view' // an index map over its operands: no arithmetic of its own
  | 'reduce' // folds axes with an associative combiner
  | 'contraction' // dotGeneral and convolution
  | 'window' // reduceWindow and its gradients
  | 'gather'
  | 'scatter'
  | 'algorithm' // reads its operands from memory and writes its results: a kernel of its own
  | 'generate' // no tensor operand decides its elements: constant, iota
  | 'random'
  | 'state' // reads or assigns a Variable
  | 'control' // carries regions
  | 'composite'; // expands to primitives

/** The operands and attributes while types are inferred; `check` throws with the op's name. */
export interface InferCtx {
  readonly op: OpDef;
  readonly inputs: readonly TensorType[];
  readonly attrs: Attrs;
  readonly regions: readonly Graph[];
  /** Throws unless `ok`: the constraint's text, then the actual values, then the fix. */
  check(ok: boolean, label: string, actual: string, fix?: string): void;
}

/** One operand of a sample: a type, and where its values come from. */
export interface SampleInput {
  readonly type: TensorType;
  /** Uniform values between these (integers for integer types). Default -2 to 2. */
  readonly range?: readonly [number, number];
  /** Fixed values instead. */
  readonly values?: readonly number[];
}
export interface Sample {
  readonly inputs: readonly SampleInput[];
  readonly attrs?: Attrs;
  /** False where the point is not differentiable (kinks, ties): only the forward is tested. */
  readonly grad?: boolean;
}

/** One executed operation. A graph's node is one. */
export interface OpRecord {
  readonly op: OpDef;
  readonly inputs: readonly Val[];
  readonly outputs: readonly Val[];
  readonly attrs: Attrs;
  readonly regions?: readonly Graph[];
}

/** The backward walk (compiler/autodiff/backprop.ts), for rules that differentiate regions. */
export interface BackwardWalk {
  /** Gradients of seeded values with respect to `sources`; null where nothing seeded depends on one. */
  readonly backprop: (
    b: Emitter,
    records: readonly OpRecord[],
    seeds: ReadonlyMap<Val, Val>,
    sources: readonly Val[],
  ) => (Val | null)[];
  /** The values that depend on a source through floats. */
  readonly reachable: (records: readonly OpRecord[], sources: readonly Val[]) => Set<Val>;
}

/** Adds `g` to the gradient that `v` has so far. */
export function accumulate(b: Emitter, grads: Map<Val, Val>, v: Val, g: Val): void {
  const sum = grads.get(v);
  grads.set(v, sum ? b.add(sum, g) : g);
}

/** The backward rule's view of a node: operands, results, attributes. */
export interface GradCtx {
  readonly inputs: readonly Val[];
  readonly outputs: readonly Val[];
  readonly attrs: Attrs;
  readonly regions: readonly Graph[];
  readonly walk: BackwardWalk;
  /** Which operands need a gradient: others may get null without being built. */
  readonly needs: readonly boolean[];
  /** Which outputs have a gradient at all: the gradients of the others are zeros put in their place. */
  readonly given: readonly boolean[];
}

/** Backward rule: gradients of the outputs in, gradients of the operands out (null: none). */
export type GradRule = (b: Emitter, n: GradCtx, grads: readonly Val[]) => readonly (Val | null)[];

/** Executes the region of that index on its parameters' values. */
export type RunRegion = (region: number, inputs: readonly NDArray[]) => readonly NDArray[];

export interface OpDef {
  readonly name: string;
  readonly doc: string;
  readonly kind: OpKind;
  /** Number of operands, or the least number for a variadic op. */
  readonly arity: number;
  readonly variadic?: boolean;
  /** Labelled rules that operands and attributes obey; the label stands in docs, errors and tests. */
  readonly constraints: Readonly<Record<string, string>>;
  /** Operand positions that share one type: where a splat literal may be printed in place. */
  readonly sameType?: readonly number[];
  /** Not to be interned, removed or reordered. */
  readonly effect?: boolean;
  /** Its results have the same bits on every target: each operation of its expression rounds as it is written. */
  readonly exact?: boolean;
  readonly infer: (c: InferCtx) => readonly TensorType[];
  /** Element-wise ops: one element from one element of each operand. */
  readonly scalar?: (xs: readonly Expr[], attrs: Attrs, out: TensorType) => Expr;
  /** `none` with a reason where no gradient exists; 'expand' differentiates a composite's expansion. */
  readonly grad: GradRule | { readonly none: string } | 'expand';
  /** The definition, in float64 or exact integers. `run` executes one of the `regions` (control ops only). */
  readonly reference: (
    inputs: readonly NDArray[],
    attrs: Attrs,
    out: readonly TensorType[],
    run?: RunRegion,
    regions?: number,
  ) => readonly NDArray[];
  /** Composites: the same in terms of primitives. */
  readonly expand?: (b: Emitter, inputs: readonly Val[], attrs: Attrs) => readonly Val[];
  /**
   * How it takes one more leading axis on its operands (vmap): `leading` as it is, `axis` with its attributes
   * `axis` or `axes` one higher, `first` so on the first operand alone. Kinds other than algorithms and
   * composites have rules of their own; without one, composites expand, and algorithms run in a loop.
   */
  readonly batching?: 'leading' | 'axis' | 'first';
  readonly samples: readonly Sample[];
}

const registry = new Map<string, OpDef>();

/** Registers an op. The name must be new. */
export function defineOp(def: OpDef): OpDef {
  if (registry.has(def.name)) throw new ArgumentError(`the op ${def.name} is defined twice`);
  const op = Object.freeze(def);
  registry.set(def.name, op);
  return op;
}

/** Registers an op that is defined by its expansion over primitives. */
export function defineComposite(def: Omit<OpDef, 'kind'> & { expand: NonNullable<OpDef['expand']> }): OpDef {
  return defineOp({ ...def, kind: 'composite' });
}

/** The op of that name. Throws ArgumentError where there is none. */
export function opByName(name: string): OpDef {
  const op = registry.get(name);
  if (!op) throw new ArgumentError(`there is no op named '${name}'`);
  return op;
}
export const findOp = (name: string): OpDef | undefined => registry.get(name);
export const allOps = (): readonly OpDef[] => [...registry.values()];

/** Runs an op's inference; checks arity first. */
export function inferTypes(
  op: OpDef,
  inputs: readonly TensorType[],
  attrs: Attrs,
  regions: readonly Graph[] = [],
): readonly TensorType[] {
  if (op.variadic ? inputs.length < op.arity : inputs.length !== op.arity)
    throw new ArgumentError(`takes ${op.variadic ? 'at least ' : ''}${op.arity} operand(s), got ${inputs.length}`, {
      op: op.name,
    });
  return op.infer({ op, inputs, attrs, regions, check: makeCheck(op, inputs) });
}

function makeCheck(op: OpDef, inputs: readonly TensorType[]): InferCtx['check'] {
  return (ok, label, actual, fix) => {
    if (ok) return;
    const rule = op.constraints[label];
    const Err: new (m: string, i: object) => SinterError =
      /dtype|float|bool|int/i.test(rule ?? '') && !/shape|axis|axes|dimension/i.test(rule ?? '')
        ? DTypeError
        : ShapeError;
    throw new Err(`${rule ?? label}; got ${actual} (operands: ${inputs.map(typeText).join(', ') || 'none'})`, {
      op: op.name,
      label,
      fix,
    });
  };
}

// Attribute access with the type that inference has checked.
export const numAttr = (a: Attrs, k: string): number => a[k] as number;
export const boolAttr = (a: Attrs, k: string): boolean => a[k] as boolean;
export const intsAttr = (a: Attrs, k: string): readonly number[] => a[k] as readonly number[];
export const shapeAttr = (a: Attrs, k: string): Shape => a[k] as Shape;
export const pairsAttr = (a: Attrs, k: string): readonly (readonly number[])[] =>
  a[k] as readonly (readonly number[])[];
export const literalAttr = (a: Attrs, k: string): Literal => a[k] as Literal;
export const dtypeAttr = (a: Attrs, k: string): DType => a[k] as DType;

/** Canonical text of attributes, sorted: the key for interning. */
export function attrsKey(attrs: Attrs): string {
  const keys = Object.keys(attrs).sort();
  return keys.map((k) => `${k}=${attrKey(attrs[k])}`).join(';');
}
function attrKey(v: AttrValue): string {
  if (v instanceof Literal) return v.hash;
  if (typeof v === 'number' && Object.is(v, -0)) return '-0';
  return typeof v === 'object' ? JSON.stringify(v) : String(v);
}

/** `f32[2,3]` etc. for samples and tests. */
export function t(text: string): TensorType {
  const m = /^(f32|f64|i32|u32|bool|i8|u8|f16)\[([\d,]*)\]$/.exec(text);
  if (!m) throw new ArgumentError(`not a tensor type: ${text}`);
  const shape = m[2] === '' ? [] : m[2].split(',').map(Number);
  return { dtype: m[1] as DType, shape };
}

/** Shorthand for a sample: types as text, then attributes. The text is read when the operands are wanted, not at each start. */
export function sample(
  types: readonly (string | [string, number, number] | SampleInput)[],
  attrs: Attrs = {},
  grad = true,
): Sample {
  let inputs: readonly SampleInput[] | undefined;
  return {
    get inputs() {
      inputs ??= types.map((x) =>
        typeof x === 'string'
          ? { type: t(x) }
          : Array.isArray(x)
            ? { type: t(x[0]), range: [x[1], x[2]] }
            : (x as SampleInput),
      );
      return inputs;
    },
    attrs,
    grad,
  };
}

/** The attributes that an op takes, and those that it needs, as its samples show; null where it has none. */
export function attrNames(
  op: OpDef,
): { readonly known: ReadonlySet<string>; readonly required: readonly string[] } | null {
  if (op.samples.length === 0) return null;
  const sets = op.samples.map((s) => new Set(Object.keys(s.attrs ?? {})));
  const known = new Set(sets.flatMap((s) => [...s]));
  // How the compiler does it (compiler/lower/kernel-schedule.ts); nothing that it computes depends on that.
  if (op.kind === 'contraction') known.add('schedule');
  return { known, required: [...known].filter((k) => sets.every((s) => s.has(k))) };
}
