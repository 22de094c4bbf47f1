// Images: resizing, crops, transforms, colours, boxes.

import { FormatError, valueText } from '../../../ir/errors.ts';
import { tensorType } from '../../../ir/types.ts';
import { emitter as b } from '../../trace/dispatch.ts';
import { publicDType } from '../../trace/dtypes.ts';
import * as binary from '../../trace/ops/binary.ts';
import * as nms from '../../trace/ops/nms.ts';
import { max, mean, min } from '../../trace/ops/reduce.ts';
import { resize, resizeBilinear, resizeNearestNeighbor } from '../../trace/ops/resize.ts';
import { cropAndResize, transform } from '../../trace/ops/sampling.ts';
import { cast, stack, unstack } from '../../trace/ops/shape.ts';
import { abs, clipByValue, floor } from '../../trace/ops/unary.ts';
import { eagerTensor, type Tensor } from '../../trace/tensor.ts';
import { type Call, type Operators, op } from '../call.ts';
import { ints } from './shape.ts';

const size = (c: Call, i: number): [number, number] => c.numbers(i, 'the size of the images') as [number, number];
const corners = (c: Call): boolean => c.attrs.bool('align_corners', c.attrs.bool('alignCorners'));
const centres = (c: Call): boolean => c.attrs.bool('half_pixel_centers', c.attrs.bool('halfPixelCenters'));

function chosen<T extends string>(text: string, choices: readonly T[], name: string): T {
  const found = choices.find((x) => x === text.toLowerCase());
  if (found) return found;
  throw new FormatError(`${name} ${valueText(text)} is not supported`, { fix: `known are ${choices.join(', ')}` });
}

function cropped(c: Call): Tensor {
  const method = chosen(c.attrs.text('method', 'bilinear'), ['bilinear', 'nearest'], 'method');
  const outside = c.attrs.float('extrapolation_value', 0);
  return cropAndResize(c.x(0), c.x(1), cast(c.x(2), 'int32'), size(c, 3), method, outside);
}

function projected(c: Call): Tensor {
  const interpolation = chosen(c.attrs.text('interpolation'), ['nearest', 'bilinear'], 'interpolation');
  const mode = chosen(c.attrs.text('fill_mode', 'CONSTANT'), ['constant', 'reflect', 'wrap', 'nearest'], 'fill_mode');
  const fill = c.count > 3 ? c.number(3, 'what is filled with') : 0;
  const shape = c.count > 2 ? size(c, 2) : undefined;
  const y = transform(c.x(0), c.x(1), interpolation, mode, fill, shape);
  return cast(y, publicDType(c.x(0).type.dtype));
}

/** The limits of boxes that are suppressed: from which operand on they stand. */
function limits(c: Call): [boxes: Tensor, scores: Tensor, most: number, overlap: number, score: number] {
  const scores = c.x(1);
  const overlap = c.count > 3 ? c.number(3, 'a limit') : c.attrs.float('iou_threshold', 0.5);
  const least = c.count > 4 ? c.number(4, 'a limit') : Number.NEGATIVE_INFINITY;
  return [c.x(0), scores, Math.min(c.number(2, 'the number of boxes'), scores.size), overlap, least];
}

/** Padded to the number of boxes asked for, which may be more than there are. */
function paddedTo(c: Call, indices: Tensor): Tensor {
  const n = c.number(2, 'the number of boxes');
  return c.attrs.bool('pad_to_max_output_size') ? (b.pad(indices, [0], [n - indices.size]) as Tensor) : indices;
}

function suppressed4(c: Call): Tensor[] {
  const found = nms.nonMaxSuppression(...limits(c));
  return [paddedTo(c, found), ints([found.size], [])];
}

