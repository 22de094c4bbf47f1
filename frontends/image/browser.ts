// `tf.browser`: pixels of canvases, images, videos and plain pixel data as tensors, and back. Plain data works in
// Node too.

import { ArgumentError, DeviceError, valueText } from '../../ir/errors.ts';
import { isFloat, tensorType } from '../../ir/types.ts';
import { checkOptions } from '../keras/engine/names.ts';
import type { TensorLike } from '../trace/convert.ts';
import { arg, need } from '../trace/ops/common.ts';
import { eagerTensor, fetched, type Tensor } from '../trace/tensor.ts';

/** Bytes of red, green, blue and alpha for each pixel, row by row. */
export interface PixelData {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** What pixels are taken of. */
export type Pixels =
  | PixelData
  | ImageData
  | HTMLCanvasElement
  | OffscreenCanvas
  | HTMLImageElement
  | HTMLVideoElement
  | ImageBitmap;

type Canvas = HTMLCanvasElement | OffscreenCanvas;
type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

const isCanvas = (x: unknown): x is Canvas => typeof (x as Canvas | null)?.getContext === 'function';
const isPixelData = (x: unknown): x is PixelData => {
  const data = (x as PixelData | null)?.data;
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
};

function contextOf(canvas: Canvas, op: string, settings?: CanvasRenderingContext2DSettings): Context {
  const context = canvas.getContext('2d', settings) as Context | null;
  if (context) return context;
  throw new ArgumentError('the canvas gives no 2d context', {
    op,
    fix: 'it has one of another kind: use another canvas',
  });
}

/** A canvas of that size. Throws DeviceError where there are none. */
function newCanvas(width: number, height: number, op: string): Canvas {
  if (typeof OffscreenCanvas === 'function') return new OffscreenCanvas(width, height);
  if (typeof document === 'undefined')
    throw new DeviceError('there is no canvas to draw on', { op, fix: 'give pixels as {data, width, height}' });
  return Object.assign(document.createElement('canvas'), { width, height });
}

/** Width and height of what can be drawn, in its own pixels. */
function drawableSize(x: object): [number, number] | undefined {
  const o = x as {
    videoWidth?: number;
    videoHeight?: number;
    naturalWidth?: number;
    naturalHeight?: number;
    width?: number;
    height?: number;
    close?: unknown;
  };
  if (typeof o.videoWidth === 'number') return [o.videoWidth, o.videoHeight as number];
  if (typeof o.naturalWidth === 'number') return [o.naturalWidth, o.naturalHeight as number];
  // An ImageBitmap.
  return typeof o.close === 'function' && typeof o.width === 'number' ? [o.width, o.height as number] : undefined;
}

/** Four bytes a pixel of whatever has pixels. */
function pixelsOf(x: unknown, op: string): PixelData {
  if (isPixelData(x)) return x;
  if (isCanvas(x)) return contextOf(x, op).getImageData(0, 0, x.width, x.height);
  const size = typeof x === 'object' && x !== null ? drawableSize(x) : undefined;
  if (!size)
    throw new ArgumentError(`${valueText(x)} has no pixels`, {
      op,
      fix: 'give {data, width, height}, an ImageData, a canvas, an image, a video or an ImageBitmap',
    });
  const [width, height] = size;
  need(
    width > 0 && height > 0,
    op,
    'the image must be loaded before its pixels are read',
    size,
    "wait for its 'load' event",
  );
  const context = contextOf(newCanvas(width, height, op), op, { willReadFrequently: true });
  context.drawImage(x as CanvasImageSource, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/**
 * The pixels as int32 [height, width, numChannels] from 0 to 255: red, green, blue and alpha, as many as are asked for.
 * Throws ArgumentError for what has no pixels, and for data of another size than it says.
 */
export function fromPixels(pixels: Pixels, numChannels = 3): Tensor {
  const op = 'browser.fromPixels';
  need([1, 2, 3, 4].includes(numChannels), op, 'numChannels must be 1, 2, 3 or 4', numChannels);
  const { width, height, data } = pixelsOf(pixels, op);
  for (const [name, n] of Object.entries({ width, height }))
    need(Number.isInteger(n) && n >= 1, op, `${name} must be a whole number from 1 on`, n);
  need(
    data.length === 4 * width * height,
    op,
    `data must have 4 bytes for each of ${width}x${height} pixels`,
    data.length,
  );
  const out = new Int32Array(width * height * numChannels);
  for (let i = 0, o = 0; i < data.length; i += 4) for (let c = 0; c < numChannels; c++) out[o++] = data[i + c];
  return eagerTensor(tensorType('i32', [height, width, numChannels]), out);
}

/** `fromPixels`, as a promise. */
export const fromPixelsAsync = async (pixels: Pixels, numChannels = 3): Promise<Tensor> =>
  fromPixels(pixels, numChannels);

/** Four bytes a pixel of an image tensor. */
function bytesOf(
  image: TensorLike,
  alpha: number,
  op: string,
): { width: number; height: number; data: Uint8ClampedArray<ArrayBuffer> } {
  const t = arg(image, 'img', op);
  const depth = t.rank === 2 ? 1 : t.shape[2];
  if ((t.rank !== 2 && t.rank !== 3) || ![1, 3, 4].includes(depth))
    throw new ArgumentError(
      `the image must have the shape [height, width] or [height, width, 1, 3 or 4], got [${t.shape}]`,
      {
        op,
        fix: 'give one image with its channels last',
      },
    );
  const most = isFloat(t.type.dtype) ? 1 : 255;
  const [height, width] = t.shape;
  const values = t.elements();
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++)
    for (let c = 0; c < 4; c++) {
      const at = depth === 1 ? i : i * depth + c;
      const x = c === 3 && depth !== 4 ? most * alpha : values[at] * (c === 3 ? alpha : 1);
      if (!(x >= 0 && x <= most))
        throw new ArgumentError(
          `element ${at} of the image is ${values[at]}, where ${t.dtype} goes from 0 to ${most}`,
          {
            op,
            fix: most === 1 ? 'divide by 255, or cast to int32' : 'clip it: img.clipByValue(0, 255)',
          },
        );
      data[4 * i + c] = Math.round(x * (255 / most));
    }
  return { width, height, data };
}

/** Puts pixels on a canvas of their size. */
function show(
  { width, height, data }: ReturnType<typeof bytesOf>,
  canvas: Canvas,
  op: string,
  settings?: CanvasRenderingContext2DSettings,
): void {
  if (!isCanvas(canvas))
    throw new ArgumentError(`${valueText(canvas)} is no canvas`, {
      op,
      fix: "such as document.querySelector('canvas')",
    });
  if (width === 0 || height === 0)
    throw new ArgumentError('an image without pixels cannot be drawn', {
      op,
      fix: 'give an image of at least one pixel',
    });
  Object.assign(canvas, { width, height });
  contextOf(canvas, op, settings).putImageData(new ImageData(data, width, height), 0, 0);
}

/**
 * Red, green, blue and alpha of each pixel of an image [height, width] or [height, width, 1, 3 or 4]: floats from 0
 * to 1, whole numbers from 0 to 255. Rejects with ArgumentError for another shape or other numbers.
 * @param canvas where it is drawn as well
 */
export async function toPixels(img: TensorLike, canvas?: Canvas): Promise<Uint8ClampedArray> {
  const op = 'browser.toPixels';
  const bytes = bytesOf(await fetched(img), 1, op);
  if (canvas !== undefined && canvas !== null) show(bytes, canvas, op);
  return bytes.data;
}

/** How `draw` draws. */
export interface DrawOptions {
  readonly imageOptions?: { readonly alpha?: number };
  readonly contextOptions?: {
    readonly contextType?: string;
    readonly contextAttributes?: CanvasRenderingContext2DSettings;
  };
}

/** Draws an image (see `toPixels`) on a canvas, which gets its size; `imageOptions.alpha` makes it transparent. */
export function draw(image: TensorLike, canvas: HTMLCanvasElement | OffscreenCanvas, options: DrawOptions = {}): void {
  const op = 'browser.draw';
  checkOptions(options, ['imageOptions', 'contextOptions'], op);
  const { alpha = 1 } = options?.imageOptions ?? {};
  const { contextType = '2d', contextAttributes } = options?.contextOptions ?? {};
  need(alpha >= 0 && alpha <= 1, op, 'alpha must be a number from 0 to 1', alpha);
  need(contextType === '2d', op, "contextType must be '2d'", contextType);
  show(bytesOf(image, alpha, op), canvas, op, contextAttributes);
}
