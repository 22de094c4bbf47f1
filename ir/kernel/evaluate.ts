// Kernel expressions as JavaScript functions of many elements, with the rounding of every operation: the bits that
// a target without fused multiply-add gives. It defines the random numbers, which must be the same everywhere.
// Each node is computed for a block of elements before the next one, so what a node costs besides its elements is
// paid once a block. Nothing is generated as text: pages with a content security policy forbid that.

import {
  binaryLoop,
  bitsLoop,
  castLoop,
  doubleLoop,
  type Elements,
  fmaLoop,
  type Loop,
  selectLoop,
  unaryLoop,
  wordLoop,
} from './evaluate-loops.ts';
import { children, type Expr, fma, mapExpr } from './expr.ts';
import { kernelFunction } from './functions.ts';

/** Elements computed at a time: the registers of an expression fit into the second-level cache. */
const BLOCK = 512;

/** Computes the first `n` elements of `out` from those of the arguments. */
type BlockFunction = (args: readonly Elements[], n: number, out: Elements) => void;

interface Step {
  readonly out: number;
  /** Registers of the operands; those of a call's operands after the others. */
  readonly operands: readonly number[];
  readonly run: (out: Elements, n: number, operands: readonly Elements[]) => void;
}

const direct =
  (loop: Loop): Step['run'] =>
  (d, n, [a, b, c]) =>
    loop(d, n, a, b, c);

/** The elements for which a rare call is made. */
interface Lanes {
  readonly at: readonly number[];
  readonly args: readonly Elements[];
  readonly out: Elements;
}
function lanesOf(n: number, [condition, , ...args]: readonly Elements[]): Lanes | undefined {
  const at: number[] = [];
  for (let i = 0; i < n; i++) if (condition[i]) at.push(i);
  if (at.length === 0) return undefined;
  return { at, args: args.map((a) => Float64Array.from(at, (i) => a[i])), out: new Float64Array(at.length) };
}
/** Calls the function for the elements whose condition holds, and takes the others from `other`. */
const rareCall =
  (fn: string): Step['run'] =>
  (d, n, operands) => {
    const lanes = lanesOf(n, operands);
    if (lanes) evaluator(fn)(lanes.args, lanes.at.length, lanes.out);
    d.set(operands[1].subarray(0, n));
    lanes?.at.forEach((i, k) => {
      d[i] = lanes.out[k];
    });
  };

/** What computes one node. */
function runOf(e: Expr): Step['run'] {
  switch (e.k) {
    case 'un':
      return direct(unaryLoop(e.op, e.ty));
    case 'bin':
      return direct(binaryLoop(e.op, e.a.ty));
    case 'sel':
      return direct(selectLoop);
    case 'cast':
      return direct(castLoop(e.a.ty, e.ty));
    case 'bits':
      return direct(bitsLoop(e.a.ty, e.ty));
    case 'fma':
      return direct(fmaLoop(e.ty));
    case 'word':
      return direct(wordLoop(e.half));
    case 'double':
      return direct(doubleLoop);
    case 'call':
      return (d, n, args) => evaluator(e.fn)(args, n, d);
    case 'rare':
      return rareCall((e.call as Expr & { k: 'call' }).fn);
    default:
      throw new Error(`${e.k} stands in an expression that is evaluated`);
  }
}
/** Operands in the order that `runOf` takes them. A rare call is not made unless it is needed, its operands are. */
const operandsOf = (e: Expr): readonly Expr[] => (e.k === 'rare' ? [e.c, e.other, ...children(e.call)] : children(e));

/** The expression with a product that only a sum needs, both of one float type, computed with that sum: it rounds twice as well. */
function withProducts(root: Expr): Expr {
  const uses = new Map<Expr, number>();
  for (const e of ordered(root)) for (const c of operandsOf(e)) uses.set(c, (uses.get(c) ?? 0) + 1);
  const isProduct = (e: Expr): e is Expr & { k: 'bin' } =>
    e.k === 'bin' && e.op === 'mul' && (e.ty === 'f32' || e.ty === 'f64') && uses.get(e) === 1;
  const memo = new Map<Expr, Expr>();
  const go = (x: Expr): Expr =>
    mapExpr(
      x,
      (e) => {
        if (e.k !== 'bin' || e.op !== 'add' || !isProduct(e.a)) return undefined;
        return fma(go(e.a.a), go(e.a.b), go(e.b));
      },
      memo,
    );
  return go(root);
}

