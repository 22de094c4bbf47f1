// Valid calls: creation, moving, indexing, selecting, random numbers.

import { b, f, i } from './operands.ts';

type Rows = Record<string, unknown[][]>;

const creation = (): Rows => ({
  tensor: [[[1, 2, 3, 4], [2, 2], 'int32']],
  scalar: [[1, 'float32']],
  tensor1d: [[[1, 2], 'int32']],
  tensor2d: [[[1, 2, 3, 4], [2, 2], 'float32']],
  tensor3d: [[[1, 2], [1, 2, 1], 'float32']],
  tensor4d: [[[1, 2], [1, 2, 1, 1], 'float32']],
  tensor5d: [[[1, 2], [1, 2, 1, 1, 1], 'float32']],
  tensor6d: [[[1, 2], [1, 2, 1, 1, 1, 1], 'float32']],
  zeros: [[[2, 3], 'int32']],
  ones: [[[2, 3], 'int32']],
  fill: [[[2, 3], 2, 'float32']],
  eye: [[2, 3, [2], 'float32']],
  linspace: [[0, 1, 5]],
  range: [[0, 9, 2, 'int32']],
  oneHot: [[i([4], 0, 3), 3, 1, 0, 'float32']],
  buffer: [[[2, 2], 'float32', Float32Array.of(1, 2, 3, 4)]],
  variable: [[f([3]), true, undefined, 'float32']],
  spec: [[[2, 3], 'float32', 'x']],
  diag: [[f([3])]],
  meshgrid: [[f([3]), f([2]), { indexing: 'ij' }]],
});

const moving = (): Rows => ({
  reshape: [[f([2, 3]), [3, -1]]],
  reshapeAs: [[f([2, 3]), f([6])]],
  flatten: [[f([2, 3])]],
  squeeze: [[f([1, 3, 1]), [0]], [f([1, 3, 1])]],
  expandDims: [[f([2, 3]), 1]],
  transpose: [[f([2, 3, 4]), [2, 0, 1]], [i([2, 3])]],
  broadcastTo: [[f([3]), [2, 3]]],
  broadcastArgs: [[[2, 1], [3]]],
  ensureShape: [[f([2, 3]), [2, null]]],
  cast: [
    [f([3]), 'int32'],
    [b([3]), 'float32'],
  ],
  reverse: [[f([2, 3]), [1]]],
  reverse1d: [[f([3])]],
  reverse2d: [[f([2, 3]), 1]],
  reverse3d: [[f([2, 3, 2]), 1]],
  reverse4d: [[f([2, 3, 2, 1]), [0, 1]]],
  concat: [[[f([2, 3]), f([2, 1])], 1]],
  concat1d: [[[f([2]), f([3])]]],
  concat2d: [[[f([2, 3]), f([2, 1])], 1]],
  concat3d: [[[f([2, 3, 1]), f([2, 1, 1])], 1]],
  concat4d: [[[f([2, 3, 1, 1]), f([2, 1, 1, 1])], 1]],
  stack: [[[f([2, 3]), f([2, 3])], 1]],
  unstack: [[f([2, 3]), 1]],
  split: [
    [f([2, 6]), 3, 1],
    [f([2, 6]), [1, -1], 1],
  ],
  tile: [[f([2, 3]), [2, 1]]],
  pad: [
    [
      f([2, 3]),
      [
        [1, 0],
        [0, 2],
      ],
      5,
    ],
  ],
  pad1d: [[f([3]), [1, 2], 1]],
  pad2d: [
    [
      f([2, 3]),
      [
        [1, 0],
        [0, 2],
      ],
      5,
    ],
  ],
  pad3d: [
    [
      f([1, 2, 3]),
      [
        [0, 0],
        [1, 0],
        [0, 2],
      ],
      5,
    ],
  ],
  pad4d: [
    [
      f([1, 1, 2, 3]),
      [
        [0, 0],
        [0, 0],
        [1, 0],
        [0, 2],
      ],
      5,
    ],
  ],
  mirrorPad: [
    [
      f([3, 4]),
      [
        [1, 1],
        [2, 0],
      ],
      'reflect',
    ],
  ],
  bandPart: [[f([3, 4]), 1, -1]],
  roll: [[f([2, 3]), [1, -1], [0, 1]]],
  spaceToBatchND: [
    [
      f([1, 4, 4, 1]),
      [2, 2],
      [
        [0, 0],
        [0, 0],
      ],
    ],
  ],
  batchToSpaceND: [
    [
      f([4, 2, 2, 1]),
      [2, 2],
      [
        [0, 0],
        [0, 1],
      ],
    ],
  ],
  depthToSpace: [[f([1, 2, 2, 4]), 2, 'NHWC']],
});

