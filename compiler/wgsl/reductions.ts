// Reductions over a workgroup: functions that combine a value of every invocation, each made where it is first needed.

import type { Expr } from '../../ir/kernel/expr.ts';
import type { Stmt } from '../../ir/kernel/kernel.ts';
import type { DType } from '../../ir/types.ts';
import { combine, typeText, type Use } from './values.ts';

export type ReduceOp = Extract<Stmt, { s: 'reduce' }>['op'];

export class GroupReductions {
  readonly declarations: string[] = [];
  /** Whether some of them go over subgroups first. */
  overSubgroups = false;
  readonly #size: number;
  readonly #subgroups: boolean;
  readonly #use: Use;
  readonly #made = new Set<string>();

  /**
   * @param size invocations of the workgroup
   * @param subgroups whether the GPU has operations over subgroups
   */
  constructor(size: number, subgroups: boolean, use: Use) {
    this.#size = size;
    this.#subgroups = subgroups;
    this.#use = use;
  }

  /** The name of the function of (value, invocation); the order of combination is always the same. */
  name(op: ReduceOp, ty: DType): string {
    const name = `reduce_${op}_${ty}`;
    if (this.#made.has(name)) return name;
    this.#made.add(name);
    const array = `r_${op}_${ty}`;
    // Booleans have no place in the memory that is loaded by all alike.
    this.declarations.push(`var<workgroup> ${array}: array<${ty === 'bool' ? 'u32' : typeText(ty)}, ${this.#size}>;`);
    const sub = this.#subgroups ? subgroupFunction(op, ty) : null;
    const head = `fn ${name}(x: ${typeText(ty)}, lid: u32) -> ${typeText(ty)} {`;
    this.declarations.push(
      `${head}\n${sub ? this.#bySubgroups(op, ty, array, sub) : this.#byHalves(op, ty, array)}\n}`,
    );
    return name;
  }

  /** Each subgroup combines its own, every invocation what the subgroups have. */
  #bySubgroups(op: ReduceOp, ty: DType, array: string, sub: string): string {
    if (!this.overSubgroups)
      this.declarations.unshift(
        'var<private> sub_lane: u32;',
        'var<private> sub_group: u32;',
        'var<private> sub_count: u32;',
      );
    this.overSubgroups = true;
    return `  let own = ${sub}(x);
  if (sub_lane == 0u) { ${array}[sub_group] = own; }
  workgroupBarrier();
  var r = ${array}[0];
  for (var i = 1u; i < sub_count; i++) { r = ${combine(op, ty, 'r', `${array}[i]`, this.#use)}; }
  workgroupBarrier();
  return r;`;
  }

  /** The upper half of the values to the lower, until one is left. */
  #byHalves(op: ReduceOp, ty: DType, array: string): string {
    const wrap = (t: string) => (ty === 'bool' ? `u32(${t})` : t);
    const read = (t: string) => (ty === 'bool' ? `(${t} != 0u)` : t);
    const both = combine(op, ty, read(`${array}[lid]`), read(`${array}[lid + s]`), this.#use);
    return `  ${array}[lid] = ${wrap('x')};
  workgroupBarrier();
  for (var s = ${this.#size / 2}u; s > 0u; s = s >> 1u) {
    if (lid < s) { ${array}[lid] = ${wrap(both)}; }
    workgroupBarrier();
  }
  return ${read(`workgroupUniformLoad(&${array}[0])`)};`;
  }
}

/** What combines a value over a subgroup, where that is as good: the largest of floats may lose a NaN. */
function subgroupFunction(op: ReduceOp, ty: DType): string | null {
  if (ty === 'bool') return null;
  const float = ty === 'f32';
  switch (op) {
    case 'add':
      return 'subgroupAdd';
    case 'mul':
      return 'subgroupMul';
    case 'max':
    case 'pmax':
      return float && op === 'max' ? null : 'subgroupMax';
    case 'min':
    case 'pmin':
      return float && op === 'min' ? null : 'subgroupMin';
    case 'and':
      return 'subgroupAnd';
    case 'or':
      return 'subgroupOr';
  }
}

/** An accumulator that a loop's iterations combine into, and the name of each invocation's part of it. */
export interface Reduction {
  readonly acc: string;
  readonly op: ReduceOp;
  readonly ty: Expr['ty'];
  part: string;
}

/** What a body combines into accumulators that are not its own. */
export function outerReductions(body: readonly Stmt[]): Reduction[] {
  const found = new Map<string, Reduction>();
  const visit = (list: readonly Stmt[], own: ReadonlySet<string>): void => {
    const here = new Set(own);
    for (const s of list) {
      if (s.s === 'acc') here.add(s.name);
      else if (s.s === 'reduce' && !here.has(s.acc))
        found.set(s.acc, { acc: s.acc, op: s.op, ty: s.value.ty, part: '' });
      else if (s.s === 'for' || s.s === 'single') visit(s.body, here);
      else if (s.s === 'if') {
        visit(s.then, here);
        visit(s.else, here);
      }
    }
  };
  visit(body, new Set());
  return [...found.values()];
}
