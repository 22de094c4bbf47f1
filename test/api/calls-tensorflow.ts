// Calls of what reads TensorFlow's files.

import { bundle, numbers } from '../tensorflow/bundle.ts';
import { modelOf } from '../tensorflow/case.ts';
import { cases } from '../tensorflow/cases.ts';
import { bytes } from '../tensorflow/dense-model.ts';
import type { Rows } from './calls.ts';

const parts = modelOf(cases[0]);

export const tensorflowCalls = (): Rows => ({
  loadGraphModel: [[{ load: async () => parts }, { trainable: true }]],
  loadGraphModelSync: [[parts, { trainable: true }], [{ load: () => parts }]],
  prepareGraphModels: [[]],
  loadSavedModel: [[bytes, ['serve'], 'score']],
  'node.loadSavedModel': [[bytes, ['serve'], 'score']],
  'node.getMetaGraphsFromSavedModel': [[bytes]],
  loadTensorFlowCheckpoint: [[bundle([numbers('a', 'float32', [2], [1, 2])])]],
});
