// Loops of a kernel that run over the batch end where the batch does.
//
// Everything lies at the bound, and what stands behind the batch is never looked at. So an iteration that stores
// nothing but such elements need not run. That is seen from the indices of its stores; nothing has to be known of
// how a kernel came about. What a kernel then still reads of its operands says how far these have to be computed.

import { fromAffine } from '../../ir/kernel/affine.ts';
import { add, bin, children, type Expr, i32, load, mul, sub } from '../../ir/kernel/expr.ts';
import { type For, forEachExpr, type Kernel, type Stmt } from '../../ir/kernel/kernel.ts';
import { type Bound, Env, lineAbove, lower, tighter, upper, wider } from './bounds.ts';
import { LeastEnv, leastOf } from './least.ts';

/** How many elements of a buffer are needed for each sample of the batch; null: all of them. */
export type Need = Bound | null;

/** What is needed where both are; nothing is known of either yet where it is undefined. */
export const joined = (x: Need | undefined, y: Need): Need => (x === undefined ? y : x && y && wider(x, y));

export interface Limited {
  /** The kernel; the same one where nothing could be limited. */
  readonly kernel: Kernel;
  /** What it reads, by buffer. */
  readonly needs: ReadonlyMap<string, Need>;
}

/**
 * @param needs of the buffers that the kernel stores into
 * @param batch name of the buffer that holds the size of the batch; declared by the caller where the kernel changes
 * @param samples sizes of the batch that needs are known for
 */
export function limitKernel(
  kernel: Kernel,
  needs: ReadonlyMap<string, Need>,
  batch: string,
  samples: readonly number[],
): Limited {
  const l = new Limiter(kernel, needs, batch);
  const body = l.statements(kernel.body, new Env(samples), true);
  return { kernel: l.changed ? { ...kernel, body } : kernel, needs: l.needs };
}

/** What is known of a loop's body. */
interface Inside {
  readonly stores: { readonly buf: string; readonly index: Expr }[];
  /** The least that its variables can be. */
  readonly least: LeastEnv;
  readonly accs: Set<string>;
}

class Limiter {
  changed = false;
  readonly needs: Map<string, Need>;
  readonly #kernel: Kernel;
  readonly #batch: string;
  /** How often scratch is read in the whole kernel. */
  readonly #loads = new Map<string, number>();
  constructor(kernel: Kernel, needs: ReadonlyMap<string, Need>, batch: string) {
    this.#kernel = kernel;
    this.#batch = batch;
    this.needs = new Map(needs);
  }

