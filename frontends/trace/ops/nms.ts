// Non-maximum suppression: of boxes that overlap, the one with the best score. How many are left depends
// on the elements, so these work outside of traced functions only (TraceError inside).

import { ShapeError, TraceError } from '../../../ir/errors.ts';
import { tensorType } from '../../../ir/types.ts';
import type { TensorLike } from '../convert.ts';
import { eagerTensor, fetched, type Tensor } from '../tensor.ts';
import { arg, need, numberArg } from './common.ts';

interface Request {
  readonly boxes: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
  readonly most: number;
  readonly iouThreshold: number;
  readonly scoreThreshold: number;
  readonly softNmsSigma: number;
}

/** A box that waits for its turn; what was selected before `from` has already lowered its score. */
interface Candidate {
  readonly box: number;
  score: number;
  from: number;
}

/** Intersection over union of two boxes [y1, x1, y2, x2] whose corners may come in any order; 0 without area. */
function overlap(boxes: ArrayLike<number>, i: number, j: number): number {
  const sides = (k: number) => {
    const [y1, x1, y2, x2] = [0, 1, 2, 3].map((d) => boxes[4 * k + d]);
    return [Math.min(y1, y2), Math.min(x1, x2), Math.max(y1, y2), Math.max(x1, x2)];
  };
  const [p, q] = [sides(i), sides(j)];
  const area = (s: number[]) => (s[2] - s[0]) * (s[3] - s[1]);
  if (area(p) <= 0 || area(q) <= 0) return 0;
  const height = Math.max(0, Math.min(p[2], q[2]) - Math.max(p[0], q[0]));
  const width = Math.max(0, Math.min(p[3], q[3]) - Math.max(p[1], q[1]));
  return (height * width) / (area(p) + area(q) - height * width);
}

/** Highest score first; of equal ones the earlier box. */
const before = (p: Candidate, q: Candidate): boolean => p.score > q.score || (p.score === q.score && p.box < q.box);

function insert(queue: Candidate[], c: Candidate): void {
  // The queue's end is served first.
  let [low, high] = [0, queue.length];
  while (low < high) {
    const mid = (low + high) >> 1;
    if (before(queue[mid], c)) high = mid;
    else low = mid + 1;
  }
  queue.splice(low, 0, c);
}

/** Greedy selection; a positive sigma lowers the scores of what overlaps (Bodla et al. 2017) instead of dropping it. */
function select(r: Request): { indices: number[]; scores: number[] } {
  const queue: Candidate[] = Array.from({ length: r.scores.length }, (_, box) => ({
    box,
    score: r.scores[box],
    from: 0,
  }))
    .filter((c) => c.score > r.scoreThreshold)
    .sort((p, q) => (before(p, q) ? 1 : -1));
  const indices: number[] = [];
  const scores: number[] = [];
  while (indices.length < r.most) {
    const c = queue.pop();
    if (!c) break;
    const given = c.score;
    let dropped = false;
    for (let k = indices.length - 1; k >= c.from && !dropped && c.score > r.scoreThreshold; k--) {
      const iou = overlap(r.boxes, c.box, indices[k]);
      dropped = iou >= r.iouThreshold;
      if (r.softNmsSigma > 0) c.score *= Math.exp((-0.5 * iou * iou) / r.softNmsSigma);
    }
    c.from = indices.length;
    if (dropped || c.score <= r.scoreThreshold) continue;
    if (c.score === given) {
      indices.push(c.box);
      scores.push(c.score);
    } else insert(queue, c);
  }
  return { indices, scores };
}

function request(
  op: string,
  boxes: TensorLike,
  scores: TensorLike,
  maxOutputSize: number,
  iouThreshold: number,
  scoreThreshold: number,
  softNmsSigma = 0,
): Request {
  const [bs, ss] = [arg(boxes, 'boxes', op), arg(scores, 'scores', op)];
  if (bs.rank !== 2 || bs.shape[1] !== 4)
    throw new ShapeError(`boxes must be [n, 4], got [${bs.shape}]`, { op, fix: 'one row [y1, x1, y2, x2] a box' });
  if (ss.rank !== 1 || ss.shape[0] !== bs.shape[0])
    throw new ShapeError(`scores must be [${bs.shape[0]}], one a box, got [${ss.shape}]`, {
      op,
      fix: 'give one score a box',
    });
  numberArg(scoreThreshold, 'scoreThreshold', op);
  const unit = (x: unknown) => typeof x === 'number' && x >= 0 && x <= 1;
  need(
    Number.isInteger(maxOutputSize) && maxOutputSize >= 0,
    op,
    'maxOutputSize must be a whole number',
    maxOutputSize,
  );
  need(unit(iouThreshold), op, 'iouThreshold must be from 0 to 1', iouThreshold);
  need(unit(softNmsSigma), op, 'softNmsSigma must be from 0 to 1', softNmsSigma);
  if (bs.symbol || ss.symbol)
    throw new TraceError('which boxes are left depends on their elements, which a traced tensor does not have yet', {
      op,
      fix: 'return boxes and scores from the traced function and select outside of it',
    });
  const most = Math.min(maxOutputSize, bs.shape[0]);
  return { boxes: bs.elements(), scores: ss.elements(), most, iouThreshold, scoreThreshold, softNmsSigma };
}

