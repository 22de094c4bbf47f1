// Kernel IR to WGSL: one compute shader a dispatch. Buffers are places in the pages of a heap; the token H3 stands
// for the page that buffer 3 lies in, which the runtime knows, and b3 is where it starts, in elements.

import { type Expr, i32 } from '../../ir/kernel/expr.ts';
import { type Buffer, type For, type Kernel, type Stmt, substitute } from '../../ir/kernel/kernel.ts';
import { halfBitsExpr } from '../../ir/kernel/storage.ts';
import { findOp } from '../../ir/op.ts';
import type { GpuShader } from '../../ir/plan.ts';
import { isStorage } from '../../ir/types.ts';
import { accessesOf, hasAtomics, Pending, pure } from './accesses.ts';
import { isVector, storesInFours } from './fours.ts';
import { functionTexts } from './functions.ts';
import { type Dispatch, dispatchesOf, type GroupLimits, tripOf } from './mapping.ts';
import { nameText, type ShaderBuffer, ShaderParts, tileText } from './parts.ts';
import { GroupReductions, outerReductions } from './reductions.ts';
import { combine, helperText, identityOf, literal, typeText } from './values.ts';
import { Writer } from './writer.ts';

/** The shaders of a kernel, in the order in which they run. */
export function shadersOf(kernel: Kernel, limits: GroupLimits, use: KernelUse = {}): GpuShader[] {
  const stored: Kernel = { ...kernel, body: withHalfStores(kernel) };
  return dispatchesOf(stored, limits).map((d) => new DispatchWriter(stored, d, limits, use).shader());
}

/** What is known of a kernel beside its text. */
export interface KernelUse {
  /** Graph operations that it computes. */
  readonly ops?: readonly string[];
  /** Per buffer: does it start at a multiple of 16 bytes wherever the kernel is called? */
  readonly aligned?: readonly boolean[];
}

/** Stores of float16 as stores of its bits. */
function withHalfStores(k: Kernel): Stmt[] {
  const half = new Set(k.buffers.filter((b) => b.ty === 'f16' && b.role !== 'shared').map((b) => b.name));
  const go = (body: readonly Stmt[]): Stmt[] =>
    body.map((s): Stmt => {
      if (s.s === 'store' && half.has(s.buf)) return { ...s, value: halfBitsExpr(s.value) };
      if (s.s === 'for' || s.s === 'vec' || s.s === 'single') return { ...s, body: go(s.body) };
      return s.s === 'if' ? { ...s, then: go(s.then), else: go(s.else) } : s;
    });
  return half.size ? go(k.body) : [...k.body];
}

/** Workgroups that every GPU takes in one dimension. */
const ONE_DIMENSION = 65535;

/** Iterations up to which loops that ask for it are written out. */
const UNROLL = 64;

/** Where a statement stands. */
interface Place {
  /** Every invocation of the workgroup runs it, for all of them. */
  readonly uniform: boolean;
}

/** Argument number i: the places of buffers, then the predicate's, then a zero. */
const argumentText = (i: number): string => `args.a[${i >> 2}].${'xyzw'[i & 3]}`;

class DispatchWriter {
  readonly kernel: Kernel;
  readonly d: Dispatch;
  readonly parts: ShaderParts;
  readonly w: Writer;
  pending: Pending;
  /** Variables that have the same value in a whole workgroup for certain. */
  readonly uniform = new Set<string>();
  readonly reductions: GroupReductions;
  readonly declarations: string[] = [];

  constructor(kernel: Kernel, d: Dispatch, limits: GroupLimits, { ops = [], aligned = [] }: KernelUse) {
    this.kernel = kernel;
    this.d = d;
    const touched = accessesOf([...d.before, ...d.body]);
    const narrow = kernel.buffers.some((b) => isStorage(b.ty) && touched.writes.has(b.name));
    const atomic = narrow || hasAtomics(d.body);
    const exact = ops.some((name) => findOp(name)?.exact);
    // Kernels that share blocks of their operands bring them four elements at a time.
    const bring = kernel.buffers.some((b) => b.role === 'shared' && touched.writes.has(b.name) && isVector(b));
    // Where invocations store parts of one vector, memory has to be one of elements.
    const inFours = (b: Buffer): boolean => bring && storesInFours(d.body, b.name);
    const vectors =
      bring &&
      kernel.buffers.every((b, i) => {
        if (b.role === 'shared') return true;
        return !isStorage(b.ty) && (!touched.writes.has(b.name) || (aligned[i] === true && inFours(b)));
      });
    const buffers = kernel.buffers.map((b, index): [string, ShaderBuffer] => [
      b.name,
      b.role === 'shared'
        ? { ty: b.ty, index, shared: `s_${b.name}`, four: isVector(b) && inFours(b) }
        : { ty: b.ty, index, four: vectors && aligned[index] === true },
    ]);
    this.parts = new ShaderParts(new Map(buffers), { atomic, vectors, exact, half: limits.half === true });
    this.w = new Writer(this.parts);
    this.pending = new Pending(d.shared);
    this.reductions = new GroupReductions(d.size, limits.subgroups === true, this.parts.use);
  }

