// Variables: the only thing that changes. A Variable is a tensor whose elements may be assigned;
// operations on it read its present value, and a trace sees it as state of the program.

import { DTypeError, ShapeError, TraceError } from '../../ir/errors.ts';
import { Graph, type Value } from '../../ir/graph.ts';
import type { TypedArray } from '../../ir/literal.ts';
import { ndarray } from '../../ir/ndarray.ts';
import { nodesFor } from '../../ir/region.ts';
import { shapeEq, shapeText, staticShape } from '../../ir/types.ts';
import type { DeviceBuffer, Storage } from '../../runtime/buffer.ts';
import { interpret } from '../../runtime/reference/interpreter.ts';
import { StateCell } from '../../runtime/state.ts';
import { context, withTrace } from './context.ts';
import { type TensorLike, toTensor } from './convert.ts';
import { emitter, operandOf } from './dispatch.ts';
import { type DataType, irDType, publicDType } from './dtypes.ts';
import { fromNDArray } from './eager.ts';
import { eagerTensor, sameElements, Tensor } from './tensor.ts';
import { snapshots, type Trace } from './trace.ts';

let nextVariable = 0;

/** Living Variables by name, for gradients that are given by name. */
const byName = new Map<string, Set<WeakRef<Variable>>>();

/** The living Variables of that name. */
export function variablesNamed(name: string): Variable[] {
  return [...(byName.get(name) ?? [])].flatMap((r) => r.deref() ?? []);
}
const forget = new FinalizationRegistry<[string, WeakRef<Variable>]>(([name, ref]) => {
  const refs = byName.get(name);
  refs?.delete(ref);
  if (refs?.size === 0) byName.delete(name);
});
function register(v: Variable): void {
  const ref = new WeakRef(v);
  const refs = byName.get(v.name);
  if (refs) refs.add(ref);
  else byName.set(v.name, new Set([ref]));
  forget.register(v, [v.name, ref]);
}

/** The Variables' names, a number added where one comes twice. */
export function uniqueNames(variables: readonly Variable[]): string[] {
  const seen = new Set<string>();
  return variables.map((v) => {
    let n = v.name;
    for (let i = 1; seen.has(n); i++) n = `${v.name}_${i}`;
    seen.add(n);
    return n;
  });
}

/** Mutable tensor of fixed shape and dtype; made by `tf.variable`. */
export class Variable extends Tensor {
  readonly name: string;
  /** Whether tapes watch it by themselves and optimizers change it. */
  trainable: boolean;
  /** Where its elements are stored. */
  readonly cell: StateCell;
  /** Its present value, until it is assigned or a program may have changed it. */
  #seen: Tensor | undefined;

  /** Made by `tf.variable` and by layers. @param initial an eager tensor, whose elements are copied */
  constructor(initial: Tensor, trainable: boolean, name: string | undefined) {
    super(initial.type);
    this.name = name ?? `variable_${nextVariable++}`;
    this.trainable = trainable;
    this.cell = new StateCell(initial.type, elementsOf(initial));
    register(this);
  }

  override operand(): Tensor {
    if (context.trace) return context.trace.read(this);
    // What was seen on a GPU is of no use once the Variable has moved away from there, or the GPU is lost.
    const seen = this.#seen;
    if (seen && (!seen.remote || (this.cell.remote && !seen.device?.lost))) return seen;
    return this.#remember(eagerTensor(this.type, this.cell.snapshot()));
  }
  override get remote(): boolean {
    return !context.trace && this.operand().remote;
  }
  override fetch(): Promise<void> {
    return this.operand().fetch();
  }
  override data(): Promise<TypedArray> {
    return this.operand().data();
  }
  override elements(use?: string): TypedArray {
    return this.operand().elements(use);
  }
  override toString(verbose = false): string {
    return this.operand().toString(verbose);
  }
  override [Symbol.toPrimitive](hint: 'number' | 'string' | 'default'): number | string {
    return this.operand()[Symbol.toPrimitive](hint);
  }
  override valueOf(): unknown {
    if (context.trace) this.operand().valueOf();
    return this;
  }

  /** Its present value as a tensor that later assignments do not change. */
  read(): Tensor {
    return operandOf(this);
  }
  /** As `read()`. */
  get value(): Tensor {
    return this.read();
  }

