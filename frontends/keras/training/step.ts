// The steps of training, testing and predicting. Each is one function of a batch: forward, losses,
// gradients, optimizer and metrics together; compiled, it is one program.

import { ArgumentError, GradientError, SinterError } from '../../../ir/errors.ts';
import { prepareTarget } from '../../trace/backend.ts';
import { scanLoop } from '../../trace/control.ts';
import { scalar, zeros } from '../../trace/creation.ts';
import { type Func, type FuncOptions, func } from '../../trace/func.ts';
import { stack } from '../../trace/ops/shape.ts';
import { GradientTape } from '../../trace/tape.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { collectLosses, maskOf, withTraining } from '../engine/call-context.ts';
import type { LayersModel } from '../engine/model.ts';
import { fromList, type OneOrMany, toList } from '../engine/symbolic.ts';
import { outside } from '../engine/weights.ts';
import { type Batch, fetchData, standardize } from './batch.ts';
import type { Compiled, Resolved } from './compile.ts';

type Step = (x: Tensor[], y: (Tensor | null)[], w: (Tensor | null)[]) => Tensor;
type Predict = (x: Tensor[]) => Tensor[];

/** The compiled steps of a model; made when they are first needed, and anew after `compile`. */
export class Executables {
  readonly #model: LayersModel;
  #train: Func<Step> | undefined;
  #trainMany: Func<Step> | undefined;
  #test: Func<Step> | undefined;
  #predict: Func<Predict> | undefined;

  constructor(model: LayersModel) {
    this.#model = model;
  }

  /** Forgets all programs: the model, or how it is trained, is another one. */
  reset(): void {
    this.#train = undefined;
    this.#trainMany = undefined;
    this.#test = undefined;
    this.#predict = undefined;
  }

