// Pictures of graphs: SVG by Graphviz, PNG by resvg. Both are WebAssembly, installed by whoever needs them and
// loaded on use.

import type { Graphviz } from '@hpcc-js/wasm-graphviz';
import { DeviceError, ExecutionError } from '../../../ir/errors.ts';
import { nodeModule } from '../../platform.ts';

/** The error for a package that is not installed. */
function missing(name: string, version: string, what: string, cause: unknown, op: string): DeviceError {
  return new DeviceError(`${what} needs the package ${name} (${(cause as Error).message.split('\n')[0]})`, {
    op,
    fix: `npm install ${name}@${version}`,
  });
}

/** The picture of a graph in Graphviz's language. */
export async function svgOf(dot: string, op: string): Promise<string> {
  let graphviz: Awaited<ReturnType<typeof Graphviz.load>>;
  try {
    // Within `try`, bundlers accept that an optional package is not there.
    graphviz = await (await import('@hpcc-js/wasm-graphviz')).Graphviz.load();
  } catch (e) {
    throw missing('@hpcc-js/wasm-graphviz', '1.29.2', 'drawing a model', e, op);
  }
  try {
    return graphviz.layout(dot, 'svg', 'dot');
  } catch (e) {
    throw new ExecutionError(`Graphviz refused the model: ${(e as Error).message}`, {
      op,
      fix: 'report it: the description of the model is at fault',
    });
  }
}

type Resvg = typeof import('@resvg/resvg-wasm');
let loaded: Promise<Resvg> | undefined;

/** resvg, its WebAssembly module loaded once. */
async function loadResvg(op: string): Promise<Resvg> {
  try {
    const resvg = await import('@resvg/resvg-wasm');
    await resvg.initWasm(await bytesOf('@resvg/resvg-wasm/index_bg.wasm', op));
    return resvg;
  } catch (e) {
    loaded = undefined;
    throw missing('@resvg/resvg-wasm', '2.6.2', 'writing a PNG', e, op);
  }
}

/** The bytes of a file of an installed package. */
async function bytesOf(file: string, op: string): Promise<Uint8Array<ArrayBuffer>> {
  const { createRequire } = await nodeModule('module', op);
  const { readFile } = await nodeModule('fs/promises', op);
  return new Uint8Array(await readFile(createRequire(import.meta.url).resolve(file)));
}

/** Fonts that systems have. */
const systemFonts = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSansCondensed.ttf',
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf',
  '/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf',
  '/usr/share/fonts/TTF/DejaVuSans.ttf',
  '/System/Library/Fonts/Supplemental/Arial.ttf',
  'C:\\Windows\\Fonts\\arial.ttf',
];

/** Fonts for the text of a picture: the given one, the package's, or one of the system. */
async function fonts(file: string | undefined, op: string): Promise<Uint8Array[]> {
  const { readFile } = await nodeModule('fs/promises', op);
  if (file !== undefined)
    try {
      return [new Uint8Array(await readFile(file))];
    } catch (e) {
      throw new ExecutionError(`the font '${file}' cannot be read: ${(e as Error).message}`, {
        op,
        fix: 'check fontFile',
      });
    }
  const ours = ['DejaVuSansCondensed.ttf', 'DejaVuSansCondensed-Bold.ttf'].map((f) =>
    bytesOf(`dejavu-fonts-ttf/ttf/${f}`, op),
  );
  const found = (await Promise.allSettled(ours)).flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
  if (found.length) return found;
  for (const path of systemFonts) {
    const bytes = await readFile(path).catch(() => undefined);
    if (bytes) return [new Uint8Array(bytes)];
  }
  throw new DeviceError('there is no font to write with', {
    op,
    fix: 'npm install dejavu-fonts-ttf@2.37.3, or give fontFile; an SVG needs none',
  });
}

/** An SVG as PNG. Its lengths are of 96 to the inch. */
export async function pngOf(svg: string, dpi: number, fontFile: string | undefined, op: string): Promise<Uint8Array> {
  loaded ??= loadResvg(op);
  const resvg = await loaded;
  const picture = new resvg.Resvg(svg, {
    fitTo: { mode: 'zoom', value: dpi / 96 },
    font: { fontBuffers: await fonts(fontFile, op), sansSerifFamily: 'DejaVu Sans Condensed' },
  });
  try {
    return picture.render().asPng();
  } finally {
    picture.free();
  }
}
