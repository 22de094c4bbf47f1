// Damaged files: bytes and JSON, changed at random in ways that hurt decoders.

export type Random = () => number;

/** Mulberry32. */
export function randomOf(seed: number): Random {
  let s = seed >>> 0;
  return () => {
    s = (s + 0x6d2b79f5) >>> 0;
    let t = Math.imul(s ^ (s >>> 15), 1 | s);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (r: Random, n: number): number => Math.floor(r() * n);
const pick = <T>(r: Random, list: readonly T[]): T => list[below(r, list.length)];

/** Numbers at the edges of what formats hold. */
const edges = [0, 1, 127, 128, 255, 256, 65535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53];

const byteChanges: readonly ((b: Uint8Array, r: Random) => Uint8Array)[] = [
  (b, r) => {
    b[below(r, b.length)] ^= 1 << below(r, 8);
    return b;
  },
  (b, r) => {
    b[below(r, b.length)] = pick(r, [0, 1, 127, 128, 255]);
    return b;
  },
  (b, r) => {
    const width = pick(r, [2, 4, 8]);
    if (b.length < width) return b;
    const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
    const at = below(r, b.length - width + 1);
    const x = r() < 0.5 ? pick(r, edges) : below(r, 2 * b.length);
    if (width === 2) view.setUint16(at, x % 2 ** 16, true);
    else if (width === 4) view.setUint32(at, x % 2 ** 32, true);
    else view.setBigUint64(at, BigInt(x), true);
    return b;
  },
  (b, r) => b.slice(0, below(r, b.length + 1)),
  (b, r) => {
    const from = below(r, b.length);
    return b.copyWithin(below(r, b.length), from, from + below(r, 64));
  },
  (b, r) => {
    const out = new Uint8Array(b.length + below(r, 32));
    out.set(b);
    return out;
  },
];

/** Bytes with a few changes. */
export function mutated(bytes: Uint8Array, r: Random): Uint8Array {
  let b: Uint8Array = bytes.slice();
  for (let n = 1 + below(r, 4); n > 0 && b.length > 0; n--) b = pick(r, byteChanges)(b, r);
  return b;
}

const values: readonly unknown[] = [
  null, true, false, 0, -1, 1.5, 1e9, 2 ** 31, 2 ** 53, 1e308, '', 'x', 'Dense', 'constructor', '__proto__', [], [[]], {}, [null],
  [1e9, 1e9], { class_name: 'Dense', config: null }, { className: 'Sequential', config: { layers: [] } }, ['dense', 0, 0], 'NaN',
]; // biome-ignore format: a list

/** A copy of plain data with one thing in it replaced, removed or doubled. */
export function mutatedData(x: unknown, r: Random): unknown {
  const copy = structuredClone(x);
  const places: [Record<string, unknown>, string][] = [];
  const walk = (y: unknown) => {
    if (typeof y !== 'object' || y === null) return;
    for (const k of Object.keys(y)) {
      places.push([y as Record<string, unknown>, k]);
      walk((y as Record<string, unknown>)[k]);
    }
  };
  walk(copy);
  for (let n = 1 + below(r, 3); n > 0; n--) {
    const [owner, key] = pick(r, places);
    const way = r();
    if (way < 0.15) delete owner[key];
    else if (way < 0.3) owner[key] = structuredClone(pick(r, places)[0]);
    else if (way < 0.4 && Array.isArray(owner)) owner.push(structuredClone(owner[Number(key)]));
    else if (way < 0.5) owner[key] = { [key]: owner[key] };
    else
      Object.defineProperty(owner, key, {
        value: structuredClone(pick(r, values)),
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
  return JSON.parse(JSON.stringify(copy));
}
