// exe.profile: its figures fit together, its trace is one, and Variables stay as they were.

import * as tf from 'sinter';
import { describe, expect, it } from 'vitest';
import { errorOf } from './helpers.ts';

/** A program with two calls of one kernel, some of other ones, and a Variable that it changes. */
async function program(target = 'wasm', threads = 1) {
  const count = tf.variable(0);
  const w = tf.variable(tf.ones([64, 64]).mul(0.01));
  function step(x: tf.Tensor, y: tf.Tensor) {
    count.assignAdd(1);
    const product = (t: tf.Tensor) => tf.matMul(t, w);
    return [tf.softmax(product(x)), tf.softmax(product(y)), count.mul(2)];
  }
  const exe = await tf.compile(step, { inputs: [tf.spec([32, 64]), tf.spec([32, 64])], target, threads });
  return { exe, count };
}
const x = tf.ones([32, 64]);

interface Event {
  readonly name: string;
  readonly ph: string;
  readonly cat: string;
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Record<string, unknown>;
}

describe('exe.profile', () => {
  it('gives each kernel its time, its rates and its share of the limit', async () => {
    const { exe, count } = await program();
    const p = exe.profile(x, x);
    expect(p.steps.map((s) => s.name)).toEqual(exe.plan.kernels.map((k) => k.name));
    for (const [i, s] of p.steps.entries()) {
      const k = exe.plan.kernels[i];
      expect([s.kind, s.ops, s.flops, s.bytes, s.calls]).toEqual([k.kind, k.ops, k.flops, k.bytes, 1]);
      expect(s.us).toBeGreaterThan(0);
    }
    expect(p.limits.gflops).toBeGreaterThan(0.1);
    expect(p.limits.gbs).toBeGreaterThan(0.1);
    for (const k of p) {
      expect(k.gflops).toBeCloseTo(k.flops / k.us / 1e3, 9);
      expect(k.gbs).toBeCloseTo(k.bytes / k.us / 1e3, 9);
      const best = Math.max(k.flops / p.limits.gflops, k.bytes / p.limits.gbs) / 1e3;
      expect(k.share).toBeCloseTo(best / k.us, 9);
      expect(k.totalUs).toBeCloseTo(k.us * k.calls, 9);
    }
    // Variables are as they were.
    expect(count.arraySync()).toBe(0);
    expect((exe.run(x, x) as tf.Tensor[])[2].arraySync()).toBe(2);
  });

  it('counts steps of equal code as calls of one kernel, sorted, with a total', async () => {
    const { exe } = await program();
    const p = exe.profile(x, x, { repeats: 5 });
    const twice = p.kernels.filter((k) => k.calls === 2).map((k) => k.ops.join(' '));
    expect(twice).toContain('dot_general');
    expect(p.kernels.length).toBeLessThan(p.steps.length);
    expect(p.kernels.reduce((n, k) => n + k.calls, 0)).toBe(p.steps.length);
    expect(p.kernels.reduce((n, k) => n + k.totalUs, 0)).toBeCloseTo(p.totalUs, 6);
    const times = p.kernels.map((k) => k.totalUs);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    const lines = String(p).split('\n');
    expect(lines[0]).toMatch(/^kernel +calls +µs +time +GFLOP\/s +GB\/s +of the limit$/);
    expect(lines.slice(1, -2).map((l) => l.split(/ +/)[0])).toEqual(p.kernels.map((k) => k.name));
    expect(lines.at(-2)).toMatch(new RegExp(`^total +1 +${p.totalUs.toFixed(1)} +100.0 %`));
    expect(lines.at(-1)).toMatch(/^limits: \d+\.\d GFLOP\/s, \d+\.\d GB\/s$/);
  });

  it('measures the machine once', async () => {
    const [one, two] = [await program(), await program('wasm', 2)];
    const limits = one.exe.profile(x, x, { repeats: 1 }).limits;
    expect(one.exe.profile(x, x, { repeats: 1 }).limits).toEqual(limits);
    const threads = two.exe.profile(x, x, { repeats: 1 }).limits.gflops / limits.gflops;
    expect([1, 2]).toContain(threads);
  });

  it('profiles the interpreter as one step', async () => {
    const { exe, count } = await program('reference');
    const p = exe.profile(x, x);
    expect([p.kernels.length, p.kernels[0].kind, p.kernels[0].share]).toEqual([1, 'interpreter', 0]);
    expect(p.kernels[0].us).toBe(p.totalUs);
    expect(String(p).split('\n').length).toBe(3);
    expect(count.arraySync()).toBe(0);
  });

  it('profiles loops as one step, and programs without kernels', async () => {
    const sums = (t: tf.Tensor) => tf.scanLoop(([s], row: tf.Tensor) => [[tf.add(s, row)], s], [tf.zeros([64])], t)[1];
    const scan = await tf.compile(sums, { inputs: [tf.spec([32, 64])] });
    expect(scan.profile(x).kernels.map((k) => k.kind)).toContain('control');
    const same = await tf.compile((t: tf.Tensor) => t, { inputs: [tf.spec([2])] });
    const p = same.profile(tf.ones([2]), { repeats: 2 });
    expect(p.steps.length).toBe(same.plan.kernels.length);
    expect(JSON.parse(p.toChromeTrace()).traceEvents.length).toBe(2 + (p.steps.length ? 2 * (p.steps.length + 1) : 0));
  });

  it('takes options after the arguments, and refuses bad ones', async () => {
    const { exe } = await program();
    for (const repeats of [0, -1, 1.5, Number.NaN, '3', 1e9])
      expect(errorOf(() => exe.profile(x, x, { repeats })).message).toMatch(/repeats must be a whole number from 1 to/);
    const unknown = errorOf(() => exe.profile(x, x, { repeat: 3 }));
    expect(unknown).toBeInstanceOf(tf.ArgumentError);
    expect(unknown.message).toMatch(/there is no option 'repeat'/);
    expect(errorOf(() => exe.profile(x, x, 3)).message).toMatch(/the options must be an object/);
    expect(errorOf(() => exe.profile(x)).message).toMatch(/takes 2 argument\(s\).*got 1/);
  });
});