/** A sigma of 0 drops what overlaps; a greater one lowers its score. */
function suppressed5(c: Call): Tensor[] {
  const sigma = c.count > 5 ? c.number(5, 'sigma') : 0;
  const { selectedIndices, selectedScores } = nms.nonMaxSuppressionWithScore(...limits(c), sigma);
  return [paddedTo(c, selectedIndices), paddedTo(c, selectedScores), ints([selectedIndices.size], [])];
}

/** The best boxes of one image: of each class on its own, then of all. Rows [score, class, y1, x1, y2, x2]. */
function bestBoxes(c: Call, boxes: Tensor, scores: Tensor): number[][] {
  const [perClass, total] = [c.number(2, 'the number of boxes'), c.number(3, 'the number of boxes')];
  const [overlap, least] = [c.number(4, 'a limit'), c.number(5, 'a limit')];
  const [n, shared, classes] = [boxes.shape[0], boxes.shape[1], scores.shape[1]];
  const corners = boxes.elements();
  const found: number[][] = [];
  for (let k = 0; k < classes; k++) {
    const own = b.reshape(b.slice(boxes, [0, shared === 1 ? 0 : k, 0], [n, 1, 4]), [n, 4]) as Tensor;
    const row = b.reshape(b.slice(scores, [0, k], [n, 1]), [n]) as Tensor;
    const { selectedIndices, selectedScores } = nms.nonMaxSuppressionWithScore(
      own,
      row,
      Math.min(perClass, n),
      overlap,
      least,
    );
    const score = selectedScores.elements();
    selectedIndices.elements().forEach((i, j) => {
      const at = 4 * (i * shared + (shared === 1 ? 0 : k));
      found.push([score[j], k, ...corners.slice(at, at + 4)]);
    });
  }
  return found.sort(([p], [q]) => q - p).slice(0, total);
}

/** Suppression for all classes of all images at once; what is missing is zeros. */
function combined(c: Call): Tensor[] {
  const [boxes, scores] = [c.x(0), c.x(1)];
  c.numbers(0, 'the boxes');
  c.numbers(1, 'the scores');
  const [batch, n, shared] = boxes.shape;
  const most = c.attrs.bool('pad_per_class')
    ? Math.min(c.number(2, 'the number of boxes') * scores.shape[2], c.number(3, 'the number of boxes'))
    : c.number(3, 'the number of boxes');
  const clip = c.attrs.bool('clip_boxes', true);
  const out = {
    boxes: new Float32Array(batch * most * 4),
    scores: new Float32Array(batch * most),
    classes: new Float32Array(batch * most),
  };
  const valid = new Int32Array(batch);
  for (let image = 0; image < batch; image++) {
    const own = b.reshape(b.slice(boxes, [image, 0, 0, 0], [1, n, shared, 4]), [n, shared, 4]) as Tensor;
    const row = b.reshape(b.slice(scores, [image, 0, 0], [1, n, scores.shape[2]]), [n, scores.shape[2]]) as Tensor;
    const found = bestBoxes(c, own, row).slice(0, most);
    valid[image] = found.length;
    found.forEach(([score, kind, ...corners], i) => {
      const at = image * most + i;
      [out.scores[at], out.classes[at]] = [score, kind];
      out.boxes.set(clip ? corners.map((x) => Math.min(1, Math.max(0, x))) : corners, 4 * at);
    });
  }
  const tensor = (x: Float32Array, shape: number[]) => eagerTensor(tensorType('f32', shape), x);
  const rows = [batch, most];
  return [
    tensor(out.boxes, [...rows, 4]),
    tensor(out.scores, rows),
    tensor(out.classes, rows),
    ints(Array.from(valid)),
  ];
}

