import '../../tools/relaxed-simd.ts';
import { it } from 'vitest';
import { allFloats, compiled, exactBinary, exactUnary, measureBinary, measureUnary, fromBits } from '../../tools/ulp.ts';
import { randomFrom } from '../helpers.ts';
it('x', { timeout: 0 }, async () => {
  const names = (process.env.FN ?? Object.keys(exactUnary).join()).split(',');
  for (const name of names) {
    if (!exactUnary[name]) continue;
    const out: string[] = [];
    for (const relaxed of [true, false]) {
      const f = await compiled(name, 1, relaxed);
      const trig = ['sin', 'cos', 'tan'].includes(name);
      const range = (x: number) => { const a = Math.abs(x); return !(a < 1e38*4) ? 3 : a < 2 ** -126 ? 0 : trig ? (a <= 100 ? 1 : a<=1e4 ? 2: 4) : a < 1 ? 1 : 2; };
      const w = measureUnary(f, exactUnary[name], allFloats(Number(process.env.STEP ?? 9973)), range, 5);
      out.push(w.map((k) => `${k.ulp.toFixed(2)}@${k.at[0]?.toPrecision(6)}`).join(' '));
    }
    console.log(name.padEnd(9), 'relaxed', out[0], '| base', out[1]);
  }
  for (const name of ['pow', 'atan2', 'div']) {
    if (process.env.FN && !names.includes(name)) continue;
    for (const relaxed of [true, false]) {
      const f = await compiled(name, 2, relaxed);
      const any = function* () { const r = randomFrom(5); for (let i = 0; i < 1e6; i++) yield [fromBits((r() * 2 ** 32) | 0), fromBits((r() * 2 ** 32) | 0)] as const; };
      const mid = function* () { const r = randomFrom(6); for (let i = 0; i < 1e6; i++) yield [Math.fround(Math.exp(r() * 20 - 10)), Math.fround(r() * 20 - 10)] as const; };
      const near = function* () { const r = randomFrom(7); for (let i = 0; i < 1e6; i++) yield [Math.fround(1 + (r() - 0.5) * 2 ** -Math.floor(r() * 20)), Math.fround((r() - 0.5) * 2 ** (r() * 25))] as const; };
      const ws = [any, mid, near].map((g) => measureBinary(f, exactBinary[name], g()));
      console.log(name, relaxed, ws.map((w) => `${w.ulp.toFixed(2)}@${w.at} ${w.actual} ${w.exact}`).join(' | '));
    }
  }
});
