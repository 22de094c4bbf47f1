// Users whose compiler settings do not name this library need the type of Symbol.dispose all the same.
/// <reference lib="esnext.disposable" preserve="true" />

// GradientTape: keeps the operations that depend on what it watches, and differentiates them. The
// walk (compiler/autodiff) writes ordinary operations, which outer tapes record in turn.

import { backprop } from '../../compiler/autodiff/backprop.ts';
import { GradientError, ShapeError } from '../../ir/errors.ts';
import type { Val } from '../../ir/graph.ts';
import { isFloat, typeEq, typeText } from '../../ir/types.ts';
import { context, type OpRecord, type Recorder, withRecorders } from './context.ts';
import { mapFn } from './control.ts';
import { emitter, operandOf } from './dispatch.ts';
import { flattenTensors, pack, type Tree } from './nest.ts';
import type { Tensor } from './tensor.ts';
import { Variable } from './variable.ts';

export interface TapeOptions {
  /** Allows several calls of `gradient`. */
  readonly persistent?: boolean;
  /** Watches trainable Variables as soon as they are read (default true). */
  readonly watchAccessedVariables?: boolean;
}

export interface GradientOptions {
  /** Gradients of something further with respect to the targets, in their structure; ones by default. */
  readonly outputGradients?: unknown;
  /** What stands for a source that no target depends on: null ('none') or zeros. */
  readonly unconnectedGradients?: 'none' | 'zero';
}

/** Records operations from its construction on. */
export class GradientTape implements Recorder {
  readonly persistent: boolean;
  readonly #watchAccessed: boolean;
  #records: OpRecord[] = [];
  #tracked = new Set<Tensor>();
  #watched = new Set<Tensor>();
  /** What operations saw of each watched Variable. */
  #reads = new Map<Tensor, Set<Tensor>>();
  #used = false;
  #recording = false;

  constructor(opts: TapeOptions = {}) {
    this.persistent = opts.persistent ?? false;
    this.#watchAccessed = opts.watchAccessedVariables ?? true;
    this.#start();
  }