  /** From the last to the first: what a statement reads says what those before it have to store. */
  statements(body: readonly Stmt[], env: Env, outermost = false): Stmt[] {
    // Variables are defined before they are read.
    let known = env;
    const envs = body.map((s) => {
      const here = known;
      if (s.s === 'let' && s.value.ty === 'i32') known = known.with(s.name, lower(s.value, here), upper(s.value, here));
      return here;
    });
    const out = new Array<Stmt>(body.length);
    for (let i = body.length - 1; i >= 0; i--) out[i] = this.#statement(body[i], envs[i], outermost);
    return out;
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
          body: this.statements(s.body, env.with(s.v, lower(s.at, env), plus(upper(s.at, env), s.lanes - 1))),
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
    const inner = env.with(s.v, low, high);
    // A SIMD loop inside others is too short to be worth it.
    const limit = s.unroll || (s.vector && !outermost) ? null : this.#limitOf(s, inner, high);
    if (!limit) return { ...s, body: this.#repeated(s.body, inner) };
    this.changed = true;
    const limited = env.with(s.v, low, high ? tighter(high, limit.high) : limit.high);
    return { ...s, limit: limit.value, body: this.#repeated(s.body, limited) };
  }

  /** The body of a loop: what an iteration reads, the one before it has to store, too. */
  #repeated(body: readonly Stmt[], env: Env): Stmt[] {
    const carried = [...storedIn(body)].filter((buf) => loadsOf(body, buf) > 0);
    for (let round = 0; ; round++) {
      const { changed } = this;
      const before = carried.map((buf) => this.needs.get(buf));
      const out = this.statements(body, env);
      const grown = carried.filter((buf, k) => !sameNeed(before[k], this.needs.get(buf)));
      if (!grown.length) return out;
      this.changed = changed;
      // What grows with each iteration is needed as a whole.
      if (round >= mostRounds) for (const buf of grown) this.needs.set(buf, null);
    }
  }

  /** Where a loop may end, and how far its variable gets. */
  #limitOf(s: For, env: Env, high: Bound | null): { value: Expr; high: Bound } | null {
    const inside: Inside = { stores: [], least: new LeastEnv(s.v, env), accs: new Set() };
    if (!high || !this.#collect(s.body, inside)) return null;
    let value: Expr | undefined;
    let most: Bound | undefined;
    for (const { buf, index } of inside.stores) {
      if (this.#isOwn(buf, s)) continue;
      const need = this.#needOf(buf);
      const of = need && this.#limitFor(index, need, inside, env, high);
      if (!of) return null;
      value = value ? bin('max', value, of.value) : of.value;
      most = most ? wider(most, of.high) : of.high;
    }
    return value && most ? { value, high: most } : null;
  }

  /** `c * v + outer + least < a * batch + b` solved for v. */
  #limitFor(index: Expr, need: Bound, inside: Inside, env: Env, high: Bound): { value: Expr; high: Bound } | null {
    const from = leastOf(index, inside.least);
    if (!from) return null;
    const c = Math.floor(from.c);
    // A loop that even one of the batch needs to its end has nothing to leave out.
    if (c <= 0 || need[0] > c * high[0] + Math.floor(from.b)) return null;
    const outer = fromAffine({ terms: from.outer, c: 0 });
    const all = lower(outer, env);
    if (all === null || !Number.isFinite(all)) return null;
    const least = Math.floor(from.b);
    const { slope, offset } = lineAbove(need, env.samples);
    const size = mul(load('i32', this.#batch, i32(0)), i32(slope));
    const left = sub(add(size, i32(offset - least + c - 1)), outer);
    return {
      value: bin('max', bin('div', left, i32(c)), i32(0)),
      high: need.map((n) => Math.floor((n - least - all - 1) / c)),
    };
  }

  /** Scratch that is read nowhere else than in the loop is its iterations' own. */
  #isOwn(buf: string, s: For): boolean {
    if (this.#roleOf(buf) !== 'scratch') return false;
    let all = this.#loads.get(buf);
    if (all === undefined) {
      all = loadsOf(this.#kernel.body, buf);
      this.#loads.set(buf, all);
    }
    return loadsOf(s.body, buf) === all;
  }
  /** Null also where the first of the batch needs everything. */
  #needOf(buf: string): Need {
    const need = this.needs.get(buf) ?? null;
    const size = this.#kernel.buffers.find((b) => b.name === buf)?.size ?? 0;
    return need && need[0] < size ? need : null;
  }

  #roleOf(buf: string): string | undefined {
    return this.#kernel.buffers.find((b) => b.name === buf)?.role;
  }

  /** Looks at a loop's body. False where it does something that an iteration that is left out might be missed for. */
  #collect(body: readonly Stmt[], x: Inside): boolean {
    return body.every((s) => {
      switch (s.s) {
        case 'for':
          x.least.define(s.v, s.lo);
          return this.#collect(s.body, x);
        case 'vec':
          x.least.define(s.v, s.at);
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
          if (s.value.ty === 'i32') x.least.define(s.name, s.value);
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

  /** Notes how far an expression reads. */
  #read(e: Expr, env: Env, seen = new Set<Expr>()): void {
    if (seen.has(e)) return;
    seen.add(e);
    if (e.k === 'load') {
      const high = upper(e.index, env);
      const need = plus(high, 1);
      this.needs.set(e.buf, joined(this.needs.get(e.buf), need));
    }
    for (const c of children(e)) this.#read(c, env, seen);
  }
}

/** How often a loop's body is looked at before what its iterations hand on is taken to be all. */
const mostRounds = 3;

const sameNeed = (x: Need | undefined, y: Need | undefined): boolean =>
  x === y || (!!x && !!y && x.every((n, k) => n === y[k]));

const plus = (x: Bound | null, k: number): Bound | null => x?.map((v) => v + k) ?? null;

/** How often a buffer is read. */
function loadsOf(body: readonly Stmt[], buf: string): number {
  let n = 0;
  const visit = (e: Expr): void => {
    if (e.k === 'load' && e.buf === buf) n++;
    for (const c of children(e)) visit(c);
  };
  forEachExpr(body, visit);
  return n;
}

/** The buffers that statements store into. */
function storedIn(body: readonly Stmt[]): ReadonlySet<string> {
  const stored = new Set<string>();
  forEachExpr(body, (_, s) => void (s.s === 'store' && stored.add(s.buf)));
  return stored;
}
