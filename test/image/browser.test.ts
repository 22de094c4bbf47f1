// tf.browser on plain pixel data and on canvases that stand for those of a page, and tf.node.

import * as tf from 'sinter';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { equalTo } from '../frontend/helpers.ts';

const pixels = { width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 40, 50, 60, 70, 80) };

/** A canvas that keeps four bytes a pixel. */
class FakeCanvas {
  width: number;
  height: number;
  data = new Uint8ClampedArray(0);
  settings: unknown;
  constructor(width = 300, height = 150) {
    [this.width, this.height] = [width, height];
  }
  getContext(kind: string, settings?: unknown) {
    if (kind !== '2d') return null;
    this.settings = settings;
    return {
      putImageData: (d: { data: Uint8ClampedArray<ArrayBuffer> }) => {
        this.data = d.data;
      },
      getImageData: () => ({ width: this.width, height: this.height, data: this.data }),
      drawImage: (x: { pixels: Uint8Array }) => {
        this.data = Uint8ClampedArray.from(x.pixels);
      },
    };
  }
}
class FakeImageData {
  readonly data: Uint8ClampedArray;
  constructor(data: Uint8ClampedArray) {
    this.data = data;
  }
}
const canvas = (w?: number, h?: number) => new FakeCanvas(w, h) as unknown as HTMLCanvasElement & FakeCanvas;

afterEach(() => void vi.unstubAllGlobals());

describe('fromPixels', () => {
  it('plain data', async () => {
    const t = tf.browser.fromPixels(pixels);
    expect([t.dtype, t.shape]).toEqual(['int32', [1, 2, 3]]);
    equalTo(t, [
      [
        [10, 20, 30],
        [50, 60, 70],
      ],
    ]);
    equalTo(tf.browser.fromPixels({ ...pixels, data: Uint8ClampedArray.from(pixels.data) }, 4), [
      [
        [10, 20, 30, 40],
        [50, 60, 70, 80],
      ],
    ]);
    equalTo(await tf.browser.fromPixelsAsync(pixels, 1), [[[10], [50]]]);
  });
  it('canvases, images, videos and bitmaps', () => {
    vi.stubGlobal('OffscreenCanvas', FakeCanvas);
    const c = canvas(2, 1);
    c.data = Uint8ClampedArray.from(pixels.data);
    const image = { naturalWidth: 2, naturalHeight: 1, width: 50, height: 50, pixels: pixels.data };
    const video = { videoWidth: 2, videoHeight: 1, pixels: pixels.data };
    const bitmap = { width: 2, height: 1, close() {}, pixels: pixels.data };
    for (const x of [c, image, video, bitmap])
      equalTo(tf.browser.fromPixels(x as never, 2), [
        [
          [10, 20],
          [50, 60],
        ],
      ]);
    const early = { naturalWidth: 0, naturalHeight: 0 };
    expect(() => tf.browser.fromPixels(early as never)).toThrow(/must be loaded before its pixels are read/);
  });
  it('refuses what has no pixels', () => {
    const cases: [() => unknown, RegExp][] = [
      [() => tf.browser.fromPixels('x.png' as never), /'x.png' has no pixels/],
      [() => tf.browser.fromPixels(null as never), /null has no pixels/],
      [() => tf.browser.fromPixels({ width: 2, height: 2 } as never), /has no pixels/],
      [() => tf.browser.fromPixels({ ...pixels, height: 2 }), /data must have 4 bytes for each of 2x2 pixels, got 8/],
      [() => tf.browser.fromPixels(pixels, 5), /numChannels must be 1, 2, 3 or 4, got 5/],
      [() => tf.browser.fromPixels({ naturalWidth: 1, naturalHeight: 1 } as never), /there is no canvas to draw on/],
    ];
    for (const [f, message] of cases) {
      expect(f).toThrow(message);
      expect(f).toThrow(tf.SinterError);
    }
  });
});

describe('toPixels and draw', () => {
  it('whole numbers and floats, grey and colours', async () => {
    const rgba = [10, 20, 30, 255, 50, 60, 70, 255];
    expect([...(await tf.browser.toPixels(tf.browser.fromPixels(pixels)))]).toEqual(rgba);
    expect([...(await tf.browser.toPixels(tf.browser.fromPixels(pixels, 4)))]).toEqual([...pixels.data]);
    expect([
      ...(await tf.browser.toPixels([
        [0, 0.5],
        [1, 0.2],
      ])),
    ]).toEqual([0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 51, 51, 51, 255]);
    expect([...(await tf.browser.toPixels([[[1]]]))]).toEqual([255, 255, 255, 255]);
  });
  it('on a canvas', async () => {
    vi.stubGlobal('ImageData', FakeImageData);
    const c = canvas();
    await tf.browser.toPixels(tf.browser.fromPixels(pixels), c);
    expect([c.width, c.height, ...c.data]).toEqual([2, 1, 10, 20, 30, 255, 50, 60, 70, 255]);
    tf.browser.draw(tf.browser.fromPixels(pixels), c, {
      imageOptions: { alpha: 0.2 },
      contextOptions: { contextAttributes: { alpha: true } },
    });
    expect([[...c.data], c.settings]).toEqual([[10, 20, 30, 51, 50, 60, 70, 51], { alpha: true }]);
  });
  it('refuses other numbers and shapes', async () => {
    const cases: [() => Promise<unknown>, RegExp][] = [
      [() => tf.browser.toPixels([[2]]), /element 0 of the image is 2, where float32 goes from 0 to 1/],
      [() => tf.browser.toPixels(tf.fill([1, 1], 256, 'int32')), /is 256, where int32 goes from 0 to 255/],
      [() => tf.browser.toPixels([[Number.NaN]]), /is NaN/],
      [() => tf.browser.toPixels(tf.zeros([1, 1, 2])), /got \[1,1,2\]/],
      [() => tf.browser.toPixels([1]), /got \[1\]/],
      [() => tf.browser.toPixels([[1]], {} as never), /is no canvas/],
    ];
    for (const [f, message] of cases) {
      await expect(f()).rejects.toThrow(message);
      await expect(f()).rejects.toBeInstanceOf(tf.ArgumentError);
    }
    expect(() => tf.browser.draw([[1]], canvas(), { alpha: 1 } as never)).toThrow(/no option 'alpha'/);
    expect(() => tf.browser.draw([[1]], canvas(), { imageOptions: { alpha: 2 } })).toThrow(/alpha must be/);
  });
});

describe('tf.node', () => {
  it('reads and writes images with the arguments of tfjs-node', async () => {
    const x = tf.tensor(
      [
        [
          [1, 2, 3],
          [4, 5, 6],
        ],
      ],
      [1, 2, 3],
      'int32',
    );
    const png = await tf.node.encodePng(x);
    expect(png).toBeInstanceOf(Uint8Array);
    equalTo(tf.node.decodePng(png), x.arraySync());
    equalTo(tf.node.decodeImage(png, 1), [[[2], [5]]]);
    const grey = tf.fill([8, 8, 1], 77, 'int32');
    const jpeg = await tf.node.encodeJpeg(grey, 'grayscale', 90);
    expect(tf.node.decodeJpeg(jpeg, 3).shape).toEqual([8, 8, 3]);
    equalTo(tf.node.decodeJpeg(jpeg), grey.arraySync());
    expect(() => tf.node.decodeJpeg(jpeg, 0, 2)).toThrow(/ratio must be 1/);
    await expect(tf.node.encodeJpeg(grey, '', 90, true)).rejects.toThrow(/progressive must be false/);
  });
});