  shader(): GpuShader {
    const { d, w } = this;
    const group = d.mode === 'group';
    for (const b of this.kernel.buffers) {
      if (b.role !== 'shared' || !accessesOf(d.body).writes.has(b.name)) continue;
      const four = this.w.buffer(b.name).four;
      const elements = four ? `vec4<${b.ty}>, ${b.size / 4}` : `${typeText(b.ty)}, ${b.size}`;
      this.declarations.push(`var<workgroup> s_${b.name}: array<${elements}>;`);
    }
    w.line('let group = wid.y * nwg.x + wid.x;');
    w.line(group ? 'let item = group;' : `let item = group * ${d.size}u + lid;`);
    // Workgroups beyond the last item: those that fill up its own, and those that fill up a second dimension.
    const groups = group ? d.items : d.items / d.size;
    if (!Number.isInteger(groups) || groups > ONE_DIMENSION) w.line(`if (item >= ${d.items}u) { return; }`);
    this.gridVariables();
    this.stmts(d.before, { uniform: false });
    this.stmts(d.body, { uniform: group });
    const functions = functionTexts(this.parts);
    const args = this.kernel.buffers.filter((b) => b.role !== 'shared').length;
    const bases = [...this.parts.touched].sort((a, b) => a - b);
    const code = [
      helperText(this.parts.used),
      ...functions,
      ...this.declarations,
      ...this.reductions.declarations,
      `@compute @workgroup_size(${d.size})`,
      `fn main(${this.builtins().join(', ')}) {`,
      ...(this.reductions.overSubgroups
        ? ['  sub_lane = sublane;', '  sub_group = subgroup;', '  sub_count = subgroups;']
        : []),
      '  GUARD',
      ...(this.parts.used.has('opaque') ? [`  zero = ${argumentText(args + 1)};`] : []),
      ...bases.map((i) => `  let b${i} = ${argumentText(i)};`),
      ...w.lines,
      '}',
    ].filter((t) => t !== '');
    return {
      code: `${code.join('\n')}\n`,
      buffers: bases,
      args,
      heap: this.parts.vectors ? 'vectors' : this.parts.atomic ? 'atomic' : 'words',
      enables: [...(this.reductions.overSubgroups ? ['subgroups'] : []), ...(this.parts.halves ? ['f16'] : [])],
      size: d.size,
      groups: group ? d.items : Math.ceil(d.items / d.size),
      name: this.kernel.name,
    };
  }

  builtins(): string[] {
    return [
      '@builtin(workgroup_id) wid: vec3<u32>',
      '@builtin(num_workgroups) nwg: vec3<u32>',
      '@builtin(local_invocation_index) lid: u32',
      ...(this.reductions.overSubgroups
        ? [
            '@builtin(subgroup_invocation_id) sublane: u32',
            '@builtin(subgroup_id) subgroup: u32',
            '@builtin(num_subgroups) subgroups: u32',
          ]
        : []),
    ];
  }

  /** The grid loops' variables from the number of the item, innermost fastest. */
  gridVariables(): void {
    const { grid, mode } = this.d;
    let rest = 'item';
    const lines: string[] = [];
    for (let i = grid.length - 1; i >= 0; i--) {
      const f = grid[i];
      const n = tripOf(f) as number;
      const lo = (f.lo as { value: number }).value;
      const own = i === 0 ? rest : `${rest} % ${n}u`;
      const scaled = f.step === 1 ? `i32(${own})` : `i32(${own}) * ${f.step}i`;
      lines.push(`let ${nameText(f.v)} = ${lo ? `${scaled} + ${literal('i32', lo, this.parts.use)}` : scaled};`);
      if (i > 0) {
        const next = this.parts.fresh('q');
        lines.push(`let ${next} = ${rest} / ${n}u;`);
        rest = next;
      }
      if (mode === 'group') this.uniform.add(f.v);
    }
    for (const l of lines) this.w.line(l);
  }

  // --- statements ----------------------------------------------------------------------------------------
  stmts(list: readonly Stmt[], at: Place): void {
    for (const s of list) this.stmt(s, at);
  }