  /** What it is now, as a tensor for readers. */
  #remember(now: Tensor): Tensor {
    this.#seen = now;
    snapshots.set(now, this);
    return now;
  }

  /** Says that a program has changed the elements. */
  changed(): void {
    this.#seen = undefined;
  }

  /**
   * Replaces the value. In a trace, later reads see the new value and the program stores it.
   * Throws ShapeError or DTypeError where `newValue` is not of the Variable's shape and dtype.
   */
  assign(newValue: TensorLike): this {
    const x = toTensor(newValue, 'newValue', 'assign', this.type.dtype);
    const { dtype, shape } = this.type;
    if (x.type.dtype !== dtype)
      throw new DTypeError(`the Variable '${this.name}' is ${this.dtype}, the new value ${publicDType(x.type.dtype)}`, {
        op: 'assign',
        fix: `cast it: value.cast('${this.dtype}')`,
      });
    if (!shapeEq(x.type.shape, shape))
      throw new ShapeError(
        `the Variable '${this.name}' has shape ${shapeText(shape)}, the new value ${shapeText(x.type.shape)}`,
        {
          op: 'assign',
          fix: 'a Variable keeps its shape: broadcast or reshape the value, or make another Variable',
        },
      );
    const value = operandOf(x);
    if (context.trace) context.trace.assign(this, value);
    else {
      this.cell.store(elementsOf(value));
      this.#remember(sameElements(this.type, value));
    }
    return this;
  }
  /** Adds to the value; `x` broadcasts to the Variable's shape. Errors as `assign`. */
  assignAdd(x: TensorLike): this {
    return this.assign(emitter.add(this, toTensor(x, 'value', 'assignAdd', this.type.dtype)) as Tensor);
  }
  /** Subtracts from the value; see `assignAdd`. */
  assignSub(x: TensorLike): this {
    return this.assign(emitter.sub(this, toTensor(x, 'value', 'assignSub', this.type.dtype)) as Tensor);
  }
}

/**
 * A Variable with an initial value, whose shape and dtype it keeps.
 * @param trainable whether gradients and optimizers take it up by themselves
 * @param dtype the initial value is cast to it
 * Throws TraceError in a traced function, except while it is traced for the first time.
 */
export function variable(initial: TensorLike, trainable = true, name?: string, dtype?: DataType): Variable {
  const { trace } = context;
  if (trace && !trace.mayCreate)
    throw new TraceError(`'${trace.name}' creates a Variable each time it is traced`, {
      op: 'variable',
      fix: 'create it once, outside of the function or on its first call only (`v ??= tf.variable(...)`)',
    });
  const given = toTensor(initial, 'initial', 'variable', dtype && irDType(dtype, 'variable'));
  const seen = given.operand();
  const plain = seen.symbol && trace ? eagerTensor(seen.type, computeNow(trace, seen)) : seen;
  const value = withTrace(undefined, () => (dtype ? emitter.convert(plain, irDType(dtype)) : plain)) as Tensor;
  return new Variable(value, trainable, name);
}

/** A tensor's elements for a Variable: from a GPU they are copied there. Throws TraceError for a traced tensor. */
const elementsOf = (t: Tensor): Storage => (t.remote ? (t.device as DeviceBuffer) : t.elements('a value to assign'));

/** Computes a traced initial value outside of the graph; it must not depend on the function's inputs. */
function computeNow(trace: Trace, t: Tensor): TypedArray {
  const { graph, variables } = trace.snapshot([t]);
  const needed = nodesFor(graph.results, graph);
  const params = new Set<Value>(graph.results);
  for (const n of needed) for (const v of n.inputs) params.add(v);
  const used = graph.params.filter((p) => params.has(p));
  const input = used.find((p) => !p.type.state);
  if (input)
    throw new TraceError(
      `the initial value of a Variable depends on the argument '${input.name}' of the traced function`,
      {
        op: 'variable',
        fix: 'make it of constants or random numbers; its value must be known before the program runs',
      },
    );
  const states = graph.params.filter((p) => p.type.state);
  const nodes = graph.nodes.filter((n) => needed.has(n));
  const part = new Graph('initial_value', used, nodes, graph.results, graph.valueCount);
  const args = used.map((p) =>
    ndarray(p.type.dtype, staticShape(p.type.shape), variables[states.indexOf(p)].cell.read()),
  );
  return fromNDArray(t.type, interpret(part, args)[0]);
}