const indexing = (): Rows => ({
  at: [
    [f([3, 4]), '1:, ::-1'],
    [f([3, 4]), i([2], 0, 2), ':'],
  ],
  slice: [[f([3, 4]), [1, 0], [2, -1]]],
  slice1d: [[f([3]), 1, 2]],
  slice2d: [[f([3, 4]), [1, 0], [2, -1]]],
  slice3d: [[f([3, 4, 2]), [1, 0, 0], [2, -1, 1]]],
  slice4d: [[f([3, 4, 2, 1]), [1, 0, 0, 0], [2, -1, 1, 1]]],
  stridedSlice: [[f([4, 5]), [0, 4], [4, 0], [2, -1], 1, 0, 0, 0, 0]],
  gather: [
    [f([4, 3]), i([2, 2], 0, 3), 0],
    [f([2, 4]), i([2, 3], 0, 3), 1, 1],
  ],
  gatherND: [[f([4, 3]), i([2, 1], 0, 3)]],
  scatterND: [[i([3, 1], 0, 3), f([3, 2]), [4, 2]]],
  tensorScatterAdd: [[f([4, 2]), i([3, 1], 0, 3), f([3, 2])]],
  tensorScatterUpdate: [[f([4, 2]), i([3, 1], 0, 3), f([3, 2])]],
  tensorScatterMax: [[f([4, 2]), i([3, 1], 0, 3), f([3, 2])]],
  tensorScatterMin: [[f([4, 2]), i([3, 1], 0, 3), f([3, 2])]],
  sparseToDense: [[i([3, 1], 0, 4), f([3]), [5], 0]],
  unsortedSegmentSum: [[f([4, 2]), i([4], 0, 2), 3]],
  bincount: [
    [i([6], 0, 4), f([6]), 5],
    [i([6], 0, 4), null, 5],
  ],
  denseBincount: [[i([2, 6], 0, 4), null, 5, true]],
  'math.confusionMatrix': [[i([6], 0, 2), i([6], 0, 2), 3]],
  inTopK: [[f([3, 4]), i([3], 0, 3), 2]],
  inTopKAsync: [[f([3, 4]), i([3], 0, 3), 2]],
  whereAsync: [[b([2, 3])]],
  booleanMask: [[f([3, 2]), b([3]), 0]],
  booleanMaskAsync: [[f([3, 2]), b([3]), 0]],
  unique: [[i([6], 0, 2), 0]],
  setdiff1dAsync: [[i([6], 0, 4), i([2], 0, 4)]],
});

const drawing = (): Rows => ({
  rand: [[[2, 2], () => 0.5, 'float32']],
  randomUniform: [[[2, 3], 0, 1, 'float32', 1]],
  randomUniformInt: [[[2, 3], 0, 9, 1]],
  randomNormal: [[[2, 3], 0, 1, 'float32', 1]],
  randomStandardNormal: [[[2, 3], 'float32', 1]],
  truncatedNormal: [[[2, 3], 0, 1, 'float32', 1]],
  randomGamma: [[[2, 3], 2, 1, 'float32', 1]],
  randomBernoulli: [[[2, 3], 0.5, 1]],
  multinomial: [[f([2, 3]), 4, 1, false]],
  setRandomSeed: [[1]],
  'random.statelessUniform': [[[2, 3], [1, 2], 0, 1, 'float32']],
  'random.statelessNormal': [[[2, 3], [1, 2], 0, 1, 'float32']],
  'random.statelessTruncatedNormal': [[[2, 3], [1, 2], 0, 1, 'float32']],
  'random.statelessGamma': [[[2, 3], [1, 2], 2, 1, 'float32']],
  'random.statelessBernoulli': [[[2, 3], [1, 2], 0.5]],
  'random.statelessCategorical': [[f([2, 3]), 4, [1, 2]]],
  'random.permutation': [[5, [1, 2]]],
  'random.shuffle': [[f([4, 2]), [1, 2]]],
  'random.split': [[[1, 2], 3]],
});

export const shapeCalls = (): Rows => ({ ...creation(), ...moving(), ...indexing(), ...drawing() });
