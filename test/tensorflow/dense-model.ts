// A dense layer as a SavedModel of TensorFlow 2: Variables, a function that predicts, and one that restores.

import { bundle, numbers } from './bundle.ts';
import {
  attr,
  functionDef,
  graphDef,
  node,
  type SavedModelParts,
  savedModel,
  tensorProto,
  textProto,
} from './proto.ts';

export const float = { T: attr.type('float32') };
export const constant = (name: string, value: Uint8Array, dtype = 'float32') =>
  node(name, 'Const', [], { value: attr.tensor(value), dtype: attr.type(dtype) });
const handle = (name: string, shape: readonly number[]) =>
  node(name, 'VarHandleOp', [], {
    dtype: attr.type('float32'),
    shape: attr.shape(shape),
    shared_name: attr.text(name),
  });
const read = (name: string, from: string) => node(name, 'ReadVariableOp', [from], { dtype: attr.type('float32') });

/** y = x w + b, by a function that takes the handles; another function restores, as TensorFlow 2 writes both. */
const dense = graphDef(
  [
    node('serving_default_x', 'Placeholder', [], { dtype: attr.type('float32'), shape: attr.shape([-1, 2]) }),
    node('saver_filename', 'Placeholder', [], { dtype: attr.type('string'), shape: attr.shape([]) }),
    handle('w', [2, 3]),
    handle('b', [3]),
    node('StatefulPartitionedCall', 'StatefulPartitionedCall', ['serving_default_x', 'w', 'b'], {
      f: attr.func('forward'),
    }),
    node('StatefulPartitionedCall_1', 'StatefulPartitionedCall', ['saver_filename', 'w', 'b'], {
      f: attr.func('restore'),
    }),
  ],
  [
    functionDef(
      'forward',
      ['x', 'w', 'b'],
      ['y', 'doubled'],
      [
        read('MatMul/ReadVariableOp', 'w'),
        node('MatMul', 'MatMul', ['x', 'MatMul/ReadVariableOp:value:0'], float),
        read('Read_1', 'b'),
        node('BiasAdd', 'BiasAdd', ['MatMul:product:0', 'Read_1:value:0'], float),
        constant('two', tensorProto('float32', [], [2])),
        node('Mul', 'Mul', ['BiasAdd:output:0', 'two:output:0'], float),
        node('NoOp', 'NoOp', ['^Read_1', '^MatMul/ReadVariableOp']),
        node('Identity', 'Identity', ['BiasAdd:output:0', '^NoOp'], float),
      ],
      { y: 'Identity:output:0', doubled: 'Mul:z:0' },
    ),
    functionDef(
      'restore',
      ['file_prefix', 'w', 'b'],
      ['done'],
      [
        constant('names', textProto([2], ['w/value', 'b/value']), 'string'),
        constant('slices', textProto([2], ['', '']), 'string'),
        node('RestoreV2', 'RestoreV2', ['file_prefix', 'names:output:0', 'slices:output:0'], {
          dtypes: attr.types(['float32', 'float32']),
        }),
        node('Identity_w', 'Identity', ['RestoreV2:tensors:0'], float),
        node('AssignW', 'AssignVariableOp', ['w', 'Identity_w:output:0']),
        node('Identity_b', 'Identity', ['RestoreV2:tensors:1'], float),
        node('AssignB', 'AssignVariableOp', ['b', 'Identity_b:output:0']),
        node('NoOp', 'NoOp', ['^AssignW', '^AssignB']),
        node('Identity_1', 'Identity', ['file_prefix', '^NoOp'], { T: attr.type('string') }),
      ],
      { done: 'Identity_1:output:0' },
      { AssignW: 'AssignW', AssignB: 'AssignB' },
    ),
  ],
);
const x = ['serving_default_x:0', 'float32', [-1, 2]] as const;
export const denseParts: SavedModelParts = {
  graph: dense,
  signatures: {
    serving_default: {
      inputs: { x },
      outputs: {
        y: ['StatefulPartitionedCall:0', 'float32', [-1, 3]],
        doubled: ['StatefulPartitionedCall:1', 'float32', [-1, 3]],
      },
      method: 'tensorflow/serving/predict',
    },
    score: {
      inputs: { inputs: x },
      outputs: { outputs: ['StatefulPartitionedCall:0', 'float32', [-1, 3]] },
      method: 'tensorflow/serving/regress',
    },
  },
  saver: { filename: 'saver_filename:0', restore: 'StatefulPartitionedCall_1' },
  variables: { w: true, b: false },
};
export const w = [1, 2, 3, 4, 5, 6];
export const variables = bundle(
  [numbers('w/value', 'float32', [2, 3], w), numbers('b/value', 'float32', [3], [0.5, 0, -0.5])],
  { compressed: true },
);
export const bytes = { savedModel: savedModel(denseParts), variables };