const ints = (xs: readonly number[]): Tensor => eagerTensor(tensorType('i32', [xs.length]), Int32Array.from(xs));

/**
 * Indices (int32) of the boxes that are left, best score first: a box goes where a better one overlaps
 * it by `iouThreshold` or more, or where its score is not above `scoreThreshold`.
 * @param boxes [n, 4], rows [y1, x1, y2, x2]
 */
export const nonMaxSuppression = (
  boxes: TensorLike,
  scores: TensorLike,
  maxOutputSize: number,
  iouThreshold = 0.5,
  scoreThreshold = Number.NEGATIVE_INFINITY,
): Tensor =>
  ints(select(request('nonMaxSuppression', boxes, scores, maxOutputSize, iouThreshold, scoreThreshold)).indices);

/**
 * As `nonMaxSuppression`, with the scores: `{selectedIndices, selectedScores}`.
 * @param softNmsSigma above 0, an overlap lowers a score by exp(-iou^2 / (2 sigma))
 */
export function nonMaxSuppressionWithScore(
  boxes: TensorLike,
  scores: TensorLike,
  maxOutputSize: number,
  iouThreshold = 0.5,
  scoreThreshold = Number.NEGATIVE_INFINITY,
  softNmsSigma = 0,
): { selectedIndices: Tensor; selectedScores: Tensor } {
  const op = 'nonMaxSuppressionWithScore';
  const s = select(request(op, boxes, scores, maxOutputSize, iouThreshold, scoreThreshold, softNmsSigma));
  const selectedScores = eagerTensor(tensorType('f32', [s.scores.length]), Float32Array.from(s.scores));
  return { selectedIndices: ints(s.indices), selectedScores };
}

/**
 * As `nonMaxSuppression`, with the number of boxes left: `{selectedIndices, validOutputs}`.
 * @param padToMaxOutputSize fills the indices up with zeros to `maxOutputSize`
 */
export function nonMaxSuppressionPadded(
  boxes: TensorLike,
  scores: TensorLike,
  maxOutputSize: number,
  iouThreshold = 0.5,
  scoreThreshold = Number.NEGATIVE_INFINITY,
  padToMaxOutputSize = false,
): { selectedIndices: Tensor; validOutputs: Tensor } {
  const op = 'nonMaxSuppressionPadded';
  const { indices } = select(request(op, boxes, scores, maxOutputSize, iouThreshold, scoreThreshold));
  const missing = padToMaxOutputSize ? maxOutputSize - indices.length : 0;
  return {
    selectedIndices: ints([...indices, ...new Array<number>(missing).fill(0)]),
    validOutputs: eagerTensor(tensorType('i32', []), Int32Array.of(indices.length)),
  };
}

/** The arguments, with the elements of tensors in JavaScript. */
async function allFetched<T extends readonly unknown[]>(args: T): Promise<T> {
  await Promise.all(args.map(fetched));
  return args;
}

/** `nonMaxSuppression` as a promise. */
export const nonMaxSuppressionAsync = async (...args: Parameters<typeof nonMaxSuppression>): Promise<Tensor> =>
  nonMaxSuppression(...(await allFetched(args)));
/** `nonMaxSuppressionWithScore` as a promise. */
export const nonMaxSuppressionWithScoreAsync = async (
  ...args: Parameters<typeof nonMaxSuppressionWithScore>
): Promise<ReturnType<typeof nonMaxSuppressionWithScore>> => nonMaxSuppressionWithScore(...(await allFetched(args)));
/** `nonMaxSuppressionPadded` as a promise. */
export const nonMaxSuppressionPaddedAsync = async (
  ...args: Parameters<typeof nonMaxSuppressionPadded>
): Promise<ReturnType<typeof nonMaxSuppressionPadded>> => nonMaxSuppressionPadded(...(await allFetched(args)));
