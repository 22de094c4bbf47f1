// The fastest matrix product that was found by hand in WebAssembly: packed panels, a register tile of
// `rows` x `cols`, and blocks that fit the caches. A measuring stick for the compiler's own product.
//
// Two tiles are worth keeping. 6x8 uses 15 registers (12 accumulators, two of B, one of A), all that
// the engine has to give, and wants the loop over K unrolled because every iteration pays a stack
// check. 2x16 without unrolling is nearly as fast and suits engines that hoist loads and would spill.

import { advance, countDown, get, i32, instantiate, load, locals, params, repeat, set, store } from './wat.ts';

export interface Tile {
  readonly rows: number;
  readonly cols: number;
  /** Steps of K in one iteration of the inner loop. */
  readonly unroll: number;
  /** Relaxed multiply-add, rounded once; else a multiply and an add. */
  readonly fused: boolean;
}

export const tiles: readonly Tile[] = [
  { rows: 6, cols: 8, unroll: 4, fused: true },
  { rows: 2, cols: 16, unroll: 1, fused: true },
  { rows: 6, cols: 8, unroll: 4, fused: false },
  { rows: 2, cols: 16, unroll: 1, fused: false },
];
export const tileName = (t: Tile): string => `${t.rows}x${t.cols} ${t.fused ? 'madd' : 'mul+add'}`;

/** Depth and height of the block of A that stays in the second cache. */
const blockDepth = 256;
const blockRows = 96;

/** C[rows, cols] += A panel times B panel, over `depth` steps of K. */
function microKernel({ rows, cols, unroll, fused }: Tile): string {
  const vectors = cols / 4;
  const acc = (i: number, j: number) => `c${i}_${j}`;
  const accumulate = (i: number, j: number) =>
    set(
      acc(i, j),
      fused
        ? `(f32x4.relaxed_madd ${get('av')} ${get(`b${j}`)} ${get(acc(i, j))})`
        : `(f32x4.add ${get(acc(i, j))} (f32x4.mul ${get('av')} ${get(`b${j}`)}))`,
    );
  const step = (u: number) => `
    ${repeat(vectors, (j) => set(`b${j}`, load('b', (u * cols + j * 4) * 4)))}
    ${repeat(
      rows,
      (i) => `${set('av', `(v128.load32_splat offset=${(u * rows + i) * 4} ${get('a')})`)}
      ${repeat(vectors, (j) => accumulate(i, j))}`,
    )}`;
  const names = Array.from({ length: rows * vectors }, (_, n) => acc(Math.floor(n / vectors), n % vectors));
  return `(func $tile ${params('a', 'b', 'c', 'depth', 'stride')}
    ${locals('v128', ['av', ...Array.from({ length: vectors }, (_, j) => `b${j}`), ...names])}
    ${countDown(
      'depth',
      unroll,
      `${repeat(unroll, step)} ${advance('a', i32(unroll * rows * 4))} ${advance('b', i32(unroll * cols * 4))}`,
    )}
    ${repeat(
      rows,
      (i) => `${repeat(vectors, (j) => store('c', j * 16, `(f32x4.add ${load('c', j * 16)} ${get(acc(i, j))})`))}
      ${advance('c', get('stride'))}`,
    )})`;
}

/** All tiles of a block: for each panel of B, down the panels of A, which stay in the cache. */
function block({ rows, cols }: Tile): string {
  const panel = (n: number) => `(i32.mul ${get('depth')} ${i32(n * 4)})`;
  return `(func (export "block") ${params('a', 'b', 'c', 'depth', 'stride', 'down', 'across')}
    ${locals('i32', ['i', 'pa', 'pc'])}
    ${countDown(
      'across',
      1,
      `${set('i', get('down'))} ${set('pa', get('a'))} ${set('pc', get('c'))}
      ${countDown(
        'i',
        1,
        `(call $tile ${get('pa')} ${get('b')} ${get('pc')} ${get('depth')} ${get('stride')})
        ${advance('pa', panel(rows))} ${advance('pc', `(i32.mul ${get('stride')} ${i32(rows)})`)}`,
      )}
      ${advance('b', panel(cols))} ${advance('c', i32(cols * 4))}`,
    )})`;
}

/** Copies into panels: of B `cols` wide and contiguous, of A `rows` high with K running fastest. */
function packing({ rows, cols }: Tile): string {
  const copyRow = repeat(cols / 4, (j) => store('to', j * 16, load('p', j * 16)));
  const copyColumn = repeat(
    rows,
    (i) => `(i32.store offset=${i * 4} ${get('to')} (i32.load ${get('q')})) ${advance('q', get('stride'))}`,
  );
  const panels = (name: string, body: string, width: number, next: string) => `
    (func (export "${name}") ${params('to', 'from', 'depth', 'stride', 'panels')} ${locals('i32', ['k', 'p', 'q'])}
      ${countDown(
        'panels',
        1,
        `${set('k', get('depth'))} ${set('p', get('from'))}
        ${countDown('k', 1, `${body} ${advance('to', i32(width * 4))}`)}
        ${advance('from', next)}`,
      )})`;
  return (
    panels('packB', `${copyRow} ${advance('p', get('stride'))}`, cols, i32(cols * 4)) +
    panels(
      'packA',
      `${set('q', get('p'))} ${copyColumn} ${advance('p', i32(4))}`,
      rows,
      `(i32.mul ${get('stride')} ${i32(rows)})`,
    )
  );
}

type Routine = (...args: number[]) => void;

/** A product of two n x n matrices, with packing, as a function to be timed. */
export function handWrittenGemm(tile: Tile, n: number, a: Float32Array, b: Float32Array) {
  const { rows, cols, unroll } = tile;
  if (n % cols || n % unroll || blockDepth % unroll) throw new Error(`tile ${tileName(tile)} does not divide ${n}`);
  const padded = Math.ceil(n / rows) * rows;
  const high = Math.floor(blockRows / rows) * rows;
  let end = 1024;
  const place = (floats: number): number => {
    const at = end;
    end = (end + floats * 4 + 4096 + 63) & ~63; // a page apart, so that equal offsets do not share cache sets
    return at;
  };
  const [pa, pb, pc] = [place(padded * n), place(n * n), place(padded * n)];
  const [panelsA, panelsB] = [place(high * blockDepth), place(blockDepth * n)];
  const code = instantiate(microKernel(tile) + block(tile) + packing(tile), end);
  const [packA, packB, multiply] = [code.packA, code.packB, code.block] as Routine[];
  const view = (at: number, length: number) => new Float32Array(code.memory.buffer, at, length);
  view(pa, n * n).set(a);
  view(pb, n * n).set(b);
  const result = view(pc, n * n);

  const run = (): void => {
    view(pc, padded * n).fill(0);
    for (let k = 0; k < n; k += blockDepth) {
      const depth = Math.min(blockDepth, n - k);
      packB(panelsB, pb + k * n * 4, depth, n * 4, n / cols);
      for (let i = 0; i < padded; i += high) {
        const down = Math.min(high, padded - i) / rows;
        packA(panelsA, pa + (i * n + k) * 4, depth, n * 4, down);
        multiply(panelsA, panelsB, pc + i * n * 4, depth, n * 4, down, n / cols);
      }
    }
  };
  return { run, result };
}