  stmt(s: Stmt, at: Place): void {
    const { w } = this;
    if (at.uniform && s.s !== 'for' && s.s !== 'if' && s.s !== 'single') this.before(s, at);
    switch (s.s) {
      case 'let':
        w.line(`let ${nameText(s.name)} = ${w.value(s.value)};`);
        w.defined.set(s.name, s.value);
        if (at.uniform && this.isUniform(s.value)) this.uniform.add(s.name);
        return;
      case 'acc':
        w.line(`var ${nameText(s.name)}: ${typeText(s.ty)} = ${w.value(s.init)};`);
        return;
      case 'set':
        w.line(`${nameText(s.name)} = ${w.value(s.value)};`);
        return;
      case 'reduce': {
        const acc = w.renamed.get(s.acc) ?? nameText(s.acc);
        const value = w.named(s.value);
        w.line(`${acc} = ${combine(s.op, s.value.ty, acc, value, this.parts.use)};`);
        return;
      }
      case 'store':
        if (at.uniform) w.block('if (lid == 0u)', () => this.store(s));
        else this.store(s);
        return;
      case 'for':
        this.loop(s, at);
        return;
      case 'if':
        this.branch(s, at);
        return;
      case 'single':
        this.stmts(s.body, at);
        return;
      case 'tile':
        this.tile(s);
        return;
      case 'tileset': {
        const value = w.value(s.value);
        w.line(`${tileText(s.tile)}${w.tileIndex(s.tile, s.index)} = ${value};`);
        return;
      }
      case 'barrier':
        this.barrier();
        return;
      case 'vec':
        throw new Error('SIMD steps are written by the WASM target only');
    }
  }

  store(s: Stmt & { s: 'store' }): void {
    const b = this.w.buffer(s.buf);
    if (s.atomic) this.w.combine(b, s.index, s.value, s.atomic);
    else this.w.store(b, s.index, s.value);
  }

  tile(s: Stmt & { s: 'tile' }): void {
    const { w } = this;
    const n = s.dims.reduce((a, b) => a * b, 1);
    w.tiles.set(s.name, s.dims);
    const name = tileText(s.name);
    // A tile of a name in use starts anew.
    w.line(`var ${name}: array<${typeText(s.ty)}, ${n}>;`);
    if (s.init !== 0)
      w.line(`for (var i = 0u; i < ${n}u; i++) { ${name}[i] = ${literal(s.ty, s.init, this.parts.use)}; }`);
  }

  // --- what a workgroup does together -----------------------------------------------------------------------
  /** A barrier where this statement touches what another invocation may still be working on. */
  before(s: Stmt, at: Place): void {
    if (!at.uniform) return;
    const a = accessesOf([s]);
    if (this.pending.conflicts(a)) this.barrier();
    this.pending.add(a);
  }
  barrier(): void {
    const storage = [...this.d.shared].some((n) => !this.w.buffer(n).shared);
    const group = [...this.d.shared].some((n) => this.w.buffer(n).shared);
    if (group) this.w.line('workgroupBarrier();');
    if (storage) this.w.line('storageBarrier();');
    this.pending.clear();
  }