  /** One step of training on each batch; all have one shape. The running values of loss and metrics, a vector. */
  train(batches: readonly Batch[]): Tensor {
    const c = this.#model.compiled('fit');
    const [b] = batches;
    this.prepare(b);
    if (c.runEagerly) {
      for (const one of batches.slice(0, -1)) this.#trainStep(c, [...one.x], [...one.y], [...one.w]);
      const last = batches[batches.length - 1];
      return this.#trainStep(c, [...last.x], [...last.y], [...last.w]);
    }
    if (batches.length === 1) {
      this.#train ??= func((x, y, w) => this.#trainStep(c, x, y, w), this.#options('train'));
      return this.#train(b.x as Tensor[], b.y as Tensor[], b.w as Tensor[]);
    }
    this.#trainMany ??= func((x, y, w) => this.#trainScan(c, x, y, w), this.#options('train_many'));
    const stacked = (part: (one: Batch) => readonly (Tensor | null)[]) =>
      part(b).map((t, i) => t && stack(batches.map((one) => part(one)[i] as Tensor)));
    return this.#trainMany(
      stacked((o) => o.x) as Tensor[],
      stacked((o) => o.y),
      stacked((o) => o.w),
    );
  }

  /** Loss and metrics so far, with this batch; nothing is learnt. A vector. */
  test(b: Batch): Tensor {
    const c = this.#model.compiled('evaluate');
    this.prepare(b);
    if (c.runEagerly) return this.#testStep(c, [...b.x], [...b.y], [...b.w]);
    this.#test ??= func((x, y, w) => this.#testStep(c, x, y, w), this.#options('test'));
    return this.#test(b.x as Tensor[], b.y as Tensor[], b.w as Tensor[]);
  }

  /** The outputs for one batch. */
  predict(x: readonly Tensor[]): Tensor[] {
    if (this.#model.isCompiled && this.#model.compiled('predict').runEagerly)
      return this.#forward([...x], false).outputs;
    // A model that is built here is another one: it forgets its programs.
    this.#build(x);
    this.#predict ??= func((xs) => this.#forward(xs, false).outputs, this.#options('predict'));
    return this.#predict([...x]);
  }

  /** A step on one batch given by the user: [loss, …metrics] of this batch alone, or the loss where there are no metrics. */
  async onBatch(
    kind: 'train' | 'test',
    x: unknown,
    y: unknown,
    sampleWeight?: unknown,
    classWeight?: unknown,
  ): Promise<number | number[]> {
    const op = kind === 'train' ? 'trainOnBatch' : 'testOnBatch';
    const c = this.#model.compiled(op);
    await prepareTarget(c.target);
    await fetchData(x, y, sampleWeight);
    const s = standardize(this.#model, { x, y, sampleWeight, classWeight }, op);
    c.resetMetrics();
    const batch = { ...s, size: s.count };
    const out = Array.from(await (kind === 'train' ? this.train([batch]) : this.test(batch)).data());
    return out.length === 1 ? out[0] : out;
  }

  /** The step as a function of tensors, to be compiled or looked at: `tf.compile(model.trainFunction(), …)`. */
  trainFunction(): Step {
    const c = this.#model.compiled('trainFunction');
    return (x, y, w) => this.#trainStep(c, x, y, w);
  }

  #options(kind: string): FuncOptions {
    const c = this.#model.isCompiled ? this.#model.compiled(kind) : undefined;
    const choices = { target: c?.target, threads: c?.threads, tune: c?.args.tune, winograd: c?.args.winograd };
    // A batch size of its own is a program of its own: that is known here.
    return { name: `${this.#model.name}_${kind}`, ...choices, warnOfRetracing: false, maxSignatures: 64 };
  }

  /** Weights, metrics and optimizer state exist before the first trace. */
  prepare(b: Batch): void {
    const model = this.#model;
    this.#build(b.x);
    const c = model.compiled('fit');
    if (!c.resolved) {
      const specs = b.x.map((t) => ({ shape: [...t.shape], dtype: t.dtype }));
      // What runs eagerly may look at values, which a trace has not.
      const outputs = c.runEagerly
        ? outside(() => this.#forward([...b.x], false).outputs.map((t) => t.shape))
        : model.outputSpecs(specs, {}).map((o) => o.shape as number[]);
      const labels = outputs.map((_, i) => b.y[i]?.shape ?? []);
      outside(() => c.resolve(labels, outputs));
      outside(() => c.optimizer.build(c.trainableWeights));
    }
  }

  #build(x: readonly Tensor[]): void {
    if (this.#model.built) return;
    outside(() => this.#model.buildFor(x.map((t) => ({ shape: [...t.shape], dtype: t.dtype }))));
  }

  #forward(x: Tensor[], training: boolean): { outputs: Tensor[]; losses: Tensor[] } {
    const model = this.#model;
    const given = model.topology ? x : (fromList(x) as OneOrMany<Tensor>);
    const { result, losses } = collectLosses(() => withTraining(training, () => model.apply(given, { training })));
    return { outputs: toList(result as OneOrMany<Tensor>), losses };
  }

  /** Forward pass and losses: the total, and each output's. */
  #losses(c: Compiled, x: Tensor[], y: (Tensor | null)[], w: (Tensor | null)[], training: boolean): Losses {
    const { outputs, losses: added } = this.#forward(x, training);
    const r = c.resolved as Resolved;
    const parts = outputs.map((out, i) => {
      const loss = r.losses[i];
      const label = y[i];
      if (!loss) return null;
      if (!label) throw missingLabels(this.#model, i);
      return this.#ofOutput(i, () => loss.apply(label, out, w[i], maskOf(out)));
    });
    const weighted = parts.flatMap((l, i) => (l ? [r.lossWeights[i] === 1 ? l : l.mul(r.lossWeights[i])] : []));
    const all = [...weighted, ...added, ...this.#model.lossFunctions.map((f) => f())];
    if (all.length === 0)
      throw new ArgumentError('there is nothing to minimise: no output has a loss, and no layer adds one', {
        op: `${this.#model.name}.fit`,
        fix: "give a loss to compile: {loss: 'meanSquaredError'}",
      });
    return { outputs, parts, total: all.reduce((a, b) => a.add(b)) };
  }

  #trainStep(c: Compiled, x: Tensor[], y: (Tensor | null)[], w: (Tensor | null)[]): Tensor {
    const variables = c.trainableWeights;
    const tape = new GradientTape({ watchAccessedVariables: false });
    let losses: Losses;
    let grads: (Tensor | null)[];
    try {
      tape.watch(variables);
      losses = this.#losses(c, x, y, w, true);
      grads = tape.gradient(losses.total, [...variables]) as (Tensor | null)[];
    } finally {
      tape.stop();
    }
    if (variables.length > 0 && grads.every((g) => g === null))
      throw new GradientError('the loss depends on none of the trainable weights', {
        op: `${this.#model.name}.fit`,
        fix: 'compute it from the outputs of the layers with tf operations that have gradients',
      });
    c.optimizer.applyGradients(variables.flatMap((v, i) => (grads[i] ? [[grads[i] as Tensor, v] as const] : [])));
    return this.#results(c, losses, x, y, w);
  }

  /** As many steps as there are stacked batches, in a loop of the program. */
  #trainScan(c: Compiled, x: Tensor[], y: (Tensor | null)[], w: (Tensor | null)[]): Tensor {
    const all = [...x, ...y, ...w];
    const there = all.filter((t) => t !== null);
    const [last] = scanLoop<Tensor, Tensor[], []>(
      (_, row) => {
        let k = 0;
        const next = (t: Tensor | null) => (t === null ? null : row[k++]);
        const own = [x.map(next), y.map(next), w.map(next)] as const;
        return [this.#trainStep(c, own[0] as Tensor[], own[1], own[2]), []];
      },
      zeros([(c.resolved as Resolved).names.length]),
      there,
    );
    return last;
  }

  #testStep(c: Compiled, x: Tensor[], y: (Tensor | null)[], w: (Tensor | null)[]): Tensor {
    return this.#results(c, this.#losses(c, x, y, w, false), x, y, w);
  }

  /** Updates the running loss and metrics, and gives their values. */
  #results(c: Compiled, l: Losses, x: Tensor[], y: (Tensor | null)[], w: (Tensor | null)[]): Tensor {
    const r = c.resolved as Resolved;
    const size = x[0].shape[0];
    r.total.updateState(l.total, scalar(size));
    for (const { metric, output } of r.perOutput) metric.updateState(l.parts[output] as Tensor, scalar(size));
    for (const m of r.metrics) {
      const out = l.outputs[m.output];
      const label = y[m.output];
      if (!label) throw missingLabels(this.#model, m.output);
      const weights = weightsFor(m.weighted ? w[m.output] : null, maskOf(out));
      this.#ofOutput(m.output, () => m.metric.updateState(label, out, weights));
    }
    const results = [r.total, ...r.perOutput.map((p) => p.metric), ...r.metrics.map((m) => m.metric)];
    return stack(results.map((m) => m.result().cast('float32').reshape([])));
  }

  /** Runs `f`; an error tells which output it is about. */
  #ofOutput<T>(i: number, f: () => T): T {
    try {
      return f();
    } catch (e) {
      const name = this.#model.outputNames[i];
      if (e instanceof SinterError && name && !e.message.includes(`'${name}'`)) {
        const old = e.message;
        e.message = `${old}\n  in: the output '${name}' of '${this.#model.name}'`;
        if (e.stack) e.stack = e.stack.replace(old, () => e.message);
      }
      throw e;
    }
  }
}

interface Losses {
  readonly outputs: Tensor[];
  readonly parts: (Tensor | null)[];
  readonly total: Tensor;
}

const missingLabels = (model: LayersModel, i: number): ArgumentError =>
  new ArgumentError(`there are no labels for the output ${model.outputNames[i] ?? i}`, {
    op: `${model.name}.fit`,
    fix: 'give y with one tensor for each output that has a loss or metrics',
  });

/** Sample weights of metrics under a mask: what is masked counts nothing. */
function weightsFor(w: Tensor | null | undefined, mask: Tensor | null): Tensor | undefined {
  if (!mask) return w ?? undefined;
  const m = mask.cast('float32');
  if (!w) return m;
  return m.mul(w.rank < m.rank ? w.reshape([...w.shape, ...m.shape.slice(w.rank).map(() => 1)]) : w);
}

/** The steps of a model, with no program made yet. */
export const executablesOf = (model: LayersModel): Executables => new Executables(model);