describe('profile.toChromeTrace', () => {
  it('has an event for each kernel of each run, in its run, one after the other', async () => {
    const { exe } = await program();
    const p = exe.profile(x, x, { repeats: 4 });
    const trace = JSON.parse(p.toChromeTrace()) as { traceEvents: Event[] };
    const timed = trace.traceEvents.filter((e) => e.ph === 'X');
    expect(trace.traceEvents.filter((e) => e.ph !== 'X').map((e) => e.name)).toEqual(['process_name', 'thread_name']);
    const runs = timed.filter((e) => e.cat === 'run');
    const kernels = timed.filter((e) => e.cat !== 'run');
    expect([runs.length, kernels.length]).toEqual([4, 4 * p.steps.length]);
    // Nanoseconds, without the rounding of sums of floats.
    const [start, end] = [(e: Event) => Math.round(e.ts * 1e3), (e: Event) => Math.round((e.ts + e.dur) * 1e3)];
    for (const list of [runs, kernels])
      for (let i = 0; i < list.length; i++) {
        expect(list[i].dur).toBeGreaterThanOrEqual(0);
        expect([list[i].pid, list[i].tid]).toEqual([1, 1]);
        if (i > 0) expect(start(list[i])).toBeGreaterThanOrEqual(end(list[i - 1]));
      }
    kernels.forEach((k, i) => {
      const run = runs[Math.floor(i / p.steps.length)];
      expect(start(k)).toBeGreaterThanOrEqual(start(run));
      expect(end(k)).toBeLessThanOrEqual(end(run));
      const s = p.steps[i % p.steps.length];
      expect([k.name, k.cat, k.args]).toEqual([
        s.name,
        s.kind,
        { ops: s.ops.join(' '), flops: s.flops, bytes: s.bytes },
      ]);
    });
  });
});