  isUniform(e: Expr): boolean {
    if (e.k === 'const') return true;
    if (e.k === 'var') return this.uniform.has(e.name);
    if (e.k === 'bin') return this.isUniform(e.a) && this.isUniform(e.b);
    return e.k === 'sel' && this.isUniform(e.c) && this.isUniform(e.a) && this.isUniform(e.b);
  }
  /** A value as all invocations of the workgroup have it: WGSL wants to see that they agree. */
  agreed(e: Expr): string {
    if (this.isUniform(e)) return this.w.value(e);
    const word = this.w.value(e);
    this.agreement();
    const asWord = e.ty === 'bool' ? `u32(${word})` : `bitcast<u32>(${word})`;
    const got = this.w.bind(`agree(${asWord}, lid)`);
    this.pending.clear();
    return e.ty === 'bool' ? `(${got} != 0u)` : `bitcast<${e.ty}>(${got})`;
  }
  #agrees = false;
  agreement(): void {
    if (this.#agrees) return;
    this.#agrees = true;
    this.declarations.push(
      'var<workgroup> agreed: u32;',
      'fn agree(x: u32, lid: u32) -> u32 { if (lid == 0u) { agreed = x; } storageBarrier(); return workgroupUniformLoad(&agreed); }',
    );
  }

  /** Does a workgroup do something together in here, so that all must come? */
  together(body: readonly Stmt[]): boolean {
    return body.some((s) => {
      if (s.s === 'store' || s.s === 'barrier' || (s.s === 'for' && s.vector && !s.unroll)) return true;
      const inner = s.s === 'if' ? [...s.then, ...s.else] : s.s === 'for' || s.s === 'single' ? s.body : [];
      return this.together(inner) || [...accessesOf([s]).reads].some((n) => this.d.shared.has(n));
    });
  }

  branch(s: Stmt & { s: 'if' }, at: Place): void {
    const { w } = this;
    const all = at.uniform && (this.together(s.then) || this.together(s.else));
    if (at.uniform) this.before({ s: 'let', name: '', value: s.cond }, at);
    const cond = all ? this.agreed(s.cond) : w.value(s.cond);
    // Only one side runs: its barriers are none for what the other one leaves behind.
    const other = this.pending.copy();
    w.block(`if (${cond})`, () => this.stmts(s.then, at));
    const then = this.pending;
    this.pending = other;
    if (s.else.length) w.block('else', () => this.stmts(s.else, at));
    this.pending.join(then);
  }

  loop(s: For, at: Place): void {
    const n = tripOf(s);
    if (at.uniform && s.vector && !s.unroll) this.lanes(s);
    else if (s.unroll && n !== null && n <= UNROLL) this.unrolled(s, n, at);
    else this.counted(s, n, at);
  }

  /** A loop that stays one. */
  counted(s: For, n: number | null, at: Place): void {
    const { w } = this;
    const all = at.uniform && this.together(s.body);
    if (at.uniform) {
      this.before({ s: 'let', name: '', value: s.lo }, at);
      this.before({ s: 'let', name: '', value: s.hi }, at);
    }
    const [lo, hi] = all ? [this.agreed(s.lo), this.agreed(s.hi)] : w.values(s.lo, s.hi);
    const v = nameText(s.v);
    const none = this.pending.copy();
    // A run meets what the run before left behind.
    if (all) this.pending.add(accessesOf(s.body));
    if (all && this.isUniform(s.lo)) this.uniform.add(s.v);
    const end = s.hi.k === 'const' ? hi : w.bind(hi);
    w.block(`for (var ${v}: i32 = ${lo}; ${v} < ${end}; ${v} += ${s.step}i)`, () => this.stmts(s.body, at));
    this.uniform.delete(s.v);
    // Where there may be no run, there may have been no barrier in it.
    if (!n) this.pending.join(none);
  }

  unrolled(s: For, n: number, at: Place): void {
    const lo = (s.lo as { value: number }).value;
    const pieces = Array.from({ length: n }, (_, i) => substitute(s.body, new Map([[s.v, i32(lo + i * s.step)]])));
    // Names that the pieces define must not meet.
    const defines = s.body.some((x) => x.s === 'let' || x.s === 'acc' || x.s === 'tile');
    if (!defines && !at.uniform && pure(s.body)) this.w.inFours(() => this.stmts(pieces.flat(), at));
    else for (const p of pieces) this.w.block('', () => this.stmts(p, at));
  }

  /** A loop whose iterations the invocations of the workgroup share. */
  lanes(s: For): void {
    const { w, d } = this;
    const a = accessesOf([s]);
    if (this.pending.conflicts(a)) this.barrier();
    this.pending.add(a);
    const sums = outerReductions(s.body);
    for (const r of sums) {
      const part = this.parts.fresh('part');
      w.line(`var ${part}: ${typeText(r.ty)} = ${literal(r.ty, identityOf(r.op, r.ty), this.parts.use)};`);
      w.renamed.set(r.acc, part);
      r.part = part;
    }
    const v = nameText(s.v);
    const [lo, hi] = w.values(s.lo, s.hi);
    const first = s.lo.k === 'const' && s.lo.value === 0 ? 'i32(lid)' : `${lo} + i32(lid)`;
    if (tripOf(s) === d.size) {
      w.block('', () => {
        w.line(`let ${v} = ${first};`);
        this.stmts(s.body, { uniform: false });
      });
    } else {
      const end = s.hi.k === 'const' ? hi : w.bind(hi);
      w.block(`for (var ${v}: i32 = ${first}; ${v} < ${end}; ${v} += ${d.size}i)`, () =>
        this.stmts(s.body, { uniform: false }),
      );
    }
    for (const r of sums) {
      w.renamed.delete(r.acc);
      const whole = w.bind(`${this.reductions.name(r.op, r.ty)}(${r.part}, lid)`);
      const acc = nameText(r.acc);
      w.line(`${acc} = ${combine(r.op, r.ty, acc, whole, this.parts.use)};`);
      // All have met in there.
      if (![...d.shared].some((n) => !w.buffer(n).shared)) this.pending.clear();
    }
  }
}
