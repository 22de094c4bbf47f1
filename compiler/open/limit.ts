// Loops of a kernel that run over the batch end where the batch does.
//
// Everything lies at the bound, and what stands behind the batch is never looked at. So an iteration that stores
// nothing but such elements need not run. That is seen from the indices of its stores; nothing has to be known of
// how a kernel came about. What a kernel then still reads of its operands says how far these have to be computed.

import { affine, dependsOn, fromAffine } from '../../ir/kernel/affine.ts';
import { add, bin, children, type Expr, i32, load, mul, sub } from '../../ir/kernel/expr.ts';
import type { For, Kernel, Stmt } from '../../ir/kernel/kernel.ts';
import { type Bound, type Env, type Known, lower, tighter, upper, wider } from './bounds.ts';

/** How many elements of a buffer are needed, as a law of the batch; null: all of them. */
export type Need = Bound | null;

export interface Limited {
  /** The kernel; the same one where nothing could be limited. */
  readonly kernel: Kernel;
  /** What it reads, by buffer. */
  readonly needs: ReadonlyMap<string, Need>;
}

/**
 * @param needs of the buffers that the kernel stores into
 * @param batch name of the buffer that holds the size of the batch; declared by the caller where the kernel changes
 */
export function limitKernel(kernel: Kernel, needs: ReadonlyMap<string, Need>, batch: string): Limited {
  const l = new Limiter(kernel, needs, batch);
  const body = l.statements(kernel.body, new Map(), true);
  return { kernel: l.changed ? { ...kernel, body } : kernel, needs: l.needs };
}

/** What is known of a loop's body. */
interface Inside {
  readonly stores: { readonly buf: string; readonly index: Expr }[];
  /** Its own variables, and the least that each can be. */
  readonly names: Set<string>;
  readonly env: Map<string, Known>;
  readonly accs: Set<string>;
}

class Limiter {
  changed = false;
  readonly needs: Map<string, Need>;
  readonly #kernel: Kernel;
  readonly #batch: string;
  constructor(kernel: Kernel, needs: ReadonlyMap<string, Need>, batch: string) {
    this.#kernel = kernel;
    this.#batch = batch;
    this.needs = new Map(needs);
  }

  /** From the last to the first: what a statement reads says what those before it have to store. */
  statements(body: readonly Stmt[], env: Env, outermost = false): Stmt[] {
    // Variables are defined before they are read.
    const known = new Map(env);
    const envs = body.map((s) => {
      const here = new Map(known);
      if (s.s === 'let' && s.value.ty === 'i32') this.#learn(known, s.name, s.value);
      return here;
    });
    const out = new Array<Stmt>(body.length);
    for (let i = body.length - 1; i >= 0; i--) out[i] = this.#statement(body[i], envs[i], outermost);
    return out;
  }

