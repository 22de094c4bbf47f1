// Memory as shaders reach it: pages of words in which buffers have their places, and the arrays of workgroups.

import { affine, fromAffine } from '../../ir/kernel/affine.ts';
import { type Expr, mapExpr } from '../../ir/kernel/expr.ts';
import { printExpr } from '../../ir/kernel/print.ts';
import { fromHalfBitsExpr } from '../../ir/kernel/storage.ts';
import type { DType } from '../../ir/types.ts';
import { ExpressionWriter } from './expressions.ts';
import { nameText, type ShaderBuffer } from './parts.ts';
import { binary } from './values.ts';

/** Expressions and stores of a shader. */
export class Writer extends ExpressionWriter {
  /**
   * What `body` writes reads four elements of memory at once where it can: the pieces of a loop that is written out
   * know which of the four they are. It must not store where it reads.
   */
  inFours(body: () => void): void {
    const outer = this.#fours;
    this.#fours ??= new Map();
    body();
    this.#fours = outer;
  }
  #fours: Map<string, string> | null = null;

  #index(index: Expr): string {
    return index.k === 'const' ? `${index.value >>> 0}u` : `u32(${this.text(index)})`;
  }
  buffer(name: string): ShaderBuffer {
    const b = this.parts.buffers.get(name);
    if (!b) throw new Error(`there is no buffer ${name}`);
    return b;
  }
  /** The place of an element, in elements from the start of the heap's page. */
  place(b: ShaderBuffer, index: Expr): string {
    this.parts.touched.add(b.index);
    return index.k === 'const' && index.value === 0 ? `b${b.index}` : `(b${b.index} + ${this.#index(index)})`;
  }
  /** An element of a workgroup's array, which may be one of vectors. */
  #shared(b: ShaderBuffer, index: Expr): string {
    const at = this.#index(index);
    if (!b.four) return `${b.shared}[${at}]`;
    const i = /^\w+$/.test(at) ? at : this.bind(at);
    return `${b.shared}[${i} >> 2u][${i} & 3u]`;
  }
  #word(b: ShaderBuffer, at: string): string {
    if (this.parts.vectors) {
      const i = /^\w+$/.test(at) ? at : this.bind(at);
      return `H${b.index}[${i} >> 2u][${i} & 3u]`;
    }
    return this.parts.atomic ? `atomicLoad(&H${b.index}[${at}])` : `H${b.index}[${at}]`;
  }

  /** A component of four elements that are loaded together; null where the index does not tell which. */
  #four(b: ShaderBuffer, index: Expr): string | null {
    if (!this.#fours || !b.four) return null;
    const a = affine(this.#expanded(index));
    if (a.c < 0 || a.terms.some((t) => t.coef % 4 !== 0)) return null;
    const first = fromAffine({ terms: a.terms, c: a.c - (a.c % 4) });
    const key = `${b.index}:${printExpr(first)}`;
    let name = this.#fours.get(key);
    if (!name) {
      const at = b.shared ? this.#index(first) : this.place(b, first);
      name = this.bind(`${b.shared ?? `H${b.index}`}[${at} >> 2u]`);
      this.#fours.set(key, name);
    }
    return `${name}.${'xyzw'[a.c % 4]}`;
  }

  /** An index in the variables that names are bound to: it may then be seen to be a multiple of four. */
  #expanded(e: Expr): Expr {
    return mapExpr(e, (x) => {
      const known = x.k === 'var' && x.ty === 'i32' ? this.defined.get(x.name) : undefined;
      return known && this.#expanded(known);
    });
  }

  protected override load(buf: string, index: Expr, ty: DType): string {
    const b = this.buffer(buf);
    const four = this.#four(b, index);
    if (b.shared) {
      const element = four ?? this.#shared(b, index);
      return b.ty === 'f16' ? `f32(${element})` : element;
    }
    if (four) return valueOfWord(b.ty, four);
    const at = this.place(b, index);
    switch (b.ty) {
      case 'f32':
      case 'i32':
      case 'u32':
      case 'bool':
        return valueOfWord(b.ty, this.#word(b, at));
      case 'i8':
      case 'u8': {
        const p = this.bind(at);
        const w = this.#word(b, `${p} >> 2u`);
        const part = `(${p} & 3u) * 8u, 8u`;
        return b.ty === 'u8' ? `bitcast<i32>(extractBits(${w}, ${part}))` : `extractBits(bitcast<i32>(${w}), ${part})`;
      }
      case 'f16': {
        const p = this.bind(at);
        if (this.parts.useHalf()) return `f32(bitcast<vec2<f16>>(${this.#word(b, `${p} >> 1u`)})[${p} & 1u])`;
        const h = this.parts.fresh('h');
        this.line(
          `let ${nameText(h)} = bitcast<i32>(extractBits(${this.#word(b, `${p} >> 1u`)}, (${p} & 1u) * 16u, 16u));`,
        );
        return this.aside(fromHalfBitsExpr({ k: 'var', ty: 'i32', name: h }));
      }
      default:
        throw new Error(`${ty} in memory`);
    }
  }

  /** Stores a value, which for float16 is its bits. */
  store(b: ShaderBuffer, index: Expr, value: Expr): void {
    const [at, v] = this.#storeTexts(b, index, value);
    if (b.shared) {
      if (b.ty === 'f16') this.parts.useHalf();
      this.line(`${this.#shared(b, index)} = ${b.ty === 'f16' ? `f16(${v})` : v};`);
      return;
    }
    const target = `H${b.index}`;
    const size = b.ty === 'f16' ? 2 : b.ty === 'i8' || b.ty === 'u8' ? 1 : 4;
    if (size === 4) {
      const word = wordText(b.ty, v);
      this.line(this.parts.atomic ? `atomicStore(&${target}[${at}], ${word});` : `${this.#word(b, at)} = ${word};`);
      return;
    }
    // Others may store the rest of the word at the same time: two operations on this part alone.
    const [p, mask, shift] = [this.bind(at), size === 2 ? '65535u' : '255u', size === 2 ? 1 : 2];
    const by = this.bind(`(${p} & ${size === 2 ? 1 : 3}u) * ${8 * size}u`);
    this.line(`atomicAnd(&${target}[${p} >> ${shift}u], ~(${mask} << ${by}));`);
    this.line(`atomicOr(&${target}[${p} >> ${shift}u], (bitcast<u32>(${v}) & ${mask}) << ${by});`);
  }
  /** Combines a value with an element of the heap while others do the same. */
  combine(b: ShaderBuffer, index: Expr, value: Expr, op: 'add' | 'max' | 'min'): void {
    const [at, v] = this.#storeTexts(b, index, value);
    const target = `H${b.index}[${this.bind(at)}]`;
    // The sum of words is that of integers of either kind.
    if (op === 'add' && b.ty !== 'f32') {
      this.line(`atomicAdd(&${target}, ${wordText(b.ty, v)});`);
      return;
    }
    const own = this.bind(v);
    const old = this.parts.fresh('old');
    this.line(`var ${old} = atomicLoad(&${target});`);
    this.block('loop', () => {
      const next = binary(op, b.ty, valueOfWord(b.ty, old), own, this.parts.use);
      this.line(`let tried = atomicCompareExchangeWeak(&${target}, ${old}, ${wordText(b.ty, next)});`);
      this.line('if (tried.exchanged) { break; }');
      this.line(`${old} = tried.old_value;`);
    });
  }
  #storeTexts(b: ShaderBuffer, index: Expr, value: Expr): [string, string] {
    this.begin(index, value);
    const v = this.text(value);
    return [b.shared ? '' : this.place(b, index), v];
  }
}

/** The value of a word of memory. */
const valueOfWord = (ty: DType, word: string): string =>
  ty === 'u32' ? word : ty === 'bool' ? `(${word} != 0u)` : `bitcast<${ty}>(${word})`;

/** A value as the word that memory holds. */
export const wordText = (ty: DType, v: string): string =>
  ty === 'u32' ? v : ty === 'bool' ? `u32(${v})` : `bitcast<u32>(${v})`;
