// What one thread of this machine can do at best in WebAssembly: multiply-adds that stay in registers, and a copy that
// no cache holds. Measured once a process, by two functions made here, byte by byte: the code generator is not needed.

/** The two limits of the roofline model (Williams, Waterman, Patterson 2009). */
export interface Limits {
  /** 1e9 float32 operations a second of one thread; a fused multiply-add is two. */
  readonly gflops: number;
  /** 1e9 bytes a second, read and written, beyond the caches. */
  readonly gbs: number;
}

type Bytes = readonly number[];

/** LEB128: seven bits a byte. Signed numbers keep their sign in bit 6 of the last byte. */
function leb(n: number, signed = false): number[] {
  const out: number[] = [];
  for (let rest = n; ; rest >>= 7) {
    const last = rest < (signed ? 64 : 128);
    out.push((rest & 127) | (last ? 0 : 128));
    if (last) return out;
  }
}
const sized = (b: Bytes): number[] => [...leb(b.length), ...b];
const section = (id: number, b: Bytes): number[] => [id, ...sized(b)];
const get = (local: number): number[] => [0x20, ...leb(local)];
const set = (local: number): number[] => [0x21, ...leb(local)];
const i32 = (n: number): number[] => [0x41, ...leb(n, true)];
const splat = (x: number): number[] => [0x43, ...new Uint8Array(new Float32Array([x]).buffer), 0xfd, 0x13];
const repeat = (n: number, f: (i: number) => Bytes): number[] => Array.from({ length: n }, (_, i) => f(i)).flat();
const [I32, F32, V128, END] = [0x7f, 0x7d, 0x7b, 0x0b];

/** Runs `body` and takes one from the counter until it is zero. */
const countDown = (counter: number, body: Bytes): number[] => [
  ...[0x03, 0x40, ...body, ...get(counter), ...i32(1), 0x6b, 0x22, ...leb(counter)],
  ...[0x0d, 0, END],
];

/** A module with one function `f`; `memory` where it has one, with so many pages. */
function moduleOf(params: Bytes, results: Bytes, vectors: number, body: Bytes, pages = 0): Uint8Array<ArrayBuffer> {
  const locals = vectors ? [1, ...leb(vectors), V128] : [0];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, ...sized(params), ...sized(results)]),
    ...section(3, [1, 0]),
    ...(pages ? section(5, [1, 0, ...leb(pages)]) : []),
    ...section(7, [1, 1, 'f'.charCodeAt(0), 0, 0]),
    ...section(10, [1, ...sized([...locals, ...body, END])]),
  ]);
}

const chains = 12;
const unroll = 4;

/** `f(n)`: n times 48 multiply-adds of four lanes, in 12 chains that do not wait for each other. */
function arithmetic(fused: boolean): Uint8Array<ArrayBuffer> {
  const [factor, term] = [1 + chains, 2 + chains];
  const multiplyAdd = fused
    ? [...get(factor), ...get(term), 0xfd, 0x85, 0x02]
    : [...get(factor), 0xfd, 0xe6, 0x01, ...get(term), 0xfd, 0xe4, 0x01];
  const step = (i: number) => [...get(1 + (i % chains)), ...multiplyAdd, ...set(1 + (i % chains))];
  const sum = repeat(chains - 1, (i) => [...get(2 + i), 0xfd, 0xe4, 0x01]);
  return moduleOf([I32], [F32], chains + 2, [
    ...[...splat(0.999), ...set(factor), ...splat(0.001), ...set(term)],
    ...countDown(0, repeat(chains * unroll, step)),
    ...[...get(1), ...sum, 0xfd, 0x1f, 0],
  ]);
}

/** `f(to, from, n)`: copies n times 64 bytes. */
function copying(pages: number): Uint8Array<ArrayBuffer> {
  const move = (i: number) => [...get(0), ...get(1), 0xfd, 0x00, 4, ...leb(16 * i), 0xfd, 0x0b, 4, ...leb(16 * i)];
  const advance = (local: number) => [...get(local), ...i32(64), 0x6a, ...set(local)];
  return moduleOf([I32, I32, I32], [], 0, countDown(2, [...repeat(4, move), ...advance(0), ...advance(1)]), pages);
}

const compiled = (bytes: Uint8Array<ArrayBuffer>) =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f as (...args: number[]) => unknown;

/** Seconds of the fastest of many calls; the engine's optimiser takes over after some of them. */
function fastest(f: () => void, calls: number, milliseconds: number): number {
  const end = performance.now() + milliseconds;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < calls || performance.now() < end; i++) {
    const t = performance.now();
    f();
    best = Math.min(best, performance.now() - t);
  }
  return best / 1e3;
}

function measureArithmetic(): number {
  const fused = arithmetic(true);
  const f = compiled(WebAssembly.validate(fused) ? fused : arithmetic(false));
  const runs = 100_000;
  return (runs * chains * unroll * 8) / fastest(() => f(runs), 10, 80) / 1e9;
}

function measureCopy(): number {
  // No server's cache per core is larger; where a device cannot give that much, a smaller buffer has to do.
  for (let bytes = 2 ** 26; ; bytes /= 2) {
    try {
      const f = compiled(copying((2 * bytes) / 65536));
      return (2 * bytes) / fastest(() => f(bytes, 0, bytes / 64), 6, 60) / 1e9;
    } catch (e) {
      if (bytes <= 2 ** 20) throw e;
    }
  }
}

let measured: Limits | undefined;

/** The limits of one thread; the first call measures them, which takes some 200 ms. */
export function machineLimits(): Limits {
  measured ??= { gflops: measureArithmetic(), gbs: measureCopy() };
  return measured;
}
