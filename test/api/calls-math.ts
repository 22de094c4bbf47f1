// Valid calls: element-wise functions, reductions, running reductions, linear algebra, transforms.

import { b, c, definite, f, i, triangle } from './operands.ts';

const reals = ['ceil', 'floor', 'round', 'expm1', 'sin', 'cos', 'tan', 'atan', 'sinh', 'cosh', 'tanh', 'asinh'];
const more = ['erf', 'erfc', 'sigmoid', 'softplus', 'logSigmoid', 'isInf', 'isFinite', 'isNaN', 'selu', 'silu', 'elu'];
const numbers = ['abs', 'neg', 'sign', 'square', 'relu', 'relu6', 'stopGradient', 'clone', 'zerosLike', 'onesLike'];
const positive = ['sqrt', 'rsqrt', 'log', 'log1p', 'lgamma', 'digamma', 'reciprocal'];
const arithmetic = ['add', 'sub', 'mul', 'maximum', 'minimum', 'squaredDifference', 'divNoNan'];
const comparisons = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'];
const complexUnary = ['abs', 'neg', 'exp', 'square', 'clone', 'conj', 'real', 'imag', 'angle', 'reciprocal'];
const complexBinary = ['add', 'sub', 'mul', 'div', 'equal', 'notEqual'];

type Rows = Record<string, unknown[][]>;
const each = (names: readonly string[], args: () => unknown[][]): Rows =>
  Object.fromEntries(names.map((n) => [n, args()]));

/** Functions of one or two tensors, element by element. */
function elementwise(): Rows {
  return {
    ...each([...reals, ...more], () => [[f([3, 5])]]),
    ...each(numbers, () => [[f([3, 5])], [i([7])]]),
    ...each(positive, () => [[f([3, 5], 0.1, 4)]]),
    ...each(['asin', 'acos', 'atanh'], () => [[f([3, 5], -0.9, 0.9)]]),
    acosh: [[f([3, 5], 1.1, 4)]],
    exp: [[f([3, 5])]],
    step: [[f([6]), 0.5]],
    leakyRelu: [[f([2, 3]), 0.1]],
    gelu: [[f([2, 3])], [f([2, 3]), true]],
    prelu: [[f([2, 3]), f([3])]],
    clipByValue: [[f([2, 3]), -1, 1]],
    ...each(arithmetic, () => [
      [f([2, 3]), f([3])],
      [i([2, 3]), i([2, 1])],
      [f([4]), 2],
    ]),
    ...each(['div', 'floorDiv', 'mod'], () => [
      [f([2, 3]), f([3], 0.5, 2)],
      [i([2, 3]), i([2, 1], 1, 3)],
    ]),
    pow: [[f([2, 3], 0.1, 2), f([3])]],
    atan2: [[f([2, 3]), f([3])]],
    ...each(comparisons, () => [
      [f([2, 3]), f([3])],
      [i([2, 3]), i([2, 1])],
    ]),
    ...each(['logicalAnd', 'logicalOr', 'logicalXor'], () => [[b([2, 3]), b([3])]]),
    logicalNot: [[b([2, 3])]],
    bitwiseAnd: [[i([2, 3]), i([3])]],
    where: [[b([2, 3]), f([3]), f([2, 1])]],
    addN: [[[f([3]), f([3])]]],
    complex: [[f([3]), f([3])]],
  };
}

/** The same on complex tensors, where they are taken. */
const complexCalls = (): Rows => ({
  ...each(complexUnary, () => [[c([5])]]),
  ...each(complexBinary, () => [[c([2, 3]), f([3])]]),
  matMul: [[c([2, 3]), c([3, 2])]],
  sum: [[c([2, 3]), 1]],
  fft: [[c([2, 6])]],
  ifft: [[c([5])]],
  fft2d: [[c([3, 4])]],
  ifft2d: [[c([3, 4])]],
  irfft: [[c([2, 4]), 6]],
  'spectral.fft': [[c([4])]],
  'spectral.ifft': [[c([4])]],
  'spectral.fft2d': [[c([2, 2])]],
  'spectral.ifft2d': [[c([2, 2])]],
  'spectral.irfft': [[c([3])]],
});

const reductions = (): Rows => ({
  ...each(['sum', 'prod', 'max', 'min', 'mean'], () => [[f([2, 3]), 1], [i([2, 3]), [-1], true], [f([4])]]),
  ...each(['all', 'any'], () => [[b([2, 3]), 1, true]]),
  ...each(['moments', 'logSumExp', 'euclideanNorm'], () => [[f([2, 3]), [1], true]]),
  norm: [[f([2, 3]), 1, -1], [f([2, 3])]],
  ...each(['argMax', 'argMin'], () => [[f([2, 3]), 1]]),
  ...each(['cumsum', 'cumprod', 'cumMax', 'cumMin', 'logCumSumExp'], () => [[f([2, 3]), 1, true, false]]),
  ...each(['sort', 'argsort'], () => [[f([2, 5]), 1, 'DESCENDING']]),
  sortByKey: [[f([5]), i([5]), 0, 'ASCENDING']],
  topk: [[f([2, 5]), 3, true]],
  searchSorted: [[[1, 2, 3, 4], f([3], 0, 5), 'right']],
  ...each(['lowerBound', 'upperBound'], () => [[[1, 2, 3, 4], f([3], 0, 5)]]),
});

const matrices = (): Rows => ({
  matMul: [
    [f([2, 3]), f([3, 4])],
    [f([2, 3, 4]), f([2, 5, 4]), false, true],
  ],
  dot: [[f([2, 3]), f([3])]],
  outerProduct: [[f([2]), f([3])]],
  einsum: [['ij,jk->ik', f([2, 3]), f([3, 4])]],
  ...each(['linalg.cholesky', 'linalg.eigh', 'linalg.eigvalsh', 'linalg.inv', 'linalg.det'], () => [
    [definite([3, 3])],
    [definite([2, 4, 4])],
  ]),
  ...each(['linalg.lu', 'linalg.slogdet', 'linalg.trace', 'linalg.diagPart'], () => [[definite([3, 3])]]),
  ...each(['linalg.qr', 'linalg.svd'], () => [[f([4, 3])], [f([4, 3]), true]]),
  'linalg.pinv': [[f([4, 3])]],
  'linalg.lstsq': [[f([4, 3]), f([4, 2])]],
  'linalg.bandPart': [[f([3, 4]), 1, -1]],
  'linalg.triangularSolve': [[triangle(3), f([3, 2]), true, false]],
  'linalg.choleskySolve': [[triangle(3), f([3, 2])]],
  'linalg.solve': [[definite([3, 3]), f([3, 2]), true]],
  'linalg.cross': [[f([2, 3]), f([2, 3])]],
  'linalg.gramSchmidt': [[f([3, 4])]],
  rfft: [[f([2, 6]), 8]],
  'spectral.rfft': [[f([4])]],
  'signal.stft': [[f([20]), 8, 4]],
});

/** Calls of functions of one name from several tables, together. */
function merged(tables: readonly Rows[]): Rows {
  const out: Rows = {};
  for (const t of tables) for (const [name, rows] of Object.entries(t)) out[name] = [...(out[name] ?? []), ...rows];
  return out;
}

export const mathCalls = (): Rows => merged([elementwise(), complexCalls(), reductions(), matrices()]);