  #start(): void {
    this.#recording = true;
    if (!context.recorders.includes(this)) context.recorders = [...context.recorders, this];
  }

  /** Ends recording; gradients can still be asked for. */
  stop(): void {
    // The list may be put back by whoever replaced it for a while; the flag stays.
    this.#recording = false;
    context.recorders = context.recorders.filter((r) => r !== this);
  }
  [Symbol.dispose](): void {
    this.stop();
  }
  /** Runs `fn` without recording it on this tape. */
  stopRecording<T>(fn: () => T): T {
    // Tapes do not listen in bodies of control flow, whose graph is differentiated: there gradients stop.
    if (context.trace?.isBody) return stopped(fn());
    return withRecorders(
      context.recorders.filter((r) => r !== this),
      fn,
    );
  }
  /** Forgets everything and records anew. */
  reset(): void {
    this.#clear();
    this.#used = false;
    this.#start();
  }
  #clear(): void {
    this.#records = [];
    this.#tracked = new Set();
    this.#watched = new Set();
    this.#reads = new Map();
  }

  /** Follows a tensor, or every tensor of an array or object. Throws GradientError for one that is no float. */
  watch(x: unknown): void {
    const leaves: Tensor[] = [];
    flattenTensors(x, leaves);
    for (const t of leaves) {
      if (!isFloat(t.type.dtype))
        throw new GradientError(`only float tensors can be watched, not ${t.dtype}`, {
          op: 'watch',
          fix: "cast it: x.cast('float32')",
        });
      if (t instanceof Variable) this.#watched.add(t);
      else this.#tracked.add(t);
    }
  }
  /** The Variables that were read while being watched, in order of their first use. */
  watchedVariables(): Variable[] {
    return [...this.#reads.keys()] as Variable[];
  }

  record(r: OpRecord): void {
    if (!this.#recording || r.op.name === 'stop_gradient' || !r.inputs.some((t) => this.#tracked.has(t))) return;
    this.#records.push(r);
    for (const t of r.outputs) this.#tracked.add(t);
  }
  accessed(variable: Tensor, snapshot: Tensor): void {
    if (!this.#recording || !this.#watches(variable)) return;
    this.#tracked.add(snapshot);
    const reads = this.#reads.get(variable);
    if (reads) reads.add(snapshot);
    else this.#reads.set(variable, new Set([snapshot]));
  }
  interested(tensors: readonly Tensor[]): boolean {
    return this.#recording && tensors.some((t) => this.#tracked.has(t) || this.#watches(t));
  }
  #watches(t: Tensor): boolean {
    if (this.#watched.has(t)) return true;
    return this.#watchAccessed && t instanceof Variable && t.trainable && isFloat(t.type.dtype);
  }

  /**
   * Gradients of the sum of the targets with respect to the sources, in the structure of the sources:
   * null (or zeros) for a source that no target depends on. Ends a tape that is not persistent.
   * Throws GradientError for a second call on such a tape, for targets that are no floats, and where
   * an operation in between has no gradient.
   */
  gradient<S>(target: unknown, sources: S, opts: GradientOptions = {}): Gradients<S> {
    checkUnconnected(opts.unconnectedGradients, 'gradient');
    this.#begin('gradient');
    const targets = this.#targets(target, 'gradient');
    const seeds = new Map<Val, Val>();
    const given: Tensor[] = [];
    if (opts.outputGradients !== undefined && opts.outputGradients !== null)
      flattenTensors(opts.outputGradients, given);
    if (given.length && given.length !== targets.length)
      throw new GradientError(`${targets.length} target(s), but ${given.length} output gradient(s)`, {
        op: 'gradient',
      });
    targets.forEach((t, i) => {
      const seed = given.length ? operandOf(given[i]) : emitter.onesLike(t);
      if (!typeEq(seed.type, t.type))
        throw new ShapeError(`the output gradient is ${typeText(seed.type)}, its target ${typeText(t.type)}`, {
          op: 'gradient',
        });
      const sum = seeds.get(t);
      seeds.set(t, sum ? emitter.add(sum, seed) : seed);
    });
    const { tree, sets } = this.#sources(sources);
    const found = this.#backprop(seeds, sets);
    const result = found.map(
      (g, i) => g ?? (opts.unconnectedGradients === 'zero' ? (emitter.zerosLike(sets[i].like) as Tensor) : null),
    );
    this.#end();
    return pack(tree, result) as Gradients<S>;
  }

  /**
   * All partial derivatives of one target: shape [...target.shape, ...source.shape], null where the
   * target does not depend on the source. Otherwise as `gradient`.
   */
  jacobian<S>(target: Tensor, sources: S, opts: Pick<GradientOptions, 'unconnectedGradients'> = {}): Gradients<S> {
    checkUnconnected(opts.unconnectedGradients, 'jacobian');
    this.#begin('jacobian');
    const [t] = this.#targets(target, 'jacobian');
    const { tree, sets } = this.#sources(sources);
    const zero = opts.unconnectedGradients === 'zero';
    const depends = this.#dependent(t, sets);
    const some = sets.filter((_, k) => depends[k]);
    // One row of the identity after the other; traced, the rows are the runs of one loop.
    const ones = emitter.reshape(identity(t), [t.size, ...t.shape]) as Tensor;
    const rows = some.length ? mapFn((row) => this.#backprop(new Map([[t, row]]), some) as Tensor[], ones) : [];
    const result = sets.map(({ like }, k) => {
      const shape = [...t.shape, ...like.shape];
      // An operation of several results may have told that it depends, and then not.
      const row = depends[k] ? rows[some.indexOf(sets[k])] : null;
      if (row) return emitter.reshape(row, shape);
      return zero ? emitter.splat({ dtype: t.type.dtype, shape }, 0) : null;
    });
    this.#end();
    return pack(tree, result) as Gradients<S>;
  }

  #begin(op: string): void {
    if (this.#used && !this.persistent)
      throw new GradientError('this tape has already given its gradients', {
        op,
        fix: 'make it with {persistent: true}, or record again with another tape',
      });
    // Its own gradients would be recorded in vain; a persistent tape may be asked for their gradients.
    if (!this.persistent) this.stop();
    this.#used = true;
  }
  #end(): void {
    if (!this.persistent) this.#clear();
  }

  #targets(target: unknown, op: string): Tensor[] {
    const leaves: Tensor[] = [];
    flattenTensors(target, leaves);
    if (leaves.length === 0) throw new GradientError('there is no target tensor', { op });
    return leaves.map((t) => {
      if (!isFloat(t.type.dtype))
        throw new GradientError(`the target is ${t.dtype}; only floats have gradients`, {
          op,
          fix: "cast it: x.cast('float32')",
        });
      return operandOf(t);
    });
  }

  #sources(sources: unknown): { tree: Tree; sets: { like: Tensor; vals: readonly Tensor[] }[] } {
    const leaves: Tensor[] = [];
    const tree = flattenTensors(sources, leaves);
    return {
      tree,
      sets: leaves.map((like) => ({
        like,
        vals: like instanceof Variable ? [...(this.#reads.get(like) ?? [])] : [like],
      })),
    };
  }

  /** Which sources the target depends on through what was recorded. */
  #dependent(t: Tensor, sets: readonly { vals: readonly Tensor[] }[]): boolean[] {
    const needed = new Set<Val>([t]);
    for (const r of this.#records.toReversed())
      if (r.op.name !== 'stop_gradient' && r.outputs.some((o) => needed.has(o)))
        for (const v of r.inputs) if (isFloat(v.type.dtype)) needed.add(v);
    return sets.map(({ vals }) => vals.some((v) => this.#tracked.has(v) && needed.has(v)));
  }

  /** Gradients by source; what several reads of one Variable give is added. */
  #backprop(seeds: ReadonlyMap<Val, Val>, sets: readonly { vals: readonly Tensor[] }[]): (Tensor | null)[] {
    const all = [...new Set(sets.flatMap((s) => s.vals))].filter((v) => this.#tracked.has(v));
    const grads = backprop(emitter, this.#records.slice(), seeds, all);
    const of = new Map(all.map((v, i) => [v, grads[i] as Tensor | null]));
    return sets.map(({ vals }) =>
      vals.reduce<Tensor | null>((s, v) => {
        const g = of.get(v) ?? null;
        return s && g ? (emitter.add(s, g) as Tensor) : (s ?? g);
      }, null),
    );
  }
}

/** The identity matrix over the elements of a tensor. */
function identity(t: Tensor): Val {
  const n = t.size;
  const [row, column] = [0, 1].map((axis) => emitter.iota([n, n], axis));
  return emitter.convert(emitter.compare('eq', row, column), t.type.dtype);
}

/** The same structure, through which no gradient flows. */
function stopped<T>(x: T): T {
  const leaves: Tensor[] = [];
  const tree = flattenTensors(x, leaves);
  return pack(
    tree,
    leaves.map((t) => (isFloat(t.type.dtype) ? emitter.un('stop_gradient', t) : t)),
  ) as T;
}

/** The structure of the sources, with a gradient or null in place of each tensor. */
export type Gradients<S> = S extends Tensor
  ? Tensor | null
  : S extends readonly unknown[]
    ? { -readonly [K in keyof S]: Gradients<S[K]> }
    : S extends object
      ? { [K in keyof S]: Gradients<S[K]> }
      : S;

function checkUnconnected(how: unknown, op: string): void {
  if (how !== undefined && how !== 'none' && how !== 'zero')
    throw new GradientError(`unconnectedGradients is ${JSON.stringify(how)}`, { op, fix: "use 'none' or 'zero'" });
}