/** Hue, saturation and value of red, green and blue in 0 … 1. */
function hsvOf(rgb: Tensor): Tensor {
  const [r, g, blue] = unstack(rgb, -1);
  const [value, low] = [max(rgb, -1), min(rgb, -1)];
  const span = binary.sub(value, low);
  const part = (x: Tensor, y: Tensor, at: number) =>
    binary.add(binary.divNoNan(binary.sub(x, y), binary.mul(span, 6)), at);
  const hue = binary.where(
    binary.equal(value, r),
    part(g, blue, 0),
    binary.where(binary.equal(value, g), part(blue, r, 1 / 3), part(r, g, 2 / 3)),
  );
  const turned = binary.where(binary.less(hue, 0), binary.add(hue, 1), hue);
  return stack([binary.where(binary.greater(span, 0), turned, 0), binary.divNoNan(span, value), value], -1);
}
function rgbOf(hsv: Tensor): Tensor {
  const [h, s, v] = unstack(hsv, -1);
  const six = binary.mul(h, 6);
  const red = clipByValue(binary.sub(abs(binary.sub(six, 3)), 1), 0, 1);
  const green = clipByValue(binary.sub(2, abs(binary.sub(six, 2))), 0, 1);
  const blue = clipByValue(binary.sub(2, abs(binary.sub(six, 4))), 0, 1);
  const base = binary.sub(1, s);
  return stack(
    [red, green, blue].map((x) => binary.mul(binary.add(base, binary.mul(s, x)), v)),
    -1,
  );
}
/** Changes hue or saturation. */
function recoloured(c: Call, f: (h: Tensor, s: Tensor, by: Tensor) => [Tensor, Tensor]): Tensor {
  const [h, s, v] = unstack(hsvOf(c.x(0)), -1);
  return rgbOf(stack([...f(h, s, c.x(1)), v], -1));
}

function contrasted(c: Call): Tensor {
  const x = c.x(0);
  const middle = mean(x, [x.rank - 3, x.rank - 2], true);
  return binary.add(binary.mul(binary.sub(x, middle), c.x(1)), middle);
}

const dynamic = { dynamic: true } as const;
/** By name. */
export const images: Operators = {
  AdjustContrastv2: op(contrasted),
  AdjustHue: op((c) => recoloured(c, (h, s, by) => [binary.sub(binary.add(h, by), floor(binary.add(h, by))), s])),
  AdjustSaturation: op((c) => recoloured(c, (h, s, by) => [h, clipByValue(binary.mul(s, by), 0, 1)])),
  CombinedNonMaxSuppression: op(combined, {
    ...dynamic,
    results: ['nmsed_boxes', 'nmsed_scores', 'nmsed_classes', 'valid_detections'],
  }),
  CropAndResize: op(cropped),
  HSVToRGB: op((c) => rgbOf(c.x(0))),
  ImageProjectiveTransformV2: op(projected),
  ImageProjectiveTransformV3: op(projected),
  NonMaxSuppression: op((c) => nms.nonMaxSuppression(...limits(c)), dynamic),
  NonMaxSuppressionV2: op((c) => nms.nonMaxSuppression(...limits(c)), dynamic),
  NonMaxSuppressionV3: op((c) => nms.nonMaxSuppression(...limits(c)), dynamic),
  NonMaxSuppressionV4: op(suppressed4, { ...dynamic, results: ['selected_indices', 'valid_outputs'] }),
  NonMaxSuppressionV5: op(suppressed5, {
    ...dynamic,
    results: ['selected_indices', 'selected_scores', 'valid_outputs'],
  }),
  RGBToHSV: op((c) => hsvOf(c.x(0))),
  ResizeArea: op((c) => resize(cast(c.x(0), 'float32'), size(c, 1), { method: 'area' })),
  ResizeBicubic: op((c) =>
    resize(cast(c.x(0), 'float32'), size(c, 1), {
      method: 'bicubic',
      alignCorners: corners(c),
      halfPixelCenters: centres(c),
    }),
  ),
  ResizeBilinear: op((c) => resizeBilinear(c.x(0), size(c, 1), corners(c), centres(c))),
  ResizeNearestNeighbor: op((c) => resizeNearestNeighbor(c.x(0), size(c, 1), corners(c), centres(c))),
};
