// Cases of ai.onnx.ml.

import { f, i64, type OpCase, one } from '../build.ts';

const ml = { domain: 'ai.onnx.ml' };
const x = f([4, 3]);
const floats = (...values: number[]) => ({ float: values });

/** Two trees over three features. */
const nodes = {
  nodes_treeids: [0, 0, 0, 0, 0, 1, 1, 1],
  nodes_nodeids: [0, 1, 2, 3, 4, 0, 1, 2],
  nodes_featureids: [0, 1, 0, 0, 0, 2, 0, 0],
  nodes_values: floats(0.1, -0.5, 0, 0, 0, 0.3, 0, 0),
  nodes_modes: ['BRANCH_LEQ', 'BRANCH_LT', 'LEAF', 'LEAF', 'LEAF', 'BRANCH_GT', 'LEAF', 'LEAF'],
  nodes_truenodeids: [1, 3, 0, 0, 0, 1, 0, 0],
  nodes_falsenodeids: [2, 4, 0, 0, 0, 2, 0, 0],
};
const leaves = (own: string, ids: number[], weights: number[]) => ({
  [`${own}_treeids`]: [0, 0, 0, 1, 1],
  [`${own}_nodeids`]: [2, 3, 4, 1, 2],
  [`${own}_ids`]: ids,
  [`${own}_weights`]: floats(...weights),
});
/** One mode, as converters write it. */
const leq = { ...nodes, nodes_modes: nodes.nodes_modes.map((m) => (m === 'LEAF' ? m : 'BRANCH_LEQ')) };

export const learnedCases: readonly OpCase[] = [
  one('ArrayFeatureExtractor', 17, [x, i64([2], [2, 0])], {}, ml),
  one('Binarizer', 17, [x], { threshold: 0.5 }, ml),
  one('FeatureVectorizer', 17, [f([2, 2], [1, 2, 3, 4]), f([2, 1], [5, 6])], { inputdimensions: [2, 1] }, ml),
  one(
    'Imputer',
    17,
    [f([2, 3], [1, Number.NaN, 3, Number.NaN, 5, 6])],
    { imputed_value_floats: floats(7, 8, 9), replaced_value_float: { float: Number.NaN } },
    ml,
  ),
  one(
    'LabelEncoder',
    17,
    [i64([4], [3, 1, 9, 2])],
    { keys_int64s: [1, 2, 3], values_floats: floats(0.5, 1.5, 2.5), default_float: { float: -7 } },
    { ...ml, domainVersion: 2 },
  ),
  one(
    'LabelEncoder',
    17,
    [f([3], [1.5, Number.NaN, 4])],
    { keys_floats: floats(1.5, Number.NaN), values_int64s: [10, 20], default_int64: 5 },
    { ...ml, domainVersion: 4, note: 'to ints' },
  ),
  one(
    'LinearRegressor',
    17,
    [x],
    { coefficients: floats(0.5, -1.5, 2, 1, 0.25, -0.5), intercepts: floats(0.1, -0.2), targets: 2 },
    ml,
  ),
  one(
    'LinearClassifier',
    17,
    [x],
    {
      coefficients: floats(0.5, -1.5, 2, 1, 0.25, -0.5, 0.3, 0.2, 0.1),
      intercepts: floats(0.1, -0.2, 0.3),
      classlabels_ints: [10, 20, 30],
      post_transform: 'SOFTMAX',
    },
    { ...ml, outputs: 2 },
  ),
  ...['MAX', 'L1', 'L2'].map((norm) =>
    one('Normalizer', 17, [f([3, 4], undefined, [0.1, 3])], { norm }, { ...ml, note: norm }),
  ),
  one('OneHotEncoder', 17, [i64([3], [2, 7, 5])], { cats_int64s: [5, 2, 9], zeros: 1 }, ml),
  one('Scaler', 17, [x], { offset: floats(0.5, -1, 0.25), scale: floats(2, 0.5, 1.5) }, ml),
  ...(['LINEAR', 'POLY', 'RBF', 'SIGMOID'] as const).map((kernel_type) =>
    one(
      'SVMRegressor',
      17,
      [x],
      {
        kernel_type,
        kernel_params: floats(0.4, 0.3, 2),
        coefficients: floats(0.5, -0.7),
        support_vectors: floats(0.1, 0.2, 0.3, -0.4, 0.5, 0.6),
        n_supports: 2,
        rho: floats(0.25),
      },
      { ...ml, note: kernel_type },
    ),
  ),
  one(
    'SVMRegressor',
    17,
    [x],
    {
      kernel_type: 'LINEAR',
      kernel_params: floats(0, 0, 0.5),
      coefficients: floats(0.5, -0.7, 0.2),
      rho: floats(0.25),
    },
    { ...ml, note: 'linear weights' },
  ),
  ...['SUM', 'AVERAGE', 'MIN', 'MAX'].map((aggregate_function) =>
    one(
      'TreeEnsembleRegressor',
      17,
      [x],
      {
        ...leq,
        ...leaves('target', [0, 0, 0, 0, 0], [1.5, -2.5, 3.5, 0.25, -0.75]),
        n_targets: 1,
        aggregate_function,
        base_values: floats(0.125),
      },
      { ...ml, note: aggregate_function },
    ),
  ),
  one(
    'TreeEnsembleRegressor',
    17,
    [x],
    { ...nodes, ...leaves('target', [0, 1, 0, 1, 0], [1.5, -2.5, 3.5, 0.25, -0.75]), n_targets: 2 },
    { ...ml, note: 'modes, two targets' },
  ),
  one(
    'TreeEnsembleClassifier',
    17,
    [x],
    {
      ...leq,
      ...leaves('class', [0, 1, 2, 1, 2], [0.5, 0.75, 0.25, 0.5, 0.125]),
      classlabels_int64s: [7, 8, 9],
      post_transform: 'SOFTMAX',
    },
    { ...ml, outputs: 2 },
  ),
  one(
    'TreeEnsembleClassifier',
    17,
    [x],
    { ...leq, ...leaves('class', [0, 0, 0, 0, 0], [0.25, 0.5, 0.125, 0.25, 0.5]), classlabels_int64s: [0, 1] },
    { ...ml, outputs: 2, note: 'probabilities' },
  ),
  one(
    'TreeEnsembleClassifier',
    17,
    [x],
    {
      ...leq,
      ...leaves('class', [0, 0, 0, 0, 0], [0.25, -0.5, 0.125, -0.25, 0.5]),
      classlabels_int64s: [0, 1],
      post_transform: 'LOGISTIC',
    },
    { ...ml, outputs: 2, note: 'distances' },
  ),
];