/** Nodes in an order in which operands come first. */
function ordered(root: Expr): Expr[] {
  const seen = new Set<Expr>();
  const visit = (e: Expr): void => {
    if (seen.has(e)) return;
    for (const c of operandsOf(e)) visit(c);
    seen.add(e);
  };
  visit(root);
  return [...seen];
}

/** Steps over registers: the arguments, then constants, then results, whose registers are used again. */
interface Plan {
  readonly constants: ReadonlyMap<number, number>;
  readonly steps: readonly Step[];
  readonly registers: number;
  readonly result: number;
}
function planOf(root: Expr, params: readonly string[]): Plan {
  const nodes = ordered(root);
  const last = new Map<Expr, number>();
  nodes.forEach((e, k) => {
    for (const c of operandsOf(e)) last.set(c, k);
  });
  last.set(root, nodes.length);
  const at = new Map<Expr, number>();
  const constants = new Map<number, number>();
  const steps: Step[] = [];
  const free: number[] = [];
  let registers = params.length;
  nodes.forEach((e, k) => {
    if (e.k === 'var') return void at.set(e, params.indexOf(e.name));
    // A result is never in the register of an operand: a call reads its operands block by block.
    const out = (e.k === 'const' ? undefined : free.pop()) ?? registers++;
    at.set(e, out);
    if (e.k === 'const') return void constants.set(out, e.value);
    const operands = operandsOf(e);
    steps.push({ out, operands: operands.map((c) => at.get(c) as number), run: runOf(e) });
    for (const c of new Set(operands))
      if (last.get(c) === k && c.k !== 'var' && c.k !== 'const') free.push(at.get(c) as number);
  });
  return { constants, steps, registers, result: at.get(root) as number };
}

/** A plan on registers of its own. */
interface Frame {
  readonly size: number;
  readonly params: readonly Elements[];
  readonly steps: readonly { readonly run: Step['run']; readonly out: Elements; readonly operands: Elements[] }[];
  readonly result: Elements;
}
function frameOf(plan: Plan, params: number, size: number): Frame {
  const registers = Array.from({ length: plan.registers }, (_, i) =>
    new Float64Array(size).fill(plan.constants.get(i) ?? 0),
  );
  const steps = plan.steps.map((s) => ({
    run: s.run,
    out: registers[s.out],
    operands: s.operands.map((r) => registers[r]),
  }));
  return { size, params: registers.slice(0, params), steps, result: registers[plan.result] };
}

/** The function of an expression over variables of these names. */
export function compileExpr(e: Expr, params: readonly string[]): BlockFunction {
  const plan = planOf(withProducts(e), params);
  let kept: Frame | undefined = frameOf(plan, params.length, BLOCK);
  return (args, n, out) => {
    // Where the function calls itself, for a few of the elements, the kept frame is in use.
    const frame = kept ?? frameOf(plan, params.length, Math.min(n, BLOCK));
    kept = undefined;
    for (let from = 0; from < n; from += frame.size) {
      const size = Math.min(frame.size, n - from);
      for (let i = 0; i < params.length; i++) frame.params[i].set(args[i].subarray(from, from + size));
      // A function may call itself two thousand times, so there are few variables here.
      for (let i = 0; i < frame.steps.length; i++)
        frame.steps[i].run(frame.steps[i].out, size, frame.steps[i].operands);
      out.set(frame.result.subarray(0, size), from);
    }
    if (frame.size === BLOCK) kept = frame;
  };
}

const functions = new Map<string, BlockFunction>();
/** A kernel function as a JavaScript function. */
export function evaluator(fn: string): BlockFunction {
  let f = functions.get(fn);
  if (!f) {
    const { params, body } = kernelFunction(fn) as NonNullable<ReturnType<typeof kernelFunction>>;
    f = compileExpr(
      body,
      params.map((p) => p.name),
    );
    functions.set(fn, f);
  }
  return f;
}