  #learn(env: Map<string, Known>, name: string, value: Expr): void {
    const [low, high] = [lower(value, env), upper(value, env)];
    if (low !== null && high) env.set(name, { low, high });
  }

  #statement(s: Stmt, env: Env, outermost: boolean): Stmt {
    switch (s.s) {
      case 'for':
        return this.#loop(s, env, outermost);
      case 'single':
        return { ...s, body: this.statements(s.body, env, outermost) };
      case 'vec':
        this.#read(s.at, env);
        return {
          ...s,
          body: this.statements(s.body, withVariable(env, s.v, lower(s.at, env), plus(upper(s.at, env), s.lanes - 1))),
        };
      case 'if':
        this.#read(s.cond, env);
        return { ...s, then: this.statements(s.then, env), else: this.statements(s.else, env) };
      case 'let':
      case 'set':
      case 'reduce':
        this.#read(s.value, env);
        return s;
      case 'acc':
        this.#read(s.init, env);
        return s;
      case 'store':
        this.#read(s.index, env);
        this.#read(s.value, env);
        return s;
      case 'tileset':
        for (const e of [...s.index, s.value]) this.#read(e, env);
        return s;
      default:
        return s;
    }
  }

  #loop(s: For, env: Env, outermost: boolean): Stmt {
    const [low, high] = [lower(s.lo, env), plus(upper(s.hi, env), -1)];
    const inner = withVariable(env, s.v, low, high);
    // A SIMD loop inside others is too short to be worth it.
    const limit = s.unroll || (s.vector && !outermost) ? null : this.#limitOf(s, inner, high, outermost);
    if (!limit) return { ...s, body: this.statements(s.body, inner) };
    this.changed = true;
    const limited = withVariable(env, s.v, low, high ? tighter(high, limit.high) : limit.high);
    return { ...s, limit: limit.value, body: this.statements(s.body, limited) };
  }

  /** Where a loop may end, and how far its variable gets. */
  #limitOf(s: For, env: Env, high: Bound | null, outermost: boolean): { value: Expr; high: Bound } | null {
    const inside: Inside = { stores: [], names: new Set(), env: new Map(env), accs: new Set() };
    if (!high || !this.#collect(s.body, inside)) return null;
    let value: Expr | undefined;
    let most: Bound | undefined;
    for (const { buf, index } of inside.stores) {
      // Scratch that nobody reads behind the loop is its iterations' own.
      if (outermost && this.#roleOf(buf) === 'scratch' && !this.needs.has(buf)) continue;
      const need = this.needs.get(buf);
      const of = need && this.#limitFor(s.v, index, need, inside, env, high);
      if (!of) return null;
      value = value ? bin('max', value, of.value) : of.value;
      most = most ? wider(most, of.high) : of.high;
    }
    return value && most ? { value, high: most } : null;
  }

  /** `c * v + rest < a * batch + b` solved for v. */
  #limitFor(
    v: string,
    index: Expr,
    need: Bound,
    inside: Inside,
    env: Env,
    high: Bound,
  ): { value: Expr; high: Bound } | null {
    const form = affine(index);
    const isV = (t: { term: Expr }) => t.term.k === 'var' && t.term.name === v;
    const c = form.terms.find(isV)?.coef ?? 0;
    // A loop within one element of the batch has nothing to leave out.
    if (c <= 0 || c * (high.a + high.b + 1) <= need.a) return null;
    const rest = form.terms.filter((t) => !isV(t));
    if (rest.some((t) => dependsOn(t.term, v))) return null;
    const isOwn = (e: Expr) => [...inside.names].some((name) => dependsOn(e, name));
    const outer = { terms: rest.filter((t) => !isOwn(t.term)), c: form.c };
    // What varies inside: whatever it is, it is not less than this.
    const least = lower(fromAffine({ terms: rest.filter((t) => isOwn(t.term)), c: 0 }), inside.env);
    const all = lower(fromAffine(outer), env);
    if (least === null || all === null) return null;
    const [a, b] = [Math.ceil(need.a), Math.ceil(need.b)];
    const size = mul(load('i32', this.#batch, i32(0)), i32(a));
    const left = sub(add(size, i32(b - least + c - 1)), fromAffine(outer));
    return {
      value: bin('max', bin('div', left, i32(c)), i32(0)),
      high: { a: a / c, b: (b - least - all - 1) / c },
    };
  }

  #roleOf(buf: string): string | undefined {
    return this.#kernel.buffers.find((b) => b.name === buf)?.role;
  }

  /** Looks at a loop's body. False where it does something that an iteration that is left out might be missed for. */
  #collect(body: readonly Stmt[], x: Inside): boolean {
    return body.every((s) => {
      switch (s.s) {
        case 'for':
          this.#own(x, s.v, s.lo);
          return this.#collect(s.body, x);
        case 'vec':
          this.#own(x, s.v, s.at);
          return this.#collect(s.body, x);
        case 'single':
          return this.#collect(s.body, x);
        case 'if':
          return this.#collect(s.then, x) && this.#collect(s.else, x);
        case 'acc':
          x.accs.add(s.name);
          return true;
        case 'set':
          return x.accs.has(s.name);
        case 'reduce':
          return x.accs.has(s.acc);
        case 'let':
          if (s.value.ty === 'i32') this.#own(x, s.name, s.value);
          return true;
        case 'store':
          x.stores.push(s);
          return !s.atomic && this.#roleOf(s.buf) !== 'inout';
        case 'barrier':
          return false;
        default:
          return true;
      }
    });
  }

  /** A variable of the body, which is at least what `from` is; nothing is known of it where that is not. */
  #own({ names, env }: Inside, name: string, from: Expr): void {
    const low = lower(from, env);
    const before = names.has(name) ? env.get(name)?.low : low;
    names.add(name);
    if (low === null || before === undefined || before === null) env.delete(name);
    else env.set(name, { low: Math.min(low, before), high: { a: 0, b: Number.POSITIVE_INFINITY } });
  }

  /** Notes how far an expression reads. */
  #read(e: Expr, env: Env, seen = new Set<Expr>()): void {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.k === 'load') {
      const high = upper(e.index, env);
      const need: Need = high && { a: high.a, b: high.b + 1 };
      const before = this.needs.get(e.buf);
      this.needs.set(e.buf, before === undefined ? need : need && before && wider(need, before));
    }
    for (const c of children(e)) this.#read(c, env, seen);
  }
}

const plus = (x: Bound | null, k: number): Bound | null => x && { a: x.a, b: x.b + k };

function withVariable(env: Env, v: string, low: number | null, high: Bound | null): Env {
  const out = new Map(env);
  if (low !== null && high) out.set(v, { low, high });
  else out.delete(v);
  return out;
}
