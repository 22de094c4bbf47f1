// Operators of ai.onnx.ml on numbers: what scikit-learn's converters write. Labels that are texts are refused.

import { b, fixed, product } from '../../formats/functions.ts';
import type { Tensor } from '../../trace/tensor.ts';
import { type Call, define, floats, inDomain, type Operator } from '../call.ts';
import { gatherAxis } from './shapes.ts';
import { type Aggregate, runTrees, type Trees } from './trees.ts';

/** x as rows of float features. */
function rowsOf(c: Call): Tensor {
  const x = b.convert(floats(c.x(0)), 'f32');
  return x.rank === 2 ? x : b.reshape(x, [1, x.size]);
}

/** Scores as probabilities or what else is asked for. */
function transformed(c: Call, y: Tensor): Tensor {
  const how = c.text('post_transform', 'NONE', ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO']);
  if (how === 'LOGISTIC') return b.un('logistic', y);
  if (how === 'NONE') return y;
  if (how === 'SOFTMAX') return b.call('softmax', [y], { axis: 1 });
  // Zeros stay, and count for nothing.
  const live = b.compare('ne', y, 0);
  const powers = b.select(live, b.un('exp', b.sub(y, b.reduceMax(y, [1], true))), b.zerosLike(y));
  return b.div(powers, b.sum(powers, [1], true));
}

/** The labels of classes by number. */
function labelled(c: Call, at: Tensor): Tensor {
  const labels = c.ints('classlabels_ints') ?? c.ints('classlabels_int64s');
  if (!labels?.length) throw c.refuse('its labels are texts', 'export it with labels that are numbers');
  return gatherAxis(fixed(labels, [labels.length], 'i32'), at, 0);
}

const list = (c: Call, name: string): number[] => c.ints(name) ?? [];

/** x W^T + b of coefficients row by row. */
function scores(c: Call, x: Tensor, count: number): Tensor {
  const w = list(c, 'coefficients');
  const features = x.shape[1];
  if (w.length !== count * features)
    throw c.refuse(`${w.length} coefficients for ${count} results of ${features} features`);
  const y = b.matMul(x, fixed(w, [count, features], 'f32'), false, true);
  const bias = list(c, 'intercepts');
  return bias.length ? b.add(y, fixed(bias, [count], 'f32')) : y;
}

function linearClassifier(c: Call): Tensor[] {
  const x = rowsOf(c);
  const count = list(c, 'classlabels_ints').length;
  const y = scores(c, x, count);
  return [labelled(c, b.call('arg_max', [y], { axis: 1 })), transformed(c, y)];
}

function normalizer(c: Call): Tensor {
  const x = rowsOf(c);
  const norm = c.text('norm', 'MAX', ['MAX', 'L1', 'L2']);
  const size = b.un('abs', x);
  const by =
    norm === 'MAX'
      ? b.reduceMax(x, [1], true)
      : norm === 'L1'
        ? b.sum(size, [1], true)
        : b.un('sqrt', b.sum(b.mul(x, x), [1], true));
  return b.reshape(b.select(b.compare('eq', by, 0), x, b.div(x, by)), c.x(0).shape);
}

/** One number for all features, or one each. */
const perFeature = (values: readonly number[], like: Tensor): Tensor =>
  values.length === 1 ? fixed(values, [], like.type.dtype) : fixed(values, [values.length], like.type.dtype);

function scaler(c: Call): Tensor {
  const x = b.convert(c.x(0), 'f32');
  return b.mul(b.sub(x, perFeature(list(c, 'offset'), x)), perFeature(list(c, 'scale'), x));
}

function imputer(c: Call): Tensor {
  const x = c.x(0);
  const whole = x.type.dtype === 'i32';
  const values = list(c, whole ? 'imputed_value_int64s' : 'imputed_value_floats');
  if (values.length === 0) throw c.wrong('it has no values of the dtype of its operand');
  const old = c.number(whole ? 'replaced_value_int64' : 'replaced_value_float', 0);
  const gone = Number.isNaN(old) ? b.un('is_nan', x) : b.compare('eq', x, old);
  return b.select(gone, perFeature(values, x), x);
}

/** Numbers for numbers. */
function labelEncoder(c: Call): Tensor {
  const x = c.x(0);
  const keys = c.tensor('keys_tensor') ?? numbers(c, 'keys');
  const values = c.tensor('values_tensor') ?? numbers(c, 'values');
  if (!keys || !values || keys.size !== values.size)
    throw c.refuse('it maps texts', 'encode labels as numbers before the model');
  const fallback = c.tensor('default_tensor');
  const other = fallback
    ? fallback.elements()[0]
    : values.type.dtype === 'i32'
      ? c.number('default_int64', -1)
      : c.number('default_float', 0);
  const flat = b.reshape(x, [x.size, 1]);
  const own = b.reshape(b.convert(keys, x.type.dtype), [1, keys.size]);
  // From version 4 on NaN is a key like any other.
  const hasNaN = c.version >= 4 && x.type.dtype !== 'i32';
  const same = b.compare('eq', flat, own);
  const both = hasNaN ? b.call('or', b.align(same, b.and(b.un('is_nan', flat), b.un('is_nan', own)))) : same;
  const hit = b.convert(both, 'i32');
  const at = b.select(b.convert(b.reduceMax(hit, [1]), 'bool'), b.call('arg_max', [hit], { axis: 1 }), keys.size);
  const table = b.concat([b.reshape(values, [values.size]), fixed([other], [1], values.type.dtype)], 0);
  return b.reshape(gatherAxis(table, at, 0), x.shape);
}
function numbers(c: Call, name: string): Tensor | undefined {
  const ints = c.ints(`${name}_int64s`);
  if (ints?.length) return fixed(ints, [ints.length], 'i32');
  const real = c.ints(`${name}_floats`);
  return real?.length ? fixed(real, [real.length], 'f32') : undefined;
}

function oneHotEncoder(c: Call): Tensor {
  const x = c.x(0);
  const cats = c.ints('cats_int64s');
  if (!cats?.length) throw c.refuse('its categories are texts', 'encode categories as numbers before the model');
  const wide = b.reshape(b.convert(x, 'i32'), [...x.shape, 1]);
  return b.convert(b.compare('eq', wide, fixed(cats, [cats.length], 'i32')), 'f32');
}

/** Kernels of support vectors with the rows of x. */
function kernelOf(c: Call, x: Tensor, vectors: Tensor): Tensor {
  const [gamma = 0, coef = 0, degree = 0] = list(c, 'kernel_params');
  const dot = b.matMul(x, vectors, false, true);
  switch (c.text('kernel_type', 'LINEAR', ['LINEAR', 'POLY', 'RBF', 'SIGMOID'])) {
    case 'POLY':
      return b.pow(b.add(b.mul(dot, gamma), coef), degree);
    case 'SIGMOID':
      return b.un('tanh', b.add(b.mul(dot, gamma), coef));
    case 'RBF': {
      const square = (t: Tensor) => b.sum(b.mul(t, t), [1]);
      const [p, q] = [b.reshape(square(x), [x.shape[0], 1]), square(vectors)];
      return b.un('exp', b.mul(b.sub(b.add(p, q), b.mul(dot, 2)), -gamma));
    }
    default:
      return dot;
  }
}
function svmRegressor(c: Call): Tensor {
  const x = rowsOf(c);
  const coefficients = list(c, 'coefficients');
  const count = c.number('n_supports', 0);
  const rho = list(c, 'rho')[0] ?? 0;
  const weights = fixed(coefficients, [coefficients.length, 1], 'f32');
  const sums =
    count > 0
      ? b.matMul(kernelOf(c, x, fixed(list(c, 'support_vectors'), [count, x.shape[1]], 'f32')), weights)
      : b.matMul(x, weights);
  const y = b.add(sums, rho);
  return c.flag('one_class') ? b.select(b.compare('gt', y, 0), b.onesLike(y), b.neg(b.onesLike(y))) : transformed(c, y);
}

/** The trees of an ensemble; `own` begins the names of its leaves' attributes. */
function treesOf(c: Call, own: 'target' | 'class'): Trees {
  const text = (name: string) => c.strings(name) ?? [];
  return {
    treeIds: list(c, 'nodes_treeids'),
    nodeIds: list(c, 'nodes_nodeids'),
    features: list(c, 'nodes_featureids'),
    values: list(c, 'nodes_values'),
    modes: text('nodes_modes'),
    yes: list(c, 'nodes_truenodeids'),
    no: list(c, 'nodes_falsenodeids'),
    missing: list(c, 'nodes_missing_value_tracks_true'),
    leafTrees: list(c, `${own}_treeids`),
    leafNodes: list(c, `${own}_nodeids`),
    leafTargets: list(c, `${own}_ids`),
    leafWeights: list(c, `${own}_weights`),
  };
}

function treeRegressor(c: Call): Tensor {
  const targets = c.number('n_targets');
  const how = c.text<Aggregate>('aggregate_function', 'SUM', ['SUM', 'AVERAGE', 'MIN', 'MAX']);
  const y = runTrees(c, rowsOf(c), treesOf(c, 'target'), targets, how);
  const base = list(c, 'base_values');
  return transformed(c, base.length ? b.add(y, fixed(base, [base.length], 'f32')) : y);
}

function treeClassifier(c: Call): Tensor[] {
  const labels = list(c, 'classlabels_int64s');
  const trees = treesOf(c, 'class');
  const x = rowsOf(c);
  const base = list(c, 'base_values');
  const all = runTrees(c, x, trees, Math.max(2, labels.length), 'SUM');
  const single = labels.length === 2 && new Set(trees.leafTargets).size === 1 && base.length < 2;
  if (!single) {
    const y = base.length ? b.add(all, fixed(base, [base.length], 'f32')) : all;
    return [labelled(c, b.call('arg_max', [y], { axis: 1 })), transformed(c, y)];
  }
  // Two classes with the scores of one: probabilities where no weight is negative, else distances.
  const sums = b.sum(all, [1], true);
  const score = base.length ? b.add(sums, base[0]) : sums;
  const probable = trees.leafWeights.every((w) => w >= 0);
  const label = b.convert(b.compare('gt', b.reshape(score, [x.shape[0]]), probable ? 0.5 : 0), 'i32');
  const pair = b.concat([probable ? b.sub(1, score) : b.neg(score), score], 1);
  return [labelled(c, label), probable ? pair : transformed(c, pair)];
}

export const ml: readonly Operator[] = inDomain('ai.onnx.ml', [
  define('ArrayFeatureExtractor', 1, (c) => {
    const [x, at] = [c.x(0), c.x(1)];
    const y = gatherAxis(x, b.reshape(at, [at.size]), x.rank - 1);
    return x.rank === 1 ? b.reshape(y, [1, at.size]) : y;
  }),
  define('Binarizer', 1, (c) => b.convert(b.compare('gt', c.x(0), c.number('threshold', 0)), c.x(0).type.dtype)),
  define('FeatureVectorizer', 1, (c) =>
    b.concat(
      c.all().map((x) => b.convert(b.reshape(x, [x.shape[0], product(x.shape.slice(1))]), 'f32')),
      1,
    ),
  ),
  define('Imputer', 1, imputer),
  define('LabelEncoder', 2, labelEncoder),
  define('LinearClassifier', 1, linearClassifier),
  define('LinearRegressor', 1, (c) => transformed(c, scores(c, rowsOf(c), c.number('targets', 1)))),
  define('Normalizer', 1, normalizer),
  define('OneHotEncoder', 1, oneHotEncoder),
  define('SVMRegressor', 1, svmRegressor),
  define('Scaler', 1, scaler),
  define('TreeEnsembleClassifier', 1, treeClassifier),
  define('TreeEnsembleRegressor', 1, treeRegressor),
]);
